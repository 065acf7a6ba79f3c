"""Repair's door into nbgrader: whatever stands in submitted/, the class is graded."""

import contextlib
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader import preprocessors as steps
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import capture_log

from course.layout import load_config
from course.notebooks.cells import grade_id, read
from course.repair.exporter import RepairingExporter, UnreadableFileError, read_submitted

NAME, ASSIGNMENT = "doubling", "01_doubling"
RIGHT = "def double(x):\n    return np.asarray(x) * 2"
TWICE = "def quadruple(x):\n    return double(double(x))"


@pytest.fixture
def course(course_root):
    """The course of one chapter, released."""
    config = load_config(course_root)
    folders = CourseDirectory(config=config, assignment_id=ASSIGNMENT)
    assert capture_log(GenerateAssignment(coursedir=folders, config=config))["success"]
    return course_root


def hand_in(root, student, **answers):
    """Put a student's work into submitted/; return the notebook's path."""
    folder = root / "submitted" / student / ASSIGNMENT
    shutil.copytree(root / "release" / ASSIGNMENT, folder)
    nb = read(folder / f"{NAME}.ipynb")
    for cell in nb.cells:
        cell.source = answers.get(grade_id(cell), cell.source)
    nbformat.write(nb, folder / f"{NAME}.ipynb")
    return folder / f"{NAME}.ipynb"


def autograde(root, *, run=False):
    """Grade everybody with nbgrader's converter, without running code unless told to."""
    config = load_config(root)
    config.Autograde.exporter_class = RepairingExporter
    if not run:
        config.Autograde.autograde_preprocessors = [steps.SaveAutoGrades, steps.CheckCellMetadata]
    folders = CourseDirectory(config=config, assignment_id=ASSIGNMENT)
    Autograde(coursedir=folders, config=config, force=True).start()


def autograded(root, student):
    return read(root / "autograded" / student / ASSIGNMENT / f"{NAME}.ipynb")


def text(nb, name):
    return next(cell.source for cell in nb.cells if grade_id(cell) == name)


def test_a_whole_notebook_passes_unchanged_and_a_broken_one_repaired(course, caplog):
    hand_in(course, "ada", double=RIGHT)
    path = hand_in(course, "bob", double=RIGHT)
    path.write_text(path.read_text().replace('"locked": true', '"locked": false')[:-20] + "]")
    before = path.read_bytes()
    with caplog.at_level(logging.WARNING, "traitlets"):
        autograde(course)
    ada, bob = autograded(course, "ada"), autograded(course, "bob")
    assert "repairs" not in ada.metadata
    assert text(ada, "double") == text(bob, "double") == RIGHT
    assert "BEGIN HIDDEN TESTS" in text(bob, "test_double")
    assert bob.metadata.repairs[0].startswith("The file was")
    assert f"bob, doubling.ipynb: {bob.metadata.repairs[0]}" in caplog.messages
    assert not any("ada," in message for message in caplog.messages)
    assert path.read_bytes() == before


def test_the_second_pass_repairs_nothing(course, monkeypatch):
    hand_in(course, "ada")
    seen = []
    plain = RepairingExporter._repaired

    def watched(self, path, folder, marks):
        seen.append(path.parts[-4])
        return plain(self, path, folder, marks)

    monkeypatch.setattr(RepairingExporter, "_repaired", watched)
    autograde(course)
    assert seen == ["submitted"]


def folder_in_its_place(path):
    path.unlink()
    path.mkdir()
    (path / "inside.txt").write_text("x")


def pipe_in_its_place(path):
    path.unlink()
    os.mkfifo(path)


def link_to_the_solution(path):
    path.unlink()
    path.symlink_to(path.parents[3] / "source" / ASSIGNMENT / f"{NAME}.ipynb")


def link_to_somebody_else(path):
    path.unlink()
    path.symlink_to(path.parents[2] / "ada" / ASSIGNMENT / f"{NAME}.ipynb")


def link_to_nowhere(path):
    path.unlink()
    path.symlink_to("nowhere.ipynb")


def link_to_itself(path):
    path.unlink()
    path.symlink_to(path.name)


def nothing_in_it(path):
    path.write_bytes(b"")


def noise_in_it(path):
    path.write_bytes(bytes(range(256)) * 20)


PLACES = {
    folder_in_its_place: "doubling.ipynb is a folder, not a file.",
    pipe_in_its_place: "doubling.ipynb is a pipe, not a file.",
    link_to_the_solution: "doubling.ipynb is a link to another place and is not followed.",
    link_to_somebody_else: "doubling.ipynb is a link to another place and is not followed.",
    link_to_nowhere: "doubling.ipynb can't be read: No such file or directory.",
    link_to_itself: "doubling.ipynb can't be read: ",
    nothing_in_it: "The file is empty.",
    noise_in_it: "The file holds binary data, not a notebook.",
}


