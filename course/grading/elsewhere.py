"""A course's configuration for another folder, in which its work is graded: on trial, or far away.

There its folders have their usual names, and its gradebook is an SQLite file.
"""

from pathlib import Path

from course.grading.fingerprint import OWN_LINES
from course.layout import CONFIG

STEPS = ("source", "release", "submitted", "autograded")
GRADEBOOK = "gradebook.db"


def configure(folder: Path, text: str) -> None:
    """Write a course's configuration into another folder, with what is different there.

    Args:
        folder: the other folder.
        text: what stands in the course's own configuration.
    """
    own = {
        "CourseDirectory.root": str(folder),
        "CourseDirectory.db_url": f"sqlite:///{folder / GRADEBOOK}",
        **{f"CourseDirectory.{step}_directory": step for step in STEPS},
    }
    lines = [f"c.{key} = {value!r}\n" for key, value in own.items()]
    (folder / CONFIG).write_text("".join([text, OWN_LINES, *lines]), encoding="utf-8")
