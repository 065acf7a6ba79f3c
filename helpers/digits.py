"""Small pictures of digits, 8 x 8 numbers from 0 to 16: from data sets, photographs, the mouse.

scikit-learn's digits were made from bitmaps of 32 x 32 pixels, ink or paper. `fit_to_bitmap` makes
such a bitmap of any picture of one digit. How a bitmap becomes an image is the project's first
exercise, so it isn't here. Knows the data; doesn't know what is graded.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.datasets import load_mnist

__all__ = [
    "drawing_board",
    "fit_to_bitmap",
    "load_bitmaps",
    "load_digits_8x8",
    "load_released_test",
    "read_drawing",
    "read_photograph",
]

SIDE = 32  # pixels of a bitmap
WIDEST = 24  # of them that a digit fills from left to right; it always fills all from top to bottom
LEVEL = 0.4  # of the darkest: from here on it is ink
BUNDLED = 10_000  # training images of MNIST that come with the course

_RELEASED = Path(__file__).parent / "data" / "digits_test.npz"

Part = tuple[NDArray[np.int64], NDArray[np.int64]]


def load_digits_8x8() -> Part:
    """Return scikit-learn's digits, written by 13 people.

    Returns:
        images (1797, 8, 8), whole numbers from 0 (paper) to 16 (ink), and labels (1797,).
    """
    from sklearn.datasets import load_digits  # takes a second to import: only where it is used

    digits = load_digits()
    return digits.images.astype(np.int64), digits.target.astype(np.int64)


def load_released_test() -> Part:
    """Return the released test part: to be opened once, when everything is decided.

    Returns:
        images (1000, 8, 8), whole numbers from 0 to 16, and labels (1000,). Made from MNIST by
        `tools/make_project_digits.py`.
    """
    with np.load(_RELEASED, allow_pickle=False) as file:
        return file["images"].astype(np.int64), file["labels"].astype(np.int64)


def load_bitmaps(count: int = BUNDLED) -> Part:
    """Return the first training images of MNIST as bitmaps.

    Args:
        count: how many, at most 10,000.

    Returns:
        bitmaps (count, 32, 32) of 0 (paper) and 1 (ink), and labels (count,).
    """
    (images, labels), _ = load_mnist(normalize=False, flatten=False)
    count = min(count, BUNDLED)
    bitmaps = np.array([fit_to_bitmap(image[0]) for image in images[:count]])
    return bitmaps, labels[:count]


def fit_to_bitmap(picture: ArrayLike) -> NDArray[np.int64]:
    """Return a digit upright, in the middle of a bitmap, and as high as that.

    The columns of its ink, seen as a function of their rows, have a slope: the slant. Each row is
    pushed back by what that makes there. Then the box around the ink is stretched to the whole
    height, and to at most 24 pixels across.

    Args:
        picture: numbers of shape (height, width), 0 for paper and larger for ink.

    Returns:
        shape (32, 32), 0 for paper and 1 for ink; all paper if there is no ink.
    """
    picture = np.asarray(picture, dtype=float)
    level = LEVEL * picture.max(initial=0)
    rows, columns = np.nonzero(picture > level)
    if not rows.size:
        return np.zeros((SIDE, SIDE), dtype=np.int64)
    middle, spread = rows.mean(), rows.var()
    slant = np.clip(((rows - middle) * columns).mean() / spread, -1, 1) if spread else 0.0
    upright = columns - slant * (rows - middle)
    top, height = rows.min() - 0.5, np.ptp(rows) + 1.0
    left, width = upright.min() - 0.5, np.ptp(upright) + 1.0
    across = min(WIDEST, SIDE * width / height)
    place = np.arange(SIDE) + 0.5
    y = top + place[:, np.newaxis] * height / SIDE
    x = left + width / 2 + (place - SIDE / 2) * width / across + slant * (y - middle)
    return np.where(_between(picture, y + 0 * x, x) > level, 1, 0).astype(np.int64)


def _between(picture: NDArray[Any], y: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """Return a picture's values at places between its pixels; around it there is paper."""
    padded = np.pad(picture, 1)
    y = np.clip(y + 1, 0, padded.shape[0] - 1.001)
    x = np.clip(x + 1, 0, padded.shape[1] - 1.001)
    i, j = y.astype(int), x.astype(int)
    v, u = y - i, x - j
    above = (1 - u) * padded[i, j] + u * padded[i, j + 1]
    below = (1 - u) * padded[i + 1, j] + u * padded[i + 1, j + 1]
    return np.asarray((1 - v) * above + v * below)


