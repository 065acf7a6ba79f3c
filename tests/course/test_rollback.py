"""The gradebook after a step that failed."""

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import Engine, event

from course.layout import CourseError
from course.rollback import (
    file_unchanged_on_error,
    gradebook_unchanged_on_error,
    release_unchanged_on_error,
)

# --- a file, as a whole ---------------------------------------------------------------------------


def write(db, name):
    with closing(sqlite3.connect(db)) as connection, connection:
        connection.execute("create table if not exists student (name text)")
        connection.execute("insert into student values (?)", [name])


def students(db):
    with closing(sqlite3.connect(db)) as connection:
        return [name for (name,) in connection.execute("select name from student")]


@pytest.fixture
def db(tmp_path):
    write(tmp_path / "gradebook.db", "Ada")
    return tmp_path / "gradebook.db"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failed_step_leaves_the_file_as_it_was(db, error):
    with pytest.raises(error), file_unchanged_on_error(db):  # noqa: PT012
        write(db, "Bob")
        raise error
    assert students(db) == ["Ada"]


def test_a_file_that_was_lost_in_the_step_is_put_back(db):
    with pytest.raises(RuntimeError), file_unchanged_on_error(db):  # noqa: PT012
        db.unlink()
        raise RuntimeError
    assert students(db) == ["Ada"]


def test_what_a_step_wrote_stays_if_it_succeeds(db):
    with file_unchanged_on_error(db):
        write(db, "Bob")
    assert students(db) == ["Ada", "Bob"]


def test_a_failed_first_step_leaves_no_file(tmp_path):
    db = tmp_path / "gradebook.db"
    with pytest.raises(RuntimeError), file_unchanged_on_error(db):  # noqa: PT012
        write(db, "Bob")
        raise RuntimeError
    assert not db.exists()


def test_the_copy_is_cleared_away(db):
    with file_unchanged_on_error(db):
        assert len(list(db.parent.iterdir())) == 2
    assert list(db.parent.iterdir()) == [db]


def test_what_is_no_database_is_refused_before_anything_runs(tmp_path):
    db = tmp_path / "gradebook.db"
    db.write_text("not a database, but long enough to look at")
    ran = []
    with pytest.raises(CourseError, match="not a database"), file_unchanged_on_error(db):
        ran.append(True)
    assert not ran


@pytest.mark.parametrize(
    "url", ["sqlite:///{}", "sqlite:///{}?timeout=5", "sqlite:///file:{}?uri=true&mode=rw"]
)
def test_sqlite_is_put_back_as_a_whole_however_its_file_is_named(db, url):
    with pytest.raises(RuntimeError), gradebook_unchanged_on_error(url.format(db), []):  # noqa: PT012
        write(db, "Bob")
        raise RuntimeError
    assert students(db) == ["Ada"]


# --- the rows that a release writes, in any database ----------------------------------------------


@pytest.fixture
def url(tmp_path, empty_gradebook):
    """A gradebook that holds its references to account, as other databases than SQLite do.

    01_one has a notebook with cells of every kind and a graded submission, 02_two a notebook.
    """

    def strict(connection, _):
        connection.execute("PRAGMA foreign_keys = ON")

    event.listen(Engine, "connect", strict)
    url = f"sqlite:///{shutil.copy(empty_gradebook, tmp_path)}"
    with Gradebook(url) as book:
        book.add_assignment("01_one", duedate="2026-10-01 12:00:00")
        notebook(book, "01_one")
        book.add_assignment("02_two")
        notebook(book, "02_two")
        book.add_student("ada")
        book.add_submission("01_one", "ada")
        book.find_grade("test_f", "main", "01_one", "ada").auto_score = 2
        book.db.commit()
    yield url
    event.remove(Engine, "connect", strict)


def notebook(book, assignment, name="main"):
    book.add_notebook(name, assignment, kernelspec="{}")
    book.add_grade_cell("test_f", name, assignment, max_score=3, cell_type="code")
    book.add_solution_cell("f", name, assignment)
    book.add_task_cell("draw", name, assignment, max_score=1, cell_type="markdown")
    book.add_source_cell("f", name, assignment, cell_type="code", source="def f(): ...")


def dump(url):
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return sorted(connection.iterdump())


def release_anew(book, assignment):
    """Do what nbgrader does where nothing has been submitted: the notebook is made from nothing."""
    book.update_or_create_assignment(assignment, duedate=datetime(2027, 1, 1))
    book.remove_notebook("main", assignment)
    notebook(book, assignment)


def fail_after(step, url, assignments):
    """Run a step in the block, and return the gradebook as the step has left it."""
    with pytest.raises(KeyboardInterrupt), release_unchanged_on_error(url, assignments):  # noqa: PT012
        with Gradebook(url) as book:
            step(book)
            book.db.commit()
        changed = dump(url)
        raise KeyboardInterrupt
    return changed


def test_an_assignment_that_was_made_anew_is_the_old_one_again(url):
    before = dump(url)
    changed = fail_after(lambda book: release_anew(book, "02_two"), url, ["02_two"])
    assert changed != before
    assert dump(url) == before


def test_an_assignment_that_was_not_there_is_gone_again(url):
    before = dump(url)

    def step(book):
        book.add_assignment("03_three")
        notebook(book, "03_three")

    assert any("03_three" in line for line in fail_after(step, url, ["02_two", "03_three"]))
    assert dump(url) == before


def test_points_of_what_was_submitted_are_the_old_ones_again(url):
    before = dump(url)

    def step(book):
        book.update_or_create_grade_cell("test_f", "main", "01_one", max_score=5)
        book.update_or_create_source_cell("f", "main", "01_one", source="def f(): pass")

    changed = fail_after(step, url, ["01_one"])
    assert any("def f(): pass" in line for line in changed)
    assert dump(url) == before


def test_a_cell_that_was_added_is_gone_and_one_that_was_taken_is_back(url):
    before = dump(url)

    def step(book):
        book.add_source_cell("g", "main", "02_two", cell_type="code", source="g = 1")
        book.add_grade_cell("test_g", "main", "02_two", max_score=1, cell_type="code")
        book.db.delete(book.find_task_cell("draw", "main", "02_two"))

    fail_after(step, url, ["02_two"])
    assert dump(url) == before


def test_what_others_write_meanwhile_stays(url):
    def step(book):
        release_anew(book, "02_two")
        book.add_student("bob")
        book.find_grade("test_f", "main", "01_one", "ada").manual_score = 1
        book.update_or_create_assignment("01_one", duedate=None)

    fail_after(step, url, ["02_two"])
    with Gradebook(url) as book:
        assert {student.id for student in book.students} == {"ada", "bob"}
        assert book.find_grade("test_f", "main", "01_one", "ada").manual_score == 1
        assert book.find_assignment("01_one").duedate is None


def test_a_release_that_succeeds_stays(url):
    with release_unchanged_on_error(url, ["02_two"]), Gradebook(url) as book:
        release_anew(book, "02_two")
    with Gradebook(url) as book:
        assert book.find_assignment("02_two").duedate == datetime(2027, 1, 1)


def test_a_gradebook_that_can_not_be_read_is_named_before_anything_runs(tmp_path):
    ran = []
    url = f"sqlite:///{tmp_path / 'no' / 'folder.db'}"
    with pytest.raises(CourseError, match="unable to open"), release_unchanged_on_error(url, []):
        ran.append(True)
    assert not ran
