"""How far people scroll and how long they wait, in a real browser.

Run it with `python -m benchmarks.people [screens] [journeys]`. Needs Chromium and its driver, as
the tests in tests/browser do. It measures two things:

- screens: how far it is from an exercise's heading to the end of its verdict, in JupyterLab in a
  window of 1280 × 720 with the contents open, in heights of the notebook's visible part. The
  course's own solutions stand in the cells, all cells have run, test cells and hints are folded.
- journeys: what a student, an instructor and a self-learner wait for, step by step.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import nbformat
from selenium.webdriver.common.keys import Keys

from benchmarks.courses import COURSE, ROOT, environment, run
from course.notebooks.assignment import SOURCE
from course.notebooks.cells import TEST_PREFIX, grade_id, is_solution, model_answer, read
from course.notebooks.conventions import unmarked
from course.notebooks.source import SourceNotebook, source_notebooks
from helpers.standing import HEADING
from tests.browser.conftest import TOKEN, jupyter, open_browser, student_lab
from tests.browser.driving import Browser, Lab

T = TypeVar("T")
WIDTH, HEIGHT = 1280, 720
CHAPTER, NOTEBOOK = "01_activations", "activations"
RIGHT = "def sigmoid(x):\n    return 0.5 * (1 + np.tanh(np.asarray(x) / 2))"
LONGEST = 1200  # seconds that a notebook may take to run
SETTINGS = "lab/user-settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
# Every cell's top and bottom in the notebook, all of them really laid out, by the cell's id.
PLACES = """
const shown = nb.widgets.map(w => [w.model.sharedModel.id, w.node.getBoundingClientRect()]);
return [panel.content.node.getBoundingClientRect().height,
        Object.fromEntries(shown.map(([id, box]) => [id, [box.top, box.bottom]]))]
"""


@dataclass(frozen=True)
class Stretch:
    """How far it is from an exercise's statement to its verdict.

    Attributes:
        exercise: its grade_id.
        screens: in heights of what is seen of a notebook at once.
    """

    exercise: str
    screens: float


def screens(browser: Browser, scratch: Path) -> Iterator[str]:
    """Yield the lines of a table: a row a notebook."""
    sources = [source for source in source_notebooks(ROOT / SOURCE) if not source.lacks]
    home = scratch / "home"
    for source in sources:
        write_solved(source, home / "release")
    settings = home / "CONFIG" / SETTINGS
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"windowingMode": "none"}), encoding="utf-8")
    browser.driver.set_script_timeout(LONGEST)
    yield "| notebook | exercises | median | longest | of | within a screen |"
    yield "| --- | --- | --- | --- | --- | --- |"
    with student_lab(home, COURSE_PACE="short") as server:
        address = browser.wait(server.address)
        for source in sources:
            browser.size(WIDTH, HEIGHT)
            path = f"my_work/{source.assignment}/{source.name}.ipynb"
            lab = Lab(browser, f"{address}lab/tree/{path}?token={TOKEN}")
            lab.js("return app.commands.execute('notebook:run-all-cells').then(() => 1)")
            browser.run_later("setTimeout(done, 1000)")  # figures are laid out
            seen, places = lab.js(PLACES)
            yield row(source.name, list(stretches(source, seen, places)))
            lab.js("panel.context.model.dirty = false; return 1")
            lab.js("return panel.sessionContext.shutdown().then(() => (panel.dispose(), 1))")
            browser.run_later("setTimeout(done, 2000)")  # that it is closed is noted


def write_solved(source: SourceNotebook, release: Path) -> None:
    """Write a released notebook with the course's own solutions in it, and what lies beside it."""
    folder = release / source.assignment
    shutil.copytree(ROOT / "release" / source.assignment, folder, dirs_exist_ok=True)
    answers = {grade_id(c): c.source for c in source.notebook.cells if is_solution(c)}
    nb = read(ROOT / "release" / source.assignment / f"{source.name}.ipynb")
    for cell in nb.cells:
        if grade_id(cell) in answers:
            cell.source = model_answer(unmarked(answers[grade_id(cell)]))[0]
    nbformat.write(nb, folder / f"{source.name}.ipynb")


def stretches(
    source: SourceNotebook, seen: float, places: dict[str, tuple[float, float]]
) -> Iterator[Stretch]:
    """Yield each exercise's stretch.

    Args:
        source: the notebook.
        seen: the height of a screen.
        places: the top and the bottom of each cell, by its id.
    """
    start = ""
    ids = {grade_id(cell): cell.id for cell in source.notebook.cells}
    for cell in source.notebook.cells:
        if cell.cell_type == "markdown" and HEADING.search(cell.source):
            start = cell.id
        key = grade_id(cell)
        test = ids.get(f"{TEST_PREFIX}{key}")
        if is_solution(cell) and start and test:
            yield Stretch(key, (places[test][1] - places[start][0]) / seen)


