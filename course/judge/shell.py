"""IPython in the student process, with the outputs that a Jupyter kernel and nbclient would give.

The shell, its display hook, publisher and magics are ipykernel's own; nbclient's own rules turn
their messages into outputs. Only what lies between is ours: no sockets and no threads of a kernel,
and limits, so that a flood of output is cut while it is made. Importing this module does the slow
work; a `Shell` is then quick to make in a forked process. Knows nothing of the judge: all of it is
in the hands of the student's code.
"""

import asyncio
import builtins
import codecs
import contextvars
import copy
import getpass
import importlib
import io
import itertools
import json
import os
import pdb
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import matplotlib.pyplot  # noqa: F401  (so that a forked process need not)
import matplotlib_inline.backend_inline  # noqa: F401
from ipykernel.compiler import XCachingCompiler
from ipykernel.eventloops import enable_gui
from ipykernel.kernelbase import Kernel
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core import debugger
from IPython.core.profiledir import ProfileDir
from IPython.core.ultratb import FormattedTB
from jupyter_client.session import Session, extract_header
from matplotlib.backends.registry import backend_registry
from matplotlib.figure import Figure
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from traitlets.config import Config

from course.judge import outputs as limits

# What IPython imports when it is first needed.
for _module in (
    "IPython.core.application",
    "IPython.core.completerlib",
    "IPython.core.logger",
    "IPython.core.magics.ast_mod",
    "IPython.core.magics.execution",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "PIL.JpegImagePlugin",
    "encodings.unicode_escape",
):
    importlib.import_module(_module)

BACKEND = "module://matplotlib_inline.backend_inline"

Message = dict[str, Any]


class Shell:
    """A Jupyter kernel without the kernel: takes this process over and runs cells in it.

    `sys.stdout`, `sys.stderr`, file descriptors 1 and 2, `__main__` and Matplotlib's backend are
    the cells' from then on. One for a process.
    """

    def __init__(self) -> None:
        self._outputs = _Outputs()
        self._shell = _interactive_shell(_Session(self._outputs.add, key=b""))
        self._streams = {name: OutStream(name, self._outputs.add) for name in ("stdout", "stderr")}
        for stream in self._streams.values():
            stream.others = tuple(self._streams.values())
        sys.stdout, sys.stderr = self._streams.values()
        self._descriptors = _Descriptors(self._streams)
        self._loop = asyncio.new_event_loop()
        self._numbers = itertools.count(1)
        sys.breakpointhook = _no_debugger
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # but for while a cell runs
        if "" not in sys.path:
            sys.path.insert(0, "")

    @property
    def names(self) -> dict[str, Any]:
        """The notebook's namespace."""
        names: dict[str, Any] = self._shell.user_ns
        return names

    def run_cell(self, source: str, name: str) -> list[dict[str, Any]]:
        """Run a cell and return its outputs, as nbformat 4 has them.

        Args:
            source: the cell's text, magics and all.
            name: the cell's name, which hooks see as its id.
        """
        if not source.strip():
            return []
        number = f"cell {next(self._numbers)}"
        self._outputs.start(number)
        try:
            self._set_parent({"header": {"msg_id": number, "msg_type": "execute_request"}})
            self._run(source, name)
        except BaseException as error:  # the student's code has taken the shell apart
            self._outputs.add(_error_message(error, number))
        with suppress(BaseException):
            self._flush()
        return self._outputs.finish()

    def _set_parent(self, parent: Message) -> None:
        """Say which cell further output belongs to, as a kernel does."""
        for stream in self._streams.values():
            stream.set_parent(parent)
        self._shell.set_parent(parent)

    def _run(self, source: str, name: str) -> None:
        if self._loop.is_closed():
            self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        context = contextvars.copy_context()
        task = self._loop.create_task(self._execute(source, name), context=context)
        try:
            with _signal_handler(signal.default_int_handler):
                self._loop.run_until_complete(task)
        finally:
            task.cancel()  # does nothing unless the loop was stopped from inside
            _adopt(context)

    async def _execute(self, source: str, name: str) -> None:
        """Run a cell as `IPythonKernel.do_execute` does, within a running event loop."""
        shell, kernel = self._shell, self._shell.kernel
        saved = builtins.input, getpass.getpass
        builtins.input, getpass.getpass = kernel.raw_input, kernel.getpass
        try:
            transformed, failure = source, None
            try:
                transformed = shell.transform_cell(source)
            except Exception:
                failure = sys.exc_info()
            form: dict[str, Any] = {
                "transformed_cell": transformed,
                "preprocessing_exc_tuple": failure,
            }
            if shell.should_run_async(source, **form):
                await self._execute_async(
                    shell.run_cell_async(source, store_history=True, cell_id=name, **form)
                )
            else:
                shell.run_cell(source, store_history=True, cell_id=name)
        finally:
            builtins.input, getpass.getpass = saved
            shell.payload_manager.clear_payload()

    async def _execute_async(self, cell: Any) -> None:
        task, loop = asyncio.ensure_future(cell), self._loop
        result = None
        with _signal_handler(lambda *_: loop.call_soon_threadsafe(task.cancel)):
            try:
                result = await task
            finally:
                self._shell.events.trigger("post_execute")
                self._shell.events.trigger("post_run_cell", result)

    def _flush(self) -> None:
        self._descriptors.drain()
        for name, ours in self._streams.items():
            for stream in (getattr(sys, name, None), ours):
                with suppress(BaseException):  # it may be anything that the student put there
                    stream.flush()  # type: ignore[union-attr]


