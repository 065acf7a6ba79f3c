"""One question's fate: whatever student code does to itself costs its question, or its cell."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbgrader.utils import determine_grade

import attacks
from course.judge.judging import MAX_RESTARTS, TAKEN_AWAY, Limits
from course.judge.sandbox import missing
from course.judge.sandbox.server import ENTRIES, KILLED, Child, WarmServer
from course.judge.supervise import Submission, grade_notebook, plan
from course.notebooks.cells import grade_id, is_setup
from course.notebooks.source import SourceNotebook
from course.verdict import Verdict

# What waits for the end of a limit waits no longer than needed; nothing else comes close to one.
SHORT = Limits(request=0.5, cell=1)

pytestmark = pytest.mark.skipif(
    bool(missing()), reason="unconfined, such code would harm this machine"
)

LATE = "did not come back within"
# What student code does, and a word of the reason that is given: in a function, in a cell.
FATES = {
    "an endless loop": ("while True: pass", LATE, LATE),
    "a loop that can't be interrupted": (
        "while True:\n    try: time.sleep(9)\n    except BaseException: pass", LATE, LATE,
    ),
    "a loop in C": ("sum(iter(int, 1))", LATE, LATE),
    "a long sleep": ("time.sleep(1e6)", LATE, LATE),
    "a deadlock": ("lock = threading.Lock()\nlock.acquire()\nlock.acquire()", LATE, LATE),
    "an end": ("os._exit(0)", "ended its own process", "ended its own process"),
    "an end with a status": ("os._exit(7)", "ended its own process", "ended its own process"),
    "a crash": ("ctypes.string_at(0)", "crashed (SIGSEGV)", "crashed (SIGSEGV)"),
    "an overflow of the stack": (
        "sys.setrecursionlimit(10**9)\n"
        "nested = []\n"
        "for _ in range(10**6): nested = [nested]\n"
        "repr(nested)\n"
        "ctypes.string_at(0)", "crashed (SIGSEGV)", "crashed (SIGSEGV)",
    ),
    "100 GB of memory": ("np.ones(100 << 27)", "MemoryError", "more memory than it may have"),
    "memory that is kept": (
        "while True: kept.append(np.empty(1 << 20))", "MemoryError", "more memory than it may have",
    ),
    "a fork bomb": ("while True: os.fork()", "Operation not permitted", "PermissionError"),
    "a bomb of threads": (
        "while True: threading.Thread(target=time.sleep, args=[99]).start()",
        "can't start new thread", "RuntimeError",
    ),
    "a bomb of programs": (
        "subprocess.run(['/bin/sh', '-c', ':(){ :|:& };:'])",
        "Operation not permitted", "PermissionError",
    ),
    "a full disk": (
        "for number in itertools.count():\n"
        "    with open(f'{number}', 'wb') as file: file.write(bytes(32 << 20))",
        "No space left", "OSError",
    ),
    "one large file": (
        "with open('large', 'wb') as file:\n    while True: file.write(bytes(1 << 20))",
        "File too large", "OSError",
    ),
    "endless recursion": ("again()", "RecursionError", "RecursionError"),
    "a question to the user": ("input()", "EOFError", "StdinNotImplementedError"),
    "an exit": ("sys.exit(1)", "SystemExit", "SystemExit"),
    "an interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt", "KeyboardInterrupt"),
}  # fmt: skip
NAMES = """\
import ctypes, itertools, os, subprocess, sys, threading, time
import numpy as np

kept = []


def again():
    again()


"""
ANSWERS = {
    "more numbers than fit on the wire": "np.zeros(1 << 26)",
    "a list that holds itself": "(lambda items: items.append(items) or items)([])",
    "a list nested deeply": "eval('[' * 90 + ']' * 90)",
    "a million objects": "[object()] * 10**6",
    "a huge number": "1 << 10**7",
    "text": "'8' * 10**6",
    "a generator without end": "iter(int, 1)",
    "itself": "double",
    "a class": "np.ndarray",
    "dates": "np.array(['2026-01-01'], dtype='datetime64[D]')",
}


HUNGRY = "assert np.allclose(double(np.sin, x.copy()) - np.ones(1_000_000), 0)"


@pytest.fixture(scope="module")
def server() -> Iterator[WarmServer]:
    """A server whose judges' clock makes nobody wait for the end of a sleep."""
    with (
        pytest.MonkeyPatch.context() as patch,
        WarmServer({"PYTHONPATH": str(Path(__file__).parent)}) as server,
    ):
        patch.setitem(ENTRIES, "judge", "clocks:judge")
        yield server


