"""Grade one submission with nbgrader's autograde.

What can't be graded leaves the student's earlier grades and files as they were and is noted in one
plain line (`course.grading.notes`). How a notebook is repaired, run and judged is said in
nbgrader_config.py. Knows nothing of the rest of the class, nor of where it is graded.
"""

import contextlib
import logging
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory

from course.directory import Course, open_course, queries_kept
from course.files import printable
from course.grading.fingerprint import deciding, extensions, fingerprint
from course.grading.notes import GradingOutcome, Status
from course.notebooks.cells import (
    CHANGED,
    NOT_GRADED,
    REPAIRS,
    UNDRAWN,
    grade_id,
    is_manual,
    names_before,
    read,
)
from course.notebooks.source import source_notebook
from course.repair.folder import SubmissionError, course_zone, tidied, timestamp
from course.rollback import submission_unchanged_on_error
from course.verdict import find_verdict

AGAIN = "run `course grade` again"
# CPython counts how deep syntax trees are for all threads together, and once in a while says so.
PYTHON_FAILED = "SystemError: AST constructor recursion depth mismatch"
TRIES = 3
TO_READ = "`{key}` has changed since it was marked, and is to be read again"
UNKNOWN = "the course has no assignment of this name"


def grade_submission(
    root: Path,
    student: str,
    assignment: str,
    decides: Mapping[str, str] | None = None,
    figures: bool = False,
) -> GradingOutcome:
    """Grade a submission; raises nothing that a submission can bring about.

    Args:
        root: the course's folder.
        student: the student's id.
        assignment: the assignment's name.
        decides: what `deciding` and `extensions` return of it, if that is known already.
        figures: draw them whatever the configuration says.
    """
    course = open_course(root)
    if figures:
        course.config.Judge.figures = "drawn"
    if decides is None:
        extended = extensions(course).get((student, assignment), {})
        decides = deciding(course, assignment) | extended
    try:
        with queries_kept():
            return _outcome(
                course, student, assignment, mark_of(course, student, assignment, decides)
            )
    except Exception as error:  # the gradebook is locked, the disk is full, a bug of ours
        logging.getLogger("traitlets").exception("%s of %s", assignment, student)
        return failed(student, assignment, f"{one_line(error)}; {AGAIN}")


def mark_of(course: Course, student: str, assignment: str, decides: Mapping[str, str]) -> str:
    """Return the fingerprint of a submission as it is now."""
    return fingerprint(course.path("submitted", student, assignment), decides)


def _outcome(course: Course, student: str, assignment: str, digest: str) -> GradingOutcome:
    wanted = course.assignments().get(assignment)
    if wanted is None:
        return failed(student, assignment, UNKNOWN)
    try:
        notes, left_out = _grade_submission(course, student, assignment, wanted)
        if left_out:
            digest = ""  # so that it is graded again, perhaps where nothing is missing
        told = tuple(map(printable, notes))  # names of files are among them
        return GradingOutcome(student, assignment, Status.GRADED, told, digest)
    except SubmissionError as error:
        notes = [str(error)]
    except Exception as error:
        logging.getLogger("traitlets").exception("%s of %s", assignment, student)
        notes = [one_line(error)]
    notes += _keep_or_zero(course, student, assignment, wanted)
    return failed(student, assignment, *notes)


def failed(student: str, assignment: str, *notes: str) -> GradingOutcome:
    """Return that, and why, a submission could not be graded."""
    return GradingOutcome(student, assignment, Status.FAILED, tuple(map(printable, notes)))


def is_undrawn(folder: Path) -> bool:
    """Tell whether a graded folder has a notebook whose figures were left out."""
    return any(UNDRAWN in read(path).metadata for path in folder.glob("*.ipynb"))


def _grade_submission(
    course: Course, student: str, assignment: str, wanted: Sequence[str]
) -> tuple[list[str], bool]:
    """Grade a submission; return what is to be said about it, and whether a notebook was left out.

    Raises:
        SubmissionError: if there is nothing to grade, or nbgrader fails.
    """
    graded = course.path("autograded", student, assignment)
    with (
        tidied(course.folders, student, assignment, wanted) as (step, notes),
        _readings_kept(course, student, assignment),
        _files_unchanged_on_error(graded),
        submission_unchanged_on_error(course.db_url, assignment, student),
    ):
        _autograde(course, student, assignment, step)
    paths = [path for name in wanted if (path := graded / f"{name}.ipynb").is_file()]
    about = {path.stem: read(path).metadata for path in paths}
    left_out = any(NOT_GRADED in metadata for metadata in about.values())
    return [*notes, *_recorded(about, several=len(wanted) > 1)], left_out


def _recorded(about: Mapping[str, Any], *, several: bool) -> Iterator[str]:
    """Yield what graded notebooks say was repaired in them, or happened while they were judged.

    Args:
        about: their metadata by name.
        several: whether the assignment has more than one.
    """
    for name, metadata in about.items():
        verdict = find_verdict(metadata)
        where = f"{name}.ipynb: " if several else ""
        left_out = [metadata[NOT_GRADED]] if NOT_GRADED in metadata else []
        for note in [
            *left_out,
            *(TO_READ.format(key=key) for key in metadata.get(CHANGED, ())),
            *metadata.get(REPAIRS, ()),
            *(verdict.incidents if verdict else ()),
        ]:
            yield where + str(note).rstrip(".")


