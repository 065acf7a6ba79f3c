"""The wire between the judge and the student: frames, and values as JSON plus raw array bytes.

A frame is a fixed head (magic, header length, body length), a JSON header and a body of raw bytes.
Plain values travel whole; what they can't hold (functions, objects) is left to `refer` and
`resolve`, which each end supplies. The other end may be hostile: everything that arrives is checked
against limits before it is built, arrays become base ndarrays of a known dtype, and nothing is ever
unpickled or evaluated. Knows nothing of what the messages mean.
"""

import json
import math
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np

HEAD = struct.Struct("!4sIQ")
MAGIC = b"DLJ1"
MAX_HEADER = 4 << 20  # bytes of JSON
MAX_BODY = 256 << 20  # bytes of arrays
MAX_DEPTH = 24  # containers in containers
MAX_ITEMS = 200_000  # values in one frame
MAX_KEYS = 10_000  # dict keys in one frame: more could be made to collide
MAX_DIMENSIONS = 16
DTYPES = frozenset(
    np.dtype(code).str
    for code in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
)
_SCALARS = (type(None), bool, int, float, str)

Refer = Callable[[Any], list[Any]]
Resolve = Callable[[str, list[Any]], Any]


class WireError(Exception):
    """A frame or a value breaks the wire's rules or limits."""


class WireClosedError(WireError):
    """The other end has gone."""


class WireTimeoutError(WireError):
    """The other end did not answer in time."""


# --- frames ---------------------------------------------------------------------------------------


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
        header = json.dumps(message, separators=(",", ":")).encode()
    except (ValueError, RecursionError, TypeError) as error:
        raise WireError(f"a message can't be written: {error}") from error
    if len(header) > MAX_HEADER or len(body) > MAX_BODY:
        raise WireError("a message is too large")
    frame = memoryview(b"".join((HEAD.pack(MAGIC, len(header), len(body)), header, body)))
    while frame:
        _wait(connection, select.POLLOUT, deadline)
        try:
            frame = frame[connection.send(frame, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) :]
        except BlockingIOError:
            continue
        except OSError as error:
            raise WireClosedError("the connection is closed") from error


def receive(connection: socket.socket, deadline: float) -> tuple[Any, bytes]:
    """Receive one frame: the message and its body.

    Raises:
        WireError: if it is malformed or over the limits, the other end has gone or the time is up.
    """
    magic, header_length, body_length = HEAD.unpack(_read(connection, HEAD.size, deadline))
    if magic != MAGIC or header_length > MAX_HEADER or body_length > MAX_BODY:
        raise WireError("a frame's head is malformed or too large")
    header = _read(connection, header_length, deadline)
    body = _read(connection, body_length, deadline)
    try:
        return json.loads(header, object_pairs_hook=_no_objects), body
    except (ValueError, RecursionError) as error:
        raise WireError("a frame's header is malformed") from error


def _no_objects(pairs: Any) -> Any:
    raise ValueError("objects are not part of the wire")