def indented(body: str) -> str:
    return "\n".join(f"    {line}" for line in body.splitlines())


def judged(
    server: WarmServer, nb: NotebookNode, limits: Limits | None = None
) -> tuple[Verdict, NotebookNode]:
    submission = Submission(attacks.source_notebook(), nb, None, b"a seed")
    return grade_notebook(submission, server, limits)


def answered(double: str, *more: str) -> NotebookNode:
    """Return a submission with this cell for `double`, and more cells after its test."""
    nb = attacks.hand_in(attacks.source_notebook().notebook, {"double": double}, {})
    nb.cells[4:4] = [new_code_cell(source, id=f"more_{i}") for i, source in enumerate(more)]
    return nb


def errors(nb: NotebookNode, cell_id: str) -> str:
    (cell,) = [cell for cell in nb.cells if cell.id == cell_id]
    found = [output for output in cell.outputs if output.output_type == "error"]
    return " ".join(f"{output.ename}: {output.evalue}" for output in found)


def points(nb: NotebookNode, name: str) -> float:
    """Return what nbgrader would read from a graded notebook."""
    (cell,) = [cell for cell in nb.cells if grade_id(cell) == f"test_{name}"]
    return determine_grade(cell)[0]


@pytest.mark.parametrize("fate", FATES)
def test_in_a_function_it_costs_its_question(server: WarmServer, fate: str) -> None:
    body, reason, _ = FATES[fate]
    nb = answered(f"{NAMES}def double(f, x):\n{indented(body)}")
    verdict, graded = judged(server, nb, SHORT if reason == LATE else None)
    assert verdict["double"].score == points(graded, "double") == 0
    assert all(reason in check.message for check in verdict["double"].checks[:1])
    assert len(verdict["double"].checks) == 3
    assert verdict["triple"].score == points(graded, "triple") == attacks.POINTS["triple"]
    died = reason in (LATE, "ended its own process", "crashed (SIGSEGV)", "MemoryError")
    told = died or reason == "Operation not permitted"
    assert any(line.startswith("test_double: ") for line in verdict.incidents) == told


@pytest.mark.parametrize("fate", FATES)
def test_in_a_cell_it_costs_that_cell(server: WarmServer, fate: str) -> None:
    body, _, reason = FATES[fate]
    nb = answered(attacks.DOUBLE, f"{NAMES}{body}", "after = 1", "print(after)")
    verdict, graded = judged(server, nb, SHORT if reason == LATE else None)
    assert [verdict[name].score for name in attacks.POINTS] == [*attacks.POINTS.values()]
    assert [points(graded, name) for name in attacks.POINTS] == [*attacks.POINTS.values()]
    told = f"{errors(graded, 'more_0')} {' '.join(verdict.incidents)}"
    assert reason in told
    (printed,) = next(cell.outputs for cell in graded.cells if cell.id == "more_2")
    assert printed.text == "1\n"


def output(nb: NotebookNode, cell_id: str) -> str:
    (cell,) = [cell for cell in nb.cells if cell.id == cell_id]
    return "".join(output.get("text", output.get("evalue", "")) for output in cell.outputs)


def test_what_did_not_come_back_is_waited_for_once(server: WarmServer) -> None:
    loop = f"{NAMES}def double(f, x):\n    while True: pass"
    nb = answered(loop, "print(double(np.sin, 1))", "print(2)", "print(np.sin(double(1, 2)))")
    verdict, graded = judged(server, nb, SHORT)
    for cell in ("more_0", "more_2"):
        assert output(graded, cell).startswith("This cell was left out: it uses `double`, which")
    assert output(graded, "more_1") == "2\n"
    assert len(verdict.incidents) == 1
    assert verdict["triple"].score == points(graded, "triple") == attacks.POINTS["triple"]


