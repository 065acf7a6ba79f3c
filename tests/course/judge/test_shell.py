"""The shell against a real kernel on a zoo of cells, and what it does when it is treated badly."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from course.judge import outputs as limits
from course.judge.wire.judge_end import Namespace, Session

ZOO = sorted((Path(__file__).parent / "zoo").glob("*.txt"))
INTERRUPT = "(an interrupt between two cells)"
# Like the judge's warm server: imports once, forks a process for every request.
SERVER = f"""
import json, os, signal, sys
from course.judge.shell import Shell
reply = os.fdopen(os.dup(1), "w")
for line in sys.stdin:
    folder, cells = json.loads(line)
    if os.fork() == 0:
        os.chdir(folder)
        shell = Shell()
        found = []
        for i, cell in enumerate(cells):
            if cell == {INTERRUPT!r}:
                os.kill(os.getpid(), signal.SIGINT)
            else:
                found.append(shell.run_cell(cell, f"cell {{i}}"))
        print(json.dumps(found), file=reply, flush=True)
        os._exit(0)
    if os.wait()[1]:
        print("null", file=reply, flush=True)
"""

Outputs = list[dict[str, Any]]
Run = Callable[..., list[Outputs]]


@pytest.fixture(scope="module")
def server() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def run(server: subprocess.Popen[str], tmp_path: Path) -> Run:
    """Run cells in a new shell in an empty folder, and return the outputs of each."""

    def run(*cells: str) -> list[Outputs]:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps([str(tmp_path), cells]) + "\n")
        server.stdin.flush()
        found: list[Outputs] = json.loads(server.stdout.readline())
        return found

    return run


def text_of(outputs: Outputs, name: str = "stdout") -> str:
    return "".join(output["text"] for output in outputs if output.get("name") == name)


# --- the zoo --------------------------------------------------------------------------------------


def cells_of(path: Path) -> list[str]:
    return [cell.removesuffix("\n") for cell in path.read_text().split("# %%\n")]


def normalised(outputs: Outputs) -> Outputs:
    """Make equal what differs between two runs of one kernel, or is so by design.

    - Text of one stream in several outputs one after the other is joined: a kernel sends what there
      is every 0.2 seconds.
    - Execution counts, memory addresses, process ids, dates and timings are taken out.
    - So is how often the same frame was skipped: a kernel's own stack is deeper.
    - So is the name of a cell, which nbclient doesn't tell its kernel.
    - A traceback that is longer than the limit is cut.
    """
    joined: Outputs = []
    for output in outputs:
        same = joined and output["output_type"] == "stream" == joined[-1]["output_type"]
        if same and output["name"] == joined[-1]["name"]:
            joined[-1]["text"] += output["text"]
            continue
        joined.append(limits.shortened(output))
    text = json.dumps(joined, sort_keys=True, ensure_ascii=False)
    for pattern, replacement in (
        (r'"execution_count": \d+', '"execution_count": null'),
        (r"0x[0-9a-fx]+|object at [0-9a-f]+", "0x"),
        (r"ipykernel_\d+", "ipykernel_"),
        (r"(CPU times|Wall time): [^\\]*", r"\1"),
        (r"[\d.]+ \S+ ± [\d.]+ \S+ per loop", "per loop"),
        (r"<dc:date>[^<]*", "<dc:date>"),
        (r"\(\d+ times\)", "(times)"),
        (r"cell_id=.*? cell_meta=[^>]*", "cell_id"),
    ):
        text = re.sub(pattern, replacement, text)
    found: Outputs = json.loads(text)
    return found


@pytest.mark.slow
def test_outputs_are_those_of_a_kernel_and_nbclient(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # a kernel that sees it leaves the descriptors alone
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    cells = [cell for path in ZOO for cell in cells_of(path)]
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    client = NotebookClient(notebook, allow_errors=True, kernel_name="python3", timeout=600)
    client.execute(cwd=str(tmp_path))
    found = run(*cells)
    for source, cell, outputs in zip(cells, notebook.cells, found, strict=True):
        expected = json.loads(json.dumps(cell.outputs))
        assert normalised(outputs) == normalised(expected), source


# --- single rules, quickly ------------------------------------------------------------------------


def test_streams_are_joined_and_in_order(run: Run) -> None:
    (found,) = run("import sys\nprint(1); print(2, file=sys.stderr); print(3)")
    assert found == [
        {"output_type": "stream", "name": "stdout", "text": "1\n3\n"},
        {"output_type": "stream", "name": "stderr", "text": "2\n"},
    ]


def test_a_display_comes_after_what_was_printed_before(run: Run) -> None:
    (found,) = run("print('a'); display('b'); print('c'); 'd'")
    kinds = [output["output_type"] for output in found]
    assert kinds == ["stream", "display_data", "stream", "execute_result"]
    assert found[3]["data"] == {"text/plain": "'d'"}


def test_a_figure_is_shown_at_the_end_of_its_cell(run: Run) -> None:
    (found,) = run("import matplotlib.pyplot as plt\nplt.plot([1]); print('first')")
    assert [output["output_type"] for output in found] == ["stream", "display_data"]
    assert found[1]["data"]["image/png"].startswith("iVBORw0KGgo")


def test_alternative_text_comes_with_a_figure(run: Run) -> None:
    (found,) = run("from helpers.plots import axes, show\nshow(axes()[0], 'name', 'a line')")
    assert [output["metadata"]["image/png"]["alt"] for output in found] == ["a line"]


def test_an_empty_cell_is_not_counted(run: Run) -> None:
    found = run(" \n", "1")
    assert found[0] == []
    assert found[1][0]["execution_count"] == 1


def test_names_are_the_cells(server: subprocess.Popen[str]) -> None:
    script = "from course.judge.shell import Shell; shell = Shell(); shell.run_cell('x = 1', '');"
    script += " import os; os._exit(shell.names['x'] + 1)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 2


def test_nothing_is_written_and_no_thread_but_one_is_started(run: Run, tmp_path: Path) -> None:
    found = run("import threading\n[thread.name for thread in threading.enumerate()]")
    assert found[0][0]["data"]["text/plain"] == "['MainThread', 'descriptors']"
    assert list(tmp_path.iterdir()) == []


def test_half_a_surrogate_pair_is_printed(run: Run) -> None:
    """A kernel can't send it, and shows its own traceback instead."""
    assert text_of(limits.cleaned(run("print('\\ud800')")[0])) == "?\n"


