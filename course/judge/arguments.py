"""Arguments that a call changes in place: found where it runs, changed alike where it was made.

Used at both ends of the wire. Knows nothing of requests.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from course.judge.wire import Decoder, Encoder, WireError


class Watch:
    """Remembers lists, dicts and arrays as they are before a call.

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


def write_back(sent: Sequence[Any], changes: Any, decoder: Decoder) -> None:
    """Change in place what was sent, as `Watch.changes` says.

    Args:
        sent: the lists, dicts and arrays of the call's frame.
        changes: what came, which nobody vouches for.
        decoder: of the frame that it came in.

    Raises:
        WireError: if a change fits nothing that was sent.
    """
    if not isinstance(changes, list):
        raise WireError("an answer's changes are malformed")
    for change in changes:
        match change:
            case [int(number), form] if 0 <= number < len(sent):
                _overwrite(sent[number], decoder.change(number, form))
            case _:
                raise WireError("an answer changes what was not sent")


def _contents(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tobytes()
    return list(value.items() if isinstance(value, dict) else value)


def _same(now: Any, before: Any) -> bool:
    if isinstance(before, bytes):
        return bool(now == before)
    if len(now) != len(before):
        return False
    return all(
        new is old
        or (isinstance(new, tuple) and len(new) == 2 and new[0] is old[0] and new[1] is old[1])
        for new, old in zip(now, before, strict=True)
    )


def _overwrite(target: Any, value: Any) -> None:
    match target, value:
        case np.ndarray(), np.ndarray() if target.size == value.size:
            if not np.can_cast(value.dtype, target.dtype, "same_kind"):
                raise WireError("an answer changes an array's type")
            if target.flags.writeable:
                target[...] = value.reshape(target.shape)
        case list(), list():
            target[:] = value
        case dict(), dict():
            target.clear()
            target.update(value)
        case _:
            raise WireError("an answer changes what was not sent")
