"""The course's steps in nbgrader's pipelines, alone and in the real commands."""

import csv
import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from course.authoring.release import make_release
from course.grading.plugins import CleanOutputs, HideTests
from course.notebooks.cells import grade_id, read


def cell(nb, name):
    return next(cell for cell in nb.cells if cell.id == name)


def nbgrader(root, *arguments):
    command = [sys.executable, "-m", "nbgrader", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)


# --- outputs --------------------------------------------------------------------------------------


def test_other_media_types_and_metadata_are_dropped():
    data = {"text/plain": "x", "image/png": "AAAA", "application/javascript": "alert(1)"}
    metadata = {"image/png": {"alt": "a line", "width": "1 onload=alert(1)"}, "isolated": True}
    shown = new_output("display_data", data=data, metadata=metadata)
    code = new_code_cell("x", outputs=[shown, new_output("stream", text="kept")])
    cleaned, _ = CleanOutputs().preprocess_cell(code, {}, 0)
    assert cleaned.outputs[0].data == {"text/plain": "x", "image/png": "AAAA"}
    assert cleaned.outputs[0].metadata == {"image/png": {"alt": "a line"}}
    assert cleaned.outputs[1].text == "kept"


# --- hidden tests ---------------------------------------------------------------------------------


def test_feedback_shows_neither_hidden_tests_nor_tracebacks_that_quote_them(notebook):
    test = cell(notebook, "test_double")
    test.outputs = [
        new_output("error", ename="KeyboardInterrupt", evalue="", traceback=["secret line"])
    ]
    hidden, _ = HideTests().preprocess_cell(test, {}, 0)
    assert "is right anywhere" not in hidden.source
    assert hidden.outputs[0].traceback == [
        "KeyboardInterrupt: this question could not be run to its end."
    ]


def test_marks_in_a_students_own_cell_are_left_alone(notebook):
    answer = cell(notebook, "double")
    answer.source = "### BEGIN HIDDEN TESTS"
    answer.outputs = [new_output("error", ename="E", evalue="", traceback=["my own line"])]
    shown, _ = HideTests().preprocess_cell(answer, {}, 0)
    assert shown.source == "### BEGIN HIDDEN TESTS"
    assert shown.outputs[0].traceback == ["my own line"]


# --- the real commands ----------------------------------------------------------------------------

LOOP = """\
def double(x):
    while len(x) != 2:
        pass
    return 2 * np.asarray(x)"""

PACE = """\
def quadruple(x):
    from helpers import pace
    print("short" if pace.is_short() else "full")
    return 4 * x"""

EVIL = """\
<script>alert("markdown")</script>

![photo](attachment:photo.png) and **bold** and $a < b$

[x](javascript:alert("link"))"""

SHOW = """\
from IPython.display import HTML, Javascript, display
display(HTML("<script>alert('html')</script><b>shown</b>"))
display(Javascript("alert('javascript')"))
display({"image/png": "AAAA"}, raw=True, metadata={"image/png": {"width": "1 onload=alert(1)"}})"""


@pytest.mark.slow
def test_plain_nbgrader_commands_grade_in_a_kernel_and_give_feedback(course_root):
    use_a_kernel(course_root)
    make_release(course_root)
    nb = read(course_root / "release/01_doubling/doubling.ipynb")
    cell(nb, "double").source = LOOP
    cell(nb, "quadruple").source = PACE
    photo = {"photo.png": {"image/png": "iVBORw0KGgo="}}
    nb.cells.append(new_markdown_cell(EVIL, attachments=photo))
    nb.cells.append(new_code_cell(SHOW))
    nb.cells.append(new_code_cell("print('x\\n' * 5000)"))
    folder = course_root / "submitted/ada/01_doubling"
    folder.mkdir(parents=True)
    nbformat.write(nb, folder / "doubling.ipynb")

    nbgrader(course_root, "autograde", "01_doubling")
    graded = read(course_root / "autograded/ada/01_doubling/doubling.ipynb")
    errors = [o for o in cell(graded, "test_double").outputs if o.output_type == "error"]
    assert {error.ename for error in errors} == {"KeyboardInterrupt", "CellTimeoutError"}
    assert "q.rng.normal" not in nbformat.writes(graded)
    assert cell(graded, "test_quadruple").outputs[-1].data["text/plain"] == "1"
    assert "short" in cell(graded, "test_quadruple").outputs[0].text
    assert len(graded.cells[-1].outputs[0].text.splitlines()) <= 301
    assert "COURSE_PACE" not in os.environ

    nbgrader(course_root, "generate_feedback", "01_doubling")
    html = (course_root / "feedback/ada/01_doubling/doubling.html").read_text()
    assert html.count("is right anywhere") == 1  # in the promise, under the statement
    assert "q.rng.normal" not in html
    assert "could not be run to its end" in html
    assert harmful(html) == []
    for words in (
        "iVBORw0KGgo=",
        "<strong>bold</strong>",
        "<b>shown</b>",
        "<details>",
        "data:image/png",
    ):
        assert words in html


