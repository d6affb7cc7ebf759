"""One screen in a process of its own, spoken to as Textual's web driver speaks (`textual.drivers.web_driver`).

A packet is one letter (D: what a terminal would get, M: a message in JSON, P: packed), four bytes of length, the
payload. The command is fixed: this interpreter, this program, this folder; no shell.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pgmig_tui

READY = b"__GANGLION__\n"
ENDING_SECONDS = 5.0
LEAVING_SECONDS = 60.0
LAST_WORDS = 4000
"""So many characters of what a screen says when it ends are kept."""
_LARGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class ScreenCommand:
    """What is started for each browser: `arguments` of `pgmig_tui.ui.served`, in the project's folder."""

    folder: Path
    arguments: Sequence[str]
    env: Mapping[str, str]

    @property
    def argv(self) -> list[str]:
        # -P: a textual.py in the project's folder must not become part of the program.
        return [sys.executable, "-P", "-m", "pgmig_tui.ui.served", *self.arguments]

    def environment(self, columns: int, rows: int) -> dict[str, str]:
        package = str(Path(pgmig_tui.__file__).parent.parent)
        path = os.pathsep.join(part for part in (package, self.env.get("PYTHONPATH", "")) if part)
        return {
            **{name: value for name, value in self.env.items() if name not in ("TEXTUAL", "TEXTUAL_LOG", "SSH_TTY")},
            "PYTHONPATH": path,
            "TEXTUAL_DRIVER": "textual.drivers.web_driver:WebDriver",
            "TEXTUAL_COLOR_SYSTEM": "truecolor",
            "TERM": "xterm-256color",
            "COLUMNS": str(columns),
            "ROWS": str(rows),
        }


class Screen:
    """A screen that runs. Use `started`; `follow` hands its bytes on until it ends; `end` ends it. A run that it has
    started is another process, which goes on as it does when a terminal is closed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._said = bytearray()
        self._left = False
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def started(cls, command: ScreenCommand, columns: int, rows: int) -> Screen:
        """Raises OSError."""
        process = await asyncio.create_subprocess_exec(
            *command.argv,
            cwd=command.folder,
            env=command.environment(columns, rows),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        return cls(process)

    @property
    def last_words(self) -> str:
        """What it said at its end; not safe to print."""
        return self._said.decode("utf-8", "replace").strip()

    async def _listen(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(4096):
            self._said += data
            del self._said[:-LAST_WORDS]

    async def follow(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        """Hands on what it draws. While `write` waits for a slow browser the screen waits, and no run does."""
        read = self._process.stdout
        assert read is not None
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            await read.readuntil(READY)
            while True:
                head = await read.readexactly(5)
                size = int.from_bytes(head[1:], "big")
                if size > _LARGEST:
                    return
                payload = await read.readexactly(size)
                if head[:1] == b"D":
                    await write(payload)
                elif head[:1] == b"M" and json.loads(payload).get("type") == "exit":
                    self._left = True
                    return
                # A file to hand out, an address to open: nothing of ours asks a browser for that.

    async def type(self, text: str) -> None:
        """What was typed, clicked or pasted."""
        await self._send(b"D", text.encode("utf-8", "replace"))

    async def tell(self, message: Mapping[str, str | int]) -> None:
        await self._send(b"M", json.dumps(message).encode())

    async def _send(self, kind: bytes, payload: bytes) -> None:
        into = self._process.stdin
        assert into is not None
        with contextlib.suppress(ConnectionError, RuntimeError):
            into.write(kind + len(payload).to_bytes(4, "big") + payload)
            await into.drain()

    async def end(self) -> None:
        """It ends as when a terminal is closed; returns when it is gone. One that was left by its key writes down what
        it has to."""
        if self._process.stdin is not None and not self._left:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), LEAVING_SECONDS if self._left else ENDING_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._listening, 1.0)
