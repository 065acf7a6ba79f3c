"""The parts of the final project that its own tools and its judge need: chapter 8's exercise."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

BLOCK = 4  # pixels of a bitmap that become one number, in each direction


def reduce_to_8x8(bitmaps: ArrayLike) -> NDArray[np.int64]:
    """Count the ink in each block of 4 x 4 pixels.

    Args:
        bitmaps: shape (..., 32, 32), 0 or 1.

    Returns:
        shape (..., 8, 8), whole numbers from 0 to 16.
    """
    bitmaps = np.asarray(bitmaps, dtype=np.int64)
    *before, height, width = bitmaps.shape
    blocks = bitmaps.reshape(*before, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    return np.asarray(blocks.sum(axis=(-3, -1)))


def shifted(
    bitmaps: NDArray[np.integer], rng: np.random.Generator, most: int = 1
) -> NDArray[np.integer]:
    """Return bitmaps of which each has been moved on its own, up or down and left or right.

    Args:
        bitmaps: shape (N, 32, 32).
        rng: draws how far.
        most: pixels, in each direction.
    """
    count, height, width = bitmaps.shape
    padded = np.pad(bitmaps, ((0, 0), (most, most), (most, most)))
    down, right = rng.integers(0, 2 * most + 1, (2, count, 1, 1))
    rows = np.arange(height)[:, np.newaxis] + down
    columns = np.arange(width) + right
    return np.asarray(padded[np.arange(count)[:, np.newaxis, np.newaxis], rows, columns])
