"""What `course new` leaves for an instructor to write, in a notebook and in its bank.

Each such place begins with `FILL IN:` and says what belongs there. As long as one is left the
notebook is not released and its bank is not read. Knows the mark alone; runs nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from nbformat import NotebookNode

MARK = "FILL IN:"


def in_cells(nb: NotebookNode) -> Iterator[str]:
    """Yield a line for each cell of a source notebook that is still to be filled in."""
    for cell in nb.cells:
        texts = [_wanted(line) for line in cell.source.splitlines() if MARK in line]
        if texts:
            more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
            yield f"the cell {cell.id} is still to be filled in: {texts[0]}{more}"


def in_bank(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each exercise whose answers are still to be filled in.

    Args:
        table: the bank's TOML.
    """
    wanted: dict[str, Counter[str]] = {}
    for kind in ("wrong", "right", "equivalent"):
        entries = table.get(kind)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and MARK in str(entry):
                wanted.setdefault(str(entry.get("exercise")), Counter())[kind] += 1
    for exercise, kinds in wanted.items():
        counts = [f"{count} {kind}" for kind, count in kinds.items()]
        unit = "answer" if kinds.total() == 1 else "answers"
        yield f"{exercise} is still to be filled in: {' and '.join(counts)} {unit}"


def _wanted(line: str) -> str:
    """Return what a line says is wanted, without the marks around it."""
    return line.partition(MARK)[2].split('"')[0].strip(" *|,.)`")
