"""Give a reader their own copy of the released notebooks, in my_work/.

Copies files and nothing more; what is in my_work/ already is theirs.
"""

import contextlib
from pathlib import Path

from course.layout import CourseError

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
