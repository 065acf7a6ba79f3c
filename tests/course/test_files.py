"""Whatever folders and names are like, the walk through them ends, and a name can be shown."""

import os

import pytest

from course import files
from course.files import MAX_DEPTH, printable, safe_name, too_deep, trouble, unusable, walk


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
    "name", ["ada", "Müller, Jörg", "<b>", "a..c", "王", "it's", "a+b", "100 %"]
)
def test_names_that_can_be_a_students(name):
    assert unusable(name) == ""
    assert printable(name) == safe_name(name) == name


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


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        (os.fsdecode(b"M\xfcller, J"), "M_ller, J"),
        ("a\nb", "a_b"),
        (" ada ", "ada"),
        ("..c", "c"),
        ("[x]?*", "_x___"),
        ("...", "student"),
        (" " + "long " * 50, ("long " * 8).strip()),
    ],
)
def test_another_name_is_found_for_them_that_is_theirs_alone(name, plain):
    other = safe_name(name)
    assert other.rpartition("-")[0] == plain
    assert len(other.rpartition("-")[2]) == files.LETTERS
    assert unusable(other) == ""
    assert safe_name(other) == other
    assert safe_name(name + "*") != other


def test_no_more_than_a_hundred_thousand_are_walked_through(tmp_path, monkeypatch):
    assert files.MAX_ENTRIES == 100_000
    monkeypatch.setattr(files, "MAX_ENTRIES", 10)
    for name in "abc":
        (tmp_path / name).mkdir()
        for number in range(5):
            (tmp_path / name / str(number)).write_text("")
    assert len(list(walk(tmp_path))) == 10
    assert len(list(walk(tmp_path / "a"))) == 5


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device", "/a/b"), "/a/b: no space left on device"),
        (OSError(28, "No space", b"/a\n\xff"), "/a\\n\\xff: no space"),
        (OSError(28, "No space left on device", 3), "no space left on device"),
        (OSError("It broke\nin two"), "it broke in two"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_what_is_the_matter_with_a_file_is_one_line(error, words):
    assert trouble(error) == words
