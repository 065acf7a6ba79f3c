"""Figures with sliders, where somebody can move them; elsewhere the figure alone.

JupyterLab tells a kernel which notebook it is for. Without that (while a notebook is graded,
executed or rendered) a figure is drawn once, with the values it starts from, and no widget is made.
Nothing that is graded may need one.
"""

import os
from collections.abc import Callable
from typing import Any

from IPython.display import DisplayHandle, display
from matplotlib.figure import Figure

from helpers import plots
from helpers.standing import OPENED


def explore(
    draw: Callable[..., Figure], name: str, alt: str, **ranges: tuple[float, float, float]
) -> None:
    """Show a figure, and below it a slider for each of its numbers.

    Args:
        draw: takes the numbers by name and returns a figure.
        name: a short name for the figure, as in `plots.show`.
        alt: what a reader who can't see the figure at its start needs to know.
        ranges: for each number the smallest value, the largest, and the one to start from. Where
            all three are integers, so are the values.
    """
    if plots.left_out(alt):
        return
    start = {key: first for key, (_, _, first) in ranges.items()}
    if OPENED not in os.environ:
        plots.show(draw(**start), name, alt)
        return
    import ipywidgets

    handle = DisplayHandle()  # type: ignore[no-untyped-call]
    handle.display(plots.picture(draw(**start), name, alt))  # type: ignore[no-untyped-call]

    sliders = {key: _slider(key, *limits) for key, limits in ranges.items()}

    def moved(_: Any) -> None:
        values = {key: slider.value for key, slider in sliders.items()}
        said = ", ".join(f"{key} = {value:g}" for key, value in values.items())
        now = plots.picture(draw(**values), name, f"{alt} Now {said}.")
        handle.update(now)  # type: ignore[no-untyped-call]

    for slider in sliders.values():
        slider.observe(moved, "value")
    display(ipywidgets.VBox(list(sliders.values())))  # type: ignore[no-untyped-call]


def _slider(name: str, low: float, high: float, first: float) -> Any:
    import ipywidgets

    words = {"description": name.replace("_", " "), "style": {"description_width": "initial"}}
    if all(isinstance(value, int) for value in (low, high, first)):
        return ipywidgets.IntSlider(first, low, high, continuous_update=False, **words)
    step = (high - low) / 100
    return ipywidgets.FloatSlider(
        first, min=low, max=high, step=step, continuous_update=False, **words
    )
