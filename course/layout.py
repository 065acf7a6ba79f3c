"""Find the course's folder and read its configuration, as nbgrader does.

Knows where things are, nothing of what stands in them.
"""

import importlib
import sys
from pathlib import Path

from traitlets.config import Config
from traitlets.config.loader import ConfigFileNotFound, PyFileConfigLoader

CONFIG = "nbgrader_config.py"


class CourseError(Exception):
    """Something that the person at the command line can fix; the message is one clear line."""


def find_root(start: Path) -> Path:
    """Return the nearest folder, from `start` upwards, that holds nbgrader_config.py.

    Raises:
        CourseError: if there is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / CONFIG).is_file():
            return folder
    raise CourseError(f"no {CONFIG} in {start} or above it: go into the course's folder first")


def load_config(root: Path) -> Config:
    """Return the course's nbgrader configuration; what it imports may lie beside it.

    Raises:
        CourseError: if the file is missing or can't be run.
    """
    if str(root) not in sys.path:
        # The last place: no file there takes that of a package, nor a copy of the helpers theirs.
        importlib.import_module("helpers")
        sys.path.append(str(root))
    try:
        config: Config = PyFileConfigLoader(CONFIG, path=str(root)).load_config()
    except ConfigFileNotFound:
        raise CourseError(f"{root / CONFIG} does not exist") from None
    except Exception as error:
        raise CourseError(f"{root / CONFIG}: {type(error).__name__}: {error}") from error
    config.CourseDirectory.root = str(root)
    return config
