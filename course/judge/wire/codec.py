"""The wire between the judge and the student: frames, and values as JSON plus raw array bytes.

A frame is a fixed head (magic, header length, body length), a JSON header and a body of raw bytes.
Plain values travel whole; what they can't hold (functions, objects) is left to `refer` and
`resolve`, which each end supplies. The other end may be hostile: everything that arrives is checked
against limits before it is built, arrays become base ndarrays of a known dtype, and nothing is ever
unpickled or evaluated. Knows nothing of what the messages mean.

A value's JSON form is itself for None, booleans, integers, floats and strings, else a list that
begins with a tag:

    a, w  array, read-only array: dtype, shape, place in the body (start, length); its axes from the
          slowest to the fastest, if they don't lie in memory in their own order; or "gaps", if
          there are some between its elements, as in every second of another's
    f     NumPy's float64, as a float
    g, c  other NumPy scalar, complex number: as an array of shape ()
    l, t, d, S, F  list, tuple, dict (pairs), set, frozenset
    v     view of a dict: which, the dict
    G     random generator: its state, see `generators`
    n, s, e, b  range, slice, Ellipsis, bytes (place in the body)
    y, Y  dtype, type
    u     one of NumPy's ufuncs, by its name; only the judge sends any
    =     the list, dict, array or generator that came as the n-th of this frame
    @     the receiver's own: the n-th that it sent in the frame which this one answers
"""

import functools
import json
import math
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from course.judge.wire import generators

HEAD = struct.Struct("!4sIQ")
MAGIC = b"DLJ1"
CHUNK = 1 << 16  # bytes read at once: most frames are smaller
LOOK = 0.1  # seconds, at most, between two looks at what is left of the time
LEAST_LOOK = 0.005  # and at least: a slow machine takes long over the last bit of computing
MAX_HEADER = 4 << 20  # bytes of JSON
MAX_BODY = 256 << 20  # bytes of arrays
MAX_ANSWER = 96 << 20  # bytes of arrays in an answer of the student's, each number counted as 8
MAX_EMPTY = 1 << 20  # what the lengths of an empty array multiply to, but for zeros
MAX_DEPTH = 24  # containers in containers
MAX_ITEMS = 200_000  # values in one frame
MAX_KEYS = 10_000  # keys of dicts and sets in one frame: more could be made to collide
MAX_DIMENSIONS = 16
MAX_BITS = 10_000  # of an integer
DTYPES = {
    np.dtype(code).str: np.dtype(code)
    for code in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
}
TYPES: dict[str, Any] = {
    f"{kind.__module__}.{kind.__name__}": kind
    for kind in (bool, int, float, complex, str, bytes, list, tuple, dict, set)
} | {f"numpy.{dtype.type.__name__}": dtype.type for dtype in DTYPES.values()}
VIEWS: dict[str, Any] = {"keys": dict.keys, "values": dict.values, "items": dict.items}
_VIEW_NAMES = {type(view({})): name for name, view in VIEWS.items()}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_JSON_TYPES = frozenset({type(None), bool, float, str})  # and int, if it is not too large

Left = Callable[[], float]  # what is left of the time, in seconds: asked again after each wait
Refer = Callable[[Any], list[Any]]
Resolve = Callable[[str, list[Any]], Any]
Writer = Callable[["Encoder", Any, int], Any]
Reader = Callable[["Decoder", list[Any], int], Any]


class WireError(ValueError):
    """A frame or a value breaks the wire's rules or limits."""


class WireClosedError(WireError):
    """The other end has gone."""


class WireTimeoutError(WireError):
    """The other end did not answer in time."""


# --- frames ---------------------------------------------------------------------------------------


def _no_objects(pairs: Any) -> Any:
    raise ValueError("objects are not part of the wire")


_to_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_from_json = json.JSONDecoder(object_pairs_hook=_no_objects).raw_decode


