"""Walk through what was handed in, whatever its folders and names are like.

No link is followed, and nothing that a student can put into a folder makes the walk endless, or
fail. Knows nothing of notebooks.
"""

from collections.abc import Iterator
from pathlib import Path

MAX_DEPTH = 32  # folders within folders
MAX_ENTRIES = 100_000


def walk(folder: Path) -> Iterator[Path]:
    """Yield a folder's files and folders, and those below, sorted in each folder.

    What lies more than 32 folders deep is passed over, as is what follows the first 100,000, and
    a folder that may not be read.
    """
    left = MAX_ENTRIES
    waiting = [(folder, 1)]
    while waiting and left > 0:
        here, depth = waiting.pop()
        below = []
        for path in _entries(here)[:left]:
            left -= 1
            yield path
            if depth < MAX_DEPTH and path.is_dir() and not path.is_symlink():
                below.append((path, depth + 1))
        waiting += reversed(below)


def too_deep(folder: Path) -> list[Path]:
    """Return the folders whose contents `walk` passes over because they lie too deep."""
    steps = len(folder.parts) + MAX_DEPTH
    return [path for path in walk(folder) if len(path.parts) == steps and path.is_dir()]


def unusable(name: str) -> str:
    """Return why a folder of this name can't be a student's, in a sentence; "" if it can.

    nbgrader takes some characters for patterns, and no database takes half a character.
    """
    if not is_text(name):
        return "the student's folder has a name that is not UTF-8: rename it"
    if name != name.strip():
        return "the student's folder has a name that begins or ends with a blank: rename it"
    if not name.isprintable():
        return "the student's folder has a line break or another control character: rename it"
    if set("*?[]") & set(name):
        return "the student's folder has one of * ? [ ] in its name: rename it"
    return ""


def is_text(name: str) -> bool:
    """Tell whether a name is UTF-8, as nbgrader's log and every database want it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(name: str) -> str:
    """Return a name, or a text of one line, as it can be shown and written down.

    It may hold anything: what would break the line, move on it or turn it around is spelled out.
    """
    return name if name.isprintable() else "".join(map(_spelled_out, name))


def _spelled_out(letter: str) -> str:
    if letter.isprintable():
        return letter
    if "\udc80" <= letter <= "\udcff":  # a byte of a name that is no UTF-8
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
