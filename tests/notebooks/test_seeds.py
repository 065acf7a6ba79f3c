"""Whatever points a student's seed draws, the reference earns everything."""

import contextlib
import io

import pytest

from course.notebook import grade_id, is_setup, is_solution, is_test
from course.runner import execute
from helpers.checks import Outcome, seeded

SEEDS = [b"seed %d" % number for number in range(25)]


@pytest.mark.slow
def test_the_reference_earns_everything_whatever_the_seed(source, monkeypatch):
    monkeypatch.setenv("COURSE_PACE", "short")
    monkeypatch.chdir(source.path.parent)
    names, failed = {"__name__": "__main__"}, []
    for cell in source.notebook.cells:
        with contextlib.redirect_stdout(io.StringIO()):
            if is_setup(cell) or (is_solution(cell) and cell.cell_type == "code"):
                execute(cell.source, f"<{cell.id}>", names)
            for seed in SEEDS if is_test(cell) else ():
                own = dict(names)
                with seeded(seed):
                    execute(cell.source, f"<{cell.id}>", own)
                failed += [
                    (grade_id(cell), check.name, seed, check.message)
                    for check in own["q"].results
                    if check.outcome is not Outcome.PASSED
                ]
    assert failed == []
