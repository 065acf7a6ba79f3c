"""Read a submitted file, whatever it holds, as a list of cells.

Knows encodings, JSON and the formats of notebooks; knows nothing of assignments. Runs nothing, and
raises nothing that the file's bytes can bring about. Outputs are dropped before anything else.
"""

import ast
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

MAX_BYTES = 256 << 20  # of the file
MAX_UNZIPPED = 128 << 20  # of a notebook in an archive, which may be small itself
MAX_TEXT = 16 << 20  # bytes, of what is left without outputs, attachments and widgets
MAX_CELLS = 20_000
MAX_BRACKETS = 2_000_000  # in what is dropped unread
MAX_FAILURES = 200  # broken cells in one file
#: What a file is that begins so.
OTHERS = {
    b"%PDF": "a PDF",
    b"version https://git-lfs": "a Git LFS pointer, in place of a file that was not sent along",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\xd0\xcf\x11\xe0": "an old Office document",
}
KINDS = ("code", "markdown", "raw")

_DECODER = json.JSONDecoder(
    strict=False,  # a line break in the middle of a string is let pass
    parse_int=lambda digits: int(digits) if len(digits) < 20 else 0,
    parse_constant=lambda name: None,
)
_BULK = re.compile(rb'(?<!\\)"(?:outputs|widgets)"\s*:\s*(?=[\[{])')
_PICTURES = re.compile(rb'(?<!\\)"attachments"\s*:\s*(?=\{)')
_TO_BRACKET = re.compile(rb'(?:"(?:[^"\\]++|\\.)*+"|[^"\[\]{}]++)*+[\[\]{}]', re.DOTALL)
_KEY = '"(?:attachments|cell_type|execution_count|id|input|metadata|outputs|source)"'
_CELL_START = re.compile(rf"\{{\s*{_KEY}\s*:")
_CELL_LINE = re.compile(rf"^([ \t]*)\{{\s*{_KEY}\s*:", re.MULTILINE)
_SCRIPT_CELL = re.compile(r"^# (?:In\[[ \d]*\]:|%%.*)[ \t]*$", re.MULTILINE)
_PYTHON = re.compile(r"^(?:def|class|import|from)[ \t]+\w", re.MULTILINE)
_CONFLICT = re.compile(r"<{7}|\|{7}|={7}|>{7}")
_CONFLICT_CELL = re.compile(  # as nbdime writes it
    r"\s*(?:<[^>]*>|[*`#]|\s)*(<{7}|\|{7}|={7}|>{7})(?:[^<>|=]|<[^<>]*>)*\s*"
)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\Z)', re.DOTALL)


@dataclass(eq=False)
class SalvagedCell:
    r"""A submitted cell, as far as it could be read.

    Attributes:
        kind: "code", "markdown" or "raw".
        source: its text, with `\n` at line ends, without NUL and half characters.
        id: its cell id, or an empty string.
        marks: what its metadata holds for nbgrader; anything may stand in it.
        attachments: pictures that its text shows: data by media type, by name.
    """

    kind: str
    source: str
    id: str = ""
    marks: dict[str, Any] = field(default_factory=dict)
    attachments: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """Its grade_id, or an empty string."""
        name = self.marks.get("grade_id")
        return name if isinstance(name, str) else ""


@dataclass(frozen=True)
class Salvaged:
    """What a file held.

    Attributes:
        cells: in order.
        notes: what was wrong with the file, a sentence each.
    """

    cells: list[SalvagedCell]
    notes: list[str]


class UnreadableError(Exception):
    """Nothing can be had from a file; the message is a sentence that says why."""


def salvage(data: bytes, name: str = "") -> Salvaged:
    """Return the cells that some bytes hold, and what was wrong with them.

    Args:
        data: the file.
        name: of the notebook that is meant, without extension, if an archive holds several.
    """
    notes: list[str] = []
    try:
        cells = _settled(_cells(_text(data, notes, name), notes), notes)
    except UnreadableError as error:
        return Salvaged([], [str(error)])
    if len(cells) > MAX_CELLS:
        notes.append(f"The notebook has {len(cells)} cells; the first {MAX_CELLS} were read.")
    return Salvaged(cells[:MAX_CELLS], notes)


