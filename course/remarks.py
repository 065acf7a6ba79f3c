"""What a student is told of how their notebook was graded, at the top of the feedback page.

Made from a graded notebook's metadata: `metadata["repairs"]`, sentences on what was repaired
(`course.judge.repair`), and `metadata["verdict"]["incidents"]`, what happened while the code ran
(`course.verdict.Verdict`). Both quote what a student wrote, so nothing of them is taken for HTML.
"""

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

from course.judge.repair import REPAIRS
from course.notebook import TEST_PREFIX
from course.verdict import METADATA, TEST_FAILED

LONGEST = 400  # characters of one sentence
MOST = 30  # sentences of one kind

_CELL = re.compile(r"(?P<key>cell \d+|\w+)(?P<again>, run again)?: (?P<words>.*)", re.DOTALL)


def remarks(metadata: Mapping[str, Any]) -> str:
    """Return what is to be told as HTML; nothing if nothing was repaired and nothing happened.

    Args:
        metadata: a graded notebook's.
    """
    repairs = metadata.get(REPAIRS, ())
    incidents = metadata.get(METADATA, {}).get("incidents", ())
    parts = []
    if repairs:
        parts += ["<h4>Your notebook had to be repaired before it could be graded</h4>"]
        parts += _list(repairs)
        parts += ["<p>A repair costs no points; what could not be found earns none.</p>"]
    if incidents:
        parts += ["<h4>What happened while your code was run</h4>"]
        parts += _list(map(told, incidents))
        parts += ["<p>This costs no more than what it stopped: all else was graded.</p>"]
    if not parts:
        return ""
    # One block without an empty line, which Markdown leaves as it is; MathJax skips the class.
    return "\n".join(['<div class="alert alert-warning tex2jax_ignore">', *parts, "</div>"])


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
        where = key.capitalize() if key.startswith("cell ") else f"Cell `{key}`"
    return f"{where}{match['again'] or ''}: {words}"


def without_secrets(incident: str) -> str:
    """Return an incident without what it quotes of a test that failed itself."""
    return re.sub(rf"({TEST_FAILED}):.*", r"\1.", incident, flags=re.DOTALL)


def _list(sentences: Iterable[str]) -> list[str]:
    lines = [_line(str(sentence)) for sentence in sentences]
    more = [f"{len(lines) - MOST} more of the kind."] if len(lines) > MOST else []
    return ["<ul>", *(f"<li>{line}</li>" for line in [*lines[:MOST], *more]), "</ul>"]


def _line(sentence: str) -> str:
    """Return a sentence in one line of HTML, with `names` as code."""
    text = " ".join(sentence.split())
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
