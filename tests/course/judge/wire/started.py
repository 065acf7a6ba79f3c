"""A student process that tests have started, confined and with a shell, and its names."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from course.judge.outputs import cleaned
from course.judge.sandbox.port import Confinement
from course.judge.sandbox.server import WarmServer
from course.judge.wire.judge_end import Namespace, Session

Outputs = list[dict[str, Any]]


class Started:
    """A student process that has run a cell, and its names as a test cell has them."""

    def __init__(self, server: WarmServer, scratch: Path, source: str) -> None:
        ours, theirs = socket.socketpair()
        arguments = {
            "closed": ["helpers.answers.layers"],
            "confinement": Confinement.for_student(scratch).to_json(),
        }
        with theirs:
            self.child = server.spawn("student", theirs, arguments)
        self.connection = ours
        self.session = Session(ours, seconds=600)
        self.names = Namespace({"np": np}, self.session)
        assert [output for output in self.run(source) if output["output_type"] == "error"] == []

    def run(self, source: str) -> Outputs:
        """Run a cell and return its outputs."""
        return cleaned(self.session.request("run", source, "cell"))

    def test(self, source: str) -> Any:
        """Run the text of a test cell, and return what it calls `result`."""
        names = Namespace(dict(self.names), self.session)
        exec(compile(source, "<test>", "exec"), names)
        return names["result"]


Start = Callable[[str], Started]
