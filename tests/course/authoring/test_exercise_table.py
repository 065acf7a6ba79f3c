"""docs/exercises.md: every exercise with its points and checks, as the source notebooks say."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest

from course.authoring.exercise_table import TABLE, exercise_table
from course.authoring.release import make_release
from course.notebooks.cells import is_manual, is_test, read
from course.notebooks.source import source_notebook

ROOT = Path(__file__).parents[3]
SOURCES = sorted((ROOT / "source").glob("*/*.ipynb"))

MADE = """\
| notebook | in code | in words | points |
|---|--:|--:|--:|
| [Doubling](#doubling) | 2 | 1 | 6 |
| **All** | 2 | 1 | 6 |

## Doubling

[`01_doubling/doubling.ipynb`](../release/01_doubling/doubling.ipynb)

| | exercise | points | checks you have | more when graded |
|---|---|--:|--:|--:|
| 1.1 | `double`, an old friend | 3 | 1 | 1 |
|  | `quadruple` | 1 | 1 | 0 |
| 1.3 | why twice? | 2 | read by a person |  |
"""


def edit(root, cell_id, text):
    path = root / "source/01_doubling/doubling.ipynb"
    nb = read(path)
    next(cell for cell in nb.cells if cell.id == cell_id).source = text
    nbformat.write(nb, path)


def test_each_exercise_has_its_number_title_points_and_numbers_of_checks(course_root):
    edit(course_root, "about_double", "### Exercise 1.1: `double`, an old friend (3 points)")
    edit(course_root, "expected", "### Exercise 1.3: why twice? (2 points)")
    path = course_root / "source/01_doubling/doubling.ipynb"
    nb = read(path)
    nb.cells.insert(-1, nb.cells.pop([cell.id for cell in nb.cells].index("expected")))
    nbformat.write(nb, path)
    assert exercise_table(course_root).endswith(MADE)


def test_parts_stand_in_their_order_whatever_the_files_are_called(course_root):
    folder = course_root / "source/01_doubling"
    parts = (folder / "assignment.toml").read_text()
    parts = parts.replace("[[part]]", '[[part]]\nnotebook = "zeros"\n\n[[part]]')
    (folder / "assignment.toml").write_text(parts)
    edit(course_root, "title", "# Chapter 1, part B. Again")
    shutil.copy(folder / "doubling.ipynb", folder / "zeros.ipynb")
    nb = read(folder / "zeros.ipynb")
    nb.cells[0].source = "# Chapter 1, part A. First"
    nbformat.write(nb, folder / "zeros.ipynb")
    headings = re.findall("^## (.+)$", exercise_table(course_root), re.MULTILINE)
    assert headings == ["Chapter 1, part A. First", "Chapter 1, part B. Again"]


def test_releasing_one_assignment_writes_the_table_of_all(course_root):
    sources = course_root / "source"
    shutil.copytree(sources / "01_doubling", sources / "02_again")
    make_release(course_root, ["01_doubling"])
    text = (course_root / TABLE).read_text()
    assert "02_again/doubling.ipynb" in text
    assert text == exercise_table(course_root)
    before = (course_root / TABLE).stat().st_mtime_ns
    make_release(course_root, ["02_again"])
    assert (course_root / TABLE).stat().st_mtime_ns == before


def test_the_committed_table_is_current():
    assert (ROOT / TABLE).read_text() == exercise_table(ROOT)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_exercise_of_the_course_is_in_it_under_its_number(path):
    nb = read(path)
    section = (ROOT / TABLE).read_text().split(f"](../release/{path.parent.name}/{path.name})")[1]
    rows = re.findall(r"^\| (?!\||exercise)(.*) \|$", section.split("\n## ")[0], re.MULTILINE)
    fields = [[field.strip() for field in row.split("|")] for row in rows]
    points = [c.metadata.nbgrader.points for c in nb.cells if is_test(c) or is_manual(c)]
    assert [float(row[2]) for row in fields] == points
    assert all(re.fullmatch(r"[\w.]+\.\d+", row[0]) for row in fields)
    in_code = [row for row in fields if row[3] != "read by a person"]
    for row, exercise in zip(in_code, source_notebook(path).exercises, strict=True):
        assert exercise.id in row[1]
        assert int(row[3]) + int(row[4]) == len(exercise.checks)
        assert int(row[4]) == len(exercise.hidden)


def test_links_lead_to_files_and_headings():
    text = (ROOT / TABLE).read_text()
    headings = {
        re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-")
        for line in re.findall(r"^## (.+)$", text, re.MULTILINE)
    }
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) == 2 * len(SOURCES)
    for link in links:
        assert link[1:] in headings if link[0] == "#" else (ROOT / "docs" / link).is_file()
