"""The copy of the course that a class gets: what it holds, and that students can work in it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from course.cli import app
from course.handout import make_handout
from course.layout import CourseError, load_config
from course.notebooks.assignment import read_assignments
from course.workspace import FOLDER, find_chapter
from helpers import validation

ROOT = Path(__file__).parents[2]
SECRET = "postgresql://ada:password@db/grades"


@pytest.fixture
def handed_out(released, tmp_path):
    """What the class of a small course gets; its instructor's configuration holds a password."""
    with (released / "nbgrader_config.py").open("a") as file:
        file.write(f"\nc.CourseDirectory.db_url = {SECRET!r}\n")
        file.write("c.Exchange.timezone = 'Europe/Paris'\n")
    make_handout(released, tmp_path / "class")
    return tmp_path / "class"


def run(folder, *words):
    """Run `course` as it stands in a folder, and return what it said."""
    done = subprocess.run(
        [sys.executable, "-c", "from course.cli import app; app()", *words],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.stdout


def test_it_holds_what_the_readme_names_and_nothing_else(handed_out):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    said = readme.partition("folder holds ")[2].partition("\n\n")[0]
    named = {name.strip("/") for name in re.findall(r"`([^` ]+)`", said)} - {"assignment.toml"}
    there = {path.relative_to(handed_out).as_posix() for path in handed_out.rglob("*")}
    for name in named:
        assert name in there
    parents = {parent.as_posix() for name in named for parent in Path(name).parents}
    within = re.compile("|".join(f"{re.escape(name)}(/.*)?" for name in sorted(named)))
    assert {name for name in there - parents if not within.fullmatch(name)} == set()


def test_nothing_in_it_is_for_the_staff_alone(handed_out):
    for path in handed_out.rglob("*"):
        assert path.name not in ("source", "gradebook.db", "bank", "specifications", "__pycache__")
    for path in [*handed_out.rglob("*.ipynb"), handed_out / "nbgrader_config.py"]:
        text = path.read_text(encoding="utf-8")
        for word in ("BEGIN SOLUTION", "BEGIN HIDDEN", SECRET, "course.grading"):
            assert word not in text


def test_students_work_in_it_and_hand_in(handed_out):
    assert run(handed_out, "workspace", "--next") == f"{FOLDER}/01_doubling/doubling.ipynb\n"
    lines = run(handed_out, "progress").splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "01_doubling/doubling.ipynb", "02_pair/first.ipynb", "02_pair/second.ipynb",
    ]  # fmt: skip
    assert "0 of 3 exercises, next double" in lines[0]
    assert f"Hand in this file: {FOLDER}/01_doubling.zip" in run(handed_out, "hand-in", "1")
    assert (handed_out / FOLDER / "01_doubling.zip").is_file()
    assert not list((handed_out / FOLDER).rglob("assignment.toml"))


def test_what_needs_the_source_says_so(handed_out):
    run(handed_out, "workspace")
    for path in (FOLDER, f"{FOLDER}/01_doubling/doubling.ipynb"):
        said = run(handed_out, "check", "--unprotected", path)
        assert "this copy of the course can't grade" in said
    assert "this copy has no solutions" in run(handed_out, "solution", "1", "double")


def test_its_configuration_is_the_course_s_where_students_meet_it(handed_out, released):
    config, own = load_config(handed_out), load_config(released)
    assert config.Execute.on_notebook_start is validation.begin
    assert config.Execute.on_cell_start is validation.end
    assert config.Exchange.timezone == "Europe/Paris"
    assert config.CourseDirectory.course_id == own.CourseDirectory.course_id
    assert config.Validator.failed_warning == own.Validator.failed_warning
    assert "db_url" not in config.CourseDirectory


def test_the_course_s_own_chapters_are_all_in_it_in_their_order(tmp_path):
    assert make_handout(ROOT, tmp_path / "class")[0] == "01_activations"
    assert read_assignments(tmp_path / "class/release") == read_assignments(ROOT / "source")
    readme = (tmp_path / "class/README.md").read_text(encoding="utf-8")
    assert readme.startswith("# Deep Learning from Scratch\n\n## Students\n")
    assert "make lab" in readme
    assert "](" not in readme  # no link to what isn't there
    assert "course grade" not in readme


def test_chapters_can_be_named(released, tmp_path, monkeypatch):
    monkeypatch.chdir(released)
    told = CliRunner().invoke(app, ["handout", str(tmp_path / "class"), "02_pair"])
    assert (told.exit_code, "02_pair" in told.output) == (0, True)
    assert [path.name for path in (tmp_path / "class/release").iterdir()] == ["02_pair"]


def test_nothing_is_mixed_and_what_is_not_released_is_named(handed_out, released, tmp_path):
    with pytest.raises(CourseError, match="is there already"):
        make_handout(released, handed_out)
    with pytest.raises(CourseError, match="03_more is not released; released are: 01_doubling, "):
        make_handout(released, tmp_path / "more", ["03_more"])
    assert not (tmp_path / "more").exists()
    (released / "release/02_pair/second.ipynb").unlink()
    with pytest.raises(CourseError, match=r"release/02_pair has no second\.ipynb: run"):
        make_handout(released, tmp_path / "less")
    assert not (tmp_path / "less").exists()
    with pytest.raises(CourseError, match=r"nbgrader_config\.py"):
        make_handout(released, released / "nbgrader_config.py" / "class", ["01_doubling"])


def test_where_no_chapter_is_known_that_is_what_is_said(tmp_path):
    with pytest.raises(CourseError, match="has no chapters"):
        find_chapter(tmp_path, "1")