def test_whatever_stands_in_the_notebooks_place(course):
    hand_in(course, "ada", double=RIGHT)
    for put in PLACES:
        put(hand_in(course, put.__name__, double=RIGHT))
    autograde(course)
    assert text(autograded(course, "ada"), "double") == RIGHT
    for put, note in PLACES.items():
        nb = autograded(course, put.__name__)
        assert nb.metadata.repairs[0].startswith(note)
        assert nb.metadata.repairs[1] == "Nothing counts as answered."
        assert "NotImplementedError" in text(nb, "double")
        assert text(nb, "why_twice") == "YOUR ANSWER HERE"


def test_a_link_within_the_submission_is_followed(course):
    path = hand_in(course, "ada", double=RIGHT)
    path.rename(path.with_name("kept.txt"))
    path.symlink_to("kept.txt")
    autograde(course)
    assert text(autograded(course, "ada"), "double") == RIGHT


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "x.ipynb"
    path.write_text("{}")

    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("course.repair.exporter.os.open", refuse)
    with pytest.raises(UnreadableFileError, match="may not be read: no permission"):
        read_submitted(path, tmp_path)


def test_a_device(tmp_path):
    with pytest.raises(UnreadableFileError, match="a device, not a file"):
        read_submitted(Path("/dev/zero"), Path("/dev"))


def test_elsewhere_it_is_nbconverts_exporter(tmp_path, notebook):
    path = tmp_path / "x.ipynb"
    nbformat.write(notebook, path)
    made, _ = RepairingExporter().from_filename(str(path))
    assert nbformat.reads(made, as_version=4) == notebook


def test_notes_reach_the_feedback(course):
    hand_in(course, "ada").write_bytes(b"")
    autograde(course)
    config = load_config(course)
    folders = CourseDirectory(config=config, assignment_id=ASSIGNMENT)
    converter = GenerateFeedback(coursedir=folders, config=config)
    seen = []

    class Watch(steps.NbGraderPreprocessor):
        def preprocess(self, nb, resources):
            seen.extend(nb.metadata["repairs"])
            return nb, resources

    converter.preprocessors = [*converter.preprocessors, Watch]
    converter.start()
    assert seen == ["The file is empty.", "Nothing counts as answered."]


@pytest.mark.slow
def test_nbgrader_grades_a_class_of_broken_submissions(course):
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(
            "\nfrom course.repair.exporter import RepairingExporter\n"
            "c.Autograde.exporter_class = RepairingExporter\n"
        )
    whole = {"double": RIGHT, "quadruple": TWICE, "why_twice": "Because."}
    hand_in(course, "whole", **whole)
    path = hand_in(course, "marks_lost", **whole)
    nb = read(path)
    for cell in nb.cells:
        cell.metadata, cell["id"] = {}, f"x{len(cell.source)}"
    nbformat.write(nb, path)
    path = hand_in(course, "upside_down", **whole)
    nb = read(path)
    nb.cells.reverse()
    nbformat.write(nb, path)
    path = hand_in(course, "cut_off", **whole)
    path.write_text(path.read_text()[: path.read_text().index("test_quadruple")])
    path = hand_in(course, "forged", double="pass", quadruple=TWICE)
    nb = read(path)
    for cell in nb.cells:
        if grade_id(cell).startswith("test_"):
            cell.source, cell.metadata.nbgrader["points"] = "99.0", 99
    nbformat.write(nb, path)
    pipe_in_its_place(hand_in(course, "pipe"))
    command = [sys.executable, "-m", "nbgrader", "autograde", ASSIGNMENT]
    subprocess.run(command, cwd=course, check=True, capture_output=True)
    with contextlib.closing(Gradebook(f"sqlite:///{course / 'gradebook.db'}")) as gradebook:
        scores = {
            submission.student.id: {grade.name: grade.auto_score for grade in notebook.grades}
            for submission in gradebook.assignment_submissions(ASSIGNMENT)
            for notebook in submission.notebooks
        }
    full = {"test_double": 3, "test_quadruple": 1, "why_twice": None}
    none = {"test_double": 0, "test_quadruple": 0, "why_twice": 0}
    assert scores == {
        "whole": full,
        "marks_lost": full,
        "upside_down": full,
        "cut_off": {**full, "why_twice": 0},
        "forged": {**none, "test_quadruple": 1},  # right with a right `double`
        "pipe": none,
    }
