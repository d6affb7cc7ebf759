"""`status --watch`: the same look again and again.

On a terminal it is drawn in place, in one write; in a pipe there is a line for each environment whose state has
changed, and with --json-lines one document a look. Each look opens one session an environment, reads, and closes it: a
pooler or an idle limit never meets a session of ours that only waits. An environment that doesn't answer is asked again
when it has, and the others don't wait for it.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.display import words
from pgmig_tui.display.cells import width
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import in_a_line

if TYPE_CHECKING:
    from pgmig_tui.database.status import EnvironmentStatus
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

PATIENCE_S = 1.0
"""So long a look waits for answers before it is shown without those that are missing (seconds)."""
_STYLE = re.compile(r"\x1b\[[0-9;]*m")

Show = Callable[["Project", Sequence["Environment"], Sequence["EnvironmentStatus"]], None]
Reload = Callable[[], tuple["Project", Sequence["Environment"]]]


class _Asked:
    """The answers of environments, each asked in a thread of its own and not again before it has answered."""

    def __init__(self) -> None:
        self._answers: dict[str, EnvironmentStatus] = {}
        self._since: dict[str, float] = {}
        self._changed = threading.Condition()

    def look(self, project: Project, environments: Sequence[Environment], patience_s: float) -> list[EnvironmentStatus]:
        with self._changed:
            for one in environments:
                if one.name not in self._since:
                    self._since[one.name] = time.monotonic()
                    threading.Thread(target=self._ask, args=(project, one), daemon=True).start()
            names = {one.name for one in environments}
            self._changed.wait_for(lambda: not names & set(self._since), timeout=patience_s)
            return [self._answer(one) for one in environments]

    def _ask(self, project: Project, environment: Environment) -> None:
        from pgmig_tui.database.status import statuses

        (answer,) = statuses(project, [environment])
        with self._changed:
            self._answers[environment.name] = answer
            self._since.pop(environment.name, None)
            self._changed.notify_all()

    def _answer(self, environment: Environment) -> EnvironmentStatus:
        from pgmig_tui.database.status import EnvironmentStatus

        known, since = self._answers.get(environment.name), self._since.get(environment.name)
        if since is None and known is not None:
            return known
        if known is not None and not known.reachable:
            return known  # asked again, and why it didn't answer is known
        waited = words.duration((time.monotonic() - (since or time.monotonic())) * 1000)
        why = f"no answer for {waited}"
        return EnvironmentStatus(environment.name, environment.target.display, False, why)


class _Frame(io.StringIO):
    """Takes what would be printed, as the terminal would get it."""

    def __init__(self, terminal: io.TextIOBase) -> None:
        super().__init__()
        self._terminal = terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._terminal.encoding or "utf-8"

    def isatty(self) -> bool:
        return self._terminal.isatty()

    def fileno(self) -> int:
        return self._terminal.fileno()

    def take(self) -> str:
        """What was printed since the last time."""
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        return text


class Stopped(Exception):
    """Somebody has ended it."""


def watch(arguments: Namespace, reload: Reload, show: Show) -> int:
    """Look until it is ended by Ctrl-C or SIGTERM. With --exit-code the status of the last look, else 0."""
    asked, shown = _Asked(), _Shown(arguments, show)
    last = 0
    handlers = [(number, signal.signal(number, _stop)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        while True:
            began = time.monotonic()
            project, environments = reload()
            found = asked.look(project, environments, min(PATIENCE_S, max(arguments.watch, 0.2)))
            last = _status_of(found)
            shown.look(project, environments, found)
            time.sleep(max(0.0, arguments.watch - (time.monotonic() - began)))
    except Stopped:
        return last if arguments.exit_code else 0
    finally:
        for number, handler in handlers:
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _status_of(found: Sequence[EnvironmentStatus]) -> int:
    if not all(one.reachable for one in found):
        return 5
    return int(any(one.pending or one.diverged for one in found))


class _Shown:
    """What was shown last, and how the next look follows it."""

    def __init__(self, arguments: Namespace, show: Show) -> None:
        self._json_lines = arguments.json_lines
        self._show = show
        self._states: dict[str, str] = {}
        self._rows = 0
        terminal = sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
        self._terminal = sys.stdout if terminal and not self._json_lines else None
        self._frame = _Frame(sys.stdout) if self._terminal is not None else None  # type: ignore[arg-type]

    def look(self, project: Project, environments: Sequence[Environment], found: Sequence[EnvironmentStatus]) -> None:
        if self._json_lines:
            from pgmig_tui.report.documents import status_document

            told = {"at": words.iso(datetime.now(UTC)), **status_document(project, found)}
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
        elif self._frame is not None and self._terminal is not None:
            with redirect_stdout(self._frame):
                output.say(((f"{datetime.now(UTC):%H:%M:%S} UTC; Ctrl-C ends it", "muted"),))
                self._show(project, environments, found)
            self._draw(self._frame.take())
        else:
            for one in found:
                self._line(one)
            sys.stdout.flush()

    def _line(self, one: EnvironmentStatus) -> None:
        told = state_in_words(one)
        if self._states.get(one.name) != told:
            self._states[one.name] = told
            output.say(f"{words.iso(datetime.now(UTC))} {safe(one.name)}: {told}")

    def _draw(self, text: str) -> None:
        """Over what was drawn before, as much as the terminal is high, in one write."""
        assert self._terminal is not None
        size = os.get_terminal_size(self._terminal.fileno())
        columns, high = max(size.columns, 1), max(size.lines - 1, 1)
        lines, rows = [], 0
        for line in text.splitlines():
            needs = max(1, -(-width(_STYLE.sub("", line)) // columns))
            if rows + needs > high:
                break
            rows += needs
            lines.append(line)
        back = f"\x1b[{min(self._rows, high)}A" if self._rows else ""
        self._terminal.write("\r" + back + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
        self._terminal.flush()
        self._rows = rows


def state_in_words(one: EnvironmentStatus) -> str:
    """What an environment has and lacks, in a line that changes when that does."""
    if not one.reachable:
        reason = in_a_line(one.error or "")
        return "no answer yet" if reason.startswith("no answer for") else f"no answer: {safe(reason)}"
    parts = [f"{len(one.deployed):,} deployed", f"{len(one.pending):,} pending"]
    if one.diverged:
        parts.append(f"{len(one.diverged):,} diverged")
    if one.last_change is not None:
        parts.append(f"at {safe(one.last_change.name)}")
    if one.holder is not None:
        parts.append("somebody works there")
    return ", ".join(parts)
