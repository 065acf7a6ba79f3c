"""How tests drive a browser: what a person does, in few words."""

import json
from collections.abc import Callable
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE = 150  # seconds: nothing is proved by a machine that is busy
SERIOUS = ("serious", "critical")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # which root can't have; the pages are our own
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
)


def start(program: str, driver: str) -> "Browser":
    """Start Chromium without a window; it finds no machine but this one and notes what it asks for.

    Args:
        program: its path.
        driver: chromedriver's.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    for argument in ARGUMENTS:
        options.add_argument(argument)
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    chrome.set_script_timeout(120)
    return Browser(chrome)


class Browser:
    """A window with a page in it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def begin(self) -> None:
        """Open an empty page in a window of the usual size."""
        self.driver.get("about:blank")
        self.size(1400, 900)
        self.prefer("light")
        self.driver.get_log("performance")

    def size(self, width: int, height: int) -> None:
        """Give the window the size of a screen, in CSS pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, scheme: str) -> None:
        """Let the system prefer "light" or "dark" colors."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def open(self, address: str) -> None:
        """Go to a page, and wait for its formulas."""
        self.driver.get(address)
        self.wait(lambda: self.run("return document.readyState") == "complete")
        self.run_later("(window.MathJax?.startup?.promise ?? Promise.resolve()).then(done)")

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page."""
        return self.driver.execute_script(script, *arguments)

    def run_later(self, script: str) -> Any:
        """Run JavaScript that calls `done` with its result when it has one."""
        return self.driver.execute_async_script(f"const done = arguments[0]; {script}")

    def wait(self, condition: Callable[[], Any]) -> Any:
        """Wait until something is so, and return it."""
        return WebDriverWait(self.driver, PATIENCE, 0.1).until(lambda _: condition())

    def all(self, selector: str) -> list[WebElement]:
        """What is on the page now."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def find(self, selector: str, text: str = "") -> WebElement:
        """Wait for an element that is to be seen and holds a text."""

        def there() -> WebElement | None:
            found = self.run(
                "return [...document.querySelectorAll(arguments[0])].find("
                "e => e.checkVisibility() && e.textContent.includes(arguments[1]))",
                selector,
                text,
            )
            return found if isinstance(found, WebElement) else None

        element: WebElement = self.wait(there)
        return element

    def click(self, selector: str, text: str = "") -> None:
        """Click what `find` finds, once it stands still."""
        element = self.find(selector, text)
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        element.click()

    def keys(self, *keys: str) -> None:
        """Type into whatever has the focus."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def chord(self, *keys: str) -> None:
        """Press the last key while the others are held."""
        actions = webdriver.ActionChains(self.driver)
        for key in keys[:-1]:
            actions.key_down(key)
        actions.send_keys(keys[-1])
        for key in keys[:-1]:
            actions.key_up(key)
        actions.perform()

    def focus(self, text: str, most: int = 40) -> None:
        """Press Tab until what has the focus says this."""
        for _ in range(most):
            self.keys(Keys.TAB)
            if text in self.run("return document.activeElement.textContent"):
                return
        raise AssertionError(f"{most} times Tab, and never at {text!r}")

    def requests(self) -> set[str]:
        """The addresses that pages have asked for since they were last listed here."""
        found = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.add(message["params"]["request"]["url"])
        return found

    def findings(self, axe: str) -> list[str]:
        """What axe-core has against the page that is serious or critical, a line each."""
        self.run(axe)
        found = self.run_later(
            "axe.run(document, {resultTypes: ['violations']}).then(r => done(r.violations))"
        )
        return [
            f"{rule['impact']}: {rule['help']}: {node['html'][:200]}"
            for rule in found
            for node in rule["nodes"]
            if rule["impact"] in SERIOUS
        ]

    def sideways(self) -> int:
        """By how many pixels the page is wider than what is to be seen of it."""
        page = "document.documentElement"
        return int(self.run(f"return {page}.scrollWidth - {page}.clientWidth"))


class Lab:
    """A notebook in JupyterLab's window."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        browser.driver.get(address)
        self.js("return panel.sessionContext.ready.then(() => panel.context.ready).then(() => 1)")

    def js(self, script: str) -> Any:
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

    def go(self, cell: str) -> None:
        """Choose a cell."""
        self.js(
            f"const i = nb.widgets.findIndex(w => w.model.sharedModel.id == '{cell}');"
            "nb.activeCellIndex = i; nb.mode = 'command'; return nb.scrollToItem(i).then(() => i)"
        )

    def write(self, cell: str, code: str) -> None:
        """Write code into a cell in place of what is there."""
        self.go(cell)
        self.js("nb.mode = 'edit'; nb.activeCell.editor.focus(); return 1")
        self.browser.chord(Keys.CONTROL, "a")
        self.browser.driver.execute_cdp_cmd("Input.insertText", {"text": code})

    def execute(self, cell: str) -> str:
        """Run a cell with the keyboard, and return what stands below it."""
        self.go(cell)
        self.js("nb.activeCell.node.focus(); return 1")
        self.browser.chord(Keys.SHIFT, Keys.ENTER)
        self.browser.wait(lambda: self.about(cell, "w.model.executionState == 'idle'"))
        return str(self.about(cell, "w.outputArea.node.innerText"))

    def about(self, cell: str, what: str) -> Any:
        """Ask about a cell, `w`."""
        return self.js(
            f"const w = nb.widgets.find(w => w.model.sharedModel.id == '{cell}'); return {what}"
        )
