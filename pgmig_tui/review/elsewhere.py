"""A run that this account has no journal of: what the databases of the project's environments know of it.

The row that it kept up, the rows of its steps and its evidence are there; its journal, with every statement, its hooks
and what was looked at afterwards, is with the account and host that ran it, and what only that tells is UNKNOWN here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pgmig_tui.database.checks import CheckResult, State
from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.evidence import EvidenceRow, read_evidence, record_evidence
from pgmig_tui.database.history import TrackedRow, read_rows
from pgmig_tui.database.tracking import read_tracking
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError, Refused, UsageError
from pgmig_tui.gates.checklist import after, own_items
from pgmig_tui.gates.gate import Answer, Result, evaluate
from pgmig_tui.gates.own import AFTER, own_results
from pgmig_tui.review.answered import ANSWER, answer_row
from pgmig_tui.review.foreign import life_words
from pgmig_tui.run.clients.foreign import lookout
from pgmig_tui.run.planning.door import enter

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.database.foreign import RunRow
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_S = 5
_NOTHING = "Nothing was kept."


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A run of another account or host. `unread` says why `steps` and `evidence` are empty, "" where they were read.
    `over`: it has said its end, or none of its sessions is left."""

    environment: Environment
    row: RunRow
    steps: tuple[TrackedRow, ...]
    evidence: tuple[EvidenceRow, ...]
    unread: str
    over: bool

    @property
    def command(self) -> str:
        """The command whose list comes after it: the database doesn't tell a rollback from a revert, nor do the
        lists."""
        return self.row.command


def find(project: Project, run_id: str, do: str = "") -> Elsewhere:
    """The run, by the first environment whose database has its row. Raises UsageError where none has, which says what
    to `do`."""
    silent = []
    for environment in project.environments:
        looking = lookout(environment)
        try:
            seen = looking.look(run_id)
        except PgmigError as error:
            silent.append(f"{environment.name} wasn't asked: {error.what}")
            continue
        finally:
            looking.close()
        if seen.row is not None and seen.row.run_id == run_id:
            over = seen.row.finished or not seen.sessions
            return _read(environment, seen.row, over=over)
    asked = words.listing([one.name for one in project.environments], 5) or "none is configured"
    raise UsageError(
        f"there is no run {run_id}: neither of this account nor in the databases of the environments ({asked})",
        do=f"{do} `pgmig-tui history TARGET` lists those of a database.".strip(),
        details=silent,
    )


def _read(environment: Environment, row: RunRow, *, over: bool) -> Elsewhere:
    schema = environment.policy.tracking
    if schema is None:
        return Elsewhere(environment, row, (), (), "tracking is off there", over)
    try:
        with connect(environment.target, application_name=application_name(row.run_id, "told")) as connection:
            rows = read_rows(connection, schema, row.project, row.started_at)
            evidence = read_evidence(connection, schema, row.run_id)
    except PgmigError as error:
        return Elsewhere(environment, row, (), (), error.what, over)
    return Elsewhere(environment, row, tuple(one for one in rows if one.run_id == row.run_id), evidence, "", over)


def told(found: Elsewhere) -> tuple[str, Sequence[str]]:
    """What is known of the run: a sentence on who ran it, and lines on what it did."""
    row, name = found.row, found.environment.name
    where = name if name == row.environment else f"{name} ({row.environment} there)"
    end = f"it recorded no end: {life_words(row.heartbeat_ms)}"
    if row.finished:
        end = f"it ended at {words.utc(row.finished_at or '')} with exit status {row.exit_status}"
    steps = words.count(row.steps, "step")
    lines = [f"{row.command} of {row.project} on {where}, {steps}, began at {words.utc(row.started_at)}; {end}"]
    if found.unread:
        lines.append(f"its steps can't be read: {found.unread}")
    lines += [
        f"{one.operation} {one.change}: {one.outcome}" + (f", {one.message}" if one.message else "")
        for one in found.steps
    ]
    return f"run {row.run_id} is none of this account: {row.os_user}@{row.host} ran it for {row.operator}", lines


def no_journal(found: Elsewhere) -> UsageError:
    """Why a command that reads a journal can't tell of it."""
    what, details = told(found)
    name = found.environment.name
    return UsageError(
        what,
        details=details,
        now="Its journal is with that account and host; the database keeps no more of it.",
        do=f"`pgmig-tui after {found.row.run_id}` is its list, `pgmig-tui history {name}` what the database keeps.",
    )


