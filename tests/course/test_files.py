"""Whatever folders and names are like, the walk through them ends, and a name can be shown."""

import os

import pytest

from course.files import MAX_DEPTH, printable, too_deep, unusable, walk


def test_everything_is_found_and_no_link_followed(tmp_path):
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "a").write_text("")
    (tmp_path / "b" / "c" / "d").write_text("")
    (tmp_path / "b" / "up").symlink_to(tmp_path)
    names = [str(path.relative_to(tmp_path)) for path in walk(tmp_path)]
    assert names == ["a", "b", "b/c", "b/up", "b/c/d"]
    assert list(walk(tmp_path / "nowhere")) == list(walk(tmp_path / "a")) == []


def test_a_thousand_folders_within_each_other_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(1000):
        os.mkdir("d")  # noqa: PTH102  (the whole path is too long for the system)
        os.chdir("d")
    assert len(list(walk(tmp_path))) == MAX_DEPTH
    (deep,) = too_deep(tmp_path)
    assert len(deep.relative_to(tmp_path).parts) == MAX_DEPTH
    monkeypatch.chdir(tmp_path)
    for _ in range(1000):  # or pytest's own tidying up would fail
        os.rename("d/d", "e") if os.path.isdir("d/d") else None  # noqa: PTH104, PTH112
        os.rmdir("d")  # noqa: PTH106
        os.rename("e", "d") if os.path.isdir("e") else None  # noqa: PTH104, PTH112


@pytest.mark.parametrize(
    "name", ["ada", "Müller, Jörg", "<b>", "..c", "王", "it's", "a+b", "100 %"]
)
def test_names_that_can_be_a_students(name):
    assert unusable(name) == ""
    assert printable(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (os.fsdecode(b"M\xfcller"), "M\\xfcller"),
        ("a\nb", "a\\nb"),
        ("\x1b[2Jada", "\\x1b[2Jada"),
        ("ada\u202e", "ada\\u202e"),
        (" ada", " ada"),
        ("star*", "star*"),
        ("[x]", "[x]"),
    ],
)
def test_names_that_can_not_be_are_told_and_shown_safely(name, shown):
    assert unusable(name).endswith("rename it")
    assert printable(name) == shown
