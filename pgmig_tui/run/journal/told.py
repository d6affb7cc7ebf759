"""Telling hooks what a run does: which are called when, and the process that calls them.

A run never waits for a hook. A process of its own calls it, leaves what became of it in the run's folder, and writes it
into the journal once the run process has ended; before that the run process does. A run process that was killed tells
nobody of its end: whoever settles the run does.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pgmig_tui
from pgmig_tui.gates.hook_text import HookChange, HookFacts, hook_text
from pgmig_tui.project.hooks import Hook
from pgmig_tui.run.journal import private
from pgmig_tui.run.journal.entry import Entry, event_of
from pgmig_tui.run.journal.events import GatePassed, HookCalled, HookTold, RunStarted
from pgmig_tui.run.journal.file import JournalWriter, hold_lock

if TYPE_CHECKING:
    from pgmig_tui.run.journal.run_plan import RunPlan

_AFTER = {"deploy": ("after", "ticket"), "backfill": ("after",), "revert": ("rolled_back",)}
"""The hooks that are called when a run has ended, by its command."""
_PATIENCE_S = 60.0
"""For so long the process that has called a hook waits for the journal, which others write into after a run, too."""
_FILE = "hook_{}.json"


def hooks_of(plan: RunPlan) -> tuple[Hook, ...]:
    """The hooks that were configured when a run was planned."""
    return tuple(Hook(**{**one, "command": tuple(one["command"])}) for one in plan.hooks)


def facts_of(plan: RunPlan, answers: Iterable[Mapping[str, object]] = (), *, done: int | None = None) -> HookFacts:
    """What hooks are told of a run; `done` steps of it are, None: it hasn't begun. `answers` are those that it starts
    with."""
    return HookFacts(
        plan.project,
        plan.environment,
        plan.protected,
        plan.server.display,
        plan.server.database,
        plan.gate,
        tuple(
            HookChange(
                one.change, one.change_id, one.label, one.action, one.ticket, None if done is None else n <= done
            )
            for n, one in enumerate(plan.steps, 1)
        ),
        str(plan.operator),
        plan.os_user,
        plan.host,
        run=plan.run_id,
        rolls_back=plan.rolls_back,
        planned_at=plan.prepared_at,
        overrides=overrides_of(answers),
        report=str(plan.folder),
    )


def overrides_of(answers: Iterable[Mapping[str, object]]) -> tuple[dict[str, object], ...]:
    """The answers among these that went on past what was found."""
    return tuple(
        {"item": one["item_id"], "how": one["how"], "reason": one["note"], "by": one["by"], "at": one.get("at", "")}
        for one in answers
        if one.get("how") != "attest"
    )


class Telling:
    """The hooks of one run, called as it goes on. They are those of its plan; whoever settles a run hands in the
    `hooks` that pgmig.toml in `root` has for its environment now, for a plan on disk has no address whole."""

    def __init__(self, plan: RunPlan, hooks: Sequence[Hook] | None = None, root: str = "") -> None:
        self._plan = plan
        self._root = root or plan.root
        known = hooks_of(plan) if hooks is None else tuple(hooks)
        self._hooks = () if plan.dry_run or plan.command == "verify" else known

    def named(self, name: str) -> Hook | None:
        return next((one for one in self._hooks if one.name == name), None)

    def at_end(self, exit_status: int) -> tuple[Hook, ...]:
        """Those that are called when the run has ended so: a ticket is closed by a deploy that is done."""
        names = _AFTER.get(self._plan.command, ())
        return tuple(one for one in self._hooks if one.name in names and (one.name != "ticket" or exit_status == 0))

    def heard(self) -> list[HookTold]:
        """What became of hooks so far that no journal has yet."""
        return [one for _, one in _left(self._plan.folder)]

    def send(self, hook: Hook, facts: HookFacts) -> str:
        """Let a process of its own call it. Why it can't, "" when it does."""
        given = {
            "folder": str(self._plan.folder),
            "root": self._root,
            "environment": self._plan.environment,
            "hook": asdict(hook),
            "text": hook_text(hook.name, facts),
        }
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pgmig_tui.run.journal.told"],
                cwd=self._plan.folder,
                env=_without_passwords(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            assert process.stdin is not None
            with process.stdin:
                process.stdin.write(json.dumps(given).encode())
        except OSError as error:
            return f"the process that calls it can't be started: {error.strerror or error}"
        return ""


def _without_passwords(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process of ours that needs no password, and finds this very program wherever it starts."""
    package = str(Path(pgmig_tui.__file__).parent.parent)
    kept = {name: value for name, value in environ.items() if name not in ("PGPASSWORD", "SQITCH_PASSWORD")}
    return {**kept, "PYTHONPATH": os.pathsep.join(one for one in (package, kept.get("PYTHONPATH", "")) if one)}


def hook_called(hook: Hook, facts: HookFacts) -> HookCalled:
    """That a hook is being told these facts."""
    text = hook_text(hook.name, facts)
    return HookCalled(hook=hook.name, kind=hook.kind, to=hook.to, text_hash=sha256(text.encode()).hexdigest())


def not_told(hook: Hook, why: str) -> HookTold:
    """That a hook wasn't called."""
    fields = {"hook": hook.name, "kind": hook.kind, "to": hook.to, "ok": False, "called": False, "problem": why}
    told = event_of("hook_told", fields)
    assert isinstance(told, HookTold)
    return told


def _left(folder: Path) -> list[tuple[Path, HookTold]]:
    """What became of hooks, as their own processes have left it; what is taken is gone."""
    found = []
    for path in sorted(folder.glob(_FILE.format("*"))):
        with contextlib.suppress(OSError, ValueError):
            told = event_of("hook_told", json.loads(path.read_text(encoding="utf-8")))
            path.unlink()
            if isinstance(told, HookTold):
                found.append((path, told))
    return found


def main(lines: Sequence[str] = ()) -> int:
    """Call one hook, as standard input says, and see that the journal has what became of it."""
    from pgmig_tui.gates.hooks import call

    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    given = json.loads("".join(lines) or sys.stdin.read())
    folder = Path(given["folder"])
    hook = Hook(**{**given["hook"], "command": tuple(given["hook"]["command"])})
    called = call(
        hook,
        given["text"],
        environment=given["environment"],
        root=Path(given["root"]),
        state_dir=folder.parent.parent,
        env=os.environ,
    )
    private.replace(folder / _FILE.format(hook.name), json.dumps(asdict(called)))
    # Whoever has the journal now takes it, or leaves it to us: the run process while it runs, then we.
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and (folder / _FILE.format(hook.name)).exists():
        lock = hold_lock(folder, "telling what a hook did", 0.0)
        if lock is None:
            time.sleep(0.05)
            continue
        try:
            _write(folder)
        finally:
            os.close(lock)
    return 0


def _write(folder: Path) -> None:
    told = _left(folder)
    if told:
        journal = JournalWriter.continued(folder, folder.name)
        for _, one in told:
            journal.write(one)
        journal.close()


def with_end(facts: HookFacts, result: str, exit_status: int, started_at: str, finished_at: str) -> HookFacts:
    """The same of a run that has ended."""
    return replace(facts, result=result, exit_status=exit_status, started_at=started_at, finished_at=finished_at)


def settled_facts(
    plan: RunPlan, events: Sequence[Entry], done: Mapping[int, bool | None], exit_status: int, finished_at: str
) -> HookFacts:
    """What hooks are told of a run that somebody else has settled: `events` is its journal so far, `done` its steps by
    their numbers, None where nobody knows."""
    answers = [
        {"item_id": one.event.item_id, "how": one.event.how, "note": one.event.note, "by": one.event.by,
         "at": one.event.answered_at}
        for one in events if isinstance(one.event, GatePassed)
    ]  # fmt: skip
    started = next((one.at for one in events if isinstance(one.event, RunStarted)), "")
    facts = facts_of(plan, answers, done=0)
    changes = tuple(
        replace(one, done=done.get(step.number, False)) for one, step in zip(facts.changes, plan.steps, strict=True)
    )
    return with_end(replace(facts, changes=changes), "settled", exit_status, started, finished_at)


if __name__ == "__main__":
    sys.exit(main())
