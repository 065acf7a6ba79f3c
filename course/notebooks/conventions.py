"""Hold a source notebook to the course's conventions, and say in plain words where it breaks one.

Reads the notebook and the figures beside it; runs nothing.
"""

import ast
import builtins
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard

from nbformat import NotebookNode

import helpers
from course.notebooks.answers import FOLDER as ANSWERS
from course.notebooks.assignment import FILE, SOURCE, AssignmentError, read_assignment
from course.notebooks.cells import (
    SCHEMA,
    TEST_PREFIX,
    NotebookError,
    grade_id,
    is_manual,
    is_setup,
    is_solution,
    is_test,
)
from course.notebooks.execution import BEGIN_HIDDEN, END_HIDDEN
from course.notebooks.exercises import Exercise
from course.notebooks.names import names
from course.notebooks.source import SourceNotebook

BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_SCHEME, END_SCHEME = "=== BEGIN MARK SCHEME ===", "=== END MARK SCHEME ==="
MANUAL_PREFIX = "why_"
FIGURES = "figures"
HINTS = 2
SHOWS = ("plots.show", "sliders.explore")  # name and description are their next arguments

_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<path>[^)\s]+)[^)]*\)")
_IMG_TAG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_HINT = re.compile(r"<details>\s*<summary>[^<]*hint", re.IGNORECASE)


def problems(source: SourceNotebook, name: str = "") -> list[str]:
    """Return what is wrong with a source notebook, a line for each; empty if nothing is.

    Args:
        source: the notebook. Of one that was made in memory no figure is looked for.
        name: what to call it in the lines; its own name by default.
    """
    nb = source.notebook
    found = [*_cell_ids(nb), *_python(nb)]  # the other rules rest on these two
    found = found or [*_exercises(source), *(line for rule in RULES for line in rule(nb))]
    if source.path:
        found += _files(nb, source.folder)
    return [f"{name or source.name}: {problem}" for problem in found]


def assignment_problems(folder: Path) -> list[str]:
    """Return what is wrong with an assignment's folder and its assignment.toml, a line for each.

    Args:
        folder: its folder in source/. The notebooks are not looked at: see `problems`.
    """
    where = f"{SOURCE}/{folder.name}/{FILE}"
    if not (folder / FILE).is_file():
        return [f"{where}: missing; `course new chapter` writes one"]
    try:
        assignment = read_assignment(folder)
    except AssignmentError as error:
        return [str(error)]
    listed = Counter(part.notebook for part in assignment.parts)
    files = [
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".ipynb"
    ]
    found = [f"the part {name} stands there {n} times" for name, n in listed.items() if n > 1]
    found += [f"{name}.ipynb is no [[part]]" for name in assignment.unlisted]
    for pattern in assignment.let_out:
        if not any(replace(assignment, let_out=(pattern,)).lets_out(path) for path in files):
            found.append(f"let_out: no file is like {pattern}")
    for module in (module for part in assignment.parts for module in part.answers):
        if not (Path(helpers.__file__).parent / ANSWERS / f"{module}.py").is_file():
            found.append(f"answers: there is no helpers/{ANSWERS}/{module}.py")
    return [f"{where}: {problem}" for problem in found]


# --- cells and their metadata ---------------------------------------------------------------------


def _cell_ids(nb: NotebookNode) -> Iterator[str]:
    ids = [cell.get("id", "") for cell in nb.cells]
    if not all(ids):
        yield f"{ids.count('')} cells have no id"
    yield from (f"{n} cells have the id {id_}" for id_, n in Counter(ids).items() if id_ and n > 1)


def _grade_ids(nb: NotebookNode) -> Iterator[str]:
    ids = Counter(grade_id(cell) for cell in nb.cells if grade_id(cell))
    yield from (f"{n} cells have the grade_id {id_}" for id_, n in ids.items() if n > 1)
    for cell in nb.cells:
        marks = cell.metadata.get("nbgrader")
        if marks is None:
            continue
        if marks.get("schema_version") != SCHEMA:
            yield f"{cell.id}: nbgrader's metadata is not of schema {SCHEMA}"
        if grade_id(cell) != cell.id:
            yield f"{cell.id}: its id and its grade_id ({grade_id(cell)!r}) differ"


def _setup_cells(nb: NotebookNode) -> Iterator[str]:
    for cell in nb.cells:
        marks = cell.metadata.get("nbgrader", {})
        graded = marks.get("grade") or marks.get("solution")
        locked = bool(marks.get("locked")) and not graded
        if is_setup(cell) and not (locked and cell.cell_type == "code"):
            yield f"{cell.id}: a set-up cell is a locked code cell that is no answer and no test"
        if locked and not is_setup(cell):
            yield f"{cell.id}: a locked cell needs the tag `setup`"


