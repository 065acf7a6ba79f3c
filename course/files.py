"""Walk through what was handed in, whatever its folders and names are like.

No link is followed, and nothing that a student can put into a folder makes the walk endless, or
fail. Knows nothing of notebooks.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

MAX_DEPTH = 32  # folders within folders
MAX_ENTRIES = 100_000
PATTERNS = "*?[]"  # characters that nbgrader takes for patterns of names
LONGEST = 40  # characters that are kept of a name that had to be changed
LETTERS = 8  # of the digest that follows them


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
    """Return why nbgrader can't take a folder of this name, in a sentence; "" if it can.

    nbgrader takes some characters for patterns, and no database takes half a character.
    """
    if not is_text(name):
        return "its folder has a name that is not UTF-8: rename it"
    if name != name.strip():
        return "its folder has a name that begins or ends with a blank: rename it"
    if not name.isprintable():
        return "its folder has a line break or another control character: rename it"
    if set(PATTERNS) & set(name):
        return "its folder has one of * ? [ ] in its name: rename it"
    return ""


def safe_name(name: str) -> str:
    """Return what a student's folder is called where nbgrader and the gradebook meet it.

    That is its own name, if they can take it. If not, each character that they can't take is "_",
    and what follows tells it from all others.
    """
    if not unusable(name) and not name.startswith("."):
        return name
    plain = "".join(
        letter if letter.isprintable() and letter not in PATTERNS else "_"
        for letter in name.strip().lstrip(".")
    )
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
    return f"{plain[:LONGEST].strip() or 'student'}-{digest[:LETTERS]}"


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


def trouble(error: OSError) -> str:
    """Return in one line which file could not be used, and why."""
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    said = error.strerror or " ".join(str(error).split())
    return printable(where + (said[:1].lower() + said[1:] or type(error).__name__))


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
