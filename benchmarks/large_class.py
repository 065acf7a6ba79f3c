"""How long the report on a large class takes, and how fast its page opens.

Run it with `python -m benchmarks.large_class [--class STUDENTS] [--keep FOLDER]`. A few students
hand in chapter 1 with answers of its bank and are graded. The rest of the class are copies of
them: rows written through nbgrader's own API, graded notebooks linked, so that everybody's
verdict is a real one. Then the report is written by the command that a person would type, and its
page opened in a headless Chromium, if there is one.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from nbgrader.api import Gradebook

from benchmarks.courses import COURSE, ROOT, environment, run
from benchmarks.grading import ASSIGNMENT, NOTEBOOK, courses
from course.directory import open_course
from course.grading.grade import grade_class
from course.grading.notes import add_notes, read_notes
from course.layout import load_config

ORIGINALS = 20
# The page says when it has been laid out, which asking for its height makes the browser do.
OPENED = "<script>document.title = document.body.offsetHeight && performance.now()</script>"


def multiply(root: Path, students: int) -> None:
    """Make copies of a graded class until it has so many students."""
    course = open_course(root)
    originals = sorted(path.name for path in (root / "autograded").iterdir() if path.is_dir())
    notes = read_notes(course)
    rng = random.Random(0)
    known = []
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        points = {}
        for name in originals:
            notebook = gradebook.find_submission_notebook(NOTEBOOK, ASSIGNMENT, name)
            points[name] = {
                grade.name: (grade.auto_score, grade.needs_manual_grade)
                for grade in notebook.grades
            }
        for number in range(students - len(originals)):
            original, name = rng.choice(originals), f"copy_{number:05}"
            gradebook.add_student(name, first_name=f"First {number}", last_name=f"Last {number}")
            submission = gradebook.add_submission(ASSIGNMENT, name)
            for grade in submission.notebooks[0].grades:
                grade.auto_score, grade.needs_manual_grade = points[original][grade.name]
            known.append(replace(notes[original, ASSIGNMENT], student=name))
            shutil.copytree(
                root / "autograded" / original / ASSIGNMENT,
                root / "autograded" / name / ASSIGNMENT,
                copy_function=os.link,
            )
        gradebook.db.commit()
    add_notes(course, known)


def opening(page: Path, home: Path) -> str:
    """Return how long the page takes to open in a browser, in words."""
    program = shutil.which("chromium")
    if not program:
        return "no chromium here to open it in"
    timed = home / "timed.html"
    text = page.read_text(encoding="utf-8")
    text = re.sub("script-src '[^']*'", "script-src 'unsafe-inline'", text, count=1)
    timed.write_text(text.replace("</body>", f"{OPENED}</body>"), encoding="utf-8")
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", timed.as_uri()]
    variables = {**os.environ, "HOME": str(home)}
    found = []
    for _ in range(3):
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
        found.append(float(done.stdout.partition("<title>")[2].partition("</title>")[0]))
    return f"opened, its script run and laid out in {min(found) / 1000:.1f} s"


def lines(root: Path, students: int) -> Iterator[str]:
    """Yield what was measured, as it is known."""
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    multiply(root, students)
    yield f"{students} students made in {time.perf_counter() - start:.0f} s"
    variables = environment(root.parent / "home", ROOT)
    start = time.perf_counter()
    run([*COURSE, "report"], root, variables)
    yield f"course report: {time.perf_counter() - start:.1f} s"
    page = root / "report" / "index.html"
    yield f"the page: {page.stat().st_size / 1e6:.1f} MB; {opening(page, root.parent / 'home')}"
    table = root / "report" / "grades.csv"
    yield f"the table: {table.stat().st_size / 1e6:.1f} MB"


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--class", dest="students", type=int, default=2_000, metavar="STUDENTS")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    load_config(ROOT)  # finds alembic for nbgrader
    scratch = tempfile.TemporaryDirectory(prefix="large-")
    with nullcontext(options.keep) if options.keep else scratch as name:
        places = courses(Path(name), ORIGINALS)
        grade_class(places["judge"], [ASSIGNMENT])
        for line in lines(places["judge"], options.students):
            print(line, flush=True)


if __name__ == "__main__":
    main()
