"""Where a script's rows go beside the log (files, commands), and the shell that it may use where the policy allows it.

Rows are written as Sqitch's psql would: columns joined by "|", no headings (`--no-align --tuples-only`).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from pgmig_tui.database.wire import Exchange


class Outlets:
    """Files are named relative to `root`, psql's working directory; a name that begins with "|" is a command."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lasting: str | None = None
        """What `\\o` said: rows go there until it says otherwise."""
        self._changed: dict[str, str | None] = {}

    def turn(self, name: str | None) -> None:
        """`\\o`: rows go to `name` from here on (a file is emptied), None is the log again."""
        self.lasting = name
        if name is not None and not name.startswith("|"):
            self._write(name, b"", append=False)

    def file(self, name: str) -> Path:
        """The file of that name."""
        return self.root / name

    def set_environment(self, name: str, value: str | None) -> None:
        self._changed[name] = value

    @property
    def _env(self) -> dict[str, str]:
        merged = {**os.environ, **self._changed}
        return {name: value for name, value in merged.items() if value is not None}

    def write(self, exchange: Exchange, name: str) -> None:
        """Rows of a statement to a file or command. `\\g file` replaces the file, `\\o file` goes on in it."""
        lines = (_line(row) for reply in exchange.replies for row in reply.rows)
        self._put(b"".join(lines), name, append=name == self.lasting)

    def put(self, chunks: Iterable[bytes], name: str) -> None:
        """Data of `\\copy … to` a file or command."""
        self._put(b"".join(chunks), name, append=False)

    def shell(self, command: str) -> tuple[bytes, bytes]:
        """Run a command (`\\!`, backticks): what it printed and complained. Its status decides nothing, as in psql."""
        done = subprocess.run(
            command,
            shell=True,
            cwd=self.root,
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        return done.stdout, done.stderr

    def _put(self, data: bytes, name: str, *, append: bool) -> None:
        if name.startswith("|"):
            subprocess.run(name[1:], shell=True, cwd=self.root, env=self._env, input=data, check=False)
            return
        self._write(name, data, append=append)

    def _write(self, name: str, data: bytes, *, append: bool) -> None:
        """Raises OSError; a FIFO that nobody reads is one, and is not waited for."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | (os.O_APPEND if append else os.O_TRUNC)
        descriptor = os.open(self.file(name), flags, 0o666)
        os.set_blocking(descriptor, True)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)


def _line(row: tuple[str | None, ...]) -> bytes:
    text = "|".join("" if value is None else value for value in row)
    return text.encode("utf-8", "surrogateescape") + b"\n"