# --- bytes ----------------------------------------------------------------------------------------


def _text(data: bytes, notes: list[str], name: str) -> str:
    """Return a file's text without what is bulky and not needed.

    Raises:
        UnreadableError: if it has none, or too much.
    """
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"The file is larger than {MAX_BYTES >> 20} MB and was not read.")
    if not data.strip(b"\0 \t\r\n"):
        raise UnreadableError("The file is empty.")
    for start, what in OTHERS.items():
        if data.startswith(start):
            raise UnreadableError(f"The file is {what}, not a notebook.")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        data, place = _unzipped(data, name)
        if place.rpartition("/")[2] != f"{name}.ipynb":
            notes.append("The file was a zip archive; the notebook in it was taken.")
    data = _without(_BULK, _in_ascii_superset(data, notes))
    if len(data) > MAX_TEXT:
        data = _without(_PICTURES, data)
        notes.append("The pictures in its text cells were too large and were left out.")
    if len(data) > MAX_TEXT:
        notes.pop()
        size = f"Even without its outputs the file has {len(data) >> 20} MB"
        raise UnreadableError(f"{size}; more than {MAX_TEXT >> 20} MB are not read.")
    return _decoded(data, notes)


def _unzipped(data: bytes, wanted: str) -> tuple[bytes, str]:
    """Return the one notebook in a zip archive, or the one that has this name, and its place there.

    Raises:
        UnreadableError: if there is none, or it isn't clear which.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [
                name
                for name in archive.namelist()
                if name.endswith(".ipynb") and not re.search(r"(?:^|/)(?:\.|__MACOSX)", name)
            ]
            called = [name for name in names if name.rpartition("/")[2] == f"{wanted}.ipynb"]
            names = called if len(names) > 1 and called else names
            if len(names) == 1:
                with archive.open(names[0]) as file:
                    return file.read(MAX_UNZIPPED), names[0]
            found = f"{len(names)} notebooks" if names else "no notebook"
    except Exception:  # a broken archive brings about a dozen kinds
        found = "nothing that could be unpacked"
    raise UnreadableError(f"The file is a zip archive, not a notebook; it holds {found}.")


def _in_ascii_superset(data: bytes, notes: list[str]) -> bytes:
    """Return UTF-16 and UTF-32 as UTF-8, and other bytes as they are."""
    encoding = json.detect_encoding(data)
    if encoding == "utf-8":
        return data
    if encoding == "utf-8-sig":
        return data[3:]
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        text = data.decode(encoding, "replace" if marked else "strict")
    except UnicodeDecodeError:
        return data
    notes.append(f"The file was saved as {encoding.upper()[:6]} instead of UTF-8.")
    return text.encode("utf-8", "replace")


def _without(bulk: re.Pattern[bytes], data: bytes) -> bytes:
    """Return a large file without what may be far larger than the rest, such as its outputs.

    What has no end is left in.
    """
    if len(data) <= MAX_TEXT // 4:
        return data
    kept, position, brackets = [], 0, 0
    while match := bulk.search(data, position):
        end, depth = match.end(), 0
        while brackets < MAX_BRACKETS and (token := _TO_BRACKET.match(data, end)):
            brackets += 1
            end = token.end()
            depth += 1 if data[end - 1] in b"[{" else -1
            if depth <= 0:
                break
        else:
            break
        kept += [data[position : match.end()], b"[]"]
        position = end
    return b"".join([*kept, data[position:]])


def _decoded(data: bytes, notes: list[str]) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    if not data.decode("utf-8", "ignore").isascii():
        notes.append("The file held characters that are not UTF-8; they were replaced.")
        return data.decode("utf-8", "replace")
    notes.append("The file was not saved as UTF-8; it was read as Western European text.")
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


# --- text -----------------------------------------------------------------------------------------


def _cells(text: str, notes: list[str]) -> list[SalvagedCell]:
    """Return a text's cells.

    Raises:
        UnreadableError: if it has none.
    """
    value = _json(text, notes)
    found = _cell_values(value)
    if found is not None:
        if found is value:
            notes.append("The file held a notebook's cells alone; they were read.")
        return [cell for cell in map(_cell, found) if cell]
    if value is not None and not _CELL_START.search(text):
        raise UnreadableError("The file is JSON, but not a notebook.")
    cells = _fragments(text)
    if cells:
        notes.append("The file was damaged; the cells that could still be read were recovered.")
        return cells
    return _script(text, notes)


def _json(text: str, notes: list[str]) -> Any:
    """Return the value that a text holds as JSON, or nearly; None if it doesn't."""
    try:
        return json.loads(text, cls=None, parse_int=_DECODER.parse_int)
    except (ValueError, RecursionError, MemoryError):
        pass
    resolved = _first_side(text) if "<<<<<<<" in text else text
    start = re.search(r"[\[{]", resolved)
    try:
        value, _ = _DECODER.raw_decode(resolved, start.start() if start else 0)
    except (ValueError, RecursionError, MemoryError):
        value = _python_literal(resolved)
    if _cell_values(value) is None:
        return None
    if resolved != text:
        notes.append("The file held both sides of a merge conflict; the first was read.")
    else:
        notes.append("The file was not valid JSON; its faults were passed over.")
    return value


