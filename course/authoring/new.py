"""Begin an exercise or a chapter: every piece that it needs, with what belongs there said in place.

What is written keeps the course's conventions and runs as it is, but as long as a place marked
`FILL IN:` is left it can't be released (see `course.notebooks.placeholders`). Either all is written
or nothing. Runs no notebook but a chapter that it has made, to draw its figure.
"""

import builtins
import copy
import keyword
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course.authoring import pieces
from course.authoring.exercise_table import TABLE, write_exercise_table
from course.authoring.figures import make_figures
from course.authoring.specification_file import refuse_if_known, with_specification
from course.layout import CourseError
from course.notebooks.assignment import FILE, SOURCE, read_assignments
from course.notebooks.bank import FOLDER
from course.notebooks.cells import TEST_PREFIX, grade_id, is_manual, is_test
from course.notebooks.conventions import MANUAL_PREFIX, assignment_problems, problems
from course.notebooks.names import names
from course.notebooks.source import SourceNotebook, source_notebook, source_notebooks
from helpers.specification.promises import module_of

POINTS = 4  # of an exercise
LONGEST = 50  # characters of a name: ids of cells are made of it

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_CHAPTER = re.compile(r"(\d+)_([A-Za-z]\w*)", re.ASCII)
_TITLE = re.compile(r"# Chapter (\d+)(?:, part (\w))?\.")
_HEADING = re.compile(r"^### Exercise \w+\.\d+:", re.MULTILINE)
_SECTION = re.compile(r"^## (\d\S* .+)$", re.MULTILINE)
_WORTH = re.compile(r"\d+ points: \d+ graded by tests, \d+ for ")
_OF_BANK = re.compile(r"^# --- (.+?) -+$", re.MULTILINE)  # the line above an exercise's answers


def new_chapter(
    root: Path,
    name: str,
    *,
    notebook: str | None = None,
    title: str | None = None,
    exercise: str | None = None,
) -> list[Path]:
    """Make a chapter's folder in source/: notebook, bank, specifications, figure, assignment.toml.

    The table of exercises is brought up to date with it.

    Args:
        root: the course's folder.
        name: the folder's, such as "09_example".
        notebook: its name; what follows the number in `name` if None.
        title: for people; made from the name if None.
        exercise: the first exercise's name; the notebook's if None.

    Returns:
        What was written.

    Raises:
        CourseError: if a name is taken or can't be one; nothing is written then.
    """
    match = _CHAPTER.fullmatch(name)
    if not match:
        raise CourseError(
            f"{name} can't be a chapter's name: that is a number, _ and a name, such as 09_example"
        )
    notebook = notebook or match[2]
    exercise = exercise or notebook
    _refuse_unless_name(notebook)
    _refuse_unless_function(exercise)
    number = int(match[1])
    order = _order(root / SOURCE, name, number)
    title = title or pieces.sentence(match[2])
    words = pieces.chapter_words(number, title, order, notebook, exercise, POINTS)
    target = root / SOURCE / name
    with tempfile.TemporaryDirectory(prefix=".new-", dir=root) as scratch, ExitStack() as undo:
        made = Path(scratch) / SOURCE / name
        _write(made / f"{notebook}.ipynb", _stored(pieces.chapter_notebook(words)))
        _write(made / FOLDER / f"{notebook}.toml", pieces.chapter_bank(words))
        _write(module_of(made / f"{notebook}.ipynb"), pieces.specifications(words))
        _write(made / FILE, pieces.assignment_toml(words))
        make_figures(Path(scratch), [name])
        _hold_to_conventions(source_notebook(made / f"{notebook}.ipynb"))
        made.rename(target)
        undo.callback(shutil.rmtree, target)
        write_exercise_table(root)
        undo.pop_all()
    return [*sorted(path for path in target.rglob("*") if path.is_file()), root / TABLE]


