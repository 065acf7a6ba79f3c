"""What is shown of HTML that students wrote: all that is harmless, and the rest as text."""

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from nbconvert.filters import markdown2html

from course.grading.sanitize import BOX, OWN, clean_html, shown_text

HARMLESS = [
    "<h2>Why</h2><p>Because <em>so</em>.</p>",
    '<img alt="a photo" src="data:image/png;base64,AAAA">',
    '<img alt="a figure" src="figures/sigmoid.png" width="300">',
    "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>",
    "<details open><summary>Hint</summary>Look</details>",
    '<a href="https://example.org/a?b=c" title="a book" rel="noopener noreferrer">a book</a>',
    '<a href="#1.2" rel="noopener noreferrer">1.2</a>',
    '<div class="highlight"><pre><span class="k">def</span></pre></div>',
    "$a &lt; b$",
]


@pytest.mark.parametrize("html", HARMLESS)
def test_text_and_pictures_survive(html):
    assert clean_html(html).replace(' open=""', " open") == html


HARMFUL = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//x.test/a.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<<script>alert(1);//<</script>",
    "<script/xss src=//x.test/a.js></script>",
    '<img src=x onerror="alert(1)">',
    "<img src=x onerror=alert(1)//",
    "<img/src=x/onerror=alert(1)>",
    "<img src=x\fonerror=alert(1)>",
    '<img """><script>alert(1)</script>">',
    "<img src=`x` onerror=`alert(1)`>",
    '<img src="x` `<script>alert(1)</script>"` `>',
    "<img srcset='x 1x' onload=alert(1)>",
    '<img src="javascript:alert(1)">',
    '<img src="java\tscript:alert(1)">',
    '<img src=" &#14; javascript:alert(1)">',
    '<img src="data:text/html;base64,AAAA">',
    '<img src=" DATA:text/html,x">',
    '<img src="file:///etc/passwd">',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    "<svg></p><style><a title='</style><img src=x onerror=alert(1)>'>",
    "<math><mtext></p><style><img src=x onerror=alert(1)></style></mtext></math>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img onerror=x&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<textarea><p title='</textarea><img src=x onerror=alert(1)>'>",
    "<title><p title='</title><img src=x onerror=alert(1)>'>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'>",
    "<plaintext><img src=x onerror=alert(1)>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--><script>alert(1)</script>",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml <img src=x onerror=alert(1)>?>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href="java&#115;cript:alert(1)">x</a>',
    '<a href="java&Tab;script&colon;alert(1)">x</a>',
    '<a href="&#1;javascript:alert(1)">x</a>',
    '<a href="vbscript:msgbox(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="//x.test">x</a>',
    '<a target="_blank" ping="https://x.test" onclick="alert(1)">x</a>',
    "<a onmouseover=alert(1)>x</a>",
    '<iframe src="https://x.test"></iframe>',
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    '<object data="x.swf"></object><embed src="x">',
    '<form action="https://x.test"><input name="a" autofocus onfocus=alert(1)></form>',
    "<button formaction=javascript:alert(1)>x</button>",
    '<meta http-equiv="refresh" content="0;url=https://x.test">',
    '<link rel="stylesheet" href="https://x.test/a.css">',
    '<p style="background:url(javascript:alert(1))">x</p>',
    "<style>@import url(https://x.test/a.css)</style>",
    '<base href="https://x.test">',
    "<body onload=alert(1)>",
    "<video><source onerror=alert(1)></video><audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<details ontoggle=alert(1) open>x</details>",
    "<table background='javascript:alert(1)'><td background=javascript:alert(1)>x</table>",
    "<template><img src=x onerror=alert(1)></template>",
    b"<svg onload=alert(1)>",
]


@pytest.mark.parametrize("html", HARMFUL)
def test_nothing_runs(html):
    assert_harmless(clean_html(html))


def assert_harmless(html):
    """Fail if more than a few tags, attributes and addresses that run nothing are in HTML."""
    for tag in BeautifulSoup(html, "html.parser").find_all():
        assert tag.name in {"a", "b", "details", "img", "p", "table", "tbody", "td", "tr"}
        assert set(tag.attrs) <= {"alt", "href", "open", "rel", "src", "title"}
        assert ":" not in str(tag.get("src"))
        assert ":" not in str(tag.get("href"))


