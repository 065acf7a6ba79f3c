"""The course's look: a colour-blind safe palette, labelled axes, and figures with alternative text.

Chapters draw with plain Matplotlib on the axes that `axes` makes and end with `show`. Knows nothing
of what is drawn. At the short pace margins have fixed widths: fitting them to the text takes twice
as long as the drawing itself. After `leave_out` nothing is drawn that nobody asks for by name.
"""

import base64
import html
import io
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
from IPython import get_ipython
from IPython.core import pylabtools
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

from helpers import pace

# Okabe and Ito's palette, the yellow left out: it is too light for lines on white.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK = PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#000000",
)
LINES = ("-", "--", "-.", ":")
LEFT_OUT = "[figure left out]"  # and then what it would show

STYLE: Any = {
    "figure.dpi": 100,
    # The width is part of the cycle because lines are drawn after `axes` has restored the rest.
    "axes.prop_cycle": cycler(linewidth=[2]) * cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#DDDDDD",
    "axes.axisbelow": True,
    "font.size": 10,
    "legend.frameon": False,
    "svg.hashsalt": "course",
}


def axes(
    rows: int = 1, columns: int = 1, *, width: float = 4.5, height: float = 3.2, **options: Any
) -> tuple[Figure, Any]:
    """Return a new figure in the course's style and its axes.

    Args:
        rows: number of rows of axes.
        columns: number of columns of axes.
        width: of one axes, in inches.
        height: of one axes, in inches.
        options: passed on to `matplotlib.pyplot.subplots` (sharex, sharey, ...).

    Returns:
        The figure, and one Axes or an array of them as `subplots` gives it.
    """
    size = width * columns, height * rows
    layout = "none" if pace.is_short() else "constrained"
    with plt.rc_context(STYLE):
        figure, found = plt.subplots(rows, columns, figsize=size, layout=layout, **options)
    if pace.is_short():
        left, right, wspace = _margins(columns, width, before=0.75, after=0.15)
        bottom, top, hspace = _margins(rows, height, before=0.5, after=0.35)
        figure.subplots_adjust(left, bottom, right, top, wspace, hspace)
    return figure, found


def _margins(count: int, each: float, before: float, after: float) -> tuple[float, float, float]:
    """Return where axes begin and end, as shares of the figure, and the gaps as shares of one axes.

    Args:
        count: the number of axes, side by side.
        each: inches for one of them.
        before: inches before the first; small axes get less.
        after: inches after the last.
    """
    gap = min(before + after, 0.25 * each)
    before, after = min(before, 0.2 * count * each), min(after, 0.2 * count * each)
    inside = count * each - before - after - gap * (count - 1)
    return before / (count * each), 1 - after / (count * each), gap * count / inside


def label(ax: Axes, *, title: str = "", x: str = "", y: str = "", legend: bool = True) -> None:
    """Name what is drawn: title, both axes and, where lines have labels, a legend."""
    ax.set(title=title, xlabel=x, ylabel=y)
    if legend and ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False)


def show(figure: Figure, name: str, alt: str) -> None:
    """Show a finished figure below the cell, with its alternative text, and close it.

    Args:
        figure: the figure.
        name: a short name for it, unique in its notebook: letters, digits and underscores.
        alt: what a reader who can't see it needs to know.
    """
    display(picture(figure, name, alt))  # type: ignore[no-untyped-call]


def picture(figure: Figure, name: str, alt: str) -> "_Picture | _Words":
    """Close a finished figure and return what Jupyter shows of it; arguments as for `show`."""
    if _left_out:
        plt.close(figure)
        return _Words(f"{LEFT_OUT} {alt}")
    file = io.BytesIO()
    canvas = FigureCanvasAgg(figure)  # `savefig` would draw it twice
    canvas.print_png(file)  # type: ignore[no-untyped-call]
    plt.close(figure)
    return _Picture(base64.b64encode(file.getvalue()).decode(), name, alt)


def left_out(alt: str) -> bool:
    """Tell whether figures are left out, and if so show the words that stand in place of one.

    What would draw it need not be called then.
    """
    if _left_out:
        display(_Words(f"{LEFT_OUT} {alt}"))  # type: ignore[no-untyped-call]
    return _left_out


_left_out = False  # set by `leave_out`


def leave_out() -> None:
    """From now on show words in place of figures, in this process: most of a figure is its drawing.

    Those of `show` are told by their alternative text, those of pyplot by their titles. A figure
    stays one that can be changed, drawn on its canvas or saved.
    """
    global _left_out
    _left_out = True
    pylabtools.print_figure = lambda *_, **__: None  # what every format of a shown figure asks
    plt.draw_all = lambda force=False: None  # IPython has open figures drawn when a cell ends
    if shell := get_ipython():
        bundles = shell.display_formatter.mimebundle_formatter
        bundles.for_type(Figure, lambda figure, **_: {"text/plain": _told(figure)})
        pylabtools.select_figure_formats(shell, {"png"})  # type: ignore[no-untyped-call]


def _told(figure: Figure) -> str:
    titles = [figure.get_suptitle(), *(ax.get_title() for ax in figure.axes)]
    return f"{LEFT_OUT} {'; '.join(filter(None, titles)) or repr(figure).strip('<>')}"


@dataclass(frozen=True)
class _Words:
    """What stands in place of a figure."""

    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class _Picture:
    """A figure as Jupyter shows it.

    JupyterLab and nbconvert drop the alternative text of a bare PNG, so HTML comes with it.
    """

    png: str
    name: str
    alt: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        source = f"data:image/png;base64,{self.png}"
        page = f'<img src="{source}" alt="{html.escape(self.alt)}">'
        data = {"text/plain": self.alt, "image/png": self.png, "text/html": page}
        return data, {"image/png": {"alt": self.alt, "name": self.name}}
