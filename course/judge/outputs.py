"""Cell outputs as a notebook holds them, made from what a student process says they are.

Nothing is taken on trust: unknown kinds and MIME types are dropped, sizes are cut, and every field
has its type. The student process cuts by the same rules, so that an honest one loses nothing more
here. Knows nothing of processes.
"""

import json
from collections.abc import Mapping
from typing import Any

MAX_TEXT = 100_000  # characters of one stream, error or text result
MAX_RICH = 4_000_000  # characters of one picture or table
MAX_CELL = 6_000_000  # characters of all outputs of one cell
MAX_PACKED = 12 << 20  # bytes of all outputs of one cell on the wire
MAX_OUTPUTS = 200  # outputs of one cell
MAX_DEPTH = 50  # containers in containers of JSON that is shown
MAX_NAME = 200  # characters of an error's name
MAX_PIXELS = 10_000  # a picture's width or height as displayed
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/svg+xml")
MIME_TYPES = ("text/plain", "text/html", "text/markdown", "text/latex", *PICTURES)
JSON = "application/json"

Output = dict[str, Any]


def stream(text: str, name: str = "stdout") -> list[Output]:
    """Return printed text as a list of one output, or of none if there is no text."""
    return [{"output_type": "stream", "name": name, "text": cut(_valid(text))}] if text else []


def result(value: float) -> Output:
    """Return a score as the result of a cell, which nbgrader reads as partial credit."""
    return {
        "output_type": "execute_result",
        "execution_count": None,
        "data": {"text/plain": repr(value)},
        "metadata": {},
    }


def packed(outputs: list[Output]) -> bytes:
    """Return a cell's outputs as bytes, for `cleaned` at the other end."""
    data = json.dumps(outputs).encode()
    if len(data) > MAX_PACKED:
        data = json.dumps(_note(len(outputs))).encode()
    return data


def cleaned(outputs: Any) -> list[Output]:
    """Return what of `outputs` is a notebook's cell output, within the limits.

    Args:
        outputs: anything; meant to be a list of nbformat 4 outputs, or `packed` ones.
    """
    if isinstance(outputs, bytes):
        outputs = _unpacked(outputs)
    if not isinstance(outputs, list):
        return []
    first = outputs[:MAX_OUTPUTS]
    clean = [_cleaned(output) for output in first if isinstance(output, dict)]
    return limited([output for output in clean if output], len(outputs) - len(first))


def limited(outputs: list[Output], dropped: int) -> list[Output]:
    """Return as many outputs as a cell may have, and a note on how many there were besides.

    Args:
        outputs: each within its own limits.
        dropped: how many have been left out already.
    """
    kept: list[Output] = []
    room = MAX_CELL
    for output in outputs:
        room -= size(output)
        if room < 0:
            break
        kept.append(output)
    dropped += len(outputs) - len(kept)
    if not dropped and len(kept) <= MAX_OUTPUTS:
        return kept
    first = kept[: MAX_OUTPUTS - 1]
    return [*first, *_note(dropped + len(kept) - len(first))]


