"""Whatever exercise is left out, alone: every cell runs in a real kernel, as a student sees it."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course.notebooks.cells import grade_id, is_solution, read
from helpers.pace import VARIABLE

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def left_out(source, exercise):
    """Return the released notebook with every exercise solved but one."""
    solved = {grade_id(cell): cell.source for cell in source.notebook.cells if is_solution(cell)}
    nb = read(ROOT / "release" / source.assignment / f"{source.name}.ipynb")
    for cell in nb.cells:
        if is_solution(cell) and grade_id(cell) != exercise.id:
            cell.source = solved[grade_id(cell)]
    return nb


@pytest.mark.one_in(24)  # each starts a kernel
def test_an_exercise_left_out_stops_no_cell(source, exercise, tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "short")
    for path in source.folder.glob("*.npz"):
        shutil.copy(path, tmp_path)
    notebook = tmp_path / f"{source.name}.ipynb"
    nbformat.write(left_out(source, exercise), notebook)
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "notebook", "--execute"]
    done = subprocess.run([*command, "--inplace", notebook], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    texts = [
        output.get("data", {}).get("text/html", "")
        for cell in read(notebook).cells
        for output in cell.get("outputs", [])
    ]
    assert any("not attempted yet" in text for text in texts)
