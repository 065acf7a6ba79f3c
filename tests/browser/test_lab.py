"""JupyterLab on a student's copy, as `make lab` opens it: an answer goes wrong and is mended."""

import pytest

from tests.browser.conftest import TOKEN, student_lab
from tests.browser.driving import Lab

NOTEBOOK = "my_work/01_activations/activations.ipynb"
WRONG = "def sigmoid(x):\n    return 1 / (1 + np.exp(np.asarray(x)))"
RIGHT = (
    "def sigmoid(x):\n    y = np.exp(-np.abs(x))\n"
    "    return np.where(np.asarray(x) >= 0, 1 / (1 + y), y / (1 + y))[()]"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of JupyterLab on a student's folder with the first chapter."""
    with student_lab(tmp_path_factory.mktemp("lab"), "01_activations") as server:
        yield server


@pytest.fixture
def untouched(lab, browser):
    """The first chapter, opened."""
    url = browser.wait(lab.address)
    return Lab(browser, f"{url}lab/tree/{NOTEBOOK}?token={TOKEN}")


@pytest.fixture
def opened(untouched):
    """The first chapter, opened, its set-up cell run."""
    untouched.execute("setup")
    return untouched


def test_it_opens_with_the_contents_and_unchanged(untouched, browser):
    assert "1.4" in browser.find("#table-of-contents", "1.4: relu").text
    version = untouched.js(
        "return panel.sessionContext.session.kernel.info.then("
        "info => new Promise(seen => setTimeout(() => seen(info.language_info.version), 500)))"
    )
    assert untouched.js("return panel.model.getMetadata('language_info').version") == version
    assert untouched.js("return panel.context.model.dirty") is False


def test_it_has_no_news_and_no_instructor_s_tools(untouched, browser):
    active = untouched.js("return app.listPlugins().filter(id => app.isPluginActivated(id))")
    assert "@jupyter/nbgrader:validate-assignment" in active
    off = ("create-assignment", "formgrader", "course-list", "assignment-list", "menu")
    assert not {f"@jupyter/nbgrader:{name}" for name in off} & set(active)
    assert "@jupyterlab/apputils-extension:announcements" not in active
    assert "Nbgrader" not in browser.find(".lm-MenuBar", "File").text
    assert "Jupyter news" not in browser.run("return document.body.innerText")


def test_a_wrong_answer_is_diagnosed_mended_and_validated(opened, browser):
    opened.write("sigmoid", WRONG)
    opened.execute("sigmoid")
    said = opened.execute("test_sigmoid")
    assert "✗" in said
    assert "sign" in said

    opened.write("sigmoid", RIGHT)
    opened.execute("sigmoid")
    said = opened.execute("test_sigmoid")
    assert "✓" in said
    assert "✗" not in said

    hidden = "w.inputHidden"
    assert opened.about("test_sigmoid", hidden)
    assert not opened.about("sigmoid", hidden)
    opened.go("test_sigmoid")
    browser.find(
        ".jp-Cell.jp-mod-active .jp-InputPlaceholder, .jp-mod-active .jp-Placeholder"
    ).click()
    browser.wait(lambda: not opened.about("test_sigmoid", hidden))


def test_validate_says_one_line_of_every_exercise_and_shows_no_test(opened, browser):
    browser.click(".jp-Toolbar .validate-button, .validate-button", "Validate")
    dialog = browser.find(".jp-Dialog", "Validation ")
    lines = dialog.text.splitlines()
    assert "Validation Results" in lines
    for exercise in ("1.4 relu", "1.5 numerical_diff", "1.10 why"):
        assert len([line for line in lines if line.startswith(f"– {exercise}")]) == 1
    for of_a_test in ("Question", "q.check", "Partial credit"):
        assert of_a_test not in dialog.text


def test_below_the_set_up_cell_stands_how_far_one_is(opened, browser):
    said = opened.about("setup", "w.outputArea.node.innerText")
    assert "Chapter 1: 0 of 14 exercises, next 1.1 step_function." in said
