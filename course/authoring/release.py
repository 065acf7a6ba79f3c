"""Make release/, the students' notebooks, from source/ with nbgrader's own generate_assignment.

The table of exercises, docs/exercises.md, is brought up to date with it.

All is made in a temporary folder first and then swapped in: a failed step leaves release/ and the
gradebook as they were. What a person has written into release/ is never overwritten.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import capture_log

from course.authoring.changed_cells import cell_names
from course.authoring.exercise_table import TABLE, table_differences, write_exercise_table
from course.authoring.seal import SEAL, cells_digest, digest
from course.authoring.unchanged import came_to, joined, made_of, read_states, write_states
from course.directory import Course, open_course
from course.layout import CourseError
from course.notebooks.assignment import SOURCE, read_assignments
from course.notebooks.bank import BankError
from course.notebooks.cells import NotebookError, is_manual, read
from course.notebooks.conventions import (
    BEGIN_SCHEME,
    BEGIN_SOLUTION,
    END_SCHEME,
    END_SOLUTION,
    assignment_problems,
    problems,
    without,
)
from course.notebooks.execution import BEGIN_HIDDEN, END_HIDDEN
from course.notebooks.source import source_notebook
from course.rollback import gradebook_unchanged_on_error
from course.turn import turn

DISTINCTIVE = 20  # characters: a shorter line may well stand in a student's notebook by right
MARKS = (BEGIN_SOLUTION, END_SOLUTION, BEGIN_HIDDEN, END_HIDDEN, BEGIN_SCHEME, END_SCHEME)
RAISED = re.compile(r"\b(\w*(?:Error|Exception): .*)")  # the last line of a traceback
IGNORED = {".ipynb_checkpoints", "__pycache__", ".DS_Store", "Thumbs.db"}


@dataclass(frozen=True)
class ReleaseResult:
    """What became of one assignment.

    Attributes:
        assignment: its name.
        notebooks: the released notebooks.
        changed: whether release/ was any different before.
        saved: where what people had written into the old release was moved to, if anything was.
        gone: graded cells that work has been handed in of, and that are no longer there.
        come: graded cells that are new, and that work has been handed in without.
    """

    assignment: str
    notebooks: tuple[Path, ...]
    changed: bool
    saved: Path | None = None
    gone: tuple[str, ...] = ()
    come: tuple[str, ...] = ()


def make_release(
    root: Path,
    assignments: Sequence[str] | None = None,
    *,
    force: bool = False,
    progress: Callable[[str], None] = lambda assignment: None,
) -> list[ReleaseResult]:
    """Make the students' notebooks, and enter the assignments in the gradebook.

    An assignment that stands released just as it would be made is left as it is. The table of
    exercises is that of all assignments, whichever are made.

    Args:
        root: the course's folder.
        assignments: their names; all those in source/ if None.
        force: move what people have written into release/ to saved/ instead of refusing.
        progress: told the name of each assignment before it is made.

    Raises:
        CourseError: if a notebook breaks a convention or is still to be filled in, a released file
            would give a solution or a hidden test away, a person's work is in the way, somebody is
            grading, or nbgrader can't do it.
    """
    course = open_course(root)
    wanted = _assignments(root, assignments)
    sources, before = made_of(root, wanted), read_states(root)
    now = {} if force else joined(sources, came_to(root, course, wanted))
    same = {name for name, state in now.items() if state == before.get(name)}
    names = [name for name in wanted if name not in same]
    made = _make(root, course, names, force=force, progress=progress) if names else []
    if names or TABLE.name not in same:
        write_exercise_table(root)
        write_states(root, joined(sources, came_to(root, course, wanted)))
    results = {result.assignment: result for result in made}
    return [results.get(name) or _result(root, name, False, None) for name in wanted]


def _make(
    root: Path,
    course: Course,
    names: Sequence[str],
    *,
    force: bool,
    progress: Callable[[str], None],
) -> list[ReleaseResult]:
    """Make assignments, all of them or none: see `make_release`."""
    _hold_to_conventions(root, names)
    written = {name: people_wrote(_released(root, name)) for name in names}
    if not force:
        _refuse_to_overwrite(root, [path for paths in written.values() for path in paths])
    results: list[ReleaseResult] = []
    saved = root / "saved" / datetime.now().strftime("%Y-%m-%d_%H%M%S_%f") / "release"
    with (
        tempfile.TemporaryDirectory(prefix=".release-", dir=root) as scratch,
        turn(course.db_url, "release"),
        gradebook_unchanged_on_error(course.db_url, names),
        ExitStack() as undo,
    ):
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        changes = {}
        for name in names:
            progress(name)
            before = cell_names(course.db_url, name)
            _generate(course, root, name, new)
            changes[name] = _changes(before, cell_names(course.db_url, name))
            _keep_secrets(root / SOURCE / name, new / name)
        for name in names:
            changed = _swap(
                _released(root, name), new / name, saved if written[name] else old, undo
            )
            gone, come = changes[name]
            result = _result(root, name, changed, saved / name)
            results.append(replace(result, gone=gone, come=come))
        undo.pop_all()
    return results


def check_current(root: Path, assignments: Sequence[str] | None = None) -> list[str]:
    """Return how release/ differs from what source/ makes, a line per file; empty if it doesn't.

    An assignment that is still to be filled in can't be released, so students keep what they have
    of it. The table of exercises is compared too, if no assignments are named.

    Raises:
        CourseError: if nbgrader can't make it.
    """
    course = open_course(root)
    course.config.GenerateAssignment.no_database = True
    course.config.SaveCells.enabled = False
    names = _assignments(root, assignments)
    differences = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            if _is_begun(root / SOURCE / name):
                continue
            _generate(course, root, name, Path(scratch))
            differences += _differences(_released(root, name), Path(scratch) / name)
    if assignments is None:
        released = {path.name for path in (root / "release").glob("*") if path.is_dir()}
        differences += [f"release/{name}: not in source/" for name in sorted(released - set(names))]
        differences += table_differences(root)
    return differences


def people_wrote(folder: Path) -> list[Path]:
    """Return the files of a released assignment that are not as `Seal` left them.

    Args:
        folder: the assignment's folder in release/; it need not exist.
    """
    sealed: dict[str, str] = {}
    found = []
    for path in _files(folder):
        if path.suffix == ".ipynb":
            seal = _unbroken_seal(path)
            sealed |= seal or {}
            found += [path] if seal is None else []
    found += [
        path
        for path in _files(folder)
        if path.suffix != ".ipynb"
        and sealed.get(path.relative_to(folder).as_posix()) != digest(path.read_bytes())
    ]
    return sorted(found)


def _unbroken_seal(path: Path) -> dict[str, str] | None:
    """Return the digests of the files around a released notebook; None if its seal is broken."""
    try:
        nb = read(path)
    except NotebookError:
        return None
    seal = nb.metadata.get(SEAL, {})
    return dict(seal["files"]) if seal.get("cells") == cells_digest(nb) else None


def leaks(source: NotebookNode, released: str) -> list[str]:
    """Return what a released file holds that only instructors may see.

    That is nbgrader's marks, and each line of a solution, a hidden test or a model answer that is
    long enough to be told and stands nowhere else in the source notebook.

    Args:
        source: the source notebook.
        released: text of the released file; a notebook's as it is stored.
    """
    open_text, secret_lines = "", []
    for cell in source.cells:
        kept = "" if is_manual(cell) else _released_source(cell.source)
        open_text += kept + "\n"
        known = set(kept.splitlines())
        secret_lines += [line.strip() for line in cell.source.splitlines() if line not in known]
    secret = [line for line in secret_lines if len(line) >= DISTINCTIVE and line not in open_text]
    return [line for line in [*MARKS, *secret] if _stored(line) in released or line in released]


def _released_source(source: str) -> str:
    for begin, end in ((BEGIN_SOLUTION, END_SOLUTION), (BEGIN_HIDDEN, END_HIDDEN)):
        source = without(source, begin, end) or ""
    return source


def _stored(line: str) -> str:
    """Return a line as a notebook's JSON holds it."""
    return json.dumps(line, ensure_ascii=False)[1:-1]


