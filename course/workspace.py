"""Give a reader their own copy of the released notebooks, in my_work/.

Copies files and nothing more; what is in my_work/ already is theirs.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from course.layout import CourseError
from course.notebooks.assignment import SOURCE, Assignment, read_assignments
from course.notebooks.cells import NotebookError, read
from helpers.standing import State, exercises

FOLDER = "my_work"


def make_workspace(root: Path) -> list[Path]:
    """Copy what my_work/ lacks of release/, and return the new files.

    Args:
        root: the course's folder.

    Raises:
        CourseError: if nothing has been released.
    """
    release = root / "release"
    files = sorted(
        path
        for path in release.rglob("*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    )
    if not files:
        raise CourseError(f"{release} is empty: run `course release` first")
    made = []
    for path in files:
        copy = root / FOLDER / path.relative_to(release)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError), copy.open("xb") as file:
            file.write(path.read_bytes())
            made.append(copy)
    return made


def next_notebook(root: Path) -> Path:
    """Return the first notebook in my_work/ in which something is to be done; if none, the first.

    Args:
        root: the course's folder.

    Raises:
        CourseError: if there is none at all.
    """
    notebooks = list(_in_order(root))
    if not notebooks:
        raise CourseError(f"{root / FOLDER} has no notebooks: run `course workspace` first")
    return next((path for path in notebooks if _is_to_do(path)), notebooks[0])


def find_chapter(root: Path, name: str) -> Assignment:
    """Return a chapter by its folder's name, or by its number or the rest of that name.

    Args:
        root: the course's folder.
        name: such as "02_softmax", "2", "02" or "softmax".

    Raises:
        CourseError: if there is none; it names those that there are.
    """
    known = read_assignments(root / SOURCE)
    said = name.casefold()
    for one in known:
        number, _, rest = one.name.casefold().partition("_")
        numbered = said.isdecimal() and number.isdecimal() and int(said) == int(number)
        if numbered or (said and said in (one.name.casefold(), rest)):
            return one
    names = ", ".join(one.name for one in known)
    raise CourseError(f"there is no chapter {name}; there are: {names}")


def _in_order(root: Path) -> Iterator[Path]:
    parts = [
        Path(assignment.name, f"{part.notebook}.ipynb")
        for assignment in read_assignments(root / SOURCE)
        for part in assignment.parts
    ]
    yield from (root / FOLDER / part for part in parts if (root / FOLDER / part).is_file())


def _is_to_do(path: Path) -> bool:
    try:
        return any(one.state is not State.DONE for one in exercises(read(path).cells))
    except (NotebookError, OSError):  # theirs, and damaged: they will want to see it
        return True