@contextlib.contextmanager
def _readings_kept(course: Course, student: str, assignment: str) -> Iterator[None]:
    """Keep off the pile of answers to be read those that a person has marked, if they are the same.

    nbgrader puts all of them back when it grades again. Those that are not the same are noted in
    the graded notebook, until they have been read.
    """
    folder = course.path("autograded", student, assignment)
    marked = dict(_marked(course, student, assignment))  # and whether they wait to be read
    before = _answers(folder) if marked else {}
    noted = _noted(folder) if marked else set()
    yield
    after = _answers(folder) if marked else {}
    earlier = _earlier_names(course, assignment) if marked else {}
    off = {key for key, waits in marked.items() if key in after and not waits}
    same = {key for key in off if after[key] == before.get(key, before.get(earlier.get(key, key)))}
    _take_off(course, student, assignment, same)
    _note_changed(folder, (off - same) | {key for key in noted if key in after and marked.get(key)})


def _noted(folder: Path) -> set[tuple[str, str]]:
    """Return the answers that had changed since they were marked, by (notebook, grade_id)."""
    return {
        (path.stem, key)
        for path in folder.glob("*.ipynb")
        for key in read(path).metadata.get(CHANGED, ())
    }


def _note_changed(folder: Path, keys: Collection[tuple[str, str]]) -> None:
    """Write into graded notebooks which answers have changed since they were marked."""
    for name in {name for name, _ in keys}:
        path = folder / f"{name}.ipynb"
        nb, mode = read(path), path.stat().st_mode
        nb.metadata[CHANGED] = sorted(key for book, key in keys if book == name)
        path.chmod(mode | stat.S_IWUSR)
        nbformat.write(nb, path)  # type: ignore[no-untyped-call]
        path.chmod(mode)


def _earlier_names(course: Course, assignment: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Return what answers were called before they were renamed, by (notebook, grade_id)."""
    return {
        (path.stem, new): (path.stem, old)
        for path in course.path("source", ".", assignment).glob("*.ipynb")
        for new, old in names_before(source_notebook(path).notebook.cells).items()
    }


def _answers(folder: Path) -> dict[tuple[str, str], str]:
    """Return the answers in graded notebooks, by (notebook, grade_id)."""
    return {
        (path.stem, grade_id(cell)): cell.source
        for path in folder.glob("*.ipynb")
        for cell in read(path).cells
        if is_manual(cell)
    }


def _marked(course: Course, student: str, assignment: str) -> list[tuple[tuple[str, str], bool]]:
    """Return what a person has marked, by (notebook, grade_id), and whether it waits to be read."""
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        return [
            ((notebook.name, grade.name), grade.needs_manual_grade)
            for notebook in _notebooks(gradebook, student, assignment)
            for grade in notebook.grades
            if grade.manual_score is not None
        ]


def _take_off(
    course: Course, student: str, assignment: str, keys: Collection[tuple[str, str]]
) -> None:
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        for notebook in _notebooks(gradebook, student, assignment) if keys else []:
            for grade in notebook.grades:
                if (notebook.name, grade.name) in keys:
                    grade.needs_manual_grade = False
        gradebook.db.commit()


def _notebooks(gradebook: Gradebook, student: str, assignment: str) -> Sequence[Any]:
    try:
        found: Sequence[Any] = gradebook.find_submission(assignment, student).notebooks
    except MissingEntry:
        return []
    return found


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
    for left in reversed(range(TRIES)):
        try:
            _autograde_once(course, student, assignment, step)
            return
        except SubmissionError as error:
            if not left or PYTHON_FAILED not in str(error):
                raise


def _autograde_once(course: Course, student: str, assignment: str, step: str) -> None:
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
        return "its code never ends and could not be interrupted"
    return f"nbgrader could not grade it ({last or one_line(error)})"


def _keep_or_zero(course: Course, student: str, assignment: str, names: Sequence[str]) -> list[str]:
    """Leave these notebooks' earlier grades; enter those without as handed in, with no points.

    Does for it what nbgrader does for a notebook that is missing. Says what it kept.
    """
    graded = course.path("autograded", student, assignment)
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        if not graded.exists():
            _enter(course, gradebook, student, assignment)
        for name in names:
            grades = gradebook.find_submission_notebook(name, assignment, student).grades
            if all(grade.auto_score is None and grade.manual_score is None for grade in grades):
                for grade in grades:
                    grade.auto_score = 0
                    grade.needs_manual_grade = False
        gradebook.db.commit()
    kept = any((graded / f"{name}.ipynb").exists() for name in names)
    return ["the earlier grades stay"] if kept else []


def _enter(course: Course, gradebook: Gradebook, student: str, assignment: str) -> None:
    gradebook.update_or_create_student(student)
    gradebook.update_or_create_submission(assignment, student)
    with contextlib.suppress(SubmissionError):
        when = timestamp(course.path("submitted", student, assignment), course_zone(course.config))
        gradebook.update_or_create_submission(assignment, student, timestamp=when)


def one_line(error: BaseException) -> str:
    """Return an error's name and what it says, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