# --- the steps ------------------------------------------------------------------------------------


def _assignments(root: Path, wanted: Sequence[str] | None) -> list[str]:
    there = [assignment.name for assignment in read_assignments(root / SOURCE)]
    unknown = sorted(set(wanted or ()) - set(there))
    if unknown or not there:
        missing = ", ".join(unknown) or "notebook at all"
        raise CourseError(f"source/ has no {missing}; it has: {', '.join(there) or 'nothing'}")
    return [name for name in there if wanted is None or name in wanted]


def _hold_to_conventions(root: Path, names: Sequence[str]) -> None:
    found = []
    for name in names:
        found += assignment_problems(root / SOURCE / name)
        for path in _notebooks(root / SOURCE / name):
            try:
                source = source_notebook(path)
                found += problems(source, str(path.relative_to(root))) or source.to_fill_in
            except (NotebookError, BankError) as error:
                found.append(str(error))
    if found:
        raise CourseError("\n".join(found))


def _is_begun(folder: Path) -> bool:
    """Tell whether a place of an assignment is still to be filled in, as far as it can be read."""
    try:
        return any(source_notebook(path).to_fill_in for path in _notebooks(folder))
    except (NotebookError, BankError):
        return False


def _refuse_to_overwrite(root: Path, written: Sequence[Path]) -> None:
    if written:
        files = ", ".join(path.relative_to(root).as_posix() for path in written)
        raise CourseError(
            f"{files}: somebody has worked in it since it was released. Move it away, or use"
            " --force, which moves it to saved/."
        )