@pytest.fixture
def waits(server: WarmServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Tell how often the end of a limit was waited for: each time a process is started anew."""
    spawn, spawned = server.spawn, Counter[str]()

    def counted(entry: str, *arguments: Any) -> Child:
        spawned[entry] += 1
        return spawn(entry, *arguments)

    monkeypatch.setattr(server, "spawn", counted)
    return lambda: spawned["student"] - spawned["judge"]  # each judge begins with one


FACTORS = {"triple": 3, "fourfold": 4, "fivefold": 5}
CALLS = {
    name: f"def {name}(x):\n    return {factor} * double(lambda y: y, x) / 2"
    for name, factor in FACTORS.items()
}


def with_more_exercises() -> SourceNotebook:
    """Return the notebook with two exercises more that are like `triple`."""
    source = attacks.source_notebook()
    triple = source.notebook.cells[-2:]
    for name in ("fourfold", "fivefold"):
        factor = FACTORS[name]
        for cell in deepcopy(triple):
            text = cell.source.replace("triple", name).replace("3 * x", f"{factor} * x")
            cell.source = text.replace("[3.0, 6.0]", f"[{factor}.0, {2 * factor}.0]")
            cell.id = cell.id.replace("triple", name)
            cell.metadata.nbgrader.grade_id = cell.id
            source.notebook.cells.append(cell)
    return source


def test_exercises_that_call_what_is_endless_wait_for_it_once(
    server: WarmServer, waits: Callable[[], int]
) -> None:
    """One that is right in itself counts, also where a cell of their own stands between."""
    source = with_more_exercises()
    loop = "def double(f, x):\n    while True: pass"
    through = {"fourfold": "def fourfold(x):\n    return mine(x)"}
    wrong = {"fivefold": CALLS["fivefold"].replace("5", "6")}
    nb = attacks.hand_in(source.notebook, {"double": loop} | CALLS | through | wrong, {})
    nb.cells.insert(6, new_code_cell("def mine(x):\n    return 2 * double(lambda y: y, x)"))
    verdict, _ = grade_notebook(Submission(source, nb, None, b"a seed"), server, SHORT)
    assert waits() == 1
    assert LATE in verdict["double"].checks[0].message
    assert [one.score for one in verdict.exercises] == [0, 2, 2, 0]
    assert verdict["fivefold"].checks[-1].message == (f"`double` is not defined: {TAKEN_AWAY}.")


def test_what_an_answer_builds_on_is_never_left_out(server: WarmServer) -> None:
    """A cell of their own that uses what hangs may define what a later answer calls."""
    head = "def double(f, x):"
    hangs = attacks.DOUBLE.replace(head, f"{head}\n    while np.ndim(x) > 0: pass")
    own = ["one = double(lambda x: x, 0.5)", "def times(x):\n    return 3 * one * double(x, 0.5)"]
    nb = answered(f"{NAMES}{hangs}", *own, "print(double(1, [2]))")
    (triple,) = [cell for cell in nb.cells if grade_id(cell) == "triple"]
    triple.source += "\nits_own = times"
    verdict, graded = judged(server, nb, SHORT)
    assert LATE in verdict["double"].checks[0].message
    assert errors(graded, "more_0").startswith("NameError: name 'double' is not defined")
    assert f"`double` is not defined: {TAKEN_AWAY}." in output(graded, "more_0")
    assert output(graded, "more_1") == ""
    assert output(graded, "more_2").startswith("This cell was left out")
    assert verdict["triple"].score == attacks.POINTS["triple"]


def test_a_cell_that_did_not_come_back_is_the_last_to_try_what_it_uses(server: WarmServer) -> None:
    head = "def double(f, x):"
    sly = attacks.DOUBLE.replace(head, f"{head}\n    while x is None: pass")
    assert sly != attacks.DOUBLE
    nb = answered(sly, "double(1, None)", "double(2, None)", "print(3)")
    verdict, graded = judged(server, nb, SHORT)
    assert LATE in output(graded, "more_0")
    assert "it uses `double`, which did not come back" in output(graded, "more_1")
    assert output(graded, "more_2") == "3\n"
    assert [verdict[name].score for name in attacks.POINTS] == [*attacks.POINTS.values()]


@pytest.mark.parametrize("times", [1, 9])
def test_who_is_killed_from_outside_is_judged_once_more(
    server: WarmServer, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    spawn, left = server.spawn, [True] * times

    def killed(entry: str, *arguments: Any) -> Child:
        child = spawn(entry, *arguments)
        if entry == "student" and left and left.pop():
            os.kill(child.pid, signal.SIGKILL)
        return child

    monkeypatch.setattr(server, "spawn", killed)
    verdict, _ = judged(server, answered(attacks.DOUBLE))
    if times == 1:
        assert [verdict[name].score for name in attacks.POINTS] == [*attacks.POINTS.values()]
        assert verdict.incidents == ()
    else:
        assert KILLED in verdict.incidents[0]


# What student code asks for, and what the incident says that it asked for.
REFUSED = {
    "open('/etc/shadow')": "a file outside the assignment's folder",
    "np.load('/content/drive/MyDrive/data.npy')": "a file outside the assignment's folder",
    "open('C:/data.csv')": "a file outside the assignment's folder",
    "open('/usr/x', 'w')": "a file outside the assignment's folder",
    "open('data.csv')": "",  # not refused, just not there
    "urllib.request.urlopen('http://example.com')": "the network",
    "socket.create_connection(('127.0.0.1', 80))": "the network, another program or a device",
    "subprocess.run(['ls'])": "the network, another program or a device",
    "get_ipython().run_cell('!ls').raise_error()": "the network, another program or a device",
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_was_refused_is_told(server: WarmServer, code: str) -> None:
    imports = "import socket, subprocess, urllib.request\nimport numpy as np\n"
    answer = f"{imports}def double(f, x):\n    return {code}"
    verdict, _ = judged(server, answered(answer, code))
    words = f"Your code asked for {REFUSED[code]}, which is closed while work is graded."
    told = [f"{key}: {words}" for key in ("test_double", "a cell below `double`")]
    assert list(verdict.incidents) == (told if REFUSED[code] else [])
    assert verdict["triple"].score == 2


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_no_number_costs_its_question(server: WarmServer, answer: str) -> None:
    verdict, graded = judged(server, answered(f"def double(f, x):\n    return {ANSWERS[answer]}"))
    assert verdict["double"].score == 0
    assert all(check.message for check in verdict["double"].checks)
    assert verdict["triple"].score == points(graded, "triple") == attacks.POINTS["triple"]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("def double(f, x)\n    return 2 * f(x)", "SyntaxError: expected ':' (line 1)"),
        ("import helpers.nothing\ndef double(f, x): return 2", "ModuleNotFoundError: No module"),
        ("@staticmethods\ndef double(f, x): return 2", "NameError: name 'staticmethods'"),
    ],
)
def test_a_cell_that_fails_is_the_reason_that_its_names_are_missing(
    server: WarmServer, cell: str, why: str
) -> None:
    verdict, _ = judged(server, answered(cell))
    words = f"`double` is not defined: the cell that defines it stopped with {why}"
    assert all(check.message.startswith(words) for check in verdict["double"].checks)
    assert verdict["triple"].score == 2
    mended, _ = judged(server, answered(cell, attacks.DOUBLE.replace("double", "other")))
    assert all(check.message.startswith(words) for check in mended["double"].checks)


def test_a_flood_of_prints_is_cut(server: WarmServer) -> None:
    flood = "for _ in range(300_000): print('a flood ' * 9)"
    nb = answered(f"def double(f, x):\n    {flood}\n    return 2 * f(x)", flood)
    verdict, graded = judged(server, nb)
    assert verdict.score == verdict.max_score
    texts = [
        output.text for cell in graded.cells[3:5] for output in cell.outputs if "text" in output
    ]
    assert all(0 < len(text) < 200_000 for text in texts)
    assert "more characters were cut" in texts[-1]


def test_a_flood_of_prints_without_end_is_stopped(server: WarmServer) -> None:
    flood = "while True: print('a flood ' * 9)"
    nb = answered(f"def double(f, x):\n    {flood}", flood)
    verdict, _ = judged(server, nb, SHORT)
    assert verdict["double"].score == 0
    assert verdict["triple"].score == 2
    assert len(verdict.incidents) == 2


def test_memory_that_a_question_has_used_up_is_there_for_the_next(server: WarmServer) -> None:
    """Both need more than half of what there is."""
    keep = "kept = []\ndef double(f, x):\n    while True: kept.append(np.empty(1 << 20))"
    need = "large = np.ones(150 << 20)\nprint(large.size)"
    verdict, graded = judged(server, answered(keep, need))
    assert errors(graded, "more_0") == ""
    assert verdict["triple"].score == 2


def test_what_a_cell_prints_in_a_test_can_not_pass_for_the_question(server: WarmServer) -> None:
    printing = "def double(f, x):\n    print('4 of 4 points.')\n    return 0 * x"
    verdict, graded = judged(server, answered(printing))
    text = graded.cells[3].outputs[0].text
    assert text.startswith("Your code printed:\n  | 4 of 4 points.\n")
    assert verdict["double"].score == 0


def test_a_notebook_that_takes_too_long_earns_what_it_has_earned(server: WarmServer) -> None:
    """nbgrader gives full marks to a test cell that shows nothing: there must be a 0."""
    compute = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass"
    nb = answered(attacks.DOUBLE, compute.format(2), compute.format(3))
    verdict, graded = judged(server, nb, Limits(notebook=4))
    assert [verdict[name].score for name in ("double", "triple")] == [4, 0]
    assert [points(graded, name) for name in ("double", "triple")] == [4, 0]
    assert "The notebook took longer than 4 seconds of computing" in verdict.incidents[-1]


@pytest.mark.slow
def test_a_notebook_that_dies_again_and_again_is_given_up(server: WarmServer) -> None:
    deaths = ["import os; os._exit(0)"] * (MAX_RESTARTS + 1)
    verdict, graded = judged(server, answered(attacks.DOUBLE, *deaths))
    assert [points(graded, name) for name in ("double", "triple")] == [4, 0]
    assert verdict["triple"].score == 0
    assert f"started again {MAX_RESTARTS} times" in verdict.incidents[-1]


def test_a_cell_that_dies_only_when_it_runs_again_is_left_out(server: WarmServer) -> None:
    """What a test has called is not called again when the cells are."""
    double = "calls = []\ndef double(f, x):\n    calls.append(x)\n    return 2 * f(x)"
    nb = answered(double, "import os\nif not calls: os._exit(0)", "os._exit(0)", "again = 1")
    verdict, _ = judged(server, nb)
    assert verdict["triple"].score == 2
    assert verdict.incidents == (
        "a cell below `double`: Your code ended its own process.",
        "a cell below `double`, run again: Your code ended its own process.",
    )


def test_no_text_of_a_cell_makes_its_name_take_long() -> None:
    source = attacks.source_notebook().notebook
    texts = ["plots.show(x " * 100_000, "plots.show(" + " " * 1_000_000, "plots.show(" * 100_000]
    before = time.process_time()
    cells = plan(source, answered(attacks.DOUBLE, *texts))
    assert time.process_time() - before < 2
    assert [cell.title for cell in cells[3:6]] == ["a cell below `double`"] * 3


def test_a_cell_is_called_by_its_figure_or_the_exercise_above_it(server: WarmServer) -> None:
    ends = "import os; os._exit(0)"
    figure = f'{ends}\nplots.show(fig, "sigmoid", alt="A curve")'
    explores = f"{ends}\nsliders.explore(\n    draw,\n    'lines',\n    alt='A line',\n)"
    nb = answered(attacks.DOUBLE, ends, figure, explores)
    nb.cells.insert(0, new_code_cell(ends))
    nb.cells.append(new_code_cell(ends))
    verdict, _ = judged(server, nb)
    assert [line.partition(":")[0] for line in verdict.incidents] == [
        "a cell at the top",
        "a cell below `double`",
        "the figure `sigmoid`",
        "the figure `lines`",
        "a cell below `triple`",
    ]
    assert verdict.score == verdict.max_score


SHADOWS = {
    "float = 3": "def double(f, x):\n    return float(2) * f(x)",
    "list, max = [1], 2": "def double(f, x):\n    return max(2, 1) * f(x)",
}


@pytest.mark.parametrize("shadow", SHADOWS)
def test_a_cell_that_takes_a_builtin_s_name_is_named(server: WarmServer, shadow: str) -> None:
    nb = answered(SHADOWS[shadow])
    nb.cells.insert(1, new_code_cell(shadow))
    verdict, _ = judged(server, nb)
    name = "float" if "float" in shadow else "max"
    words = (
        f"`{name}` is not Python's own any more: a cell at the top gives that name to something "
        "else. Take another name there."
    )
    assert verdict["double"].score == 0
    assert all("is not callable" in check.message for check in verdict["double"].checks)
    assert all(check.message.count("own any more") == 1 for check in verdict["double"].checks)
    assert all(words in check.message for check in verdict["double"].checks)
    assert verdict["triple"].score == attacks.POINTS["triple"]  # it uses none


def test_only_a_cell_that_an_answer_can_see_has_taken_a_name(server: WarmServer) -> None:
    """Of a helper of their own too; a cell below, or a name within a function, takes none."""
    own = "def twice(value):\n    return float(value) * 2\n\ndef other():\n    abs = 3"
    nb = answered("def double(f, x):\n    return abs(twice(f(x), 1))", "abs = 2", "float = 4")
    nb.cells.insert(1, new_code_cell(own))
    nb.cells.insert(1, new_code_cell("sum = 1"))
    verdict, _ = judged(server, nb)
    assert all("TypeError" in check.message for check in verdict["double"].checks)
    assert not any("own any more" in check.message for check in verdict["double"].checks)
    nb.cells.insert(1, new_code_cell("float = 4"))
    verdict, _ = judged(server, nb)
    assert all("`float` is not Python's own" in c.message for c in verdict["double"].checks)


@pytest.mark.parametrize(
    "own", ['np.seterr(all="raise")', "np.set_printoptions(precision=1, threshold=3)", "float = 3"]
)
def test_a_setting_in_their_own_cell_costs_a_right_answer_nothing(
    server: WarmServer, own: str
) -> None:
    nb = answered(attacks.DOUBLE, own)
    nb.cells.insert(2, new_code_cell(f"import numpy as np\n{own}"))
    verdict, _ = judged(server, nb)
    assert verdict.score == verdict.max_score
    wrong = answered("def double(f, x):\n    return 3.123456 * f(x)")
    plain, _ = judged(server, wrong)
    wrong.cells.insert(2, new_code_cell(f"import numpy as np\n{own}"))
    verdict, _ = judged(server, wrong)
    assert verdict.exercises == plain.exercises  # in the same words


def test_an_array_that_makes_a_test_need_too_much_memory_costs_its_check(
    server: WarmServer,
) -> None:
    source = attacks.source_notebook()
    (test,) = [cell for cell in source.notebook.cells if grade_id(cell) == "test_double"]
    test.source = test.source.replace("assert_close(double(np.sin, x.copy()), expected)", HUNGRY)
    double = "def double(f, x):\n    return 2 * f(x) if x.ndim == 1 else np.zeros((700, 1))"
    nb = answered(double)
    submission = Submission(source, nb, None, b"a seed")
    verdict, _ = grade_notebook(submission, server)
    failed = {check.name: check.message for check in verdict["double"].checks if not check.passed}
    assert list(failed) == ["is right at random points"]
    assert "MemoryError" in failed["is right at random points"]
    assert verdict["triple"].score == 2


def test_outputs_of_any_size_do_not_lose_the_scores(server: WarmServer) -> None:
    picture = "from IPython.display import HTML, display\ndisplay(HTML('<b>' + 'x' * 3_900_000))"
    verdict, graded = judged(server, answered(attacks.DOUBLE, *[picture] * 9))
    assert verdict.score == verdict.max_score
    sizes = [len(str(cell.outputs)) for cell in graded.cells if cell.id.startswith("more")]
    assert sizes[0] > 3_900_000
    assert sizes[-1] < 1000
    assert "too large" in graded.cells[12].outputs[0].text


def test_a_cell_whose_end_of_the_wire_was_taken_over_is_told(server: WarmServer) -> None:
    takes_over = """
import gc


def perform(*request):
    raise ValueError("no more cells")


for thing in gc.get_objects():
    if type(thing).__name__ == "Student":
        thing._perform = perform
"""
    verdict, graded = judged(server, answered(takes_over))
    assert verdict.score == 0
    assert errors(graded, "triple") == "CellEnded: Your code broke the cell off: no more cells."


@pytest.mark.parametrize("place", [0, -1])
def test_a_set_up_that_only_fails_where_students_code_runs_is_told(
    server: WarmServer, place: int
) -> None:
    source = attacks.source_notebook()
    first, *others = [cell for cell in source.notebook.cells if is_setup(cell)]
    assert not others
    first.source += (
        "\nimport sys\nif 'course.judge.judging' not in sys.modules: raise OSError('no')"
    )
    nb = answered(attacks.DOUBLE)
    own = new_code_cell("mine = 1", id="mine")
    nb.cells.insert(place if place == 0 else len(nb.cells), own)
    verdict, _ = grade_notebook(Submission(source, nb, None, b"a seed"), server)
    told = [line for line in verdict.incidents if "The set-up failed" in line]
    if place == 0:  # then the student's code may be the cause
        assert told == []
    else:
        (line,) = told
        assert line.endswith("The set-up failed before any of the student's code: OSError: no.")
