"""Which of a student's own files the judge gives to their code."""

from pathlib import Path

import pytest

from course.judge import supervise


def given(folder: Path) -> list[str]:
    return [place.as_posix() for _, place in supervise._own_files(folder, {"weights.npz"})]


def test_files_are_given_but_no_notebook_no_link_and_nothing_that_is_handed_in(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir()
    for name in ("a.csv", "data/b.csv", "x.ipynb", "timestamp.txt", "weights.npz"):
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert given(tmp_path) == ["a.csv", "data/b.csv"]


def test_files_are_given_up_to_a_hundred_mebibytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert supervise.MAX_FILES == 100 << 20
    for name in "abc":
        with (tmp_path / name).open("wb") as file:
            file.truncate(40 << 20)  # takes no room on the disk
    assert given(tmp_path) == ["a", "b"]
    monkeypatch.setattr(supervise, "MAX_FILES", 40 << 20)
    assert given(tmp_path) == ["a"]
