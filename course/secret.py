"""The course's secret, from which every student's random points are drawn while grading.

It lies in a file that only its owner can read, outside of git, and never leaves this machine: what
a verdict holds is one student's seed.
"""

import hmac
import os
import secrets
from pathlib import Path

NAME = ".course-secret"
LENGTH = 32


def course_secret(root: Path) -> bytes:
    """Return the course's secret, made at the first call.

    Args:
        root: the course's folder.

    Raises:
        ValueError: if the file does not hold a secret.
    """
    path = root / NAME
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = bytes.fromhex(path.read_text().strip())
        if len(secret) != LENGTH:
            raise ValueError(f"{path} does not hold a secret of {LENGTH} bytes") from None
        return secret
    secret = secrets.token_bytes(LENGTH)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{secret.hex()}\n")
    return secret


def student_seed(secret: bytes, student: str) -> bytes:
    """Return the seed of one student's random points: HMAC-SHA256 of the student's id."""
    return hmac.digest(secret, student.encode(), "sha256")