def _interactive_shell(session: Session) -> Any:
    """Return a kernel's shell, set up as `IPKernelApp` does it, whose messages go to `session`."""
    config = Config()
    config.HistoryManager.enabled = False  # no database; the session's own history is kept
    shell: Any = ZMQInteractiveShell.instance(
        config=config,
        ipython_dir=os.curdir,  # nothing is written there: a profile without a place
        profile_dir=ProfileDir(),
        compiler_class=XCachingCompiler,
        kernel=_Kernel(),
    )
    _redirect(shell, session)
    shell.extension_manager.load_extension("IPython.extensions.storemagic")
    os.environ["MPLBACKEND"] = BACKEND
    shell.enable_matplotlib(BACKEND)
    for module in (debugger, pdb):
        module.Pdb = debugger.InterruptiblePdb  # type: ignore[attr-defined]
    pdb.set_trace = debugger.set_trace
    shell.user_ns_hidden.update(shell.user_ns)
    return shell


def _redirect(shell: Any, session: Session) -> None:
    shell.displayhook.session = shell.display_pub.session = session
    shell.displayhook.topic = b"execute_result"
    shell.history_manager.outputs = _Forgetful()
    # Nor is the traceback of each error made a second time for it.
    shell._format_exception_for_storage = str
    shell.enable_gui = lambda gui=None: enable_gui(  # type: ignore[no-untyped-call]
        gui, shell.kernel
    )


class _Kernel:
    """What the shell asks of its kernel."""

    eventloop = None
    raw_input = Kernel.raw_input  # refuses
    getpass = Kernel.getpass
    _allow_stdin = False


class _Forgetful(dict[int, list[Any]]):
    """Where IPython would keep all that a session has printed."""

    def __missing__(self, key: int) -> list[Any]:
        return []


class _Session(Session):
    """Hands messages over instead of sending them."""

    def __init__(self, deliver: Callable[[Message], None], **traits: Any) -> None:
        super().__init__(**traits)
        self._deliver = deliver

    def send(
        self,
        stream: Any,
        msg_or_type: Any,
        content: Any = None,
        parent: Any = None,
        *_arguments: Any,
        **_options: Any,
    ) -> Any:
        """Deliver a message as it would arrive: what isn't JSON becomes so, or raises."""
        message = msg_or_type
        if not isinstance(message, dict):
            message = self.msg(msg_or_type, content, parent=parent)
        arrived = json.loads(self.pack(limits.shortened(message["content"])))
        self._deliver({**message, "content": arrived})
        return message


