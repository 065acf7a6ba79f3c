"""What an error tells of the confinement: the network, programs and files that code has not got.

Reads the errors of a student's code, which may say anything: what is made of them is a note for
people and decides nothing.
"""

import re
from collections.abc import Iterable

CLOSED = "which is closed while work is graded"
NETWORK = f"Your code asked for the network, {CLOSED}."
FILE = f"Your code asked for a file outside the assignment's folder, {CLOSED}."
SYSTEM = f"Your code asked for the network, another program or a device, {CLOSED}."

_SIGNS = {
    NETWORK: r"name resolution|Name or service not known|Failed to resolve",
    FILE: r"No such file or directory: '(?:[/~]|[A-Z]:)|Permission denied|Read-only file system",
    SYSTEM: r"Operation not permitted|shell not found",
}


def refusals(errors: Iterable[str]) -> list[str]:
    """Return what code was refused, a sentence each, as far as its errors tell.

    Args:
        errors: what its errors say.
    """
    text = "\n".join(errors)
    return [sentence for sentence, sign in _SIGNS.items() if re.search(sign, text)]
