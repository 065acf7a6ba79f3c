"""Seconds a submission: nbgrader's autograde with its own kernel, and with the judge.

Run it with `python -m benchmarks.grading [STUDENTS]`. Chapter 1 is handed in by the reference and
by students with answers from the bank. Each is graded by either in turn, in this one process, as
`course grade` does it; then the same with the command `nbgrader autograde`, which starts anew: for
one student, and for all at once. The scores must be equal.
"""

import argparse
import logging
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory

from benchmarks.courses import ROOT, SIDES, configure, copy, environment, nbgrader, run
from course.authoring.release import make_release
from course.layout import load_config
from course.notebooks.assignment import SOURCE
from course.notebooks.cells import grade_id, read
from course.notebooks.source import SourceNotebook, source_notebook
from course.verdict import read_verdict

ASSIGNMENT, NOTEBOOK = "01_activations", "activations"
OWN = """
import sys, time
from pathlib import Path
from course.judge import shell
from course.notebooks.assignment import SOURCE
from course.notebooks.source import SourceNotebook, source_notebook
from course.notebooks.cells import is_test, read
nb = read(Path(sys.argv[1]))
cells = [cell.source for cell in nb.cells if cell.cell_type == "code" and not is_test(cell)]
own = shell.Shell()
start = time.perf_counter()
for cell in cells:
    own.run_cell(cell, "cell")
Path(sys.argv[2]).write_text(str(time.perf_counter() - start))
"""


def courses(folder: Path, students: int) -> dict[str, Path]:
    """Make a course for either side, with the same submissions."""
    first = folder / SIDES[0] / "course"
    configure(first, SIDES[0])
    for name in ("source", "helpers"):
        copy(ROOT / name, first / name)
    with_answers = source_notebook(ROOT / SOURCE / ASSIGNMENT / f"{NOTEBOOK}.ipynb")
    make_release(first, [ASSIGNMENT])
    released = read(first / "release" / ASSIGNMENT / f"{NOTEBOOK}.ipynb")
    for number in range(students):
        nb = _submission(released, with_answers, number)
        path = first / "submitted" / f"student_{number:02}" / ASSIGNMENT / f"{NOTEBOOK}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(nb), encoding="utf-8")
    second = folder / SIDES[1] / "course"
    copy(first, second)
    configure(second, SIDES[1])
    return dict(zip(SIDES, (first, second), strict=True))


def _submission(released: NotebookNode, source: SourceNotebook, number: int) -> NotebookNode:
    """Return the reference for number 0, otherwise half of its answers changed for the bank's."""
    rng = random.Random(number)
    known = source.exercises
    answers = {exercise.id: exercise.solution for exercise in known}
    for exercise in rng.sample(known, len(known) // 2 if number else 0):
        answers[exercise.id] = rng.choice(source.bank.of(exercise.id)).source
    nb = deepcopy(released)
    for cell in nb.cells:
        cell.source = answers.get(grade_id(cell), cell.source)
    return nb


def grade(course: Path, student: str) -> float:
    """Return how long a submission takes, with everything started and imported."""
    os.chdir(course)
    config = load_config(course)
    folders = CourseDirectory(config=config, student_id=student, assignment_id=ASSIGNMENT)
    converter = Autograde(coursedir=folders, config=config)
    converter.force = True
    converter.log.setLevel(logging.CRITICAL)
    start = time.perf_counter()
    converter.start()
    return time.perf_counter() - start


def command(course: Path, *arguments: str) -> float:
    """Return how long `nbgrader autograde` takes."""
    variables = environment(course.parent / "home")
    start = time.perf_counter()
    run(nbgrader("autograde", ASSIGNMENT, "--force", *arguments), course, variables)
    return time.perf_counter() - start


def own_seconds(course: Path, student: str) -> float:
    """Return how long a student's cells take by themselves, in a process that has imported all."""
    path = course / "submitted" / student / ASSIGNMENT / f"{NOTEBOOK}.ipynb"
    found = course.parent / "seconds"
    variables = environment(
        course.parent / "home", COURSE_PACE="short", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"
    )
    command = [sys.executable, "-c", OWN, str(path), str(found)]
    subprocess.run(command, check=True, env=variables, stdout=subprocess.DEVNULL)
    return float(found.read_text())


def scores(course: Path) -> dict[tuple[str, str], float]:
    """Return every student's points by question."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        return {
            (submission.student.id, grade.name): grade.auto_score
            for submission in gradebook.assignment_submissions(ASSIGNMENT)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("students", nargs="?", type=int, default=5)
    count = parser.parse_args().students
    warnings.simplefilter("ignore")
    load_config(ROOT)  # finds alembic for nbgrader
    with tempfile.TemporaryDirectory(prefix="grading-") as name:
        places = courses(Path(name), count)
        print("| submission | its own code | stock nbgrader | the judge | ratio | rest of judge |")
        print("|---|---|---|---|---|---|")
        students = [f"student_{number:02}" for number in range(count)]
        for course in places.values():
            grade(course, students[0])  # starts what is started once
        rows = [_row(places, student) for student in students]
        print(_line("median", [statistics.median(column) for column in zip(*rows, strict=True)]))
        print("\n| `nbgrader autograde`, a submission | stock nbgrader | the judge | ratio |")
        print("|---|---|---|---|")
        for words, arguments, share in (
            ("one alone", [f"--student={students[0]}"], 1),
            (f"all {count}", [], count),
        ):
            stock, judge = (command(places[side], *arguments) / share for side in SIDES)
            print(f"| {words} | {stock:.2f} s | {judge:.2f} s | {stock / judge:.1f} |", flush=True)
        if scores(places["stock"]) != scores(places["judge"]):
            sys.exit("The scores differ.")
        print(f"\nThe scores of all {len(scores(places['judge']))} questions are equal.")
        os.chdir(ROOT)


def _row(places: dict[str, Path], student: str) -> list[float]:
    own = own_seconds(places["judge"], student)
    stock, judge = (grade(places[side], student) for side in SIDES)
    verdict = places["judge"] / "verdicts" / student / ASSIGNMENT / f"{NOTEBOOK}.json"
    inside = read_verdict(verdict).seconds
    row = [own, stock, judge, stock / judge, inside - own]
    print(_line(student, row), flush=True)
    return row


def _line(name: str, row: list[float]) -> str:
    own, stock, judge, ratio, above = row
    return f"| {name} | {own:.2f} s | {stock:.2f} s | {judge:.2f} s | {ratio:.1f} | {above:.2f} s |"


if __name__ == "__main__":
    main()
