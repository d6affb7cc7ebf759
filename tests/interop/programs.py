"""The two programs that take turns, each started as a user would start it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Program:
    """`sqitch` or ours. `run` carries out one command on one database in the folder of one project."""

    home: Path
    """An empty home: no configuration, history or password file of whoever runs the tests."""
    psql: Path
    """Sqitch's client: the bare program, since Debian's wrapper chooses a version and a cluster of its own."""

    @property
    def name(self) -> str:
        return type(self).__name__.lower()

    def command(self, command: str, uri: str, options: tuple[str, ...]) -> list[str]:
        raise NotImplementedError

    def run(self, folder: Path, command: str, uri: str, *options: str, expect: int = 0) -> str:
        """Run to the end; what it printed. Fails the test when the exit status isn't `expect`."""
        process = self.start(folder, command, uri, *options)
        try:
            told, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with its psql, which would hold the pipe open
            told, _ = process.communicate()
            raise AssertionError(f"{process.args!r} did not end in {TIMEOUT_S} s:\n{told}") from None
        assert "an internal error" not in told, told  # a defect is never the failure that a test expects
        assert process.returncode == expect, f"{process.args!r} ended with {process.returncode}, not {expect}:\n{told}"
        return told

    def start(self, folder: Path, command: str, uri: str, *options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(command, uri, options),
            cwd=folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "TZ": "Asia/Kathmandu",  # a zone with an odd offset: both must write instants, not wall clocks
            "SQITCH_SYSTEM_CONFIG": os.devnull,
            "SQITCH_USER_CONFIG": str(self._user_config()),
        }

    def _user_config(self) -> Path:
        """Who deploys. Not by SQITCH_FULLNAME: sqitch 1.3.1 reads the bytes of that as Latin-1."""
        path = self.home / "sqitch.conf"
        path.write_text("[user]\n\tname = Zoë O'Hara\n\temail = zoe@example.com\n", encoding="utf-8")
        return path


@dataclass(frozen=True, slots=True)
class Sqitch(Program):
    """The real one."""

    def command(self, command: str, uri: str, options: tuple[str, ...]) -> list[str]:
        if command == "deploy":
            options = ("--mode", "change", *options)
        elif command == "revert":
            options = ("-y", *(option for option in options if option != "--all"))
        return ["sqitch", command, "--client", str(self.psql), "--target", uri, *options]


@dataclass(frozen=True, slots=True)
class Ours(Program):
    """pgmig-tui, from this source tree."""

    def command(self, command: str, uri: str, options: tuple[str, ...]) -> list[str]:
        if command in ("deploy", "revert"):
            options = ("--yes", "--accept-data-loss", *options)
        return [sys.executable, "-P", "-m", "pgmig_tui", command, uri, *options]

    def environment(self) -> dict[str, str]:
        return {**Program.environment(self), "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(self.home / "state")}
