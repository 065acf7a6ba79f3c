"""A PostgreSQL server with its data in a folder of its own: for benchmarks and tests."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))  # where Debian has them
NOBODY = "nobody"
THERE = bool(PROGRAMS or shutil.which("initdb"))


@dataclass(frozen=True)
class Server:
    """A server that is running.

    Attributes:
        folder: where its socket, its data and its log are.
    """

    folder: Path

    def url(self, database: str) -> str:
        """Return a database's name as nbgrader and SQLAlchemy take it."""
        return f"postgresql+psycopg://course@/{database}?host={self.folder}"

    def command(self, *lines: str) -> None:
        """Have the server do something."""
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                for line in lines:
                    connection.execute(text(line))
        finally:
            engine.dispose()

    def copy(self, database: str, to: str) -> None:
        """Make a database what another is, whoever is using it."""
        self.command(
            f"DROP DATABASE IF EXISTS {to} WITH (FORCE)",
            f"CREATE DATABASE {to} TEMPLATE {database}",
        )

    def cut(self, database: str) -> None:
        """End all connections to a database."""
        self.command(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        )

    def restart(self) -> None:
        """Have it crash, and start again."""
        self.control("stop", "-m", "immediate")
        self.control("start")

    def control(self, do: str, *more: str) -> None:
        """Start or stop it."""
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off"
        given = ("-l", str(self.folder / "log"), "-o", options) if do == "start" else ()
        run("pg_ctl", "-D", str(self.folder / "data"), "-w", *given, *more, do)


def run(program: str, *arguments: str) -> None:
    """Run one of the server's programs, as a user who may: never root.

    Raises:
        RuntimeError: if it fails.
    """
    path = PROGRAMS[-1] / program if PROGRAMS else Path(shutil.which(program) or program)
    user = NOBODY if os.geteuid() == 0 else None
    done = subprocess.run(
        [path, *arguments],
        user=user,
        cwd="/",
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    if done.returncode:
        raise RuntimeError(f"{program} failed: {done.stderr}")


@contextmanager
def server() -> Iterator[Server]:
    """Yield a server that ends with the block."""
    with tempfile.TemporaryDirectory(prefix="pg-") as name:  # a socket's path must be short
        folder = Path(name)
        if os.geteuid() == 0:
            folder.chmod(0o755)
            os.chown(folder, pwd.getpwnam(NOBODY).pw_uid, -1)
        run("initdb", "-D", str(folder / "data"), "-U", "course", "-A", "trust", "-E", "UTF8",
            "--no-sync")  # fmt: skip
        one = Server(folder)
        one.control("start")
        try:
            yield one
        finally:
            one.control("stop", "-m", "immediate")
