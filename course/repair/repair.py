"""Make any submitted bytes into a notebook that is aligned with the instructor's.

Each cell of the instructor's notebook that nbgrader knows of stands in it exactly once, in the
instructor's order, with the instructor's metadata; set-up and test cells have the released text.
The student's own cells stay. Runs nothing, and knows neither files nor the gradebook.
"""

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from course.notebooks.cells import REPAIRS
from course.repair.align import Alignment, Matched
from course.repair.salvage import salvage

_VALID_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass(frozen=True)
class Repaired:
    """A submission that is aligned with the instructor's notebook.

    Attributes:
        notebook: the submission without outputs; its metadata holds the notes as "repairs".
        notes: what was repaired, a sentence each; none for an intact submission.
    """

    notebook: NotebookNode
    notes: list[str]


def repair(data: bytes, given: NotebookNode, *, name: str = "") -> Repaired:
    """Make a submission's bytes into a notebook that nbgrader and the judge can work with.

    Args:
        data: what stands in the submitted file, whatever it is.
        given: the notebook as it was released (`SourceNotebook.released`); not changed.
        name: the notebook's, which tells which one is meant of several in an archive.

    Returns:
        The notebook. Nothing is raised, whatever the bytes are. A file of which nothing can be
        read is a notebook in which nothing is answered.
    """
    salvaged = salvage(data, name)
    if not salvaged.cells:
        return _unanswered(given, salvaged.notes or ["The notebook has no cells."])
    alignment = Alignment(given.cells, salvaged.cells)
    alignment.run()
    notes = salvaged.notes + alignment.notes()
    return Repaired(_notebook(given, alignment.cells, notes), notes)


def unanswered(given: NotebookNode, reason: str) -> Repaired:
    """Return the notebook of somebody who answered nothing.

    Args:
        given: the notebook as it was released; not changed.
        reason: a sentence that says why.
    """
    return _unanswered(given, [reason])


def _unanswered(given: NotebookNode, notes: list[str]) -> Repaired:
    cells = [
        Matched(cell.cell_type, cell.source, slot=number) for number, cell in enumerate(given.cells)
    ]
    notes = [*notes, "Nothing counts as answered."]
    return Repaired(_notebook(given, cells, notes), notes)


def _notebook(given: NotebookNode, cells: Sequence[Matched], notes: list[str]) -> NotebookNode:
    """Return the cells as a notebook, with the released cells' ids and metadata."""
    kept = ("kernelspec", "language_info")
    metadata = {key: value for key, value in given.metadata.items() if key in kept}
    if notes:
        metadata[REPAIRS] = list(notes)
    used = {cell.id for cell in given.cells}
    made = []
    for cell in cells:
        original = None if cell.slot is None else given.cells[cell.slot]
        made.append(_cell(cell, original, used))
    nb: NotebookNode = new_notebook(  # type: ignore[no-untyped-call]
        cells=made, metadata=copy.deepcopy(metadata)
    )
    return nb


def _cell(cell: Matched, original: NotebookNode | None, used: set[str]) -> NotebookNode:
    kind, name = cell.kind, cell.id
    metadata = NotebookNode()  # type: ignore[no-untyped-call]
    if original is not None:
        name, metadata = original.id, copy.deepcopy(original.metadata)
        kind = original.cell_type if "nbgrader" in metadata else kind
    elif not _VALID_ID.fullmatch(name) or name in used:
        name = next(new for number in count() if (new := f"own-{len(used)}-{number}") not in used)
    used.add(name)
    # nbformat's own `new_code_cell` would validate each by itself, and all are once more together.
    made = NotebookNode(  # type: ignore[no-untyped-call]
        cell_type=kind, id=name, metadata=metadata, source=cell.source
    )
    if kind == "code":
        made.execution_count, made.outputs = None, []
    if cell.attachments and kind != "code":
        made.attachments = copy.deepcopy(cell.attachments)
    return made