# Loaded from elsewhere, covering, hiding, or passing for a part of the page.
MISLEADING = {
    '<img src="https://x.test/seen.png">': "<img>",
    '<img src="http://x.test/seen.png">': "<img>",
    '<img src="//x.test/seen.png">': "<img>",
    '<img src="/logout">': "<img>",
    '<img src="/logout.png">': "<img>",
    '<img src="../../api/shutdown.png">': "<img>",
    '<img src="a/..%2f..%2fx.png">': "<img>",
    '<img src="x.png?see=me.png">': "<img>",
    '<img src="data:image/x;base64,AAAA">': "<img>",
    '<img width="99999" height="90%" src="a.png">': '<img src="a.png">',
    '<p style="color: white">10 of 10</p>': "<p>10 of 10</p>",
    '<div style="position: fixed; inset: 0; background: black"></div>': "<div></div>",
    '<div class="modal-backdrop in"></div>': "<div></div>",
    '<div class="alert alert-warning">Full marks</div>': "<div>Full marks</div>",
    '<div class="hidden sr-only k">a</div>': '<div class="k">a</div>',
    '<p id="test_double">a</p>': "<p>a</p>",
    '<a name="test_double">a</a>': '<a rel="noopener noreferrer">a</a>',
    '<a href="/formgrader">a</a>': '<a rel="noopener noreferrer">a</a>',
    '<td bgcolor="white">a</td>': "a",
    r"$\color{white}{10}$": "$\u2216color{white}{10}$",
    r"$\style{opacity: 0}{x}$ $\class{modal-backdrop}{x}$": (
        "$\u2216style{opacity: 0}{x}$ $\u2216class{modal-backdrop}{x}$"
    ),
    r"$\href{https://x.test}{x} \def\frac{1} \rule{99em}{99em}$": (
        "$\u2216href{https://x.test}{x} \u2216def\\frac{1} \u2216rule{99em}{99em}$"
    ),
    "$&#92;style{a}{b}$": "$\u2216style{a}{b}$",
    "$\\sty<!-- -->le{a}{b}$": "$\u2216style{a}{b}$",
}


@pytest.mark.parametrize("html", MISLEADING)
def test_nothing_is_loaded_hidden_or_passed_for_the_pages_own(html):
    assert clean_html(html) == MISLEADING[html]


@pytest.mark.parametrize(
    "formula",
    [r"$a \\style$", r"$\rulers + \letter$", r"$\frac{\partial L}{\partial b} \ge \text{so}$"],
)
def test_other_formulas_stay_as_they_are(formula):
    assert clean_html(formula) == formula


def test_a_box_of_the_courses_own_is_one_and_nobody_else_can_make_it():
    assert clean_html(f'<div class="{OWN}">a</div>') == f'<div class="{BOX}">a</div>'
    assert clean_html(f'<div class="{OWN} k">a</div>') == '<div class="k">a</div>'
    assert clean_html(f'<div class="{BOX}">a</div>') == "<div>a</div>"


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("\x1b[31mred\x1b[0m", '<span class="ansi-red-fg">red</span>'),
        ("\x1b[38;2;0;90;0mgreen", '<span style="color: rgb(0,90,0)">green</span>'),
        ("\x1b[38;2;255;255;255mwhite", "<span>white</span>"),
        ("\x1b[38;5;231mwhite", "<span>white</span>"),
        ("\x1b[48;2;0;0;0mblack", "<span>black</span>"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_what_is_printed_is_shown_in_colors_that_can_be_seen(printed, shown):
    assert shown_text(printed) == shown


# Most of these would be lost if they were read as tags.
TEXTS = [
    "a < b",
    "a <b, c> is a product",
    "it is a List<int> or a <class 'numpy.ndarray'>",
    "0 <x and y> 1",
    "<- so",
    "if <i",
    "<p or <q",
    "I would write <script> here, and then go on",
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_only_looks_like_html_survives_as_text(text):
    shown = BeautifulSoup(clean_html(text), "html.parser").text
    assert shown == text


def test_comments_are_dropped():
    assert clean_html("a<!-- <b> -->b") == "ab"


def test_half_a_character_is_no_error():
    assert clean_html("half a character: \ud800") == "half a character: ?"


@pytest.mark.parametrize("source", ["$a<b$ and $c>d$", "$$x_i<y_i$$", "`a<b>` and a<b", "1<2>0"])
def test_what_markdown_makes_of_formulas_and_code_survives(source):
    html = str(markdown2html(source))
    before, after = (BeautifulSoup(text, "html.parser").text for text in (html, clean_html(html)))
    assert after == before


PIECES = """
    < > </ /> " ' = <!-- --> <![CDATA[ ]]> &lt; &#60; x script style svg math b p img a table td
    details template onerror=alert(1) src= href= javascript: data: <img <a <td \0
""".split()  # noqa: SIM905


@given(st.lists(st.sampled_from([*PIECES, " "]), max_size=25).map("".join))
def test_whatever_is_written_what_is_left_is_harmless(html):
    cleaned = clean_html(html)
    assert_harmless(cleaned)
    assert clean_html(cleaned) == cleaned