def new_exercise(
    root: Path,
    chapter: str,
    name: str,
    *,
    notebook: str | None = None,
    points: int = POINTS,
    after: str | None = None,
) -> list[Path]:
    """Put an exercise into a notebook, its bank and its specifications; later ones are renumbered.

    It stands before the next heading after the exercise that it follows, so that a plot of that
    one stays with it. The table of exercises is brought up to date.

    Args:
        root: the course's folder.
        chapter: its folder's name, such as "09_example".
        name: the exercise's: an identifier that the notebook doesn't know yet.
        notebook: which one, in a chapter of several.
        points: full marks, 2 or more: one for the visible check, the others for the hidden ones.
        after: the exercise that it follows; the notebook's last one if None.

    Returns:
        What was written.

    Raises:
        CourseError: if a name is taken, unknown or can't be one, or the notebook breaks a
            convention; nothing is written then.
    """
    _refuse_unless_function(name)
    if points < 2:
        raise CourseError("an exercise has a visible and a hidden check: 2 points or more")
    source = _source(root, chapter, notebook)
    _refuse_if_known(source, name)
    made, words = _with_exercise(source.notebook, name, points, after)
    exercises = [grade_id(cell).removeprefix(TEST_PREFIX) for cell in made.cells if is_test(cell)]
    files = {
        source.folder / f"{source.name}.ipynb": _stored(made),
        source.bank_path: _with_answers(source.bank_path, exercises, words),
        source.specifications_path: _with_promise(source.specifications_path, exercises, words),
    }
    _hold_copy_to_conventions(root, source, files)
    with _all_or_none(files):
        write_exercise_table(root)
    return [*files, root / TABLE]


def _hold_to_conventions(source: SourceNotebook) -> None:
    found = problems(source, f"{source.assignment}/{source.name}.ipynb")
    found += assignment_problems(source.folder)
    if found:
        raise CourseError("\n".join(found))


def _hold_copy_to_conventions(
    root: Path, source: SourceNotebook, files: Mapping[Path, str]
) -> None:
    """Hold a notebook to the conventions as it will be when these files are written."""
    with tempfile.TemporaryDirectory(prefix=".new-", dir=root) as scratch:
        folder = Path(scratch) / SOURCE / source.assignment
        shutil.copytree(source.folder, folder)
        for path, text in files.items():
            _write(folder / path.relative_to(source.folder), text)
        _hold_to_conventions(source_notebook(folder / f"{source.name}.ipynb"))


# --- names ----------------------------------------------------------------------------------------


