"""What travels arrives as it was, whatever it is, and nowhere else."""

import io
import os
import re
import socket
import stat
import tarfile
from datetime import datetime, timedelta

import pytest
from nbgrader.api import Gradebook

from course.directory import open_course
from course.grading import travel
from course.grading.fingerprint import fingerprint
from course.grading.notes import GradingOutcome, Status
from course.grading.station import Reply, submission_with_student
from course.grading.travel import letter, pack, rows_from_json, rows_to_json, unpack
from course.grading.writer import Graded, Writer
from course.repair.folder import SubmissionError

DOUBLING = "01_doubling"


def test_a_folder_arrives_with_all_that_decides_what_is_said_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(travel, "MAX_BYTES", 1000)
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "below" / "empty").mkdir(parents=True)
    (here / "notebook.ipynb").write_bytes(b"{}\xff")
    (here / "below" / os.fsdecode(b"\xff.txt")).write_text("odd name")
    (here / "outside").symlink_to("/etc/passwd")
    (here / "nowhere").symlink_to("../../gone")
    os.link(here / "notebook.ipynb", here / "twice.ipynb")
    os.mkfifo(here / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(here / "socket"))
    (here / "large.bin").write_bytes(b"x" * 2000)
    data = pack(here)
    assert b"root:" not in data
    assert b"xxx" not in data
    unpack(data, there)
    assert sorted(p.name for p in there.rglob("*")) == sorted(p.name for p in here.rglob("*"))
    assert (there / "notebook.ipynb").read_bytes() == b"{}\xff"
    assert (there / "twice.ipynb").read_bytes() == b"{}\xff"
    assert (there / "large.bin").stat().st_size == 2000
    links = [str((there / name).readlink()) for name in ("outside", "nowhere")]
    assert links == ["/etc/passwd", "../../gone"]
    assert all(stat.S_ISFIFO((there / name).lstat().st_mode) for name in ("pipe", "socket"))
    (here / "large.bin").unlink()
    (there / "large.bin").unlink()
    assert fingerprint(there, {}) == fingerprint(here, {})


def test_no_folder_and_a_link_to_one_arrive_as_nothing(tmp_path):
    (tmp_path / "link").symlink_to("/etc")
    for name in ("link", "none"):
        assert pack(tmp_path / name) == b""
    unpack(b"", tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_too_much_does_not_travel(tmp_path, monkeypatch):
    monkeypatch.setattr(travel, "MOST", 1000)
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"x" * 600)
    with pytest.raises(SubmissionError, match="too much for a cluster"):
        pack(tmp_path)


def archive(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, kind, link in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, link
            made.addfile(entry)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"no archive",
        archive(("../outside", tarfile.REGTYPE, "")),
        archive(("link", tarfile.SYMTYPE, ".."), ("link/outside", tarfile.REGTYPE, "")),
    ],
)
def test_an_archive_that_would_put_something_elsewhere_is_refused(tmp_path, data):
    with pytest.raises(ValueError, match="no archive of a folder"):
        unpack(data, tmp_path / "there")
    assert not (tmp_path / "outside").exists()


def test_rows_are_the_same_after_their_way(graded):
    with Gradebook(f"sqlite:///{graded / 'gradebook.db'}") as book:
        book.grant_extension(DOUBLING, "ada", days=2, minutes=1)
        rows = submission_with_student(book, DOUBLING, "ada")
    values = [value for found in rows.values() for row in found.values() for value in row.values()]
    assert {datetime, timedelta, float, str, bool, type(None)} <= {*map(type, values)}
    assert rows_from_json(rows_to_json(rows)) == rows


@pytest.mark.parametrize("what", [{"no_table": []}, {"grade": [{}]}, {"grade": [1]}, []])
def test_what_are_no_rows_is_refused(what):
    with pytest.raises(ValueError, match="no rows"):
        rows_from_json(what)


@pytest.mark.parametrize(
    ("told", "files", "words"),
    [
        ("{}", b"", "no reply of a station"),
        ("no JSON", b"", "Expecting value"),
        ({"student": "bob"}, b"", "a reply to something else"),
        ({}, b"no archive", "no archive of a folder"),
        ({"rows": {"grade": [{"id": None}]}}, b"", "the gradebook .* can't be used"),
    ],
)
def test_a_reply_that_can_not_be_used_costs_itself_alone(graded, told, files, words):
    course = open_course(graded)
    writer = Writer(course, graded / "grading.log")
    with Gradebook(course.db_url, course.folders.course_id) as book:
        rows = {who: submission_with_student(book, DOUBLING, who) for who in ("ada", "cat")}
    before = read_all(graded)

    def reply(who, **more):
        outcome = {"student": who, "assignment": DOUBLING, "status": "graded", "notes": ["new"]}
        parts = {"outcome": outcome, "rows": rows_to_json(rows[who]), "log": ""}
        return letter(**parts | more)

    if isinstance(told, dict):
        wrong = {"outcome": {"student": "ada", "assignment": DOUBLING, "status": "graded",
                             "notes": [], **told}} if "student" in told else {}  # fmt: skip
        extra = {"rows": rows_to_json(rows["ada"]) | told["rows"]} if "rows" in told else {}
        told = reply("ada", **wrong, **extra)
    kept = pack(graded / "autograded" / "cat" / DOUBLING)
    found = writer.enter([
        Graded("ada", DOUBLING, rows["ada"], "", Reply(told, files, b"")),
        Graded("cat", DOUBLING, rows["cat"], "", Reply(reply("cat"), kept, b"")),
    ])  # fmt: skip
    cat, ada = found
    assert cat == GradingOutcome("cat", DOUBLING, Status.GRADED, ("new",))
    assert ada.status is Status.FAILED
    assert re.search(words, ada.notes[0])
    assert read_all(graded) == before


def read_all(root):
    """What there is of two students: files and points."""
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as book:
        grades = [
            (who, grade.name, grade.auto_score)
            for who in ("ada", "cat")
            for notebook in book.find_submission(DOUBLING, who).notebooks
            for grade in notebook.grades
        ]
    folders = [root / "autograded" / who / DOUBLING for who in ("ada", "cat")]
    return sorted(grades), {p: p.read_bytes() for f in folders for p in f.rglob("*.ipynb")}
