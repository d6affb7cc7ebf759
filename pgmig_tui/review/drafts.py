"""What people have said to a checklist before its run has started: drafts, in the state folder of their account.

Leaving a review, a run that failed, a lost terminal cost nobody what was typed. A draft is bound to what it speaks of,
the very scripts on the very server; where that has changed it is offered, with the reason, and has to be said again.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.display import words
from pgmig_tui.gates.gate import Answer, Gate
from pgmig_tui.run.journal import private
from pgmig_tui.run.journal.events import RunFinished
from pgmig_tui.run.journal.file import first_and_last
from pgmig_tui.run.journal.folder import RUN_ID

if TYPE_CHECKING:
    from pgmig_tui.gates.impacts import Inspected
    from pgmig_tui.run.journal.run_plan import RunPlan

KEPT = timedelta(days=7)
"""After so long what was said has to be said again: a window that was agreed upon is over."""

Script = tuple[str, str, str, str]
"""Action, change ID, name of the change, and script hash of a step."""


@dataclass(frozen=True, slots=True)
class About:
    """What answers speak of: the steps of one command on one environment, and the server behind its name."""

    project: str
    environment: str
    command: str
    server: str
    scripts: frozenset[Script]

    @property
    def file_name(self) -> str:
        named = "\0".join((self.project, self.environment, self.command))
        return f"{sha256(named.encode()).hexdigest()[:24]}.json"


@dataclass(frozen=True, slots=True)
class AnswerDraft:
    """An answer, what it was said of, and the run ("" = none) that was started with it."""

    answer: Answer
    server: str
    scripts: frozenset[Script]
    run: str = ""


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """What was said to an item before, and why it doesn't count any more."""

    note: str
    why: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """The answers that stand, and by item those that have to be said again."""

    standing: tuple[Answer, ...] = ()
    again: Mapping[str, AskedAgain] = field(default_factory=dict)


def server_name(system_identifier: str | None, database: str, where: str) -> str:
    """What tells one database from all others: cluster and name, or the address where the cluster is hidden."""
    return f"{system_identifier or where}/{database}"


def about_plan(plan: RunPlan, impacts: Sequence[Inspected | None] = ()) -> About:
    """What answers to the review of a plan speak of. `impacts` are of its steps, in their order."""
    seen = [*impacts, *[None] * (len(plan.steps) - len(impacts))]
    scripts = frozenset(
        (step.action, step.change_id, step.change, bytes_hash(step.script_hash, one))
        for step, one in zip(plan.steps, seen, strict=True)
    )
    server = server_name(plan.server.system_identifier, plan.server.database, plan.server.display)
    return About(plan.project, plan.environment, plan.gate, server, scripts)


def bytes_hash(script_hash: str | None, one: Inspected | None) -> str:
    """What stands for all bytes of a script: its hash, and those of the files that it includes."""
    if one is None or not one.included:
        return script_hash or ""
    return sha256(json.dumps([script_hash, one.included]).encode()).hexdigest()


def keep(state_dir: Path, about: About, answers: Iterable[Answer]) -> None:
    """Keep `answers` as what is said now; one that stood and isn't among them is withdrawn. Raises OSError."""
    said = {answer.item_id: answer for answer in answers}
    kept = {one.answer.item_id: one for one in _read(state_dir, about)}
    for item_id, one in list(kept.items()):
        if item_id not in said and one.answer.how == "attest" and not _why_not(one, about, state_dir):
            del kept[item_id]
    for item_id, answer in said.items():
        old = kept.get(item_id)
        if old is None or old.answer != answer or _changed(old, about):
            kept[item_id] = AnswerDraft(answer, about.server, about.scripts)
    _write(state_dir, about, list(kept.values()))


def used(state_dir: Path, about: About, run_id: str) -> None:
    """A run has been started with them: once it has ended well, they are spent. Raises OSError."""
    kept = _read(state_dir, about)
    if kept:
        _write(state_dir, about, [one if _changed(one, about) else replace(one, run=run_id) for one in kept])


def recalled_for(state_dir: Path, about: About, gate: Gate) -> Recalled:
    """What was said before to the items of a gate that nobody but a person can answer, and has not answered yet."""
    return recall(state_dir, about, [one.item.id for one in gate.results if one.attestable and one.answer is None])


def recall(state_dir: Path, about: About, attestable: Iterable[str]) -> Recalled:
    """What was said before to those items that nobody but a person can answer, and to others a reason that was given.

    A reason to go on past what was found is never taken for one of now: it is offered. Never raises.
    """
    open_items = set(attestable)
    standing, again = [], {}
    for one in _read(state_dir, about):
        item_id, note = one.answer.item_id, one.answer.note
        why = _why_not(one, about, state_dir)
        if one.answer.how != "attest" or item_id not in open_items:
            again[item_id] = AskedAgain(note, why or "a reason holds for what was found when it was given")
        elif why:
            again[item_id] = AskedAgain(note, why)
        else:
            standing.append(one.answer)
    return Recalled(tuple(standing), again)


def _why_not(one: AnswerDraft, about: About, state_dir: Path) -> str:
    """Why a draft doesn't hold any more, in words; "" where it does."""
    if changed := _changed(one, about):
        return changed
    if one.run and _ended_well(state_dir, one.run):
        return f"it was for run {one.run}, which is done"
    with contextlib.suppress(ValueError):
        age = datetime.now(UTC) - datetime.fromisoformat(one.answer.at)
        if age > KEPT:
            return f"it was said {words.count(age.days, 'day')} ago"
    return ""


def _changed(one: AnswerDraft, about: About) -> str:
    """What of what it spoke of is another by now. Fewer steps are none: a run that failed has done some."""
    if one.server != about.server:
        return "it was said of another server"
    lacking = about.scripts - one.scripts
    if not about.scripts or not lacking:
        return "" if about.scripts else "nothing is left to do"
    known = {(action, change_id) for action, change_id, _, _ in one.scripts}
    edited = sorted(name for action, change_id, name, _ in lacking if (action, change_id) in known)
    if edited:
        verb = "has" if len(edited) == 1 else "have"
        return f"the {'script' if len(edited) == 1 else 'scripts'} of {words.listing(edited, 2)} {verb} changed since"
    more = sorted(name for _, _, name, _ in lacking)
    return f"it was said without {words.listing(more, 2)}"


def _ended_well(state_dir: Path, run_id: str) -> bool:
    if not RUN_ID.fullmatch(run_id):
        return False
    try:
        _, last = first_and_last(state_dir / "runs" / run_id)
    except OSError:
        return False
    return last is not None and isinstance(last.event, RunFinished) and last.event.exit_status == 0


def _read(state_dir: Path, about: About) -> list[AnswerDraft]:
    """The drafts of a command on an environment; none where there is no file that can be read."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        told = json.loads((state_dir / "drafts" / about.file_name).read_text(encoding="utf-8"))
        return [
            AnswerDraft(
                Answer(**one["answer"]),
                str(one["server"]),
                frozenset((str(a), str(b), str(c), str(d)) for a, b, c, d in one["scripts"]),
                str(one["run"]),
            )
            for one in told["drafts"]
        ]
    return []


def _write(state_dir: Path, about: About, kept: Sequence[AnswerDraft]) -> None:
    told = [
        {"answer": asdict(one.answer), "server": one.server, "scripts": sorted(one.scripts), "run": one.run}
        for one in kept
    ]
    named = {"project": about.project, "environment": about.environment, "command": about.command}
    text = json.dumps({"format": 1, **named, "drafts": told}, ensure_ascii=False)
    private.replace(state_dir / "drafts" / about.file_name, text)
