"""The screen in a real terminal of 120 x 40: how soon it is there, how soon it answers, and what it takes.

Its first frame is timed against a Textual app that shows one line, `--version` against `python -c pass`. The rest has
goals in milliseconds and MiB: a key on a plan of 10,000 changes and 60 environments, a script of 10 MB that is opened
and searched, a key while a run emits 5,000 lines a second. Then what mustn't matter at all: a terminal that takes
nothing any more while a run goes on, and an environment that never answers while another one does.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import socket
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from common import OURS, ROOT, Bench, bench, in_turns, verdict

FRAME_GOAL, LARGE_GOAL, VERSION_GOAL = 1.5, 2.5, 5
KEY_GOAL_MS, OPEN_GOAL_MS, MEMORY_GOAL_MB = 50, 500, 120
TIMEOUT_S = 60
MINIMAL = """
from textual.app import App
from textual.widgets import Static

class Minimal(App):
    def compose(self):
        yield Static("the-first-frame")

Minimal().run()
"""
_CONTROL = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[PX^_\]].*?(?:\x1b\\|\x07)|[@-Z\\-_])", re.S)


class Terminal:
    """A program in a pseudo-terminal that nobody draws: what it writes is searched, and forgotten."""

    def __init__(self, b: Bench, command: Sequence[str | Path], folder: Path) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.start = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=b.environment(TERM="xterm-256color", COLORTERM="truecolor"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._seen = b""
        self.most_mb = 0.0

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], max(0.0, seconds))[0]:
            return False
        try:
            self._seen += os.read(self._master, 1 << 20)
        except OSError:
            raise SystemExit(f"the program ended; its last bytes: {self._seen[-2000:]!r}") from None
        return True

    def text(self) -> bytes:
        return _CONTROL.sub(b"", self._seen)

    def sees(self, wanted: bytes, timeout: float = TIMEOUT_S) -> float:
        """The moment at which `wanted` was there, of what came since the last key."""
        deadline = time.perf_counter() + timeout
        while wanted not in self.text():
            if time.perf_counter() > deadline:
                raise SystemExit(f"no {wanted!r} in {timeout} s; the last that came: {self.text()[-3000:]!r}")
            self._read(0.2)
        return time.perf_counter()

    def quiet(self, seconds: float = 0.3, timeout: float = TIMEOUT_S) -> Terminal:
        """Waits until nothing has come for so long."""
        deadline = time.perf_counter() + timeout
        while self._read(seconds):
            if time.perf_counter() > deadline:
                raise SystemExit(f"it is never quiet: {self.text()[-1000:]!r}")
        return self

    def press(self, keys: bytes) -> float:
        """The moment at which the keys were sent; what came before is forgotten."""
        self._measure()
        self._seen = b""
        os.write(self._master, keys)
        return time.perf_counter()

    def answers(self, key: bytes) -> float:
        """Milliseconds from a key to the first that is drawn after it; nothing else is drawn meanwhile."""
        self.quiet(0.05)
        sent = self.press(key)
        if not self._read(TIMEOUT_S):
            raise SystemExit(f"{key!r} is not answered")
        return (time.perf_counter() - sent) * 1000

    def shows(self, key: bytes, wanted: bytes) -> float:
        """Milliseconds from a key to a text that it brings, whatever else is drawn meanwhile."""
        sent = self.press(key)
        return (self.sees(wanted) - sent) * 1000

    def _measure(self) -> None:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self._process.pid}/status").read_text())
        self.most_mb = int(found[1]) / 1024 if found else 0.0

    def close(self) -> None:
        if self._process.poll() is None:
            self._measure()
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._master)


@contextmanager
def terminal(b: Bench, command: Sequence[str | Path], folder: Path) -> Iterator[Terminal]:
    opened = Terminal(b, command, folder)
    try:
        yield opened
    finally:
        opened.close()


def main() -> None:
    with bench(__doc__, rounds=9) as b:
        first_frames(b)
        keys_on_a_large_plan(b)
        large_script(b)
        while_a_run_talks(b)
        stalled_terminal(b)
        silent_environment(b)


def told(what: str, value: float, goal: float, unit: str) -> None:
    print(
        f"{what:<58} {value:8.1f} {unit:<4} goal: at most {goal:g}: {'met' if value <= goal else 'NOT MET'}", flush=True
    )


def p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


# -- what is timed ---------------------------------------------------------------------------------------------------


def first_frames(b: Bench) -> None:
    minimal = b.folder / "minimal.py"
    minimal.write_text(MINIMAL)
    large, newest = large_project(b, "frames")
    apps: tuple[tuple[list[str], Path, bytes], ...] = (
        ([sys.executable, str(minimal)], ROOT, b"the-first-frame"),
        (OURS, ROOT, b"create_schema"),
        (OURS, large, newest),
    )

    def frame(command: list[str], folder: Path, wanted: bytes) -> float:
        with terminal(b, command, folder) as opened:
            return opened.sees(wanted) - opened.start

    for app in apps:
        frame(*app)  # the first start compiles; whoever measures it measures the disk
    runs: list[Callable[[], float]] = [lambda app=app: frame(*app) for app in apps]  # type: ignore[misc]
    theirs, sample, many = in_turns(b.rounds, *runs)
    verdict("first frame", sample, theirs, "minimal", at_most=FRAME_GOAL)
    verdict("first frame, 10,000 x 60", many, theirs, "minimal", at_most=LARGE_GOAL)
    console = Path(sys.executable).with_name("pgmig-tui")
    version = [console, "--version"] if console.exists() else [*OURS, "--version"]
    theirs, ours = in_turns(
        b.rounds * 3,
        lambda: b.run([sys.executable, "-c", "pass"], ROOT).seconds,
        lambda: b.run(version, ROOT).seconds,
    )
    verdict("--version", ours, theirs, "python", at_most=VERSION_GOAL)


def keys_on_a_large_plan(b: Bench) -> None:
    folder, newest = large_project(b, "keys", b.server.fresh("bench_screen"))
    with terminal(b, OURS, folder) as opened:
        opened.sees(newest)
        pause(opened, 5 if b.quick else 15)  # all sixty have answered
        # The cursor is on what comes next, at the end: a `j` there has nothing to draw.
        times = [opened.answers(b"k") for _ in range(20 if b.quick else 60)]
        times += [opened.answers(b"j") for _ in range(20 if b.quick else 60)]
        ends = [opened.answers(key) for key in (b"g", b"G", b"g", b"G")]
        opened.press(b"/")
        opened.sees(b"part of a name")
        opened.press(b"c00042")
        pause(opened, 0.5)
        found = opened.shows(b"\r", b"> c00042")
        told("a key on 10,000 changes x 60 environments, p95", p95(times), KEY_GOAL_MS, "ms")
        told("to the last change and back, the slowest", max(ends), KEY_GOAL_MS, "ms")
        told("a filter typed", found, KEY_GOAL_MS, "ms")
    told("memory with them", opened.most_mb, MEMORY_GOAL_MB, "MiB")


def large_script(b: Bench) -> None:
    folder = b.folder / "large_script"
    project(folder, {"huge": huge_script(1 if b.quick else 10)}, {"dev": b.server.fresh("bench_screen")})
    with terminal(b, OURS, folder) as opened:
        opened.sees(b"dev: 1 pending")
        opened.quiet()
        opened_ms = opened.shows(b"\r", b"first line of it")
        opened.quiet(0.5)
        opened.press(b"/")
        pause(opened, 0.5)
        opened.press(b"the needle")
        pause(opened, 0.5)
        found = opened.shows(b"\r", b"is the needle")
        opened.quiet(0.5)
    told("a script of 10 MB opened", opened_ms, OPEN_GOAL_MS, "ms")
    told("and searched to its end", found, OPEN_GOAL_MS, "ms")
    told("memory with it", opened.most_mb, MEMORY_GOAL_MB, "MiB")


def while_a_run_talks(b: Bench) -> None:
    seconds = 4 if b.quick else 12
    loud = (
        "DO $$ BEGIN FOR n IN 1.." + str(seconds * 10) + " LOOP FOR m IN 1..500 LOOP RAISE NOTICE 'line % %', n, m;"
        " END LOOP; PERFORM pg_sleep(0.1); END LOOP; END $$;"
    )
    folder = b.folder / "talks"
    project(folder, {"loud": loud}, {"dev": b.server.fresh("bench_screen")})
    with terminal(b, OURS, folder) as opened:
        begin_deploy(opened)
        opened.sees(b"line 3")
        times, helped = [], []
        for _ in range(8 if b.quick else 25):
            # Keys that are off say so at once; what is drawn of the log meanwhile can't be taken for an answer.
            times.append(opened.shows(b"r", b"no retry is pending"))
            times.append(opened.shows(b"K", b"nobody is seen in the way"))
            pause(opened, 0.05)
            if len(times) % 5:
                continue
            helped.append(opened.shows(b"?", b"one line down"))
            pause(opened, 0.1)
            opened.press(b"\x1b")
            opened.sees(b"Cancel")
        opened.sees(b"DONE")
    told("a key while a run emits 5,000 lines a second, p95", p95(times), KEY_GOAL_MS, "ms")
    told("and a screen of its own opened (help), p95", p95(helped), 2 * KEY_GOAL_MS, "ms")
    told("memory with it", opened.most_mb, MEMORY_GOAL_MB, "MiB")


def stalled_terminal(b: Bench) -> None:
    """The same deploy, once with a terminal that is read, once with one that takes nothing from the start of it on."""
    loud = "DO $$ BEGIN FOR n IN 1..20000 LOOP RAISE NOTICE 'line %', n; END LOOP; PERFORM pg_sleep(0.5); END $$;"
    # Not one script four times over: Sqitch's registry takes a deploy script once, and so the review refuses a second.
    changes = {f"change_{n}": f"-- {n}\n{loud}" for n in range(1 if b.quick else 4)}
    last = list(changes)[-1]

    def deploy(*, read: bool) -> float:
        uri = b.server.fresh("bench_screen")
        folder = b.folder / f"stalled_{read}_{time.monotonic_ns()}"
        project(folder, changes, {"dev": uri})
        with terminal(b, OURS, folder) as opened:
            begun = begin_deploy(opened)
            while not deployed(b, last):
                if time.perf_counter() - begun > TIMEOUT_S:
                    raise SystemExit("the run doesn't end")
                pause(opened, 0.05) if read else time.sleep(0.05)
            return time.perf_counter() - begun

    followed, stalled = in_turns(min(b.rounds, 3), lambda: deploy(read=True), lambda: deploy(read=False))
    verdict("a run, its terminal stalled", stalled, followed, "read", at_most=1.2)


def silent_environment(b: Bench) -> None:
    uri = b.server.fresh("bench_screen")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        silent = f"db:pg://127.0.0.1:{listener.getsockname()[1]}/nothing"

        def answered(targets: dict[str, str]) -> float:
            folder = b.folder / f"silent_{time.monotonic_ns()}"
            project(folder, {"one": "SELECT 1;"}, targets)
            with terminal(b, OURS, folder) as opened:
                return opened.sees(b"dev: 1 pending") - opened.start

        alone, beside = in_turns(
            min(b.rounds, 5), lambda: answered({"dev": uri}), lambda: answered({"dev": uri, "gone": silent})
        )
    verdict("an answer beside a silent server", beside, alone, "alone", at_most=1.1)


# -- how it is set up ------------------------------------------------------------------------------------------------


def large_project(b: Bench, name: str, uri: str = "db:pg://127.0.0.1:1/none") -> tuple[Path, bytes]:
    """10,000 changes and 60 environments of one database; the newest change's name."""
    folder = b.folder / f"large_{name}"
    names = [f"c{number:05}" for number in range(1000 if b.quick else 10_000)]
    project(folder, dict.fromkeys(names, "SELECT 1;"), {f"env{number:02}": uri for number in range(60)}, scripts=False)
    return folder, names[-1].encode()


