"""Grade a class with nbgrader's autograde, one submission at a time, so that none stops another.

What can't be graded leaves the student's earlier grades and files as they were and is noted in one
plain line (`course.grading.notes`). How a notebook is repaired, run and judged is said in
nbgrader_config.py.
"""

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from traitlets import Unicode
from traitlets.config import Config, Configurable

from course.directory import Course, check_gradebook, open_course, queries_kept
from course.files import printable, unusable
from course.grading.batch import run_each
from course.grading.fingerprint import changes, code_digest, deciding, extensions, fingerprint
from course.grading.notes import (
    GradingOutcome,
    Notes,
    Status,
    add_note,
    add_notes,
    note_begun,
    read_notes,
)
from course.judge.preprocessor import judge_of
from course.layout import CourseError
from course.notebooks.cells import (
    NOT_GRADED,
    REPAIRS,
    UNDRAWN,
    grade_id,
    is_manual,
    is_test,
    names_before,
    read,
)
from course.notebooks.source import source_notebook
from course.repair.folder import SubmissionError, course_zone, tidied, timestamp
from course.rollback import Rows, submission_unchanged_on_error
from course.turn import turn
from course.verdict import find_verdict

LOG = "grading.log"
KILLED = "the process that graded it was killed, or ran out of memory"
AGAIN = "run `course grade` again"
UNKNOWN = "the course has no assignment of this name"
HERE = "none"  # no cluster


def grade_class(
    root: Path,
    assignments: Sequence[str] = (),
    *,
    student: str | None = None,
    force: bool = False,
    figures: bool = False,
    jobs: int = 0,
    cluster: str | None = None,
    on_start: Callable[[int], None] = lambda count: None,
    on_done: Callable[[Sequence[GradingOutcome]], None] = lambda outcomes: None,
) -> list[GradingOutcome]:
    """Grade what was handed in and has not been graded since.

    Args:
        root: the course's folder.
        assignments: their names; all that anybody handed in, if none is given.
        student: only this student's work.
        force: grade again what is graded already.
        figures: draw them, and grade again what was graded without.
        jobs: how many processes of this machine work at once; 0 for one a CPU.
        cluster: the address of a Dask scheduler whose workers grade instead; "none" for this
            machine; what the configuration says, if not given.
        on_start: told how many submissions there are.
        on_done: told each student's outcomes as they come.

    Returns:
        One outcome a submission, by student, then by assignment.

    Raises:
        CourseError: if an assignment or the student handed in nothing, or is not in the gradebook,
            if what is to grade can't confine students' code, or if somebody else is grading.
    """
    course = open_course(root)
    address = _cluster(course.config, cluster)
    if (judge := judge_of(course.config)) and not address:
        judge.check_machine()
    work = _handed_in(course, assignments, student)
    _check_released(course, {name for names in work.values() for name in names})
    course_zone(course.config)
    check_gradebook(course)
    with turn(course.db_url, "grading"):
        every = Class(course, work, read_notes(course), force=force, figures=figures)
        on_start(sum(map(len, work.values())))
        outcomes = list(every.unusable)
        if outcomes:
            on_done(outcomes)
        for result in every.on_cluster(address) if address else every.here(jobs):
            outcomes += result
            on_done(result)
    return sorted(outcomes, key=lambda outcome: (outcome.student, outcome.assignment))


class Grading(Configurable):
    """What a course's configuration says of where its work is graded."""

    cluster = Unicode(
        "", help="The address of a Dask scheduler whose workers grade; empty for this machine."
    ).tag(config=True)
    shared = Unicode(
        "",
        help="The folder submitted/ as the workers see it, if they do: then the files of a hand-in"
        " don't travel.",
    ).tag(config=True)


def _cluster(config: Config, cluster: str | None) -> str:
    """Return the address of a cluster; empty to grade on this machine."""
    address = Grading(config=config).cluster if cluster is None else cluster
    return "" if address == HERE else str(address)


