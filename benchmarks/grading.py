"""How fast a class is graded: by nbgrader's own kernel, and by the judge.

Run it with `python -m benchmarks.grading [--class STUDENTS]`. Chapter 1 is handed in by the
reference and by students with answers from the bank. The whole class is graded by the command that
a person would type, its start included. The scores must be equal, but where the judge has carried
an error forward: nbgrader's kernel can't. What students' code takes by itself is measured in
processes that have imported everything.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from benchmarks.courses import COURSE, ROOT, SIDES, configure, copy, environment, nbgrader, run
from course.authoring.release import make_release
from course.layout import load_config
from course.notebooks.assignment import SOURCE
from course.notebooks.cells import TEST_PREFIX, grade_id, read
from course.notebooks.source import SourceNotebook, source_notebook
from course.verdict import read_verdict

ASSIGNMENT, NOTEBOOK = "01_activations", "activations"
GRADE = [*COURSE, "grade", ASSIGNMENT, "--force"]
DRAWN = ["--figures"]
WAYS = (  # what the table says, which side, how many processes, the command
    ("stock nbgrader", "stock", 1, nbgrader("autograde", ASSIGNMENT, "--force")),
    ("the judge, figures drawn", "judge", 1, [*GRADE, *DRAWN, "--jobs=1"]),
    ("the judge, figures drawn", "judge", 2, [*GRADE, *DRAWN, "--jobs=2"]),
    ("the judge, figures left out", "judge", 1, [*GRADE, "--jobs=1"]),
    ("the judge, figures left out", "judge", 2, [*GRADE, "--jobs=2"]),
)
HEAD = "| graded by | processes | a submission | times as many in an hour |"
OWN = """
import gc, os, sys, time
from pathlib import Path
from course.judge import shell
from course.notebooks.cells import is_test, read
from helpers import plots
target, drawn, *names = sys.argv[1:]
gc.freeze()
for name in names:
    if os.fork():
        os.wait()
        continue
    nb = read(Path(name))
    cells = [cell.source for cell in nb.cells if cell.cell_type == "code" and not is_test(cell)]
    own = shell.Shell()
    if drawn == "no":
        plots.leave_out()
    start = time.perf_counter()
    for cell in cells:
        own.run_cell(cell, "cell")
    with open(target, "a") as file:
        print(time.perf_counter() - start, file=file)
    os._exit(0)
"""
OWN_OF = 10  # students
COUNTS = "in place of yours"  # what a check says that was carried

Scores = dict[tuple[str, str], float]  # by student and question


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
        nb = submission(released, with_answers, number)
        path = first / "submitted" / f"student_{number:03}" / ASSIGNMENT / f"{NOTEBOOK}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(nb), encoding="utf-8")
    second = folder / SIDES[1] / "course"
    copy(first, second)
    configure(second, SIDES[1])
    return dict(zip(SIDES, (first, second), strict=True))


def submission(released: NotebookNode, source: SourceNotebook, number: int) -> NotebookNode:
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


def carried(course: Path) -> set[tuple[str, str]]:
    """Return the questions in which the judge has carried an error forward, by student."""
    return {
        (path.parts[-3], f"{TEST_PREFIX}{exercise.id}")
        for path in course.glob(f"verdicts/*/{ASSIGNMENT}/{NOTEBOOK}.json")
        for exercise in read_verdict(path).exercises
        if any(COUNTS in check.message for check in exercise.checks)
    }


def scores(course: Path) -> Scores:
    """Return every student's points by question."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        return {
            (submission.student.id, grade.name): grade.auto_score
            for submission in gradebook.assignment_submissions(ASSIGNMENT)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def seconds(course: Path, way: list[str]) -> float:
    """Return how long a command takes to grade the class."""
    variables = environment(course.parent / "home", ROOT)
    start = time.perf_counter()
    run(way, course, variables)
    return time.perf_counter() - start


def own_seconds(course: Path, *, drawn: bool) -> float:
    """Return how long a student's cells take by themselves: the median of some students."""
    paths = sorted(course.glob(f"submitted/*/{ASSIGNMENT}/{NOTEBOOK}.ipynb"))[:OWN_OF]
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder, "seconds")
        variables = environment(
            course.parent / "home",
            ROOT,
            COURSE_PACE="short",
            OMP_NUM_THREADS="1",
            OPENBLAS_NUM_THREADS="1",
        )
        command = [sys.executable, "-c", OWN, str(found), "yes" if drawn else "no"]
        run([*command, *map(str, paths)], course, variables)
        return statistics.median(map(float, found.read_text().split()))


def rows(places: dict[str, Path], count: int) -> Iterator[str]:
    """Yield the table's lines as they are known, and what is to be said besides.

    Raises:
        SystemExit: if the scores differ.
    """
    stock = 0.0
    found: dict[str, Scores] = {}
    yield HEAD
    yield "|---|---|---|---|"
    for words, side, processes, way in WAYS:
        took = seconds(places[side], way) / count
        stock = stock or took
        yield f"| {words} | {processes} | {took:.2f} s | {stock / took:.1f} |"
        if scores(places[side]) != found.setdefault(side, scores(places[side])):
            sys.exit(f"The scores differ: {words}.")
    differ = {key for key, score in found["judge"].items() if score != found["stock"][key]}
    if wrong := differ - carried(places["judge"]):
        sys.exit(f"The scores differ: {sorted(wrong)}.")
    drawn, left_out = (own_seconds(places["judge"], drawn=drawn) for drawn in (True, False))
    yield ""
    yield (
        f"A class of {count}. Of {len(found['judge'])} scores {len(differ)} are higher with the "
        "judge, for errors carried forward; all others are equal. By itself the code of a "
        f"submission takes {drawn:.2f} s, with its figures left out {left_out:.2f} s."
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--class", dest="students", type=int, default=12, metavar="STUDENTS")
    count = parser.parse_args().students
    warnings.simplefilter("ignore")
    load_config(ROOT)  # finds alembic for nbgrader
    with tempfile.TemporaryDirectory(prefix="grading-") as name:
        for line in rows(courses(Path(name), count), count):
            print(line, flush=True)


if __name__ == "__main__":
    main()
