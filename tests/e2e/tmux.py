"""A tmux with the real program in it: what most people who deploy over ssh look through."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.terminal import DEADLINE_S, ROOT

NAMED = {"enter": "Enter", "escape": "Escape", " ": "Space", "pagedown": "PageDown"}


class Tmux:
    """`pgmig-tui` in a project's folder, in a tmux server of its own. `keys` counts the keys that were pressed; a word
    that was typed counts as one."""

    def __init__(self, folder: Path, size: tuple[int, int] = (80, 23), env: Mapping[str, str] | None = None) -> None:
        self._tmux = ["tmux", "-S", str(folder / "tmux.socket"), "-f", "/dev/null"]
        self._env = {
            **os.environ, "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT),
            "LC_ALL": "C.UTF-8", **(env or {}),
        }  # fmt: skip
        self.keys = 0
        columns, rows = (str(one) for one in size)
        program = (sys.executable, "-m", "pgmig_tui")
        self._call("new-session", "-d", "-x", columns, "-y", rows, "-c", str(folder), *program)

    def _call(self, *arguments: str) -> str:
        return subprocess.run(
            [*self._tmux, *arguments], capture_output=True, text=True, env=self._env, check=True
        ).stdout

    @property
    def text(self) -> str:
        return self._call("capture-pane", "-p")

    def sees(self, *texts: str) -> Tmux:
        for text in texts:
            deadline = time.monotonic() + DEADLINE_S
            while text not in (shown := self.text):
                assert time.monotonic() < deadline, f"no {text!r} within {DEADLINE_S} s on:\n{shown}"
                time.sleep(0.05)
        return self

    def press(self, *keys: str) -> Tmux:
        """Keys by name, or a letter."""
        self.keys += len(keys)
        self._call("send-keys", *(NAMED.get(key, key) for key in keys))
        return self

    def word(self, text: str) -> Tmux:
        self.keys += 1
        self._call("send-keys", "-l", text)
        return self

    def counted(self) -> int:
        """How many keys there were since it was asked last."""
        keys, self.keys = self.keys, 0
        return keys

    def __enter__(self) -> Tmux:
        return self

    def __exit__(self, *_details: object) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, env=self._env, check=False)