def _refuse_unless_name(name: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > LONGEST:
        raise CourseError(
            f"{name!r} can't be a name here: that is a letter, then letters, digits and _,"
            f" {LONGEST} at most, and no keyword of Python's"
        )


def _refuse_unless_function(name: str) -> None:
    _refuse_unless_name(name)
    if hasattr(builtins, name):
        raise CourseError(f"{name} is a name of Python's own: a student couldn't use both")
    for prefix in (TEST_PREFIX, MANUAL_PREFIX):
        if name.startswith(prefix):
            raise CourseError(f"{name}: an exercise's name doesn't begin with {prefix}")
    own = pieces.specification(pieces.exercise_words("other", "", POINTS, ""))
    if name in names(own).used:
        raise CourseError(f"{name} is a word that specifications are written in")


def _refuse_if_known(source: SourceNotebook, name: str) -> None:
    """Refuse the name of an exercise that a cell has, defines or uses."""
    where = f"{source.assignment}/{source.name}.ipynb"
    own = pieces.exercise_cells(pieces.exercise_words(name, "", POINTS, ""))
    ids = {cell.id for cell in own}
    for cell in source.notebook.cells:
        known = names(cell.source) if cell.cell_type == "code" else None
        if cell.id in ids or (known and name in known.defined | known.used):
            raise CourseError(f"{where} knows {name} already, in its cell {cell.id}")
    if name in names(own[-1].source).defined:
        raise CourseError(f"{name} is a name that test cells use for something else")
    path = source.specifications_path
    if path.is_file():
        refuse_if_known(path.read_text(encoding="utf-8"), name, _called(path))


def _order(source: Path, name: str, number: int) -> int:
    """Return the place after the last chapter, unless this one is there already."""
    if (source / name).exists():
        raise CourseError(f"{SOURCE}/{name} exists already")
    there = read_assignments(source)
    for assignment in there:
        match = _CHAPTER.fullmatch(assignment.name)
        if match and int(match[1]) == number:
            raise CourseError(f"there is a chapter {number} already, {SOURCE}/{assignment.name}")
    return 1 + max((int(one.order) for one in there if one.order < float("inf")), default=0)


def _source(root: Path, chapter: str, notebook: str | None) -> SourceNotebook:
    there = [assignment.name for assignment in read_assignments(root / SOURCE)]
    if chapter not in there:
        raise CourseError(f"source/ has no {chapter}; it has: {', '.join(there) or 'nothing'}")
    found = {source.name: source for source in source_notebooks(root / SOURCE, chapter)}
    if notebook is None and len(found) == 1:
        return next(iter(found.values()))
    if notebook not in found:
        wanted = "several notebooks" if notebook is None else f"no notebook {notebook}"
        raise CourseError(f"{chapter} has {wanted}; --notebook is one of: {', '.join(found)}")
    return found[notebook]


# --- the notebook ---------------------------------------------------------------------------------


def _with_exercise(
    source: NotebookNode, name: str, points: int, after: str | None
) -> tuple[NotebookNode, pieces.Words]:
    """Return a notebook with one exercise more, which is not written yet, and the words of that."""
    nb = copy.deepcopy(source)
    place = _place(nb, after)
    prefix = _prefix(nb)
    number = 1 + sum(len(_HEADING.findall(cell.source)) for cell in nb.cells[:place])
    sections = [match for cell in nb.cells[:place] for match in _SECTION.findall(cell.source)]
    see = sections[-1] if sections else ""
    words = pieces.exercise_words(name, f"{prefix}.{number}", points, see)
    _renumber(nb, prefix, number)
    nb.cells[place:place] = pieces.exercise_cells(words)
    _add_up(nb)
    return nb, words


def _place(nb: NotebookNode, after: str | None) -> int:
    """Return where the exercise belongs that follows another one."""
    ends = {
        grade_id(cell).removeprefix(TEST_PREFIX): index
        for index, cell in enumerate(nb.cells)
        if is_test(cell) or is_manual(cell)
    }
    if not ends:
        raise CourseError("the notebook has no exercise that another one could follow")
    if after is not None and after not in ends:
        raise CourseError(f"there is no exercise {after}; there are: {', '.join(ends)}")
    last = max(ends.values()) if after is None else ends[after]
    following = range(last + 1, len(nb.cells))
    return next((index for index in following if _begins(nb.cells[index])), len(nb.cells))


def _begins(cell: NotebookNode) -> bool:
    """Tell whether something new begins with a cell: a section, an exercise, a set-up."""
    if cell.cell_type == "markdown":
        return cell.source.startswith("#") or bool(_HEADING.search(cell.source))
    return "nbgrader" in cell.metadata


def _prefix(nb: NotebookNode) -> str:
    """Return what stands before the numbers of a notebook's exercises, such as "4A"."""
    match = _TITLE.match(nb.cells[0].source)
    if not match:
        raise CourseError("the first cell has no title such as “# Chapter 9. Example”")
    return match[1] + (match[2] or "")


def _renumber(nb: NotebookNode, prefix: str, new: int) -> None:
    """Count exercises from the number `new` on up by one, wherever the notebook names them."""
    number = re.compile(rf"\b([Ee]xercise {prefix}\.)(\d+)\b")
    for cell in nb.cells:
        cell.source = number.sub(
            lambda match: f"{match[1]}{int(match[2]) + (int(match[2]) >= new)}", cell.source
        )


def _add_up(nb: NotebookNode) -> None:
    """Bring up to date what the first cell says that the notebook is worth."""
    tested = sum(cell.metadata.nbgrader.points for cell in nb.cells if is_test(cell))
    by_hand = sum(cell.metadata.nbgrader.points for cell in nb.cells if is_manual(cell))
    line = f"{tested + by_hand:g} points: {tested:g} graded by tests, {by_hand:g} for "
    if not _WORTH.search(nb.cells[0].source):
        raise CourseError(f"the first cell doesn't say what the notebook is worth: “{line}…”")
    nb.cells[0].source = _WORTH.sub(line, nb.cells[0].source)


# --- the bank -------------------------------------------------------------------------------------


def _with_answers(path: Path, exercises: Sequence[str], words: pieces.Words) -> str:
    """Return a bank's text with places for a new exercise's answers, where they belong.

    Args:
        path: the bank; there need not be one.
        exercises: the notebook's, in order, with the new one.
        words: the new one's.
    """
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    answers = pieces.answers(words)
    place = _place_in_bank(old, exercises, words["name"])
    before, after = old[:place].rstrip("\n"), old[place:]
    new = "\n\n".join(filter(None, [before, answers.rstrip("\n"), after])).rstrip("\n") + "\n"
    if not _is_with(new, old, answers):
        raise CourseError(f"{path.name}: its answers can't be told apart, so none can be added")
    return new


def _place_in_bank(text: str, exercises: Sequence[str], name: str) -> int:
    """Return where an exercise's answers belong: before the first section that is of a later one.

    Sections that are of no exercise, such as that of the equivalent mutants, come after all.
    """
    later = exercises[exercises.index(name) + 1 :]
    places = [
        match.start()
        for match in _OF_BANK.finditer(text)
        if match[1] in later or match[1] not in exercises
    ]
    return min(places, default=len(text))


def _is_with(new: str, old: str, answers: str) -> bool:
    """Tell whether a bank is the old one with these answers more, and nothing else."""
    try:
        table, before, more = map(tomllib.loads, (new, old, answers))
    except tomllib.TOMLDecodeError:
        return False
    for kind, entries in more.items():
        rest = [entry for entry in table[kind] if entry not in entries]
        if len(rest) + len(entries) != len(table[kind]):
            return False
        table[kind] = rest
    return table == {kind: [] for kind in more} | before


# --- the specifications ---------------------------------------------------------------------------


def _with_promise(path: Path, exercises: Sequence[str], words: pieces.Words) -> str:
    """Return a module's text with a place for a new exercise's specification, where it belongs.

    The arguments are those of `_with_answers`.
    """
    if not path.exists():
        return pieces.specifications(words)
    before = exercises[: exercises.index(words["name"])]
    text = path.read_text(encoding="utf-8")
    return with_specification(text, pieces.specification(words), before, _called(path))


def _called(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


# --- files ----------------------------------------------------------------------------------------


def _stored(nb: NotebookNode) -> str:
    return str(nbformat.writes(nb)).rstrip("\n") + "\n"  # type: ignore[no-untyped-call]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@contextmanager
def _all_or_none(files: Mapping[Path, str]) -> Iterator[None]:
    """Write files; if one can't be written or the block raises, all are as they were before."""
    with ExitStack() as undo:
        for path, text in files.items():
            if path.exists():
                undo.callback(path.write_bytes, path.read_bytes())
            else:
                undo.callback(path.unlink, missing_ok=True)
            _replace(path, text)
        yield
        undo.pop_all()


def _replace(path: Path, text: str) -> None:
    """Write a file in one step: whoever reads it sees the old one or the new one."""
    beside = path.with_name(f".{path.name}.new")
    try:
        _write(beside, text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
