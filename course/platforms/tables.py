"""Read any CSV file that a platform or a spreadsheet has written, and write one that is safe.

Knows nothing of what stands in the columns.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from course.layout import CourseError

MAX_BYTES = 32 << 20
DELIMITERS = ",;\t"
FORMULA = ("=", "+", "-", "@")  # what a spreadsheet begins to compute at
_AS_TEXT = re.compile(r'="([^"]*)"')  # how spreadsheets are kept from taking 0042 for a number
_ROUNDED = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        number: the line of the file on which it ends.
        values: by the column's place; all are text, without line breaks and control characters.
    """

    number: int
    values: tuple[str, ...]

    def __getitem__(self, column: int | None) -> str:
        """Return a value; an empty text if the row, or the table, hasn't got that column."""
        return self.values[column] if column is not None and column < len(self.values) else ""


@dataclass(frozen=True)
class Table:
    """A CSV file's content.

    Attributes:
        path: the file.
        header: the columns' names, as they are written.
        rows: the others; those with nothing in them are left out.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def column(self, *names: str) -> int | None:
        """Return the place of the first of these columns that is there, however capitalized."""
        known = [plain(name) for name in self.header]
        return next((known.index(plain(name)) for name in names if plain(name) in known), None)


def plain(name: str) -> str:
    """Return a name's letters and digits, all small, by which it is compared."""
    return re.sub(r"[\W_]+", "", name).casefold()


def is_rounded(value: str) -> bool:
    """Tell whether a spreadsheet has written a long number in its short form, such as 1.2E+11."""
    return bool(_ROUNDED.fullmatch(value))


def read_table(path: Path) -> Table:
    """Read a CSV file with commas, semicolons or tabs, in UTF-8, UTF-16 or Windows-1252.

    Raises:
        CourseError: if it can't be read, or is no table.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CourseError(f"{path} is larger than {MAX_BYTES >> 20} MiB")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise CourseError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if data.startswith((b"PK", b"%PDF", b"\xd0\xcf\x11\xe0")):
        raise CourseError(f"{path} is not a CSV file: export or save it as one")
    text = _decoded(data).replace("\0", "")
    try:
        rows = list(_rows(text, _delimiter(text)))
    except csv.Error as error:
        raise CourseError(f"{path} is not a CSV file: {error}") from None
    if not rows:
        raise CourseError(f"{path} is empty")
    return Table(path, rows[0].values, tuple(rows[1:]))


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _delimiter(text: str) -> str:
    """Return what stands between the columns of the first line, where most of them come of it."""
    first = next((line for line in text.splitlines() if line.strip(DELIMITERS + ' "')), "")
    return max(DELIMITERS, key=lambda one: len(next(csv.reader([first], delimiter=one), [])))


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for values in reader:
        row = Row(reader.line_num, tuple(map(_clean, values)))
        if any(row.values):
            yield row


def _clean(value: str) -> str:
    """Return a value in one line; what can't be printed becomes a blank, or goes."""
    value = " ".join(value.split())
    found = _AS_TEXT.fullmatch(value)
    return "".join(filter(str.isprintable, found[1] if found else value)).strip()


def table_text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a CSV file's content, with commas; no spreadsheet takes a value for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([harmless(value) for value in header])
    writer.writerows([harmless(value) for value in row] for row in rows)
    return out.getvalue()


def harmless(value: str) -> str:
    """Return a value that no spreadsheet takes for a formula; a lone dash, or a number, is none."""
    is_number = re.fullmatch(r"[+-]?\d*([.,]\d+)?|-", value)
    return f"'{value}" if value.startswith(FORMULA) and not is_number else value