def shortened(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kernel message's content without what no output may hold: its size is bounded."""
    short = dict(content)
    if isinstance(short.get("data"), Mapping):
        short["data"] = {
            mime: cut(value) if mime == "text/plain" and isinstance(value, str) else value
            for mime, value in short["data"].items()
            if mime == "text/plain" or size(value) <= MAX_RICH
        }
    if isinstance(short.get("traceback"), list):
        short["evalue"] = cut(short.get("evalue", ""))
        short["traceback"] = _lines(short["traceback"])
    return short


def size(value: Any) -> int:
    """Return about how many characters a plain value takes to write down."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return 2 + sum(size(key) + size(item) + 2 for key, item in value.items())
    if isinstance(value, list | tuple):
        return 2 + sum(size(item) + 1 for item in value)
    return 8


def cut(text: str, length: int | None = None) -> str:
    """Return at most `MAX_TEXT` characters, the last of them a note if there were more.

    Args:
        text: the text, or its beginning.
        length: how long it was, if only its beginning is left.
    """
    length = len(text) if length is None else length
    if length <= MAX_TEXT:
        return text
    kept = text[: MAX_TEXT - 100]
    return f"{kept}\n[{length - len(kept)} more characters were cut]\n"


def _note(dropped: int) -> list[Output]:
    what = "1 more output was" if dropped == 1 else f"{dropped} more outputs were"
    return stream(f"[{what} cut]\n", "stderr")


def _unpacked(data: bytes) -> Any:
    try:
        return json.loads(data) if len(data) <= MAX_PACKED else None
    except (ValueError, RecursionError):
        return None


def _cleaned(output: dict[Any, Any]) -> Output:
    match output:
        case {"output_type": "stream", "name": "stdout" | "stderr" as name, "text": str(text)}:
            return {"output_type": "stream", "name": name, "text": cut(_valid(text))}
        case {
            "output_type": "error",
            "ename": str(ename),
            "evalue": str(evalue),
            "traceback": list(lines),
        }:
            return {
                "output_type": "error",
                "ename": _valid(ename[:MAX_NAME]),
                "evalue": cut(_valid(evalue)),
                "traceback": _lines([_valid(line) for line in lines if isinstance(line, str)]),
            }
        case {"output_type": "display_data" | "execute_result" as kind, "data": dict(data)}:
            display: Output = {
                "output_type": str(kind),
                "data": _data(data),
                "metadata": _metadata(output.get("metadata")),
            }
            if kind == "execute_result":
                display["execution_count"] = None
            return display
    return {}


def _data(data: dict[Any, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for mime, value in data.items():
        if mime == JSON:
            kept.update(_json(value))
        elif mime in MIME_TYPES and isinstance(value, str):
            if mime == "text/plain":
                kept[mime] = cut(_valid(value))
            elif len(value) <= MAX_RICH:
                kept[mime] = _valid(value)
    return kept or {"text/plain": "[this output can't be shown]"}


def _json(value: Any) -> dict[str, Any]:
    """Return a JSON value as a MIME bundle, an empty one if it isn't JSON or is too large."""
    try:
        text = _valid(json.dumps(value, allow_nan=False, ensure_ascii=False))
        fits = len(text) <= MAX_RICH and _shallow(value, MAX_DEPTH)
        return {JSON: json.loads(text)} if fits else {}
    except (ValueError, TypeError, RecursionError):
        return {}


def _shallow(value: Any, room: int) -> bool:
    """Return whether a value has at most `room` containers in one another."""
    items = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list | tuple):
        return True
    return room > 0 and all(_shallow(item, room - 1) for item in items)


def _metadata(metadata: Any) -> dict[str, Any]:
    """Keep pictures' alternative text and size, and nothing else."""
    if not isinstance(metadata, dict):
        return {}
    found = {mime: metadata.get(mime) for mime in PICTURES}
    kept = {mime: _about(about) for mime, about in found.items() if isinstance(about, dict)}
    return {mime: about for mime, about in kept.items() if about}


def _about(about: dict[Any, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if isinstance(about.get("alt"), str):
        kept["alt"] = cut(_valid(about["alt"]))
    for side in ("width", "height"):
        if type(about.get(side)) is int and 0 < about[side] <= MAX_PIXELS:
            kept[side] = about[side]
    return kept


def _lines(lines: list[str]) -> list[str]:
    """Cut a traceback in its middle: it begins where the error was seen and ends with what it is.

    Both halves together have at most about `MAX_TEXT` characters.
    """
    lines = [cut(line) for line in lines]
    if sum(map(len, lines)) + len(lines) <= MAX_TEXT:
        return lines
    head = _first(lines, MAX_TEXT // 2)
    tail = _first(lines[::-1], MAX_TEXT // 4)[::-1]
    return [*head, "[some of the traceback was cut]", *tail]


def _first(lines: list[str], room: int) -> list[str]:
    kept = []
    for line in lines:
        if len(line) + 1 > room:
            kept.append(line[:room])
            break
        room -= len(line) + 1
        kept.append(line)
    return kept


def _valid(text: str) -> str:
    """Return text that can be written as UTF-8: half a surrogate pair can't."""
    return text.encode("utf-8", "replace").decode()