def _first_side(text: str) -> str:
    """Return a text with git's merge conflicts settled in favour of their first side.

    Git can be told to write what both come from between the two, after a line of bars.
    """
    kept, within = [], ""
    for line in text.splitlines(keepends=True):
        mark = _CONFLICT.match(line)
        if mark and (mark[0][0] in "<>" or within):
            within = mark[0][0]
        elif within not in ("|", "="):
            kept.append(line)
    return "".join(kept)


def _settled(cells: list[SalvagedCell], notes: list[str]) -> list[SalvagedCell]:
    """Return cells without what a merge has left: marks within them, or in cells of their own."""
    kept, within = [], ""
    for cell in cells:
        alone = _CONFLICT_CELL.fullmatch(cell.source) if len(cell.source) < 200 else None
        if alone and (alone[1][0] in "<>" or within):
            within = alone[1][0]
            continue
        if within in ("|", "="):
            continue
        if re.search("^<{7}", cell.source, re.M) and re.search("^>{7}", cell.source, re.M):
            cell = replace(cell, source=_first_side(cell.source).rstrip("\n"))
        kept.append(cell)
    if within not in ("", ">"):
        return cells  # no end: they are no marks
    before = {cell.source for cell in cells}
    if len(kept) < len(cells) or any(cell.source not in before for cell in kept):
        notes.append("Cells held both sides of a merge conflict; the first was read.")
    return kept


def _python_literal(text: str) -> Any:
    """Return the value of a notebook written as Python writes a dict, in single quotes."""
    if not text.lstrip().startswith("{'") or len(text) > MAX_TEXT // 16:
        return None
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


def _cell_values(value: Any, depth: int = 2) -> list[Any] | None:
    """Return what stands for cells in a notebook of any format; None if it is no notebook."""
    match value:
        case {"cells": list(cells)}:
            return cells
        case {"worksheets": list(sheets)}:
            lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
            return [cell for cells in lists if isinstance(cells, list) for cell in cells]
        case {"content": dict(content)} if depth:  # as Jupyter's server hands it out
            return _cell_values(content, depth - 1)
        case list(cells) if any(isinstance(cell, dict) and "cell_type" in cell for cell in cells):
            return cells
    return None


def _cell(value: Any) -> SalvagedCell | None:
    if not isinstance(value, dict):
        return None
    kind = value.get("cell_type")
    source = value.get("source", value.get("input", ""))
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    text = _clean(source) if isinstance(source, str) else ""
    level = value.get("level")
    if kind == "heading" and isinstance(level, int) and 0 < level < 7:
        text = "#" * level + " " + text
    metadata = value.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = value.get("id")
    return SalvagedCell(
        kind=kind if kind in KINDS else "markdown" if kind in ("heading", "html") else "raw",
        source=text,
        id=name if isinstance(name, str) else "",
        marks=marks if isinstance(marks, dict) else {},
        attachments=_attachments(value.get("attachments")),
    )


