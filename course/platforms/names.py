"""What Canvas and Moodle make of a student and a file when they give out what was handed in.

Canvas: `doejane_LATE_12345_67890_softmax-1.ipynb`, with the student's number and that of the file,
which grows with every upload. Moodle: `Jane Doe_12345_assignsubmission_file_/softmax.ipynb`, or
without the slash, with a number that stands for the student in this assignment alone. What comes
after these parts is the student's own choice, so they are read from the left.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

_CANVAS = re.compile(
    r"(?P<name>\w*?)(?P<late>_LATE)?_(?P<who>\d+)_(?P<file>\d+)_(?P<rest>.+)", re.DOTALL
)
_CANVAS_TEXT = re.compile(r"(?P<name>\w*?)(_LATE)?_(?P<who>\d+)_(text|link)\.html")
_CANVAS_ANONYMOUS = re.compile(r"(LATE_)?anon_\w+?_\d+_.+", re.DOTALL)
_MOODLE = re.compile(
    r"(?P<name>[^_]*)_(?P<who>\d+)_assignsubmission_(?P<kind>[a-z]+)(_(?P<rest>.*))?", re.DOTALL
)
_MOODLE_TEAM = re.compile(r"[^_]+_assignsubmission_[a-z]+(_.*)?", re.DOTALL)
_AGAIN = re.compile(r"(?P<stem>.+?)(-\d+|[ _]?\(\d+\))(?P<ending>(\.\w+)+)")


@dataclass(frozen=True)
class Sent:
    """A file that a platform has given out.

    Attributes:
        platform: "Canvas" or "Moodle".
        who: the platform's number of the student.
        name: the student's name, as the platform has written it.
        file: the file's name, with folders that the student has made, or none.
        late: whether the platform says so.
        order: grows with each upload; 0 where that isn't told.
        prefix: what stands before the file's name.
    """

    platform: str
    who: str
    name: str
    file: PurePosixPath
    late: bool
    order: int
    prefix: str


def sent(path: PurePosixPath) -> Sent | str:
    """Return what a path in a platform's archive says, or why it is of nobody; "" if unknown.

    Folders around the whole do no harm.
    """
    for place, part in enumerate(path.parts):
        last = place == len(path.parts) - 1
        below = path.parts[place + 1 :]
        if found := _MOODLE.fullmatch(part):
            if found["kind"] != "file":
                return "an online text, not a file"
            rest = found["rest"] or ""
            if rest or below:
                file = PurePosixPath(rest, *below)
                return Sent(
                    "Moodle",
                    found["who"],
                    found["name"],
                    file,
                    False,
                    0,
                    f"{found['name']}_{found['who']}",
                )
        elif _MOODLE_TEAM.fullmatch(part):
            return "handed in by a team: Moodle's file does not say by whom"
        elif not last:
            continue
        elif _CANVAS_TEXT.fullmatch(part):
            return "an online text or a link, not a file"
        elif found := _CANVAS.fullmatch(part):
            prefix = part[: found.start("rest") - 1]
            file = PurePosixPath(found["rest"])
            return Sent(
                "Canvas",
                found["who"],
                found["name"],
                file,
                bool(found["late"]),
                int(found["file"]),
                prefix,
            )
        elif _CANVAS_ANONYMOUS.fullmatch(part):
            return "anonymous: Canvas's file does not say by whom"
    return ""


def meant(name: str, expected: set[str]) -> str:
    """Return a file's name without what Canvas or a browser put in, if that makes an expected one.

    Args:
        name: such as `softmax-1.ipynb`.
        expected: the names that the assignment's files have.
    """
    found = _AGAIN.fullmatch(name)
    bare = f"{found['stem']}{found['ending']}" if found else name
    return next((one for one in expected if one.casefold() == bare.casefold()), name)
