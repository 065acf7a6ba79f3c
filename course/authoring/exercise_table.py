"""The table of all exercises with their points and checks, docs/exercises.md.

Made from the source notebooks alone, so that it can't differ from them. Of a check it tells no more
than that it is there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from course.notebooks.assignment import SOURCE
from course.notebooks.cells import TEST_PREFIX, grade_id, is_manual, is_test
from course.notebooks.source import SourceNotebook, source_notebooks

TABLE = Path("docs", "exercises.md")  # within the course's folder
HEAD = """\
# The exercises

All exercises of the course, in the order of the notebooks. The checks of an exercise in code are
run by its test cell: some stand in the released notebook, the others are run when the work is
graded, at other points. Answers in words are read by a person.

Made from `source/` by `course release`; what is written here by hand is lost.
"""

_HEADING = re.compile(
    r"^#+ Exercise (?P<number>[\w.]+): (?P<title>.+?)(?: \([\d.]+ points?\))?$", re.MULTILINE
)
_TITLE = re.compile(r"^# (?P<title>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """An exercise.

    Attributes:
        number: such as "3.4"; empty if its heading gives none.
        title: what it is called, in Markdown.
        points: full marks.
        visible: how many of its checks students have; None if a person reads the answer.
        hidden: how many more are run when it is graded.
    """

    number: str
    title: str
    points: float
    visible: int | None
    hidden: int = 0


def exercise_table(root: Path) -> str:
    """Return the table as a Markdown file's text.

    Args:
        root: the course's folder.
    """
    rows = [
        (Path(book.assignment, f"{book.name}.ipynb"), _title(book.notebook), list(_rows(book)))
        for book in source_notebooks(root / SOURCE)
    ]
    parts = [HEAD, *_overview(rows)]
    for path, title, found in rows:
        parts += [f"\n## {title}\n", f"[`{path.as_posix()}`](../release/{path.as_posix()})\n"]
        parts += ["| | exercise | points | checks you have | more when graded |"]
        parts += ["|---|---|--:|--:|--:|", *map(_line, found)]
    return "\n".join(parts) + "\n"


def write_exercise_table(root: Path) -> None:
    """Bring docs/exercises.md up to date."""
    if table_differences(root):
        (root / TABLE).parent.mkdir(exist_ok=True)
        (root / TABLE).write_text(exercise_table(root), encoding="utf-8")


def table_differences(root: Path) -> list[str]:
    """Return how docs/exercises.md differs from what source/ makes, in one line, or nothing."""
    path = root / TABLE
    if not path.is_file():
        return [f"{TABLE.as_posix()}: missing"]
    same = path.read_text(encoding="utf-8") == exercise_table(root)
    return [] if same else [f"{TABLE.as_posix()}: not what source/ makes"]


def _overview(books: list[tuple[Path, str, list[Row]]]) -> Iterator[str]:
    """Yield a table with a line for each notebook, and the sums."""
    yield "| notebook | in code | in words | points |\n|---|--:|--:|--:|"
    every = [row for _, _, rows in books for row in rows]
    for _, title, rows in books:
        yield f"| [{title}](#{_anchor(title)}) | {_counts(rows)} |"
    yield f"| **All** | {_counts(every)} |"


def _counts(rows: list[Row]) -> str:
    words = sum(row.visible is None for row in rows)
    return f"{len(rows) - words} | {words} | {sum(row.points for row in rows):g}"


def _line(row: Row) -> str:
    checks = "read by a person | " if row.visible is None else f"{row.visible} | {row.hidden}"
    return f"| {row.number} | {row.title} | {row.points:g} | {checks} |"


def _rows(source: SourceNotebook) -> Iterator[Row]:
    """Yield a notebook's exercises, each under the last heading before it."""
    checks = {exercise.id: exercise.checks for exercise in source.exercises}
    number = heading = ""
    for cell in source.notebook.cells:
        if cell.cell_type == "markdown" and not is_manual(cell):
            for match in _HEADING.finditer(cell.source):
                number, heading = match["number"], match["title"]
        points = cell.metadata.get("nbgrader", {}).get("points", 0)
        name = grade_id(cell).removeprefix(TEST_PREFIX)
        if is_test(cell):
            hidden = sum(check.hidden for check in checks[name])
            title = heading if name in heading else f"`{name}`"
            yield Row(number, title, points, len(checks[name]) - hidden, hidden)
        elif is_manual(cell):
            yield Row(number, heading or f"`{name}`", points, None)
        else:
            continue
        number = heading = ""


def _title(nb: NotebookNode) -> str:
    match = _TITLE.search(nb.cells[0].source) if nb.cells else None
    return match["title"] if match else ""


def _anchor(title: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-")
