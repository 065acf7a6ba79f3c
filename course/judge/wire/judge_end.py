"""The judge's end of the wire: a student's objects as remotes, and the session that asks for them.

Test code uses remotes like the objects they stand for. Every use is a request to the student
process; what comes back is checked by `wire` and is plain data or another remote. An exception
there arrives as the builtin of the same name. Knows nothing of how the processes are started.

What differs from one process: what a call returns is a copy, though the student's code keep the
original, and what it keeps of its arguments is a copy too. An attribute, an item or a name is the
thing itself. `np.random.seed` in a test seeds the test's own process alone: hand over a generator.
A test's own objects can't be handed over, but numbers, containers, functions and generators can.
"""

import builtins
import functools
import math
import re
import socket
import types
import warnings
from collections.abc import (
    Callable,
    Collection,
    Iterator,
    Mapping,
    MutableMapping,
    MutableSequence,
    Sequence,
)
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from course.judge.wire.arguments import Watch, write_back
from course.judge.wire.clock import Clock, Limit, wall_clock
from course.judge.wire.codec import (
    MAX_ANSWER,
    MAX_KEYS,
    Decoder,
    Encoder,
    WireClosedError,
    WireError,
    WireTimeoutError,
    count_elements,
    is_plain_key,
)
from course.judge.wire.codec import receive as receive_frame
from course.judge.wire.codec import send as send_frame
from course.judge.wire.exceptions import builtin_exception, builtin_names, builtin_warning

MAX_TEXT = 4_000  # characters of a message that is quoted
MAX_OUTPUT = 20_000  # characters printed during one question
MAX_WARNINGS = 10  # of one request
MAX_RAISED = 100  # exceptions whose text is kept
MAX_FUNCTIONS = 10_000  # of the test's that the student's code can call
MAX_CALLBACKS = 64  # nested calls between the two ends
MAX_YIELDED = 96 << 20  # bytes of all that one iterator gives
MAX_ITERATIONS = 100_000

Reply = tuple[Any, Exception | None]


class StudentGoneError(AssertionError):
    """The student process no longer answers: a check fails, with this message for the student."""


@dataclass(frozen=True)
class Code:
    """The student's code as it was handed in, which the student process can't change.

    Attributes:
        names: the words in it that could be names.
        lines: its lines, stripped.
    """

    names: Collection[str]
    lines: Collection[str]

    def has_kind(self, name: str) -> bool:
        """Tell whether a class of this name is known, or may be the code's own."""
        return name in self.names or name in _KINDS

    def place(self, said: str) -> str:
        """Return where the student process says that an exception was raised, if there is that."""
        found = _PLACE.fullmatch(said)
        if not found or not (found["name"] in self.names or found["name"] in _NAMELESS):
            return " (in your code)" if said else ""
        line = found["line"] if found["line"] in self.lines else ""
        return f" (in `{found['name']}`{f': `{line}`' if line else ''})"


_KINDS = frozenset(
    {
        *(name for place in (builtins, types, np, np.ma) for name in dir(place)),
        *("function", "generator", "method", "module", "masked array", "structured array"),
        *("builtin_function_or_method", "list_iterator", "NoneType", "dict_keys", "dict_values"),
        *(f"array of {held}" for held in ("objects", "text", "bytes", "dates", "times")),
        *("Axes", "DataFrame", "Figure", "Series", "Tensor", "Variable", "csr_matrix", "partial"),
    }
)
_PLACE = re.compile(r" \(in `(?P<name>[^`]*)`(: `(?P<line>.*)`)?\)")
_NAMELESS = {"<module>", "<lambda>", "<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"}


