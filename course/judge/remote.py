"""The judge's end of the wire: a student's objects as remotes, and the session that asks for them.

Test code uses remotes like the objects they stand for. Every use is a request to the student
process; what comes back is checked by `wire` and is plain data or another remote. An exception
there arrives as the builtin of the same name. Knows nothing of how the processes are started.
"""

import builtins
import socket
import time
import warnings
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from course.judge.wire import Decoder, Encoder, WireClosedError, WireError, WireTimeoutError
from course.judge.wire import receive as receive_frame
from course.judge.wire import send as send_frame

KINDS = ("object", "array", "mapping", "sequence")
MAX_TEXT = 4_000  # characters of a message that is quoted
MAX_OUTPUT = 20_000  # characters printed during one question
MAX_CALLBACKS = 64  # nested calls between the two ends


class StudentGoneError(AssertionError):
    """The student process no longer answers: a check fails, with this message for the student."""


class Session:
    """One student process as the judge sees it.

    Args:
        connection: the socket to it.
        seconds: how long one request may take.

    Attributes:
        gone: why the process no longer answers; empty while it does.
        printed: what the student's code has printed during requests, in order.
    """

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self.seconds = seconds
        self.gone = ""
        self.printed: list[str] = []
        self._connection = connection
        self._number = 0
        self._depth = 0
        self._dropped: list[int] = []
        self._deadline: float | None = None

    def set_deadline(self, seconds: float | None) -> None:
        """Bound all requests from now on together, besides the limit on each; None lifts it."""
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def request(self, operation: str, *arguments: Any) -> Any:
        """Ask the student process for something and return its answer.

        Raises:
            StudentGoneError: if it died, hung or broke the wire's rules.
            Exception: the builtin of the name that the student's code raised.
        """
        if self.gone:
            raise StudentGoneError(self.gone)
        if self._depth >= MAX_CALLBACKS:
            raise RecursionError("your function and the test call each other without end")
        self._number += 1
        self._depth += 1
        try:
            return self._exchange(operation, arguments)
        except WireTimeoutError:
            self.gone = f"Your code did not come back within {self.seconds:g} seconds."
        except WireClosedError:
            self.gone = "Your code ended its own process."
        except WireError as error:
            self.gone = f"Your code's answer can't be read: {error}."
        finally:
            self._depth -= 1
        raise StudentGoneError(self.gone)

    def lookup(self, name: str) -> Any:
        """Return what the student's notebook calls `name`; raise KeyError if there is nothing."""
        try:
            return self.request("name", name)
        except NameError:
            raise KeyError(name) from None

    def forget(self, reference: int) -> None:
        """Let the student process drop an object: no remote stands for it any more."""
        self._dropped.append(reference)

    def _time(self) -> float:
        limit = time.monotonic() + self.seconds
        return limit if self._deadline is None else min(limit, self._deadline)

    def _exchange(self, operation: str, arguments: tuple[Any, ...]) -> Any:
        number, deadline = self._number, self._time()
        callbacks: list[Callable[..., Any]] = []
        encoder = Encoder(lambda value: _refer(value, self, callbacks))
        dropped, self._dropped = self._dropped, []
        forms = [encoder.encode(argument) for argument in arguments]
        send_frame(self._connection, [number, operation, dropped, *forms], encoder.body, deadline)
        while True:
            message, body = receive_frame(self._connection, deadline)
            decoder = Decoder(body, self._resolve)
            match message:
                case [int(n), "callback", int(which), positional, named] if n == number:
                    self._answer_callback(
                        callbacks, which, decoder.decode(positional), decoder.decode(named)
                    )
                    deadline = self._time()
                case [int(n), "ok", result, changed, notes] if n == number:
                    value = decoder.decode(result)
                    self._note(decoder.decode(notes))
                    self._write_back(arguments, decoder.decode(changed))
                    return value
                case [int(n), "error", names, text, place, notes] if n == number:
                    self._note(decoder.decode(notes))
                    raise _exception(
                        decoder.decode(names), decoder.decode(text), decoder.decode(place)
                    )
                case _:
                    raise WireError("an answer is malformed")

    def _answer_callback(
        self, callbacks: list[Callable[..., Any]], which: int, positional: Any, named: Any
    ) -> None:
        """Call one of the judge's functions for the student's code and send what it returns."""
        if (
            not 0 <= which < len(callbacks)
            or not isinstance(positional, list)
            or not isinstance(named, dict)
            or not all(isinstance(key, str) for key in named)
        ):
            raise WireError("a call back is malformed")
        encoder = Encoder(lambda value: _refer(value, self, None))
        try:
            reply = ["ok", encoder.encode(callbacks[which](*positional, **named))]
        except StudentGoneError:
            raise
        except Exception as error:
            encoder = Encoder(lambda value: _refer(value, self, None))
            reply = ["error", type(error).__name__, str(error)[:MAX_TEXT]]
        send_frame(self._connection, reply, encoder.body, self._time())

    def _note(self, notes: Any) -> None:
        """Take what came with an answer: printed text, and warnings to be raised again here."""
        match notes:
            case [str(printed), [*messages]] if all(isinstance(text, str) for text in messages):
                if sum(map(len, self.printed)) < MAX_OUTPUT:
                    self.printed.append(printed[:MAX_OUTPUT])
                for text in messages[:10]:
                    warnings.warn(text[:MAX_TEXT], RuntimeWarning, stacklevel=2)
            case _:
                raise WireError("an answer's notes are malformed")

    def _write_back(self, arguments: tuple[Any, ...], changed: Any) -> None:
        """Copy out the arguments of a call that the student's code changed in place."""
        if not isinstance(changed, dict):
            raise WireError("an answer's changes are malformed")
        if not changed:
            return
        if len(arguments) != 3:
            raise WireError("an answer changes what was not sent")
        positional, named = arguments[1], arguments[2]
        for key, value in changed.items():
            if type(key) is int and 0 <= key < len(positional):
                _overwrite(positional[key], value)
            elif isinstance(key, str) and key in named:
                _overwrite(named[key], value)
            else:
                raise WireError("an answer changes what was not sent")

    def _resolve(self, tag: str, rest: list[Any]) -> Any:
        match tag, rest:
            case "r", [int(reference), str(kind), str(name)] if kind in KINDS and reference >= 0:
                return _REMOTES[kind](self, reference, name[:100])
        raise WireError("a value is malformed")