def _generate(course: Course, root: Path, name: str, into: Path) -> None:
    """Run nbgrader's generate_assignment for one assignment, into another folder."""
    if set(name) & set("*?[]"):
        raise CourseError(f"{name}: nbgrader takes *, ?, [ and ] for a pattern: rename its folder")
    folders = CourseDirectory(
        config=course.config,
        root=str(root),
        db_url=course.db_url,
        release_directory=str(into),
        assignment_id=name,
    )
    into.mkdir(exist_ok=True)
    outcome = capture_log(GenerateAssignment(coursedir=folders, config=course.config))
    if not outcome["success"]:
        said = [outcome["error"].strip().splitlines()[-1], *outcome.get("log", "").splitlines()]
        lines = [found[1] for line in said if (found := RAISED.search(line))]
        raise CourseError(f"{name}: nbgrader can't release it: {(lines or said)[-1]}")


def _keep_secrets(source: Path, made: Path) -> None:
    texts = {path: path.read_text(encoding="utf-8", errors="ignore") for path in _files(made)}
    for notebook in _notebooks(source):
        nb = source_notebook(notebook).notebook
        for path, text in texts.items():
            if found := leaks(nb, text):
                raise CourseError(f"{made.name}/{path.name} would give this away: {found[0]!r}")


def _swap(released: Path, made: Path, aside: Path, undo: ExitStack) -> bool:
    """Put what was made in the place of the old release, which is moved aside, if they differ."""
    if not _differences(released, made):
        return False
    moved = aside / released.name
    if released.exists():
        moved.parent.mkdir(parents=True, exist_ok=True)
        released.rename(moved)
        undo.callback(moved.rename, released)
    released.parent.mkdir(exist_ok=True)
    made.rename(released)
    undo.callback(released.rename, made)
    return True


def _changes(
    before: Mapping[str, set[str]], after: Mapping[str, set[str]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which cells of handed-in notebooks have gone, and which have come."""
    gone = {cell for name in before for cell in before[name] - after.get(name, set())}
    come = {cell for name in before for cell in after.get(name, set()) - before[name]}
    return tuple(sorted(gone)), tuple(sorted(come))


def _result(root: Path, name: str, changed: bool, saved: Path | None) -> ReleaseResult:
    notebooks = tuple(_notebooks(_released(root, name)))
    return ReleaseResult(name, notebooks, changed, saved if saved and saved.exists() else None)


# --- files ----------------------------------------------------------------------------------------


def _released(root: Path, name: str) -> Path:
    return root / "release" / name


def _notebooks(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.ipynb"))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not IGNORED.intersection(path.relative_to(folder).parts):
            yield path


def _differences(released: Path, made: Path) -> list[str]:
    there = {path.relative_to(released): path for path in _files(released)}
    wanted = {path.relative_to(made): path for path in _files(made)}
    lines = []
    for name in sorted(there.keys() | wanted.keys()):
        where = f"release/{released.name}/{name.as_posix()}"
        if name not in there:
            lines.append(f"{where}: missing")
        elif name not in wanted:
            lines.append(f"{where}: not made from source/")
        elif there[name].read_bytes() != wanted[name].read_bytes():
            lines.append(f"{where}: not what source/ makes")
    return lines
