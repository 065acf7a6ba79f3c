"""Make every student's feedback with nbgrader's generate_feedback: one HTML page per notebook.

What the page shows and what it leaves out is set in nbgrader_config.py: at the top what went wrong
by exercise (`course.grading.overview`), what had to be repaired and what happened while the code
ran (`course.grading.remarks`), below it the notebook as graded. Files that somebody has put beside
the pages are left alone.
"""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory

from course.directory import Course, open_course
from course.grading.batch import run_each
from course.layout import CourseError

LOG = "feedback.log"


@dataclass(frozen=True)
class Feedback:
    """What became of one submission's feedback.

    Attributes:
        student: the student's id.
        assignment: the assignment's name.
        pages: the HTML files.
        problem: why there are none, in one plain line; empty if there are.
    """

    student: str
    assignment: str
    pages: tuple[Path, ...] = ()
    problem: str = ""


def make_feedback(
    root: Path,
    assignments: Sequence[str] = (),
    *,
    jobs: int = 0,
    on_start: Callable[[int], None] = lambda count: None,
    on_done: Callable[[Feedback], None] = lambda feedback: None,
) -> list[Feedback]:
    """Make the feedback of all that has been graded.

    Args:
        root: the course's folder.
        assignments: their names; all graded ones, if none is given.
        jobs: how many processes work at once; 0 for one a CPU.
        on_start: told how many submissions there are.
        on_done: told what became of each.

    Returns:
        One entry a submission, by student, then by assignment.

    Raises:
        CourseError: if nothing has been graded, or nothing of one of the assignments.
    """
    course = open_course(root)
    tasks = [
        (root, path.parent.name, path.name)
        for path in sorted(course.path("autograded").glob("*/*"))
        if path.name in (assignments or [path.name]) and list(path.glob("*.ipynb"))
    ]
    missing = sorted(set(assignments) - {assignment for _, _, assignment in tasks})
    if missing or not tasks:
        what = f"of {missing[0]} " if missing else ""
        raise CourseError(f"nothing {what}has been graded yet: run `course grade` first")
    on_start(len(tasks))
    found = []
    jobs = min(jobs or os.cpu_count() or 1, len(tasks))
    for (_, student, assignment), result in run_each(feedback_of, tasks, jobs=jobs, log=root / LOG):
        feedback = result or Feedback(student, assignment, problem="the process was killed")
        found.append(feedback)
        on_done(feedback)
    return sorted(found, key=lambda feedback: (feedback.student, feedback.assignment))


def feedback_of(root: Path, student: str, assignment: str) -> Feedback:
    """Make the feedback of one submission."""
    course = open_course(root)
    pages = []
    for path in sorted(course.path("autograded", student, assignment).glob("*.ipynb")):
        try:
            _generate(course, student, assignment, path.stem)
        except (Exception, SystemExit) as error:
            logging.getLogger("traitlets").exception("%s of %s", assignment, student)
            problem = f"{path.name}: {type(error).__name__}: {error}"
            return Feedback(student, assignment, problem=f"{problem} (see {LOG})")
        pages.append(course.path("feedback", student, assignment) / f"{path.stem}.html")
    return Feedback(student, assignment, tuple(pages))


def _generate(course: Course, student: str, assignment: str, notebook: str) -> None:
    """Run nbgrader's generate_feedback for one notebook.

    Forced for a whole assignment, it would empty the folder first.
    """
    folders = CourseDirectory(config=course.config)
    folders.db_url = course.db_url
    folders.student_id, folders.assignment_id, folders.notebook_id = student, assignment, notebook
    converter = GenerateFeedback(coursedir=folders, config=course.config)
    converter.force = True
    converter.start()
