"""`course new`: what it writes is sound as it is, and says what it still wants."""

import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from course.authoring import new
from course.authoring.exercise_table import table_differences
from course.authoring.new import new_chapter, new_exercise
from course.authoring.release import check_current, make_release
from course.cli import app
from course.layout import CourseError
from course.notebooks.bank import RIGHT, WRONG, BankError
from course.notebooks.cells import grade_id, is_solution, read
from course.notebooks.conventions import assignment_problems, problems
from course.notebooks.placeholders import MARK
from course.notebooks.runner import run
from course.notebooks.source import source_notebook, source_notebooks

ROOT = Path(__file__).parents[3]
CHAPTER = "09_example"


@pytest.fixture
def root(course_root):
    """A course of two chapters: 01_doubling, and 09_example as it was begun."""
    new_chapter(course_root, CHAPTER)
    return course_root


def source(root, chapter=CHAPTER, notebook="example"):
    return source_notebook(root / "source" / chapter / f"{notebook}.ipynb")


def tree(root):
    return {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def headings(notebook):
    return re.findall(r"^### Exercise (.+)$", "\n".join(c.source for c in notebook.cells), re.M)


def edit(path, cell_id, change):
    nb = read(path)
    cell = next(cell for cell in nb.cells if cell.id == cell_id)
    cell.source = change(cell.source)
    nbformat.write(nb, path)


def fill_in(root):
    """Write something where something is to be written, as little as can be."""
    path = source(root).path
    nb = read(path)
    for cell in nb.cells:
        cell.source = cell.source.replace(MARK, "This is")
    nbformat.write(nb, path)
    bank = path.parent / "bank" / "example.toml"
    bank.write_text(bank.read_text().partition("\n[[")[0])
    promises = source(root).specifications_path
    promises.write_text(promises.read_text().replace(MARK, "This is"))


# --- a chapter ------------------------------------------------------------------------------------


def test_a_new_chapter_keeps_the_conventions(root):
    assert problems(source(root)) == []
    assert assignment_problems(root / "source" / CHAPTER) == []
    assert [one.assignment for one in source_notebooks(root / "source")][-1] == CHAPTER


def test_its_reference_earns_everything_and_its_release_nothing(root):
    assert run(source(root), plain=True).score == 4
    blank = {grade_id(c): c.source for c in source(root).released().cells if is_solution(c)}
    assert run(source(root), blank).score == 0


def test_the_table_of_exercises_has_it(root):
    assert table_differences(root) == []
    table = (root / "docs/exercises.md").read_text()
    assert "| 9.1 | `example` | 4 | 1 | 2 |" in table
    assert "| 9.2 | why, in words | 2 | read by a person |  |" in table


def test_what_is_hidden_of_its_test_is_one_line_and_the_rest_is_short(root):
    test = source(root).cell("test_example").source
    assert '### BEGIN HIDDEN TESTS\nq.compare("example")\n### END HIDDEN TESTS\n' in test
    assert len(test.splitlines()) <= 16
    assert source(root).promises.of("example").reference(3) == 6


def test_names_can_be_chosen(course_root):
    written = new_chapter(
        course_root, "12_x", notebook="leaky", title='A "leaky" ReLU', exercise="leaky_relu"
    )
    assert course_root / "source/12_x/figures/leaky.png" in written
    assert all(path.is_file() for path in written)
    made = source(course_root, "12_x", "leaky")
    assert [exercise.id for exercise in made.exercises] == ["leaky_relu"]
    assert made.notebook.cells[0].source.startswith('# Chapter 12. A "leaky" ReLU\n')
    assert problems(made) == []
    assert assignment_problems(made.folder) == []


def test_nothing_temporary_is_left(root):
    assert [path.name for path in root.iterdir() if path.name.startswith(".")] == []


# --- an exercise ----------------------------------------------------------------------------------


def test_a_new_exercise_stands_where_it_belongs(root):
    new_exercise(root, CHAPTER, "second", points=5, after="example")
    new_exercise(root, CHAPTER, "last")
    made = source(root)
    assert headings(made.notebook) == [
        "9.1: `example` (4 points)",
        "9.2: `second` (5 points)",
        "9.3: why, in words (2 points)",
        "9.4: `last` (4 points)",
    ]
    assert "15 points: 13 graded by tests, 2 for an answer in words" in made.text
    ids = [cell.id for cell in made.notebook.cells]
    assert ids[ids.index("fig_example") + 1] == "ex_second"
    assert ids[-4:] == ["ex_last", "last", "test_last", "recap"]
    assert problems(made) == []
    assert run(made).score == 13
    assert table_differences(root) == []


def test_its_answers_stand_in_the_same_order(root):
    for name, after in (("last", None), ("second", "example")):
        new_exercise(root, CHAPTER, name, after=after)
    table = tomllib.loads(source(root).bank_path.read_text())
    for kind, count in (("wrong", WRONG), ("right", RIGHT)):
        names = [entry["exercise"] for entry in table[kind]]
        assert names == [name for name in ("example", "second", "last") for _ in range(count)]


def test_answers_come_before_what_is_of_no_exercise(root):
    bank = source(root).bank_path
    rest = "# --- mutants that are as right ---\n\n[few]\nexample = 'it is short'\n"
    bank.write_text(f"{bank.read_text()}\n{rest}")
    new_exercise(root, CHAPTER, "last")
    assert bank.read_text().endswith(f"'''\n\n{rest}")
    assert "\n# --- last ---" in bank.read_text()


def test_its_specification_stands_behind_that_of_the_exercise_before_it(root):
    promises = source(root).specifications_path
    promises.write_text(f"{promises.read_text()}\n# --- the bug museum ---\n\nRIGHT = {{}}\n")
    new_exercise(root, CHAPTER, "last")
    new_exercise(root, CHAPTER, "second", after="example")
    found = re.findall(r"^(\w+ = |# ---)", promises.read_text(), re.M)
    assert found == ["example = ", "second = ", "last = ", "# ---", "RIGHT = "]


def test_few_points_make_few_parts(root):
    for points, worth in ((2, [1]), (3, [1, 1]), (6, [4, 1])):
        new_exercise(root, CHAPTER, f"of_{points}", points=points)
        parts = source(root).promises.specifications[f"of_{points}"].parts
        assert [part.points for part in parts] == worth
        assert [part.essential for part in parts] == [True, False][: len(parts)]


def test_a_chapter_without_specifications_gets_a_module_of_them(root):
    promises = source(root).specifications_path
    promises.unlink()
    promises.parent.rmdir()
    edit(source(root).path, "test_example", by_hand)
    new_exercise(root, CHAPTER, "second")
    assert promises.read_text().startswith('"""What the exercises of chapter 9 promise."""\n\nfrom')
    assert list(source(root).promises.specifications) == ["second"]
    assert run(source(root)).score == 8


def by_hand(test):
    """Return a test cell whose hidden check is written by hand."""
    check = (
        'with q.check("is twice as much", points=3, essential=True):\n    assert example(1) == 2'
    )
    return test.replace('q.compare("example")', check)


def test_a_chapter_without_a_bank_gets_one(root):
    source(root).bank_path.unlink()
    source(root).bank_path.parent.rmdir()
    new_exercise(root, CHAPTER, "second")
    assert source(root).to_fill_in[-1].startswith("example.toml: second is still")


def test_exercises_that_the_text_names_are_counted_on_too(root):
    words = "See exercise 9.1 and exercise 9.2, not exercise 19.2. Exercise 9.20 is none."
    edit(source(root).path, "recap", lambda text: text + words)
    new_exercise(root, CHAPTER, "second", after="example")
    assert (
        source(root)
        .cell("recap")
        .source.endswith(
            "See exercise 9.1 and exercise 9.3, not exercise 19.2. Exercise 9.21 is none."
        )
    )


def test_a_part_of_a_chapter_numbers_its_own(root):
    edit(
        source(root).path,
        "title",
        lambda text: text.replace("# Chapter 9.", "# Chapter 9, part B."),
    )
    new_exercise(root, CHAPTER, "last")
    assert headings(source(root).notebook)[-1] == "9B.3: `last` (4 points)"


# --- what is still wanted -------------------------------------------------------------------------


def test_the_bank_says_what_is_to_be_filled_in(root):
    new_exercise(root, CHAPTER, "second")
    with pytest.raises(BankError) as error:
        _ = source(root).bank
    assert str(error.value) == (
        "example.toml: example is still to be filled in: 6 wrong and 3 right answers; "
        "second is still to be filled in: 6 wrong and 3 right answers"
    )


def test_one_answer_that_is_left_is_one(root):
    bank = source(root).bank_path
    head, *entries = bank.read_text().split("\n[[")
    bank.write_text("\n[[".join([head, *(e.replace(MARK, "") for e in entries[:-1]), entries[-1]]))
    assert source(root).to_fill_in[-1] == (
        "example.toml: example is still to be filled in: 1 right answer"
    )


def test_it_is_not_released_before_it_is_filled_in(root):
    make_release(root, ["01_doubling"])
    assert check_current(root) == []
    for assignments in ([CHAPTER], None):
        with pytest.raises(CourseError) as error:
            make_release(root, assignments)
        first, second, third = str(error.value).splitlines()
        assert first.startswith("example.ipynb is still to be filled in: title, s1, ex_example, ")
        assert second == "specifications/example.py is still to be filled in: example"
        assert third.startswith("example.toml: example is still to be filled in: 6 wrong and 3")
    assert not (root / "release" / CHAPTER).exists()
    fill_in(root)
    assert check_current(root)[0] == f"release/{CHAPTER}/example.ipynb: missing"
    make_release(root)
    assert check_current(root) == []


def test_a_notebook_with_a_place_left_is_not_released_whatever_its_bank(root):
    fill_in(root)
    edit(source(root).path, "recap", lambda text: f"{text}\n{MARK} more")
    with pytest.raises(CourseError, match=r"^example.ipynb is still to be filled in: recap$"):
        make_release(root)


def test_a_specification_with_a_place_left_is_not_released_whatever_the_notebook(root):
    fill_in(root)
    promises = source(root).specifications_path
    promises.write_text(
        f"{promises.read_text()}\n\ndef help(t):\n    # {MARK} more\n    t.call(1)\n"
    )
    with pytest.raises(CourseError, match=r"^specifications/example.py is still .+ in: help$"):
        make_release(root)
    promises.write_text(promises.read_text().replace(MARK, "No"))
    make_release(root)


# --- refusals -------------------------------------------------------------------------------------

EXERCISES = {
    "example": "09_example/example.ipynb knows example already, in its cell",
    "np": "knows np already, in its cell setup",
    "ax": "knows ax already, in its cell plot_example",
    "q": "knows q already, in its cell test_example",
    "2nd": "can't be a name here",
    "a-b": "can't be a name here",
    "größe": "can't be a name here",
    "lambda": "can't be a name here",
    "n" * 51: "can't be a name here",
    "sum": "sum is a name of Python's own",
    "part": "part is a word that specifications are written in",
    "cube": "specifications/example.py knows cube already",
    "sizes": "specifications/example.py knows sizes already",
    "test_it": "doesn't begin with test_",
    "why_it": "doesn't begin with why_",
}
CHAPTERS = {
    "09_example": "source/09_example exists already",
    "9_other": "there is a chapter 9 already, source/09_example",
    "example": "can't be a chapter's name",
    "../10_x": "can't be a chapter's name",
    "10_2nd": "can't be a chapter's name",
    "10_sum": "sum is a name of Python's own",
    "10_function": "function is a word that specifications are written in",
    "10_class": "can't be a name here",
}


def refused(root, words, make, *arguments, **options):
    before = tree(root)
    with pytest.raises(CourseError, match=re.escape(words)) as error:
        make(root, *arguments, **options)
    assert "\n" not in str(error.value)
    assert tree(root) == before


@pytest.mark.parametrize("name", EXERCISES)
def test_a_name_that_exists_or_can_be_none_is_refused(root, name):
    promises = source(root).specifications_path
    promises.write_text(f"{promises.read_text()}\n\ndef cube(t):\n    return t.draw(sizes)\n")
    refused(root, EXERCISES[name], new_exercise, CHAPTER, name)


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_that_exists_or_can_be_none_is_refused(root, name):
    refused(root, CHAPTERS[name], new_chapter, name)


def test_what_is_not_there_is_refused(root):
    shutil.copy(source(root).path, root / "source/01_doubling/zeros.ipynb")
    refused(root, "source/ has no 10_x; it has: 01_doubling, 09_ex", new_exercise, "10_x", "f")
    refused(root, "no exercise f; there are: example, why_e", new_exercise, CHAPTER, "g", after="f")
    refused(root, "has no notebook f; --notebook", new_exercise, CHAPTER, "g", notebook="f")
    refused(
        root,
        "several notebooks; --notebook is one of: doubling, zeros",
        new_exercise,
        "01_doubling",
        "g",
    )
    refused(root, "2 points or more", new_exercise, CHAPTER, "g", points=1)


def test_a_notebook_of_another_form_is_refused(root):
    refused(root, "the first cell has no title such as", new_exercise, "01_doubling", "treble")
    edit(source(root).path, "title", lambda text: text.replace("graded by tests", "for tests"))
    refused(root, "doesn't say what the notebook is worth", new_exercise, CHAPTER, "g")


def test_a_bank_of_another_form_is_refused(root):
    bank = source(root).bank_path
    bank.write_text("right = []\n")
    refused(root, "example.toml: its answers can't be told apart", new_exercise, CHAPTER, "g")


def test_specifications_of_another_form_are_refused(root):
    promises = source(root).specifications_path
    for text, words in (
        ("import numpy as np\n", "specifications/example.py has no line “from helpers"),
        ("example = (\n", "specifications/example.py, line 1: not Python"),
        ("from helpers.specification import part  # one\n", "has a comment in “from helpers"),
        ("from helpers.specification import arrays, function, part\n\nexample = 1 / 0\n", "divis"),
    ):
        promises.write_text(text)
        refused(root, words, new_exercise, CHAPTER, "g")


# --- all or nothing -------------------------------------------------------------------------------


def fails(*_, **__):
    raise OSError("no space left")


def test_a_failure_at_the_end_leaves_everything_as_it_was(root, monkeypatch):
    before = tree(root)
    monkeypatch.setattr(new, "write_exercise_table", fails)
    for make in (
        lambda: new_exercise(root, CHAPTER, "second"),
        lambda: new_chapter(root, "10_other"),
    ):
        with pytest.raises(OSError, match="no space left"):
            make()
        assert tree(root) == before
    assert not (root / "source/10_other").exists()


def test_a_failure_between_two_files_leaves_everything_as_it_was(root, monkeypatch):
    before, replace = tree(root), Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda p, to: fails() if to.suffix == ".toml" else replace(p, to)
    )
    with pytest.raises(OSError, match="no space left"):
        new_exercise(root, CHAPTER, "second")
    assert tree(root) == before