def test_exit_does_not_end_the_notebook(run: Run) -> None:
    """A kernel is gone after it."""
    found = run("exit()", "quit", "print('on')")
    assert text_of(found[2]) == "on\n"


def test_the_judge_gets_outputs_and_the_students_line() -> None:
    ours, theirs = socket.socketpair()
    script = (
        "import socket, sys; from course.judge.shell import Shell\n"
        "from course.judge.wire.student_end import Student\n"
        "shell = Shell(); connection = socket.socket(fileno=int(sys.argv[1]))\n"
        "Student(connection, shell.names, shell.run_cell).serve()"
    )
    descriptor = theirs.fileno()
    command = [sys.executable, "-c", script, str(descriptor)]
    with subprocess.Popen(command, pass_fds=[descriptor]), ours:
        theirs.close()
        session = Session(ours, seconds=600)
        session.request("run", "import warnings; warnings.simplefilter('ignore')", "set")
        source = (
            "def f(x):\n    print('called')\n    return x / 0\nwarnings.warn('x'); print('cell')"
        )
        answer = session.request("run", source, "answer")
        assert limits.cleaned(answer) == limits.stream("cell\n")
        with pytest.raises(ZeroDivisionError) as caught:
            Namespace({}, session)["f"](1)
        assert getattr(caught.value, "student_place", "") == " (in `f`: `return x / 0`)"
        assert "".join(session.printed) == "called\n"


# --- floods ---------------------------------------------------------------------------------------

MEMORY = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


@pytest.mark.parametrize(
    "flood",
    [
        "for _ in range(200): print('x' * 1_000_000)",
        "import os\nfor _ in range(200): os.write(1, b'x' * 1_000_000)",
        "import sys\n"
        "for i in range(200): print('x' * 1_000_000, file=(sys.stdout, sys.stderr)[i % 2])",
        "for _ in range(200): display({'text/html': 'x' * 1_000_000}, raw=True)",
        "for _ in range(200): display({'text/plain': 'x' * 1_000_000}, raw=True)",
        "from IPython.display import update_display\n"
        "for i in range(200): display(display_id=f'{i % 9}', *['x']); "
        "update_display({'text/html': 'x' * 1_000_000}, raw=True, display_id=f'{i % 9}')",
    ],
)
def test_a_flood_is_cut_while_it_is_made(run: Run, flood: str) -> None:
    before, found, after = run(MEMORY, flood, MEMORY)
    growth = int(text_of(after)) - int(text_of(before))  # KiB
    assert growth < 60_000
    assert limits.size(found) <= limits.MAX_CELL + 1000
    assert "cut]" in json.dumps(found)
    assert limits.cleaned(limits.packed(found)) == limits.cleaned(found)
    assert [output.get("text") for output in limits.cleaned(found)] == [
        output.get("text") for output in found
    ]


def test_too_many_outputs_are_cut_but_not_the_error_after_them(run: Run) -> None:
    (found,) = run("for i in range(1000): display(i)\nprint('end'); 1 / 0")
    assert len(found) <= limits.MAX_OUTPUTS
    assert found[0]["data"]["text/plain"] == "0"
    assert found[-2]["ename"] == "ZeroDivisionError"
    assert re.fullmatch(r"\[8\d\d more outputs were cut\]\n", found[-1]["text"])
    assert limits.cleaned(found)[-2:] == found[-2:]


