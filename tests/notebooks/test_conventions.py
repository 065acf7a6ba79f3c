"""The source notebooks keep the conventions, and release/ and the figures are what they make."""

import re
from pathlib import Path

import pytest
from matplotlib.testing.compare import compare_images

from course.conventions import FIGURES, problems
from course.figures import make_figures
from course.notebook import read
from course.release import check_current, leaks

ROOT = Path(__file__).parents[2]
# RMS difference of 8-bit channels. The same Matplotlib draws the same pixels; another FreeType
# moves edges of letters by a shade (about 1), a curve or label that has changed gives 5 and more.
TOLERANCE = 3


def test_a_source_notebook_keeps_the_conventions(source):
    assert problems(source.notebook, str(source), source.path.parent) == []


def test_a_release_gives_nothing_away(source):
    assert leaks(source.notebook, source.release.read_text(encoding="utf-8")) == []
    assert leaks(source.notebook, source.path.read_text(encoding="utf-8"))


def test_release_is_what_source_makes():
    assert check_current(ROOT) == []


def measured():
    """Return the figures that show how long something took: no two runs draw the same."""
    return {
        Path(path.parent.name, FIGURES, f"{name}.png")
        for path in (ROOT / "source").glob("*/*.ipynb")
        for cell in read(path).cells
        if "measured" in cell.metadata.get("tags", [])
        for name in re.findall(r'plots\.show\(\s*\w+,\s*"(\w+)"', cell.source)
    }


@pytest.mark.slow
def test_the_figures_are_what_the_reference_draws(tmp_path):
    made = {path.relative_to(tmp_path) for path in make_figures(ROOT, into=tmp_path)}
    there = ROOT / "source"
    assert made == {path.relative_to(there) for path in there.glob(f"*/{FIGURES}/*")}
    for path in sorted(made - measured()):
        difference = compare_images(str(there / path), str(tmp_path / path), TOLERANCE)
        assert difference is None, difference
