"""A question's verdict as a panel below its test cell, for a notebook that shows HTML.

It says what the printed lines say, in the same words: colour and layout are all that is added.
Knows nothing of how a check is run. What it is given may quote a student's code, so all of it is
escaped.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol, TypeVar

# JupyterLab's own colours, which obey its dark theme; elsewhere those behind the comma.
GREEN = "var(--jp-success-color1, #2e7d32)"
RED = "var(--jp-error-color1, #c62828)"
GREY = "var(--jp-ui-font-color2, #616161)"
TEXT = "var(--jp-content-font-color1, inherit)"
CODE = "var(--jp-layout-color2, rgba(128, 128, 128, 0.15))"

MARKS = {"passed": ("✓", GREEN), "failed": ("✗", RED), "not attempted": ("–", GREY)}
WITHIN = " › "  # between a section's heading and a place in it
NAMED = "The mistake: "  # what begins a message that names the cause
AGAIN = "The same holds for {}."
MOST_NAMED = 3  # checks that such a sentence names; it counts more of them
EXAMPLE = re.compile(r"(?<=[.!?]) (?=(?:For|This shows at|It is called as) )")


class Line(Protocol):
    """One check's verdict."""

    @property
    def name(self) -> str:
        """What the check holds."""

    @property
    def outcome(self) -> str:
        """One of `MARKS`, or another word for what costs no marks."""

    @property
    def message(self) -> str:
        """The diagnosis; empty if there is none."""


AnyLine = TypeVar("AnyLine", bound=Line)


@dataclass(frozen=True)
class Panel:
    """What there is to say of a question.

    Attributes:
        title: the exercise's name.
        lines: its checks; none if nothing was attempted.
        summary: sentences below them: points, and what they mean.
        see: the heading of the section to look at, and after `WITHIN` perhaps a place in it; empty
            if all is well.
    """

    title: str
    lines: Sequence[Line]
    summary: Sequence[str]
    see: str = ""

    def text(self) -> str:
        """Return the panel as lines of text."""
        return "\n".join(self._text())

    def line(self) -> str:
        """Return what is wrong, in one line: the first check that failed, and its diagnosis."""
        failed = [line for line in self.lines if line.outcome in ("failed", "not attempted")]
        if not failed:
            return " ".join(self.summary)
        first = next((line for line in failed if line.outcome == "failed"), failed[0])
        more = f" ({len(failed) - 1} more)" if len(failed) > 1 else ""
        return f"{first.name}: {first.message}{more}"

    def html(self) -> str:
        """Return the panel as HTML, which needs neither scripts nor style sheets."""
        bad = any(line.outcome == "failed" for line in self.lines)
        colour = RED if bad else GREEN if self.lines else GREY
        style = (
            f"border-left: 4px solid {colour}; padding: 2px 0 2px 12px; color: {TEXT}; "
            "max-width: 52em; line-height: 1.45; overflow-wrap: break-word; white-space: normal"
        )
        return f'<div style="{style}">{"".join(self._html())}</div>'

    def _text(self) -> Iterator[str]:
        if not self.lines:
            yield " ".join([f"{self.title}:", *self.summary])
            return
        yield self.title
        for line, again in said_once(self.lines):
            yield f"  {_mark(line)[0]} {line.name}"
            yield from (f"      {words}" for words in (line.message, again) if words)
        yield from self.summary
        if self.see:
            yield f"Look again at: {self.see}"

    def _html(self) -> Iterator[str]:
        if not self.lines:
            yield f"<strong>{escape(self.title)}</strong>: {_inline(' '.join(self.summary))}"
            return
        yield f"<strong>{escape(self.title)}</strong>"
        for line, again in said_once(self.lines):
            mark, colour = _mark(line)
            sign = f'<span style="color: {colour}" aria-hidden="true">{mark}</span>'
            word = f'<span style="color: {colour}">{escape(str(line.outcome))}</span>'
            yield f"<div>{sign} {_inline(line.name)} <small>({word})</small></div>"
            for sentence in filter(None, [*EXAMPLE.split(line.message), again]):
                yield f'<div style="margin-left: 1.6em">{_inline(sentence)}</div>'
        yield f'<div style="margin-top: 4px">{_inline(" ".join(self.summary))}</div>'
        if self.see:
            heading = self.see.partition(WITHIN)[0]
            place = escape(heading.replace(" ", "-"), quote=True)
            yield f'<div>Look again at: <a href="#{place}">{escape(self.see)}</a></div>'


def said_once(lines: Iterable[AnyLine]) -> Iterator[tuple[AnyLine, str]]:
    """Yield each line that says something new, with a sentence on those that would say it again.

    They are the later ones that ended alike and tell the same cause; they are not yielded.
    """
    groups: dict[object, list[AnyLine]] = {}
    for number, line in enumerate(lines):
        cause = EXAMPLE.split(line.message)[0] if line.message.startswith(NAMED) else line.message
        key = (str(line.outcome), cause) if cause else number
        groups.setdefault(key, []).append(line)
    for first, *others in groups.values():
        yield first, _again([line.name for line in others])


def _again(names: Sequence[str]) -> str:
    """Return the sentence by which one check speaks for others too; "" if there are none."""
    if not names:
        return ""
    if len(names) > MOST_NAMED:
        return AGAIN.format(f"{len(names)} more checks")
    return AGAIN.format(" and ".join(f"“{name}”" for name in names))


class Score(float):
    """A number of points that shows itself as a panel where a notebook shows HTML.

    Its plain text is the number alone: nbgrader reads partial credit there.
    """

    panel: Panel

    def __new__(cls, points: float, panel: Panel) -> "Score":
        """Make a score of these points."""
        score = super().__new__(cls, points)
        score.panel = panel
        return score

    def __repr__(self) -> str:
        points = float(self)
        return repr(int(points) if points.is_integer() else points)

    def _repr_html_(self) -> str:
        return self.panel.html()


class NotAllRightError(Exception):
    """Ends a test cell while nbgrader validates a notebook: it shows the panel, and no more.

    Of a cell that ends with too few points it says "Partial credit" instead, of one that was not
    attempted too. What it says in one line is for `helpers.validation`.

    Args:
        panel: what there is to say of the question.
    """

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel.line())
        self._panel = panel

    def _render_traceback_(self) -> list[str]:
        return self._panel.text().splitlines()


def validating() -> bool:
    """Tell whether this runs for nbgrader's Validate."""
    return os.environ.get("NBGRADER_VALIDATING") == "1"


def shows_html() -> bool:
    """Tell whether this runs in a Jupyter kernel, whose results a notebook shows as HTML."""
    interactive = sys.modules.get("IPython")
    shell: Any = interactive.get_ipython() if interactive else None
    return hasattr(shell, "kernel")


def _mark(line: Line) -> tuple[str, str]:
    return MARKS.get(str(line.outcome), MARKS["passed"])


def _inline(text: str) -> str:
    """Return text as HTML in which what stands between backticks is code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # a backtick without a partner
        return escape(text)
    style = f"background: {CODE}; padding: 0 2px; font-size: 0.95em"
    return "".join(
        f'<code style="{style}">{escape(part)}</code>' if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )
