"""From the start of the program to the first frame that shows the plan's names, in a terminal of 120 x 40.

Against a Textual app that shows one line: goal at most 2 times its time, on the sample project. And of `--version`
against `python -c pass`: goal at most 5 times. Needs no server.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

from common import OURS, ROOT, Bench, bench, in_turns, verdict

FRAME_GOAL = 2
VERSION_GOAL = 5
NEEDLE = b"create_schema"
TIMEOUT_S = 30
MINIMAL = f"""
from textual.app import App
from textual.widgets import Static

class Minimal(App):
    def compose(self):
        yield Static({NEEDLE.decode()!r})

Minimal().run()
"""


def main() -> None:
    with bench(__doc__, rounds=9, server=False) as b:
        minimal = b.folder / "minimal.py"
        minimal.write_text(MINIMAL)
        apps = ([sys.executable, str(minimal)], OURS)
        for command in apps:
            first_frame(b, command)  # the first start compiles; whoever measures it measures the disk
        theirs, mine = in_turns(b.rounds, *(lambda command=command: first_frame(b, command) for command in apps))
        verdict("first frame", mine, theirs, "minimal", at_most=FRAME_GOAL)
        console = Path(sys.executable).with_name("pgmig-tui")
        version = [console, "--version"] if console.exists() else [*OURS, "--version"]
        theirs, mine = in_turns(
            b.rounds * 3,
            lambda: b.run([sys.executable, "-c", "pass"], ROOT).seconds,
            lambda: b.run(version, ROOT).seconds,
        )
        verdict("--version", mine, theirs, "python", at_most=VERSION_GOAL)


def first_frame(b: Bench, command: Sequence[str]) -> float:
    """Seconds until the terminal is told NEEDLE."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=b.environment(TERM="xterm-256color", COLORTERM="truecolor"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    seen = b""
    try:
        while NEEDLE not in seen:
            if time.perf_counter() - start > TIMEOUT_S or not select.select([master], [], [], TIMEOUT_S)[0]:
                raise SystemExit(
                    f"{command} did not show the plan in {TIMEOUT_S} s; the terminal's last bytes: {seen[-500:]!r}"
                )
            seen += os.read(master, 65536)
        return time.perf_counter() - start
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(master)


if __name__ == "__main__":
    main()
