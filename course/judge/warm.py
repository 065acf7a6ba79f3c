"""What the processes of every submission would each do again: done once, ahead, in the server.

The warm server imports this module while nobody asks for a process. It holds no answers and runs
nobody's code.
"""

import matplotlib
import matplotlib.pyplot
from hypothesis import find, settings
from hypothesis.strategies import just
from matplotlib.axes import _axes, _base
from stack_data.core import Source

# Where calls of pyplot fail. A traceback that quotes a line has the whole file parsed before.
QUOTED = (matplotlib, matplotlib.pyplot, _axes, _base)


def _read_what_tracebacks_quote() -> None:
    for module in QUOTED:
        Source.for_filename(module.__file__ or "").pieces  # type: ignore[attr-defined]  # noqa: B018


def _prepare_to_make_counterexamples_smaller() -> None:
    """Use Hypothesis once, which imports most of itself only then."""
    find(just(0), lambda _: True, settings=settings(database=None, max_examples=1))


_read_what_tracebacks_quote()
_prepare_to_make_counterexamples_smaller()
