"""Grade a class with nbgrader's autograde, one submission at a time, so that none stops another.

What can't be graded leaves the student's earlier grades and files as they were and is noted, in
one plain line, in autograded/notes.json. How a notebook is repaired, run and judged is said in
nbgrader_config.py.
"""

import contextlib
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory

from course.grading.batch import run_each
from course.judge.preprocessor import judge_of
from course.layout import CourseError, load_config
from course.notebooks.cells import REPAIRS, read
from course.repair.folder import SubmissionError, tidied, timestamp
from course.rollback import submission_unchanged_on_error
from course.verdict import find_verdict

NOTES = "notes.json"
LOG = "grading.log"


class Status(StrEnum):
    """What became of a submission."""

    GRADED = "graded"
    UP_TO_DATE = "up to date"
    FAILED = "failed"


@dataclass(frozen=True)
class GradingOutcome:
    """What grading one submission came to.

    Attributes:
        student: the student's id.
        assignment: the assignment's name.
        status: whether it was graded, needed no grading, or could not be graded.
        notes: what the instructor should know, each one plain line.
        digest: of what was graded, to tell whether something else has been handed in since.
    """

    student: str
    assignment: str
    status: Status
    notes: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class Course:
    """The course's folders and gradebook, as nbgrader_config.py names them."""

    config: Any
    folders: CourseDirectory

    @property
    def db_url(self) -> str:
        """Where the gradebook is."""
        return str(self.folders.db_url)

    def path(self, step: str, student: str = ".", assignment: str = ".") -> Path:
        """Return the folder of a step ("submitted", "autograded", ...), person and assignment."""
        name = getattr(self.folders, f"{step}_directory")
        return Path(os.path.normpath(self.folders.format_path(name, student, assignment)))

    def assignments(self) -> dict[str, list[str]]:
        """Return the released assignments' names, each with its notebooks' (without extension)."""
        with Gradebook(self.db_url, self.folders.course_id) as gradebook:
            return {
                assignment.name: [notebook.name for notebook in assignment.notebooks]
                for assignment in gradebook.assignments
            }


def open_course(root: Path) -> Course:
    """Read the course's configuration.

    Raises:
        CourseError: if there is none, or it can't be read.
    """
    config = load_config(root)
    with contextlib.chdir(root):
        folders = CourseDirectory(config=config)
    if folders.db_url.startswith("sqlite:") and "?" not in folders.db_url:
        folders.db_url += "?timeout=60"  # seconds to wait while another process writes
    return Course(config, folders)


def grade_class(
    root: Path,
    assignments: Sequence[str] = (),
    *,
    student: str | None = None,
    force: bool = False,
    jobs: int = 0,
    on_start: Callable[[int], None] = lambda count: None,
    on_done: Callable[[Sequence[GradingOutcome]], None] = lambda outcomes: None,
) -> list[GradingOutcome]:
    """Grade what was handed in and has not been graded since.

    Args:
        root: the course's folder.
        assignments: their names; all that anybody handed in, if none is given.
        student: only this student's work.
        force: grade again what is graded already.
        jobs: how many processes work at once; 0 for one a CPU.
        on_start: told how many submissions there are.
        on_done: told each student's outcomes as they come.

    Returns:
        One outcome a submission, by student, then by assignment.

    Raises:
        CourseError: if an assignment or the student handed in nothing, or is not in the gradebook,
            or if this machine can't confine students' code.
    """
    course = open_course(root)
    if judge := judge_of(course.config):
        judge.check_machine()
    work = _handed_in(course, assignments, student)
    _check_released(course, {name for names in work.values() for name in names})
    with Gradebook(course.db_url):  # makes what every process would otherwise make at once
        pass
    read_notes(course)  # damaged notes are found before anything is graded
    on_start(sum(map(len, work.values())))
    outcomes: list[GradingOutcome] = []
    tasks = [(root, name, tuple(names), force) for name, names in work.items()]
    jobs = min(jobs or os.cpu_count() or 1, len(tasks))
    try:
        for task, result in run_each(grade_student, tasks, jobs=jobs, log=root / LOG):
            result = result or _killed(task[1], task[2])
            outcomes += result
            on_done(result)
    finally:
        _save_notes(course, outcomes)
    return sorted(outcomes, key=lambda outcome: (outcome.student, outcome.assignment))


def _killed(student: str, assignments: Sequence[str]) -> list[GradingOutcome]:
    note = "the process that graded it was killed, or ran out of memory"
    return [GradingOutcome(student, name, Status.FAILED, (note,)) for name in assignments]


