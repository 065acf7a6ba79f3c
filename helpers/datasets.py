"""The course's data: MNIST, trained weights, and points in a plane that no straight line divides.

`python -m helpers.datasets` downloads all of MNIST; until then, and always without a network, the
part that is bundled with the course is used. Knows where data lies. Doesn't know any chapter.
"""

import argparse
import functools
import importlib.util
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpers.mnist_files import MNIST_FILES, MNIST_URL, OTHER_MNIST_URL, IdxFile, MnistError, fetch

__all__ = [
    "MnistError",
    "circles",
    "flower",
    "load_histories",
    "load_mnist",
    "load_weights",
    "moons",
    "prepare_mnist",
]

_BUNDLE = Path(__file__).parent / "data" / "mnist.npz"
_HISTORIES = Path(__file__).parent / "data" / "frameworks_histories.json"
_WEIGHTS = Path(__file__).parent / "data" / "forward_pass_weights.npz"

Part = tuple[NDArray[Any], NDArray[Any]]
Seed = np.random.Generator | int | None


def load_mnist(
    normalize: bool = True, flatten: bool = True, one_hot_label: bool = False
) -> tuple[Part, Part]:
    """Return MNIST's handwritten digits as `(x_train, t_train), (x_test, t_test)`.

    Takes the full set (60,000 and 10,000 images) where `prepare_mnist` has put it, else the
    bundle (the first 10,000 of the training images, and all 10,000 test images), and prints which,
    once. The arrays are new ones: change them as you like.

    Args:
        normalize: images as float32 in [0, 1]; otherwise the bytes, uint8 in 0..255.
        flatten: images of shape (N, 784); otherwise (N, 1, 28, 28).
        one_hot_label: labels as float32 of shape (N, 10), 1 at the digit and 0 elsewhere;
            otherwise the digits 0..9, int64 of shape (N,).
    """
    arrays = _find_arrays()

    def images(x: NDArray[np.uint8]) -> NDArray[Any]:
        x = x.reshape(len(x), -1) if flatten else x.reshape(len(x), 1, 28, 28)
        return np.divide(x, 255, dtype=np.float32) if normalize else x

    def labels(t: NDArray[np.uint8]) -> NDArray[Any]:
        return np.eye(10, dtype=np.float32)[t] if one_hot_label else t.astype(np.int64)

    return (
        (images(arrays["x_train"]), labels(arrays["t_train"])),
        (images(arrays["x_test"]), labels(arrays["t_test"])),
    )


def load_weights() -> dict[str, NDArray[np.float32]]:
    """Return a trained 784-50-100-10 network: sigmoid, sigmoid, softmax.

    It takes images as `load_mnist` returns them by default: rows of 784 floats in [0, 1]. The
    arrays are new ones: change them as you like.

    Returns:
        float32 arrays: W1 (784, 50), b1 (50,), W2 (50, 100), b2 (100,), W3 (100, 10), b3 (10,).
    """
    with np.load(_WEIGHTS, allow_pickle=False) as weights:
        return dict(weights)


def load_histories() -> dict[str, dict[str, Any]]:
    """Return what was recorded of four full trainings in Keras and PyTorch, by name.

    Returns:
        Of each, "loss" and "accuracy": lists with a number for each epoch, the mean loss in
        training and the fraction of the test images that is right; "seconds"; and of PyTorch's
        "moved": how far each parameter has moved, the root of the mean square. Made by
        `tools/train_frameworks.py`.
    """
    found: dict[str, dict[str, Any]] = json.loads(_HISTORIES.read_text(encoding="utf-8"))
    return found


def flower(n: int = 400, noise: float = 0.2, rng: Seed = None) -> Part:
    """Return points on the petals of a flower, and which of two classes each belongs to.

    A point goes round by the angle φ, half a turn for each class, at the radius r = 4 sin 4φ; both
    are then moved by normal noise. Where r is negative the point lies on the far side. So there are
    four petals of each class, in the order 0, 1, 0, 1, 1, 0, 1, 0.

    Args:
        n: number of points; every other one is of class 1.
        noise: standard deviation, of the angle in radians and of the radius.
        rng: a generator, or a seed for one.

    Returns:
        x, float64 of shape (n, 2), and t, int64 of shape (n,), 0 or 1.
    """
    rng = np.random.default_rng(rng)
    t = np.arange(n, dtype=np.int64) % 2
    angle = np.pi * (t + rng.uniform(size=n)) + rng.normal(0, noise, n)
    radius = 4 * np.sin(4 * angle) + rng.normal(0, noise, n)
    return radius[:, np.newaxis] * np.column_stack([np.cos(angle), np.sin(angle)]), t


def moons(n: int = 400, noise: float = 0.2, rng: Seed = None) -> Part:
    """Return points on two half circles that reach into each other: scikit-learn's `make_moons`.

    Args:
        n: number of points, half of them of class 1.
        noise: standard deviation of each coordinate.
        rng: a generator, or a seed for one.

    Returns:
        x, float64 of shape (n, 2), and t, int64 of shape (n,), 0 or 1.
    """
    from sklearn.datasets import make_moons  # takes a second to import: only where it is used

    return make_moons(n, noise=noise, random_state=_legacy_seed(rng))  # type: ignore[no-any-return]


