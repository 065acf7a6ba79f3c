"""Take the pictures that README.md and the manual show: `python -m tools.take_pictures [NAME ...]`.

Needs Chromium and its driver. Writes docs/pictures/: the site, verdicts and Validate in JupyterLab,
and of a simulated class its feedback, formgrader and the report in mid-term.
"""

import base64
import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from course.authoring.release import make_release
from course.authoring.site import make_site
from course.demo import make_demo
from course.grading.report import write_report
from course.grading.results import read_results
from course.notebooks.assignment import SOURCE
from tests.browser.conftest import TOKEN, jupyter, open_browser, student_lab
from tests.browser.driving import Browser, Lab

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
CHAPTER, LATER = "01_activations", ("02_softmax", "03_forward_pass")
COLORS = 96  # of a picture: text and boxes need no more
STUDENTS = 8
MIDDLING = "mateo.quispe"  # of that class, somebody who makes some mistakes
WRONG = "def sigmoid(x):\n    return 1 / (1 + np.exp(np.asarray(x)))"
RIGHT = "def sigmoid(x):\n    return 0.5 * (1 + np.tanh(np.asarray(x) / 2))"
UNFOLD = (
    "document.querySelector('.back-to-top')?.remove();"
    "const all = [...document.querySelectorAll('details')];"
    "all.find(d => d.textContent.startsWith('Solution'))?.setAttribute('open', '');"
)
# name, page, section at its top, color scheme, width, height
SITE = (
    ("site_light", f"{CHAPTER}/activations.html", "activations-sigmoid-text", "light", 1100, 640),
    ("site_dark", "04_backprop/layers.html", "layers-s1", "dark", 1100, 520),
    ("site_phone", "02_softmax/softmax.html", "softmax-ex2", "light", 390, 720),
)


def shoot(browser: Browser, name: str, clip: dict[str, float] | None = None) -> None:
    """Write a picture of what the window shows, or of a part of it."""
    area = {"clip": clip | {"scale": 1}} if clip else {}
    shot = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", **area})
    picture = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    few = picture.quantize(COLORS, dither=Image.Dither.NONE)
    few.save(PICTURES / f"{name}.png", optimize=True)


def take_site(browser: Browser, scratch: Path) -> None:
    """Take the site: light, dark, on a phone."""
    site = make_site(ROOT, scratch / "html").parent
    for name, page, section, scheme, width, height in SITE:
        browser.prefer(scheme)
        browser.size(width, height)
        browser.open((site / page).as_uri())
        browser.run(UNFOLD)
        browser.run(
            "document.getElementById(arguments[0]).scrollIntoView({behavior: 'instant'})", section
        )
        shoot(browser, name)


def take_lab(browser: Browser, scratch: Path) -> None:
    """Take verdicts of the three kinds, and what Validate says, in JupyterLab."""
    browser.size(1280, 720)
    with student_lab(scratch, CHAPTER) as server:
        url = browser.wait(server.address)
        lab = Lab(browser, f"{url}lab/tree/my_work/{CHAPTER}/activations.ipynb?token={TOKEN}")
        lab.execute("setup")
        for name, code in (("not_attempted", ""), ("wrong", WRONG), ("right", RIGHT)):
            if code:
                lab.write("sigmoid", code)
            lab.execute("sigmoid")
            lab.execute("test_sigmoid")
            lab.go("sigmoid")
            lab.js("nb.activeCell.node.scrollIntoView({block: 'start'}); return 1")
            browser.run_later("setTimeout(done, 500)")
            shoot(browser, f"verdict_{name}", None if name == "wrong" else cells(lab))
        browser.click(".jp-Toolbar .validate-button, .validate-button", "Validate")
        browser.find(".jp-Dialog", "Validation ")
        shoot(browser, "validate", box(browser, ".jp-Dialog-content"))


def cells(lab: Lab) -> dict[str, float]:
    """Return where the solution of the sigmoid and its verdict stand."""
    place = "w.node.getBoundingClientRect().toJSON()"
    first, last = lab.about("sigmoid", place), lab.about("test_sigmoid", place)
    height = last["bottom"] - first["y"]
    return {"x": first["x"], "y": first["y"], "width": first["width"], "height": height}


def box(browser: Browser, selector: str) -> dict[str, float]:
    """Return where an element stands."""
    place = "return arguments[0].getBoundingClientRect().toJSON()"
    found = browser.run(place, browser.find(selector))
    return {key: found[key] for key in ("x", "y", "width", "height")}


def take_class(browser: Browser, scratch: Path) -> None:
    """Take feedback, hand-grading and the report, when one chapter of three has been handed in."""
    course, small = scratch / "class", scratch / "course"
    shutil.copytree(ROOT / SOURCE / CHAPTER, small / SOURCE / CHAPTER)
    shutil.copy(ROOT / "nbgrader_config.py", small)
    make_demo(small, course, students=STUDENTS)
    for chapter in LATER:
        shutil.copytree(ROOT / SOURCE / chapter, course / SOURCE / chapter)
    make_release(course)
    page = course / "feedback" / MIDDLING / CHAPTER / "activations.html"
    for name, width, height in (("feedback", 1100, 720), ("feedback_phone", 390, 844)):
        browser.size(width, height)
        browser.open(page.as_uri())
        shoot(browser, name)
    browser.size(1100, 900)
    report = write_report(read_results(course), course / "report")
    browser.open(report.as_uri())
    shoot(browser, "report")
    home = scratch / "home"
    home.mkdir()
    browser.size(1100, 720)
    with jupyter(course, home) as server:
        url = browser.wait(server.address)
        browser.open(f"{url}login?token={TOKEN}&next=/formgrader/gradebook/{CHAPTER}/activations")
        browser.find("td a", "Submission #1")
        browser.click("td a", "Submission #1")
        field = browser.find("input.score#why_saturation")
        browser.run(
            "const answer = arguments[0].closest('.cell');"
            "(answer.previousElementSibling ?? answer)"
            ".scrollIntoView({behavior: 'instant'}); scrollBy(0, -60)",
            field,
        )
        browser.run_later("setTimeout(done, 500)")
        shoot(browser, "formgrader")


TAKEN: dict[str, Callable[[Browser, Path], None]] = {
    "site": take_site,
    "lab": take_lab,
    "class": take_class,
}


def main() -> None:
    """Take all pictures, or those of the parts that are named."""
    PICTURES.mkdir(exist_ok=True)
    browser = open_browser()
    for name in sys.argv[1:] or TAKEN:
        browser.begin()
        with tempfile.TemporaryDirectory() as scratch:
            TAKEN[name](browser, Path(scratch))
    browser.driver.quit()


if __name__ == "__main__":
    main()
