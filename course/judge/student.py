"""The student's end of the wire: it answers the judge's requests, and decides nothing.

Everything here runs in the process of the student's code and can be changed by it. Nothing in the
judge may rely on it.
"""

import io
import linecache
import socket
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from typing import Any

import numpy as np

from course.judge.outputs import packed
from course.judge.wire import Decoder, Encoder, WireError, receive, send

FOREVER = float(1 << 31)
MAX_PRINTED = 20_000


class Student:
    """Serves one judge until the connection closes.

    Args:
        connection: the socket to the judge.
        names: the notebook's namespace.
        run: runs a cell, given its source and its name, and returns its outputs; `None` if cells
            are not run this way.
    """

    def __init__(
        self,
        connection: socket.socket,
        names: dict[str, Any],
        run: Callable[[str, str], list[dict[str, Any]]] | None = None,
    ) -> None:
        self._connection = connection
        self._names = names
        self._run = run
        self._objects: dict[int, Any] = {}
        self._next = 0
        self._number = 0

    def serve(self) -> None:
        """Answer requests until the judge closes the connection."""
        while True:
            try:
                message, body = receive(self._connection, FOREVER)
            except WireError:
                return
            self._number, operation, dropped, *forms = message
            self._answer(operation, dropped, forms, body)

    def _answer(self, operation: str, dropped: list[int], forms: list[Any], body: bytes) -> None:
        for reference in dropped:
            self._forget(reference)
        number = self._number
        printed = io.StringIO()
        caught: list[warnings.WarningMessage] = []
        # A cell's printing and warnings are among its outputs, and its settings outlive it.
        listening = nullcontext() if operation == "run" else _listening(printed, caught)
        try:
            with listening:
                arguments = Decoder(body, self._resolve)
                decoded = [arguments.decode(form) for form in forms]
                reply, encoder = self._perform(str(operation), decoded)
        except BaseException as error:
            encoder = Encoder(self._refer)
            reply = ["error", *_describe(error, self._names)]
        texts = [str(warning.message) for warning in caught]
        notes = encoder.encode([printed.getvalue()[:MAX_PRINTED], texts[:10]])
        if reply[0] == "error":
            reply[1] = encoder.encode(reply[1])
        send(self._connection, [number, *reply, notes], encoder.body, FOREVER)

    def _perform(self, operation: str, arguments: list[Any]) -> tuple[list[Any], Encoder]:
        changed: dict[Any, Any] = {}
        if operation == "call":
            function, positional, named = arguments
            before = {key: _snapshot(value) for key, value in _items(positional, named)}
            result = function(*positional, **named)
            changed = {
                key: value
                for key, value in _items(positional, named)
                if before[key] is not None and _snapshot(value) != before[key]
            }
        else:
            result = getattr(self, f"_do_{operation}")(*arguments)
        by_value = operation in ("call", "value", "run")
        encoder = Encoder(self._refer)
        form = encoder.encode(result if by_value else _Referred(result))
        return ["ok", form, encoder.encode(changed)], encoder

    def _do_name(self, name: str) -> Any:
        try:
            return self._names[name]
        except KeyError:
            raise NameError(f"name {name!r} is not defined", name=name) from None

    def _do_run(self, source: str, name: str) -> bytes:
        if self._run is None:
            raise NotImplementedError
        return packed(self._run(source, name))

    def _do_getattr(self, target: Any, name: str) -> Any:
        return getattr(target, name)

    def _do_setattr(self, target: Any, name: str, value: Any) -> None:
        setattr(target, name, value)

    def _do_getitem(self, target: Any, key: Any) -> Any:
        return target[key]

    def _do_setitem(self, target: Any, key: Any, value: Any) -> None:
        target[key] = value

    def _do_delitem(self, target: Any, key: Any) -> None:
        del target[key]

    def _do_len(self, target: Any) -> int:
        return len(target)

    def _do_bool(self, target: Any) -> bool:
        return bool(target)

    def _do_contains(self, target: Any, key: Any) -> bool:
        return key in target

    def _do_iter(self, target: Any) -> Any:
        return _Items(target)

    def _do_value(self, target: Any) -> Any:
        return target

    # --- references -------------------------------------------------------------------------------

    def _refer(self, value: Any) -> list[Any]:
        if isinstance(value, _Referred):
            form: list[Any] = self._refer_to(value.value)
            return form
        return self._keep(value, "object")

    def _refer_to(self, value: Any) -> Any:
        """Encode what an attribute, an item or a name holds: mutable things by reference."""
        if isinstance(value, np.ndarray):
            return self._keep(value, "array")
        if isinstance(value, dict):
            return self._keep(value, "mapping")
        if isinstance(value, _Items):
            return ["l", *[self._refer_to(item) for item in value]]
        if isinstance(value, list):
            return self._keep(value, "sequence")
        if isinstance(value, tuple):
            return ["t", *[self._refer_to(item) for item in value]]
        if isinstance(value, np.generic):
            return self._refer_to(value.item())
        if value is None or type(value) in (bool, int, float, str):
            return value
        return self._keep(value, "object")

    def _keep(self, value: Any, kind: str) -> list[Any]:
        self._next += 1
        self._objects[self._next] = value
        return ["r", self._next, kind, type(value).__name__]

    def _forget(self, reference: int) -> None:
        self._objects.pop(reference, None)

    def _resolve(self, tag: str, rest: list[Any]) -> Any:
        if tag == "R":
            return self._objects[rest[0]]
        if tag == "j":
            return _Callback(self, rest[0])
        raise WireError("a value is malformed")

    def call_back(self, which: int, positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Call one of the judge's functions and return its result."""
        number = self._number
        encoder = Encoder(self._refer)
        message = [
            number,
            "callback",
            which,
            encoder.encode(list(positional)),
            encoder.encode(named),
        ]
        send(self._connection, message, encoder.body, FOREVER)
        while True:
            reply, body = receive(self._connection, FOREVER)
            if reply[0] == "ok":
                self._number = number
                return Decoder(body, self._resolve).decode(reply[1])
            if reply[0] == "error":
                self._number = number
                raise RuntimeError(f"{reply[1]}: {reply[2]}")
            # The judge's function uses a remote: answer that first.
            self._number, operation, dropped, *forms = reply
            self._answer(operation, dropped, forms, body)


class _Referred:
    """Marks a result whose mutable parts go by reference."""

    def __init__(self, value: Any) -> None:
        self.value = value


class _Items(list[Any]):
    """The items of an iterable, asked for one by one."""


class _Callback:
    """A function of the judge's, for the student's code to call."""

    def __init__(self, student: Student, which: int) -> None:
        self._student = student
        self._which = which

    def __call__(self, *positional: Any, **named: Any) -> Any:
        return self._student.call_back(self._which, positional, named)


def _items(positional: list[Any], named: dict[str, Any]) -> list[tuple[Any, Any]]:
    return [*enumerate(positional), *named.items()]


def _snapshot(value: Any) -> Any:
    """Return something that differs once a mutable argument has been changed in place."""
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, list | dict):
        encoder = Encoder(lambda other: ["x", id(other)])
        return encoder.encode(value), encoder.body
    return None


@contextmanager
def _listening(printed: io.StringIO, caught: list[warnings.WarningMessage]) -> Iterator[None]:
    """Keep what the student's code prints and warns of."""
    with (
        warnings.catch_warnings(record=True) as warned,
        redirect_stdout(printed),
        redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("always")
        try:
            yield
        finally:
            caught += warned


def _describe(error: BaseException, names: dict[str, Any]) -> list[Any]:
    """Return an exception's builtin class names, its text and the student's line."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
    try:
        text = str(error)
    except BaseException:
        text = "(its message can't be read)"
    return [kinds, text, _place(error, names)]


def _place(error: BaseException, names: dict[str, Any]) -> str:
    """Quote the last line of the notebook's own code, whose globals are `names`."""
    place = ""
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_globals is names:
            code = frame.f_code
            line = linecache.getline(code.co_filename, number).strip()
            place = f" (in `{code.co_name}`{f': `{line}`' if line else ''})"
    return place


def main(connection: socket.socket, names: dict[str, Any]) -> None:
    """Serve a judge and leave without running anything of the student's on the way out."""
    Student(connection, names).serve()
    sys.stdout.flush()
