"""Hand-ins from the archives of Canvas and Moodle, made here as these make them."""

import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from course.cli import app
from course.grading.grade import grade_class
from course.grading.results import read_results
from course.layout import CourseError
from course.platforms import collect as module
from course.platforms.collect import Collected, collect
from course.platforms.names import Sent, meant, sent
from tests.course.conftest import RIGHT, TWICE, HandIn

FILE = "doubling.ipynb"


@pytest.fixture
def course(released: Path) -> Path:
    """The released course, with four on its roster, two of them of the same name."""
    people = [
        ("ada", "Ada", "Lovelace", "ada@example.edu", "101"),
        ("kurt", "Kurt", "Gödel", "kurt@example.edu", "102"),
        ("j1", "Jane", "Doe", "jane@example.edu", "103"),
        ("j2", "Jane", "Doe", "j.doe@example.edu", "104"),
    ]
    with Gradebook(f"sqlite:///{released / 'gradebook.db'}") as gradebook:
        for name, first, last, mail, number in people:
            gradebook.add_student(
                name, first_name=first, last_name=last, email=mail, lms_user_id=number
            )
        gradebook.update_or_create_assignment("01_doubling", duedate="2026-10-02 18:00:00")
    return released


def packed(course: Path, files: Mapping[str, str | bytes], name: str = "all.zip") -> Path:
    with zipfile.ZipFile(course / name, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return course / name


def collected(course: Path, files: Mapping[str, str | bytes], sheet: str = "") -> Collected:
    worksheet = course / "sheet.csv" if sheet else None
    if worksheet:
        worksheet.write_text(sheet, encoding="utf-8-sig")
    return collect(course, packed(course, files), "01_doubling", worksheet=worksheet)


def handed_in(course: Path) -> dict[str, str]:
    folder = course / "submitted"
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "who", "file", "late"),
    [
        ("doejane_12345_67890_softmax.ipynb", "12345", "softmax.ipynb", False),
        ("doejane_LATE_12345_67890_softmax.ipynb", "12345", "softmax.ipynb", True),
        ("submissions/gödelkurt_1_2_a_b_3_4_c.ipynb", "1", "a_b_3_4_c.ipynb", False),
        ("van_der_berg_LATE_1_2_x_LATE_9_9_y.ipynb", "1", "x_LATE_9_9_y.ipynb", True),
        ("doe_1_2_Jane Doe_9_assignsubmission_file_", "1",
         "Jane Doe_9_assignsubmission_file_", False),
        ("Jane Doe_12_assignsubmission_file_/softmax.ipynb", "12", "softmax.ipynb", False),
        ("Jane Doe_12_assignsubmission_file/a/b.ipynb", "12", "a/b.ipynb", False),
        ("Jane Doe_12_assignsubmission_file_softmax.ipynb", "12", "softmax.ipynb", False),
        ("all/Jane Doe_12_assignsubmission_file_/Kurt_9_assignsubmission_file_/b", "12",
         "Kurt_9_assignsubmission_file_/b", False),
        ("Jane Doe_12_assignsubmission_file_/doe_9_9_b.ipynb", "12", "doe_9_9_b.ipynb", False),
    ],
)  # fmt: skip
def test_a_name_is_read_from_the_left(path: str, who: str, file: str, late: bool) -> None:
    found = sent(PurePosixPath(path))
    assert isinstance(found, Sent)
    assert (found.who, str(found.file), found.late) == (who, file, late)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("doejane_12345_text.html", "online text"),
        ("doejane_LATE_12345_link.html", "online text or a link"),
        ("anon_x7Yz_67890_softmax.ipynb", "anonymous"),
        ("LATE_anon_x7Yz_67890_softmax.ipynb", "anonymous"),
        ("Jane Doe_12_assignsubmission_onlinetext_/onlinetext.html", "online text"),
        ("Group A_assignsubmission_file_/softmax.ipynb", "team"),
        ("softmax.ipynb", ""),
    ],
)
def test_what_is_of_nobody_says_why(path: str, words: str) -> None:
    found = sent(PurePosixPath(path))
    assert isinstance(found, str)
    assert words in found


def test_a_name_is_mended_only_into_an_expected_one() -> None:
    expected = {"softmax.ipynb", "weights.npz"}
    for name in ("softmax-1.ipynb", "softmax-12.ipynb", "softmax (1).ipynb", "Softmax.ipynb"):
        assert meant(name, expected) == "softmax.ipynb"
    assert meant("weights-2.npz", expected) == "weights.npz"
    assert meant("layers-1.ipynb", expected) == "layers-1.ipynb"


# --- Canvas ---------------------------------------------------------------------------------------


