"""The released and hidden images of the project: made by their tool, and none stands in both."""

import importlib.util
from pathlib import Path

import numpy as np

from helpers import digits
from helpers.answers.project import reduce_to_8x8
from helpers.mnist_files import MNIST_FILES

ROOT = Path(__file__).parents[2]
POOL = ROOT / "source" / "08_project" / "hidden" / "digits.npz"


def pool():
    with np.load(POOL, allow_pickle=False) as file:
        return file["bitmaps"], file["labels"]


def test_the_pool_is_made_like_what_students_have():
    bitmaps, labels = pool()
    assert bitmaps.shape == (4000, 32, 32)
    assert set(np.unique(bitmaps)) == {0, 1}
    known, _ = digits.load_bitmaps(2000)
    assert abs(reduce_to_8x8(bitmaps).mean() - reduce_to_8x8(known).mean()) < 0.1
    assert np.bincount(labels, minlength=10).min() > 300


def test_no_hidden_image_is_among_those_that_students_have():
    known, _ = digits.load_bitmaps()
    hidden, _ = pool()
    released, _ = digits.load_released_test()
    seen = {bitmap.astype(np.uint8).tobytes() for bitmap in known}
    assert sum(bitmap.tobytes() in seen for bitmap in hidden) < 5  # two 1s may be alike
    images = {image.tobytes() for image in reduce_to_8x8(hidden)}
    assert sum(image.tobytes() in images for image in released) < 5


def test_the_tool_draws_released_and_hidden_images_from_what_is_not_in_the_bundle():
    path = ROOT / "tools" / "make_project_digits.py"
    spec = importlib.util.spec_from_file_location("maker", path)
    assert spec
    assert spec.loader
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (16_000, 28, 28), dtype=np.uint8)
    images[: digits.BUNDLED] = 0  # of the bundle: paper alone
    labels = np.full(16_000, 3, dtype=np.uint8)
    labels[: digits.BUNDLED] = 9
    assert set(MNIST_FILES) == {"x_train", "t_train", "x_test", "t_test"}
    made = maker.make({"x_train": images, "t_train": labels})
    released, hidden = made[maker.RELEASED], made[maker.POOL]
    assert released["images"].shape == (1000, 8, 8)
    assert hidden["bitmaps"].shape == (4000, 32, 32)
    for found in (released["labels"], hidden["labels"]):
        assert set(found) == {3}
    assert hidden["bitmaps"].any(axis=(1, 2)).all()
    assert made[maker.RELEASED]["images"].max() <= 16