class Namespace(dict[str, Any]):
    """Globals of a test cell: what it lacks is looked up in the student process."""

    def __init__(self, names: dict[str, Any], session: Session) -> None:
        super().__init__(names)
        self._session = session

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):
            raise KeyError(name)
        return self._session.lookup(name)


class Remote:
    """An object in the student process; calls, attributes, items and writes are requests."""

    __slots__ = ("__weakref__", "_remote_id", "_remote_name", "_remote_session")

    def __init__(self, session: Session, reference: int, name: str) -> None:
        object.__setattr__(self, "_remote_session", session)
        object.__setattr__(self, "_remote_id", reference)
        object.__setattr__(self, "_remote_name", name)

    def __del__(self) -> None:
        self._remote_session.forget(self._remote_id)

    def __repr__(self) -> str:
        return f"<the student's {self._remote_name}>"

    def __call__(self, *positional: Any, **named: Any) -> Any:
        return self._remote_session.request("call", self, list(positional), named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self._remote_session.request("getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._remote_session.request("setattr", self, name, value)

    def __getitem__(self, key: Any) -> Any:
        return self._remote_session.request("getitem", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._remote_session.request("setitem", self, key, value)

    def __delitem__(self, key: Any) -> None:
        self._remote_session.request("delitem", self, key)

    def __len__(self) -> int:
        length = self._remote_session.request("len", self)
        if type(length) is not int or length < 0:
            raise TypeError("a length is no number")
        return length

    def __bool__(self) -> bool:
        return bool(self._remote_session.request("bool", self))

    def __iter__(self) -> Iterator[Any]:
        items = self._remote_session.request("iter", self)
        return iter(items if isinstance(items, list) else [])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise TypeError(f"it is an object of type {self._remote_name}")


class RemoteArray(Remote, NDArrayOperatorsMixin):
    """An array in the student process: reads fetch it, writes go through."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def _fetch(self) -> np.ndarray[Any, Any]:
        value = self._remote_session.request("value", self)
        if not isinstance(value, np.ndarray):
            raise TypeError("it is no array of numbers")
        return value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self._fetch(), dtype=dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [np.asarray(item) if isinstance(item, Remote) else item for item in inputs]
        (out,) = options.pop("out", None) or (None,)
        result = getattr(ufunc, method)(*plain, **options)
        if out is None:
            return result
        out[...] = result
        return out

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._fetch(), name)

    def __repr__(self) -> str:
        return repr(self._fetch())

    def __bool__(self) -> bool:
        return bool(self._fetch())

    def __float__(self) -> float:
        return float(self._fetch())

    def __int__(self) -> int:
        return int(self._fetch())

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


class _RemoteContainer(Remote):
    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def _fetch(self) -> Any:
        return self._remote_session.request("value", self)

    def __eq__(self, other: object) -> bool:
        mine = self._fetch()
        return bool(mine == (other._fetch() if isinstance(other, _RemoteContainer) else other))

    def __repr__(self) -> str:
        return repr(self._fetch())


class RemoteMapping(_RemoteContainer, MutableMapping[Any, Any]):
    """A dictionary in the student process."""

    __slots__ = ()

    def __contains__(self, key: object) -> bool:
        return bool(self._remote_session.request("contains", self, key))


class RemoteSequence(_RemoteContainer, MutableSequence[Any]):
    """A list in the student process."""

    __slots__ = ()

    def insert(self, index: int, value: Any) -> None:
        """Insert a value before `index`."""
        self._remote_session.request(
            "call", self._remote_session.request("getattr", self, "insert"), [index, value], {}
        )

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self._fetch(), dtype=dtype)


_REMOTES: dict[str, type[Remote]] = {
    "object": Remote,
    "array": RemoteArray,
    "mapping": RemoteMapping,
    "sequence": RemoteSequence,
}


def _refer(value: Any, session: Session, callbacks: list[Callable[..., Any]] | None) -> list[Any]:
    """Stand for what can't travel: the student's own objects, and functions to be called back."""
    if isinstance(value, Remote):
        if value._remote_session is not session:
            raise TypeError("the object belongs to a process that has ended")
        return ["R", value._remote_id]
    if callable(value) and not isinstance(value, type) and callbacks is not None:
        callbacks.append(value)
        return ["j", len(callbacks) - 1]
    raise TypeError(f"a test can't send {type(value).__name__} to the student's code")


def _overwrite(target: Any, value: Any) -> None:
    """Make a mutable argument equal to what the student's code turned it into."""
    if isinstance(target, np.ndarray) and isinstance(value, np.ndarray):
        if target.shape == value.shape and target.dtype == value.dtype and target.flags.writeable:
            target[...] = value
    elif isinstance(target, dict) and isinstance(value, dict):
        for key in [key for key in target if key not in value]:
            del target[key]
        for key, item in value.items():
            target[key] = _merged(target.get(key), item)
    elif isinstance(target, list) and isinstance(value, list):
        old = [*target, *[None] * len(value)]
        target[:] = [_merged(before, item) for before, item in zip(old, value, strict=False)]


def _merged(before: Any, after: Any) -> Any:
    """Return the changed item of a container, the same object where it can be changed in place."""
    match before, after:
        case (dict(), dict()) | (list(), list()):
            _overwrite(before, after)
            return before
        case np.ndarray(), np.ndarray() if (before.shape, before.dtype) == (
            after.shape,
            after.dtype,
        ):
            _overwrite(before, after)
            return before
    return after


def _exception(names: Any, text: Any, place: Any) -> Exception:
    """Build the exception that the student's code raised: a builtin, with the student's line."""
    if not isinstance(names, list) or not isinstance(text, str) or not isinstance(place, str):
        raise WireError("an exception is malformed")
    kind: type[Exception] = Exception
    for name in names[:20]:
        found = getattr(builtins, name, None) if isinstance(name, str) else None
        if isinstance(found, type) and issubclass(found, Exception):
            kind = found
            break
        if found is SystemExit:
            text = f"SystemExit: {text}"
    try:
        error = kind(text[:MAX_TEXT])
    except TypeError:  # UnicodeDecodeError and the like want more arguments
        error = Exception(f"{kind.__name__}: {text[:MAX_TEXT]}")
    error.student_place = place[:MAX_TEXT]  # type: ignore[attr-defined]
    return error
