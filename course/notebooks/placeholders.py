"""What `course new` leaves for an instructor to write, in a notebook and in its bank.

Each such place begins with `FILL IN:` and says what belongs there. As long as one is left the
notebook is not released and its bank is not read. Knows the mark alone; runs nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from nbformat import NotebookNode

MARK = "FILL IN:"


def in_cells(nb: NotebookNode) -> list[str]:
    """Return the ids of a source notebook's cells that are still to be filled in."""
    return [cell.id for cell in nb.cells if MARK in cell.source]


def in_bank(table: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each exercise whose answers are still to be filled in.

    Args:
        table: the bank's TOML; entries of another form are for others to complain of.
    """
    wanted: dict[str, Counter[str]] = {}
    for kind in ("wrong", "right"):
        entries = table.get(kind)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and MARK in str(entry):
                wanted.setdefault(str(entry.get("exercise")), Counter())[kind] += 1
    for exercise, kinds in wanted.items():
        counts = " and ".join(f"{count} {kind}" for kind, count in kinds.items())
        unit = "answer" if kinds.total() == 1 else "answers"
        yield f"{exercise} is still to be filled in: {counts} {unit}"
