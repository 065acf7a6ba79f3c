"""Where student code runs: a confined process, forked from a warm server.

`port` says what a sandbox must offer, `linux` is the one of Linux, `none` protects nothing. Which
of them this machine has is decided here and nowhere else.
"""

import sys
from functools import cache

from course.judge.sandbox.port import Protection, Sandbox


@cache
def local_sandbox() -> Sandbox:
    """Return the sandbox of this machine."""
    if sys.platform == "linux":
        from course.judge.sandbox.linux import LinuxSandbox

        return LinuxSandbox()
    else:  # noqa: RET505  (so that a type checker knows which system each half is for)
        from course.judge.sandbox.none import NoSandbox

        return NoSandbox()


def missing() -> list[Protection]:
    """Return the protections that this machine lacks."""
    return [protection for protection in local_sandbox().protections() if not protection.on]
