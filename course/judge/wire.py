"""The wire between the judge and the student: frames, and values as JSON plus raw array bytes.

A frame is a fixed head (magic, header length, body length), a JSON header and a body of raw bytes.
Plain values travel whole; what they can't hold (functions, objects) is left to `refer` and
`resolve`, which each end supplies. The other end may be hostile: everything that arrives is checked
against limits before it is built, arrays become base ndarrays of a known dtype, and nothing is ever
unpickled or evaluated. Knows nothing of what the messages mean.

A value's JSON form is itself for None, booleans, integers, floats and strings, else a list that
begins with a tag:

    a, w  array, read-only array: dtype, shape, place in the body (start, length)
    g, c  NumPy scalar, complex number: as an array of shape ()
    l, t, d, S, F  list, tuple, dict (pairs), set, frozenset
    v     view of a dict: which, the dict
    n, s, e, b  range, slice, Ellipsis, bytes (place in the body)
    y, Y  dtype, type
    =     the list, dict or array that came as the n-th of this frame
    @     the receiver's own: the n-th that it sent in the frame which this one answers
"""

import json
import math
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

HEAD = struct.Struct("!4sIQ")
MAGIC = b"DLJ1"
CHUNK = 1 << 16  # bytes read at once: most frames are smaller
MAX_HEADER = 4 << 20  # bytes of JSON
MAX_BODY = 256 << 20  # bytes of arrays
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
_VIEW_TYPES = {type(view({})): name for name, view in VIEWS.items()}
_SCALARS = (type(None), bool, int, float, str)
_MUTABLE = (np.ndarray, list, dict)

Refer = Callable[[Any], list[Any]]
Resolve = Callable[[str, list[Any]], Any]


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
_from_json = json.JSONDecoder(object_pairs_hook=_no_objects).decode


def send(connection: socket.socket, message: Any, body: bytes, deadline: float) -> None:
    """Send one frame.

    Args:
        connection: a stream socket.
        message: what `json` can write: lists, strings, numbers.
        body: the raw bytes that the message's arrays lie in.
        deadline: on `time.monotonic`'s clock.

    Raises:
        WireError: if the frame is over the limits, the other end has gone or doesn't read.
    """
    try:
        header = _to_json(message).encode()
    except (ValueError, RecursionError, TypeError) as error:
        raise WireError(f"a message can't be written: {error}") from error
    if len(header) > MAX_HEADER or len(body) > MAX_BODY:
        raise WireError("a message is too large")
    frame = memoryview(b"".join((HEAD.pack(MAGIC, len(header), len(body)), header, body)))
    while frame:
        try:
            frame = frame[connection.send(frame, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) :]
        except BlockingIOError:
            _wait(connection, select.POLLOUT, deadline)
        except OSError as error:
            raise WireClosedError("the connection is closed") from error


def receive(
    connection: socket.socket, deadline: float, max_body: int = MAX_BODY
) -> tuple[Any, bytes]:
    """Receive one frame: the message and its body.

    The ends take turns, so nothing can follow a frame before it is answered.

    Raises:
        WireError: if it is malformed or over the limits, more than a frame has come, the other end
            has gone or the time is up.
    """
    data = _read(connection, HEAD.size, CHUNK, deadline)
    magic, header_length, body_length = HEAD.unpack_from(data)
    if magic != MAGIC or header_length > MAX_HEADER or body_length > max_body:
        raise WireError("a frame's head is malformed or too large")
    start = HEAD.size + header_length
    missing = start + body_length - len(data)
    if missing > 0:
        data += _read(connection, missing, missing, deadline)
    elif missing:
        raise WireError("a frame came out of turn")
    try:
        return _from_json(data[HEAD.size : start].decode()), data[start:]
    except (ValueError, RecursionError) as error:
        raise WireError("a frame's header is malformed") from error


