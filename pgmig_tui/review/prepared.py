"""The review of a planned run: what its scripts will do, what the server says now, and whether the gate is open.

Command line and screen review the same way, on the very bytes that will be run, so that they can't differ.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgmig_tui.database.checks import CheckResult, check_environment, unanswered
from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.database.fingerprint import read_objects
from pgmig_tui.errors import PgmigError
from pgmig_tui.gates.checklist import POLICY, items_for, naming_release
from pgmig_tui.gates.evidence import ItemEvidence, evidence_of
from pgmig_tui.gates.gate import Answer, Gate, evaluate
from pgmig_tui.gates.impacts import Inspected, Reading, Source, affected, inspect
from pgmig_tui.gates.loss import Losses, of_scripts
from pgmig_tui.gates.own import BEFORE, own_results
from pgmig_tui.gates.window import Need
from pgmig_tui.review import policies
from pgmig_tui.review.approving import approval_result, approved_tables, decided, subject_of
from pgmig_tui.review.backups import asked_again, proof_of, require_unchanged
from pgmig_tui.review.measured_before import durations_of
from pgmig_tui.review.notifying import tell_before, to_be_told
from pgmig_tui.review.policy_before import policy_compared
from pgmig_tui.review.promoted import Provenance, provenance
from pgmig_tui.run.journal.frozen import RecordedFiles, require_as_read
from pgmig_tui.run.journal.noted import note_affected
from pgmig_tui.run.journal.rehearsed import Rehearsed, counting, evidence, hash_of, kept, schema_digest
from pgmig_tui.run.journal.run_plan import RunPlan
from pgmig_tui.run.journal.tested import KeptStanding, kept_tests, standing_of
from pgmig_tui.script.files import Allow

if TYPE_CHECKING:
    from pgmig_tui.impact.needed import WantedLock
    from pgmig_tui.project.environments import Environment

NOT_ASKED = "nobody asked"
"""Why there is no impact in a review that was made without."""

FRESH_S = 10.0
"""For so long what the checks have said is taken for what is true now."""
READ_S = 60.0
"""For so long what the scripts will do to the catalog, and what the project's own checks say, is while somebody looks
at a question."""


@dataclass(frozen=True, slots=True)
class Review:
    """`impacts` are in the order of the plan's steps, None where a step runs no script. `catalog` is False when the
    server's catalog could not be asked and the impact comes from the text alone (`reason` says why)."""

    plan: RunPlan
    impacts: tuple[Inspected | None, ...]
    checks: tuple[CheckResult, ...]
    answers: tuple[Answer, ...]
    gate: Gate
    catalog: bool
    reason: str = ""
    wanted: tuple[WantedLock, ...] = ()
    """The locks that the scripts want, about which the checks ask."""
    asked_at: float = 0.0
    """When the checks were asked, by time.monotonic()."""
    rehearsed: tuple[Rehearsed | None, ...] = ()
    """By step, the rehearsal of that very script on the very schema that it will meet."""
    source: Provenance | None = None
    """What is known of its changes where they come from; None where no policy asks."""
    needs: tuple[Need, ...] = ()
    """By step, how long it may take at most, where windows or freezes ask for it."""
    read_at: float = 0.0
    """When the catalog was asked what the scripts will do, by time.monotonic()."""
    tested: Mapping[str, KeptStanding] = field(default_factory=dict)
    """By change ID, what is kept of a test of the change, beside its scripts as they were read for this plan."""

    @property
    def losses(self) -> Losses:
        """What the run may lose, as far as its scripts were looked at."""
        if self.reason == NOT_ASKED:
            return Losses()
        return of_scripts(
            (
                (step.script, one.impact if one is not None else None)
                for step, one in zip(self.plan.steps, self.impacts, strict=True)
                if step.script is not None and step.mode != "record" and step.action != "verify"
            ),
            self.evidence,
        )

    @property
    def evidence(self) -> Mapping[tuple[str, int], str]:
        """What rehearsals say of single statements, by path and line."""
        return evidence(self.rehearsed)

    @property
    def kept(self) -> tuple[ItemEvidence, ...]:
        """What each item of its checklist hangs on, for the journal."""
        return tuple(evidence_of(result, self.plan.server.where) for result in self.gate.results)

    @property
    def told_losses(self) -> Losses:
        """What of that is told: on a protected environment also what isn't known."""
        found = self.losses
        return found if self.plan.protected or self.plan.command == "revert" else Losses(found.known)

    @property
    def loses(self) -> tuple[str, ...]:
        return self.told_losses.all


