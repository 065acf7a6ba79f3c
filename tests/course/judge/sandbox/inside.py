"""What the tests of confinement run inside a child of the warm server: a text, and its `result`."""

import errno
import json
import socket
from collections.abc import Mapping
from typing import Any


def run(connection: socket.socket, arguments: Mapping[str, Any]) -> None:
    """Execute "source" with "names", and send back what it calls `result`, or what it raised."""
    names = dict(arguments["names"])
    try:
        exec(arguments["source"], names)
        answer = {"result": names.get("result")}
    except BaseException as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    connection.sendall(json.dumps(answer).encode() + b"\n")


def run_without(connection: socket.socket, arguments: Mapping[str, Any]) -> None:
    """Confine and run where the kernel refuses some calls, as a container's does."""
    from seccompy import Action, Filter

    from course.judge.sandbox import local_sandbox
    from course.judge.sandbox.port import Confinement

    kernel = Filter(default=Action.ALLOW)
    for call in arguments["without"]:
        kernel.errno(call, errno.ENOSYS)
    kernel.load()
    found = local_sandbox().confine(Confinement.from_json(arguments["limits"]))
    missing = [protection.name for protection in found if not protection.on]
    run(connection, {**arguments, "names": {**arguments["names"], "missing": missing}})
