"""Student processes for tests of the wire."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from course.judge.sandbox.server import WarmServer
from tests.course.judge.wire.started import Start, Started


@pytest.fixture(scope="module")
def server() -> Iterator[WarmServer]:
    with WarmServer() as server:
        yield server


@pytest.fixture
def start(server: WarmServer, tmp_path: Path) -> Iterator[Start]:
    running: list[Started] = []

    def begin(source: str) -> Started:
        running.append(Started(server, tmp_path, source))
        return running[-1]

    yield begin
    for started in running:
        started.connection.close()
        started.child.kill()
