"""The line below a set-up cell: how far a reader is, from their own notebook as it was saved."""

import json

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers import cells
from helpers.standing import opened


def checks(name, points):
    marks = {"grade_id": f"test_{name}", "grade": True, "solution": False, "points": 3}
    data = {"text/plain": str(points)}
    outputs = [] if points is None else [new_output("execute_result", data, execution_count=1)]
    return new_code_cell("q.score()", metadata={"nbgrader": marks}, outputs=outputs)


def solution(name, source="raise NotImplementedError"):
    marks = {"grade_id": name, "grade": False, "solution": True}
    return new_code_cell(source, metadata={"nbgrader": marks})


def words(source):
    marks = {"grade_id": "why_it", "grade": True, "solution": True, "points": 2}
    return new_markdown_cell(source, metadata={"nbgrader": marks})


def notebook(points=None, answer="YOUR ANSWER HERE", second="raise NotImplementedError"):
    return new_notebook(
        cells=[
            new_markdown_cell("# Chapter 4, part B. Layers\n\nText."),
            new_markdown_cell("### Exercise 4B.1: `MulLayer` (3 points)\n\nDo it."),
            solution("MulLayer", "x = 1"),
            checks("MulLayer", points),
            new_markdown_cell("### Exercise 4B.2: `a<b` (3 points)"),
            solution("second", second),
            checks("second", 3),
            new_markdown_cell("### Exercise 4B.3: why, in words (2 points)"),
            words(answer),
        ]
    )


@pytest.fixture
def line(tmp_path, monkeypatch):
    """Return the line on a notebook that has been opened, as text."""

    def shown(nb):
        path = tmp_path / "nb.ipynb"
        path.write_text(nb if isinstance(nb, str) else nbformat.writes(nb))
        monkeypatch.setenv("JPY_SESSION_NAME", str(path))
        return opened()

    return shown


def test_it_counts_what_is_done_and_names_what_is_next(line):
    assert repr(line(notebook())) == "Chapter 4, part B: 0 of 3 exercises, next 4B.1 MulLayer."
    assert repr(line(notebook(1))) == "Chapter 4, part B: 0 of 3 exercises, next 4B.1 MulLayer."
    assert repr(line(notebook(3))) == "Chapter 4, part B: 1 of 3 exercises, next 4B.2 a<b."
    last = line(notebook(3, second="x = 2"))
    assert repr(last) == "Chapter 4, part B: 2 of 3 exercises, next 4B.3 why, in words."
    done = line(notebook(3, "So.", "x = 2"))
    assert repr(done) == "Chapter 4, part B: 3 of 3 exercises, all done."


def test_it_leads_to_the_next_exercise(line):
    html = line(notebook(3))._repr_html_()
    assert 'href="#Exercise-4B.2:-a&lt;b-(3-points)"' in html
    assert "a<b" not in html


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"cells": [1]}', '{"cells": [{}]}', '{"cells": []}']
)
def test_of_what_is_no_notebook_nothing_is_said(line, text):
    assert line(text) is None


def test_nor_where_no_person_has_opened_one(monkeypatch, tmp_path):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert opened() is None
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "nothing.ipynb"))
    assert opened() is None


@pytest.mark.parametrize(
    ("source", "kernel", "said"),
    [
        ("from helpers.checks import Question", True, True),
        ("from helpers.checks import Question", False, False),
        ("from helpers.checks import Question\n1 / 0", True, False),
        ("1 + 1", True, False),
    ],
)
def test_it_stands_below_the_set_up_cell_alone(line, monkeypatch, source, kernel, said):
    """And where no kernel of Jupyter's runs it, such as while work is graded, nowhere."""
    line(notebook())
    shell = InteractiveShell()
    monkeypatch.setattr(InteractiveShell, "initialized", lambda: True)
    monkeypatch.setattr(InteractiveShell, "instance", lambda: shell)
    monkeypatch.setattr(cells, "shows_html", lambda: kernel)
    shell.user_ns["watch"] = cells.watch  # as the import does, the first time
    with capture_output() as shown:
        shell.run_cell(f"watch()\n{source}")
    texts = [output.data["text/plain"] for output in shown.outputs]
    assert texts == (["Chapter 4, part B: 0 of 3 exercises, next 4B.1 MulLayer."] if said else [])


def test_a_file_may_hold_its_text_in_pieces(line):
    nb = json.loads(nbformat.writes(notebook(3)))
    assert isinstance(nb["cells"][0]["source"], list)
    assert "1 of 3" in repr(line(json.dumps(nb)))