def _attachments(value: Any) -> dict[str, dict[str, str]]:
    if not isinstance(value, dict):
        return {}
    return {
        _clean(name): {_clean(kind): _clean(d) for kind, d in data.items() if isinstance(d, str)}
        for name, data in value.items()
        if isinstance(name, str) and isinstance(data, dict) and all(map(_is_text, data))
    }


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _clean(text: str) -> str:
    text = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    try:
        text.encode()
    except UnicodeEncodeError:  # halves of characters
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


# --- damaged notebooks ----------------------------------------------------------------------------


def _fragments(text: str) -> list[SalvagedCell]:
    """Return the whole cells of damaged JSON, and of damaged cells what can be read."""
    cells: list[SalvagedCell] = []
    position = failures = 0
    gap: int | None = None
    for match in _CELL_START.finditer(text):
        start = match.start()
        if start < position:
            continue
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError, MemoryError):
            failures += 1
            gap = text.rfind("\n", position, start) + 1 or start if gap is None else gap
            if failures > MAX_FAILURES:
                break
            continue
        is_cell = (
            isinstance(value, dict) and "cell_type" in value and {"source", "input"} & set(value)
        )
        if is_cell and (cell := _cell(value)):
            if gap is not None:
                cells += _damaged(text[gap:start])
            cells.append(cell)
            position, gap = end, None
    if gap is not None:
        cells += _damaged(text[gap:])
    return cells


def _damaged(text: str) -> Iterator[SalvagedCell]:
    """Yield damaged cells that follow each other in a text, told apart by their indentation."""
    starts = list(_CELL_LINE.finditer(text))
    firsts = [match.start() for match in starts if len(match[1]) == len(starts[0][1])] or [0]
    for start, end in zip(firsts, [*firsts[1:], len(text)], strict=True):
        part = text[start:end]
        source = _damaged_source(part)
        if not source.strip():
            continue
        kind = _word(part, "cell_type") or "code"
        mark = _word(part, "grade_id")
        marks = {"grade_id": mark} if mark else {}
        yield SalvagedCell(kind if kind in KINDS else "raw", source, _word(part, "id"), marks)


def _word(text: str, key: str) -> str:
    match = re.search(rf'"{key}"\s*:\s*"([\w-]+)"', text)
    return match[1] if match else ""


def _damaged_source(text: str) -> str:
    """Return the source of a damaged cell, line by line if it was written so."""
    match = re.search(r'(?<!\\)"(?:source|input)"\s*:\s*(\[?)', text)
    if not match:
        return ""
    rest = text[match.end() :]
    if not match[1]:
        string = _STRING.match(rest)
        return _clean(_unescaped(string[1])) if string else ""
    if "\n" not in rest.strip():
        return _clean("".join(_unescaped(string[1]) for string in _STRING.finditer(rest)))
    lines = []
    for line in rest.splitlines():
        line = line.strip()
        if line.startswith("]"):
            break
        if line.startswith('"'):
            lines.append(_unescaped(line[1:].removesuffix(",").removesuffix('"')))
    return _clean("".join(lines))


def _unescaped(inner: str) -> str:
    """Return what stands between the quotes of a JSON string, forgiving what can be."""
    quoted = re.sub(r'(\\.)|"', lambda match: match[1] or r"\"", inner, flags=re.DOTALL)
    try:
        return str(_DECODER.decode(f'"{quoted}"'))
    except ValueError:
        return inner.replace(r"\n", "\n").replace(r"\"", '"')


# --- files that are no notebooks ------------------------------------------------------------------


def _script(text: str, notes: list[str]) -> list[SalvagedCell]:
    """Return a Python file's cells.

    Raises:
        UnreadableError: if it is no Python either.
    """
    start = text.lstrip()[:2000].lower()
    if start.startswith(("<!doctype html", "<html", "<?xml")):
        raise UnreadableError("The file is a web page, not a notebook.")
    if sum(text.count(chr(code)) for code in range(9)) > len(text) / 100:
        raise UnreadableError("The file holds binary data, not a notebook.")
    if not _PYTHON.search(text) or start.startswith("{"):
        raise UnreadableError("The file is not a notebook, and no cell can be found in it.")
    notes.append("The file is a Python script, not a notebook; its code was taken.")
    return [
        SalvagedCell("code", _clean(part).strip("\n")) for part in _SCRIPT_CELL.split(text) if part
    ]
