"""What a student is told of how their notebook was graded, at the top of the feedback page.

Made from a graded notebook's metadata: `metadata["repairs"]`, sentences on what was repaired
(`course.repair.repair`), and the verdict's incidents, what happened while the code ran
(`course.verdict`). Both quote what a student wrote, so nothing of them is taken for HTML.
"""

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

from course.files import printable
from course.notebooks.cells import NOT_GRADED, REPAIRS, TEST_PREFIX
from course.verdict import TEST_FAILED, find_verdict

LONGEST = 400  # characters of one sentence
MOST = 30  # sentences of one kind

_NAMELESS = r"the figure `\w+`|a cell below `\w+`|a cell at the top"
_CELL = re.compile(rf"(?P<key>{_NAMELESS}|\w+)(?P<again>, run again)?: (?P<words>.*)", re.DOTALL)


def remarks(metadata: Mapping[str, Any]) -> str:
    """Return what is to be told as HTML; nothing if nothing was repaired and nothing happened.

    Args:
        metadata: a graded notebook's.
    """
    verdict = find_verdict(metadata)
    boxes = [
        _box(
            "Your notebook has not been graded yet",
            ["The computer that grades lacks what it needs."] if NOT_GRADED in metadata else (),
            "Nothing is wrong with it, and points that it had stay as they are.",
        ),
        _box(
            "Your notebook had to be repaired before it could be graded",
            metadata.get(REPAIRS, ()),
            "A repair costs no points; what could not be found earns none.",
        ),
        _box(
            "What happened while your code was run",
            map(told, verdict.incidents if verdict else ()),
            "This costs no more than what it stopped: all else was graded.",
        ),
    ]
    return "\n".join(filter(None, boxes))


def told(incident: str) -> str:
    """Return an incident as a student is told it: of a test that failed itself, no more than that.

    Args:
        incident: as `Verdict.incidents` holds it.
    """
    match = _CELL.fullmatch(incident)
    if not match:
        return incident
    key = match["key"]
    if match["words"].startswith(TEST_FAILED):
        words = "Its test could not be run to its end; your instructor can see why."
    else:
        words = match["words"]
    if key.startswith(TEST_PREFIX):
        where = f"Question `{key.removeprefix(TEST_PREFIX)}`"
    else:
        where = f"Cell `{key}`" if key.isidentifier() else f"{key[0].upper()}{key[1:]}"
    return f"{where}{match['again'] or ''}: {words}"


def without_secrets(incident: str) -> str:
    """Return an incident without what it quotes of a test that failed itself."""
    return re.sub(rf"({TEST_FAILED}):.*", r"\1.", incident, flags=re.DOTALL)


def _box(heading: str, sentences: Iterable[str], last: str) -> str:
    """Return a box of HTML without an empty line, which Markdown leaves as it is.

    Returns:
        Nothing if there are no sentences. No student can make such a box: see `sanitize`.
    """
    items = [f"<li>{_line(str(sentence))}</li>" for sentence in sentences]
    if not items:
        return ""
    more = [f"<li>{len(items) - MOST} more of the kind.</li>"] if len(items) > MOST else []
    return "\n".join(
        [
            '<div class="alert alert-warning">',
            f"<h4>{heading}</h4>",
            *("<ul>", *items[:MOST], *more, "</ul>"),
            f"<p>{last}</p>",
            "</div>",
        ]
    )


def _line(sentence: str) -> str:
    """Return a sentence in one line of HTML, cut if it is too long."""
    text = " ".join(sentence.split())
    return in_html(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def in_html(text: str) -> str:
    """Return plain text as HTML, with `names` as code, and nothing that turns the text around."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(printable(text)))