def _solution_cells(nb: NotebookNode) -> Iterator[str]:
    following = [*nb.cells[1:], None]
    for cell, after in zip(nb.cells, following, strict=True):
        if not is_solution(cell) or cell.cell_type != "code":
            continue
        if is_manual(cell):
            yield f"{cell.id}: a hand-graded answer is a Markdown cell"
            continue
        if not grade_id(cell).isidentifier():
            yield f"{cell.id}: the grade_id of a solution cell is the exercise's name"
        if after is None or not is_test(after) or grade_id(after) != TEST_PREFIX + grade_id(cell):
            yield f"{cell.id}: its test cell {TEST_PREFIX}{cell.id} does not follow directly"
        yield from _solution_region(cell)


def _solution_region(cell: NotebookNode) -> Iterator[str]:
    released = without(cell.source, BEGIN_SOLUTION, END_SOLUTION, "raise NotImplementedError")
    if released is None or released == cell.source:
        yield f"{cell.id}: {BEGIN_SOLUTION} and {END_SOLUTION} do not stand around the solution"
        return
    try:
        kept = names(released).defined
    except SyntaxError:
        yield f"{cell.id}: without the solution it is not Python"
        return
    for name in sorted(names(cell.source).defined - kept):
        yield f"{cell.id}: `{name}` is not defined any more without the solution"


def _manual_cells(nb: NotebookNode) -> Iterator[str]:
    manual = [cell for cell in nb.cells if is_manual(cell) and cell.cell_type == "markdown"]
    if not manual:
        yield "there is no question in words, graded by hand"
    for cell in manual:
        if not grade_id(cell).startswith(MANUAL_PREFIX):
            yield f"{cell.id}: the grade_id of a hand-graded answer begins with {MANUAL_PREFIX}"
        if without(cell.source, BEGIN_SCHEME, END_SCHEME) in (None, cell.source):
            yield f"{cell.id}: no mark scheme between {BEGIN_SCHEME} and {END_SCHEME}"
        if not cell.metadata.nbgrader.get("points"):
            yield f"{cell.id}: a hand-graded answer needs points"


def _outputs(nb: NotebookNode) -> Iterator[str]:
    for cell in nb.cells:
        if cell.get("outputs") or cell.get("execution_count"):
            yield f"{cell.id}: it has outputs; commit notebooks without"


def _python(nb: NotebookNode) -> Iterator[str]:
    for cell in _code(nb):
        lines = [line.strip() for line in cell.source.splitlines()]
        if magic := next((line for line in lines if line.startswith(("%", "!"))), ""):
            yield f"{cell.id}: magics and shell commands are not used ({magic})"
            continue
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            yield f"{cell.id}, line {error.lineno}: not Python ({error.msg})"


# --- test cells -----------------------------------------------------------------------------------


def _exercises(source: SourceNotebook) -> Iterator[str]:
    try:
        found = source.exercises
    except NotebookError as error:
        yield str(error)
        return
    tests = {grade_id(cell): cell for cell in source.notebook.cells if is_test(cell)}
    for exercise in found:
        test = TEST_PREFIX + exercise.id
        points = tests[test].metadata.nbgrader.get("points")
        yield from (f"{test}: {problem}" for problem in _checks(exercise, points))


def _checks(exercise: Exercise, points: Any) -> Iterator[str]:
    checks = exercise.checks
    for name, count in Counter(check.name for check in checks).items():
        if count > 1:
            yield f"{count} checks are called “{name}”"
    for check in checks:
        if not isinstance(check.points, int) or check.points < 1:
            yield f"“{check.name}” is worth {check.points}; points are whole numbers"
    total = sum(check.points for check in checks)
    if not total == exercise.points == points:
        yield (
            f"the checks are worth {total} points, the Question {exercise.points}"
            f" and the cell {points}"
        )
    if not any(check.essential for check in checks):
        yield "no check is essential"
    hidden = [check.hidden for check in checks]
    if hidden != sorted(hidden):
        yield "a visible check stands after a hidden one"


def _test_form(nb: NotebookNode) -> Iterator[str]:
    for cell in filter(is_test, nb.cells):
        module = ast.parse(cell.source)
        body = [ast.unparse(line) for line in module.body]
        made = sum(_is_call(node, "Question") for node in ast.walk(module))
        if made != 1 or not any(line.startswith("q = Question(") for line in body):
            yield f"{cell.id}: a test cell has one Question, and calls it q"
        if body[-1:] != ["q.score()"]:
            yield f"{cell.id}: the last line of a test cell is q.score()"
        released = without(cell.source, BEGIN_HIDDEN, END_HIDDEN)
        if released is None:
            yield f"{cell.id}: {BEGIN_HIDDEN} and {END_HIDDEN} do not match"
        elif not released.rstrip().endswith("q.score()"):
            yield f"{cell.id}: q.score() stands among the hidden tests"


def _hints(nb: NotebookNode) -> Iterator[str]:
    hints = 0
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            hints += len(_HINT.findall(cell.source))
        if is_solution(cell) and cell.cell_type == "code":
            if hints < HINTS:
                yield f"{cell.id}: {hints} folded hints stand before it instead of {HINTS}"
            hints = 0