class OutStream(io.TextIOBase):
    """A stream like ipykernel's, and of that name, as error messages show it.

    Text waits until it is flushed: by a display, by the end of the cell, or by the next text that
    comes later than `flush_interval` seconds.
    """

    flush_interval = 0.2
    encoding = "UTF-8"
    errors = None

    def __init__(self, name: str, deliver: Callable[[Message], None]) -> None:
        self.name = name
        self.others: tuple[OutStream, ...] = ()
        self.descriptor: int | None = None
        self.drain: Callable[[], None] = lambda: None
        self._deliver = deliver
        self._parent: contextvars.ContextVar[Message] = contextvars.ContextVar("parent")
        self._last_parent: Message = {}
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._texts: list[str] = []
        self._kept = self._dropped = 0
        self._due = 0.0

    def set_parent(self, parent: Message) -> None:
        """Say which cell text belongs to from now on, unless it comes from an older task."""
        self._put_out()
        self._last_parent = extract_header(parent)
        self._parent.set(self._last_parent)

    def write(self, text: str) -> int:
        """Take text for the cell that runs."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        if os.getpid() != self._process:
            self._write_through(text)
            return len(text)
        now = time.monotonic()
        for stream in self.others:
            if stream._texts and stream._due <= now:
                stream._put_out()
        if self._parent.get(self._last_parent) is self._last_parent:
            with self._lock:
                self._append(text, now)
        return len(text)

    def _append(self, text: str, now: float) -> None:
        if not self._texts:
            self._due = now + self.flush_interval
        kept = text[: limits.MAX_TEXT - self._kept]
        if kept or not self._texts:
            self._texts.append(kept)
        self._kept += len(kept)
        self._dropped += len(text) - len(kept)

    def flush(self) -> None:
        """Put out what has been written, by whatever way."""
        if os.getpid() == self._process:
            self.drain()
            self._put_out()

    def _put_out(self) -> None:
        with self._lock:
            text, dropped = "".join(self._texts), self._dropped
            self._texts, self._kept, self._dropped = [], 0, 0
        if text:
            self._deliver(
                {
                    "msg_type": "stream",
                    "header": {"msg_type": "stream"},
                    "parent_header": self._last_parent,
                    "content": {"name": self.name, "text": text, "cut": dropped},
                }
            )

    def _write_through(self, text: str) -> None:
        """Write from a forked process, whose text comes back by the file descriptor."""
        if self.descriptor is not None:
            data = text.encode(errors="replace")
            while data:
                data = data[os.write(self.descriptor, data) :]

    def writable(self) -> bool:
        """Return True."""
        return True


class _Descriptors:
    """Watches file descriptors 1 and 2, which other programs and C code write to."""

    def __init__(self, streams: dict[str, OutStream]) -> None:
        self._lock = threading.RLock()
        self._sources: dict[int, tuple[OutStream, codecs.IncrementalDecoder]] = {}
        self._poll = select.poll()
        for descriptor, stream in enumerate(streams.values(), start=1):
            source, sink = os.pipe()
            os.dup2(sink, descriptor)
            os.close(sink)
            os.set_blocking(source, False)
            stream.descriptor, stream.drain = descriptor, self.drain
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            self._sources[source] = stream, decoder
            self._poll.register(source, select.POLLIN)
        threading.Thread(target=self._watch, name="descriptors", daemon=True).start()

    def _watch(self) -> None:
        while self._sources:
            self._poll.poll()
            self.drain()

    def drain(self) -> None:
        """Pass on what has arrived."""
        with self._lock:
            for source in list(self._sources):
                self._read(source)

    def _read(self, source: int) -> None:
        stream, decoder = self._sources[source]
        for _ in range(16):  # what a pipe holds, and a bit: who writes on and on can wait
            try:
                data = os.read(source, 1 << 13)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:  # the student's code has closed it
                del self._sources[source]
                self._poll.unregister(source)
                return
            stream.write(decoder.decode(data))


class _Outputs:
    """The outputs of the cell that runs, by nbclient's rules and within limits."""

    _errors = 5  # outputs that are shown even when there are too many

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._parent = ""
        self._client = NotebookClient(NotebookNode())  # type: ignore[no-untyped-call]

    def start(self, parent: str) -> None:
        """Begin a cell, whose messages have this parent."""
        with self._lock:
            self._parent = parent
            self._cell = copy.deepcopy(_EMPTY)
            self._client.nb = NotebookNode(cells=[self._cell])  # type: ignore[no-untyped-call]
            self._client.reset_execution_trackers()
            self._client.clear_before_next_output = False
            self._dropped = 0

    def add(self, message: Message) -> None:
        """Take a message; one that doesn't belong to the cell is lost, as it is to nbclient."""
        with self._lock:
            if message["parent_header"].get("msg_id") != self._parent:
                return
            if self._fits(message):
                self._client.process_message(message, self._cell, 0)
                self._merge(message["content"].get("cut", 0))
            else:
                self._dropped += 1

    def _fits(self, message: Message) -> bool:
        kind, content = message["msg_type"], message["content"]
        if kind == "clear_output" or self._client.clear_before_next_output:
            self._dropped = 0
            return True
        outputs = self._cell.outputs
        if kind == "stream" and outputs and outputs[-1].get("name") == content["name"]:
            return True  # joined to the last output, which has its own limit
        if kind != "error" and limits.size(outputs) + limits.size(content) > limits.MAX_CELL * 0.9:
            return False
        room = limits.MAX_OUTPUTS - 1 - (0 if kind == "error" else self._errors)
        return kind == "update_display_data" or len(outputs) < room

    def _merge(self, cut: int) -> None:
        """Join text to the text before it, if that is of the same stream."""
        outputs = self._cell.outputs
        if not outputs or outputs[-1].output_type != "stream":
            return
        outputs[-1]["cut"] = outputs[-1].get("cut", 0) + cut
        if len(outputs) > 1 and outputs[-2].get("name") == outputs[-1].name:
            last = outputs.pop()
            room = limits.MAX_TEXT - len(outputs[-1].text)
            outputs[-1]["text"] += last.text[:room]
            outputs[-1]["cut"] += last.cut + max(0, len(last.text) - room)

    def finish(self) -> list[dict[str, Any]]:
        """End the cell and return its outputs."""
        with self._lock:
            self._parent = ""
            outputs = limits.limited(self._cell.outputs, self._dropped)
            for output in outputs:
                if cut := output.pop("cut", 0):
                    output["text"] = limits.cut(output["text"], len(output["text"]) + cut)
            found: list[dict[str, Any]] = json.loads(json.dumps(outputs))
            return found