def _read(connection: socket.socket, least: int, most: int, deadline: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while size < least:
        _wait(connection, select.POLLIN, deadline)
        try:
            chunk = connection.recv(min(most - size, 1 << 20), socket.MSG_DONTWAIT)
        except BlockingIOError:
            continue
        except OSError as error:
            raise WireClosedError("the connection is closed") from error
        if not chunk:
            raise WireClosedError("the connection is closed")
        chunks.append(chunk)
        size += len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _wait(connection: socket.socket, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(connection, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(math.ceil(min(left, 1e6) * 1000)):
        raise WireTimeoutError("no answer in time")


# --- values ---------------------------------------------------------------------------------------


def is_plain_array(value: np.ndarray[Any, Any]) -> bool:
    """Tell whether an array can travel: it holds numbers and hides none of them."""
    return value.dtype.kind in "biufc" and not np.ma.is_masked(value)


def is_plain_key(key: Any) -> bool:
    """Tell whether a value can travel as a key, or as an element of a set."""
    kind = type(key)
    if issubclass(kind, tuple):
        return all(map(is_plain_key, key))
    return issubclass(kind, (*_SCALARS, complex, bytes, np.number, np.bool_))


class Encoder:
    """Turns the values of one frame into JSON, gathering their arrays' bytes.

    Args:
        refer: returns the tagged list that stands for a value which can't travel whole.
        came: the lists, dicts and arrays of the frame that this one answers: they go back by
            number.

    Attributes:
        sent: the lists, dicts and arrays of this frame. Each travels once.
        costs: how many values and bytes each of them stands for.
    """

    def __init__(self, refer: Refer, came: Sequence[Any] = ()) -> None:
        self.sent: list[Any] = []
        self.costs: list[tuple[int, int]] = []
        self._known = {id(value): ["@", number] for number, value in enumerate(came)}
        self._refer = refer
        self._chunks: list[bytes] = []
        self._size = 0
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
        if self._items > MAX_ITEMS or depth > MAX_DEPTH:
            raise WireError("a value is too large, nested too deeply, or holds itself")
        kind = type(value)
        if kind in _SCALARS and kind is not int:
            return value
        # Not isinstance: a remote may pose as what it stands for.
        if issubclass(kind, _MUTABLE):
            return self._known.get(id(value)) or self.contents(value, depth)
        if issubclass(kind, (np.number, np.bool_)):
            return self._array(np.asarray(value), "g")
        return self._builtin(value, kind, depth)

    def _builtin(self, value: Any, kind: type, depth: int) -> Any:
        if issubclass(kind, int):
            return int.__int__(value) if value.bit_length() <= MAX_BITS else self._refer(value)
        if issubclass(kind, float):
            return float.__float__(value)
        if issubclass(kind, str):
            return str.__str__(value)
        if issubclass(kind, tuple):
            return ["t", *[self.encode(item, depth + 1) for item in value]]
        if issubclass(kind, set | frozenset) and all(map(is_plain_key, value)):
            tag = "S" if issubclass(kind, set) else "F"
            return [tag, *[self.encode(item, depth + 1) for item in value]]
        if issubclass(kind, complex):
            return self._array(np.asarray(value), "c")
        if issubclass(kind, bytes | bytearray):
            return ["b", *self._append(bytes(value))]
        if value is Ellipsis:
            return ["e"]
        if kind is slice:
            parts = (value.start, value.stop, value.step)
            return ["s", *(self.encode(part, depth + 1) for part in parts)]
        if kind is range and len(value) <= MAX_ITEMS:
            return ["n", value.start, value.stop, value.step]
        if kind in _VIEW_TYPES and all(map(is_plain_key, value.mapping)):
            return ["v", _VIEW_TYPES[kind], self.encode(dict(value.mapping), depth + 1)]
        if issubclass(kind, np.dtype) and value.str in DTYPES:
            return ["y", value.str]
        if kind is type and TYPES.get(name := f"{value.__module__}.{value.__name__}") is value:
            return ["Y", name]
        return self._refer(value)

    def contents(self, value: Any, depth: int = 0) -> Any:
        """Return the form of a list, dict or array, though it be known at the other end."""
        kind = type(value)
        items, size = self._items, self._size
        if issubclass(kind, np.ndarray):
            if not is_plain_array(value):
                return self._refer(value)
            form = self._array(value, "a" if value.flags.writeable else "w")
        elif issubclass(kind, list):
            form = ["l", *[self.encode(item, depth + 1) for item in value]]
        else:
            if not all(map(is_plain_key, value)):
                return self._refer(value)
            form = ["d"]
            for key, item in value.items():
                form.append([self.encode(key, depth + 1), self.encode(item, depth + 1)])
        self._known.setdefault(id(value), ["=", len(self.sent)])
        self.sent.append(value)  # which keeps it alive, so that its id stays its own
        self.costs.append((self._items - items, self._size - size))
        return form

    def _array(self, value: np.ndarray[Any, Any], tag: str) -> Any:
        dtype = value.dtype.newbyteorder("=")
        if dtype.str not in DTYPES:  # longdouble
            dtype = np.dtype(np.float64 if dtype.kind == "f" else np.complex128)
        plain = np.asarray(value, dtype=dtype)
        return [tag, dtype.str, list(plain.shape), *self._append(plain.tobytes())]

    def _append(self, chunk: bytes) -> tuple[int, int]:
        start = self._size
        self._size += len(chunk)
        if self._size > MAX_BODY:
            raise WireError("a value is too large")
        self._chunks.append(chunk)
        return start, len(chunk)


class Decoder:
    """Builds the values of one frame, which nobody vouches for.

    Args:
        body: the frame's body.
        resolve: called with the tag and the rest of a tagged list that is no plain value; returns
            what it stands for or raises WireError.
        asked: the encoder of the frame that this one answers.
        max_bytes: of all arrays together, each number counted as 8 bytes.

    Attributes:
        came: the lists, dicts and arrays of this frame.
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
        self._ours: Sequence[Any] = asked.sent if asked else ()
        self._used: set[int] = set()
        self._ceiling = MAX_ITEMS
        self._body = memoryview(body)
        self._resolve = resolve
        self._max_bytes = max_bytes
        self._items = 0
        self._keys = 0
        self._bytes = 0

    def decode(self, form: Any, depth: int = 0) -> Any:
        """Return the value of a JSON form; raise WireError for anything that isn't one."""
        self._items += 1
        if self._items > MAX_ITEMS or depth > MAX_DEPTH:
            raise WireError("a value is too large or nested too deeply")
        if isinstance(form, _SCALARS):
            return form
        if not isinstance(form, list) or not form or not isinstance(form[0], str):
            raise WireError("a value is malformed")
        tag, rest = form[0], form[1:]
        if tag in ("a", "w", "l", "d"):
            items, size = self._items, self._bytes
            value = self._mutable(tag, rest, depth)
            self.came.append(value)
            self._costs.append((self._items - items, self._bytes - size))
            return value
        match tag, rest:
            case "t", _:
                return tuple([self.decode(item, depth + 1) for item in rest])
            case "=", [int(number)] if 0 <= number < len(self.came):
                self._charge(self._costs[number])
                return self.came[number]
            case "@", [int(number)] if 0 <= number < len(self._ours):
                return self._own(number)
            case "g" | "c", _:
                return self._number(tag, rest)
            case "S" | "F", _:
                keys = [self._key(item, depth) for item in rest]
                return set(keys) if tag == "S" else frozenset(keys)
            case "s", [_, _, _]:
                return slice(*[self.decode(item, depth + 1) for item in rest])
            case "n", [int(start), int(stop), int(step)] if step:
                return self._range(start, stop, step)
            case "v", [str(name), ["d", *pairs]] if name in VIEWS:
                return VIEWS[name](self.decode(["d", *pairs], depth + 1))
            case "e", []:
                return Ellipsis
            case "b", _:
                return bytes(self._slice(rest, 1))
            case "y", [str(name)] if name in DTYPES:
                return DTYPES[name]
            case "Y", [str(name)] if name in TYPES:
                return TYPES[name]
        return self._resolve(tag, rest)

    def _mutable(self, tag: str, rest: list[Any], depth: int) -> Any:
        if tag == "l":
            return [self.decode(item, depth + 1) for item in rest]
        if tag == "d":
            return self._dict(rest, depth)
        array = self._array(rest)
        array.flags.writeable = tag == "a"
        return array

    def change(self, number: int, form: Any) -> Any:
        """Return what the n-th value that was sent shall hold from now on.

        Lists and dicts may hold those that were sent before them, so none comes to hold itself.
        """
        assert self._asked
        items, size = self._items, self._bytes
        self._ceiling = number
        value = self.decode(form)
        self._asked.costs[number] = self._items - items, self._bytes - size
        return value

    def _own(self, number: int) -> Any:
        """Return what this end sent itself: for nothing once, as it is here already."""
        assert self._asked
        value = self._ours[number]
        if number >= self._ceiling and not isinstance(value, np.ndarray):
            raise WireError("a value holds itself")
        if number in self._used:
            self._charge(self._asked.costs[number])
        self._used.add(number)
        return value

    def _charge(self, cost: tuple[int, int]) -> None:
        """Count anew what comes again: else a short frame could stand for a huge value."""
        self._items += cost[0]
        self._bytes += cost[1]
        if self._items > MAX_ITEMS or self._bytes > self._max_bytes:
            raise WireError("a value is too large")

    def _dict(self, pairs: list[Any], depth: int) -> dict[Any, Any]:
        result = {}
        for pair in pairs:
            if not isinstance(pair, list) or len(pair) != 2:
                raise WireError("a dictionary is malformed")
            key = self._key(pair[0], depth)
            result[key] = self.decode(pair[1], depth + 1)
        return result

    def _key(self, form: Any, depth: int) -> Any:
        self._keys += 1
        if self._keys > MAX_KEYS:
            raise WireError("a dictionary or set is too large")
        key = self.decode(form, depth + 1)
        if not is_plain_key(key):
            raise WireError("a key is no plain value")
        return key

    def _range(self, start: int, stop: int, step: int) -> range:
        if max(abs(start), abs(stop), abs(step)).bit_length() > 62:
            raise WireError("a range is too large")
        self._items += len(range(start, stop, step))
        if self._items > MAX_ITEMS:
            raise WireError("a range is too large")
        return range(start, stop, step)

    def _array(self, rest: list[Any]) -> np.ndarray[Any, Any]:
        match rest:
            case [str(name), list(shape), _, _] if name in DTYPES and len(shape) <= MAX_DIMENSIONS:
                dtype = DTYPES[name]
            case _:
                raise WireError("an array is malformed")
        if any(type(n) is not int or n < 0 for n in shape):
            raise WireError("an array's shape is malformed")
        chunk = self._slice(rest[2:], max(1, 8 // dtype.itemsize))
        if math.prod(shape) * dtype.itemsize != len(chunk):
            raise WireError("an array's shape does not fit its bytes")
        if not chunk and math.prod(n or 1 for n in shape) > MAX_EMPTY:
            raise WireError("an empty array's shape is too large")
        flat = np.frombuffer(chunk, dtype=dtype)
        if dtype == np.bool_:  # a byte other than 0 and 1 would be a boolean that is neither
            flat = np.frombuffer(chunk, dtype=np.uint8) != 0
        return flat.reshape(shape).copy()

    def _number(self, tag: str, rest: list[Any]) -> Any:
        array = self._array(rest)
        if array.shape != ():
            raise WireError("a number is malformed")
        return array[()] if tag == "g" else complex(array[()])

    def _slice(self, place: list[Any], weight: int) -> memoryview:
        match place:
            case [int(start), int(length)] if start >= 0 and length >= 0:
                self._bytes += length * weight
                if start + length <= len(self._body) and self._bytes <= self._max_bytes:
                    return self._body[start : start + length]
        raise WireError("a place in the body is malformed")
