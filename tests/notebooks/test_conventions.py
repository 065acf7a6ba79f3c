"""The source notebooks keep the conventions, and release/ and the figures are what they make."""

import ast
import contextlib
import io
import re
import tokenize
from pathlib import Path

import pytest

from course.authoring.release import check_current, leaks
from course.notebooks.bank import BankError
from course.notebooks.cells import is_manual, is_test, read
from course.notebooks.conventions import FIGURES, assignment_problems, problems
from helpers.panel import WITHIN

ROOT = Path(__file__).parents[2]
HEADING = re.compile(r"^### Exercise (?:[\w]+)\.(\d+): (.+) \((\d+) points?\)$", re.MULTILINE)
WORDS = {1: "an answer", 2: "two answers", 3: "three answers"}
# What a native reader stumbles over, each with what the course says instead.
STIFF = {
    r"(?<!\.)\b(one|\d) an? (class|pixel|digit|unit|layer|sample|epoch|trial|row)\b": "per",
    r"\bby heart\b": "memorize",
    r"\b(on the way back|the way back|on the way forward)\b": "backward pass, forward pass",
    r"\b(for ever|none the wiser|nobody noticed|famous|so it says)\b": "plain words",
    r"\b(hand|hands|handed) on\b": "pass on",
    r"\bread (right|wrong)\b": "classified correctly, misclassified",
    r"\b(sure and wrong|surer|surest)\b": "confident",
    r"\b(whoever|who has|who gets|who reads)\b": "you, or the thing itself",
    r"\b(condemn|foretold|bury|illness|melt|sister|good manners)\b": "plain words",
    r"\bthe truth\b(?! value)": "target",
    r"\b(lines?|pages?|numbers?|folders?|bias|row|activation) an? "
    r"(exercise|student|notebook|chapter|epoch|unit|layer|column)\b": "per",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\b(a|the) share of\b": "fraction",
    r"\b(leak into the past|has chosen can't report|did not make it)\b": "plain words",
}
# How long an answer in words should be: "In two to four sentences", "in 150 to 300 words".
LENGTH = re.compile(r"\b(?:in|write) (?:(\w+) (?:to|or) )?(\w+) (sentences|words)\b", re.IGNORECASE)
WRITTEN = "three four five six seven eight nine ten eleven twelve"
NUMBERS = {word: number for number, word in enumerate(WRITTEN.split(), start=3)}
# What helpers say in messages, too.
MESSAGES = {r"\b(is|are) wanted\b": "is expected, are expected"}
READ = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "exercises.md"),
    *sorted((ROOT / "helpers").rglob("*.py")),
]
SHOW = r'(?:plots\.show|sliders\.explore)\(\s*\w+,\s*"(\w+)"'


def test_a_source_notebook_keeps_the_conventions(source):
    assert problems(source) == []


def test_headings_number_the_exercises_and_say_what_each_is_worth(source):
    worth, headings = [], []
    for cell in source.notebook.cells:
        if is_test(cell) or is_manual(cell):
            worth.append(cell.metadata.nbgrader.points)
        elif cell.cell_type == "markdown":
            headings += HEADING.findall(cell.source)
    assert [int(points) for _, _, points in headings] == worth
    assert [int(number) for number, _, _ in headings] == list(range(1, len(worth) + 1))


def test_the_first_cell_says_what_the_notebook_is_worth(source):
    by_hand = [c.metadata.nbgrader.points for c in source.notebook.cells if is_manual(c)]
    tested = sum(exercise.points for exercise in source.exercises)
    marks = f"{sum(by_hand) + tested} points: {tested} graded by tests, {sum(by_hand)} for "
    assert f"{marks}{WORDS[len(by_hand)]} in words" in source.notebook.cells[0].source


