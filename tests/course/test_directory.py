"""Where the gradebook is, however it is named."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from nbgrader.api import Gradebook

from course.directory import open_course, problem, shown, sqlite_file
from course.layout import CourseError


def configure(root, url):
    config = root / "nbgrader_config.py"
    config.write_text(f"{config.read_text()}\nc.CourseDirectory.db_url = {url!r}\n")


def assignments(path):
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM assignment")]


def test_the_gradebook_lies_in_the_courses_folder_if_nothing_else_is_said(course_root):
    course = open_course(course_root)
    assert sqlite_file(course.db_url) == course_root / "gradebook.db"
    assert course.assignments() == {}


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///other.db", "other.db"),
        ("sqlite:///./other.db?timeout=5", "other.db"),
        ("sqlite+pysqlite:///sub/an other.db", "sub/an other.db"),
        ("sqlite:///100%25.db", "100%.db"),
        ("sqlite:///file:other.db?uri=true&mode=rwc", "other.db"),
        ("sqlite:///file:an%2520other.db?uri=true", "an other.db"),
        ("sqlite:///{root}/other.db", "other.db"),
        ("sqlite:///file://{root}/other.db?uri=true&timeout=5", "other.db"),
    ],
)
def test_a_file_is_found_where_nbgrader_in_the_courses_folder_finds_it(
    course_root, monkeypatch, url, file
):
    (course_root / file).parent.mkdir(exist_ok=True)
    shutil.move(course_root / "gradebook.db", course_root / file)
    url = url.format(root=course_root)
    monkeypatch.chdir(course_root)
    with Gradebook(url) as gradebook:  # as nbgrader takes the url
        gradebook.add_assignment("01_theirs")
    assert assignments(course_root / file) == ["01_theirs"]
    configure(course_root, url)
    monkeypatch.chdir(course_root / "source")  # `course` is run wherever one is
    course = open_course(course_root)
    assert list(course.assignments()) == ["01_theirs"]
    assert sqlite_file(course.db_url) == course_root / file
    with Gradebook(course.db_url) as gradebook:
        gradebook.add_assignment("02_ours")
    assert assignments(course_root / file) == ["01_theirs", "02_ours"]
    assert {*course_root.rglob("*.db")} == {course_root / file}


def test_nbgraders_own_command_sees_the_same_gradebook(course_root):
    configure(course_root, "sqlite:///sub/other.db?timeout=5")
    (course_root / "sub").mkdir()
    shutil.move(course_root / "gradebook.db", course_root / "sub/other.db")
    course = open_course(course_root)
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        gradebook.add_assignment("02_ours")
    command = [sys.executable, "-m", "nbgrader", "db", "assignment", "list"]
    done = subprocess.run(command, cwd=course_root, capture_output=True, text=True, check=True)
    assert "02_ours" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("url", "timeout"), [("sqlite:///g.db", "60"), ("sqlite:///g.db?timeout=5", "5")]
)
def test_sqlite_waits_while_others_write_unless_it_is_told_how_long(course_root, url, timeout):
    configure(course_root, url)
    assert open_course(course_root).db_url.endswith(f"/g.db?timeout={timeout}")


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"]
)
def test_a_gradebook_in_memory_has_no_file(url):
    assert sqlite_file(url) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("gradebook.db", "names no database"),
        ("sqlite://gradebook.db", "names no database"),
        ("paper:///gradebook", "names no database"),
        ("sqlite:///g.db?timeout=long", "names no database"),
        ("mysql+nothing_here://host/grades", "names no database"),
        ("oracle://host/grades", r"Python's module \w+ is needed"),
    ],
)
def test_a_url_that_can_not_be_used_is_refused_in_one_line(course_root, url, words):
    configure(course_root, url)
    with pytest.raises(CourseError, match=f"CourseDirectory.db_url.*{words}") as error:
        open_course(course_root)
    assert "\n" not in str(error.value)


def test_a_gradebook_that_can_not_be_read_is_named(course_root):
    configure(course_root, "sqlite:///no/such/folder.db")
    with pytest.raises(CourseError) as error:
        open_course(course_root).assignments()
    assert str(error.value) == (
        f"the gradebook {course_root}/no/such/folder.db can't be used: unable to open database file"
    )


def test_no_password_is_shown(monkeypatch):
    monkeypatch.setattr(
        "sqlalchemy.dialects.postgresql.psycopg2.PGDialect_psycopg2.import_dbapi",
        classmethod(lambda cls: None),
    )
    url = "postgresql+psycopg2://ada:secret@host/grades"
    assert sqlite_file(url) is None
    assert shown(url) == "postgresql+psycopg2://ada:***@host/grades"
    assert "secret" not in problem(url, OSError("no route\nto it"))
    assert problem(url, OSError("no route\nto it")).endswith("can't be used: no route")
