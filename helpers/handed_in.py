"""Files that are handed in beside a notebook, read so that no file can do harm.

A file is bytes from a stranger: it may be huge, a link, no file at all, or unpack to more than a
disk holds. What can't be had is told in one line. Arrays come back as plain float32; nothing is
unpickled. Knows nothing of what the arrays are for.
"""

import math
import os
import stat
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAX_FILE = 1_000_000  # bytes
MAX_UNPACKED = 4_000_000  # bytes of all arrays of a file
MAX_ARRAYS = 100
MAX_NAME = 100  # characters
MAX_AXES = 8
MAX_HEADER = 2_000  # characters of an array's header

Arrays = dict[str, NDArray[np.float32]]


class HandInError(AssertionError):
    """A file isn't there or is no good: to a check that is a verdict."""


_given: ContextVar[Mapping[str, bytes | str] | None] = ContextVar("handed_in", default=None)


@contextmanager
def handing_in(files: Mapping[str, bytes | str] | None) -> Iterator[None]:
    """Within the block, these are the files that were handed in.

    Args:
        files: contents by name, or a sentence that says why one can't be read.
    """
    token = _given.set(files)
    try:
        yield
    finally:
        _given.reset(token)


def handed_in(name: str) -> bytes:
    """Return a file that was handed in; in a notebook of one's own, the one that lies beside it.

    Raises:
        HandInError: if there is none, or it can't be read.
    """
    given = _given.get()
    found = read_file(Path(), name) if given is None else given.get(name, missing(name))
    if isinstance(found, str):
        raise HandInError(found)
    return found


def missing(name: str) -> str:
    """Say that there is no such file."""
    return f"{name} is missing: it belongs beside the notebook."


def read_file(folder: Path, name: str) -> bytes | str:
    """Return what stands in a file of a folder, or a sentence that says why it can't be read.

    No link is followed, and nothing is read of what is too large or no file.
    """
    path = folder / name
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        kind = path.lstat().st_mode
        if stat.S_ISLNK(kind):
            return f"{name} is a link to another file: hand in the file itself."
        if not stat.S_ISREG(kind):
            return f"{name} is no ordinary file."
        with os.fdopen(os.open(path, flags), "rb") as file:
            data = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return missing(name)
    except OSError as error:
        return f"{name} can't be read: {error.strerror or type(error).__name__}."
    if len(data) > MAX_FILE:
        return f"{name} is larger than {MAX_FILE:,} bytes."
    return data


def read_arrays(name: str = "weights.npz") -> Arrays:
    """Return the arrays of a handed-in `.npz` file as float32, in the file's order.

    Raises:
        HandInError: if it can't be had, or holds anything but a few finite arrays of numbers.
    """
    data = handed_in(name)
    try:
        return _unpacked(data, name)
    except HandInError:
        raise
    except (
        *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, KeyError),
        *(ValueError, SyntaxError, RuntimeError, MemoryError, OverflowError),
    ):
        raise HandInError(f"{name} was not written by `np.savez`, or it is damaged.") from None


def _unpacked(data: bytes, name: str) -> Arrays:
    found: Arrays = {}
    left = MAX_UNPACKED
    with zipfile.ZipFile(BytesIO(data)) as file:
        members = file.infolist()
        if not members:
            raise HandInError(f"{name} holds no array.")
        if len(members) > MAX_ARRAYS:
            raise HandInError(f"{name} holds more than {MAX_ARRAYS} arrays.")
        for member in members:
            key = member.filename.removesuffix(".npy")
            if key == member.filename or key in found or not _is_name(key):
                raise HandInError(
                    f"{name} holds something that is no array with a name of its own."
                )
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise HandInError(f"{name} is not compressed the way `np.savez` does it.")
            with file.open(member) as stream:
                content = stream.read(left + 1)  # no more is ever unpacked, whatever is promised
            left -= len(content)
            if left < 0:
                raise HandInError(f"{name} unpacks to more than {MAX_UNPACKED:,} bytes.")
            found[key] = _array(content, f"`{key}` in {name}")
    return found


def _is_name(key: str) -> bool:
    return 0 < len(key) <= MAX_NAME and key.isprintable()


def _array(content: bytes, name: str) -> NDArray[np.float32]:
    """Return an array of the `.npy` format, of which no byte is believed unseen."""
    stream = BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise HandInError(f"{name} is not an array of numbers.")
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape, by_columns, dtype = read(stream, max_header_size=MAX_HEADER)
    if dtype.hasobject or dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise HandInError(f"{name} is an array of {dtype}, not of plain numbers.")
    if len(shape) > MAX_AXES or any(length < 0 for length in shape):
        raise HandInError(f"{name} is said to have the shape {shape}.")
    rest = content[stream.tell() :]
    if math.prod(shape) * dtype.itemsize != len(rest):
        raise HandInError(
            f"{name} is said to have the shape {shape}, but its numbers are not that many."
        )
    with np.errstate(over="ignore"):
        array = np.frombuffer(rest, dtype).reshape(shape, order="F" if by_columns else "C")
        array = np.ascontiguousarray(array, dtype=np.float32).reshape(shape)
    if not np.isfinite(array).all():
        raise HandInError(f"{name} holds a NaN or an infinite number.")
    return array
