"""A browser, and what it is shown. Without Chromium and its driver these tests are skipped.

Debian: `apt-get install chromium chromium-driver`; for axe-core: `npm ci --prefix tests/browser`.
With BROWSER_TESTS=required what is missing is a failure.
"""

import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import nbformat
import pytest

from course.authoring.release import make_release
from course.authoring.site import make_site
from course.grading.grade import grade_class
from course.notebooks.cells import grade_id, is_solution, model_answer, read
from course.notebooks.conventions import unmarked
from course.notebooks.source import source_notebook
from course.workspace import make_workspace
from tests.browser.driving import Browser, start

ROOT = Path(__file__).parents[2]
CHAPTER = "01_activations"
TOKEN = "only-for-this-test"
WRONG = {
    "sigmoid": "def sigmoid(x):\n    return 1 / (1 + np.exp(np.asarray(x)))",
    "why_saturation": "<script>document.title = 'stolen'</script> Flat: $\\sigma' \\to 0$.",
}
AXE = Path(__file__).with_name("node_modules") / "axe-core" / "axe.min.js"


def found(names: str, install: str) -> str:
    """The first program of these that is there."""
    for name in names.split():
        if path := shutil.which(name):
            return path
    return missing(f"no {names.split()[0]}: {install}")


def missing(reason: str) -> str:
    if os.environ.get("BROWSER_TESTS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser for all tests."""
    window = open_browser()
    yield window
    window.driver.quit()


def open_browser() -> Browser:
    """Start the browser that is installed here."""
    program = found("chromium chromium-browser google-chrome", "apt-get install chromium")
    return start(program, found("chromedriver", "apt-get install chromium-driver"))


@pytest.fixture(autouse=True)
def _as_at_first(request: pytest.FixtureRequest) -> None:
    """Give each test a window of the usual size, bright, and nothing asked for yet."""
    if "browser" in request.fixturenames:
        request.getfixturevalue("browser").begin()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core, which looks for what people with disabilities can't use."""
    if not AXE.is_file():
        missing("no axe-core: npm ci --prefix tests/browser")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the course's own reading site."""
    folder = tmp_path_factory.mktemp("site") / "html"
    make_site(ROOT, folder)
    with served(folder) as address:
        yield address


class served:  # noqa: N801
    """A folder's files, served to this machine while a block runs."""

    def __init__(self, folder: Path) -> None:
        class Quiet(SimpleHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Print nothing."""

        handler = functools.partial(Quiet, directory=str(folder))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Jupyter:
    """A server of notebooks, formgrader among them."""

    process: subprocess.Popen[bytes]
    home: Path

    def address(self) -> str | None:
        """Return where it is, once it is there."""
        assert self.process.poll() is None, (self.home / "log").read_text()
        for path in (self.home / "RUNTIME").glob("jpserver-*.json"):
            with suppress(ValueError):  # it is just being written
                return str(json.loads(path.read_text())["url"])
        return None


@contextmanager
def jupyter(folder: Path, home: Path, **variables: str) -> Iterator[Jupyter]:
    """Serve a folder while a block runs, with settings of its own.

    Args:
        folder: where it starts.
        home: where it keeps what it writes.
        variables: more of its environment.
    """
    places = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    own = {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "PATH": sysconfig.get_path("scripts") + os.pathsep + os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--port=0"]
    command += ["--ServerApp.ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}"]
    command += ["--LabApp.expose_app_in_browser=True", "--log-level=WARN"]
    environment = os.environ | places | own | variables
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield Jupyter(process, home)
        finally:
            process.terminate()
            process.wait()


@contextmanager
def student_lab(home: Path, *chapters: str, **variables: str) -> Iterator[Jupyter]:
    """Serve a student's folder while a block runs, as `make lab` does.

    Args:
        home: an empty folder.
        chapters: that are released in it.
        variables: more of its environment.
    """
    for chapter in chapters:
        shutil.copytree(ROOT / "release" / chapter, home / "release" / chapter)
    shutil.copy(ROOT / "nbgrader_config.py", home)
    make_workspace(home)
    own = {
        "JUPYTER_CONFIG_PATH": str(ROOT / "tools" / "lab"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "my_work" / ".lab"),
    }
    layout = [sys.executable, "-m", "jupyter", "lab", "workspaces", "import"]
    layout.append(str(ROOT / "tools" / "lab" / "contents_open.json"))
    subprocess.run(layout, env=os.environ | own, check=True)
    with jupyter(home, home, **own, **variables) as server:
        yield server


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory, empty_gradebook: Path) -> Path:
    """The folder of a class of two, graded: one has made all right, the other two mistakes."""
    root = tmp_path_factory.mktemp("class")
    shutil.copytree(ROOT / "source" / CHAPTER, root / "source" / CHAPTER)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    shutil.copy(empty_gradebook, root)
    make_release(root)
    source = source_notebook(ROOT / "source" / CHAPTER / "activations.ipynb")
    answers_to = {grade_id(c): c.source for c in source.notebook.cells if is_solution(c)}
    right = {key: model_answer(unmarked(text))[0] for key, text in answers_to.items()}
    classmates: Mapping[str, Mapping[str, str]] = {"ada": right, "bob": right | WRONG}
    for student, answers in classmates.items():
        folder = root / "submitted" / student / CHAPTER
        shutil.copytree(root / "release" / CHAPTER, folder)
        nb = read(folder / "activations.ipynb")
        for cell in nb.cells:
            cell.source = answers.get(grade_id(cell), cell.source)
        nbformat.write(nb, folder / "activations.ipynb")
    grade_class(root, jobs=1)
    return root


@pytest.fixture(scope="session")
def copied(graded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of that class, for a test that changes its grades."""
    return Path(shutil.copytree(graded, tmp_path_factory.mktemp("copied") / "class"))
