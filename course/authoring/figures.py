"""Make the expected figures: the picture files that notebooks show folded below each plot.

They are what the reference solutions draw, so they can't differ from the text. Runs source
notebooks in this process.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from course.layout import CourseError
from course.notebooks.assignment import SOURCE, read_assignments
from course.notebooks.conventions import FIGURES
from course.notebooks.runner import run
from course.notebooks.source import source_notebooks
from helpers import plots

DPI = 100


def make_figures(
    root: Path,
    assignments: Sequence[str] | None = None,
    into: Path | None = None,
    *,
    on_left_out: Callable[[str], None] = lambda line: None,
) -> list[Path]:
    """Draw every figure of the source notebooks again, and return the files.

    Args:
        root: the course's folder.
        assignments: their names; all those in source/ if None.
        into: write `into/<assignment>/figures/<name>.png` instead of below source/.
        on_left_out: told of each notebook that needs what is not installed, in a line.

    Raises:
        CourseError: if an assignment doesn't exist, or a cell of a notebook raises.
    """
    made: list[Path] = []
    for folder in _folders(root / SOURCE, assignments):
        figures = (into or root / SOURCE) / folder.name / FIGURES
        for source in source_notebooks(folder.parent, folder.name):
            if source.lacks:
                on_left_out(f"{source.assignment}/{source}.ipynb {source.lacks}")
                continue
            with _saving(figures, made.append):
                verdict = run(source, plain=True)
            if verdict.incidents:
                raise CourseError(f"{folder.name}/{source.name}.ipynb: {verdict.incidents[0]}")
    return made


def _folders(source: Path, wanted: Sequence[str] | None) -> list[Path]:
    names = wanted or [assignment.name for assignment in read_assignments(source)]
    for name in names:
        if not list((source / name).glob("*.ipynb")):
            raise CourseError(f"source/ has no {name}")
    return [source / name for name in names]


@contextlib.contextmanager
def _saving(figures: Path, made: Callable[[Path], None]) -> Iterator[None]:
    """Let `plots.show` write files, the same ones whatever the reader's Matplotlib is set to."""

    def save(figure: Figure, name: str, alt: str) -> None:
        figures.mkdir(parents=True, exist_ok=True)
        path = figures / f"{name}.png"
        figure.savefig(path, dpi=DPI, metadata={"Software": None})
        plt.close(figure)
        made(path)

    show, backend = plots.show, matplotlib.get_backend()
    plt.switch_backend("agg")
    plots.show = save
    try:
        with matplotlib.rc_context(), warnings.catch_warnings():
            matplotlib.rcdefaults()
            warnings.simplefilter("ignore")  # a chapter may warn on purpose
            yield
    finally:
        plots.show = show
        plt.switch_backend(backend)
