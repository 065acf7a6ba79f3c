"""The source notebooks keep the conventions, and release/ and the figures are what they make."""

import re
from pathlib import Path

from course.conventions import FIGURES, problems
from course.notebook import read
from course.release import check_current, leaks

ROOT = Path(__file__).parents[2]
SHOW = r'plots\.show\(\s*\w+,\s*"(\w+)"'


def test_a_source_notebook_keeps_the_conventions(source):
    assert problems(source.notebook, str(source), source.path.parent) == []


def test_a_release_gives_nothing_away(source):
    assert leaks(source.notebook, source.release.read_text(encoding="utf-8")) == []
    assert leaks(source.notebook, source.path.read_text(encoding="utf-8"))


def test_release_is_what_source_makes():
    assert check_current(ROOT) == []


def test_every_figure_is_shown_by_a_cell():
    for folder in (ROOT / "source").iterdir():
        cells = [cell for path in folder.glob("*.ipynb") for cell in read(path).cells]
        shown = [name for cell in cells for name in re.findall(SHOW, cell.source)]
        assert sorted(shown) == sorted(path.stem for path in folder.glob(f"{FIGURES}/*"))
