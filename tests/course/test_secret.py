"""The course's secret: one for all processes, whoever comes first."""

import multiprocessing
import stat

import pytest

from course import secret
from course.secret import NAME, course_secret, hand_in_seed


def test_it_is_made_once_and_for_its_owner_alone(tmp_path):
    made = course_secret(tmp_path)
    assert len(made) == 32
    assert course_secret(tmp_path) == made
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    (tmp_path / "other").mkdir()
    assert course_secret(tmp_path / "other") != made


def test_who_comes_while_it_is_written_waits_for_it(tmp_path, monkeypatch):
    path = tmp_path / NAME
    path.touch()
    parts = iter(["", "ab" * 16, "cd" * 16 + "\n"])

    def write(_):
        with path.open("a") as file:
            file.write(next(parts))

    monkeypatch.setattr("time.sleep", write)
    assert course_secret(tmp_path).hex() == "ab" * 16 + "cd" * 16
    assert list(parts) == []


def test_one_without_a_new_line_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", None)
    (tmp_path / NAME).write_text("ab" * 32)
    assert course_secret(tmp_path).hex() == "ab" * 32


def test_processes_that_come_at_once_agree(tmp_path):
    folders = [tmp_path / str(n) for n in range(50)]
    for folder in folders:
        folder.mkdir()
    with multiprocessing.get_context("fork").Pool(4) as pool:
        found = pool.map(course_secret, [folder for folder in folders for _ in range(4)], 1)
    for n in range(len(folders)):
        assert len(set(found[4 * n : 4 * n + 4])) == 1


@pytest.mark.parametrize("text", ["", "abc", "ab" * 31 + "\n", "x" * 64 + "\n", "ab" * 33 + "\n"])
def test_a_file_that_holds_none_is_an_error(tmp_path, text, monkeypatch):
    monkeypatch.setattr(secret, "PATIENCE", 0.05)
    (tmp_path / NAME).write_text(text)
    with pytest.raises(ValueError, match="does not hold a secret of 32 bytes"):
        course_secret(tmp_path)
    assert (tmp_path / NAME).read_text() == text


def test_each_hand_in_of_each_student_has_a_seed_of_its_own():
    seeds = {
        hand_in_seed(key, student, digest)
        for key in (b"a", b"b")
        for student in ("ada", "bob")
        for digest in (b"1" * 32, b"2" * 32)
    }
    assert len(seeds) == 8
    assert hand_in_seed(b"a", "ada", b"1" * 32) in seeds


def test_a_full_disk_or_a_kill_leaves_no_half_of_it(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            course_secret(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(course_secret(tmp_path)) == 32


def test_where_there_are_no_links_it_is_made_all_the_same(tmp_path, monkeypatch):
    def forbidden(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", forbidden)
    made = course_secret(tmp_path)
    assert course_secret(tmp_path) == made
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