@dataclass
class Class:
    """What is to be graded.

    Attributes:
        course: the course.
        work: the assignments that each student handed in.
        before: what grading came to the last time.
        force: grade again what is graded already.
        figures: draw them.
    """

    course: Course
    work: Mapping[str, Sequence[str]]
    before: Notes
    force: bool
    figures: bool

    @property
    def unusable(self) -> Iterator[GradingOutcome]:
        """What can't be graded because of a name."""
        for name, names in self.work.items():
            for each in names:
                if why := unusable(name) or unusable(each):
                    yield _failed(printable(name), printable(each), why)

    @cached_property
    def usable(self) -> dict[str, list[str]]:
        """What can be, by student."""
        return {
            name: names
            for name, every in self.work.items()
            if not unusable(name) and (names := [each for each in every if not unusable(each)])
        }

    @cached_property
    def decides(self) -> dict[str, dict[str, str]]:
        """What decides the grades of each assignment."""
        return {
            each: deciding(self.course, each)
            for each in {e for names in self.usable.values() for e in names}
        }

    @cached_property
    def extended(self) -> dict[tuple[str, str], dict[str, str]]:
        """What else decides that of a submission."""
        return extensions(self.course)

    def last(self, student: str, assignment: str) -> str:
        """Return the fingerprint of what was graded last; empty to grade it in any case."""
        return "" if self.force else _graded(self.before, student, assignment)

    def deciding(self, student: str, assignment: str) -> dict[str, str]:
        """Return what decides the grade of a submission, but for the hand-in."""
        return self.decides[assignment] | self.extended.get((student, assignment), {})

    def here(self, jobs: int) -> Iterator[list[GradingOutcome]]:
        """Grade on this machine, in as many processes; 0 for one a CPU."""
        root = Path(self.course.folders.root)
        tasks = [
            (
                root,
                name,
                {each: self.last(name, each) for each in names},
                {each: self.deciding(name, each) for each in names},
                self.figures,
            )
            for name, names in self.usable.items()
        ]
        jobs = max(1, min(jobs or os.cpu_count() or 1, len(tasks)))
        for task, result in run_each(grade_student, tasks, jobs=jobs, log=root / LOG):
            yield result or _after_death(self.course, self.before, *task[1:4])

    def on_cluster(self, address: str) -> Iterator[list[GradingOutcome]]:
        """Grade on the workers of a cluster."""
        try:
            from course.grading.cluster import Cluster
        except ModuleNotFoundError as error:
            raise CourseError(
                f"a cluster needs the package {error.name}: pip install -e '.[scale]'"
            ) from None
        from course.grading.station import make_kit
        from course.grading.writer import Graded, Writer, because

        log = Path(self.course.folders.root, LOG)
        log.write_text("", encoding="utf-8")
        writer = Writer(self.course, log)
        told: list[GradingOutcome] = []
        with Cluster(address, make_kit(self.course), code_digest(), grade_student) as cluster:
            if cluster.refused:
                log.write_text(
                    "".join(
                        f"{who} grades nothing: {why}\n" for who, why in cluster.refused.items()
                    )
                )
            for batch in cluster.grade(self.parcels(told.append)):
                replies = [
                    Graded(student, assignment, rows, before, reply)
                    for (student, assignment, rows, before), reply in batch
                    if not isinstance(reply, str)
                ]
                lost = [
                    _failed(student, assignment, f"{reply}; {AGAIN}")
                    for (student, assignment, *_), reply in batch
                    if isinstance(reply, str)
                ]
                add_notes(self.course, lost)
                befores = {(one.student, one.assignment): one.digest for one in replies}
                entered = [
                    replace(one, because=because(one, befores[one.student, one.assignment]))
                    for one in writer.enter(replies)
                ]
                yield [*told, *lost, *entered]
                told.clear()
        if told:
            yield told

    def parcels(
        self, tell: Callable[[GradingOutcome], None]
    ) -> Iterator[tuple[tuple[str, str, Rows, str], Any]]:
        """Yield what is to be sent away, with its rows; tell what needs no grading or can't be."""
        from course.grading.station import Parcel, submission_with_student
        from course.grading.travel import letter, pack, rows_to_json

        shared = Grading(config=self.course.config).shared
        with Gradebook(self.course.db_url, self.course.folders.course_id) as gradebook:
            for student, names in self.usable.items():
                for assignment in names:
                    graded = self.course.path("autograded", student, assignment)
                    before = self.last(student, assignment)
                    if self.figures and _is_undrawn(graded):
                        before = ""
                    decides = self.decides_by(student, [assignment])
                    mark = _mark(self.course, student, assignment, decides)
                    if mark == before and _is_there(self.course, student, assignment):
                        tell(GradingOutcome(student, assignment, Status.UP_TO_DATE))
                        continue
                    if assignment not in self.released:
                        tell(_failed(student, assignment, UNKNOWN))
                        add_note(self.course, _failed(student, assignment, UNKNOWN))
                        continue
                    submitted = self.course.path("submitted", student, assignment)
                    try:
                        files = f"{shared}/{student}" if shared else pack(submitted)
                        earlier = pack(graded)
                    except (SubmissionError, OSError) as error:
                        tell(_failed(student, assignment, str(error)))
                        add_note(self.course, _failed(student, assignment, str(error)))
                        continue
                    rows = submission_with_student(gradebook, assignment, student)
                    gradebook.db.rollback()
                    about = letter(
                        student=student,
                        assignment=assignment,
                        before="",
                        decides=decides,
                        figures=self.figures,
                        rows=rows_to_json(rows),
                    )
                    yield (student, assignment, rows, before), Parcel(about, files, earlier)

    def decides_by(self, student: str, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return what decides the grades of a student's submissions, by assignment."""
        return {each: self.deciding(student, each) for each in names}

    @cached_property
    def released(self) -> Mapping[str, Sequence[str]]:
        """The notebooks of each released assignment."""
        return self.course.assignments()


def _graded(notes: Notes, student: str, assignment: str) -> str:
    """Return the fingerprint of what was graded last; empty if nothing was."""
    before = notes.get((student, assignment))
    return before.digest if before else ""


def _after_death(
    course: Course,
    before: Notes,
    student: str,
    graded: Mapping[str, str],
    decides: Mapping[str, Mapping[str, str]],
) -> list[GradingOutcome]:
    """Say what has become of a student's submissions: the process that graded them is dead.

    Args:
        course: the course.
        before: the notes from before that process began.
        student: the student's id.
        graded: as for `grade_student`.
        decides: likewise.
    """
    now = read_notes(course)
    outcomes: list[GradingOutcome] = []
    for assignment, digest in graded.items():
        earlier, last = (notes.get((student, assignment)) for notes in (before, now))
        if last and last.finished and last != earlier:
            outcomes.append(last)
        elif last == earlier and digest == _mark(course, student, assignment, decides):
            outcomes.append(GradingOutcome(student, assignment, Status.UP_TO_DATE))
        else:
            outcomes.append(_failed(student, assignment, KILLED))
            add_note(course, outcomes[-1])
    return outcomes


def _mark(
    course: Course, student: str, assignment: str, decides: Mapping[str, Mapping[str, str]]
) -> str:
    return fingerprint(course.path("submitted", student, assignment), decides[assignment])


def _check_released(course: Course, names: set[str]) -> None:
    """Raise CourseError if an assignment was not released on this machine, or not as it is now."""
    known = course.assignments()
    here = {name for name in names if course.path("source", ".", name).is_dir()}
    if missing := sorted(here - set(known)):
        raise CourseError(f"{missing[0]} is not in the gradebook: run `course release` first")
    for name in sorted(here):
        if changed := _unreleased(course, name, known[name]):
            raise CourseError(
                f"{name} has changed since it was released ({', '.join(changed)}): run "
                f"`course release {name}` first"
            )


def _unreleased(course: Course, assignment: str, names: Sequence[str]) -> list[str]:
    """Return the graded cells of source/ whose points or tests the gradebook doesn't know so."""
    folder, changed = course.path("source", ".", assignment), []
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        for name in names:
            notebook = gradebook.find_notebook(name, assignment)
            known = {cell.name: cell.source for cell in notebook.source_cells}
            points = {cell.name: cell.max_score for cell in notebook.grade_cells}
            path = folder / f"{name}.ipynb"
            cells = source_notebook(path).notebook.cells if path.is_file() else []
            there = {grade_id(cell): cell for cell in cells if is_test(cell) or is_manual(cell)}
            for key, cell in there.items():
                same = is_manual(cell) or known.get(key) == cell.source
                if points.get(key) != cell.metadata.nbgrader.points or not same:
                    changed.append(key)
            changed += sorted(set(points) - set(there))
    return changed


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
    root: Path,
    student: str,
    graded: Mapping[str, str],
    decides: Mapping[str, Mapping[str, str]] | None = None,
    figures: bool = False,
) -> list[GradingOutcome]:
    """Grade one student's submissions; raises nothing that a submission can bring about.

    Args:
        root: the course's folder.
        student: the student's id.
        graded: the names of the assignments, each with the fingerprint of what was graded before:
            if it is still the same, it is not graded again. Empty for what is graded in any case.
        decides: by assignment, what `deciding` returns, if that is known already.
        figures: draw them whatever the configuration says, and grade again what has none.

    Raises:
        CourseError: if it can't be noted what became of them.
    """
    course = open_course(root)
    if figures:
        course.config.Judge.figures = "drawn"
    extended = {} if decides else extensions(course)
    decides = decides or {
        name: deciding(course, name) | extended.get((student, name), {}) for name in graded
    }
    outcomes = []
    for assignment, before in graded.items():
        try:
            mark = _mark(course, student, assignment, decides)
            if figures and _is_undrawn(course.path("autograded", student, assignment)):
                before = ""
            with queries_kept():
                outcomes.append(_grade(course, student, assignment, before, mark))
        except CourseError:
            raise
        except Exception as error:  # the gradebook is locked, the disk is full, a bug of ours
            logging.getLogger("traitlets").exception("%s of %s", assignment, student)
            outcomes.append(_failed(student, assignment, f"{_one_line(error)}; {AGAIN}"))
            add_note(course, outcomes[-1])
    return outcomes


