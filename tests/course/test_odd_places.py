"""A course folder with any name, and a configuration that needs what lies beside it."""

from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from course.cli import app
from course.directory import open_course, sqlite_file


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