def within(seconds: float) -> Left:
    """Return a limit of wall time, from now on."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def send(connection: socket.socket, message: Any, body: bytes, left: Left | None) -> None:
    """Send one frame.

    Args:
        connection: a stream socket.
        message: what `json` can write: lists, strings, numbers.
        body: the raw bytes that the message's arrays lie in.
        left: tells what is left of the time; None waits as long as it takes.

    Raises:
        WireError: if the frame is over the limits, the other end has gone or doesn't read.
    """
    try:
        header = _to_json(message).encode()
    except (ValueError, RecursionError, TypeError) as error:
        raise WireError(f"a message can't be written: {error}") from error
    if len(header) > MAX_HEADER or len(body) > MAX_BODY:
        raise WireError("a value is too large to be sent: its text is too long")
    frame = memoryview(b"".join((HEAD.pack(MAGIC, len(header), len(body)), header, body)))
    while frame:
        _wait(left, connection)
        try:
            frame = frame[connection.send(frame) :]
        except TimeoutError:
            continue
        except BlockingIOError:  # the student's code may have made it so
            select.select([], [connection], [])
        except OSError as error:
            raise WireClosedError("the connection is closed") from error


def receive(
    connection: socket.socket, left: Left | None, max_body: int = MAX_BODY
) -> tuple[Any, bytes]:
    """Receive one frame: the message and its body.

    The ends take turns, so nothing can follow a frame before it is answered.

    Raises:
        WireError: if it is malformed or over the limits, more than a frame has come, the other end
            has gone or the time is up.
    """
    data = _read(connection, HEAD.size, CHUNK, left)
    magic, header_length, body_length = HEAD.unpack_from(data)
    if magic != MAGIC or header_length > MAX_HEADER or body_length > max_body:
        raise WireError("a frame's head is malformed or too large")
    start = HEAD.size + header_length
    missing = start + body_length - len(data)
    if missing > 0:
        data += _read(connection, missing, missing, left)
    elif missing:
        raise WireError("a frame came out of turn")
    try:
        header = data[HEAD.size : start].decode()
        message, end = _from_json(header)
    except (ValueError, RecursionError) as error:
        raise WireError("a frame's header is malformed") from error
    if end != len(header):
        raise WireError("a frame's header is malformed")
    return message, data[start:]


def _read(connection: socket.socket, least: int, most: int, left: Left | None) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while size < least:
        _wait(left, connection)
        try:
            chunk = connection.recv(min(most - size, 1 << 20))
        except TimeoutError:
            continue
        except BlockingIOError:
            select.select([connection], [], [])
            continue
        except OSError as error:
            raise WireClosedError("the connection is closed") from error
        if not chunk:
            raise WireClosedError("the connection is closed")
        chunks.append(chunk)
        size += len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _wait(left: Left | None, connection: socket.socket) -> None:
    """Let the socket's next operation wait for a part of the time that is left."""
    if left is None:
        return
    seconds = left()
    if seconds <= 0:
        raise WireTimeoutError("no answer in time")
    connection.settimeout(min(max(seconds, LEAST_LOOK), LOOK))


# --- values ---------------------------------------------------------------------------------------


def is_plain_array(value: np.ndarray[Any, Any]) -> bool:
    """Tell whether an array can travel: it holds numbers and hides none of them."""
    hides = type(value) is not np.ndarray and np.ma.is_masked(value)
    return value.dtype.kind in "biufc" and not hides


def wire_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return what an array of numbers of this dtype arrives as."""
    if dtype not in _NAMES:
        dtype = dtype.newbyteorder("=")
    if dtype not in _NAMES:  # longdouble
        dtype = np.dtype(np.float64 if dtype.kind == "f" else np.complex128)
    return dtype


def _axes_in_memory(array: np.ndarray[Any, Any]) -> list[int]:
    """Return the axes from the slowest to the fastest; nothing if that is their own order."""
    if array.flags.c_contiguous:
        return []
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    return [] if order == list(range(array.ndim)) else order


def _has_gaps(array: np.ndarray[Any, Any]) -> bool:
    """Tell whether memory holds something else between any two of an array's elements."""
    steps = [abs(step) for step, n in zip(array.strides, array.shape, strict=True) if n > 1]
    return array.size > 0 and min(steps, default=0) > array.itemsize


