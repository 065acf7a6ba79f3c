"""JupyterLab on a student's copy, as `make lab` opens it: an answer goes wrong and is mended."""

import shutil

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser.conftest import ROOT, TOKEN, jupyter

NOTEBOOK = "my_work/01_activations/activations.ipynb"
WRONG = "def sigmoid(x):\n    return 1 / (1 + np.exp(np.asarray(x)))"
RIGHT = (
    "def sigmoid(x):\n    y = np.exp(-np.abs(x))\n"
    "    return np.where(np.asarray(x) >= 0, 1 / (1 + y), y / (1 + y))[()]"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of JupyterLab on a folder with the released notebooks."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "release" / "01_activations", home / "my_work" / "01_activations")
    shutil.copy(ROOT / "nbgrader_config.py", home)
    with jupyter(home, home, JUPYTER_CONFIG_PATH=str(ROOT / "tools" / "lab")) as server:
        yield server


class Lab:
    """A notebook in JupyterLab's window."""

    def __init__(self, browser, address):
        self.browser = browser
        browser.driver.get(address)
        self.js("return panel.sessionContext.ready.then(() => panel.context.ready).then(() => 1)")

    def js(self, script):
        """Run JavaScript that knows `app` and `panel`, when both are there."""
        self.browser.wait(
            lambda: self.browser.run(
                "return !!window.jupyterapp?.shell?.currentWidget?.content?.widgets?.length"
            )
        )
        return self.browser.run_later(
            "const app = window.jupyterapp, panel = app.shell.currentWidget, nb = panel.content;"
            f"Promise.resolve((() => {{ {script} }})()).then(done)"
        )

    def go(self, cell):
        """Choose a cell."""
        self.js(
            f"const i = nb.widgets.findIndex(w => w.model.sharedModel.id == '{cell}');"
            "nb.activeCellIndex = i; nb.mode = 'command'; return nb.scrollToItem(i).then(() => i)"
        )

    def write(self, cell, code):
        """Write code into a cell in place of what is there."""
        self.go(cell)
        self.js("nb.mode = 'edit'; nb.activeCell.editor.focus(); return 1")
        self.browser.chord(Keys.CONTROL, "a")
        self.browser.driver.execute_cdp_cmd("Input.insertText", {"text": code})

    def execute(self, cell):
        """Run a cell with the keyboard, and return what stands below it."""
        self.go(cell)
        self.js("nb.activeCell.node.focus(); return 1")
        self.browser.chord(Keys.SHIFT, Keys.ENTER)
        self.browser.wait(lambda: self.about(cell, "w.model.executionState == 'idle'"))
        return self.about(cell, "w.outputArea.node.innerText")

    def about(self, cell, what):
        """Ask about a cell, `w`."""
        return self.js(
            f"const w = nb.widgets.find(w => w.model.sharedModel.id == '{cell}'); return {what}"
        )


@pytest.fixture
def opened(lab, browser):
    """The first chapter, opened, its set-up cell run."""
    url = browser.wait(lab.address)
    notebook = Lab(browser, f"{url}lab/tree/{NOTEBOOK}?token={TOKEN}")
    notebook.execute("setup")
    return notebook


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
