"""Grade a class, on this machine or on a cluster, one submission at a time: none stops another.

What is done for each student is in `course.grading.one_student`.
"""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nbgrader.api import Assignment, Gradebook, SubmittedAssignment
from sqlalchemy.exc import SQLAlchemyError
from traitlets import Unicode
from traitlets.config import Config, Configurable

from course.authoring.unchanged import released_from, source_digest
from course.directory import Course, check_gradebook, open_course, problem
from course.files import printable, safe_name, trouble, unusable
from course.grading.batch import interrupts_later, new_log, run_each
from course.grading.fingerprint import PASSED_OVER, SOURCE, code_digest, deciding, extensions
from course.grading.notes import (
    GradingOutcome,
    Notes,
    Status,
    add_note,
    add_notes,
    read_notes,
)
from course.grading.one_student import (
    AGAIN,
    UNKNOWN,
    failed,
    grade_submission,
    is_undrawn,
    mark_of,
    one_line,
)
from course.grading.station import (
    Parcel,
    Reply,
    Work,
    grade_in_room,
    make_kit,
    room,
    submission_with_student,
    with_name,
)
from course.grading.travel import letter, pack, rows_to_json
from course.grading.writer import Graded, Judged, Writer, in_the_way, put_back
from course.judge.preprocessor import judge_of
from course.layout import CourseError
from course.notebooks.cells import (
    grade_id,
    is_manual,
    is_setup,
    is_test,
)
from course.notebooks.source import source_notebook
from course.repair.folder import SubmissionError, course_zone
from course.rollback import Rows
from course.turn import turn

LOG = "grading.log"
KILLED = "the process that graded it was killed, or ran out of memory"
HERE = "none"  # no cluster
RENAMED = "the folder “{}” has a name that nbgrader can't take; its student has the id {}"

Key = tuple[str, str, Rows, str]  # student, assignment, rows before, fingerprint of the last time


