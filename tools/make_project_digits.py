"""Make the digits of the final project from the four original files of MNIST.

    python tools/make_project_digits.py SOURCE

SOURCE is as for `make_mnist_bundle.py`. Two files are written:

- `helpers/data/digits_test.npz`, the released test part: 1,000 images, each moved by up to a pixel
  of its bitmap, as 8 x 8 numbers;
- `source/08_project/hidden/digits.npz`, the pool from which each student's hidden test set is
  drawn: bitmaps of 4,000 other images. It is never let out.

All are training images of MNIST that are not in the course's bundle, drawn at random, so that what
is true of one part is true of the other but for chance.

The same files give the same bytes each time (with one zlib). A pool of your own has the same two
arrays: `bitmaps`, uint8 of shape (N, 32, 32), 0 for paper and 1 for ink, and `labels`, uint8 of
shape (N,); 2,000 images at least.
"""

import argparse
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpers.answers.project import reduce_to_8x8, shifted
from helpers.digits import BUNDLED, fit_to_bitmap
from helpers.mnist_files import MnistError
from tools.make_mnist_bundle import read_originals

ROOT = Path(__file__).parents[1]
RELEASED = ROOT / "helpers" / "data" / "digits_test.npz"
POOL = ROOT / "source" / "08_project" / "hidden" / "digits.npz"
COUNT, POOL_COUNT = 1_000, 4_000
SEED = 8


def bitmaps(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the bitmaps of images (N, 28, 28)."""
    return np.array([fit_to_bitmap(image) for image in images], dtype=np.uint8)


def make(arrays: Mapping[str, NDArray[np.uint8]]) -> dict[Path, dict[str, NDArray[Any]]]:
    """Return what each file holds."""
    rng = np.random.default_rng(SEED)
    others = np.arange(BUNDLED, len(arrays["x_train"]))
    chosen = rng.choice(others, COUNT + POOL_COUNT, replace=False)
    test, pool = chosen[:COUNT], chosen[COUNT:]
    released = shifted(bitmaps(arrays["x_train"][test]), rng)
    return {
        RELEASED: {
            "images": reduce_to_8x8(released).astype(np.uint8),
            "labels": arrays["t_train"][test],
        },
        POOL: {"bitmaps": bitmaps(arrays["x_train"][pool]), "labels": arrays["t_train"][pool]},
    }


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Make the digits of the final project.")
    parser.add_argument("source", type=Path, help="folder of the four files, or the npm package")
    options = parser.parse_args()
    try:
        arrays = read_originals(options.source)
    except (MnistError, OSError, EOFError, zlib.error, KeyError) as error:
        parser.exit(2, f"nothing was made: {error}\n")
    for path, found in make(arrays).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **found)  # type: ignore[arg-type]
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
