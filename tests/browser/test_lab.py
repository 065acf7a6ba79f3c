"""JupyterLab on a student's copy, as `make lab` opens it: an answer goes wrong and is mended."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

ROOT = Path(__file__).parents[2]
NOTEBOOK = "my_work/01_activations/activations.ipynb"
WRONG = "def sigmoid(x):\n    return 1 / (1 + np.exp(np.asarray(x)))"
RIGHT = (
    "def sigmoid(x):\n    y = np.exp(-np.abs(x))\n"
    "    return np.where(np.asarray(x) >= 0, 1 / (1 + y), y / (1 + y))[()]"
)
TOKEN = "only-for-this-test"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of JupyterLab on a folder with the released notebooks."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "release" / "01_activations", home / "my_work" / "01_activations")
    shutil.copy(ROOT / "nbgrader_config.py", home)
    scripts = sysconfig.get_path("scripts")
    places = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment = (
        os.environ
        | places
        | {
            "HOME": str(home),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_CONFIG_PATH": str(ROOT / "tools" / "lab"),
            "PATH": scripts + os.pathsep + os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
        }
    )
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--port=0"]
    command += ["--ServerApp.ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}"]
    command += ["--LabApp.expose_app_in_browser=True", "--log-level=WARN"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=log)
        yield home, server
        server.terminate()
        server.wait()


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
    home, server = lab

    def address():
        assert server.poll() is None, (home / "log").read_text()
        for path in (home / "RUNTIME").glob("jpserver-*.json"):
            return json.loads(path.read_text())["url"]
        return None

    url = browser.wait(address)
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


def test_validate_says_of_every_exercise_that_it_was_not_attempted(opened, browser):
    browser.click(".jp-Toolbar .validate-button, .validate-button", "Validate")
    dialog = browser.find(".jp-Dialog", "Validation ")
    lines = dialog.text.splitlines()
    assert "Validation Results" in lines
    for exercise in ("ReLU", "Numerical derivative"):
        assert lines.count(f"{exercise}: not attempted yet.") == 1
