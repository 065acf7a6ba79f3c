"""The gradebook after a step that failed."""

import sqlite3
from contextlib import closing

import pytest

from course.rollback import gradebook_unchanged_on_error


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
def test_a_failed_step_leaves_the_gradebook_as_it_was(db, error):
    with pytest.raises(error), gradebook_unchanged_on_error(db):  # noqa: PT012
        write(db, "Bob")
        raise error
    assert students(db) == ["Ada"]


def test_a_gradebook_that_was_lost_in_the_step_is_put_back(db):
    with pytest.raises(RuntimeError), gradebook_unchanged_on_error(db):  # noqa: PT012
        db.unlink()
        raise RuntimeError
    assert students(db) == ["Ada"]


def test_what_a_step_wrote_stays_if_it_succeeds(db):
    with gradebook_unchanged_on_error(db):
        write(db, "Bob")
    assert students(db) == ["Ada", "Bob"]


def test_a_failed_first_step_leaves_no_gradebook(tmp_path):
    db = tmp_path / "gradebook.db"
    with pytest.raises(RuntimeError), gradebook_unchanged_on_error(db):  # noqa: PT012
        write(db, "Bob")
        raise RuntimeError
    assert not db.exists()


def test_the_copy_is_cleared_away(db):
    with gradebook_unchanged_on_error(db):
        assert len(list(db.parent.iterdir())) == 2
    assert list(db.parent.iterdir()) == [db]


def test_what_is_no_database_is_refused_before_anything_runs(tmp_path):
    db = tmp_path / "gradebook.db"
    db.write_text("not a database, but long enough to look at")
    ran = []
    with pytest.raises(sqlite3.DatabaseError), gradebook_unchanged_on_error(db):
        ran.append(True)
    assert not ran
