"""The four original files of MNIST: their names, shapes and checksums, and how to fetch them.

Knows the IDX format and HTTP. Doesn't know where the images are kept afterwards.
"""

import gzip
import hashlib
import http.client
import math
import struct
import urllib.error
import urllib.request
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

# The mirror that tensorflow-datasets itself names, and the one that torchvision names; the
# authors' own page (yann.lecun.com) has refused downloads since 2024.
MNIST_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
OTHER_MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"


class MnistError(Exception):
    """MNIST could not be fetched, read or written; the message is one line for a person."""


@dataclass(frozen=True)
class IdxFile:
    """One file of unsigned bytes in the IDX format, as it is once it has been unpacked.

    The format: two zero bytes, 8 (for uint8), the number of dimensions, every dimension as a
    big-endian 32-bit integer, then the values in C order.

    Attributes:
        name: the file's name without `.gz`.
        shape: the array's shape.
        md5: MD5 of the unpacked file, header included, in hexadecimal.
    """

    name: str
    shape: tuple[int, ...]
    md5: str

    @property
    def header(self) -> bytes:
        """The bytes before the first value."""
        return struct.pack(f">4B{len(self.shape)}I", 0, 0, 8, len(self.shape), *self.shape)

    @property
    def size(self) -> int:
        """The whole file's length in bytes."""
        return len(self.header) + math.prod(self.shape)

    def parse(self, data: bytes) -> NDArray[np.uint8]:
        """Return the array of `shape` that the unpacked file `data` holds (read-only).

        Raises:
            MnistError: `data` is not this very file.
        """
        if len(data) < self.size:
            raise MnistError(
                f"{self.name} is cut short: {len(data):,} bytes instead of {self.size:,}"
            )
        if _md5(data) != self.md5:
            raise MnistError(f"{self.name} is not the original file: its checksum is another one")
        return np.frombuffer(data, dtype=np.uint8, offset=len(self.header)).reshape(self.shape)

    def holds(self, array: NDArray[np.uint8]) -> bool:
        """Say whether `array` is exactly what this file holds."""
        return array.shape == self.shape and _md5(self.header + array.tobytes()) == self.md5


MNIST_FILES: Mapping[str, IdxFile] = MappingProxyType(
    {
        "x_train": IdxFile(
            "train-images-idx3-ubyte", (60_000, 28, 28), "6bbc9ace898e44ae57da46a324031adb"
        ),
        "t_train": IdxFile(
            "train-labels-idx1-ubyte", (60_000,), "a25bea736e30d166cdddb491f175f624"
        ),
        "x_test": IdxFile(
            "t10k-images-idx3-ubyte", (10_000, 28, 28), "2646ac647ad5339dbf082846283269ea"
        ),
        "t_test": IdxFile("t10k-labels-idx1-ubyte", (10_000,), "27ae3e4e09519cfbb04c329615203637"),
    }
)


def fetch(url: str, file: IdxFile, timeout: float = 30.0) -> NDArray[np.uint8]:
    """Download `file`, gzipped, from the folder `url` and return its array (read-only).

    Everything stays in memory and is checked before it is returned, so a failed download leaves
    nothing behind; no more than the file's own size is ever unpacked.

    Args:
        url: the folder's address; `file:///...` does too.
        file: what must be there as `<name>.gz`.
        timeout: seconds to wait for the server's next answer.

    Raises:
        MnistError: no answer, an error answer, or anything but this very file.
    """
    address = f"{url.rstrip('/')}/{file.name}.gz"
    try:
        with (
            urllib.request.urlopen(address, timeout=timeout) as response,
            gzip.GzipFile(fileobj=response) as unpacked,
        ):
            data = unpacked.read(file.size + 1)
    except urllib.error.HTTPError as error:
        raise MnistError(f"{address}: the server answers {error.code} {error.reason}") from None
    except (EOFError, http.client.IncompleteRead):
        raise MnistError(f"{address} is cut short: the download ended too early") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise MnistError(f"{address} is damaged, or not a gzip file ({error})") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise MnistError(f"{address} can't be reached: {reason}") from None
    return file.parse(data)


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
