"""A terminal with the real program in it: keys go in by a pseudo-terminal, pyte makes the screen of what comes out."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pexpect
import pyte

ROOT = Path(__file__).parents[2]
DEADLINE_S = 30.0


class Terminal:
    """`pgmig-tui` (with `arguments`), or another `command`, in a project's folder."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        size: tuple[int, int] = (100, 30),
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = (),
    ) -> None:
        columns, rows = size
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        known = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "PYTHONPATH": str(ROOT),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
        }
        program, *rest = command or (sys.executable, "-m", "pgmig_tui", *arguments)
        self.child = pexpect.spawn(
            program,
            rest,
            cwd=str(folder),
            env={**known, **(env or {})},
            dimensions=(rows, columns),
            timeout=DEADLINE_S,
        )
        self.child.delaybeforesend = None

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self, seconds: float = 0.05) -> bool:
        """Takes in what has come; False once the program has closed its terminal."""
        try:
            data = self.child.read_nonblocking(65536, timeout=seconds)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self._stream.feed(data)
        return True

    def sees(self, *texts: str) -> Terminal:
        """Waits until each text stands on the screen."""
        for text in texts:
            deadline = time.monotonic() + DEADLINE_S
            while text not in self.text:
                alive = self.read()
                assert alive, f"the program ended before {text!r}:\n{self.text}"
                assert time.monotonic() < deadline, f"no {text!r} within {DEADLINE_S} s on:\n{self.text}"
        return self

    def misses(self, text: str) -> Terminal:
        """Waits until a text stands there no longer; after Escape, which would make Alt of a key that follows."""
        deadline = time.monotonic() + DEADLINE_S
        while text in self.text:
            assert self.read(), f"the program ended before {text!r} went:\n{self.text}"
            assert time.monotonic() < deadline, f"{text!r} is still there after {DEADLINE_S} s:\n{self.text}"
        return self

    def press(self, *keys: str) -> Terminal:
        for key in keys:
            self.child.send({"enter": "\r", "escape": "\x1b", "ctrl-c": "\x03", "pagedown": "\x1b[6~"}.get(key, key))
        return self

    def ends(self) -> int:
        """Waits for the end of the program; its exit status."""
        deadline = time.monotonic() + DEADLINE_S
        while self.read() and time.monotonic() < deadline:
            pass
        self.child.wait()
        return int(self.child.exitstatus) if self.child.exitstatus is not None else -int(self.child.signalstatus or 0)

    def hang_up(self) -> None:
        """What a dropped connection does: the terminal goes away, and its programs get SIGHUP."""
        self.child.kill(signal.SIGHUP)

    def go_away(self) -> None:
        """The terminal alone: whoever leads its session is told by the system, and may keep it to itself."""
        self.child.ptyproc.fileobj.close()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_details: object) -> None:
        self.child.close(force=True)


def make_project(folder: Path, scripts: Mapping[str, str], targets: Mapping[str, str]) -> Path:
    """A project whose changes are `scripts` (name to deploy script), with these targets (name to URI)."""
    conf = ["[core]", "\tengine = pg", "[user]", "\tname = Maria Berg", "\temail = maria@example.org"]
    for name, uri in targets.items():
        conf += [f'[target "{name}"]', f"\turi = {uri}"]
    (folder / "sqitch.conf").write_text("\n".join(conf) + "\n")
    lines = ["%syntax-version=1.0.0", "%project=e2e", ""]
    for kind in ("deploy", "revert", "verify"):
        (folder / kind).mkdir()
    for name, script in scripts.items():
        lines.append(f"{name} 2025-01-01T00:00:00Z Maria Berg <maria@example.org> # {name}")
        (folder / "deploy" / f"{name}.sql").write_text(script)
        (folder / "revert" / f"{name}.sql").write_text("BEGIN;\nDROP TABLE IF EXISTS public.t_" + name + ";\nCOMMIT;\n")
    (folder / "sqitch.plan").write_text("\n".join(lines) + "\n")
    return folder
