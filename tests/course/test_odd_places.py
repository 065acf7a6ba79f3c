"""A course folder with any name, and a configuration that needs what lies beside it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

import helpers
from course.cli import app
from course.directory import open_course, sqlite_file
from course.judge.sandbox import missing
from course.verdict import read_verdict
from tests.course.conftest import RIGHT, TWICE, HandIn


@pytest.mark.parametrize("name", ["a course", "c#1", "c%20x", "c?x=1", "c&d=e;f"])
def test_the_gradebook_lies_in_the_course_s_folder_whatever_that_is_called(
    course_root: Path, name: str
) -> None:
    root = course_root.rename(course_root.with_name(name))
    course = open_course(root)
    assert sqlite_file(course.db_url) == root / "gradebook.db"
    with Gradebook(course.db_url) as gradebook:
        gradebook.add_student("ada")
    with Gradebook(open_course(root).db_url) as gradebook:
        assert [one.id for one in gradebook.students] == ["ada"]
    assert [path.name for path in root.parent.iterdir()] == [name]


def test_what_the_configuration_imports_may_lie_beside_it(course_root: Path) -> None:
    (course_root / "own_late_policy.py").write_text(
        "from nbgrader.plugins import LateSubmissionPlugin\n\n\n"
        "class Mild(LateSubmissionPlugin):\n    pass\n"
    )
    with (course_root / "nbgrader_config.py").open("a") as config:
        config.write(
            "\nfrom own_late_policy import Mild\nc.AssignLatePenalties.plugin_class = Mild\n"
        )
    plugin = open_course(course_root).config.AssignLatePenalties.plugin_class
    assert plugin.__name__ == "Mild"


def test_a_name_that_nbgrader_refuses_ends_with_one_line(
    course_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (course_root / "source/01_doubling").rename(course_root / "source/01_a+b")
    monkeypatch.chdir(course_root)
    done = CliRunner().invoke(app, ["release", "01_a+b"])
    assert done.exit_code == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.endswith("Assignment names should not contain the following characters: +")


@pytest.mark.skipif(bool(missing()), reason="where nothing is confined, nothing is graded")
def test_a_copy_of_the_helpers_in_the_course_s_folder_changes_no_grade(
    released: Path, hand_in: HandIn
) -> None:
    """The project's own folder has them too, so a class is easily begun as a copy of it."""
    shutil.copytree(Path(helpers.__file__).parent, released / "helpers")
    hand_in(released, "ada", double=RIGHT, quadruple=TWICE)
    grade = [str(Path(sys.executable).with_name("course")), "grade", "--jobs=1"]
    done = subprocess.run(grade, cwd=released, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (verdict,) = released.glob("verdicts/ada/*/*.json")
    assert read_verdict(verdict).incidents == ()
    assert read_verdict(verdict).score == read_verdict(verdict).max_score > 0
