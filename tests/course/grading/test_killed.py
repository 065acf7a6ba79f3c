"""`course grade`, killed at any moment and run again, leaves what an undisturbed run leaves."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from course.grading.grade import grade_class
from course.judge.sandbox import missing
from tests.course.conftest import RIGHT, TWICE, HandIn

KILLS = 5


def grades(root: Path) -> list[tuple[str, ...]]:
    """Return all that the gradebook says of grades, without its own random numbers."""
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        return sorted(
            (
                submission.student.id,
                grade.name,
                str(grade.auto_score),
                str(grade.needs_manual_grade),
            )
            for assignment in gradebook.assignments
            for submission in assignment.submissions
            for notebook in submission.notebooks
            for grade in notebook.grades
        )


@pytest.mark.slow
@pytest.mark.skipif(bool(missing()), reason="where nothing is confined, nothing is graded")
def test_a_kill_at_any_moment_costs_nothing(
    released: Path, hand_in: HandIn, tmp_path: Path
) -> None:
    hand_in(released, "ada", double=RIGHT, quadruple=TWICE, why_twice="So.")
    hand_in(released, "bob", double="def double(x):\n    return x", quadruple=TWICE)
    hand_in(released, "cat")
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(released, undisturbed)
    began = time.monotonic()
    grade_class(undisturbed, jobs=1)
    whole = time.monotonic() - began
    chance = random.Random(6)
    command = [sys.executable, "-c", "from course.cli import app; app()", "grade", "--force"]
    command += ["--jobs", "1"]
    for _ in range(KILLS):
        one = subprocess.Popen(
            command, cwd=released, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        time.sleep(chance.uniform(0.3, 1.2 * whole + 1))
        if one.poll() is None:
            os.killpg(one.pid, signal.SIGKILL)
        one.wait()
    outcomes = grade_class(released, jobs=1)
    assert len(outcomes) == 3
    assert grades(released) == grades(undisturbed) != []