def _check_released(course: Course, names: set[str]) -> None:
    """Raise CourseError if an assignment of the course has not been released on this machine."""
    missing = sorted(
        name
        for name in names - set(course.assignments())
        if course.path("source", ".", name).is_dir()
    )
    if missing:
        raise CourseError(f"{missing[0]} is not in the gradebook: run `course release` first")


def read_notes(course: Course) -> dict[tuple[str, str], GradingOutcome]:
    """Return what the last grading of each submission came to, by (student, assignment).

    Raises:
        CourseError: if the file is damaged.
    """
    path = course.path("autograded") / NOTES
    try:
        outcomes = [
            GradingOutcome(
                **entry | {"status": Status(entry["status"]), "notes": tuple(entry["notes"])}
            )
            for entry in json.loads(path.read_text(encoding="utf-8"))
        ]
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, KeyError):
        raise CourseError(f"{path} is damaged: remove it and run `course grade --force`") from None
    return {(outcome.student, outcome.assignment): outcome for outcome in outcomes}


def _save_notes(course: Course, outcomes: Sequence[GradingOutcome]) -> None:
    """Bring the notes up to date; those of submissions that were not graded now stay."""
    folder = course.path("autograded")
    folder.mkdir(parents=True, exist_ok=True)
    notes = read_notes(course)
    for outcome in outcomes:
        if outcome.status is not Status.UP_TO_DATE:
            notes[outcome.student, outcome.assignment] = outcome
    text = json.dumps([asdict(outcome) for _, outcome in sorted(notes.items())], indent=1)
    new = folder / f"{NOTES}.new"
    new.write_text(text + "\n", encoding="utf-8")
    new.replace(folder / NOTES)


def _handed_in(
    course: Course, assignments: Sequence[str], student: str | None
) -> dict[str, list[str]]:
    """Return the names of the assignments that each student handed in."""
    found: dict[str, list[str]] = {}
    for path in sorted(course.path("submitted").glob("*/*")):
        name, assignment = path.parent.name, path.name
        hidden = name.startswith(".") or assignment.startswith(".")
        if not hidden and student in (None, name) and assignment in (assignments or [assignment]):
            found.setdefault(name, []).append(assignment)
    missing = set(assignments) - {name for names in found.values() for name in names}
    who = f"by {student} " if student else ""
    if missing or not found:
        what = ", ".join(sorted(missing)) or "anything"
        raise CourseError(f"nobody handed in {what} {who}in {course.path('submitted')}")
    return found


# --- one student: in a process of its own ---------------------------------------------------------


def grade_student(
    root: Path, student: str, assignments: Sequence[str], force: bool
) -> list[GradingOutcome]:
    """Grade one student's submissions; raises nothing that a submission can bring about."""
    course = open_course(root)
    return [_grade(course, student, assignment, force) for assignment in assignments]


def _grade(course: Course, student: str, assignment: str, force: bool) -> GradingOutcome:
    wanted = course.assignments().get(assignment)
    if wanted is None:
        note = "the course has no assignment of this name"
        return GradingOutcome(student, assignment, Status.FAILED, (note,))
    digest = _digest(course.path("submitted", student, assignment))
    if not force and _is_up_to_date(course, student, assignment, digest):
        return GradingOutcome(student, assignment, Status.UP_TO_DATE)
    try:
        notes = _grade_submission(course, student, assignment, wanted)
        return GradingOutcome(student, assignment, Status.GRADED, tuple(notes), digest)
    except SubmissionError as error:
        notes = [str(error)]
    except Exception as error:
        logging.getLogger("traitlets").exception("%s of %s", assignment, student)
        notes = [_one_line(error)]
    notes += _keep_or_zero(course, student, assignment, wanted)
    return GradingOutcome(student, assignment, Status.FAILED, tuple(notes))


def _is_up_to_date(course: Course, student: str, assignment: str, digest: str) -> bool:
    """Tell whether just this has been graded, and the result is still there."""
    before = read_notes(course).get((student, assignment))
    if before is None or before.status is not Status.GRADED or before.digest != digest:
        return False
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        known = {submission.name for submission in gradebook.student_submissions(student)}
    return assignment in known and course.path("autograded", student, assignment).is_dir()


