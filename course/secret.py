"""The course's secret, from which the random points of every hand-in are drawn while grading.

It lies in a file that only its owner can read, outside of git, and leaves this machine only for the
workers of a cluster that grades the class: what a verdict holds is the seed of one hand-in.
"""

import contextlib
import hmac
import os
import re
import secrets
import tempfile
import time
from pathlib import Path

NAME = ".course-secret"
LENGTH = 32
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
PATIENCE = 30.0  # seconds until a file that nobody goes on writing counts as broken
WHOLE = re.compile(rf"[0-9a-f]{{{2 * LENGTH}}}\n?")


def course_secret(root: Path) -> bytes:
    """Return the course's secret, made at the first call, which several processes may make at once.

    Args:
        root: the course's folder.

    Raises:
        ValueError: if the file does not hold a secret.
    """
    path = root / NAME
    if path.exists():
        return _read(path)
    _make(path)
    return _read(path)


def _make(path: Path) -> None:
    """Make a secret's file, as a whole or not at all; the first who does so has made it."""
    secret = secrets.token_bytes(LENGTH)
    # Of a temporary file its owner alone can read anything.
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f"{NAME}-") as file:
        file.write(f"{secret.hex()}\n")
        file.flush()
        os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            try:
                os.link(file.name, path)
            except FileExistsError:
                raise
            except OSError:  # a disk that knows no links
                with os.fdopen(os.open(path, NEW, 0o600), "w") as own:
                    own.write(f"{secret.hex()}\n")


def _read(path: Path) -> bytes:
    """Return the secret in a file that another process may be about to write."""
    deadline = time.monotonic() + PATIENCE
    while not (whole := WHOLE.fullmatch(text := path.read_text())) and not text.endswith("\n"):
        if time.monotonic() >= deadline:
            break
        time.sleep(0.005)
    if not whole:
        raise ValueError(f"{path} does not hold a secret of {LENGTH} bytes")
    return bytes.fromhex(text.strip())


def hand_in_seed(secret: bytes, student: str, digest: bytes) -> bytes:
    """Return the seed of one hand-in's random points: HMAC-SHA256 of whose it is and what.

    Args:
        secret: the course's.
        student: the student's id.
        digest: of what was handed in: what is learned of its points says nothing of the next one's.
    """
    return hmac.digest(secret, digest + student.encode(), "sha256")
