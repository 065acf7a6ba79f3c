"""Grades and feedback in the platforms' own files, which tests make as the platforms do."""

import csv
import io
import zipfile
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from course.cli import app
from course.grading.feedback import make_feedback
from course.grading.results import read_results
from course.layout import CourseError
from course.platforms.give_back import GivenBack, give_back

NAMES = {"ada": "=cmd|' /C calc'!A0", "bob": "Bob", "cat": "Cat", "dan": "Dan", "ian": "Ian"}


@pytest.fixture
def course(graded: Path) -> Path:
    """The graded class, which a platform knows by numbers from 101 on."""
    with Gradebook(f"sqlite:///{graded / 'gradebook.db'}") as gradebook:
        for number, name in enumerate(NAMES, 101):
            gradebook.update_or_create_student(
                name,
                first_name=name.title(),
                last_name="Doe",
                email=f"{name}@example.edu",
                lms_user_id=str(number),
            )
    return graded


def canvas(points: str = "10") -> str:
    lines = [
        "Student,ID,SIS User ID,SIS Login ID,Section,Other (1),Doubling (7),Current Score",
        ",,,,,,Manual Posting,",
        f"    Points Possible,,,,,5,{points},(read only)",
    ]
    lines += [
        f'"{name}",{number},00{number},{login},A,3,{"EX" if login == "dan" else ""},'
        for number, (login, name) in enumerate(NAMES.items(), 101)
    ]
    return "\r\n".join([*lines, '"Stranger, A",999,,s,A,,,', '"Student, Test",5,,t,A,,,'])


def moodle(points: str = "10") -> str:
    head = (
        "Identifier,Full name,Email address,Status,Grade,Maximum grade,"
        "Last modified (submission),Last modified (grade),Feedback comments"
    )
    lines = [
        f"Participant {number},{login.title()} Doe,{login}@example.edu,Submitted,,{points},-,-,"
        for number, login in enumerate(NAMES, 31)
    ]
    return "\r\n".join([head, *lines])


def given(course: Path, text: str, **options: bool | str) -> tuple[GivenBack, list[list[str]]]:
    (course / "exported.csv").write_text(text, encoding="utf-8-sig", newline="")
    done = give_back(course, course / "exported.csv", "01_doubling", **options)  # type: ignore[arg-type]
    text = (course / "give_back/01_doubling/grades.csv").read_bytes().decode()
    return done, list(csv.reader(io.StringIO(text, newline="")))


def scores(course: Path) -> dict[str, float]:
    works = read_results(course, ["01_doubling"]).works
    return {student: work.score for (student, _), work in works.items() if work.graded}


def full(course: Path) -> str:
    return f"{read_results(course, ['01_doubling']).max_score('01_doubling'):g}"


def test_canvas_s_gradebook_comes_back_with_one_column(course: Path) -> None:
    done, rows = given(course, canvas(full(course)))
    assert rows[0] == [
        "Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Doubling (7)",
    ]  # fmt: skip
    assert rows[1] == ["    Points Possible", "", "", "", "", full(course)]
    assert {row[3]: float(row[5]) for row in rows[2:]} == {
        name: score for name, score in scores(course).items() if name in ("ada", "bob", "cat")
    }
    assert [row[2] for row in rows[2:]] == ["00101", "00102", "00103"]
    assert rows[2][0] == f"'{NAMES['ada']}"
    assert done.count == 3
    assert "Stranger, A (999) is not on the roster" in done.notes
    assert "dan: is excused in Canvas, and stays so" in done.notes
    assert "ian: the last hand-in could not be graded; no grade is given" in done.notes
    assert "ada: 1 answer in words waits to be read; the grade is without" in done.notes


def test_moodle_s_worksheet_comes_back_with_what_its_import_reads(course: Path) -> None:
    done, rows = given(course, moodle(full(course)))
    assert rows[0] == [
        "Identifier", "Full name", "Email address", "Grade", "Maximum grade",
        "Last modified (grade)",
    ]  # fmt: skip
    known = {row[2].partition("@")[0]: float(row[3]) for row in rows[1:]}
    assert known == {name: score for name, score in scores(course).items() if name in NAMES}
    assert rows[1][0] == "Participant 31"
    assert {row[5] for row in rows[1:]} == {"-"}
    assert [path.name for path in done.files] == ["grades.csv"]


def test_other_full_marks_are_converted_only_when_asked(course: Path) -> None:
    for text in (canvas("100"), moodle("100")):
        with pytest.raises(CourseError, match=r"100 in .*: change them there, or add --scale"):
            given(course, text)
    _, rows = given(course, canvas("100"), scale=True)
    ada = next(row for row in rows if row[1] == "101")
    assert float(ada[5]) == pytest.approx(
        scores(course)["ada"] / float(full(course)) * 100, abs=0.01
    )


def test_a_column_that_is_not_clear_is_asked_for(course: Path) -> None:
    text = canvas(full(course)).replace("Doubling (7)", "Week 1 (7)")
    with pytest.raises(CourseError, match=r"which column .*: “Other .1.”, “Week 1 .7.”"):
        given(course, text)
    for name in ("Week 1", "Week 1 (7)"):
        assert given(course, text, column=name)[1][0][-1] == "Week 1 (7)"


def test_what_is_no_platform_s_file_ends_with_one_line(course: Path) -> None:
    with pytest.raises(CourseError, match="is neither"):
        given(course, "id,name\n1,x\n")
    with pytest.raises(CourseError, match="nobody in"):
        given(course, moodle(full(course)).replace("Doe", "Roe").replace("@", "@x."))
    with pytest.raises(CourseError, match="has no column Last modified"):
        given(course, "Identifier,Full name,Grade\nParticipant 1,Ada Doe,\n")


def test_feedback_goes_into_moodle_s_folders(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_feedback(course, ["01_doubling"], jobs=1)
    (course / "sheet.csv").write_text(moodle(full(course)))
    monkeypatch.chdir(course)
    done = CliRunner().invoke(app, ["give-back", "sheet.csv", "--assignment", "01_doubling"])
    assert done.stdout.splitlines()[-3:] == [
        "  give_back/01_doubling/grades.csv",
        "  give_back/01_doubling/feedback.zip",
        "For Moodle, of 4 students.",
    ]
    with zipfile.ZipFile("give_back/01_doubling/feedback.zip") as archive:
        assert "Ada Doe_31_assignfeedback_file_/doubling.html" in archive.namelist()
        page = (course / "feedback/ada/01_doubling/doubling.html").read_bytes()
        assert archive.read("Ada Doe_31_assignfeedback_file_/doubling.html") == page


def test_feedback_goes_to_canvas_under_the_names_it_gave(course: Path) -> None:
    with zipfile.ZipFile(course / "all.zip", "w") as archive:
        for name in (
            "a_101_5_doubling.ipynb",
            "a_101_6_doubling-1.ipynb",
            "z_999_7_doubling.ipynb",
        ):
            archive.writestr(name, "x")
    with pytest.raises(CourseError, match="run `course feedback 01_doubling`"):
        give_back(course, course / "all.zip", "01_doubling")
    make_feedback(course, ["01_doubling"], jobs=1)
    done = give_back(course, course / "all.zip", "01_doubling")
    assert done.notes == ["z (999): no feedback, or not on the roster"]
    with zipfile.ZipFile(done.files[0]) as archive:
        assert archive.namelist() == ["a_101_6_doubling.html"]
