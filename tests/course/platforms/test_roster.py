"""Rosters and due dates, from the files that spreadsheets and platforms write."""

from datetime import datetime
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from course.cli import app
from course.layout import CourseError
from course.platforms.roster import Imported, import_due_dates, import_roster

CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Softmax (77),Current Score\r\n"
    ",,,,,Manual Posting,\r\n"
    "    Points Possible,,,,,10,(read only)\r\n"
    '"Lovelace, Ada",101,0042,ada@example.edu,A,,\r\n'
    '"Gödel, Kurt",102,0043,kurt,A,,\r\n'
    '"Student, Test",999,,abcdef,A,,\r\n'
)
MOODLE = (
    '\ufeff"First name","Last name","ID number","Email address",Groups\n'
    "Ada,Lovelace,0042,ada@example.edu,\n"
    'Kurt,"Gödel, Dr.",,kurt@example.edu,\n'
)


def imported(root: Path, content: bytes | str) -> Imported:
    path = root / "roster.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_roster(root, path)


def roster(root: Path) -> dict[str, tuple[str | None, ...]]:
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        return {
            one.id: (one.first_name, one.last_name, one.email, one.lms_user_id)
            for one in gradebook.students
        }


PLAIN = "id,first_name,last_name,email\n0042,Ada,Lovelace,ada@example.edu\n"
ADA = {"0042": ("Ada", "Lovelace", "ada@example.edu", None)}


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        b"\n , ,\n" + PLAIN.replace(",", " , ").encode() + b"\n\n,,,\n",
        PLAIN.replace("0042", '"=""0042"""').encode(),
        PLAIN.replace("id,first_name", "ID,First Name").encode(),
        PLAIN.replace("Ada", '"A\x07da"').encode(),
    ],
)
def test_a_spreadsheet_s_csv_is_read_whatever_it_is_like(course_root: Path, content: bytes) -> None:
    done = imported(course_root, content)
    assert (done.added, done.problems) == (["0042"], [])
    assert roster(course_root) == ADA


def test_names_with_commas_line_breaks_and_letters_of_windows_are_kept(course_root: Path) -> None:
    imported(
        course_root, 'id;first_name;last_name\nk;"Kurt\nFriedrich";"Gödel, Dr."'.encode("cp1252")
    )
    assert roster(course_root)["k"][:2] == ("Kurt Friedrich", "Gödel, Dr.")


def test_duplicate_rows_count_once_and_contradictions_are_named(course_root: Path) -> None:
    done = imported(
        course_root,
        "id,first_name\na,Ada\na,Ada\nb,Bob\nb,Bert\n,Nobody\n../x,X\nc[1],C\n1.2E+11,D\n",
    )
    assert done.added == ["a", "b"]
    assert done.problems == [
        "line 5: b is on line 4 already, with other entries; that one counts",
        "line 6: it has no id; left out",
        "line 7: ../x can't be a folder's name; left out",
        "line 8: c[1] has one of * ? [ ] in it; left out",
        "line 9: a spreadsheet has rounded its id to 1.2E+11: "
        "export it once more as text; left out",
    ]
    assert roster(course_root)["b"][0] == "Bob"


def test_canvas_s_gradebook_is_a_roster(course_root: Path) -> None:
    assert imported(course_root, CANVAS).added == ["ada@example.edu", "kurt"]
    assert roster(course_root) == {
        "ada@example.edu": ("Ada", "Lovelace", "ada@example.edu", "101"),
        "kurt": ("Kurt", "Gödel", None, "102"),
    }


def test_moodle_s_participants_are_a_roster(course_root: Path) -> None:
    assert imported(course_root, MOODLE).added == ["0042", "kurt@example.edu"]
    assert roster(course_root)["kurt@example.edu"][:2] == ("Kurt", "Gödel, Dr.")


def test_who_is_there_is_known_again_and_keeps_the_id_and_what_is_not_said(
    course_root: Path,
) -> None:
    imported(course_root, "id,first_name,email\nada,A.,ADA@example.edu\nkurt,K.,\n")
    done = imported(course_root, CANVAS)
    assert (done.added, done.changed) == ([], ["ada", "kurt"])
    assert roster(course_root)["ada"][3] == "101"
    again = imported(course_root, CANVAS)
    assert (again.added, again.changed, again.same) == ([], [], ["ada", "kurt"])
    imported(course_root, "id,first_name,email\nada,,\n")
    assert roster(course_root)["ada"][0] == "Ada"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"name,e-mail\nx,y\n", "is no roster: it needs"),
        (b"id\n", "names nobody"),
        (b"PK\x03\x04", "is not a CSV file"),
    ],
)
def test_what_is_no_roster_ends_with_one_line(
    course_root: Path, content: bytes, words: str
) -> None:
    with pytest.raises(CourseError, match=words):
        imported(course_root, content)
    with pytest.raises(CourseError, match="No such file"):
        import_roster(course_root, course_root / "none.csv")


def test_due_dates_are_the_course_s_unless_they_name_a_zone(
    released: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (released / "nbgrader_config.py").open("a") as config:
        config.write('\nc.Exchange.timezone = "Europe/Berlin"\n')
    (released / "due.csv").write_text(
        "\ufeffname;duedate\n01_doubling;2026-10-02 18:00\n02_pair;2026-10-02 18:00 UTC\n"
        "03_nothing;2026-10-02 18:00\n02_pair;soon\n",
        encoding="utf-8",
    )
    done = import_due_dates(released, released / "due.csv")
    assert done.changed == ["01_doubling", "02_pair"]
    assert done.problems == [
        "line 4: no assignment 03_nothing has been released (`course release` makes it); left out",
        "line 5: “soon” holds no date; left out",
    ]
    with Gradebook(f"sqlite:///{released / 'gradebook.db'}") as gradebook:
        dates = {one.name: one.duedate for one in gradebook.assignments}
    assert dates == {
        "01_doubling": datetime(2026, 10, 2, 16),
        "02_pair": datetime(2026, 10, 2, 18),
    }
    monkeypatch.chdir(released)
    assert CliRunner().invoke(app, ["due", "due.csv"]).stdout.endswith("2 as before.\n")


def test_the_command_says_what_it_did(course_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(course_root)
    Path("r.csv").write_text("id\nada\n\nx/y\n")
    done = CliRunner().invoke(app, ["roster", "r.csv"])
    assert done.stdout.splitlines() == [
        "! line 4: x/y can't be a folder's name; left out",
        "1 added, 0 changed, 0 as before.",
    ]