class Session:
    """One student process as the judge sees it.

    Args:
        connection: the socket to it.
        seconds: of computing that one request may take, with all that is called back in it.
        clock: what that is told by; without one, wall time counts.

    Attributes:
        gone: why the process no longer answers; empty while it does.
        late: whether that is because it did not come back in time.
        stalled: whether that time was wall time, of which a busy machine may have taken most.
        closed: whether it has closed its end, as it does when it dies.
        printed: what the student's code has printed during requests, in order.
        received: how many bytes have come.
        quiet: whether what is printed from now on is dropped.
        raised: what exceptions of the student's code have said of themselves, the first of them.
        code: what was handed in, for an exception's place to be held against; None to believe it.
    """

    def __init__(
        self, connection: socket.socket, seconds: float, clock: Clock | None = None
    ) -> None:
        self.seconds = seconds
        self.gone = ""
        self.late = self.stalled = False
        self.closed = False
        self.printed: list[str] = []
        self.received = 0
        self.quiet = False
        self.raised: list[str] = []
        self.code: Code | None = None
        self._connection = connection
        self._number = 0
        self._clock = clock or wall_clock()
        self._limits: list[Limit] = []  # of the requests that wait for an answer
        self._remotes: WeakValueDictionary[int, Remote] = WeakValueDictionary()
        self._dropped: set[int] = set()
        self._functions: dict[int, Callable[..., Any]] = {}
        self._numbers_of: dict[int, int] = {}  # of functions, by their id
        self._next_function = 0
        self._deadline: Limit | None = None

    def set_deadline(self, seconds: float | None) -> None:
        """Bound all requests from now on together, besides the limit on each; None lifts it."""
        self._deadline = None if seconds is None else Limit(self._clock, max(0.0, seconds))

    def request(self, operation: str, *arguments: Any) -> Any:
        """Ask the student process for something and return its answer.

        Raises:
            StudentGoneError: if it died, hung or broke the wire's rules.
            TypeError: if an argument can't be sent.
            Exception: the builtin of the name that the student's code raised, or what a function
                of the test's has raised in a call back.
        """
        if self.gone:
            raise StudentGoneError(self.gone)
        if len(self._limits) >= MAX_CALLBACKS:
            raise RecursionError("your function and the test call each other without end")
        encoder = Encoder(self._refer)
        forms = [encoder.encode(argument) for argument in arguments]
        value, error = self._exchange(operation, forms, encoder)
        if error:
            raise error
        return value

    def lookup(self, name: str) -> Any:
        """Return what the student's notebook calls `name`; raise KeyError if there is nothing."""
        try:
            return self.request("name", name)
        except NameError:
            raise KeyError(name) from None

    def new_question(self) -> None:
        """Take back what the question before has handed over: its functions and what was printed.

        Until then the student's code may keep a function and call it whenever the test waits.
        """
        self._functions.clear()
        self._numbers_of.clear()
        self.printed.clear()
        self.raised.clear()

    def forget(self, reference: int) -> None:
        """Let the student process drop an object: no remote stands for it any more."""
        self._dropped.add(reference)

    def _exchange(self, operation: str, forms: list[Any], encoder: Encoder) -> Reply:
        """Send a request and return its outcome, once the callbacks in it have been answered."""
        self._number += 1
        self._limits.append(self._limit())
        dropped = list(self._dropped)
        self._dropped.clear()
        message = [self._number, operation, dropped, *forms]
        try:
            send_frame(self._connection, message, encoder.body, self._limits[-1])
            return self._wait(self._number, encoder)
        except WireTimeoutError:
            self.gone, self.late = self._too_long(), True
            self.stalled = self._limits[-1].by_wall
        except WireClosedError:
            self.closed = True
            self.gone = "Your code ended its own process."
        except WireError as error:
            self.gone = f"Your code's answer can't be read: {error}."
        except StudentGoneError:
            raise
        except BaseException:
            self.gone = "The test was interrupted."  # an answer may still be on its way
            raise
        finally:
            self._limits.pop()
        raise StudentGoneError(self.gone)

    def _limit(self) -> Limit:
        """Return the limit of a request: a nested one does not outlast its outer one."""
        outer = self._limits[-1] if self._limits else self._deadline
        return Limit(self._clock, self.seconds, outer)

    def _too_long(self) -> str:
        if self._deadline and self._deadline() <= 0:
            return f"Your code needed more than {self._deadline} for all of this."
        return f"Your code did not come back within {self._limits[-1]}."

    def _wait(self, number: int, encoder: Encoder) -> Reply:
        last_error: Exception | None = None
        while True:
            message, body = receive_frame(self._connection, self._limits[-1], MAX_ANSWER)
            self.received += len(body)
            decoder = Decoder(body, self._resolve, encoder, MAX_ANSWER)
            match message:
                case [int(n), "ok", form, changes, notes] if n == number:
                    value = decoder.decode(form)
                    if changes != []:
                        write_back(encoder.sent, changes, decoder, value)
                    return value, self._note(decoder.decode(notes))
                case [int(n), "callback", int(function), positional, named] if n == number:
                    arguments = decoder.decode(positional), decoder.decode(named)
                    last_error = self._answer_callback(function, *arguments, decoder)
                case [int(n), "error", form, ours, notes] if n == number:
                    said = _exception(decoder.decode(form), self.code)
                    if len(self.raised) < MAX_RAISED:
                        self.raised.append(str(said))
                    error = self._note(decoder.decode(notes))
                    return None, error or (last_error if ours is True and last_error else said)
                case _:
                    raise WireError("it is malformed")

    def _answer_callback(
        self, function: int, positional: Any, named: Any, decoder: Decoder
    ) -> Exception | None:
        """Call one of the judge's functions for the student's code and send what it returns.

        Returns:
            What the function raised, if it did.
        """
        if (
            type(positional) is not tuple
            or type(named) is not dict
            or not all(isinstance(key, str) for key in named)
        ):
            raise WireError("a call back is malformed")
        encoder = Encoder(self._refer, decoder.came)
        raised = None
        try:
            watch = Watch(decoder.came)
            result = encoder.encode(self._function(function)(*positional, **named))
            reply = ["ok", result, watch.changes(encoder)]
        except Exception as error:
            raised = error
            encoder = Encoder(self._refer)
            reply = ["error", list(builtin_names(type(error))), str(error)[:MAX_TEXT]]
        if self.gone:
            raise StudentGoneError(self.gone)
        send_frame(self._connection, reply, encoder.body, self._limits[-1])
        return raised

    def _function(self, function: int) -> Callable[..., Any]:
        if function not in self._functions:
            raise RuntimeError("a function of a test's can be called only in that test")
        return self._functions[function]

    def _note(self, notes: Any) -> Exception | None:
        """Take what came with an answer: printed text, and warnings to be given again here.

        Returns:
            A warning that the test's own filters make an error.
        """
        if notes is None:
            return None
        match notes:
            case (str(printed), [*warned]):
                if not self.quiet:
                    text = "".join([*self.printed, printed])[:MAX_OUTPUT]
                    self.printed[:] = [text] if text else []
            case _:
                raise WireError("its notes are malformed")
        try:
            for warning in warned[:MAX_WARNINGS]:
                match warning:
                    case (tuple(names), str(text)):
                        warnings.warn(text[:MAX_TEXT], builtin_warning(names), stacklevel=2)
                    case _:
                        raise WireError("its notes are malformed")
        except Warning as error:
            return error
        return None

    def _refer(self, value: Any) -> list[Any]:
        """Stand for what can't travel: the student's own objects, and functions to call back."""
        if isinstance(value, Remote):
            if value._remote_session is not self:
                raise TypeError("the object belongs to a process that has ended")
            return ["R", value._remote_id]
        name = getattr(value, "__name__", None)
        if isinstance(value, np.ufunc) and getattr(np, str(name), None) is value:
            return ["u", name]  # the code has it too: no call comes back for it
        if callable(value) and not isinstance(value, type):
            # No name and no parameter: they could tell a right version from a wrong one.
            return ["j", self._number_of(value)]
        raise TypeError(f"a test can't send {type(value).__name__} to the student's code")

    def _number_of(self, function: Callable[..., Any]) -> int:
        """Return the number under which a function is called back; the oldest give way."""
        number = self._numbers_of.get(id(function))
        if number is None:
            number = self._next_function
            self._next_function += 1
            self._functions[number] = function
            self._numbers_of[id(function)] = number
            if len(self._functions) > MAX_FUNCTIONS:
                oldest = self._functions.pop(next(iter(self._functions)))
                del self._numbers_of[id(oldest)]
        return number

    def _resolve(self, tag: str, rest: list[Any]) -> Any:
        match tag, rest:
            case "r", [int(reference), str(kind), str(name)] if kind in _REMOTES and reference >= 0:
                remote = self._remotes.get(reference)
                if remote is None:
                    shown = name if self.code is None or self.code.has_kind(name) else "object"
                    remote = _remote_class(kind, shown)(self, reference)
                    self._remotes[reference] = remote
                    self._dropped.discard(reference)
                if isinstance(remote, _REMOTES[kind]):
                    return remote
        raise WireError("a value is malformed")