def project(folder: Path, changes: dict[str, str], targets: dict[str, str], *, scripts: bool = True) -> None:
    for kind in ("deploy", "revert", "verify"):
        (folder / kind).mkdir(parents=True)
    who = "2024-01-01T00:00:00Z Bench Mark <bench@example.com>"
    plan = ["%syntax-version=1.0.0", "%project=screen", "", *(f"{name} {who} # {name}" for name in changes)]
    (folder / "sqitch.plan").write_text("\n".join(plan) + "\n")
    conf = ["[core]", "\tengine = pg", *(f'[target "{name}"]\n\turi = {uri}' for name, uri in targets.items())]
    (folder / "sqitch.conf").write_text("\n".join(conf) + "\n")
    for name, text in changes.items() if scripts else ():
        (folder / "deploy" / f"{name}.sql").write_text(text)
        (folder / "revert" / f"{name}.sql").write_text("SELECT 1;\n")


def huge_script(megabytes: int) -> str:
    line = "INSERT INTO public.t VALUES (%08d, 'some words that a table might hold, as long as such lines are');\n"
    count = megabytes * 1_000_000 // len(line % 0)
    body = "".join(line % number for number in range(count))
    return f"-- first line of it\nCREATE TABLE public.t (id int, note text);\n{body}-- here is the needle\n"


def begin_deploy(opened: Terminal) -> float:
    """Through the review, by keys; the moment of the last one."""
    opened.sees(b"pending")
    opened.quiet()
    opened.press(b"d")
    opened.sees(b"ready to start")
    opened.quiet()
    opened.press(b"E")
    opened.sees(b"Type yes")
    opened.quiet()
    opened.press(b"yes")
    opened.quiet()
    return opened.press(b"\r")


def deployed(b: Bench, change: str) -> bool:
    if b.server.execute("SELECT to_regclass('sqitch.changes')", "bench_screen") == [(None,)]:
        return False
    return b.server.execute(f"SELECT 1 FROM sqitch.changes WHERE change = '{change}'", "bench_screen") != []


def pause(opened: Terminal, seconds: float) -> None:
    """Goes on reading for so long."""
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        opened._read(left)


if __name__ == "__main__":
    main()
