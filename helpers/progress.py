"""A progress bar of plain text, for loops that take a while. Silent at the short pace.

Written to stdout, one line that overwrites itself: it needs no widget and survives in a saved
notebook as its last state. Knows nothing of what the loop does.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sized
from typing import Protocol, TypeVar

from helpers import pace

T = TypeVar("T", covariant=True)
WIDTH = 30  # characters of the bar
EVERY = 0.5  # seconds between two states


class _Items(Sized, Protocol[T]):
    def __iter__(self) -> Iterator[T]: ...


def track(items: _Items[T], unit: str, clock: Callable[[], float] = time.monotonic) -> Iterator[T]:
    """Yield the items, and show how many are done and how many seconds are left.

    Args:
        items: a list, a range or anything else whose length is known.
        unit: what is counted, in the plural: "epochs".
        clock: where seconds come from.
    """
    start = shown = clock()
    for done, item in enumerate(items, start=1):
        yield item
        now = clock()
        if not pace.is_short() and (now - shown >= EVERY or done == len(items)):
            shown = now
            _show(done, len(items), unit, now - start)


def _show(done: int, total: int, unit: str, seconds: float) -> None:
    filled = WIDTH * done // total
    bar = "█" * filled + "░" * (WIDTH - filled)
    left = "" if done == total else f", about {seconds / done * (total - done):.0f} s left"
    text = f"{bar} {done:,} of {total:,} {unit}, {seconds:.0f} s{left}"
    sys.stdout.write(f"\r{text:<80}" + ("\n" if done == total else ""))
    sys.stdout.flush()
