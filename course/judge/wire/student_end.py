"""The student's end of the wire: it answers the judge's requests, and decides nothing.

Everything here runs in the process of the student's code and can be changed by it. Nothing in the
judge may rely on it.
"""

import copy
import io
import linecache
import random
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from socket import socket
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from course.judge.outputs import packed
from course.judge.wire.arguments import Watch, write_back
from course.judge.wire.codec import (
    MAX_ANSWER,
    Decoder,
    Encoder,
    WireClosedError,
    WireError,
    is_plain_array,
    is_plain_key,
    receive,
    send,
    wire_dtype,
)
from course.judge.wire.exceptions import builtin_exception, builtin_names

FOREVER = None
MAX_PRINTED = 20_000  # characters
MAX_WARNINGS = 10
UFUNCS = {name: value for name, value in vars(np).items() if isinstance(value, np.ufunc)}
ARRAYS = {"O": "objects", "U": "text", "S": "bytes", "M": "dates", "m": "times"}

Message = list[Any]


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
        connection: socket,
        names: dict[str, Any],
        run: Callable[[str, str], list[dict[str, Any]]] | None = None,
    ) -> None:
        self._connection = connection
        self._names = names
        self._run = run
        self._objects: dict[int, Any] = {}
        self._references: dict[int, int] = {}  # by the object's id
        self._next = 0
        self._numbers: list[int] = []  # of the requests that are being answered
        self._functions: WeakValueDictionary[int, Callable[..., Any]] = WeakValueDictionary()
        self._turn = threading.RLock()  # one thread at a time talks to the judge
        self._listener = _Listener()

    def serve(self) -> None:
        """Answer requests until the judge closes the connection."""
        while True:
            try:
                self._answer(*receive(self._connection, FOREVER))
            except WireError:
                return

    def _answer(self, message: Message, body: bytes) -> None:
        number, operation, dropped, *forms = message
        for reference in dropped:
            self._forget(reference)
        self._numbers.append(number)
        try:
            # A cell's printing and warnings are among its outputs, and its settings outlive it.
            self._listener.listen(operation != "run")
            encoder, reply = self._perform(operation, forms, body)
            self._reply(number, reply, encoder)
        except WireClosedError:
            raise
        except BaseException as error:
            encoder = Encoder(self._refer, (), MAX_ANSWER)
            self._reply(number, self._failure(error, encoder), encoder)

    def _perform(self, operation: str, forms: list[Any], body: bytes) -> tuple[Encoder, Message]:
        decoder = Decoder(body, self._resolve)
        arguments = [decoder.decode(form) for form in forms]
        encoder = Encoder(self._refer, decoder.came, MAX_ANSWER)
        if operation == "call":
            function, positional, named = arguments
            watch = Watch(decoder.came)
            result = encoder.encode(function(*positional, **dict(named)))
            return encoder, ["ok", result, watch.changes(encoder)]
        result = getattr(self, f"_do_{operation}")(*arguments)
        if operation in ("value", "array", "run"):
            return encoder, ["ok", encoder.encode(result), []]
        return encoder, ["ok", self._by_reference(result, encoder), []]

    def _reply(self, number: int, reply: Message, encoder: Encoder) -> None:
        printed, warned = self._listener.take()
        notes = encoder.encode((printed, warned)) if printed or warned else None
        with self._turn:  # no other thread calls back once the judge no longer waits
            send(self._connection, [number, *reply, notes], encoder.body, FOREVER)
            self._numbers.pop()

    def _failure(self, error: BaseException, encoder: Encoder) -> Message:
        """Return the reply that says what the student's code raised, and where."""
        text = _text(error)[:MAX_PRINTED]
        plain = is_plain_key(error.args) and len(repr(error.args)) < MAX_PRINTED
        arguments = tuple(error.args) if plain else (text,)
        said = (builtin_names(type(error)), arguments, text, _place(error, self._names))
        ours = isinstance(error, Exception) and getattr(error, "judge_error", False) is True
        return ["error", encoder.encode(said), ours]

    def _do_name(self, name: str) -> Any:
        try:
            return self._names[name]
        except KeyError:
            raise NameError(f"name {name!r} is not defined", name=name) from None

    def _do_run(self, source: str, name: str) -> bytes:
        if self._run is None:
            raise NotImplementedError
        return packed(self._run(source, name))

    def _do_keep(self, value: Any) -> Any:
        return value

    def _do_once(self, values: Any) -> Any:
        return iter(values)

    def _do_invoke(self, function: Any, positional: Any, named: Any) -> Any:
        return function(*positional, **dict(named))

    def _do_stir(self) -> tuple[float, float]:
        return np.random.random(), random.random()

    def _do_getattr(self, target: Any, name: str) -> Any:
        return getattr(target, name)

    def _do_setattr(self, target: Any, name: str, value: Any) -> None:
        setattr(target, name, value)

    def _do_delattr(self, target: Any, name: str) -> None:
        delattr(target, name)

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

    def _do_isinstance(self, value: Any, kind: Any) -> bool:
        return isinstance(value, kind)

    def _do_issubclass(self, value: Any, kind: Any) -> bool:
        return issubclass(value, kind)

    def _do_copy(self, target: Any) -> Any:
        return copy.copy(target)

    def _do_deepcopy(self, target: Any) -> Any:
        return copy.deepcopy(target)

    def _do_method(self, target: Any, name: str, positional: Any, named: Any) -> Any:
        return getattr(target, name)(*positional, **dict(named))

    def _do_iter(self, target: Any) -> Any:
        return tuple(target) if isinstance(target, list | dict) else iter(target)

    def _do_items(self, target: Any) -> Any:
        return tuple(target.items())

    def _do_enter(self, target: Any) -> Any:
        return type(target).__enter__(target)

    def _do_exit(self, target: Any, said: Any) -> bool:
        error = builtin_exception(*said) if said else None
        return bool(type(target).__exit__(target, type(error) if error else None, error, None))

    def _do_next(self, target: Any) -> Any:
        try:
            return (next(target),)
        except StopIteration:
            return ()

    def _do_value(self, target: Any) -> Any:
        return target

    def _do_form(self, target: Any) -> Any:
        """Return an array's dtype and shape as it would arrive, whatever its own class says."""
        plain = np.asarray(target)
        return wire_dtype(plain.dtype), plain.shape

    def _do_array(self, target: Any) -> Any:
        return target if isinstance(target, np.ndarray) else np.asarray(target)  # or masks are lost

    # --- references -------------------------------------------------------------------------------

    def _by_reference(self, value: Any, encoder: Encoder) -> Any:
        """Encode what an attribute, an item or a name holds: mutable things by reference."""
        match value:
            case np.ndarray() if is_plain_array(value):
                return self._keep(value, "array")
            case dict():
                return self._keep(value, "mapping")
            case list():
                return self._keep(value, "sequence")
            case np.random.Generator() | np.random.RandomState():
                return self._keep(value, "object")
            case tuple():
                return ["t", *[self._by_reference(item, encoder) for item in value]]
        return encoder.encode(value)

    def _refer(self, value: Any) -> Message:
        """Stand for what can't travel."""
        if isinstance(value, dict):
            return self._keep(value, "mapping")
        if isinstance(value, Iterator):
            return self._keep(value, "iterator")
        return self._keep(value, "callable" if callable(value) else "object")

    def _keep(self, value: Any, kind: str) -> Message:
        reference = self._references.get(id(value))
        if reference is None:
            self._next += 1
            reference = self._next
            self._objects[reference] = value
            self._references[id(value)] = reference
        return ["r", reference, kind, _type_name(value)]

    def _forget(self, reference: int) -> None:
        self._references.pop(id(self._objects.pop(reference)), None)

    def _resolve(self, tag: str, rest: list[Any]) -> Any:
        if tag == "R":
            return self._objects[rest[0]]
        if tag == "j":
            return self._function(rest[0])
        if tag == "u":
            return UFUNCS[rest[0]]
        raise WireError("a value is malformed")

    def _function(self, number: int) -> Callable[..., Any]:
        """Return a function that calls one of the judge's: the same one as long as it is in use.

        It is a function as any other is, but for its name and its parameters, which tell nothing.
        """
        if (known := self._functions.get(number)) is not None:
            return known

        def f(*args: Any, **kwargs: Any) -> Any:
            return self.call_back(number, args, kwargs)

        f.__module__, f.__qualname__, f.__annotations__ = "__main__", "f", {}
        self._functions[number] = f
        return f

    def call_back(self, function: int, positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Call one of the judge's functions, from any thread, and return its result.

        Raises:
            RuntimeError: if the judge isn't waiting for an answer.
            Exception: the builtin of the name that the function raised.
        """
        with self._turn:
            return self._call_back(function, positional, named)

    def _call_back(self, function: int, positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if not self._numbers:
            raise RuntimeError(
                "a function of a test's can be called only while that test waits for yours"
            )
        encoder = Encoder(self._refer, (), MAX_ANSWER)
        forms = [encoder.encode(positional), encoder.encode(named)]
        message = [self._numbers[-1], "callback", function, *forms]
        send(self._connection, message, encoder.body, FOREVER)
        while True:
            reply, body = receive(self._connection, FOREVER)
            decoder = Decoder(body, self._resolve, encoder)
            match reply:
                case ["ok", form, changes]:
                    result = decoder.decode(form)
                    write_back(encoder.sent, changes, decoder, result)
                    return result
                case ["error", names, text]:
                    raise _judge_error(names, text)
            # The judge's function uses a remote: answer that first.
            self._answer(reply, body)


def _judge_error(names: list[str], text: str) -> Exception:
    """Return the builtin exception for what a function of the judge's has raised."""
    error = builtin_exception(names, (text,), text)
    error.judge_error = True  # type: ignore[attr-defined]
    return error


class _Printed(io.TextIOBase):
    """Keeps the first characters of what is printed."""

    encoding = "UTF-8"

    def __init__(self, name: str, room: int) -> None:
        self.name = name
        self._most = self._room = room
        self._texts: list[str] = []

    def write(self, text: str) -> int:
        """Take text."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self._room and text:
            self._texts.append(text[: self._room])
            self._room -= len(self._texts[-1])
        return len(text)

    def writable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Do nothing: the next request prints too."""

    def take(self) -> str:
        """Return what has been printed since the last time."""
        if not self._texts:
            return ""
        text, self._texts, self._room = "".join(self._texts), [], self._most
        return text


class _Listener:
    """Keeps what the student's code prints and warns of while requests are answered.

    Text goes to the judge, and so into the output of the test cell; what goes to `sys.stderr` is
    dropped, and so are figures and displays. Warnings are given again in the test. Other settings
    that the code changes stay as they are then, as they would in the notebook.
    """

    def __init__(self) -> None:
        self._stack: ExitStack | None = None
        self._printed = _Printed("stdout", MAX_PRINTED)
        self._warned: list[tuple[tuple[str, ...], str]] = []

    def listen(self, on: bool) -> None:
        """Begin to listen, or leave printing and warnings as they were before."""
        if on and not self._stack:
            self._stack = ExitStack()
            self._stack.callback(_close_figures)
            self._redirect("stdout", self._printed)
            self._redirect("stderr", _Printed("stderr", 0))
            with suppress(Exception):  # the student's code may have taken the module apart
                self._stack.enter_context(warnings.catch_warnings())
                warnings.simplefilter("always")
                warnings.showwarning = self._warn
        elif self._stack and not on:
            stack, self._stack = self._stack, None
            stack.close()

    def _redirect(self, name: str, stream: Any) -> None:
        assert self._stack
        self._stack.callback(setattr, sys, name, getattr(sys, name, None))
        setattr(sys, name, stream)

    def take(self) -> tuple[str, list[tuple[tuple[str, ...], str]]]:
        """Return the text and the warnings since the last time."""
        warned, self._warned = self._warned, []
        return self._printed.take(), warned

    def _warn(self, message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if len(self._warned) < MAX_WARNINGS:
            self._warned.append((builtin_names(category), _text(message)[:MAX_PRINTED]))


def _close_figures() -> None:
    """Drop what requests have drawn: it would be shown with the next cell."""
    with suppress(Exception):
        sys.modules["matplotlib.pyplot"].close("all")


def _type_name(value: Any) -> str:
    if isinstance(value, np.ma.MaskedArray):
        return "masked array"
    if isinstance(value, np.ndarray) and not is_plain_array(value):
        held = ARRAYS.get(value.dtype.kind)
        return f"array of {held}" if held else "structured array"
    return type(value).__name__


def _text(value: object) -> str:
    try:
        return str(value)
    except BaseException:
        return "(its message can't be read)"


def _place(error: BaseException, names: dict[str, Any]) -> str:
    """Quote the last line of the notebook's own code, whose globals are `names`."""
    place = ""
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_globals is names:
            code = frame.f_code
            line = linecache.getline(code.co_filename, number).strip()
            place = f" (in `{code.co_name}`{f': `{line}`' if line else ''})"
    return place
