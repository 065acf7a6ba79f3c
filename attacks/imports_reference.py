"""Run the instructor's notebook with the course's own runner."""

import sys
from pathlib import Path

sys.path.insert(0, "COURSE_FOLDER")
from course.notebooks.cells import read
from course.notebooks.runner import reference

path = Path("COURSE_FOLDER/source/00_doubling/doubling.ipynb")
double = reference(read(path), "doubling")["double"]