def test_canvas_of_several_attempts_the_latest_counts(course: Path) -> None:
    done = collected(
        course,
        {
            f"lovelaceada_101_9_{FILE}": "first",
            "lovelaceada_101_20_doubling-1.ipynb": "second",
            "lovelaceada_101_21_notes.txt": "mine",
            f"gödelkurt_102_30_{FILE}": "only",
            f"__MACOSX/._gödelkurt_102_30_{FILE}": "junk",
        },
    )
    assert (done.new, done.problems) == (["ada", "kurt"], [])
    assert done.notes == ["ada: 2 attempts at doubling.ipynb; the latest was taken"]
    assert handed_in(course) == {
        f"ada/01_doubling/{FILE}": "second",
        "ada/01_doubling/notes.txt": "mine",
        f"kurt/01_doubling/{FILE}": "only",
    }


def test_who_is_not_on_the_roster_is_named_and_not_guessed(course: Path) -> None:
    done = collected(course, {f"lovelaceada_999_1_{FILE}": "x", "gödelkurt_102_text.html": "y"})
    assert done.new == []
    assert done.problems == [
        "gödelkurt_102_text.html: an online text or a link, not a file; not collected",
        "lovelaceada (Canvas 999) is not on the roster, import Canvas's gradebook with "
        "`course roster`; 1 file not collected",
    ]
    assert handed_in(course) == {}


def test_late_in_canvas_is_late_here_and_a_better_time_is_kept(course: Path) -> None:
    files = {f"lovelaceada_LATE_101_9_{FILE}": "first"}
    done = collected(course, files)
    assert done.notes == ["ada: late; Canvas doesn't say by how much, so 1 minute is taken"]
    stamp = course / "submitted/ada/01_doubling/timestamp.txt"
    assert stamp.read_text() == "2026-10-02 18:01:00 UTC\n"
    stamp.write_text("2026-10-03 18:00:00 UTC")
    assert collected(course, files).same == ["ada"]
    assert stamp.read_text() == "2026-10-03 18:00:00 UTC"
    assert collected(course, {f"lovelaceada_101_10_{FILE}": "in time"}).changed == ["ada"]
    assert not stamp.exists()


def test_without_a_due_date_a_late_mark_is_only_said(course: Path) -> None:
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        gradebook.find_assignment("01_doubling").duedate = None
        gradebook.db.commit()
    done = collected(course, {f"lovelaceada_LATE_101_9_{FILE}": "x"})
    assert done.notes == [
        "ada: late, says Canvas; there is no due date here, so it counts as in time"
    ]


def test_what_was_there_is_kept_in_saved(course: Path) -> None:
    collected(course, {f"lovelaceada_101_9_{FILE}": "first"})
    done = collected(course, {f"lovelaceada_101_10_{FILE}": "second"})
    assert done.changed == ["ada"]
    assert done.saved
    assert (done.saved / "ada/01_doubling" / FILE).read_text() == "first"
    assert handed_in(course) == {f"ada/01_doubling/{FILE}": "second"}


# --- Moodle ---------------------------------------------------------------------------------------

SHEET = (
    'Identifier,"Full name","Email address",Status,Grade,"Maximum grade",'
    '"Last modified (submission)","Last modified (grade)"\n'
    'Participant 7,"Ada Lovelace",ada@example.edu,,,10,"Friday, 2 October 2026, 8:30 PM",-\n'
    'Participant 8,"Jane Doe",JANE@example.edu,,,10,"Friday, 2 October 2026, 7:00 AM",-\n'
    'Participant 9,"Jane Doe",j.doe@example.edu,,,10,demain,-\n'
)


def test_moodle_s_folders_are_known_by_name_where_that_is_clear(course: Path) -> None:
    done = collected(
        course,
        {
            f"Ada Lovelace_7_assignsubmission_file_/{FILE}": "ada's",
            f"Gödel Kurt_5_assignsubmission_file_/{FILE}": "kurt's",
            f"Jane Doe_8_assignsubmission_file_/{FILE}": "one Jane's",
            f"Participant_6_assignsubmission_file_/{FILE}": "whose?",
            "Ada Lovelace_7_assignsubmission_onlinetext_/onlinetext.html": "hello",
        },
    )
    assert done.new == ["ada", "kurt"]
    assert [line.partition(",")[0] for line in done.problems] == [
        "Ada Lovelace_7_assignsubmission_onlinetext_/onlinetext.html: an online text",
        "Jane Doe (Moodle 8) is not on the roster",
        "Participant (Moodle 6) is not on the roster",
    ]


