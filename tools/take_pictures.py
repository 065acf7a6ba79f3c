"""Take the pictures of the reading site that README.md shows: `python tools/take_pictures.py`.

Needs Chromium and its driver. Writes docs/pictures/.
"""

import shutil
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from course.authoring.site import make_site

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
READY = "(window.MathJax?.startup?.promise ?? Promise.resolve()).then(arguments[0])"
UNFOLD = (
    "document.querySelector('.back-to-top')?.remove();"
    "const all = [...document.querySelectorAll('details')];"
    "all.find(d => d.textContent.startsWith('Solution'))?.setAttribute('open', '');"
)
# name, page, section at its top, color scheme, width, height
SHOTS = [
    (
        "site_light",
        "01_activations/activations.html",
        "activations-sigmoid-text",
        "light",
        1100,
        640,
    ),
    ("site_dark", "04_backprop/layers.html", "layers-s1", "dark", 1100, 520),
    ("site_phone", "02_softmax/softmax.html", "softmax-ex2", "light", 390, 720),
]


def main() -> None:
    """Make the site in a temporary folder, and take every picture."""
    PICTURES.mkdir(exist_ok=True)
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--hide-scrollbars"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    with tempfile.TemporaryDirectory() as scratch:
        site = make_site(ROOT, Path(scratch, "html")).parent
        for name, page, section, scheme, width, height in SHOTS:
            feature = {"name": "prefers-color-scheme", "value": scheme}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
            size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            driver.get((site / page).as_uri())
            driver.execute_async_script(READY)
            driver.execute_script(UNFOLD)
            driver.execute_script(
                "document.getElementById(arguments[0]).scrollIntoView({behavior: 'instant'})",
                section,
            )
            driver.save_screenshot(str(PICTURES / f"{name}.png"))
    driver.quit()


if __name__ == "__main__":
    main()
