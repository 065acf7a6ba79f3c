"""Give a reader their own copy of the released notebooks, in my_work/.

Copies files; what is in my_work/ already is theirs.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from course.layout import CourseError
from course.notebooks.assignment import FILE, RELEASE, SOURCE, Assignment, known_assignments
from course.notebooks.cells import NotebookError, is_solution, read
from helpers.standing import TO_DO

FOLDER = "my_work"


def make_workspace(root: Path) -> list[Path]:
    """Copy what my_work/ lacks of release/, and return the new files.

    Args:
        root: the course's folder.

    Raises:
        CourseError: if nothing has been released.
    """
    release = root / RELEASE
    files = sorted(
        path
        for path in release.rglob("*")
        if path.is_file() and path.name != FILE and ".ipynb_checkpoints" not in path.parts
    )
    if not files:
        raise CourseError(f"{release} is empty: run `course release` first")
    made = []
    for path in files:
        copy = root / FOLDER / path.relative_to(release)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError), copy.open("xb") as file:
            file.write(_copied(path))
            made.append(copy)
    return made


def _copied(path: Path) -> bytes:
    """Return a file's bytes; of a notebook as JupyterLab would save it.

    Opening a notebook, JupyterLab enters the kernel's version of Python, and marks it as unsaved
    unless that is there already.
    """
    data = path.read_bytes()
    if path.suffix != ".ipynb":
        return data
    from ipykernel.ipkernel import IPythonKernel  # takes a while, and only new files need it

    try:
        nb = json.loads(data)
        nb["metadata"]["language_info"] = dict(IPythonKernel.language_info)
    except (ValueError, LookupError, TypeError):
        return data
    return f"{json.dumps(nb, indent=1, ensure_ascii=False)}\n".encode()


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
    known = known_assignments(root)
    if not known:
        raise CourseError(f"{root} has no chapters: nothing is in {SOURCE}/ nor in {RELEASE}/")
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
        for assignment in known_assignments(root)
        for part in assignment.parts
    ]
    yield from (root / FOLDER / part for part in parts if (root / FOLDER / part).is_file())


def _is_to_do(path: Path) -> bool:
    try:
        cells = read(path).cells
    except (NotebookError, OSError):  # theirs, and damaged: they will want to see it
        return True
    return any(
        TO_DO in cell.source for cell in cells if cell.cell_type == "code" and is_solution(cell)
    )