def review(
    plan: RunPlan,
    environment: Environment,
    answers: Sequence[Answer] = (),
    performed: Sequence[CheckResult] = (),
    *,
    impact: bool = True,
    heard: Callable[[Review], None] | None = None,
) -> Review:
    """Look at a plan: impact, checks on the tables that it touches, gate. Never raises for the server.

    `performed` are results of what was done for the checklist, such as a backup. Without `impact` the scripts aren't
    looked at, and the review says so. `heard` is told the review so far as each check answers.
    """
    nothing = _Looked((None,) * len(plan.steps), False, NOT_ASKED)
    asks = policies.asks(plan)
    with ThreadPoolExecutor(2) as pool:
        policy = pool.submit(policy_compared, environment, plan.project) if asks else None
        asked = pool.submit(provenance, plan, environment) if asks and environment.source is not None else None
        looked = _impacts(plan, environment) if impact else nothing
        source = asked.result() if asked is not None else None
        performed = (*performed, *policy.result()) if policy is not None else performed
    impacts, catalog, reason = looked.impacts, looked.catalog, looked.reason
    wanted = affected(one for one in impacts if one is not None)
    needs: tuple[Need, ...] = ()
    if asks:
        performed = (*performed, *approval_result(environment, subject_of(plan, impacts, wanted)))
        tickets = [(one.change, one.ticket) for one in plan.steps]
        performed = (*performed, *policies.ticket_results(environment.ticket, tickets))
        performed = (*performed, *to_be_told(environment, Path(plan.root), plan.folder.parent.parent))
    if asks and policies.rules_for(environment):
        measured = looked.durations
        if source is not None:
            measured = (*measured, (source.facts.name, source.facts.durations))
        needs = policies.needs_of(plan, impacts, looked.rehearsed, measured)
    found = Review(
        plan, impacts, tuple(performed), tuple(answers), Gate(False, (), ()), catalog, reason, wanted,
        time.monotonic(), looked.rehearsed, source, needs, time.monotonic(),
    )  # fmt: skip
    if plan.command == "verify":
        return _judged(replace(found, checks=()), environment)
    if plan.command == "deploy":
        found = replace(found, tested=_tested(plan))
    checks = _asked(plan, environment, wanted, None if heard is None else _telling(found, environment, heard))
    return _judged(_with(replace(found, checks=checks), performed), environment)


def _telling(found: Review, environment: Environment, heard: Callable[[Review], None]) -> Callable[[CheckResult], None]:
    """Tells the review as far as its checks have answered; the others are UNKNOWN until they do."""
    known = {one.name: one for one in unanswered("being asked")}

    def tell(one: CheckResult) -> None:
        known[one.name] = one
        heard(_judged(replace(found, checks=(*known.values(), *found.checks)), environment))

    heard(_judged(replace(found, checks=(*known.values(), *found.checks)), environment))
    return tell


def answered(
    before: Review, environment: Environment, answers: Sequence[Answer], performed: Sequence[CheckResult] = ()
) -> Review:
    """The same review after more answers, or after something was performed; the server is asked again once what it said
    is old."""
    before = _fresh(before, environment)
    return _judged(_with(replace(before, answers=tuple(answers)), performed), environment)