def _grade(course: Course, student: str, assignment: str, before: str, mark: str) -> GradingOutcome:
    """Grade a submission unless it was graded just so before, and note what that came to."""
    if mark == before and _is_there(course, student, assignment):
        return GradingOutcome(student, assignment, Status.UP_TO_DATE)
    note_begun(course, student, assignment)
    outcome = _outcome(course, student, assignment, mark)
    add_note(course, outcome)
    return replace(outcome, because=tuple(changes(before, mark)))


def _outcome(course: Course, student: str, assignment: str, digest: str) -> GradingOutcome:
    wanted = course.assignments().get(assignment)
    if wanted is None:
        return _failed(student, assignment, UNKNOWN)
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
        notes = [_one_line(error)]
    notes += _keep_or_zero(course, student, assignment, wanted)
    return _failed(student, assignment, *notes)


def _failed(student: str, assignment: str, *notes: str) -> GradingOutcome:
    return GradingOutcome(student, assignment, Status.FAILED, tuple(map(printable, notes)))


def _is_undrawn(folder: Path) -> bool:
    """Tell whether a graded folder has a notebook whose figures were left out."""
    return any(UNDRAWN in read(path).metadata for path in folder.glob("*.ipynb"))


def _is_there(course: Course, student: str, assignment: str) -> bool:
    """Tell whether the result of grading a submission is still there."""
    with Gradebook(course.db_url, course.folders.course_id) as gradebook:
        known = {submission.name for submission in gradebook.student_submissions(student)}
    return assignment in known and course.path("autograded", student, assignment).is_dir()


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
            *metadata.get(REPAIRS, ()),
            *(verdict.incidents if verdict else ()),
        ]:
            yield where + str(note).rstrip(".")


@contextlib.contextmanager
def _readings_kept(course: Course, student: str, assignment: str) -> Iterator[None]:
    """Keep off the pile of answers to be read those that a person has marked, if they are the same.

    nbgrader puts all of them back when it grades again.
    """
    folder = course.path("autograded", student, assignment)
    read = {key for key, grade in _marked(course, student, assignment) if not grade}
    before = _answers(folder) if read else {}
    yield
    after = _answers(folder) if read else {}
    earlier = _earlier_names(course, assignment) if read else {}
    same = {
        key
        for key in read
        if key in after and after[key] == before.get(key, before.get(earlier.get(key, key)))
    }
    _take_off(course, student, assignment, same)


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


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
