"""Arguments that a call changes in place: found where it runs, changed alike where it was made.

Used at both ends of the wire. Knows nothing of requests.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from course.judge.wire import generators
from course.judge.wire.codec import MAX_DEPTH, MAX_ITEMS, Decoder, Encoder, WireError


class Watch:
    """Remembers lists, dicts, arrays and random generators as they are before a call.

    Args:
        came: those of the call's frame, at whatever depth.
    """

    def __init__(self, came: Sequence[Any]) -> None:
        self._came = came
        self._before = [_contents(value) for value in came]

    def changes(self, encoder: Encoder) -> list[Any]:
        """Return the numbers of those that have changed, each with the form of what it holds."""
        return [
            [number, encoder.contents(value)]
            for number, (value, before) in enumerate(zip(self._came, self._before, strict=True))
            if not _same(_contents(value), before)
        ]


def write_back(sent: Sequence[Any], changes: Any, decoder: Decoder, value: Any) -> None:
    """Change in place what was sent, as `Watch.changes` says.

    Args:
        sent: the lists, dicts, arrays and generators of the call's frame.
        changes: what came, which nobody vouches for.
        decoder: of the frame that it came in.
        value: what else came in the frame, which may hold what was sent.

    Raises:
        WireError: if a change fits nothing that was sent, or a value would come to hold itself or
            to stand for more than a frame may.
    """
    if not isinstance(changes, list):
        raise WireError("an answer's changes are malformed")
    new: dict[int, Any] = {}
    for change in changes:
        match change:
            case [int(number), form] if 0 <= number < len(sent):
                new[number] = decoder.decode(form)
                _check(sent[number], new[number])
            case _:
                raise WireError("an answer changes what was not sent")
    contents = {id(sent[n]): held for n, held in new.items() if isinstance(held, list | dict)}
    if contents:
        measure = _Measure(contents, decoder.max_bytes)
        for root in (value, *sent):
            measure.of(root)
    for number, held in new.items():
        _overwrite(sent[number], held)


class _Measure:
    """Finds out how much values stand for once some of them have new contents.

    Args:
        new: contents by the id of the list or dict that will hold them.
        max_bytes: of all arrays in a value together.
    """

    def __init__(self, new: Mapping[int, Any], max_bytes: int) -> None:
        self._new = new
        self._max_bytes = max_bytes
        self._found: dict[int, tuple[int, int, int] | None] = {}

    def of(self, value: Any, depth: int = 0) -> tuple[int, int, int]:
        """Return how many items and bytes a value stands for, and how deep it is."""
        kind = type(value)  # not its __class__: a remote may pose as what it stands for
        if issubclass(kind, np.ndarray):
            return 1, value.nbytes, 0
        if not issubclass(kind, list | dict | tuple):
            return 1, 0, 0
        key = id(value)
        if key in self._found and (found := self._found[key]):
            return self._checked(found, depth)
        if key in self._found or depth > MAX_DEPTH:
            raise WireError("a value holds itself or is nested too deeply")
        self._found[key] = None
        held = self._new.get(key, value)
        parts = [
            self.of(item, depth + 1) for item in (held.values() if issubclass(kind, dict) else held)
        ]
        items, sizes, depths = zip((1, 0, 0), *parts, strict=True)
        self._found[key] = found = sum(items), sum(sizes), 1 + max(depths)
        return self._checked(found, depth)

    def _checked(self, found: tuple[int, int, int], depth: int) -> tuple[int, int, int]:
        items, size, height = found
        if items > MAX_ITEMS or size > self._max_bytes or depth + height > MAX_DEPTH + 1:
            raise WireError("a value is too large or nested too deeply")
        return found


def _contents(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, generators.KINDS):
        state = generators.get_state(value) or ()
        return repr([part.tolist() if isinstance(part, np.ndarray) else part for part in state])
    return list(value.items() if isinstance(value, dict) else value)


def _same(now: Any, before: Any) -> bool:
    if isinstance(before, bytes | str):
        return bool(now == before)
    if len(now) != len(before):
        return False
    return all(
        new is old
        or (isinstance(new, tuple) and len(new) == 2 and new[0] is old[0] and new[1] is old[1])
        for new, old in zip(now, before, strict=True)
    )


def _check(target: Any, held: Any) -> None:
    match target, held:
        case np.ndarray(), np.ndarray():
            if target.size != held.size or not np.can_cast(held.dtype, target.dtype, "safe"):
                raise WireError("an answer changes an array's size or type")
        case (list(), list()) | (dict(), dict()):
            pass
        case _ if isinstance(target, generators.KINDS) and type(held) is type(target):
            pass
        case _:
            raise WireError("an answer changes what was not sent")


def _overwrite(target: Any, held: Any) -> None:
    if isinstance(target, list):
        target[:] = held
    elif isinstance(target, dict):
        target.clear()
        target.update(held)
    elif isinstance(target, generators.KINDS):
        generators.set_state(target, generators.get_state(held) or ())
    elif target.flags.writeable:
        target[...] = held.reshape(target.shape)
