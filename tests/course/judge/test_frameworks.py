"""PyTorch in a confined process: it works there, and is bounded like everything else."""

import socket
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from nbformat import NotebookNode

import attacks
from course.judge.preprocessor import preload
from course.judge.sandbox import missing
from course.judge.sandbox.server import WarmServer
from course.judge.supervise import Submission, grade_notebook
from course.notebooks.source import source_notebook
from course.verdict import Verdict

pytest.importorskip("torch", reason="the extra `frameworks` is not installed")
pytestmark = pytest.mark.skipif(
    bool(missing()), reason="unconfined, such code would harm this machine"
)

SOURCE = Path(__file__).parents[3] / "source"
START = "import torch\nfrom torch import nn\n\nkept = []\n\n\ndef double(f, x):\n"


@pytest.fixture(scope="module")
def server() -> Iterator[WarmServer]:
    with WarmServer() as server:
        import_ahead(server, "torch")
        yield server


def import_ahead(server: WarmServer, module: str) -> None:
    """Have a server import a module, as grading a part that preloads it does."""
    ours, theirs = socket.socketpair()
    with ours:
        server.spawn("builtins:print", theirs, {"ahead": [module]}).wait(60)


def judged(server: WarmServer, body: str) -> tuple[Verdict, NotebookNode]:
    """Judge a `double` with these lines before the right answer."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    answer = f"{START}{lines}    return 2 * f(x)\n"
    nb = attacks.hand_in(attacks.source_notebook().notebook, {"double": answer}, {})
    return grade_notebook(Submission(attacks.source_notebook(), nb, None, b"a seed"), server)


TRAINING = """\
net = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 3))
optimizer = torch.optim.Adam(net.parameters())
inputs, labels = torch.rand(64, 20), torch.randint(3, (64,))
for _ in range(50):
    loss = nn.functional.cross_entropy(net(inputs), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
assert torch.get_num_threads() == 1
assert loss.item() < 1.2, loss
torch.save(net.state_dict(), "net.pt")
net.load_state_dict(torch.load("net.pt"))"""


def test_a_network_is_trained_stored_and_loaded(server: WarmServer) -> None:
    verdict, _ = judged(server, TRAINING)
    assert verdict.score == verdict.max_score, verdict
    assert verdict.incidents == ()


@pytest.mark.skipif(find_spec("keras") is None, reason="Keras is not installed")
def test_keras_computes_with_pytorch_and_writes_into_no_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with WarmServer() as server:
        import_ahead(server, "keras")
        verdict, _ = judged(server, "import keras\nassert keras.backend.backend() == 'torch'")
    assert verdict.score == verdict.max_score, verdict
    assert not (tmp_path / ".keras").exists()


HARM = {
    "a network that eats memory": ("while True: kept.append(nn.Linear(4000, 4000))", "memory"),
    "one tensor of 100 GB": ("torch.ones(100 << 28)", "memory"),
    "a network that is a program": (
        "class Bomb(nn.Module):\n"
        "    def __reduce__(self):\n"
        "        return __import__('os').system, ('touch OUTSIDE',)\n"
        "torch.save(Bomb(), 'bomb.pt')\n"
        "torch.load('bomb.pt', weights_only=False)\n"
        "open('OUTSIDE', 'w')", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("harm", HARM)
def test_harm_costs_its_own_question_and_nothing_else(
    server: WarmServer, harm: str, tmp_path: Path
) -> None:
    body, reason = HARM[harm]
    verdict, _ = judged(server, body.replace("OUTSIDE", str(tmp_path / "outside")))
    assert verdict["double"].score == 0
    visible, *hidden = verdict["double"].checks
    assert reason in visible.message
    assert all(check.hidden and "Your code raises" in check.message for check in hidden), verdict
    assert verdict["triple"].score == attacks.POINTS["triple"]
    assert list(tmp_path.iterdir()) == []


def test_more_threads_than_there_may_be_cost_no_other_question(server: WarmServer) -> None:
    verdict, _ = judged(
        server, "torch.set_num_threads(5000)\ntorch.rand(2000, 2000) @ torch.rand(2000, 2000)"
    )
    assert verdict["triple"].score == attacks.POINTS["triple"]


def test_modules_of_one_part_are_imported_ahead_where_it_is_graded_and_nowhere_else() -> None:
    course = source_notebook(SOURCE / "01_activations" / "activations.ipynb")
    part = source_notebook(SOURCE / "07_frameworks" / "frameworks.ipynb")
    assert "torch" not in preload(course)
    assert preload(part) == (*preload(course), "keras", "torch")
