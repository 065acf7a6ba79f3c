"""Empty the tests in the instructor's notebook."""

import json
from pathlib import Path

import numpy as np


def double(f, x):
    return np.zeros_like(x)


path = Path("COURSE_FOLDER/source/00_doubling/doubling.ipynb")
nb = json.loads(path.read_text())
for cell in nb["cells"]:
    if cell["id"].startswith("test_"):
        cell["source"] = "q = Question('Double', 4)\nq.points"
path.write_text(json.dumps(nb))