def looked_again(before: Review, environment: Environment) -> Review:
    """The same review as the server answers now: its checks, the approvals and, where that was a while ago, the impact.

    For a question that stands: nothing of the answers changes. Never raises for the server, which is a FAIL then."""
    if before.plan.command == "verify":
        return before
    asked_at, found = time.monotonic(), before
    old = asked_at - before.read_at > READ_S
    if old and before.reason != NOT_ASKED:
        looked = _impacts(before.plan, environment)
        if looked.catalog or not before.catalog:  # what the catalog has told is not given up for the text alone
            wanted = affected(one for one in looked.impacts if one is not None)
            found = replace(
                before, impacts=looked.impacts, catalog=looked.catalog, reason=looked.reason, wanted=wanted,
                rehearsed=looked.rehearsed, read_at=asked_at,
            )  # fmt: skip
    checks = _asked(before.plan, environment, found.wanted) if old else check_environment(environment, found.wanted)
    found = replace(_with(found, checks), asked_at=asked_at)
    return _judged(_with_approvals(found, environment), environment)


_RANK = {"PASS": 0, "N-A": 0, "WARN": 1, "UNKNOWN": 2, "FAIL": 3}


def worse_since(before: Review, now: Review) -> tuple[str, ...]:
    """Which items are worse than they were shown, a sentence each; not made safe."""
    known = {one.item.id: one.state for one in before.gate.results}
    return tuple(
        f"{one.item.title}: was {known.get(one.item.id, 'not asked')}, is {one.state}: {one.summary}"
        for one in now.gate.results
        if _RANK[one.state] > _RANK[known.get(one.item.id, "PASS")]
    )


def ready(before: Review, environment: Environment) -> Review:
    """The review right before its run starts: the scripts are those that were read, the checks are not old, the backup
    is the file that was proven, the gate is open, stakeholders are told. Writes into the plan with which backup it
    starts, and when its steps may begin. Raises Refused."""
    require_as_read(before.plan)
    again = asked_again(before.checks, environment, before.plan.folder.parent.parent)
    found = _with_approvals(_with(_fresh(before, environment), again), environment)
    found = _judged(found, environment)
    require_unchanged(found.checks)
    found.gate.require()
    hooked: tuple[Mapping[str, Any], ...] = ()
    if policies.asks(found.plan):
        told, hooked = tell_before(found.plan, environment, found.gate.counted(found.answers))
        found = _judged(_with(found, told), environment)
        found.gate.require()
    proof = proof_of(found.checks)
    schedule = policies.schedule(found.plan, environment, found.gate, found.needs)
    approved, approvals = approved_tables(found.checks), decided(found.checks, environment)
    if proof is not None or schedule is not None or approved or hooked:
        plan = replace(found.plan, backup=proof, schedule=schedule, approved=approved, approvals=approvals)
        plan = replace(plan, hooked=hooked)
        found = replace(found, plan=plan)
        plan.save()
    note_affected(found.plan.folder, ((one.name.schema, one.name.relation) for one in found.wanted))
    return found


def _fresh(before: Review, environment: Environment) -> Review:
    """With the checks asked again where they are old: somebody may hold the tables by now."""
    if before.plan.command == "verify" or time.monotonic() - before.asked_at < FRESH_S:
        return before
    asked_at = time.monotonic()
    return replace(_with(before, _asked(before.plan, environment, before.wanted)), asked_at=asked_at)


def _asked(
    plan: RunPlan,
    environment: Environment,
    wanted: Sequence[WantedLock],
    heard: Callable[[CheckResult], None] | None = None,
) -> tuple[CheckResult, ...]:
    """The automatic checks, and before a deploy the project's own."""
    found = check_environment(environment, wanted, heard=heard)
    if not policies.asks(plan) or not environment.checks:
        return found
    state_dir = plan.folder.parent.parent
    return (*found, *own_results(environment, BEFORE, Path(plan.root), state_dir, os.environ))


