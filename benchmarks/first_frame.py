"""The first frame of the screen, showing the plan's names, against the first frame of a minimal Textual app.

Each is started in a pseudo-terminal of 100x30, in turn, and timed from its start until its text has arrived.
Prints one line: ours, theirs, and the ratio of the minima; a second one for a plan of 10,000 changes.
"""

from __future__ import annotations

import argparse
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

ROOT = Path(__file__).parent.parent
MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("the-first-frame")
Minimal().run()
"""
DEADLINE_S = 30.0


def first_frame(command: list[str], folder: Path, awaited: bytes) -> float:
    """Seconds from the start of a program until `awaited` has come out of its terminal."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    env = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(folder / "state")}
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    seen = b""
    try:
        while awaited not in seen:
            left = start + DEADLINE_S - time.perf_counter()
            if left <= 0 or not select.select([ours], [], [], left)[0]:
                raise SystemExit(f"no first frame in {DEADLINE_S} s; the end of the output: {seen[-500:]!r}")
            try:
                seen += os.read(ours, 65536)
            except OSError:
                raise SystemExit(f"the program ended without a frame: {seen[-2000:]!r}") from None
        return time.perf_counter() - start
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(ours)


def make_project(folder: Path, changes: int) -> bytes:
    """A project of so many changes; returns the name of its newest one."""
    names = [f"20250101_{number:05d}_change" for number in range(changes)]
    lines = [f"{name} 2025-01-01T00:00:00Z A <a@example.com> # note" for name in names]
    (folder / "sqitch.conf").write_text('[core]\n\tengine = pg\n[target "dev"]\n\turi = db:pg://127.0.0.1:1/none\n')
    (folder / "sqitch.plan").write_text("%syntax-version=1.0.0\n%project=big\n\n" + "\n".join(lines) + "\n")
    for name in ("deploy", "revert", "verify"):
        (folder / name).mkdir()
    return names[-1].encode()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds: int = parser.parse_args().rounds
    program = [sys.executable, "-m", "pgmig_tui"]
    with tempfile.TemporaryDirectory() as name:
        sample, large = Path(name) / "sample", Path(name) / "large"
        for folder in (sample, large):
            folder.mkdir()
        for entry in ("sqitch.plan", "sqitch.conf", "pgmig.toml", "deploy", "revert", "verify"):
            (sample / entry).symlink_to(ROOT / entry)
        newest = (ROOT / "sqitch.plan").read_text().rstrip().splitlines()[-1].split()[0].encode()
        newest_large = make_project(large, 10_000)
        times: dict[str, list[float]] = {"minimal": [], "sample": [], "large": []}
        for _round in range(rounds):
            times["minimal"].append(first_frame([sys.executable, "-c", MINIMAL], sample, b"the-first-frame"))
            times["sample"].append(first_frame(program, sample, newest.partition(b"_0001_")[2][:12]))
            times["large"].append(first_frame(program, large, newest_large))
    least = {key: min(values) for key, values in times.items()}
    for key, label in (("sample", "sample project"), ("large", "10,000 changes")):
        print(
            f"first frame, {label}: {least[key] * 1000:.0f} ms; minimal Textual app: {least['minimal'] * 1000:.0f} ms;"
            f" ratio {least[key] / least['minimal']:.2f}" + (" (at most 2)" if key == "sample" else "")
        )
    return 0 if least["sample"] <= 2 * least["minimal"] else 1


if __name__ == "__main__":
    sys.exit(main())