def _digest(folder: Path) -> str:
    """Return a digest of a folder's files, links not followed."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        whole.update(f"{path.relative_to(folder)}\0".encode(errors="surrogateescape"))
        if path.is_file() and not path.is_symlink():
            with contextlib.suppress(PermissionError), path.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def _grade_submission(
    course: Course, student: str, assignment: str, wanted: Sequence[str]
) -> list[str]:
    """Grade a submission; return what is to be said about it.

    Raises:
        SubmissionError: if there is nothing to grade, or nbgrader fails.
    """
    graded = course.path("autograded", student, assignment)
    with (
        tidied(course.folders, student, assignment, wanted) as (step, notes),
        _files_unchanged_on_error(graded),
        submission_unchanged_on_error(course.db_url, assignment, student),
    ):
        _autograde(course, student, assignment, step)
    return [*notes, *_recorded(graded, wanted)]


def _recorded(folder: Path, wanted: Sequence[str]) -> Iterator[str]:
    """Yield what graded notebooks say was repaired in them, or happened while they were judged."""
    for name in wanted:
        path = folder / f"{name}.ipynb"
        if not path.is_file():
            continue
        metadata = read(path).metadata
        verdict = find_verdict(metadata)
        where = f"{name}.ipynb: " if len(wanted) > 1 else ""
        for note in [*metadata.get(REPAIRS, ()), *(verdict.incidents if verdict else ())]:
            yield where + str(note).rstrip(".")


@contextlib.contextmanager
def _files_unchanged_on_error(folder: Path) -> Iterator[None]:
    """Put a folder back as it was before the block, if the block raises."""
    with tempfile.TemporaryDirectory(prefix=".before-", dir=_existing(folder)) as scratch:
        before = Path(scratch) / folder.name
        if folder.exists():
            shutil.copytree(folder, before)
        try:
            yield
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            if before.exists():
                before.rename(folder)
            raise


def _existing(folder: Path) -> Path:
    """Return the nearest folder above that exists, to keep a copy on the same disk."""
    return next(parent for parent in folder.parents if parent.exists())


def _autograde(course: Course, student: str, assignment: str, step: str) -> None:
    """Run nbgrader's autograde for a submission that lies in a step's folder.

    Raises:
        SubmissionError: if it fails; the log has the details.
    """
    folders = CourseDirectory(config=course.config)
    folders.db_url = course.db_url
    folders.student_id = student
    folders.assignment_id = assignment
    folders.submitted_directory = step
    converter = Autograde(coursedir=folders, config=course.config)
    converter.force = True
    with _errors_of(converter.log) as errors:
        try:
            converter.start()
        except (Exception, SystemExit) as error:
            raise SubmissionError(_reason(errors, error)) from error


@contextlib.contextmanager
def _errors_of(log: logging.Logger) -> Iterator[list[str]]:
    """Collect the error messages that go to a log within the block."""
    messages: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    log.addHandler(handler)
    try:
        yield messages
    finally:
        log.removeHandler(handler)


def _reason(errors: Sequence[str], error: BaseException) -> str:
    """Return why nbgrader failed: it logs the traceback of what it then sums up."""
    tracebacks = [message for message in errors if message.startswith("Traceback")]
    last = tracebacks[-1].strip().splitlines()[-1] if tracebacks else ""
    if "DeadKernelError" in last:
        return "its code ended Python itself, so it could not be run to its end"
    if any("kernel became unresponsive" in message for message in errors):
        return "its code runs for ever and could not be interrupted"
    return f"nbgrader could not grade it ({last or _one_line(error)})"


def _keep_or_zero(course: Course, student: str, assignment: str, names: Sequence[str]) -> list[str]:
    """Leave these notebooks' earlier grades; enter those without as handed in, with no points.

    Does for it what nbgrader does for a notebook that is missing. Says what it kept.
    """
    graded = course.path("autograded", student, assignment)
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        if not graded.exists():
            _enter(gradebook, course.path("submitted", student, assignment), student, assignment)
        for name in names:
            grades = gradebook.find_submission_notebook(name, assignment, student).grades
            if all(grade.auto_score is None and grade.manual_score is None for grade in grades):
                for grade in grades:
                    grade.auto_score = 0
                    grade.needs_manual_grade = False
        gradebook.db.commit()
    kept = any((graded / f"{name}.ipynb").exists() for name in names)
    return ["the earlier grades stay"] if kept else []


def _enter(gradebook: Gradebook, folder: Path, student: str, assignment: str) -> None:
    gradebook.update_or_create_student(student)
    gradebook.update_or_create_submission(assignment, student)
    with contextlib.suppress(SubmissionError):
        gradebook.update_or_create_submission(assignment, student, timestamp=timestamp(folder))


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
