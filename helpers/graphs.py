"""Computational graphs drawn: what flows forward above each edge, its gradient below.

Knows nothing of what the nodes compute.
"""

from collections.abc import Iterable, Mapping

from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation, Transform

from helpers import plots

Label = str | float | None
FORWARD, BACKWARD = plots.BLUE, plots.RED
LANE, TEXT = 4, 8  # points that arrows and labels stand off the edge's line
GAP = 3  # points between an arrow's end and a node


def draw(
    ax: Axes,
    nodes: Mapping[str, tuple[float, float, str]],
    edges: Iterable[tuple[str, str, Label, Label]],
) -> None:
    """Draw a computational graph on an empty axes.

    Args:
        ax: where; its ticks and spines are taken off.
        nodes: for each name its place, x and y, and the text that stands in it: an operation is
            drawn in a box, an input or a result (with edges on one side alone) without.
        edges: for each the names of its two nodes, the value that flows forward along it and the
            gradient that flows back, as text or number; None: not known (yet).

    Raises:
        KeyError: if an edge names an unknown node.
    """
    edges = list(edges)
    inner = {edge[0] for edge in edges} & {edge[1] for edge in edges}
    texts = {}
    for name, (x, y, text) in nodes.items():
        box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": plots.BLACK}
        if name not in inner:
            box |= {"facecolor": "none", "edgecolor": "none"}
        texts[name] = ax.text(x, y, text, ha="center", va="center", zorder=3, bbox=box)
        ax.plot(x, y, alpha=0)  # so that the axes grows to hold it
    for start, end, value, gradient in edges:
        _edge(ax, texts[start], texts[end], value, gradient)
    ax.margins(0.1, 0.25)
    ax.axis("off")


def _edge(ax: Axes, start: Text, end: Text, value: Label, gradient: Label) -> None:
    """Draw one edge: an arrow forward below its value and one backward above its gradient.

    The arrows end where the boxes of the two nodes do. If the edge is upright, value and gradient
    stand on its two sides.
    """
    (left, low), (right, high) = start.get_position(), end.get_position()
    rise = high - low
    upright = left == right and rise != 0
    for label, color, side, tail, head in (
        (value, FORWARD, 1, start, end),
        (gradient, BACKWARD, -1, end, start),
    ):
        if label is None:
            continue
        off = (-side if rise > 0 else side, 0) if upright else (0, side)
        lane, beside = (_moved(ax, off[0] * points, off[1] * points) for points in (LANE, TEXT))
        ends = {"patchA": tail.get_bbox_patch(), "patchB": head.get_bbox_patch()}
        arrow = {"arrowstyle": "->", "color": color, "shrinkA": GAP, "shrinkB": GAP} | ends
        to, begin = head.get_position(), tail.get_position()
        ax.annotate("", to, begin, xycoords=lane, textcoords=lane, arrowprops=arrow)
        ax.text(
            (left + right) / 2,
            (low + high) / 2,
            label if isinstance(label, str) else f"{label:.4g}",
            color=color,
            ha=_alignment(side * rise),
            va="center" if upright else "bottom" if side > 0 else "top",
            transform=beside,
        )


def _moved(ax: Axes, right: float, up: float) -> Transform:
    """Return the transform of the data that is moved by these points."""
    return ax.transData + ScaledTranslation(right / 72, up / 72, ax.figure.dpi_scale_trans)


def _alignment(rise: float) -> str:
    """Return how a label is aligned so that its edge, if it slants, does not run through it."""
    if rise == 0:
        return "center"
    return "right" if rise > 0 else "left"
