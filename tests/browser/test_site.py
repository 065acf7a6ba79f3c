"""The reading site in a browser: a reader finds, turns pages, opens a solution, all offline."""

import re
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

ROOT = Path(__file__).parents[2]
PAGE = "01_activations/activations.html"

pytestmark = pytest.mark.slow


def test_a_reader_finds_a_word_and_turns_pages_and_nothing_leaves_the_machine(browser, site):
    browser.open(f"{site}/index.html")
    browser.find("input[name=q]").send_keys("saturated", Keys.ENTER)
    browser.click("#search-results a", "Chapter 1")
    browser.find("h1", "Chapter 1")
    assert "saturated" in browser.find(".highlighted", "saturated").text
    browser.click("a.next-page")
    browser.find("h1", "Chapter 2")
    browser.click("a.prev-page")
    browser.find("h1", "Chapter 1")
    asked = browser.requests()
    assert any("tex-svg-full.js" in address for address in asked)
    assert {a for a in asked if not a.startswith((site, "data:", "about:"))} == set()


def test_the_keyboard_skips_to_the_text_and_opens_a_solution(browser, site):
    browser.open(f"{site}/{PAGE}")
    browser.focus("Skip to content", most=2)
    outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    browser.keys(Keys.ENTER)
    folded = browser.run(
        "return [...document.querySelectorAll('summary')]"
        ".find(s => s.textContent == 'Solution').parentElement"
    )
    code = folded.get_attribute("textContent").strip().splitlines()[-1].strip()
    assert code
    assert code not in folded.text
    browser.run("arguments[0].closest('section').querySelector('a.headerlink').focus()", folded)
    browser.focus("Solution")
    browser.keys(Keys.ENTER)
    browser.wait(lambda: code in folded.text)


def test_dark_is_what_the_system_prefers_or_what_a_reader_chooses(browser, site):
    def ground():
        rgb = browser.run("return getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", rgb)[:3])) / 3

    browser.open(f"{site}/{PAGE}")
    assert ground() > 200
    browser.prefer("dark")
    browser.wait(lambda: ground() < 60)
    browser.prefer("light")
    browser.wait(lambda: ground() > 200)
    for _ in range(3):  # light, dark, as the system has it
        if ground() > 60:
            browser.click("button.theme-toggle")
    assert ground() < 60
    browser.open(f"{site}/glossary.html")
    assert ground() < 60
    browser.run("localStorage.clear()")


def test_chapters_show_their_formulas_and_figures_and_fit_a_phone_and_a_tablet(
    browser, site, thorough
):
    browser.size(390, 844)
    pages = ["index.html", "glossary.html", "exercises.html", "working.html"]
    for page in [*pages, *chapters()[:: 1 if thorough else 4]]:
        browser.open(f"{site}/{page}")
        unfold(browser)
        left, drawn, wrong, pictures = browser.run("""
            const count = selector => document.querySelectorAll(selector).length;
            const walk = document.createTreeWalker(
              document.querySelector("article"), NodeFilter.SHOW_TEXT);
            let left = [];
            while (walk.nextNode()) {
              const text = walk.currentNode;
              if (!text.parentElement.closest("pre, code, mjx-container, script, style")
                  && /\\$|\\*\\*|`|<\\/|\\]\\(/.test(text.data)) left.push(text.data);
            }
            return [left, count("mjx-container > svg") - count("article .math"),
              count("[data-mjx-error]"),
              [...document.images].filter(i => !i.alt || !i.naturalWidth).map(i => i.src)];
        """)
        assert (page, left, drawn, wrong, pictures) == (page, [], 0, 0, [])
        assert (page, browser.sideways()) == (page, 0)
        browser.size(1024, 768)
        assert (page, browser.sideways()) == (page, 0)
        browser.size(390, 844)


@pytest.mark.one_in(2)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, site, axe, scheme, thorough):
    browser.prefer(scheme)
    pages = ["index.html", "search.html?q=chain", "glossary.html", "exercises.html"]
    for page in [*pages, *chapters()[:: 1 if thorough else 5]]:
        browser.open(f"{site}/{page}")
        unfold(browser)
        assert (page, browser.findings(axe)) == (page, [])


def test_axe_would_find_a_picture_without_a_text(browser, site, axe):
    browser.open(f"{site}/index.html")
    browser.run("document.querySelector('article').append(new Image())")
    assert [line for line in browser.findings(axe) if line.startswith("critical: Images")]


def unfold(browser):
    """Open all that is folded, and let the page take note of it."""
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    browser.run_later("requestAnimationFrame(() => setTimeout(done, 0))")


def chapters():
    """The pages of all chapters."""
    paths = sorted((ROOT / "source").glob("*/*.ipynb"))
    return [f"{path.parent.name}/{path.stem}.html" for path in paths]
