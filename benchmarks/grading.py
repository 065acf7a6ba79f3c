"""Seconds a submission: `nbgrader autograde` with its own kernel, and with the judge.

Run it with `python -m benchmarks.grading [STUDENTS]`. Chapter 1 is handed in by the reference and
by students with answers from the bank; each is graded by either, in turn, on this machine. Then all
of them at once. The scores must be equal.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from benchmarks.courses import ROOT, SIDES, configure, copy, environment, nbgrader, run
from course.bank import load
from course.notebook import exercises, grade_id, read
from course.release import make_release
from course.root import load_config

ASSIGNMENT, NOTEBOOK = "01_activations", "activations"
OWN = """
import sys, time
from pathlib import Path
from course.judge import shell
from course.notebook import is_test, read
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
    with_answers = read(ROOT / "source" / ASSIGNMENT / f"{NOTEBOOK}.ipynb")
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


def _submission(released: NotebookNode, source: NotebookNode, number: int) -> NotebookNode:
    """Return the reference for number 0, otherwise half of its answers changed for the bank's."""
    rng = random.Random(number)
    known = exercises(source)
    bank = load(ROOT / "course" / "answers" / ASSIGNMENT / f"{NOTEBOOK}.toml", known)
    answers = {exercise.id: exercise.solution for exercise in known}
    for exercise in rng.sample(known, len(known) // 2 if number else 0):
        choice = [answer for answer in bank if answer.exercise == exercise.id]
        answers[exercise.id] = rng.choice(choice).source
    nb = deepcopy(released)
    for cell in nb.cells:
        cell.source = answers.get(grade_id(cell), cell.source)
    return nb


def seconds(course: Path, *arguments: str) -> float:
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
    load_config(ROOT)  # finds alembic for nbgrader
    with tempfile.TemporaryDirectory(prefix="grading-") as name:
        places = courses(Path(name), count)
        print("| submission | its own code | stock nbgrader | the judge | ratio | judge's part |")
        print("|---|---|---|---|---|---|")
        rows = [_row(places, f"student_{number:02}") for number in range(count)]
        print(_line("median", [statistics.median(column) for column in zip(*rows, strict=True)]))
        whole = [seconds(places[side]) for side in SIDES]
        each = ", ".join(
            f"{side} {total / count:.2f} s" for side, total in zip(SIDES, whole, strict=True)
        )
        print(f"\nAll {count} in one go, a submission: {each}; ratio {whole[0] / whole[1]:.1f}.")
        if scores(places["stock"]) != scores(places["judge"]):
            sys.exit("The scores differ.")
        print(f"Equal scores: {len(scores(places['judge']))} questions.")


def _row(places: dict[str, Path], student: str) -> list[float]:
    own = own_seconds(places["judge"], student)
    stock, judge = (seconds(places[side], f"--student={student}") for side in SIDES)
    verdict = places["judge"] / "verdicts" / student / ASSIGNMENT / f"{NOTEBOOK}.json"
    inside = json.loads(verdict.read_text())["seconds"]
    row = [own, stock, judge, stock / judge, inside - own]
    print(_line(student, row), flush=True)
    return row


def _line(name: str, row: list[float]) -> str:
    own, stock, judge, ratio, above = row
    return f"| {name} | {own:.2f} s | {stock:.2f} s | {judge:.2f} s | {ratio:.1f} | {above:.2f} s |"


if __name__ == "__main__":
    main()