def _with_gaps(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array's elements as every second one of a longer array."""
    longer = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    longer[..., ::2] = array
    return longer[..., ::2]


def _checked_order(order: Any, dimensions: int) -> list[int]:
    known = type(order) is list and all(type(axis) is int for axis in order)
    if not known or sorted(order) != list(range(dimensions)):
        raise WireError("an array's axes are malformed")
    return order  # type: ignore[no-any-return]


def count_elements(shape: Sequence[Any]) -> int:
    """Return how many numbers an array of this shape holds.

    Raises:
        WireError: if it is no shape, or one that has no place on the wire.
    """
    if len(shape) > MAX_DIMENSIONS:
        raise WireError("an array's shape is malformed")
    count = 1
    for length in shape:
        if type(length) is not int or length < 0:
            raise WireError("an array's shape is malformed")
        count *= length
    if not count and math.prod([n or 1 for n in shape]) > MAX_EMPTY:
        raise WireError("an empty array's shape is too large")
    return count


def is_plain_key(key: Any) -> bool:
    """Tell whether a value can travel as a key, or as an element of a set."""
    kind = type(key)
    if kind is str:
        return True
    if issubclass(kind, tuple):
        return all(map(is_plain_key, key))
    return issubclass(kind, (type(None), int, float, str, complex, bytes, np.number, np.bool_))


class Encoder:
    """Turns the values of one frame into JSON, gathering their arrays' bytes.

    Args:
        refer: returns the tagged list that stands for a value which can't travel whole.
        came: the lists, dicts, arrays and generators of the frame that this one answers: they go
            back by number.
        max_bytes: of all arrays together, each number counted as 8 bytes.

    Attributes:
        sent: the lists, dicts, arrays and generators of this frame. Each travels once.
        costs: how many values and bytes each of them stands for.
    """

    def __init__(
        self, refer: Refer, came: Sequence[Any] = (), max_bytes: int = 8 * MAX_BODY
    ) -> None:
        self.sent: list[Any] = []
        self.costs: list[tuple[int, int]] = []
        self._known = {id(value): ["@", number] for number, value in enumerate(came)}
        self._refer = refer
        self._max_bytes = max_bytes
        self._chunks: list[bytes] = []
        self._size = 0
        self._bytes = 0
        self._items = 0

    @property
    def body(self) -> bytes:
        """The bytes of all arrays encoded so far."""
        return b"".join(self._chunks)

    def encode(self, value: Any, depth: int = 0) -> Any:
        """Return the JSON form of a value.

        Values of a builtin type's subclass travel as values of the builtin type.

        Raises:
            WireError: if it is too large, nested too deeply or holds itself.
        """
        self._items += 1
        if self._items > MAX_ITEMS:
            raise WireError(
                f"a value is too large to be sent: it holds more than {MAX_ITEMS:,} items"
            )
        if depth > MAX_DEPTH:
            raise WireError("a value can't be sent: it holds itself, or is nested too deeply")
        kind: Any = type(value)  # not its __class__: a remote may pose as what it stands for
        if kind in _JSON_TYPES:
            return value
        return _writer(kind)(self, value, depth)

    def contents(self, value: Any, depth: int = 0) -> Any:
        """Return the form of a list or another of these, though it be known at the other end."""
        kind = type(value)
        items, size = self._items, self._bytes
        if issubclass(kind, np.ndarray):
            if not is_plain_array(value):
                return self._refer(value)
            form = self._array(value, "a" if value.flags.writeable else "w")
        elif issubclass(kind, list):
            form = ["l", *[self.encode(item, depth + 1) for item in value]]
        elif issubclass(kind, generators.KINDS):
            state = generators.get_state(value)
            if state is None:
                return self._refer(value)
            form = ["G", *[self.encode(part, depth + 1) for part in state]]
        else:
            if not all(map(is_plain_key, value)):
                return self._refer(value)
            form = ["d"]
            for key, item in value.items():
                form.append([self.encode(key, depth + 1), self.encode(item, depth + 1)])
        self._known.setdefault(id(value), ["=", len(self.sent)])
        self.sent.append(value)  # which keeps it alive, so that its id stays its own
        self.costs.append((self._items - items, self._bytes - size))
        return form

    def _mutable(self, value: Any, depth: int) -> Any:
        return self._known.get(id(value)) or self.contents(value, depth)

    def _integer(self, value: int, depth: int) -> Any:
        return int.__int__(value) if value.bit_length() <= MAX_BITS else self._refer(value)

    def _float(self, value: float, depth: int) -> float:
        return float.__float__(value)

    def _text(self, value: str, depth: int) -> str:
        return str.__str__(value)

    def _tuple(self, value: tuple[Any, ...], depth: int) -> Any:
        return ["t", *[self.encode(item, depth + 1) for item in value]]

    def _set(self, value: Any, depth: int) -> Any:
        if not all(map(is_plain_key, value)):
            return self._refer(value)
        tag = "S" if isinstance(value, set) else "F"
        return [tag, *[self.encode(item, depth + 1) for item in value]]

    def _scalar(self, value: Any, depth: int) -> Any:
        if type(value) is np.float64 and value == value:  # JSON would make all NaN one
            return ["f", float(value)]
        return self._array(np.asarray(value), "g")

    def _complex(self, value: complex, depth: int) -> Any:
        return self._array(np.asarray(value), "c")

    def _raw(self, value: bytes | bytearray, depth: int) -> Any:
        self._count(len(value))
        return ["b", *self._append(bytes(value))]

    def _slice(self, value: slice, depth: int) -> Any:
        parts = (value.start, value.stop, value.step)
        return ["s", *[self.encode(part, depth + 1) for part in parts]]

    def _range(self, value: range, depth: int) -> Any:
        if len(value) > MAX_ITEMS:
            return self._refer(value)
        return ["n", value.start, value.stop, value.step]

    def _view(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind not in _VIEW_NAMES or not all(map(is_plain_key, value.mapping)):
            return self._refer(value)
        return ["v", _VIEW_NAMES[kind], self.encode(dict(value.mapping), depth + 1)]

    def _dtype(self, value: np.dtype[Any], depth: int) -> Any:
        return ["y", value.str] if value.str in DTYPES else self._refer(value)

    def _type(self, value: type, depth: int) -> Any:
        name = f"{value.__module__}.{value.__name__}"
        return ["Y", name] if TYPES.get(name) is value else self._refer(value)

    def _ellipsis(self, value: Any, depth: int) -> Any:
        return ["e"]

    def _other(self, value: Any, depth: int) -> Any:
        return self._refer(value)

    def _array(self, value: np.ndarray[Any, Any], tag: str) -> Any:
        dtype = wire_dtype(value.dtype)
        plain = np.asarray(value, dtype=dtype)
        self._count(plain.size * max(8, dtype.itemsize))
        order = _axes_in_memory(plain)
        place = self._append(plain.transpose(order).tobytes() if order else plain.tobytes())
        layout = [order] if order else ["gaps"] if _has_gaps(plain) else []
        return [tag, _NAMES[dtype], list(plain.shape), *place, *layout]

    def _append(self, chunk: bytes) -> tuple[int, int]:
        start = self._size
        self._size += len(chunk)
        self._chunks.append(chunk)
        return start, len(chunk)

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self._max_bytes:
            most = f"{self._max_bytes >> 20} MB"
            raise WireError(f"a value is too large to be sent: its arrays hold more than {most}")

    # The first that fits: NumPy's float64 is a float, and its str_ a str.
    WRITERS: ClassVar[list[tuple[Any, Writer]]] = [
        ((np.number, np.bool_), _scalar),
        ((np.ndarray, list, dict, *generators.KINDS), _mutable),
        (int, _integer),
        (float, _float),
        (str, _text),
        (tuple, _tuple),
        ((set, frozenset), _set),
        (complex, _complex),
        ((bytes, bytearray), _raw),
        (slice, _slice),
        (range, _range),
        (tuple(_VIEW_NAMES), _view),
        (np.dtype, _dtype),
        (type(...), _ellipsis),
        (object, _other),
    ]


@functools.lru_cache(maxsize=1024)
def _writer(kind: type) -> Writer:
    """Return the method that encodes a type's values."""
    if kind is type:
        return Encoder._type
    return next(writer for base, writer in Encoder.WRITERS if issubclass(kind, base))


class Decoder:
    """Builds the values of one frame, which nobody vouches for.

    Args:
        body: the frame's body.
        resolve: called with the tag and the rest of a tagged list that is no plain value; returns
            what it stands for or raises WireError.
        asked: the encoder of the frame that this one answers.
        max_bytes: of all arrays together, each number counted as 8 bytes.

    Attributes:
        came: the lists, dicts, arrays and generators of this frame.
    """

    def __init__(
        self,
        body: bytes,
        resolve: Resolve,
        asked: Encoder | None = None,
        max_bytes: int = 8 * MAX_BODY,
    ) -> None:
        self.came: list[Any] = []
        self._costs: list[tuple[int, int]] = []
        self._asked = asked
        self._used: set[int] = set()
        self._body = memoryview(body)
        self._resolve = resolve
        self.max_bytes = max_bytes
        self._items = 0
        self._keys = 0
        self._bytes = 0

    def decode(self, form: Any, depth: int = 0) -> Any:
        """Return the value of a JSON form; raise WireError for anything that isn't one."""
        self._items += 1
        if self._items > MAX_ITEMS or depth > MAX_DEPTH:
            raise WireError("a value is too large or nested too deeply")
        kind = type(form)
        if kind is str and not form.isascii():  # half a surrogate pair can't be shown or stored
            return form.encode("utf-8", "replace").decode()
        if kind in _JSON_TYPES or kind is int:
            return form
        if kind is not list or not form or type(form[0]) is not str:
            raise WireError("a value is malformed")
        tag, rest = form[0], form[1:]
        reader = self.READERS.get(tag)
        if reader is None:
            return self._resolve(tag, rest)
        if tag not in ("a", "w", "l", "d", "G"):
            return reader(self, rest, depth)
        items, size = self._items, self._bytes
        value = reader(self, rest, depth)
        self.came.append(value)
        self._costs.append((self._items - items, self._bytes - size))
        return value

    def _list(self, rest: list[Any], depth: int) -> list[Any]:
        return [self.decode(item, depth + 1) for item in rest]

    def _tuple(self, rest: list[Any], depth: int) -> tuple[Any, ...]:
        return tuple([self.decode(item, depth + 1) for item in rest])

    def _dict(self, pairs: list[Any], depth: int) -> dict[Any, Any]:
        result = {}
        for pair in pairs:
            if type(pair) is not list or len(pair) != 2:
                raise WireError("a dictionary is malformed")
            key = self._key(pair[0], depth)
            result[key] = self.decode(pair[1], depth + 1)
        return result

    def _set(self, rest: list[Any], depth: int) -> set[Any]:
        return {self._key(item, depth) for item in rest}

    def _frozenset(self, rest: list[Any], depth: int) -> frozenset[Any]:
        return frozenset(self._set(rest, depth))

    def _key(self, form: Any, depth: int) -> Any:
        self._keys += 1
        if self._keys > MAX_KEYS:
            raise WireError("a dictionary or set is too large")
        key = self.decode(form, depth + 1)
        if not is_plain_key(key):
            raise WireError("a key is no plain value")
        return key

    def _again(self, rest: list[Any], depth: int) -> Any:
        """Return what came before in this frame."""
        number = self._number(rest, len(self.came))
        self._charge(self._costs[number])
        return self.came[number]

    def _own(self, rest: list[Any], depth: int) -> Any:
        """Return what this end sent itself: for nothing once, as it is here already."""
        number = self._number(rest, len(self._asked.sent) if self._asked else 0)
        assert self._asked
        if number in self._used:
            self._charge(self._asked.costs[number])
        self._used.add(number)
        return self._asked.sent[number]

    def _number(self, rest: list[Any], count: int) -> int:
        match rest:
            case [int(number)] if 0 <= number < count:
                return number
        raise WireError("a value is malformed")

    def _charge(self, cost: tuple[int, int]) -> None:
        """Count anew what comes again: else a short frame could stand for a huge value."""
        self._items += cost[0]
        self._bytes += cost[1]
        if self._items > MAX_ITEMS or self._bytes > self.max_bytes:
            raise WireError("a value is too large")

    def _slice(self, rest: list[Any], depth: int) -> slice:
        if len(rest) != 3:
            raise WireError("a slice is malformed")
        return slice(*[self.decode(item, depth + 1) for item in rest])

    def _range(self, rest: list[Any], depth: int) -> range:
        match rest:
            case [int(start), int(stop), int(step)] if step:
                pass
            case _:
                raise WireError("a range is malformed")
        if max(abs(start), abs(stop), abs(step)).bit_length() > 62:
            raise WireError("a range is too large")
        self._items += len(range(start, stop, step))
        if self._items > MAX_ITEMS:
            raise WireError("a range is too large")
        return range(start, stop, step)

    def _view(self, rest: list[Any], depth: int) -> Any:
        match rest:
            case [str(name), ["d", *pairs]] if name in VIEWS:
                return VIEWS[name](self.decode(["d", *pairs], depth + 1))
        raise WireError("a view of a dictionary is malformed")

    def _generator(self, rest: list[Any], depth: int) -> Any:
        state = self._tuple(rest, depth)
        try:
            return generators.make(state)
        except (ValueError, IndexError) as error:
            raise WireError("a random generator is malformed") from error

    def _raw(self, rest: list[Any], depth: int) -> bytes:
        if len(rest) != 2:
            raise WireError("bytes are malformed")
        return bytes(self._chunk(rest[0], rest[1], 1))

    def _dtype(self, rest: list[Any], depth: int) -> Any:
        return self._listed(rest, DTYPES)

    def _type(self, rest: list[Any], depth: int) -> Any:
        return self._listed(rest, TYPES)

    def _listed(self, rest: list[Any], known: dict[str, Any]) -> Any:
        match rest:
            case [str(name)] if name in known:
                return known[name]
        raise WireError("a type is not known")

    def _ellipsis(self, rest: list[Any], depth: int) -> Any:
        if rest:
            raise WireError("a value is malformed")
        return ...

    def _writable(self, rest: list[Any], depth: int) -> np.ndarray[Any, Any]:
        if len(rest) not in (4, 5) or type(rest[0]) is not str or rest[0] not in DTYPES:
            raise WireError("an array is malformed")
        dtype, shape = DTYPES[rest[0]], rest[1]
        if type(shape) is not list:
            raise WireError("an array's shape is malformed")
        size, count = dtype.itemsize, count_elements(shape)
        gaps = len(rest) == 5 and rest[4] == "gaps" and len(shape) > 0
        chunk = self._chunk(rest[2], rest[3], max(1, 8 // size) * (2 if gaps else 1))
        if count * size != len(chunk):
            raise WireError("an array's shape does not fit its bytes")
        # A byte other than 0 and 1 would be a boolean that is neither.
        stored = np.uint8 if dtype.kind == "b" else dtype
        if len(rest) == 4 or gaps:
            array = np.ndarray(shape, stored, chunk).astype(dtype)
            return _with_gaps(array) if gaps else array
        order = _checked_order(rest[4], len(shape))
        array = np.ndarray([shape[axis] for axis in order], stored, chunk)
        return array.transpose(np.argsort(order)).astype(dtype, order="K")

    def _read_only(self, rest: list[Any], depth: int) -> np.ndarray[Any, Any]:
        array = self._writable(rest, depth)
        array.flags.writeable = False
        return array

    def _float64(self, rest: list[Any], depth: int) -> np.float64:
        if len(rest) != 1 or type(rest[0]) is not float:
            raise WireError("a number is malformed")
        return np.float64(rest[0])

    def _scalar(self, rest: list[Any], depth: int) -> Any:
        array = self._writable(rest, depth)
        if array.shape != ():
            raise WireError("a number is malformed")
        return array[()]

    def _complex(self, rest: list[Any], depth: int) -> complex:
        return complex(self._scalar(rest, depth))

    def _chunk(self, start: Any, length: Any, weight: int) -> memoryview:
        if type(start) is int and type(length) is int and start >= 0 and length >= 0:
            self._bytes += length * weight
            if start + length <= len(self._body) and self._bytes <= self.max_bytes:
                return self._body[start : start + length]
        raise WireError("a place in the body is malformed")

    READERS: ClassVar[dict[str, Reader]] = {
        "a": _writable, "w": _read_only, "f": _float64, "g": _scalar, "c": _complex,
        "l": _list, "t": _tuple, "d": _dict, "S": _set, "F": _frozenset, "v": _view,
        "n": _range, "s": _slice, "e": _ellipsis, "b": _raw, "y": _dtype, "Y": _type,
        "G": _generator, "=": _again, "@": _own,
    }  # fmt: skip
