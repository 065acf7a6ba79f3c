"""Packages that a notebook needs beyond the course's own: are they there, and if not, what to do.

`require` stands in such a notebook's set-up cell, with what its part of assignment.toml lists.
Knows no chapter.
"""

from collections.abc import Iterable
from importlib import metadata

from packaging.requirements import Requirement


class NotInstalledError(ImportError):
    """A package is missing, or too old; the message says what to do. Jupyter shows that alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def advice(requirements: Iterable[str]) -> str:
    """Return what to install, the end of a sentence that begins with who needs it; "" if nothing.

    Args:
        requirements: such as "torch>=2.13".
    """
    missing = [text for text in requirements if not _is_there(Requirement(text))]
    if not missing:
        return ""
    quoted = " ".join(f'"{text}"' for text in missing)
    return f"needs what is not installed here: pip install {quoted}"


def require(*requirements: str) -> None:
    """Stop the cell with one line if a package is missing.

    Raises:
        NotInstalledError: the line.
    """
    if line := advice(requirements):
        raise NotInstalledError(f"This notebook {line} (then restart the kernel)")


def _is_there(requirement: Requirement) -> bool:
    try:
        return metadata.version(requirement.name) in requirement.specifier
    except metadata.PackageNotFoundError:
        return False