def test_the_worksheet_tells_equal_names_apart_and_when_they_came(course: Path) -> None:
    files = {
        f"Ada Lovelace_7_assignsubmission_file_/{FILE}": "ada's",
        f"Participant_8_assignsubmission_file_/{FILE}": "one Jane's",
        f"Jane Doe_9_assignsubmission_file_{FILE}": "the other's",
    }
    with (course / "nbgrader_config.py").open("a") as config:
        config.write('\nc.Exchange.timezone = "Europe/Berlin"\n')
    done = collected(course, files, SHEET)
    assert (done.new, done.problems) == (["ada", "j1", "j2"], [])
    assert done.notes == [
        "j2: the worksheet's time “demain” is not understood, so it counts as in time"
    ]
    assert handed_in(course) == {
        f"ada/01_doubling/{FILE}": "ada's",
        "ada/01_doubling/timestamp.txt": "2026-10-02 18:30:00 UTC\n",
        f"j1/01_doubling/{FILE}": "one Jane's",
        "j1/01_doubling/timestamp.txt": "2026-10-02 05:00:00 UTC\n",
        f"j2/01_doubling/{FILE}": "the other's",
    }
    assert collected(course, files, SHEET).same == ["ada", "j1", "j2"]


# --- hostile and broken ---------------------------------------------------------------------------


def test_no_file_leaves_its_folder_or_sets_its_own_time(course: Path) -> None:
    home = "Ada Lovelace_7_assignsubmission_file_"
    link = zipfile.ZipInfo(f"{home}/link.ipynb")
    link.external_attr = 0o120777 << 16
    archive = packed(course, {
        f"{home}/{FILE}": "work",
        f"{home}/../../kurt/01_doubling/x.ipynb": "planted",
        f"{home}/timestamp.txt": "2020-01-01 00:00:00 UTC",
        f"{home}/tab\there.txt": "x",
        f"{home}/a": "file",
        f"{home}/a/b": "and folder",
        f"{home}/{'d/' * 40}deep": "x",
    })  # fmt: skip
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr(link, "/etc/passwd")
    done = collect(course, archive, "01_doubling")
    assert handed_in(course) == {f"ada/01_doubling/{FILE}": "work", "ada/01_doubling/a": "file"}
    words = ("leads elsewhere", "not theirs to say", "can't be a file's", "is a link", "32 folders",
             "is a file and a folder")  # fmt: skip
    assert len(done.problems) == len(words)
    assert all(any(word in line for line in done.problems) for word in words)
    assert all(line.isprintable() for line in done.problems)


def test_what_is_damaged_in_the_archive_is_named(course: Path) -> None:
    archive = packed(course, {f"lovelaceada_101_9_{FILE}": "a" * 50, f"k_102_9_{FILE}": "b" * 50})
    archive.write_bytes(archive.read_bytes().replace(b"a" * 50, b"c" * 50))
    done = collect(course, archive, "01_doubling")
    assert (done.new, done.problems) == (
        ["kurt"],
        [f"ada: {FILE} is damaged in the archive; not collected"],
    )


def test_an_archive_of_very_many_files_is_refused(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.MAX_FILES == 50_000
    monkeypatch.setattr(module, "MAX_FILES", 2)
    sent_in = {f"{name}_{FILE}": "{}" for name in ("lovelaceada_101_9", "k_102_9", "doe_103_9")}
    with pytest.raises(CourseError, match=r"all\.zip has more than 2 files"):
        collected(course, sent_in)
    sent_in.popitem()
    assert collected(course, sent_in).new == ["ada", "kurt"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no zip file"),
        (b"PK\x05\x06" + bytes(18), "it is empty"),
        (None, "No such file"),
    ],
)
def test_what_is_no_archive_ends_with_one_line(
    course: Path, content: bytes | None, words: str
) -> None:
    if content is not None:
        (course / "all.zip").write_bytes(content)
    with pytest.raises(CourseError, match=words):
        collect(course, course / "all.zip", "01_doubling")


def test_files_of_other_names_point_to_the_manual(course: Path) -> None:
    with pytest.raises(CourseError, match=r"its first file is hw1\.ipynb"):
        collected(course, {"hw1.ipynb": "x"})
    with pytest.raises(CourseError, match="not in the gradebook"):
        collect(course, packed(course, {}), "09_none")


# --- through the command --------------------------------------------------------------------------


def test_a_folder_that_a_browser_has_unpacked_is_collected_and_graded(
    course: Path, hand_in: HandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = (hand_in(course, "x", double=RIGHT, quadruple=TWICE) / FILE).read_bytes()
    archive = packed(course, {f"lovelaceada_LATE_101_9_{FILE}": work, f"y_5_5_{FILE}": b""})
    zipfile.ZipFile(archive).extractall(course / "submissions")
    monkeypatch.chdir(course)
    done = CliRunner().invoke(app, ["collect", "submissions", "--assignment", "01_doubling"])
    assert done.stdout.splitlines() == [
        "• ada: late; Canvas doesn't say by how much, so 1 minute is taken",
        "! y (Canvas 5) is not on the roster, import Canvas's gradebook with `course roster`; "
        "1 file not collected",
        "1 collected, 0 again, 0 as before.",
    ]
    grade_class(course, student="ada")
    found = read_results(course).works["ada", "01_doubling"]
    assert (found.score, found.late.total_seconds()) == (4, 60)