def circles(n: int = 400, noise: float = 0.1, rng: Seed = None) -> Part:
    """Return points on a circle and on one of half its size: scikit-learn's `make_circles`.

    Args:
        n: number of points, half of them of class 1, which is the inner circle.
        noise: standard deviation of each coordinate; the outer circle has radius 1.
        rng: a generator, or a seed for one.

    Returns:
        x, float64 of shape (n, 2), and t, int64 of shape (n,), 0 or 1.
    """
    from sklearn.datasets import make_circles

    return make_circles(n, noise=noise, factor=0.5, random_state=_legacy_seed(rng))  # type: ignore[no-any-return]


def _legacy_seed(rng: Seed) -> int:
    """Draw a seed for scikit-learn, which doesn't take NumPy's generators."""
    return int(np.random.default_rng(rng).integers(2**32))


def prepare_mnist(
    data_dir: str | os.PathLike[str] | None = None,
    url: str = MNIST_URL,
    files: Mapping[str, IdxFile] = MNIST_FILES,
) -> Path:
    """Download all of MNIST (12 MB), check it, and store it for `load_mnist`.

    A set that is there already is checked and kept; a damaged one is replaced. When anything
    fails, nothing half-written stays behind.

    Args:
        data_dir: tensorflow-datasets' folder; by default the environment variable TFDS_DATA_DIR,
            else `~/tensorflow_datasets`.
        url: the folder that holds the four gzipped files.
        files: the four files: their names, shapes and checksums.

    Returns:
        The folder in `data_dir` where the set is.

    Raises:
        MnistError: it can't be downloaded, isn't the original, or can't be stored.
    """
    if importlib.util.find_spec("array_record") is None:
        raise MnistError(
            "storing all of MNIST needs the package array_record, which isn't made for this "
            "system (Windows); the images that come with the course work everywhere"
        )
    started = time.perf_counter()
    folder = _full_set_folder(data_dir)
    if _is_intact(folder, files):
        print(f"MNIST is already prepared in {folder}")
        return folder
    arrays = {}
    for key, file in files.items():
        print(f"fetching {file.name}.gz from {url}", flush=True)
        arrays[key] = fetch(url, file)
    _store(arrays, folder)
    print(f"{_counts(arrays)} are ready in {folder} ({time.perf_counter() - started:.1f} s)")
    return folder


def _find_arrays() -> dict[str, NDArray[np.uint8]]:
    """The full set, else the bundle; says which."""
    folder = _full_set_folder()
    trouble = ""
    try:
        arrays = _read_full_set(folder)
    except MnistError as error:
        arrays, trouble = None, f" ({error})"
    if arrays is not None:
        _say_once(f"{_counts(arrays)}: the full set, from {folder}")
        return arrays
    with np.load(_BUNDLE, allow_pickle=False) as bundle:
        arrays = dict(bundle)
    _say_once(
        f"{_counts(arrays)}, bundled with the course; `python -m helpers.datasets` "
        f"fetches all 60,000{trouble}"
    )
    return arrays


def _full_set_folder(data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Where tensorflow-datasets keeps `mnist_builder.MnistIdx`."""
    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    # Unlike Path.expanduser, this never raises: a confined process may have no home folder.
    return Path(os.path.expanduser(data_dir), "mnist_idx", "1.0.0")  # noqa: PTH111


def _read_full_set(folder: Path) -> dict[str, NDArray[np.uint8]] | None:
    """The four arrays in `folder`; None when there is no such folder that we may read.

    Raises:
        MnistError: the folder is there but what is in it can't be read.
    """
    try:
        os.listdir(folder)  # noqa: PTH208  # raises at once where Path.iterdir waits
    except OSError:
        return None
    try:
        from helpers import mnist_builder  # imports tensorflow-datasets: only where it is used

        return mnist_builder.read(folder)
    except Exception as error:  # a damaged set raises almost anything
        raise MnistError(
            f"the full set in {folder} is damaged or incomplete: {_first_line(error)}"
        ) from error


def _is_intact(folder: Path, files: Mapping[str, IdxFile]) -> bool:
    try:
        arrays = _read_full_set(folder)
    except MnistError:
        return False
    return arrays is not None and all(file.holds(arrays[key]) for key, file in files.items())


def _store(arrays: Mapping[str, NDArray[np.uint8]], folder: Path) -> None:
    try:
        from helpers import mnist_builder  # imports tensorflow-datasets: only where it is used

        if folder.exists():
            shutil.rmtree(folder)  # damaged: `prepare_mnist` has just looked
        mnist_builder.write(arrays, folder.parents[1])
    except Exception as error:  # tensorflow-datasets wraps a full disk and the like in any type
        raise MnistError(f"{folder} can't be written: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _counts(arrays: Mapping[str, NDArray[np.uint8]]) -> str:
    return f"MNIST: {len(arrays['x_train']):,} training and {len(arrays['x_test']):,} test images"


@functools.cache
def _say_once(line: str) -> None:
    print(line)


def main(argv: Sequence[str] | None = None) -> None:
    """Run `prepare_mnist` from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.datasets",
        description="Download all of MNIST (12 MB) for the course, once.",
        epilog="The course works without it, on the images that come with it.",
    )
    parser.add_argument(
        "--data-dir",
        metavar="FOLDER",
        help="where to keep it (default: $TFDS_DATA_DIR, else ~/tensorflow_datasets)",
    )
    parser.add_argument(
        "--url",
        default=MNIST_URL,
        help=f"the folder with the four files (default: %(default)s; another: {OTHER_MNIST_URL})",
    )
    options = parser.parse_args(argv)
    try:
        prepare_mnist(options.data_dir, options.url)
    except MnistError as error:
        parser.exit(2, f"MNIST was not prepared: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "MNIST was not prepared: interrupted\n")


if __name__ == "__main__":
    main()
