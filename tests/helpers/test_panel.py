"""The panel says what the lines say, and nothing in it is more than text."""

import re
from html import unescape
from pathlib import Path

import nbformat
import pytest
from IPython.core.formatters import DisplayFormatter
from nbgrader.utils import determine_grade
from nbgrader.validator import Validator

from helpers.checks import CheckResult, Outcome
from helpers.panel import Panel, Score, said_once

ROOT = Path(__file__).parents[2]


def line(name="holds", outcome=Outcome.PASSED, message=""):
    return CheckResult(name, outcome, 1, False, message)


WRONG = "The mistake: `keepdims` is forgotten. For z = [[0, 1]] it gives [1.], and [[1.]] is right."
PANEL = Panel(
    "Softmax",
    [
        line("gives the known values"),
        line("sums to 1", Outcome.FAILED, WRONG),
        line("shifts", Outcome.FAILED, WRONG),
        line("has a mended version", Outcome.NOT_ATTEMPTED, "not attempted yet"),
        line("any size", Outcome.UNDECIDED, "No point was found."),
    ],
    ["1 of 4 points.", "(The rest builds on “sums to 1”: without it there are no points.)"],
    "2.3 Softmax, row by row",
)
EMPTY = Panel("Softmax", [], ["not attempted yet."])


def words(html):
    text = re.sub(r"<small>.*?</small>", "", html)
    return unescape(re.sub(r"<[^>]*>", " ", text)).split()


@pytest.mark.parametrize("panel", [PANEL, EMPTY], ids=["some checks", "nothing attempted"])
def test_the_panel_says_what_the_lines_say(panel):
    assert "".join(words(panel.html())) == "".join(panel.text().replace("`", "").split())


def test_text():
    assert PANEL.text().splitlines() == [
        "Softmax",
        "  ✓ gives the known values",
        "  ✗ sums to 1",
        f"      {WRONG}",
        "      The same holds for “shifts”.",
        "  – has a mended version",
        "      not attempted yet",
        "  ✓ any size",
        "      No point was found.",
        "1 of 4 points.",
        "(The rest builds on “sums to 1”: without it there are no points.)",
        "Look again at: 2.3 Softmax, row by row",
    ]
    assert EMPTY.text() == "Softmax: not attempted yet."


def test_a_cause_is_told_once():
    other = WRONG.replace("[[0, 1]]", "[[5, 6]]")
    another = WRONG.replace("keepdims", "axis")
    lines = [
        line(f"check {number}", message=text)
        for number, text in enumerate(("", WRONG, other, "", another, WRONG))
    ]
    lines.append(line("left for later", Outcome.NOT_ATTEMPTED, WRONG))
    assert [(one.name, again) for one, again in said_once(lines)] == [
        ("check 0", ""),
        ("check 1", "The same holds for “check 2” and “check 5”."),
        ("check 3", ""),
        ("check 4", ""),
        ("left for later", ""),
    ]


def test_of_many_checks_that_say_the_same_there_is_one_line():
    gone = "Your code did not come back within 10 seconds of computing."
    lines = [line(f"check {number}", Outcome.FAILED, gone) for number in range(6)]
    panel = Panel("Softmax", lines, ["0 of 6 points."])
    assert panel.text().splitlines() == [
        "Softmax",
        "  ✗ check 0",
        f"      {gone}",
        "      The same holds for 5 more checks.",
        "0 of 6 points.",
    ]
    assert panel.html().count(gone) == panel.html().count("5 more checks") == 1


def test_how_a_check_ended_is_said_in_words_too_and_code_is_code():
    html = PANEL.html()
    for word in ("passed", "failed", "not attempted", "undecided"):
        assert f">{word}</span>" in html
    assert re.search(r"<code[^>]*>keepdims</code>", html)
    assert "`" not in html
    assert '<a href="#2.3-Softmax,-row-by-row">' in html


def test_a_counterexample_stands_in_a_line_of_its_own():
    assert re.search(r"forgotten\.</div><div[^>]*>For z = ", PANEL.html())


def test_nothing_in_it_is_more_than_text():
    evil = "<img src=x onerror=alert(1)>`</code><script>`\"'"
    html = Panel(evil, [line(evil, Outcome.FAILED, evil)], [evil], evil).html()
    assert set(re.findall(r"<(\w+)", html)) == {"div", "strong", "span", "small", "code", "a"}
    assert re.findall(r"\son\w+=", re.sub(r">[^<]*<", "><", html)) == []


@pytest.mark.parametrize("points", [0, 1, 3, 0.5, 2 / 3])
def test_nbgrader_reads_its_points(points):
    score = Score(points, PANEL)
    assert score == points
    data, _ = DisplayFormatter().format(score)
    assert data["text/html"] == PANEL.html()
    cell = nbformat.v4.new_code_cell(
        metadata={"nbgrader": {"grade": True, "solution": False, "task": False, "points": 3}},
        outputs=[nbformat.v4.new_output("execute_result", data, execution_count=1)],
    )
    assert determine_grade(cell) == (points, 3)


def test_validate_says_what_is_wrong_and_what_was_not_attempted(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    tests = [
        "q = Question('Wrong', 1)\nwith q.check('holds'):\n    assert False, 'No.'\nq.score()",
        "q = Question('Blank', 1)\nwith q.check('a'):\n    raise NotImplementedError\nq.score()",
        "q = Question('Right', 1)\nwith q.check('holds'):\n    pass\nq.score()",
    ]
    cells = [nbformat.v4.new_code_cell("from helpers.checks import Question")]
    for number, test in enumerate(tests):
        marks = {"grade": True, "solution": False, "task": False, "locked": False, "points": 1}
        own = marks | {"grade_id": f"test_{number}", "schema_version": 3}
        cells.append(nbformat.v4.new_code_cell(test, metadata={"nbgrader": own}))
    nb = nbformat.v4.new_notebook(cells=cells)
    nbformat.write(nb, tmp_path / "nb.ipynb")
    failed = Validator().validate(str(tmp_path / "nb.ipynb"))["failed"]
    assert [cell["raw_error"].splitlines() for cell in failed] == [
        ["Wrong", "  ✗ holds", "      No.", "0 of 1 point."],
        ["Blank: not attempted yet."],
    ]
