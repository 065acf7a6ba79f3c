"""Keep nbgrader's gradebook as it was when a step that writes to it fails.

Knows the gradebook as an SQLite file and nothing of what stands in it.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def unchanged_on_error(db: Path) -> Iterator[None]:
    """Put the gradebook back as it was before the block, if the block raises or is interrupted.

    The copy lies beside the gradebook while the block runs, so that it is still there if the
    computer goes down. The block must have closed its connections when it ends.

    Args:
        db: the SQLite file; if there was none before, there is none after an error.

    Raises:
        sqlite3.DatabaseError: if the file is no SQLite database; the block is not run.
    """
    existed = db.exists()
    with tempfile.TemporaryDirectory(prefix=f"{db.name}.before-", dir=db.parent) as folder:
        before = Path(folder) / db.name
        if existed:
            _copy(db, before)
        try:
            yield
        except BaseException:
            if existed:
                _copy(before, db)
            else:
                db.unlink(missing_ok=True)
            raise


def _copy(source: Path, target: Path) -> None:
    """Copy a database with SQLite's own backup, which is right even while it is being read."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
