"""Digits from data sets, photographs and drawings, in one form."""

import numpy as np
import pytest
from matplotlib.image import imsave

from helpers import digits
from helpers.answers.project import reduce_to_8x8, shifted


def bar(height, width, slant=0.0, size=60):
    """Return a picture with a bar of ink, leaning by so many columns a row."""
    picture = np.zeros((size, size))
    for row in range(height):
        left = round(20 + slant * row)
        picture[5 + row, left : left + width] = 200
    return picture


def test_a_digit_fills_the_bitmap_from_top_to_bottom_and_stands_in_the_middle():
    for picture in (bar(40, 6), bar(12, 3, size=28)[:, :40]):
        bitmap = digits.fit_to_bitmap(picture)
        assert bitmap.shape == (32, 32)
        assert set(np.unique(bitmap)) == {0, 1}
        rows, columns = np.nonzero(bitmap)
        assert (rows.min(), rows.max()) == (0, 31)
        assert abs(columns.mean() - 15.5) <= 1


def test_a_wide_digit_is_no_wider_than_24_pixels():
    _, columns = np.nonzero(digits.fit_to_bitmap(bar(10, 30)))
    assert np.ptp(columns) + 1 == 24


def test_a_leaning_digit_is_set_upright():
    leaning, upright = (np.nonzero(digits.fit_to_bitmap(bar(40, 6, s))) for s in (0.5, 0))
    assert abs(np.ptp(leaning[1]) - np.ptp(upright[1])) <= 2


def test_paper_alone_stays_paper():
    assert not digits.fit_to_bitmap(np.zeros((28, 28))).any()
    assert not digits.fit_to_bitmap(np.zeros((0, 5))).any()


def test_one_point_is_ink():
    picture = np.zeros((9, 9))
    picture[4, 4] = 1
    assert digits.fit_to_bitmap(picture).any()


def test_a_photograph_of_dark_ink_on_light_paper(tmp_path):
    for name, size in (("small.png", 1), ("large.png", 5), ("large.jpg", 5)):
        picture = np.kron(230 - bar(40, 6), np.ones((size, size)))
        imsave(tmp_path / name, picture, cmap="gray", vmin=0, vmax=255)
        read = digits.read_photograph(tmp_path / name)
        assert read.max() == 1
        assert abs(np.median(read)) < 0.01
        found, right = digits.fit_to_bitmap(read), digits.fit_to_bitmap(bar(40, 6))
        assert np.mean(found != right) < 0.05  # a column at an edge


def test_a_drawing_is_read_back():
    bitmap = np.random.default_rng(0).integers(0, 2, (32, 32))
    words = [f"{int(''.join(map(str, row)), 2):08x}" for row in bitmap]
    assert np.array_equal(digits.read_drawing("\n".join(words)), bitmap)
    for text in ("", "00000000 " * 31, "0000000 " * 32, "zzzzzzzz " * 32):
        with pytest.raises(ValueError, match=r"a drawing is 32 groups|invalid literal"):
            digits.read_drawing(text)


def test_the_board_needs_no_network():
    page = digits.drawing_board().data
    assert "http" not in page
    assert "src=" not in page


def test_the_data_sets_are_alike():
    images, labels = digits.load_digits_8x8()
    test_images, test_labels = digits.load_released_test()
    bitmaps, t = digits.load_bitmaps(200)
    assert images.shape == (1797, 8, 8)
    assert test_images.shape == (1000, 8, 8)
    assert bitmaps.shape == (200, 32, 32)
    for part in (images, test_images, reduce_to_8x8(bitmaps)):
        assert part.dtype == np.int64
        assert part.min() == 0
        assert part.max() == 16
        assert 4 < part.mean() < 5.5  # as much ink
    for part in (labels, test_labels, t):
        assert set(np.unique(part)) == set(range(10))


def test_images_are_moved_by_a_pixel_at_most_each_on_its_own():
    bitmap = np.zeros((32, 32), dtype=np.uint8)
    bitmap[10, 20] = 1
    moved = shifted(np.array([bitmap] * 300), np.random.default_rng(0))
    places = {tuple(np.argwhere(one)[0]) for one in moved}
    assert places == {(i, j) for i in (9, 10, 11) for j in (19, 20, 21)}
    assert (moved.sum(axis=(1, 2)) == 1).all()