_EMPTY = new_code_cell()  # type: ignore[no-untyped-call]


def _no_debugger(*_arguments: Any, **_options: Any) -> None:
    """Do what `breakpoint()` does in a kernel that no debugger is connected to: nothing."""


@contextmanager
def _signal_handler(handler: Any) -> Iterator[None]:
    """Interrupt a cell by SIGINT, and nothing outside it."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _adopt(context: contextvars.Context) -> None:
    """Keep the context variables that a cell has set, such as NumPy's `seterr`."""
    for variable, value in context.items():
        if variable.get(None) is not value:
            variable.set(value)


def _error_message(error: BaseException, parent: str) -> Message:
    name, text = type(error).__name__, _text(error)
    return {
        "msg_type": "error",
        "header": {"msg_type": "error"},
        "parent_header": {"msg_id": parent},
        "content": {"ename": name, "evalue": text, "traceback": [f"{name}: {text}"]},
    }


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:
        return ""


def _warm_up() -> None:
    """Do once what would otherwise be slow for the first time in every forked process."""
    backend_registry.list_all()  # type: ignore[no-untyped-call]
    NotebookClient(NotebookNode())  # type: ignore[no-untyped-call]
    new_output("stream")  # type: ignore[no-untyped-call]
    figure = Figure(layout="constrained")
    figure.subplots().loglog([1e-9, 1], label="$x^{2}$")
    figure.legend()
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
    try:
        raise ValueError
    except ValueError:
        FormattedTB(mode="Context", theme_name="linux").text(  # type: ignore[no-untyped-call]
            *sys.exc_info()
        )


_warm_up()