def results(found: Elsewhere, root: Path, state_dir: Path) -> tuple[Result, ...]:
    """The list after it, with the project's own items, asked now: what the database keeps, and what people have said.
    `root` is the project's folder."""
    environment, command = found.environment, found.command
    lists = AFTER.get(command, ())
    own = own_items(environment, lists)
    asked = own_results(environment, lists, root, state_dir, os.environ) if own else []
    items = (*after(command, environment.name), *own)
    return evaluate(items, (*_seen(found), *asked), _said(found.evidence), protected=False).results


def _seen(found: Elsewhere) -> list[CheckResult]:
    seen = [_ended(name, found) for name in ("deployed", "reverted")]
    seen.append(_verified(found))
    where = f"its journal tells, which is with {found.row.os_user}@{found.row.host}"
    seen += [CheckResult(name, "", "UNKNOWN", where) for name in ("stable", "incident_recorded", "marked")]
    return seen


def _ended(name: str, found: Elsewhere) -> CheckResult:
    row = found.row
    if not row.finished:
        return CheckResult(name, "", "UNKNOWN", f"run {row.run_id} has recorded no end")
    if found.unread:
        return CheckResult(name, "", "UNKNOWN", f"its steps can't be read: {found.unread}")
    done = [one for one in found.steps if one.says == name]
    recorded = sum(one.outcome == "recorded_only" for one in done)
    # In doubt is what nobody knows: neither done nor failed.
    state: State = "PASS" if row.exit_status == 0 else "UNKNOWN" if row.exit_status == 4 else "FAIL"
    summary = f"run {row.run_id}: {len(done)} of {words.count(row.steps, 'change')} {name}, by the database"
    if recorded:
        state, summary = "WARN" if state == "PASS" else state, f"{summary}: {recorded} recorded only"
    rows = tuple(asdict(one) for one in done)
    return CheckResult(name, "", state, summary, rows, finished_at=row.finished_at or "")


def _verified(found: Elsewhere) -> CheckResult:
    steps = [one for one in found.steps if one.says]
    failed = [one.change for one in steps if one.verified is False]
    passed = sum(one.verified is True for one in steps)
    if failed:
        state: State = "FAIL"
        summary = f"the verification of {words.listing(failed, 3)} failed"
    else:
        state = "PASS" if steps and passed == len(steps) == found.row.steps else "WARN" if passed else "UNKNOWN"
        summary = f"{passed} of {words.count(found.row.steps, 'verification')} passed, by the database"
    rows = tuple({"change": one.change, "verified": one.verified} for one in steps)
    return CheckResult("verified", "", state, summary, rows, finished_at=found.row.finished_at or "")


def _said(evidence: Iterable[EvidenceRow]) -> list[Answer]:
    """What people have said since: the last word on each item, and none where that took the one before it back."""
    last = {one.item: one for one in evidence if one.check_name == ANSWER}
    return [
        Answer(one.item, "attest", one.note, one.answered_by, one.finished_at or "")
        for one in last.values()
        if one.note
    ]


def keep(project: Project, found: Elsewhere, answers: Sequence[Answer], state_dir: Path) -> None:
    """Keep answers as evidence of the run in the database that holds its row, the only place that they can be kept in
    from here. Raises PgmigError: nothing is kept then."""
    environment, run_id = found.environment, found.row.run_id
    if not found.over:
        raise Refused(f"run {run_id} has not ended", now=_NOTHING, do="Answer again when it has.")
    name, schema = application_name(run_id, "answer"), environment.policy.tracking
    with connect(environment.target, application_name=name, connect_timeout=_S, lock_timeout_ms=2000) as connection:
        identity = connection.identity()
        there = read_tracking(connection, schema, environment.target.registry)
        why = there.reason
        if there.schema is not None:
            enter(project, environment, connection, identity, state_dir, lambda _: None)
            rows = [answer_row(run_id, one, identity.role) for one in answers]
            why = record_evidence(connection, there.schema, rows, environment.target.registry)
    if why:
        raise Refused(
            f"the answer can't be kept in the database of {environment.name}: {why}",
            now=_NOTHING,
            do=f"`pgmig-tui answer {run_id}` as {found.row.os_user} on {found.row.host} keeps it in the journal.",
        )
