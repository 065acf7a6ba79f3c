"""Which file was meant for a notebook: by name, then by what is answered in it."""

import io
import os
import zipfile

import nbformat
import pytest

from course.notebooks.cells import grade_id
from course.repair import which as module
from course.repair.repair import repair
from course.repair.which import likeness, which


@pytest.fixture
def given(source):
    return source.released()


@pytest.fixture
def written(given):
    """A function that returns the notebook as a file's text, with so many exercises answered."""

    def text(answers=1):
        nb = nbformat.from_dict(given)
        for cell, name in ((c, n) for c in nb.cells for n in ["double", "quadruple"][:answers]):
            if grade_id(cell) == name:
                cell.source = f"def {name}(x):\n    return 2 * x"
        return nbformat.writes(nb)

    return text


def put(folder, *names, text="{}"):
    for name in names:
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)


NAMES: list[tuple[list[str], list[str], str | None]] = [
    (["doubling.ipynb"], ["doubling"], "doubling.ipynb"),
    (["Doubling.ipynb"], ["doubling"], "Doubling.ipynb"),
    (["doubling (1).ipynb"], ["doubling"], "doubling (1).ipynb"),
    (["doubling-Copy1.ipynb", "notes.ipynb"], ["doubling"], "doubling-Copy1.ipynb"),
    (["work/doubling.ipynb"], ["doubling"], "work/doubling.ipynb"),
    (["doubling.ipynb/doubling.ipynb"], ["doubling"], "doubling.ipynb/doubling.ipynb"),
    (["homework.ipynb"], ["doubling"], "homework.ipynb"),
    (["homework.IPYNB"], ["doubling"], "homework.IPYNB"),
    (["homework.ipynb.txt"], ["doubling"], "homework.ipynb.txt"),
    (["doubling.ipynb.txt"], ["doubling"], "doubling.ipynb.txt"),
    (["doubling.ipynb.crdownload"], ["doubling"], "doubling.ipynb.crdownload"),
    (["doubling.ipynb "], ["doubling"], "doubling.ipynb "),
    (["doubling.json"], ["doubling"], "doubling.json"),
    (["doubling.txt"], ["doubling"], "doubling.txt"),
    (["doubling"], ["doubling"], "doubling"),
    (["doubling.py"], ["doubling"], "doubling.py"),
    (["doubling.py", "Doubling.ipynb"], ["doubling"], "Doubling.ipynb"),
    (["doubling.png"], ["doubling"], None),
    (["doubling.pdf"], ["doubling"], None),
    (["a.ipynb", "doubling.txt"], ["doubling"], "doubling.txt"),
    ([".ipynb_checkpoints/doubling.ipynb", "__MACOSX/doubling.ipynb"], ["doubling"], None),
    (["homework.ipynb"], ["doubling", "other"], None),
    (["other.ipynb"], ["doubling", "other"], None),
    (["doubling more.ipynb"], ["doubling", "doubling_more"], None),
    ([], ["doubling"], None),
]


@pytest.mark.parametrize(("files", "wanted", "found"), NAMES)
def test_the_file_that_was_meant(tmp_path, given, files, wanted, found):
    put(tmp_path, *files)
    meant = which(tmp_path, wanted[0], dict.fromkeys(wanted, given))
    assert meant.path == (tmp_path / found if found else None)
    assert (meant.note == "") == (found == "doubling.ipynb")


def test_of_several_the_one_in_which_most_is_answered(tmp_path, given, written):
    put(tmp_path, "doubling (1).ipynb", text=written(1))
    put(tmp_path, "doubling (2).ipynb", text=written(2))
    put(tmp_path, "doubling (3).ipynb", text=written(0))
    meant = which(tmp_path, "doubling", {"doubling": given})
    assert meant.path == tmp_path / "doubling (2).ipynb"
    put(tmp_path, "doubling (4).ipynb", text=written(2))  # the same once more
    assert which(tmp_path, "doubling", {"doubling": given}).path == meant.path
    put(tmp_path, "doubling (4).ipynb", text=written(2).replace("2 * x", "x + x"))
    assert which(tmp_path, "doubling", {"doubling": given}).path is None


