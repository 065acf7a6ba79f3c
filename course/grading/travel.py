"""What travels between the machine that has the class and those that grade it: bytes and JSON.

Folders become archives, a gradebook's rows JSON. Nothing is pickled, no link is followed, and what
arrives stays within the folder that it is put into. Knows nothing of how anything is graded.
"""

import io
import json
import tarfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from nbgrader.api import Base
from sqlalchemy import DateTime, Interval, Table

from course.files import walk
from course.repair.folder import MAX_BYTES, SubmissionError
from course.rollback import Rows

MOST = 500 << 20  # bytes of a hand-in that travel
LEFT_OUT = "course.size"  # the size of a file that is too large to be graded, so travels without


def pack(folder: Path) -> bytes:
    """Return a folder and all below it as an archive; empty if there is no such folder.

    Links travel as links, files beyond what is graded as their sizes, and what is no ordinary file
    as a pipe, so that what is said of them there is what would be said here.

    Raises:
        SubmissionError: if that is more than `MOST` bytes in all.
    """
    if folder.is_symlink() or not folder.exists():
        return b""
    out, left = io.BytesIO(), MOST
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in (folder, *(walk(folder) if folder.is_dir() else ())):
            entry = archive.gettarinfo(path, str(Path(".", path.relative_to(folder))))
            if entry is None or entry.isdev():  # a socket or a device
                entry = tarfile.TarInfo(str(path.relative_to(folder)))
                entry.type = tarfile.FIFOTYPE
            if entry.islnk():  # the second name of a file
                entry.type, entry.linkname, entry.size = tarfile.REGTYPE, "", path.lstat().st_size
            if not entry.isreg():
                archive.addfile(entry)
                continue
            if entry.size > MAX_BYTES:
                entry.pax_headers, entry.size = {LEFT_OUT: str(entry.size)}, 0
            if (left := left - entry.size) < 0:
                raise SubmissionError(
                    f"it has more than {MOST >> 20} MiB, too much for a cluster: grade it with "
                    "--cluster none"
                )
            data = path.read_bytes() if entry.size else b""
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def unpack(data: bytes, folder: Path) -> None:
    """Put an archive's contents into a new folder; without any, there is none afterwards.

    Raises:
        ValueError: if it is no such archive, or if something in it would lie elsewhere.
    """
    if not data:
        return
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for entry in archive:
                target = folder / entry.name
                archive.extract(entry, folder, filter="tar")
                if size := entry.pax_headers.get(LEFT_OUT):
                    with target.open("r+b") as file:
                        file.truncate(int(size))
    except (tarfile.TarError, OSError) as error:
        raise ValueError(f"no archive of a folder: {error}") from None


def rows_to_json(rows: Rows) -> dict[str, list[dict[str, Any]]]:
    """Return rows of a gradebook as JSON has them, by their table's name."""
    return {
        table.name: [{name: _plain(value) for name, value in row.items()} for row in found.values()]
        for table, found in rows.items()
    }


def rows_from_json(found: Mapping[str, Any]) -> Rows:
    """Return what `rows_to_json` took.

    Raises:
        ValueError: if it is nothing of the kind.
    """
    try:
        return {
            (table := Base.metadata.tables[name]): {
                row["id"]: {key: _typed(table, key, value) for key, value in row.items()}
                for row in rows
            }
            for name, rows in found.items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no rows of a gradebook: {error!r}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else value


def _typed(table: Table, key: str, value: Any) -> Any:
    kind = table.c[key].type
    if value is not None and isinstance(kind, DateTime):
        return datetime.fromisoformat(value)
    if value is not None and isinstance(kind, Interval):
        return timedelta(seconds=value)
    return value


def letter(**parts: Any) -> str:
    """Return parts as one line of JSON, whatever characters names of files have."""
    return json.dumps(parts)