def test_a_release_gives_nothing_away(source):
    if source.to_fill_in:
        pytest.skip(f"it can't be released yet: {source.to_fill_in[0]}")
    release = ROOT / "release" / source.assignment / source.path.name
    assert leaks(source.notebook, release.read_text(encoding="utf-8")) == []
    assert leaks(source.notebook, source.path.read_text(encoding="utf-8"))


def test_release_is_what_source_makes():
    assert check_current(ROOT) == []


@pytest.mark.parametrize("assignment", [path.parent for path in ROOT.glob("source/*/*.toml")])
def test_an_assignment_keeps_the_conventions(assignment):
    assert assignment_problems(assignment) == []


def test_every_figure_is_shown_by_a_cell():
    for folder in (ROOT / "source").iterdir():
        cells = [cell for path in folder.glob("*.ipynb") for cell in read(path).cells]
        shown = [name for cell in cells for name in re.findall(SHOW, cell.source)]
        assert sorted(shown) == sorted(path.stem for path in folder.glob(f"{FIGURES}/*"))


def in_strings(code, docstrings=True):
    """Return the text of a program's strings, a paragraph each."""
    tree = ast.parse(code)
    left_out = set()
    if not docstrings:
        bodies = [getattr(node, "body", None) for node in ast.walk(tree)]
        first = [body[0] for body in bodies if isinstance(body, list) and body]
        left_out = {node.value for node in first if isinstance(node, ast.Expr)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return "\n".join(
        " ".join(node.value.split())
        for node in texts
        if isinstance(node.value, str) and node not in left_out
    )


def in_comments(code):
    """Return the comments of a program; those of consecutive lines are one text."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return " ".join(token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT)


def stiff(text, patterns):
    """Return what of a text a native reader stumbles over, with what the course says instead."""
    return {
        match[0]: instead
        for pattern, instead in patterns.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    }


def test_a_notebook_keeps_to_plain_english(source):
    texts = [source.text]
    with contextlib.suppress(BankError):  # which a test of its own tells
        texts += [words for answer in source.bank.answers for words in answer.says]
    for cell in source.notebook.cells:
        if cell.cell_type == "code":
            texts += [in_strings(cell.source), in_comments(cell.source)]
    specification = source.folder / "specifications" / f"{source.name}.py"
    texts.append(in_strings(specification.read_text(encoding="utf-8"), docstrings=False))
    assert stiff("\n".join(texts), STIFF) == {}


@pytest.mark.parametrize("path", READ, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_helpers_and_the_manual_say_is_plain_english(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        text = in_strings(text) + "\n" + in_comments(text)
    assert stiff(" ".join(text.split()), STIFF | MESSAGES) == {}


def test_stiff_words_are_found_in_strings_and_comments_alone():
    code = '''
def mended(truth):
    """Return the truth."""
    raise ValueError("A number is "
                     "wanted")  # sure and wrong
'''
    text = f"{in_strings(code)}\n{in_comments(code)}"
    assert stiff(text, STIFF | MESSAGES).keys() == {
        "the truth",
        "is wanted",
        "sure and wrong",
    }
    assert stiff(in_strings(code, docstrings=False), STIFF | MESSAGES).keys() == {"is wanted"}


def test_a_link_names_the_chapter_that_it_leads_to(source):
    link = r"\[[Cc]hapter (\d+)(?:, part (\w))?\]\(([^)#]+\.ipynb)"
    for number, part, path in re.findall(link, source.text):
        title = read(source.folder / path).cells[0].source
        assert re.match(rf"# Chapter {number}{f', part {part}' if part else ''}[.,]", title), path


def test_a_picture_is_described_as_the_cell_that_draws_it_describes_it(source):
    """The title may say less; below a figure the two are one text."""
    if source.to_fill_in:
        pytest.skip("its pictures are still to be described")
    drawn = {}
    for cell in source.notebook.cells:
        for one in re.split(r"(?=plots\.show\()", cell.source if cell.cell_type == "code" else ""):
            if shown := re.search(SHOW, one):
                call = one.split("alt=")[1].split("\n)")[0]
                literals = re.findall(r'"((?:[^"\\]|\\.)*)"', call)
                drawn[shown[1]] = "".join(literals).replace('\\"', '"')
    for cell in source.notebook.cells[1:]:
        for alt, name in re.findall(r"!\[([^\]]*)\]\(figures/(\w+)\.png\)", cell.source):
            if cell.cell_type == "markdown" and name in drawn:
                assert alt == drawn[name], name
    for alt, name in re.findall(
        r"!\[([^\]]*)\]\(figures/(\w+)\.png\)", source.notebook.cells[0].source
    ):
        if name in drawn:
            assert drawn[name].startswith(alt.rstrip(".")), name


def test_text_below_a_fold_keeps_its_distance_in_jupyterlab(source):
    """There a fold has no margin, but a heading brings its own."""
    for cell in source.notebook.cells:
        if cell.cell_type == "markdown":
            for after in cell.source.split("</details>")[1:]:
                text = after.strip() and not after.lstrip().startswith(("<details>", "#"))
                assert after.startswith("\n\n<br>\n\n") == bool(text), f"{cell.id}: {after[:40]}"


def length(answer, unit):
    """Count the sentences or words of an answer, a formula or a piece of code being one word."""
    answer = answer.split("=== BEGIN MARK SCHEME ===")[0]
    answer = re.sub(r"```.*?```", "", answer, flags=re.DOTALL)
    answer = re.sub(r"\$[^$]*\$|`[^`]*`", "x", answer)
    return len(answer.split() if unit == "words" else re.findall(r"[.?!]+[)*\"”]*(?=\s|$)", answer))


def test_a_model_answer_is_no_longer_than_what_is_asked_for(source):
    """Of an investigation each of its answers is held against the length."""
    statement, held = "", 0
    for cell in source.notebook.cells:
        if HEADING.search(cell.source):
            statement = cell.source.split("<details>")[0]
        if is_manual(cell) and (asked := LENGTH.search(statement)):
            most = NUMBERS.get(asked[2]) or int(asked[2])
            for answer in re.split(r"\*\*(?:Model|One|Another) answer\b", cell.source):
                found = length(answer, asked[3])
                assert found <= most, f"{cell.metadata.nbgrader.grade_id}: {found} {asked[3]}"
            held += 1
    assert held or source.assignment == "08_project", "no answer in words has a length"


@pytest.mark.parametrize(
    ("text", "sentences", "words"),
    [
        ("One. Two, 0.5 of it: $a. b.$ (Three.) `x. y`?", 3, 8),
        ("**First.** Is it?\n\n```python\nnot. counted.\n```\n\nYes!", 3, 4),
        ("One.\n\n=== BEGIN MARK SCHEME ===\n1 point: not counted.", 1, 1),
    ],
)
def test_the_length_of_an_answer(text, sentences, words):
    assert (length(text, "sentences"), length(text, "words")) == (sentences, words)


def test_a_diagnosis_leads_to_a_heading(source):
    """Where to look is a section's heading, so that a panel can link to it."""
    text = "\n".join(cell.source for cell in source.notebook.cells if cell.cell_type == "markdown")
    headings = set(re.findall(r"^#+ (.+?) *$", text, re.MULTILINE))
    tests = [ast.parse(cell.source) for cell in source.notebook.cells if is_test(cell)]
    named = [node for test in tests for node in ast.walk(test) if isinstance(node, ast.keyword)]
    places = [ast.literal_eval(node.value) for node in named if node.arg == "see"]
    assert len(places) == len(tests)
    assert [place for place in places if place.partition(WITHIN)[0] not in headings] == []


# Of each exhibit of a bug museum: the cell where its fault is to be named, and what would tell it.
TELLING = {
    ("activations", "exhibit_sigmoid"): ("guess_exhibit_sigmoid", r"a valley|\\sigma\(\|x\|\)"),
    ("activations", "exhibit_diff"): ("guess_exhibit_diff", r"zeros_like|stored as integers"),
    ("softmax", "exhibit_a"): ("guess_exhibit_a", r"\bclip|cut every score"),
    ("softmax", "exhibit_b"): ("guess_exhibit_b", r"columns\W* sum to 1|depend on its neighbors"),
    ("forward_pass", "exhibit_a"): ("name_a", r"rounds \W*down|is left over"),
    ("forward_pass", "exhibit_b"): ("name_b", r"nobody divided|255 times too large"),
    ("two_layer_by_hand", "exhibit_backward"): ("guess_exhibit", r"tanh_grad|at the wrong (p|l)"),
    ("layers", "exhibit_relu"): ("guess_exhibit_relu", r"in the book some do|writes (zeros|into)"),
    ("two_layer_net", "exhibit_gradients"): (
        "guess_exhibit_gradients",
        r"\balias|copies the dictionary|written over",
    ),
    ("dual_layer", "exhibit_gradients"): (
        "predict_bug",
        r"hidden bias|bias gradient|broadcast|over the units too|a sum without an axis",
    ),
    ("dual_layer", "exhibit_minibatch"): ("predict_minibatch", r"divides the penalty|11\.4"),
    ("dual_layer", "exhibit_loss"): ("predict_loss", r"np\.clip|23\.1|never sees a 0"),
    ("multi_layer_net", "exhibit_flag"): ("guess_exhibit", r"never pass(es|ed) it on"),
    ("hyperparameter_search", "exhibit_steps"): ("guess_steps", r"a remainder of 0"),
    ("hyperparameter_search", "exhibit_shuffle"): ("guess_shuffle", r"returns the labels as they"),
    ("autograd", "exhibits"): ("name_exhibits", r"gradients of the first|has passed on before"),
    ("frameworks", "exhibit_network"): ("name_exhibit", r"takes another one|softmax \W*before"),
}


def test_nothing_tells_the_fault_of_an_exhibit_before_it_is_to_be_named(source):
    """Neither the notebook up to there, nor the outlook at the end of another one."""
    cells = {cell.id: cell for cell in source.notebook.cells}
    exhibits = [
        name
        for name, cell in cells.items()
        if name.startswith("exhibit") and "setup" in cell.metadata.get("tags", [])
    ]
    assert exhibits == [exhibit for name, exhibit in TELLING if name == source.name]
    outlooks = [
        cell.source.partition("## Next")[2]
        for path in ROOT.glob("source/*/*.ipynb")
        for cell in read(path).cells
        if cell.cell_type == "markdown"
    ]
    for exhibit in exhibits:
        guess, telling = TELLING[source.name, exhibit]
        before = list(cells.values())[: list(cells).index(guess)]
        shown = [c.source for c in before if c.cell_type == "markdown" and not is_manual(c)]
        docstring = ast.get_docstring(ast.parse(cells[exhibit].source).body[0]) or ""
        text = "\n".join([*shown, docstring, *outlooks])
        assert re.findall(telling, text, re.IGNORECASE) == [], exhibit
        assert re.search(telling, source.text, re.IGNORECASE), f"{exhibit}: and who says it after?"


def test_the_references_say_what_to_read_next(source):
    """Three or four of the works listed with them, in an order."""
    listed, advice = source.cell("references").source.split("**Read next, in this order:**")
    steps = re.findall(r"^(\d)\. (.+?): \w.*\.$", advice, re.MULTILINE)
    assert [int(number) for number, _ in steps] in ([1, 2, 3], [1, 2, 3, 4])
    listed += re.sub(r"^\d\. .*$", "", advice, flags=re.MULTILINE)
    names = [re.findall(r"[^\W\d_]{3,}", work)[0] for _, work in steps]  # the first author's
    assert [name for name in names if name.casefold() not in listed.casefold()] == []
