"""A term from release to grades on the platform, where nothing is called or lies as usual."""

import csv
import io
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner, Result

from course.cli import app
from course.judge.sandbox import missing
from tests.course.conftest import RIGHT, SQUARE, TWICE, fill

FOLDERS = ["what? #1 50%20 & more", "plain"]
NAMES = ["01_a b", "01_(x){y}", "01_50%25#", "01_ä ö", "01_doubling"]
PEOPLE = (
    "id,first_name,last_name,email,lms_user_id\n"
    "ada,Ada,Byron,ada@example.edu,101\nbob,Bob,Doe,bob@example.edu,102\n"
)
POLICY = """
from nbgrader.plugins import LateSubmissionPlugin


class One(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 1
"""
SETTINGS = """
from own_policy import One
c.AssignLatePenalties.plugin_class = One
c.CourseDirectory.db_url = {url!r}
"""

pytestmark = pytest.mark.skipif(
    bool(missing()), reason="where nothing is confined, nothing is graded"
)


class Term:
    """A course, and what is typed there."""

    def __init__(self, root: Path, assignment: str) -> None:
        self.root, self.assignment = root, assignment

    def types(self, *words: str, code: int = 0) -> str:
        """Return what a command has printed."""
        before = Path.cwd()
        os.chdir(self.root)
        try:
            done: Result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
        finally:
            os.chdir(before)
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    def sends(self, **cells: dict[str, str]) -> None:
        """Collect what a platform gives out."""
        released = self.root / "release" / self.assignment / "doubling.ipynb"
        with zipfile.ZipFile(self.root / "all.zip", "w") as archive:
            for who, answers in cells.items():
                path = self.root.parent / "one.ipynb"
                shutil.copy(released, path)
                fill(path, answers)
                number = {"ada": 101, "bob": 102}[who]
                late = "LATE_" if who == "bob" else ""
                archive.write(path, f"{who}_{late}{number}_7_doubling.ipynb")
        self.types("collect", "all.zip", "--assignment", self.assignment)

    def given_back(self) -> dict[str, str]:
        """Return the points in the file that the platform takes back."""
        lines = [
            f"Student,ID,SIS User ID,SIS Login ID,Section,{self.assignment} (7),Current Score",
            "    Points Possible,,,,,6,(read only)",
            "ada,101,1,ada,A,,",
            "bob,102,2,bob,A,,",
        ]
        (self.root / "exported.csv").write_text("\n".join(lines), encoding="utf-8")
        self.types("give-back", "exported.csv", "--assignment", self.assignment)
        path = self.root / "give_back" / self.assignment / "grades.csv"
        rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")))
        return {row[0]: row[5] for row in rows if row[0] in ("ada", "bob")}


def begun(course_root: Path, folder: str, assignment: str, url: str = "") -> Term:
    home = course_root.parent / folder
    root = course_root.rename(home)
    (root / "gradebook.db").unlink(missing_ok=True)
    (root / "source" / "01_doubling").rename(root / "source" / assignment)
    (root / "own_policy.py").write_text(POLICY)
    where = url or f"sqlite:///{home.parent / 'else where' / 'grades.db'}"
    (home.parent / "else where").mkdir()
    with (root / "nbgrader_config.py").open("a") as config:
        config.write(SETTINGS.format(url=where))
    return Term(root, assignment)


@pytest.mark.parametrize("name", ["01_a[b", "01_a]", "01_*", "01_what?"])
def test_a_name_that_nbgrader_takes_for_a_pattern_is_told_so(course_root: Path, name: str) -> None:
    said = begun(course_root, "plain", name).types("release", code=2)
    assert said.count("\n") <= 2
    assert "takes *, ?, [ and ] for a pattern" in " ".join(said.split())


@pytest.mark.slow
@pytest.mark.one_in(2)
@pytest.mark.parametrize(
    ("folder", "name"), [(FOLDERS[0], NAMES[0]), *((FOLDERS[1], name) for name in NAMES[1:4])]
)
def test_a_term_goes_from_release_to_the_platform(
    course_root: Path, folder: str, name: str
) -> None:
    term = begun(course_root, folder, name)
    term.types("release")
    (term.root / "class.csv").write_text(PEOPLE)
    term.types("roster", "class.csv")
    (term.root / "due.csv").write_text(f'name,duedate\n"{name}",2020-01-01 12:00\n')
    term.types("due", "due.csv")
    term.sends(
        ada={"double": SQUARE, "quadruple": TWICE, "why_twice": "So."},
        bob={"double": RIGHT, "quadruple": TWICE},
    )
    term.types("grade", name, "--jobs=1")
    database = term.root.parent / "else where" / "grades.db"
    assert database.is_file()
    assert not (term.root / "gradebook.db").exists()
    with Gradebook(f"sqlite:///{database}", "deep-learning-from-scratch") as found:
        grade = found.find_grade("why_twice", "doubling", name, "ada")
        grade.manual_score, grade.needs_manual_grade = 2, False
        found.db.commit()
        penalty = found.find_submission(name, "bob").late_submission_penalty
    term.sends(
        ada={"double": RIGHT, "quadruple": TWICE, "why_twice": "So."},
        bob={"double": RIGHT, "quadruple": TWICE},
    )
    what = term.types("grade", name, "--what-if", "--jobs=1")
    assert "→ 6 points" in what
    said = term.types("grade", name, "--jobs=1")
    assert "1 graded, 1 graded before" in said
    assert "→ 6 points" in said
    term.types("feedback", name)
    assert (term.root / "feedback" / "ada" / name / "doubling.html").is_file()
    term.types("report")
    page = (term.root / "report" / "index.html").read_text(encoding="utf-8")
    assert "Byron" in page
    assert term.given_back() == {"ada": "6", "bob": f"{4 - (penalty or 0):g}"}