def _read(connection: socket.socket, size: int, deadline: float) -> bytes:
    chunks: list[bytes] = []
    while size:
        _wait(connection, select.POLLIN, deadline)
        try:
            chunk = connection.recv(min(size, 1 << 20), socket.MSG_DONTWAIT)
        except BlockingIOError:
            continue
        except OSError as error:
            raise WireClosedError("the connection is closed") from error
        if not chunk:
            raise WireClosedError("the connection is closed")
        chunks.append(chunk)
        size -= len(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _wait(connection: socket.socket, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(connection, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(math.ceil(min(left, 1e6) * 1000)):
        raise WireTimeoutError("no answer in time")


# --- values ---------------------------------------------------------------------------------------


class Encoder:
    """Turns the values of one frame into JSON, gathering their arrays' bytes.

    Args:
        refer: returns the tagged list that stands for a value which can't travel whole.
    """

    def __init__(self, refer: Refer) -> None:
        self._refer = refer
        self._chunks: list[bytes] = []
        self._size = 0

    @property
    def body(self) -> bytes:
        """The bytes of all arrays encoded so far."""
        return b"".join(self._chunks)

    def encode(self, value: Any, depth: int = 0) -> Any:
        """Return the JSON form of a value; raise WireError where there is none."""
        if depth > MAX_DEPTH:
            raise WireError("a value is nested too deeply, or holds itself")
        kind = type(value)
        if kind in _SCALARS:
            return value
        if isinstance(value, np.ndarray):
            return self._array(value, "a")
        if isinstance(value, np.generic):
            return self._array(np.asarray(value), "g")
        if kind is complex:
            return self._array(np.asarray(value), "c")
        if isinstance(value, list | tuple):
            items = [self.encode(item, depth + 1) for item in value]
            return ["l" if isinstance(value, list) else "t", *items]
        if isinstance(value, dict):
            pairs = [
                [self.encode(key, depth + 1), self.encode(item, depth + 1)]
                for key, item in value.items()
            ]
            return ["d", *pairs]
        if kind is slice:
            parts = (value.start, value.stop, value.step)
            return ["s", *(self.encode(part, depth + 1) for part in parts)]
        if value is Ellipsis:
            return ["e"]
        if isinstance(value, bytes | bytearray):
            return ["b", *self._append(bytes(value))]
        return self._refer(value)

    def _array(self, value: np.ndarray[Any, Any], tag: str) -> Any:
        if value.dtype.kind == "f" and value.dtype.itemsize > 8:
            value = value.astype(np.float64)
        plain = np.asarray(value, dtype=value.dtype.newbyteorder("="))
        if plain.dtype.str not in DTYPES:
            return self._refer(value)
        return [tag, plain.dtype.str, list(plain.shape), *self._append(plain.tobytes())]

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
    """

    def __init__(self, body: bytes, resolve: Resolve) -> None:
        self._body = body
        self._resolve = resolve
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
        match tag:
            case "l":
                return [self.decode(item, depth + 1) for item in rest]
            case "t":
                return tuple([self.decode(item, depth + 1) for item in rest])
            case "d":
                return self._dict(rest, depth)
            case "a":
                return self._array(rest)
            case "g" | "c":
                return self._number(tag, rest)
            case "s" if len(rest) == 3:
                return slice(*[self.decode(item, depth + 1) for item in rest])
            case "e" if not rest:
                return Ellipsis
            case "b":
                return self._slice(rest)
        return self._resolve(tag, rest)

    def _dict(self, pairs: list[Any], depth: int) -> dict[Any, Any]:
        self._keys += len(pairs)
        if self._keys > MAX_KEYS:
            raise WireError("a dictionary is too large")
        result = {}
        for pair in pairs:
            if not isinstance(pair, list) or len(pair) != 2:
                raise WireError("a dictionary is malformed")
            key = self.decode(pair[0], depth + 1)
            if not _plain_key(key):
                raise WireError("a dictionary's key is no plain value")
            result[key] = self.decode(pair[1], depth + 1)
        return result

    def _array(self, rest: list[Any]) -> np.ndarray[Any, Any]:
        if len(rest) != 4 or rest[0] not in DTYPES or not isinstance(rest[1], list):
            raise WireError("an array is malformed")
        dtype, shape = np.dtype(rest[0]), rest[1]
        if len(shape) > MAX_DIMENSIONS or any(type(n) is not int or n < 0 for n in shape):
            raise WireError("an array's shape is malformed")
        chunk = self._slice(rest[2:])
        if math.prod(shape) * dtype.itemsize != len(chunk) or max(shape, default=0) > MAX_BODY:
            raise WireError("an array's shape does not fit its bytes")
        flat = np.frombuffer(chunk, dtype=dtype)
        if dtype == np.bool_:  # a byte other than 0 and 1 would be a boolean that is neither
            flat = np.frombuffer(chunk, dtype=np.uint8) != 0
        return flat.reshape(shape).copy()

    def _number(self, tag: str, rest: list[Any]) -> Any:
        array = self._array(rest)
        if array.shape != ():
            raise WireError("a number is malformed")
        return array[()] if tag == "g" else complex(array[()])

    def _slice(self, place: list[Any]) -> bytes:
        if len(place) != 2 or any(type(n) is not int or n < 0 for n in place):
            raise WireError("a place in the body is malformed")
        start, length = place
        self._bytes += length
        if start + length > len(self._body) or self._bytes > MAX_BODY:
            raise WireError("a place lies outside the body")
        return self._body[start : start + length]


def _plain_key(key: Any) -> bool:
    if isinstance(key, tuple):
        return all(_plain_key(item) for item in key)
    return isinstance(key, (*_SCALARS, np.generic))