def test_a_figure_that_cannot_be_drawn_leaves_everything_as_it_was(root, monkeypatch):
    before = tree(root)
    monkeypatch.setattr(new, "make_figures", fails)
    with pytest.raises(OSError, match="no space left"):
        new_chapter(root, "10_other")
    assert tree(root) == before


# --- the command ----------------------------------------------------------------------------------


def test_the_command_says_what_it_wrote(course_root, monkeypatch):
    monkeypatch.chdir(course_root / "source")
    done = CliRunner().invoke(app, ["new", "chapter", CHAPTER, "--exercise", "f"])
    assert done.exit_code == 0
    assert "  09_example/example.ipynb\n" in done.stdout
    assert "FILL IN:" in done.stdout
    arguments = ["new", "exercise", CHAPTER, "g", "--points", "3", "--after", "f"]
    done = CliRunner().invoke(app, arguments)
    assert "  09_example/bank/example.toml\n" in done.stdout
    assert headings(source(course_root).notebook)[1] == "9.2: `g` (3 points)"
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("course new: 09_example/example.ipynb knows g already")


def test_the_templates_are_installed_with_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["course"]
    templates = list((ROOT / "course/authoring/templates").rglob("*.jinja"))
    assert templates
    for path in templates:
        name = path.relative_to(ROOT / "course").as_posix()
        assert any(fnmatch(name, pattern) for pattern in patterns)


