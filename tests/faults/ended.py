"""`deploy --backup` and `rehearse`, ended by each signal at moments all the way through."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pgmig_tui.gates.backup import Backup, backups_of, prove_again
from pgmig_tui.project.project import load_project
from pgmig_tui.rehearse.scratch import PREFIX
from pgmig_tui.run.recovery.reconcile import asked
from tests.cli.program import HEARS_HANGUPS, Checkout, shop
from tests.faults.bench import Bench, Trial
from tests.faults.quick import until

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
MOMENTS = 6
CANARY = "canary-of-the-password"
COMMANDS = {
    "backup": ("deploy", "dev", "--yes", "--backup"),
    "rehearse": ("rehearse", "dev"),
    "rehearse --server": ("rehearse", "dev", "--server", "other"),
}


def trials(bench: Bench, command: str, every: int = 1, jobs: int = 1, job: int = 0) -> Iterator[Trial]:
    """The command is ended by each signal at MOMENTS of the time that it takes; one of the jobs does its share."""
    with tempfile.TemporaryDirectory() as folder:
        whole = _Try(bench, Path(folder), command)
        began = time.monotonic()
        assert whole.start().wait() == 0
        takes = time.monotonic() - began
        whole.close()
    cases = [(number, moment) for number in SIGNALS for moment in range(MOMENTS)]
    for number, moment in cases[job * every :: every * jobs]:
        with tempfile.TemporaryDirectory() as folder:
            yield _ended(_Try(bench, Path(folder), command), number, takes * (moment + 0.5) / MOMENTS, moment)


def _ended(one: _Try, number: signal.Signals, after_s: float, moment: int) -> Trial:
    trial = Trial("deploy", 0, one.command, moment, f"after {after_s:.2f} s", f"{one.command} cut off", number.name)
    try:
        process = one.start()
        try:
            process.wait(after_s)
            trial.outcome = "ended before"
        except subprocess.TimeoutExpired:
            os.kill(process.pid, number)
            process.wait(60)
            trial.outcome = "cut off"
        one.judge()
    except (AssertionError, subprocess.TimeoutExpired, OSError) as error:
        trial.problems.append(f"{type(error).__name__}: {error}")
    finally:
        one.close()
    return trial


class _Try:
    """A checkout with one pending change, a database of its own, and a folder for temporary files."""

    def __init__(self, bench: Bench, folder: Path, command: str) -> None:
        self.server = bench.server
        self.command = command
        self.folder = folder
        folder.chmod(0o755)
        self.name, self.other = (self.server.create_database("TEMPLATE template0") for _ in range(2))
        self.checkout: Checkout = shop(
            folder, {"dev": self.server.uri(self.name), "other": self.server.uri(self.other)}
        )
        self.state = self.checkout.home / "state" / "pgmig-tui"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        done = self.checkout.run("deploy", "dev", "--to", "orders", "--yes")
        assert done.status == 0, done.err

    def start(self) -> subprocess.Popen[bytes]:
        _, words, env = self.checkout.command(*COMMANDS[self.command])
        env |= {"SQITCH_PASSWORD": CANARY, "TMPDIR": str(self.temporary)}
        quiet = subprocess.DEVNULL
        return subprocess.Popen([*HEARS_HANGUPS, *words], env=env, stdin=quiet, stdout=quiet, stderr=quiet)

    def judge(self) -> None:
        """Nothing half is taken for a backup, no password and no program is left, and the next one does its work."""
        until("the end of its programs", lambda: not list(self._programs()))
        until("the end of its files", lambda: not list(self.temporary.iterdir()))
        until("the end of its sessions", lambda: not self.server.execute(f"{_OURS} AND datname = '{self.name}'"))
        assert not list((self.state / "backups").glob("*.dump.unfinished"))
        for backup in self._backups():
            prove_again(backup, "decode")
        assert self._holds_password() == []
        again = self.checkout.run(*COMMANDS[self.command], env={"SQITCH_PASSWORD": CANARY})
        assert again.status == 0, again.err
        assert self.command != "backup" or not list((self.state / "backups").glob("*.unfinished"))
        left = self.server.execute(f"SELECT datname FROM pg_database WHERE starts_with(datname, '{PREFIX}')")
        assert left == [], "a scratch database outlives the next rehearsal"
        assert self._holds_password() == []

    def _programs(self) -> Iterator[str]:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                environment = (folder / "environ").read_bytes()
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if state != "Z" and (str(self.folder) in command or CANARY.encode() in environment):
                yield command

    def _backups(self) -> list[Backup]:
        if not (self.state / "backups").is_dir():
            return []
        environment = load_project(self.checkout.root, {}).environment(self.server.uri(self.name))
        with asked(environment.target) as (_, identity):
            return backups_of(self.state / "backups", identity)

    def _holds_password(self) -> list[str]:
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [str(path) for path in files if CANARY.encode() in path.read_bytes()]

    def close(self) -> None:
        for name in (self.name, self.other):
            self.server.drop_database(name)


_OURS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'pgmig/%'"
