"""assignment.toml: what is read from it, and what is refused with one clear line."""

from pathlib import Path, PurePosixPath

import pytest

from course.notebooks.assignment import (
    AssignmentError,
    Part,
    kept_back,
    read_assignment,
    read_assignments,
)
from course.notebooks.conventions import assignment_problems

TOML = """\
order = 2
title = "Two"
let_out = ["figures/*.png", "data.csv"]
preload = ["sklearn.metrics"]

[[part]]
notebook = "second"
answers = ["layers"]

[[part]]
notebook = "first"
needs = ["torch>=2"]
preload = ["torch.nn"]
"""


@pytest.fixture
def chapter(tmp_path):
    """A function that makes an assignment's folder with two notebooks and this TOML."""

    def make(text: str | None = TOML, name: str = "02_two") -> Path:
        folder = tmp_path / "source" / name
        folder.mkdir(parents=True, exist_ok=True)
        for notebook in ("first", "second"):
            (folder / f"{notebook}.ipynb").touch()
        if text is not None:
            (folder / "assignment.toml").write_text(text)
        return folder

    return make


def test_an_assignment_is_read(chapter):
    found = read_assignment(chapter())
    assert (found.name, found.order, found.title) == ("02_two", 2, "Two")
    first = Part("first", needs=("torch>=2",), preload=("torch.nn",))
    assert found.parts == (Part("second", ("layers",)), first)
    assert found.part("first") == first
    assert found.part("third") is None
    assert found.preload == ("sklearn.metrics",)
    assert found.unlisted == ()


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("first.ipynb", True),
        ("figures/one.png", True),
        ("data.csv", True),
        ("figures/one.svg", False),
        ("figures/more/one.png", False),
        ("bank/first.toml", False),
        ("bank/first.ipynb", False),
        ("assignment.toml", False),
        ("data.csv/one.png", False),
    ],
)
def test_students_get_what_is_let_out_and_no_more(chapter, path, out):
    assert read_assignment(chapter()).lets_out(PurePosixPath(path)) is out


def test_without_a_file_nothing_but_the_notebooks_is_let_out(chapter):
    folder = chapter(None)
    (folder / "figures").mkdir()
    (folder / "figures" / "one.png").touch()
    found = read_assignment(folder)
    assert found.parts == (Part("first"), Part("second"))
    assert list(kept_back(folder, found)) == [PurePosixPath("figures/one.png")]


def test_a_notebook_that_is_not_named_comes_last(chapter):
    found = read_assignment(chapter(TOML.replace('[[part]]\nnotebook = "first"\n', "")))
    assert [part.notebook for part in found.parts] == ["second", "first"]
    assert found.unlisted == ("first",)


def test_assignments_stand_in_their_order_and_by_name_among_equals(chapter, tmp_path):
    for name, order in (("b", 3), ("a", 3), ("c", 1)):
        chapter(TOML.replace("order = 2", f"order = {order}"), name)
    chapter(None, "0")  # without an order of its own
    assert [found.name for found in read_assignments(tmp_path / "source")] == ["c", "a", "b", "0"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("order = 2", "order = ", "Invalid value"),
        ("order = 2\n", "", "order is a number, not None"),
        ("order = 2", "order = true", "order is a number, not True"),
        ('"Two"', '" "', "title is a text, not ' '"),
        ('["sklearn.metrics"]', '"sklearn"', "preload is a list of texts, not 'sklearn'"),
        ('"sklearn.metrics"', '"os; import this"', "'os; import this' is no module"),
        ('"first"', '"third"', "there is no third.ipynb"),
        (
            'preload = ["sk',
            'preloads = ["sk',
            "'preloads' is not known; known are let_out, order, part, ",
        ),
        ("answers", "answer", "'answer' is not known; known are answers, hand_in, needs"),
        ('answers = ["layers"]', 'needs = ["torch 2"]', "'torch 2' is no package such as"),
        ('answers = ["layers"]', 'preload = ["a-b"]', "'a-b' is no module"),
        ('answers = ["layers"]', 'hand_in = ["../a"]', "'../a' is no file's name"),
        ("[[part]]\n", "[part]\n", ""),
    ],
)
def test_a_faulty_file_is_refused_in_one_line(chapter, old, new, message):
    folder = chapter(TOML.replace(old, new))
    with pytest.raises(AssignmentError) as error:
        read_assignment(folder)
    assert str(error.value).startswith("source/02_two/assignment.toml: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


# --- conventions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "problems"),
    [
        ("", "", []),
        ('"data.csv"', '"*.csv"', []),
        ('"data.csv"', '"data.txt"', ["let_out: no file is like data.txt"]),
        ('[[part]]\nnotebook = "first"\n', "", ["first.ipynb is no [[part]]"]),
        ('"first"', '"second"', ["the part second stands there 2 times", "first.ipynb is no"]),
        ('"layers"', '"layer"', ["answers: there is no helpers/answers/layer.py"]),
        ('"Two"', "2", ["title is a text, not 2"]),
    ],
)
def test_what_is_wrong_with_an_assignment_is_said(chapter, old, new, problems):
    folder = chapter(TOML.replace(old, new) if old else TOML)
    (folder / "figures").mkdir()
    (folder / "figures" / "one.png").touch()
    (folder / "data.csv").touch()
    found = assignment_problems(folder)
    assert len(found) == len(problems)
    for line, problem in zip(found, problems, strict=True):
        assert line.startswith(f"source/02_two/assignment.toml: {problem}")


def test_an_assignment_without_a_file_is_told_of(chapter):
    (problem,) = assignment_problems(chapter(None))
    assert problem.startswith("source/02_two/assignment.toml: missing")
