"""A release that stands as it would be made is not made again; any other is."""

import shutil
import sqlite3
from contextlib import closing

import nbformat
import pytest

from course.authoring import exercise_table, release
from course.authoring.release import make_release
from course.authoring.unchanged import RECORD
from course.notebooks.cells import read

SOURCE = "source/01_doubling/doubling.ipynb"
RELEASED = "release/01_doubling"


@pytest.fixture
def made(course_root, monkeypatch):
    """A course that has been released, and the list of what is made from now on."""
    make_release(course_root)
    names = []
    generate = release._generate
    monkeypatch.setattr(
        release, "_generate", lambda *args: names.append(args[2]) or generate(*args)
    )
    return course_root, names


def change_title(root):
    nb = read(root / SOURCE)
    nb.cells[0].source += " Once more."
    nbformat.write(nb, root / SOURCE)


def change_what_lies_beside(root):
    path = root / "source" / "01_doubling" / "assignment.toml"
    path.write_text(path.read_text() + "\n# more\n")


def change_configuration(root):
    path = root / "nbgrader_config.py"
    path.write_text(path.read_text() + "\n# more\n")


def lose_the_release(root):
    shutil.rmtree(root / RELEASED)


def lose_the_gradebook(root):
    (root / "gradebook.db").unlink()


def change_points(root):
    with closing(sqlite3.connect(root / "gradebook.db")) as connection, connection:
        assert connection.execute("UPDATE grade_cells SET max_score = 77").rowcount


def lose_the_record(root):
    (root / RECORD).unlink()


def spoil_the_record(root):
    (root / RECORD).write_text("[")


def test_what_stands_as_it_would_be_made_is_left(made):
    root, names = made
    (result,) = make_release(root)
    assert not names
    assert not result.changed
    assert result.notebooks == (root / RELEASED / "doubling.ipynb",)
    make_release(root, force=True)
    assert names == ["01_doubling"]


@pytest.mark.parametrize(
    "change",
    [
        change_title,
        change_what_lies_beside,
        change_configuration,
        lose_the_release,
        lose_the_gradebook,
        change_points,
        lose_the_record,
        spoil_the_record,
    ],
)
def test_whatever_differs_has_it_made_again(made, change):
    root, names = made
    change(root)
    make_release(root)
    assert names == ["01_doubling"]
    make_release(root)
    assert names == ["01_doubling"]


def test_a_table_that_was_written_into_is_made_again_by_itself(made):
    root, names = made
    table = root / "docs" / "exercises.md"
    before = table.read_text()
    table.write_text("By hand.")
    make_release(root)
    assert table.read_text() == before
    assert not names


def test_what_changes_while_a_release_is_made_is_not_taken_for_released(made, monkeypatch):
    root, names = made
    change_what_lies_beside(root)
    table = exercise_table.write_exercise_table
    monkeypatch.setattr(
        release, "write_exercise_table", lambda root: change_title(root) or table(root)
    )
    make_release(root)
    monkeypatch.setattr(release, "write_exercise_table", table)
    make_release(root)
    assert names == ["01_doubling"] * 2