def _with_approvals(before: Review, environment: Environment) -> Review:
    """With who has approved asked again: it may have been revoked, or the schema have changed, since."""
    if not policies.asks(before.plan):
        return before
    return _with(before, approval_result(environment, subject_of(before.plan, before.impacts, before.wanted)))


def _with(before: Review, more: Sequence[CheckResult]) -> Review:
    checks = {check.name: check for check in (*before.checks, *more)}
    return replace(before, checks=tuple(checks.values()))


def _judged(found: Review, environment: Environment) -> Review:
    if policies.asks(found.plan):
        clock = policies.server_clock(found.checks)
        found = _with(found, policies.policy_results(environment, clock, found.needs, found.source))
    elif found.plan.gate in policies.EXEMPT:
        found = _with(found, policies.exempt_results(environment, found.plan.gate))
    tags = [word for step in found.plan.steps for word in step.label.split()[1:]]
    compared = any(one.name == POLICY.check for one in found.checks)
    items = items_for(environment, found.plan.gate, found.plan.server.role, compared=compared)
    items = naming_release(items, tags)
    gate = evaluate(items, found.checks, found.answers, environment.policy.protected)
    return replace(found, gate=gate)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What the scripts will do, whether the catalog was asked for it (else `reason`), and what was rehearsed."""

    impacts: tuple[Inspected | None, ...]
    catalog: bool
    reason: str
    rehearsed: tuple[Rehearsed | None, ...] = ()
    durations: policies.Durations = ()


def _rehearsed(
    plan: RunPlan, scripts: Iterable[Source], environment: Environment, connection: Connection
) -> tuple[Rehearsed | None, ...]:
    """The rehearsals that count; the schema is read only where one is of such a script."""
    known = kept(plan.folder.parent.parent)
    hashes = {one.script for one in known}
    read = {int(one.change): one.data for one in scripts}
    if not hashes or not any(hash_of(data) in hashes for data in read.values()):
        return (None,) * len(plan.steps)
    now = schema_digest(read_objects(connection), environment.own_schemas)
    return tuple(counting(known, [(step.action, read.get(step.number)) for step in plan.steps], now))


def _tested(plan: RunPlan) -> dict[str, KeptStanding]:
    kept = kept_tests(plan.folder.parent.parent)
    found = {step.change_id: standing_of(kept.get(step.change_id), step.hashes) for step in plan.steps}
    return {change_id: one for change_id, one in found.items() if one is not None}


def _impacts(plan: RunPlan, environment: Environment) -> _Looked:
    files = RecordedFiles.of(plan)
    scripts = [
        Source(str(step.number), step.script, files.script(step.script))
        for step in plan.steps
        if step.script is not None and step.mode != "record" and step.action != "verify"
    ]
    how = Reading(files, plan.variables, Allow(shell=plan.allow_shell, files=plan.allow_files), plan.server.facts)
    catalog, reason = True, ""
    rehearsed: tuple[Rehearsed | None, ...] = ()
    durations: policies.Durations = ()
    try:
        with connect(environment.target, application_name=application_name(plan.run_id, "review")) as connection:
            found = inspect(scripts, how, connection)
            rehearsed = _rehearsed(plan, scripts, environment, connection)
            if policies.asks(plan) and policies.rules_for(environment):
                durations = durations_of(environment, connection)
    except PgmigError as error:
        catalog, reason = False, error.what
        found = inspect(scripts, how)
    by_step = {int(one.change): one for one in found}
    impacts = tuple(by_step.get(step.number) for step in plan.steps)
    return _Looked(impacts, catalog, reason, rehearsed, durations)


def estimates_of(reviewed: Review) -> list[float | None]:
    """By step, about how many milliseconds it takes; None where nothing foretells it."""
    return [
        0.0 if step.script is None or step.mode == "record" else None if one is None else policies.middle_ms(one)
        for step, one in zip(reviewed.plan.steps, reviewed.impacts, strict=False)
    ]