def test_cleared_outputs_make_room(run: Run) -> None:
    (found,) = run(
        "from IPython.display import clear_output\n"
        "for i in range(1000): clear_output(wait=True); display(i)"
    )
    assert [output["data"]["text/plain"] for output in found] == ["999"]


@pytest.mark.slow
def test_a_thousand_figures(run: Run) -> None:
    draw = "import matplotlib.pyplot as plt; plt.rcParams['figure.max_open_warning'] = 0\n"
    draw += "for _ in range(1000): plt.figure(figsize=(0.1, 0.1))"
    (found,) = run(draw)
    assert 150 < len(found) <= limits.MAX_OUTPUTS
    assert "more outputs were cut" in found[-1]["text"]


# --- bad treatment --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "harm",
    [
        "import sys; sys.stdout = sys.stderr = None",
        "import sys; del sys.stdout",
        "import sys; sys.stdout = 5",
        "import sys; sys.stdout.flush = None; sys.stdout.write = None",
        "get_ipython().run_cell = None",
        "get_ipython().showtraceback = None; 1 / 0",
        "get_ipython()._showtraceback = None; 1 / 0",
        "get_ipython().displayhook.session = None; 5",
        "get_ipython().display_pub.session.send = None; display(5)",
        "get_ipython().payload_manager = None",
        "get_ipython().events = None",
        "get_ipython().set_parent = None",
        "get_ipython().kernel = None",
        "get_ipython().events.register('post_run_cell', lambda result: 1 / 0)",
        "import asyncio; asyncio.get_event_loop().stop()",
        "import asyncio; asyncio.get_event_loop().close = None; asyncio.set_event_loop(None)",
        "import asyncio; asyncio.get_event_loop().call_soon(exit); raise SystemExit",
        "import asyncio, sys; asyncio.get_event_loop().call_soon(sys.exit); await asyncio.sleep(9)",
        "import asyncio, sys; asyncio.get_event_loop().close()",
        "import os; os.close(1); os.close(2)",
        "import signal; signal.signal = None",
        "import sys; sys.settrace(lambda *arguments: 1 / 0)",
        "import sys; sys.setrecursionlimit(40)",
        "globals().clear()",
        "from IPython.core.interactiveshell import InteractiveShell as S; S.clear_instance()",
        "raise BaseException",
        "raise GeneratorExit",
        "import os, signal; os.kill(os.getpid(), signal.SIGINT)",
    ],
)
def test_no_cell_ends_the_process(run: Run, harm: str) -> None:
    found = run(harm, "x = 1", "print(x)", "6 * 7")
    assert found is not None
    assert all(isinstance(outputs, list) for outputs in found)


def test_an_interrupt_ends_a_cell_and_nothing_else(run: Run) -> None:
    found = run(
        "import os, signal, threading, time\n"
        "threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "while True: pass",
        "import asyncio\n"
        "threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "await asyncio.sleep(60)",
        "print('on')",
    )
    assert [found[0][-1]["ename"], found[1][-1]["ename"]] == ["KeyboardInterrupt", "CancelledError"]
    assert text_of(found[2]) == "on\n"


def test_output_of_another_program_without_end_is_cut(run: Run) -> None:
    found = run(
        "import subprocess, sys, time\nflood = subprocess.Popen(['yes'])\n"
        "while not sys.stdout._dropped: time.sleep(0.001)",
        "flood.kill(); flood.wait()",
        # Nobody goes on to read what is closed: no other thread computes beside this one.
        "import os; os.close(1); os.close(2)",
        "others = time.thread_time() - time.process_time(); end = time.thread_time() + 0.5\n"
        "while time.thread_time() < end: time.sleep(0)\n"
        "others + time.process_time() - time.thread_time() < 0.1",
    )
    assert "characters were cut" in text_of(found[0])
    assert found[3][0]["data"]["text/plain"] == "True"


def test_a_forked_process_prints_into_the_cell(run: Run) -> None:
    (found,) = run(
        "import os, sys\nprint('before')\n"
        "if (child := os.fork()) == 0:\n"
        "    print('child'); sys.stdout.flush(); os._exit(0)\n"
        "os.waitpid(child, 0); print('after')"
    )
    # Both write while the other may: the end of a line can come after the other's text.
    assert all(word in text_of(found) for word in ("before", "child", "after"))


def test_an_interrupt_between_cells_is_ignored(run: Run) -> None:
    found = run("1", INTERRUPT, INTERRUPT, "print('on')", INTERRUPT)
    assert text_of(found[1]) == "on\n"


def test_a_hidden_error_is_not_shown_as_in_a_kernel(run: Run) -> None:
    found = run("get_ipython().showtraceback = lambda *a, **k: None", "1 / 0", "2")
    assert found[1] == []
    assert found[2][0]["data"]["text/plain"] == "2"