# --- names ----------------------------------------------------------------------------------------


def _names(nb: NotebookNode) -> Iterator[str]:
    cells = _code(nb)
    tested = {cell.id: names(cell.source).defined for cell in cells if is_test(cell)}
    known = set(dir(builtins))
    for cell in cells:
        released = without(cell.source, BEGIN_HIDDEN, END_HIDDEN) or ""
        used = names(cell.source).used | names(released).used
        for name in sorted(used - known) if is_test(cell) else ():
            yield f"{cell.id}: `{name}` comes from no set-up cell and no answer before it"
        for test, defined in tested.items():
            for name in sorted(used & defined) if test != cell.id else ():
                yield f"{cell.id}: `{name}` is a name that {test} defines"
        if is_setup(cell) or is_solution(cell):
            known |= names(cell.source).defined


# --- figures and pictures -------------------------------------------------------------------------


def _figures(nb: NotebookNode) -> Iterator[str]:
    shown = Counter[str]()
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code":
            continue
        for call in ast.walk(ast.parse(cell.source)):
            shows = next((function for function in SHOWS if _is_call(call, function)), None)
            if not shows or not isinstance(call, ast.Call):
                continue
            name, alt = _argument(call, 1, "name"), _argument(call, 2, "alt")
            if not name or not re.fullmatch(r"\w+", name) or not alt or not alt.strip():
                yield f"{cell.id}: {shows} needs its name and its alt written out literally"
                continue
            shown[name] += 1
            if not _expected(nb.cells[index + 1 :], name):
                yield f"{cell.id}: no folded picture {FIGURES}/{name}.png follows it"
    yield from (f"{count} figures are called {name}" for name, count in shown.items() if count > 1)
    for cell, path in _pictures(nb):
        if path.startswith(f"{FIGURES}/") and Path(path).stem not in shown:
            yield f"{cell.id}: no cell shows {path}"


def _expected(cells: list[NotebookNode], name: str) -> bool:
    """Tell whether the Markdown before the next code cell shows the figure, folded."""
    for cell in cells:
        if cell.cell_type == "code":
            return False
        if "<details>" in cell.source and f"]({FIGURES}/{name}.png)" in cell.source:
            return True
    return False


def _alternative_texts(nb: NotebookNode) -> Iterator[str]:
    for cell in _markdown(nb):
        for image in _IMAGE.finditer(cell.source):
            if not image["alt"].strip():
                yield f"{cell.id}: the picture {image['path']} has no alternative text"
        for tag in _IMG_TAG.findall(cell.source):
            if not re.search(r"\balt=[\"'][^\"']", tag):
                yield f"{cell.id}: the picture {tag} has no alternative text"


def _files(nb: NotebookNode, folder: Path) -> Iterator[str]:
    for cell, path in _pictures(nb):
        if not path.startswith("attachment:") and not (folder / path).is_file():
            yield f"{cell.id}: there is no picture {path}"


def _pictures(nb: NotebookNode) -> Iterator[tuple[NotebookNode, str]]:
    for cell in _markdown(nb):
        for image in _IMAGE.finditer(cell.source):
            yield cell, image["path"]
        for tag in _IMG_TAG.findall(cell.source):
            if source := re.search(r"\bsrc=[\"']([^\"']+)", tag):
                yield cell, source[1]


# --- reading cells --------------------------------------------------------------------------------


def unmarked(source: str) -> str:
    """Return a cell's source without the marks around its solutions."""
    marks = (BEGIN_SOLUTION, END_SOLUTION)
    return "\n".join(line for line in source.splitlines() if line.strip() not in marks)


def without(source: str, begin: str, end: str, stub: str = "") -> str | None:
    """Return a cell's source without the regions between two marks, as nbgrader will release it.

    Args:
        source: the cell's source.
        begin: the mark's whole line, indentation aside.
        end: likewise.
        stub: what stands in place of a region.

    Returns:
        The source; None if the marks don't match.
    """
    kept: list[str] = []
    inside = False
    for line in source.splitlines():
        if line.strip() in (begin, end):
            if inside == (line.strip() == begin):
                return None
            inside = not inside
            if inside and stub:
                kept.append(line.replace(begin, stub))
        elif not inside:
            kept.append(line)
    return None if inside else "\n".join(kept)


def _markdown(nb: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in nb.cells if cell.cell_type == "markdown"]


def _code(nb: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def _is_call(node: ast.AST, function: str) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == function


def _argument(call: ast.Call, position: int, name: str) -> str | None:
    """Return a call's argument if it is written out as a string."""
    given = dict(enumerate(call.args)) | {word.arg: word.value for word in call.keywords}
    node = given.get(name, given.get(position))
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


RULES: tuple[Callable[[NotebookNode], Iterator[str]], ...] = (
    _grade_ids,
    _setup_cells,
    _outputs,
    _solution_cells,
    _manual_cells,
    _test_form,
    _hints,
    _names,
    _figures,
    _alternative_texts,
)