# --- in the course itself -------------------------------------------------------------------------


@pytest.mark.long
def test_in_every_notebook_of_the_course_it_passes_the_linter_and_the_tests_of_conventions(
    tmp_path,
):
    for name in ("source", "release", "docs", "helpers", "tests"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "zoo")
        )
    for name in ("nbgrader_config.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    title, name = 'A "new" chapter', "a_rather_long_name_of_an_exercise"
    new_chapter(tmp_path, "09_new_chapter", title=title, exercise=name)
    notebooks = source_notebooks(tmp_path / "source")
    for one in notebooks:
        new_exercise(tmp_path, one.assignment, "newest", notebook=one.name)
        new_exercise(
            tmp_path, one.assignment, "newer", notebook=one.name, after=one.exercises[0].id
        )

    def command(*arguments):
        return subprocess.run(
            [sys.executable, "-m", *arguments], cwd=tmp_path, capture_output=True, text=True
        )

    for linter in (["ruff", "check", "source"], ["ruff", "format", "--check", "source"]):
        done = command(*linter)
        assert done.returncode == 0, done.stdout
    tests = ["pytest", "-q", "-n0", "-rs", "-p", "no:cacheprovider"]
    done = command(*tests, "tests/notebooks/test_conventions.py")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("it can't be released yet") == len(notebooks)
    done = command(*tests, "tests/notebooks/test_bank.py", "-k", "can_be_read or left_to_fill_in")
    assert f"{2 * len(notebooks)} failed" in done.stdout
    for one in notebooks:
        assert f"{one.name}.toml: " in done.stdout
    assert done.stdout.count("newest is still to be filled in: 6 wrong and 3 right answers")
