"""Text for the clipboard where OSC 52 alone may not get there: into the buffer of the tmux around us."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping

SECONDS = 2.0


def into_tmux(text: str, env: Mapping[str, str]) -> bool:
    """Whether tmux has it in its buffer now, and, from 3.2 on, has handed it to its own terminal. tmux itself takes
    OSC 52 from programs only with `set-clipboard on`, which is not its default. False outside tmux."""
    if not env.get("TMUX"):
        return False
    for options in (["-w"], []):
        try:
            done = subprocess.run(
                ["tmux", "load-buffer", *options, "-"],
                input=text.encode("utf-8", "replace"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        if done.returncode == 0:
            return True
    return False