def grade_class(
    root: Path,
    assignments: Sequence[str] = (),
    *,
    student: str | None = None,
    force: bool = False,
    figures: bool = False,
    jobs: int = 0,
    cluster: str | None = None,
    on_start: Callable[[Mapping[str, int]], None] = lambda counts: None,
    on_done: Callable[[Sequence[GradingOutcome]], None] = lambda outcomes: None,
    on_wait: Callable[[str], None] = lambda line: None,
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
        on_start: told how many submissions there are of each assignment.
        on_done: told each student's outcomes as they come.
        on_wait: told, in one line, that the gradebook is locked and waited for.

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
    check_gradebook(course, on_wait)
    _check_released(course, {name for names in work.values() for name in names})
    course_zone(course.config)
    with turn(course.db_url, "grading"):
        every = Class(course, work, read_notes(course), force=force, figures=figures, say=on_wait)
        on_start(Counter(name for names in work.values() for name in names))
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
        work: the assignments that each student handed in, by the name of the student's folder.
        before: what grading came to the last time.
        force: grade again what is graded already.
        figures: draw them.
        say: told, in one line, that the gradebook is waited for.
    """

    course: Course
    work: Mapping[str, Sequence[str]]
    before: Notes
    force: bool
    figures: bool
    say: Callable[[str], None] = lambda line: None

    @property
    def unusable(self) -> Iterator[GradingOutcome]:
        """What can't be graded because of a name."""
        for name, names in self.work.items():
            for each in names:
                if why := self._unusable(name, each):
                    yield failed(printable(name), printable(each), why)

    def _unusable(self, name: str, assignment: str) -> str:
        if (safe := safe_name(name)) != name and safe in self.work:
            return f"another student's folder is called {safe}: rename one of them"
        return unusable(assignment)

    @cached_property
    def folders(self) -> dict[str, str]:
        """The names of students' folders in submitted/, by what they are called elsewhere."""
        return {safe_name(name): name for name in self.work if not self._unusable(name, "")}

    @cached_property
    def usable(self) -> dict[str, list[str]]:
        """What can be, by student."""
        return {
            student: names
            for student, name in self.folders.items()
            if (names := [each for each in self.work[name] if not unusable(each)])
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
        writer = Writer(self.course, None, self.say)
        told: list[GradingOutcome] = []
        keys: dict[str, Key] = {}

        def tasks(place: Path) -> Iterator[tuple[Path, Path, Parcel, Work]]:
            for key, parcel in self.parcels(writer, told.append, near=True):
                keys[parcel.letter] = key
                yield root, place, parcel, grade_submission

        jobs = max(1, min(jobs or os.cpu_count() or 1, sum(map(len, self.usable.values()))))
        with room(self.course) as place:
            for task, reply in run_each(grade_in_room, tasks(place), jobs=jobs, log=root / LOG):
                with interrupts_later():
                    entered = self._entered(writer, [(keys.pop(task[2].letter), reply or KILLED)])
                yield [*told, *entered]
                told.clear()
        yield from self._rest(writer, told)

    def on_cluster(self, address: str) -> Iterator[list[GradingOutcome]]:
        """Grade on the workers of a cluster."""
        try:
            from course.grading.cluster import Cluster
        except ModuleNotFoundError as error:
            raise CourseError(
                f"a cluster needs the package {error.name}: pip install -e '.[scale]'"
            ) from None

        log = Path(self.course.folders.root, LOG)
        new_log(log)
        writer = Writer(self.course, log, self.say)
        told: list[GradingOutcome] = []
        with Cluster(address, make_kit(self.course), code_digest(), grade_submission) as cluster:
            if cluster.refused:
                log.write_text(
                    "".join(
                        f"{who} grades nothing: {why}\n" for who, why in cluster.refused.items()
                    )
                )
            for batch in cluster.grade(self.parcels(writer, told.append)):
                yield [*told, *self._entered(writer, batch)]
                told.clear()
        yield from self._rest(writer, told)

    def _rest(
        self, writer: Writer, told: Sequence[GradingOutcome]
    ) -> Iterator[list[GradingOutcome]]:
        """Enter what the gradebook has not taken in so far."""
        with interrupts_later():
            entered = writer.finish()
        if rest := [*told, *entered]:
            yield rest

    def _entered(
        self, writer: Writer, batch: Sequence[tuple[Key, Reply | str]]
    ) -> list[GradingOutcome]:
        """Enter what has come back, and note what has not; return what that came to."""
        replies = [
            Graded(student, assignment, rows, before, reply)
            for (student, assignment, rows, before), reply in batch
            if not isinstance(reply, str)
        ]
        lost = [
            failed(student, assignment, f"{reply}; {AGAIN}")
            for (student, assignment, *_), reply in batch
            if isinstance(reply, str)
        ]
        add_notes(self.course, lost)
        return lost + writer.enter(replies)

    def parcels(
        self, writer: Writer, tell: Callable[[GradingOutcome], None], *, near: bool = False
    ) -> Iterator[tuple[Key, Parcel]]:
        """Yield what is to be graded, with its rows; tell what needs no grading or can't be.

        Args:
            writer: enters what an earlier run has judged and could not enter.
            tell: told of the rest.
            near: whether it is graded on this machine, which sees all files.

        Raises:
            CourseError: if the gradebook can't be read.
        """
        try:
            gradebook = Gradebook(self.course.db_url, self.course.folders.course_id)
            there = _known(gradebook)
        except SQLAlchemyError as error:
            raise CourseError(problem(self.course.db_url, error)) from error
        with gradebook:
            for student, names in self.usable.items():
                for assignment in names:
                    try:
                        found = self._parcel(gradebook, there, writer, student, assignment, near)
                        gradebook.db.rollback()
                    except CourseError:
                        raise
                    except SubmissionError as error:
                        found = failed(student, assignment, str(error))
                    except Exception as error:  # the gradebook is locked, a bug of ours
                        gradebook.db.rollback()
                        logging.getLogger("traitlets").exception("%s of %s", assignment, student)
                        found = failed(student, assignment, f"{self._told(error)}; {AGAIN}")
                    if isinstance(found, GradingOutcome):
                        add_note(self.course, found)
                        tell(found)
                    elif isinstance(found, Judged):
                        for outcome in writer.enter_set_aside(found):
                            tell(outcome)
                    else:
                        yield found

    def _told(self, error: Exception) -> str:
        """Return in one line why nothing of a hand-in could be sent away."""
        if isinstance(error, SQLAlchemyError):
            return problem(self.course.db_url, error)
        return trouble(error) if isinstance(error, OSError) else one_line(error)

    def _parcel(
        self,
        gradebook: Gradebook,
        there: Set[tuple[str, str]],
        writer: Writer,
        student: str,
        assignment: str,
        near: bool,
    ) -> tuple[Key, Parcel] | Judged | GradingOutcome:
        folder = self.folders[student]
        submitted = self.course.path("submitted", folder, assignment)
        graded = self.course.path("autograded", student, assignment)
        if file := in_the_way(graded):
            raise SubmissionError(f"{file} and {AGAIN}")
        put_back(graded)
        before = "" if self.figures and is_undrawn(graded) else self.last(student, assignment)
        decides = self.deciding(student, assignment)
        mark = mark_of(self.course, folder, assignment, decides)
        if mark == before and (student, assignment) in there and graded.is_dir():
            return GradingOutcome(student, assignment, Status.UP_TO_DATE)
        if assignment not in self.released:
            return failed(student, assignment, UNKNOWN)
        again = self.force or self.figures
        if kept := writer.set_aside(student, assignment, "" if again else mark):
            return kept
        shared = Grading(config=self.course.config).shared
        rows = submission_with_student(gradebook, assignment, student)
        about = letter(
            student=student,
            assignment=assignment,
            decides=decides,
            figures=self.figures,
            rows=rows_to_json(rows if student == folder else with_name(rows, student, folder)),
            note="" if student == folder else RENAMED.format(printable(folder), student),
        )
        if near:
            parcel = Parcel(about, str(submitted.parent), str(graded))
        else:
            files = f"{shared}/{folder}" if shared else pack(submitted)
            parcel = Parcel(about, files, pack(graded))
        return (student, assignment, rows, before), parcel

    @cached_property
    def released(self) -> Mapping[str, Sequence[str]]:
        """The notebooks of each released assignment."""
        return self.course.assignments()


def _known(gradebook: Gradebook) -> Set[tuple[str, str]]:
    """Return whose work on which assignment the gradebook knows."""
    pairs = gradebook.db.query(SubmittedAssignment.student_id, Assignment.name).join(
        Assignment, SubmittedAssignment.assignment_id == Assignment.id
    )
    return {(student, assignment) for student, assignment in pairs}


def _graded(notes: Notes, student: str, assignment: str) -> str:
    """Return the fingerprint of what was graded last; empty if nothing was."""
    before = notes.get((student, assignment))
    return before.digest if before else ""


def _check_released(course: Course, names: set[str]) -> None:
    """Raise CourseError if an assignment was not released on this machine, or not as it is now."""
    known = course.assignments()
    here = {name for name in names if course.path("source", ".", name).is_dir()}
    if missing := sorted(here - set(known)):
        raise CourseError(f"{missing[0]} is not in the gradebook: run `course release` first")
    for name in sorted(here):
        if changed := _unreleased(course, name, known[name]) or _changed_beside(course, name):
            raise CourseError(
                f"{name} has changed since it was released ({', '.join(changed)}): run "
                f"`course release {name}` first"
            )


def _unreleased(course: Course, assignment: str, names: Sequence[str]) -> list[str]:
    """Return the cells of source/ whose points, tests or set-up the gradebook doesn't know so."""
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
            changed += [
                grade_id(cell)
                for cell in cells
                if is_setup(cell) and known.get(grade_id(cell)) != cell.source
            ]
    return changed


def _changed_beside(course: Course, assignment: str) -> list[str]:
    """Return what it is called if a folder in source/ is known not to be as it was released."""
    before = released_from(Path(course.folders.root), assignment)
    now = source_digest(course.path("source", ".", assignment))
    return [SOURCE] if before not in ("", now) else []


def doubts(root: Path, assignments: Iterable[str]) -> list[str]:
    """Return, in a line each, of which assignments the source may not be what was released.

    That is so on trial, which grades them nevertheless, and where nothing is known of a release.

    Args:
        root: the course's folder, not that of a trial.
        assignments: their names.
    """
    course = open_course(root)
    here = [one for one in assignments if course.path("source", ".", one).is_dir()]
    unknown = [
        f"{one} was not released by `course release` here: whether {SOURCE} is as students got it"
        " is not known"
        for one in here
        if not released_from(root, one)
    ]
    return unknown + [
        f"{one} has changed since it was released ({SOURCE})"
        for one in here
        if _changed_beside(course, one)
    ]


def _handed_in(
    course: Course, assignments: Sequence[str], student: str | None
) -> dict[str, list[str]]:
    """Return the names of the assignments that each student handed in, by the folder's name."""
    found: dict[str, list[str]] = {}
    others = set()
    for path in sorted(course.path("submitted").glob("*/*")):
        name, assignment = path.parent.name, path.name
        hidden = name.startswith(".") and not course.path("source", ".", assignment).is_dir()
        if name in PASSED_OVER or hidden or assignment.startswith("."):
            continue
        if student not in (None, name, safe_name(name)):
            continue
        if assignment in (assignments or [assignment]):
            found.setdefault(name, []).append(assignment)
        else:
            others.add(assignment)
    missing = set(assignments) - {name for names in found.values() for name in names}
    who = f"by {student} " if student else ""
    if missing or not found:
        what = ", ".join(sorted(missing)) or "anything"
        there = f"; there is {', '.join(sorted(others))}" if others else ""
        raise CourseError(f"nobody handed in {what} {who}in {course.path('submitted')}{there}")
    return found