class There:
    """The student process, as the home of the student's objects.

    What it says of the global generators is the student's word: it finds an honest mistake.
    """

    def __init__(self, session: Session, answer: str = "") -> None:
        self._session = session
        self._answer = answer

    def written(self, function: Any) -> str:
        """Return the text of the answer, as it was handed in: nothing is asked there."""
        return self._answer

    def keep(self, value: Any) -> Any:
        """Send a copy, and return the remote that stands for it."""
        return self._session.request("keep", value)

    def once(self, values: Sequence[Any]) -> Any:
        """Send copies, and return the remote of an iterator over them."""
        return self._session.request("once", list(values))

    def invoke(self, function: Any, positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Call a function of the student's; arrays, lists and dictionaries come back as remotes."""
        return self._session.request("invoke", function, tuple(positional), tuple(named.items()))

    def seen(self, values: Sequence[Any]) -> Sequence[Any]:
        """Return what remotes hold now: all of it in one answer, which takes no longer than one."""
        found = self._session.request("value", tuple(values))
        return found if type(found) is tuple and len(found) == len(values) else values

    def given(self, name: str, here: Any) -> Any:
        """Return what `name` stands for there: the tests' own library makes objects of their own.

        Raises:
            NameError: if it stands for nothing.
        """
        try:
            return self._session.lookup(name)
        except KeyError:
            raise NameError(f"name {name!r} is not defined", name=name) from None

    def stir(self) -> tuple[Any, ...]:
        """Draw from the student process's global generators, and return what came."""
        drawn = self._session.request("stir")
        return drawn if isinstance(drawn, tuple) else ()


class Namespace(dict[str, Any]):
    """Globals of a test cell: what it lacks is looked up in the student process.

    Args:
        names: what the set-up cells define here.
        session: of the student process.
        answer: the text of the cell that is tested.
        missing: why names are not there, as the ends of sentences: see `helpers.cells.missing`.
        taken: which cells have taken builtins' names: see `helpers.cells.taken`.
    """

    def __init__(
        self,
        names: dict[str, Any],
        session: Session,
        answer: str = "",
        missing: Mapping[str, str] | None = None,
        taken: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(names)
        self._session = session
        self._answer = answer
        self.missing = missing or {}
        self.taken = taken or {}

    @property
    def home(self) -> "There":
        """Where the student's objects live: see `helpers.specification.homes`."""
        return There(self._session, self._answer)

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):
            raise KeyError(name)
        value = self._session.lookup(name)
        if isinstance(value, RemoteCallable):
            self[name] = value  # asked for again and again, and bound to no other in a test
        return value


class Remote:
    """An object in the student process; its attributes, items and writes to them are requests.

    Special methods are not: only those below do anything, and of special attributes `__name__`.
    """

    __slots__ = ("__weakref__", "_remote_id", "_remote_session")
    _remote_id: int
    _remote_session: Session

    def __init__(self, session: Session, reference: int) -> None:
        object.__setattr__(self, "_remote_session", session)
        object.__setattr__(self, "_remote_id", reference)

    def _ask(self, operation: str, *arguments: Any) -> Any:
        return self._remote_session.request(operation, self, *arguments)

    def __del__(self) -> None:
        self._remote_session.forget(self._remote_id)

    def __repr__(self) -> str:
        return f"<the student's {type(self).__name__}>"

    def __getattr__(self, name: str) -> Any:
        if name != "__name__" and name.startswith(("__", "_remote_")):
            raise AttributeError(name)
        return self._ask("getattr", name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("setattr", name, value)

    def __delattr__(self, name: str) -> None:
        self._ask("delattr", name)

    def __getitem__(self, key: Any) -> Any:
        return self._ask("getitem", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._ask("setitem", key, value)

    def __delitem__(self, key: Any) -> None:
        self._ask("delitem", key)

    def __contains__(self, key: object) -> bool:
        return bool(self._ask("contains", key))

    def __len__(self) -> int:
        length = self._ask("len")
        if type(length) is not int or not 0 <= length < 1 << 62:
            raise TypeError("a length is no number")
        return length

    def __bool__(self) -> bool:
        return self._ask("bool") is True

    def __iter__(self) -> Iterator[Any]:
        items = self._ask("iter")
        if not isinstance(items, tuple | RemoteIterator):
            raise TypeError("it gives no items")
        return iter(items)

    def __enter__(self) -> Any:
        return self._ask("enter")

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if error is None:
            return self._ask("exit", None) is True
        text = str(error)[:MAX_TEXT]
        arguments = error.args if is_plain_key(error.args) else (text,)
        return self._ask("exit", (builtin_names(type(error)), arguments, text)) is True

    def __copy__(self) -> Any:
        return self._ask("copy")

    def __deepcopy__(self, memo: Any) -> Any:
        return self._ask("deepcopy")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("an object in another process can't be pickled")


class RemoteObject(Remote):
    """An object that can't be called."""

    __slots__ = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Return its numbers if it has any, else itself, as NumPy does with an object."""
        array = self._ask("array")
        return np.asarray(array, dtype) if type(array) is np.ndarray else _as_object(self, dtype)


def _as_object(remote: Remote, dtype: Any) -> Any:
    array = np.empty((), dtype=object)
    array[()] = remote
    return np.asarray(array, dtype=dtype)


class RemoteCallable(Remote):
    """A function, a class, or another object that can be called."""

    __slots__ = ()

    def __call__(self, *positional: Any, **named: Any) -> Any:
        """Call it; what it changes of its arguments in place is changed here too."""
        return self._ask("call", positional, tuple(named.items()))

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, Remote) and self._ask_of("isinstance", value)

    def __subclasscheck__(self, value: Any) -> bool:
        return isinstance(value, Remote) and self._ask_of("issubclass", value)

    def _ask_of(self, operation: str, value: Remote) -> bool:
        return value._ask(operation, self) is True


class RemoteIterator(Remote):
    """An iterator: each item is asked for when it is wanted, so one without end does no harm."""

    __slots__ = ("_remote_bytes", "_remote_items")

    def __init__(self, session: Session, reference: int) -> None:
        super().__init__(session, reference)
        object.__setattr__(self, "_remote_items", 0)
        object.__setattr__(self, "_remote_bytes", 0)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        before = self._remote_session.received
        found = self._ask("next")
        size = self._remote_bytes + self._remote_session.received - before
        object.__setattr__(self, "_remote_items", self._remote_items + 1)
        object.__setattr__(self, "_remote_bytes", size)
        match found:
            case (item,) if self._remote_items <= MAX_ITERATIONS and size <= MAX_YIELDED:
                return item
            case ():
                raise StopIteration
        raise ValueError("it gives items without end")


class RemoteArray(Remote, NDArrayOperatorsMixin):
    """An array in the student process: reads fetch it, writes go through.

    Its dtype and shape come without its numbers. Each answer of the student process stands by
    itself: what is compared with what is expected are an array's numbers, in the shape that they
    come in, never what was said of them before.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]
    __class__ = np.ndarray  # type: ignore[assignment]  # to isinstance it is one

    def _fetch(self) -> np.ndarray[Any, Any]:
        value = self._ask("value")
        if type(value) is not np.ndarray:
            raise TypeError("it is no array of numbers")
        return value

    def _form(self) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """Ask for dtype and shape, and hold them to what an array that is fetched may have."""
        match self._ask("form"):
            case tuple((np.dtype() as dtype, tuple(shape))):
                try:
                    size = count_elements(shape)
                except WireError as error:
                    raise TypeError(f"it is no array of numbers: {error}") from None
                if size * max(8, dtype.itemsize) > MAX_ANSWER:
                    raise ValueError("it holds too many numbers for a test")
                return dtype, shape
        raise TypeError("it is no array of numbers")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its numbers."""
        return self._form()[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Its lengths."""
        return self._form()[1]

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        if shape := self.shape:
            return shape[0]
        raise TypeError("len() of unsized object")

    def __fetch__(self) -> np.ndarray[Any, Any]:
        """Return its numbers as they are now."""
        return self._fetch()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self._fetch(), dtype=dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Compute here; where a remote is to be changed, write the result to it."""
        local = {id(item): item._fetch() for item in inputs if isinstance(item, RemoteArray)}
        given = options.pop("out", ())
        local |= {id(item): item._fetch() for item in given if isinstance(item, RemoteArray)}
        if given:
            options["out"] = tuple(local.get(id(item), item) for item in given)
        plain = [local.get(id(item), item) for item in inputs]
        result = getattr(ufunc, method)(*plain, **options)
        changed = inputs[:1] if method == "at" else given
        for item in changed:
            if isinstance(item, RemoteArray):
                item[...] = local[id(item)]
        if not given:
            return result
        return given[0] if len(given) == 1 else given

    def __getattr__(self, name: str) -> Any:
        if name in _VIEWS:
            return super().__getattr__(name)
        if name in _METHODS:
            return functools.partial(self._method, name)
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._fetch(), name)

    def _method(self, name: str, *positional: Any, **named: Any) -> Any:
        return self._ask("method", name, positional, tuple(named.items()))

    def __repr__(self) -> str:
        return repr(self._fetch())

    def __str__(self) -> str:
        return str(self._fetch())

    def __format__(self, form: str) -> str:
        return format(self._fetch(), form)

    def __bool__(self) -> bool:
        return bool(self._fetch())

    def __float__(self) -> float:
        return float(self._fetch())

    def __int__(self) -> int:
        return int(self._fetch())

    def __contains__(self, key: object) -> bool:
        return key in self._fetch()

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


# What gives a view of an array or changes it has to happen where the array is.
_VIEWS = frozenset({"T", "mT", "real", "imag", "flat"})
_METHODS = frozenset(
    {"reshape", "ravel", "transpose", "squeeze", "swapaxes", "diagonal", "view"}
    | {"fill", "sort", "partition", "put", "resize"}
)


class _RemoteContainer(Remote):
    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def _fetch(self) -> Any:
        value = self._ask("value")
        if isinstance(value, Remote):
            raise TypeError("its keys are no plain values")
        return value

    def __fetch__(self) -> Any:
        """Return what it holds now, all of it in one answer; objects stay where they are."""
        return self._fetch()

    def __eq__(self, other: object) -> bool:
        if other is self:
            return True
        mine = self._fetch()
        return bool(mine == (other._fetch() if isinstance(other, _RemoteContainer) else other))

    def __repr__(self) -> str:
        return repr(self._fetch())


class RemoteMapping(_RemoteContainer, MutableMapping[Any, Any]):
    """A dictionary in the student process."""

    __slots__ = ()
    __class__ = dict  # type: ignore[assignment]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Return itself, as NumPy does with a dictionary."""
        return _as_object(self, dtype)

    def copy(self) -> dict[Any, Any]:
        """Return a shallow copy: its arrays are the student's."""
        items = self._ask("items")
        if type(items) is not tuple or not all(type(i) is tuple and len(i) == 2 for i in items):
            raise TypeError("it gives no items")
        if len(items) > MAX_KEYS:
            raise ValueError("it holds too many keys for a test")
        return {key: value for key, value in items if is_plain_key(key)}

    def values(self) -> Any:
        """Return what it holds now."""
        return self.copy().values()

    def items(self) -> Any:
        """Return its keys with what they stand for now."""
        return self.copy().items()

    def __reversed__(self) -> Iterator[Any]:
        return iter(list(self)[::-1])

    def __or__(self, other: Any) -> Any:
        return self.copy() | dict(other)

    def __ror__(self, other: Any) -> Any:
        return dict(other) | self.copy()


class RemoteSequence(_RemoteContainer, MutableSequence[Any]):
    """A list in the student process."""

    __slots__ = ()
    __class__ = list  # type: ignore[assignment]

    def insert(self, index: int, value: Any) -> None:
        """Insert a value before `index`."""
        self._ask("method", "insert", (index, value), ())

    def copy(self) -> list[Any]:
        """Return a shallow copy: its arrays are the student's."""
        return list(self)

    def __add__(self, other: Any) -> Any:
        return self.copy() + list(other)

    def __radd__(self, other: Any) -> Any:
        return list(other) + self.copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self._fetch(), dtype=dtype)


_REMOTES: dict[str, type[Remote]] = {
    "object": RemoteObject,
    "callable": RemoteCallable,
    "iterator": RemoteIterator,
    "array": RemoteArray,
    "mapping": RemoteMapping,
    "sequence": RemoteSequence,
}


@functools.lru_cache(maxsize=256)
def _remote_class(kind: str, name: str) -> type[Remote]:
    """Return a class of remotes that is called like the student's own, for messages."""
    base = _REMOTES[kind]
    name = name if name.isprintable() and 0 < len(name) <= 100 else "object"
    found: type[Remote] = types.new_class(name, (base,), exec_body=_no_slots)
    return found


def _no_slots(names: dict[str, Any]) -> None:
    names["__slots__"] = ()


def _exception(said: Any, code: Code | None) -> Exception:
    """Build the exception that the student's code raised: a builtin, with the student's line."""
    match said:
        case (tuple(names), tuple(arguments), str(text), str(place)):
            error = builtin_exception(names[:20], arguments, text[:MAX_TEXT])
        case _:
            raise WireError("an exception is malformed")
    place = place[:MAX_TEXT]
    error.student_place = code.place(place) if code else place  # type: ignore[attr-defined]
    return error