# --- the learner's own handwriting ----------------------------------------------------------------


def read_photograph(path: str | Path) -> NDArray[np.float64]:
    """Return a photograph of one digit, dark ink on light paper, as `fit_to_bitmap` wants it.

    Args:
        path: an image's file, cut to one digit.

    Returns:
        shape (height, width), 0 for paper up to 1 for the darkest ink.
    """
    from matplotlib.image import imread  # only where it is used

    image: NDArray[Any] = np.asarray(imread(path), dtype=float)
    light = image[..., :3].mean(axis=-1) if image.ndim == 3 else image
    step = max(1, min(light.shape) // 64)  # each square of so many pixels becomes one
    height, width = (length // step for length in light.shape)
    squares = light[: height * step, : width * step].reshape(height, step, width, step)
    dark = light.max() - squares.mean(axis=(1, 3))
    paper = np.median(dark)
    ink = np.clip(dark - paper, 0, None)
    return np.asarray(ink / max(ink.max(), 1e-9))


def read_drawing(text: str) -> NDArray[np.int64]:
    """Return what was drawn on the board, as a bitmap.

    Args:
        text: what the board's button has copied: 32 rows of 32 pixels, each row as 8 hexadecimal
            digits.

    Raises:
        ValueError: if it is anything else.
    """
    rows = text.split()
    if len(rows) != SIDE or any(len(row) != SIDE // 4 for row in rows):
        raise ValueError("a drawing is 32 groups of 8 characters: copy all of it from the board")
    bits = [f"{int(row, 16):0{SIDE}b}" for row in rows]
    return np.array([[int(bit) for bit in row] for row in bits])


def drawing_board() -> Any:
    """Return a board to draw on with the mouse, a pen or a finger, for the end of a cell.

    A notebook's output has no way back to the kernel that works everywhere, so the board writes
    what was drawn as text, to be pasted into a cell.
    """
    from IPython.display import HTML

    return HTML(_BOARD)  # type: ignore[no-untyped-call]


_BOARD = """
<div>
<canvas width="256" height="256" role="img" aria-label="A board to draw a digit on"
 style="border: 1px solid #555; background: #fff; touch-action: none; cursor: crosshair"></canvas>
<p><button type="button">Clear</button> <button type="button">Copy</button></p>
<textarea readonly rows="3" cols="40" aria-label="The drawing as text"></textarea>
<script>
(function () {
  const box = document.currentScript.parentElement;
  const canvas = box.querySelector("canvas"), out = box.querySelector("textarea");
  const [clear, copy] = box.querySelectorAll("button");
  const pen = canvas.getContext("2d");
  const side = 32, size = canvas.width / side;
  let ink, last = null;
  function empty() {
    ink = Array.from({length: side}, () => Array(side).fill(0));
    pen.clearRect(0, 0, canvas.width, canvas.height);
    write();
  }
  function write() {
    out.value = ink.map(row => {
      let word = "";
      for (let k = 0; k < side; k += 4)
        word += parseInt(row.slice(k, k + 4).join(""), 2).toString(16);
      return word;
    }).join(" ");
  }
  function dot(x, y) {
    for (let i = 0; i < side; i++) for (let j = 0; j < side; j++)
      if (Math.hypot(j + 0.5 - x, i + 0.5 - y) < 1.6 && !ink[i][j]) {
        ink[i][j] = 1;
        pen.fillRect(j * size, i * size, size, size);
      }
  }
  function stroke(event) {
    const frame = canvas.getBoundingClientRect();
    const x = (event.clientX - frame.left) / frame.width * side;
    const y = (event.clientY - frame.top) / frame.height * side;
    const [a, b] = last || [x, y];
    const steps = Math.ceil(Math.hypot(x - a, y - b)) || 1;
    for (let k = 1; k <= steps; k++) dot(a + (x - a) * k / steps, b + (y - b) * k / steps);
    last = [x, y];
  }
  canvas.addEventListener("pointerdown", event => { last = null; stroke(event); });
  canvas.addEventListener("pointermove", event => { if (event.buttons) stroke(event); });
  canvas.addEventListener("pointerup", () => { last = null; write(); });
  canvas.addEventListener("pointerleave", () => { last = null; write(); });
  clear.addEventListener("click", empty);
  copy.addEventListener("click", () => {
    out.select();
    if (navigator.clipboard) navigator.clipboard.writeText(out.value);
    else document.execCommand("copy");
  });
  empty();
})();
</script>
</div>
"""
