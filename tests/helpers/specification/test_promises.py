"""Where specifications are found, and what they are about."""

from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from helpers.checks import Question
from helpers.specification.promises import VARIABLE, Promises, promise, promised

TEXT = """
from helpers.specification import interaction, part


def steps(t):
    t.make().total(2)


adding = interaction(part("adds", essential=True, of="Sum", steps=steps))
"""
SOLUTION = """
class Sum:
    def total(self, n):
        return n + 1
"""


def test_a_class_need_not_be_called_like_its_exercise() -> None:
    known = Promises(TEXT, (), {"adding": SOLUTION})
    assert known.of("adding").reference is None
    names: dict[str, object] = {"Question": Question}
    exec(SOLUTION.replace("n + 1", "n + 2"), names)
    with promised(known):
        exec('q = Question("Sums", 1)\nq.compare("adding")', names)
    (result,) = names["q"].results  # type: ignore[attr-defined]
    assert not result.passed
    assert "Sum()" in result.message


def test_the_cause_can_be_left_out_after_it_was_looked_for() -> None:
    known = Promises(TEXT, (), {"adding": SOLUTION})
    assert known.of("adding").explained
    assert not replace(known, explained=False).of("adding").explained
    assert known.of("adding").explained


def test_a_kernel_that_runs_on_sees_a_specification_that_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = {"nbgrader": {"solution": True, "grade_id": "adding"}}
    cells = [new_code_cell(SOLUTION, metadata=marks)]
    nbformat.write(new_notebook(cells=cells), tmp_path / "sums.ipynb")
    module = tmp_path / "specifications" / "sums.py"
    module.parent.mkdir()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "sums.ipynb"))
    for name in ("adds", "adds up"):
        module.write_text(TEXT.replace("adds", name))
        with promised(None):
            assert promise("adding").specification.parts[0].name == name