def harmful(html):
    """Return the tags that run what Ada wrote."""
    return [
        tag
        for tag in BeautifulSoup(html, "html.parser").find_all()
        if (tag.name == "script" and "alert" in tag.text)
        or any(name.startswith("on") or "javascript:" in str(of) for name, of in tag.attrs.items())
    ]


# What calls LOOP waits for the end of its time; nothing else hangs on how busy a machine is.
PATIENT = """
ENDLESS = ('q = Question("Double"', "line = double(")
c.Execute.timeout_func = lambda cell: 3 if cell.source.startswith(ENDLESS) else 600
c.Execute.iopub_timeout = 600
"""


def use_a_kernel(root):
    """Let nbgrader run submissions in a Jupyter kernel, and not the judge."""
    config = root / "nbgrader_config.py"
    text = config.read_text()
    for old, new in {
        "from course.judge.preprocessor import Judge": (
            "from course.grading.plugins import ExecuteShort as Judge"
        ),
    }.items():
        assert old in text
        text = text.replace(old, new)
    config.write_text(text + PATIENT)


DELETED = {
    "a test cell": (["test_double"], 4),
    "an answer": (["double"], 0),
    "a whole exercise": (["quadruple", "test_quadruple"], 3),
    "the first cells": (["imports", "double", "test_double"], 0),
    "everything": (None, 0),
}


@pytest.mark.slow
def test_deleted_cells_are_put_back_and_cost_no_more_than_themselves(course_root):
    make_release(course_root)
    released = course_root / "release/01_doubling/doubling.ipynb"
    order = [c.id for c in read(released).cells if "nbgrader" in c.metadata]
    for student, (deleted, _) in enumerate(DELETED.values()):
        nb = read(released)
        cell(nb, "double").source = "def double(x):\n    return 2 * np.asarray(x)"
        cell(nb, "quadruple").source = "def quadruple(x):\n    return double(double(x))"
        nb.cells = [c for c in nb.cells if deleted is not None and c.id not in deleted]
        folder = course_root / f"submitted/{student}/01_doubling"
        folder.mkdir(parents=True)
        nbformat.write(nb, folder / "doubling.ipynb")
    nbgrader(course_root, "autograde", "01_doubling")
    nbgrader(course_root, "export")
    rows = list(csv.DictReader((course_root / "grades.csv").open()))
    scores = {int(row["student_id"]): float(row["raw_score"]) for row in rows}
    assert scores == {i: score for i, (_, score) in enumerate(DELETED.values())}
    for student in scores:
        graded = read(course_root / f"autograded/{student}/01_doubling/doubling.ipynb")
        assert [grade_id(c) for c in graded.cells if grade_id(c)] == order


def test_the_commands_find_the_course(course_root):
    make_release(course_root)
    listed = nbgrader(course_root, "db", "assignment", "list")
    assert "01_doubling" in listed.stdout + listed.stderr
    shutil.rmtree(course_root / "release")
    nbgrader(course_root, "generate_assignment", "01_doubling")
    assert (course_root / "release/01_doubling/doubling.ipynb").exists()