def test_an_untouched_release_gives_way_to_work_beside_it(tmp_path, given, written):
    put(tmp_path, "doubling.ipynb", text=written(0))
    put(tmp_path, "doubling-Copy1.ipynb", text=written(0))
    assert which(tmp_path, "doubling", {"doubling": given}).path == tmp_path / "doubling.ipynb"
    put(tmp_path, "doubling (1).ipynb", text=written(1))
    meant = which(tmp_path, "doubling", {"doubling": given})
    assert meant.path == tmp_path / "doubling (1).ipynb"
    assert meant.note == (
        "nothing is answered in doubling.ipynb; doubling (1).ipynb was graded in its place"
    )
    put(tmp_path, "doubling.ipynb", text=written(1))
    assert which(tmp_path, "doubling", {"doubling": given}).path == tmp_path / "doubling.ipynb"


@pytest.mark.parametrize("archive", ["doubling.zip", "my homework.zip", "doubling.ipynb.zip"])
def test_a_notebook_in_an_archive(tmp_path, given, written, archive):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("01_doubling/doubling.ipynb", written(1))
        file.writestr("01_doubling/other.ipynb", written(0))
    (tmp_path / archive).write_bytes(data.getvalue())
    wanted = {"doubling": given, "other": given}
    assert which(tmp_path, "doubling", wanted).path == tmp_path / archive
    (tmp_path / archive).write_bytes(data.getvalue()[:50])
    expected = None if archive.startswith("my") else tmp_path / archive
    assert which(tmp_path, "doubling", wanted).path == expected


def test_what_course_hand_in_makes_is_no_repair(tmp_path, given, written):
    folder = tmp_path / "01_doubling"
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        file.writestr("01_doubling/doubling.ipynb", written(1))
    put(folder, "01_doubling.zip")
    (folder / "01_doubling.zip").write_bytes(data.getvalue())
    meant = which(folder, "doubling", {"doubling": given})
    assert (meant.path, meant.note) == (folder / "01_doubling.zip", "")
    assert repair(data.getvalue(), given, name="doubling").notes == []
    assert repair(data.getvalue(), given, name="other").notes
    put(folder, "doubling.ipynb", text=written(0))
    assert "was graded in its place" in which(folder, "doubling", {"doubling": given}).note


def test_no_link_stands_in_and_no_pipe(tmp_path, given):
    put(tmp_path, "real.txt")
    (tmp_path / "Doubling.ipynb").symlink_to("real.txt")
    os.mkfifo(tmp_path / "DOUBLING.ipynb")
    assert which(tmp_path, "doubling", {"doubling": given}).path is None


def test_a_file_is_like_the_notebook_whose_cells_it_has(given, written):
    assert likeness(written(1).encode(), given, "doubling") > 3
    assert likeness(b"{}", given, "doubling") == likeness(b"", given, "doubling") == 0


# --- bounds ---------------------------------------------------------------------------------------


def test_of_many_files_that_may_be_meant_no_more_than_twenty_are_read(
    tmp_path, given, written, monkeypatch
):
    put(tmp_path, *(f"doubling ({number:02}).ipynb" for number in range(30)), text=written(0))
    put(tmp_path, "doubling (05).ipynb", text=written(1))
    put(tmp_path, "doubling (25).ipynb", text=written(2))  # too many lie before it
    read = []
    original = vars(module)["read_submitted"]
    monkeypatch.setattr(
        module, "read_submitted", lambda path, *more: read.append(path) or original(path, *more)
    )
    meant = which(tmp_path, "doubling", {"doubling": given})
    assert meant.path == tmp_path / "doubling (05).ipynb"
    assert len({*read}) == module.MAX_READ == 20


@pytest.mark.parametrize(("before", "found"), [(9_999, True), (10_000, False)])
def test_no_more_than_ten_thousand_names_of_an_archive_are_looked_at(
    tmp_path, given, written, before, found
):
    with zipfile.ZipFile(tmp_path / "my homework.zip", "w") as file:
        for number in range(before):
            file.writestr(f"{number}", "")
        file.writestr("doubling.ipynb", written(1))
    meant = which(tmp_path, "doubling", {"doubling": given})
    assert (meant.path is not None) == found
