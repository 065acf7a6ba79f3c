"""A browser, and what it is shown. Without Chromium and its driver these tests are skipped.

Debian: `apt-get install chromium chromium-driver`; for axe-core: `npm ci --prefix tests/browser`.
With BROWSER_TESTS=required what is missing is a failure.
"""

import functools
import os
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from course.authoring.site import make_site
from tests.browser.driving import Browser

ROOT = Path(__file__).parents[2]
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
    """Chromium without a window, that finds no machine but this one and notes what it asks for."""
    program = found("chromium chromium-browser google-chrome", "apt-get install chromium")
    driver = found("chromedriver", "apt-get install chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    for argument in (
        "--headless=new",
        "--no-sandbox",  # which root can't have; the pages are our own
        "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
    ):
        options.add_argument(argument)
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    chrome.set_script_timeout(120)
    yield Browser(chrome)
    chrome.quit()


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
