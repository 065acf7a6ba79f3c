"""The sandbox of a machine for which the course has none: it protects nothing, and says so.

Everything else works as with one, for who decides to go on without: see `Judge.unprotected`.
"""

import platform
import time

from course.judge.sandbox.port import PROTECTIONS, Confinement, Protection, move_in


class NoSandbox:
    """Confines nothing; implements `course.judge.sandbox.port.Sandbox`."""

    def protections(self) -> list[Protection]:
        """Return every protection as missing."""
        note = f"needs Linux, and this is {platform.system() or 'an unknown system'}"
        return [Protection(name, False, note) for name in PROTECTIONS]

    def prepare(self) -> None:
        """Do nothing."""

    def end_with_parent(self) -> None:
        """Do nothing."""

    def confine(self, confinement: Confinement) -> list[Protection]:
        """Move into the scratch folder, and report every protection as missing."""
        move_in(confinement.scratch)
        return self.protections()

    def limit_memory(self, more: int) -> None:
        """Do nothing."""

    def limit_computing(self, seconds: int) -> None:
        """Do nothing."""

    def computing_clock(self, pid: int) -> int:
        """Return the clock of wall time."""
        return time.CLOCK_MONOTONIC