def row(name: str, all_: Sequence[Stretch]) -> str:
    """Return a notebook's line of the table."""
    longest = max(all_, key=lambda one: one.screens)
    median = statistics.median(one.screens for one in all_)
    within = sum(one.screens <= 1 for one in all_)
    return (
        f"| {name} | {len(all_)} | {median:.1f} | {longest.screens:.1f} | {longest.exercise} "
        f"| {within} |"
    )


class Watch:
    """Notes how long steps take, and shows them as lines of a table."""

    def __init__(self, who: str) -> None:
        self.lines: list[str] = []
        self._who = who

    def time(self, what: str, step: Callable[[], T]) -> T:
        """Take a step, and return what it returns."""
        start = time.perf_counter()
        result = step()
        self.lines.append(f"| {self._who} | {what} | {time.perf_counter() - start:.1f} s |")
        return result


def journeys(browser: Browser, scratch: Path) -> Iterator[str]:
    """Yield the lines of a table: a row a step of a journey."""
    yield "| who | waits until | time |"
    yield "| --- | --- | --- |"
    for journey in (student, instructor, self_learner):
        browser.begin()
        browser.size(WIDTH, HEIGHT)
        folder = scratch / journey.__name__
        folder.mkdir()
        yield from journey(browser, folder)


def student(browser: Browser, home: Path) -> list[str]:
    """Open the first chapter, answer an exercise, validate, hand in."""
    watch = Watch("student")
    with student_lab(home, CHAPTER) as server:
        url = watch.time("JupyterLab has started", lambda: browser.wait(server.address))
        address = f"{url}lab/tree/my_work/{CHAPTER}/{NOTEBOOK}.ipynb?token={TOKEN}"
        lab = watch.time("the notebook is open", lambda: Lab(browser, address))
        watch.time("the first cell has run", lambda: lab.execute("setup"))
        lab.write("sigmoid", RIGHT)
        lab.execute("sigmoid")
        watch.time("the verdict is there", lambda: lab.execute("test_sigmoid"))
        lab.js("return app.commands.execute('docmanager:save').then(() => 1)")
        browser.click(".jp-Toolbar .validate-button, .validate-button", "Validate")
        watch.time("Validate has its say", lambda: browser.find(".jp-Dialog", "Validation "))
        watch.time("the chapter is handed in", lambda: command(home, "hand-in", "1"))
    return watch.lines


def instructor(browser: Browser, scratch: Path) -> list[str]:
    """Release, grade, give feedback, open formgrader: chapter 1, and one student's work."""
    watch = Watch("instructor")
    course, home = scratch / "course", scratch / "home"
    home.mkdir()
    shutil.copytree(ROOT / SOURCE / CHAPTER, course / SOURCE / CHAPTER)
    shutil.copy(ROOT / "nbgrader_config.py", course)
    watch.time("chapter 1 is released", lambda: command(course, "release", CHAPTER))
    watch.time("it is released again, unchanged", lambda: command(course, "release", CHAPTER))
    (source,) = source_notebooks(course / SOURCE)
    write_solved(source, course / "submitted" / "ada")
    watch.time("a student's work is graded", lambda: command(course, "grade", CHAPTER))
    watch.time("feedback is made", lambda: command(course, "feedback", CHAPTER))
    with jupyter(course, home) as server:
        url = browser.wait(server.address)
        page = f"{url}login?token={TOKEN}&next=/formgrader/gradebook/{CHAPTER}/{NOTEBOOK}"

        def opened() -> None:
            browser.open(page)
            browser.find("td a", "Submission #1")

        watch.time("formgrader shows the submissions", opened)
        browser.click("td a", "Submission #1")
        watch.time("formgrader shows one to mark", lambda: browser.find("input.score"))
    return watch.lines


def self_learner(browser: Browser, scratch: Path) -> list[str]:
    """Make the site, read a page, search, open a solution."""
    watch = Watch("self-learner")
    site = scratch / "html"
    watch.time("the site is made", lambda: command(ROOT, "site", "--into", str(site)))
    page = (site / CHAPTER / f"{NOTEBOOK}.html").as_uri()
    watch.time("a chapter is open, formulas too", lambda: browser.open(page))
    browser.find("input[name=q]").send_keys("saturated", Keys.ENTER)
    watch.time("a search has found", lambda: browser.find("#search-results a", "Chapter 1"))
    browser.open(page)
    folded = browser.run(
        "return [...document.querySelectorAll('summary')].find(s => s.textContent == 'Solution')"
    )
    browser.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", folded)

    def unfold() -> None:
        folded.click()
        browser.wait(lambda: browser.run("return arguments[0].parentElement.open", folded))

    watch.time("a solution is unfolded", unfold)
    return watch.lines


def command(folder: Path, *words: str) -> None:
    """Run `course` in a folder."""
    run([*COURSE, *words], folder, environment(folder.parent / "commands", ROOT))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="*", default=["screens", "journeys"])
    tables = {"screens": screens, "journeys": journeys}
    browser = open_browser()
    try:
        for name in parser.parse_args().what:
            with tempfile.TemporaryDirectory() as scratch:
                for line in tables[name](browser, Path(scratch)):
                    print(line, flush=True)
            print()
    finally:
        browser.driver.quit()


if __name__ == "__main__":
    main()
