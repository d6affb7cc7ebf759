"""What pgmig.toml asks of a deploy, as the server and the environment that it comes from say now: results of the items
`policy:*`.

The clock is the server's: what the check of the server found it to differ from ours is added to ours. A revert and a
rollback are exempt.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pgmig_tui.database.checks import CheckResult
from pgmig_tui.display import words
from pgmig_tui.gates.window import FREEZE, WINDOW, Need, OpeningRules, results
from pgmig_tui.review.promoted import Provenance, provenance_results
from pgmig_tui.run.process.guard import longest_wait_ms

if TYPE_CHECKING:
    from pgmig_tui.gates.gate import Gate
    from pgmig_tui.gates.impacts import Inspected
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.run.journal.rehearsed import Rehearsed
    from pgmig_tui.run.journal.run_plan import RunPlan, Step

Durations = Sequence[tuple[str, Mapping[str, float]]]
"""Where scripts were deployed before, the nearest first: name, and milliseconds by the beginning of change IDs."""

_ASKED = frozenset({"deploy", "backfill"})
EXEMPT = ("revert", "rollback")
"""Before these no policy is asked: they are what is done when something is wrong."""


def rules_for(environment: Environment) -> OpeningRules:
    """The windows and freezes of an environment."""
    return OpeningRules(environment.policy.window, environment.policy.freeze)


def asks(plan: RunPlan) -> bool:
    """Whether policies are asked before such a run."""
    return plan.gate in _ASKED and not plan.dry_run


def server_clock(checks: Sequence[CheckResult]) -> datetime | None:
    """What the server's clock shows now, by what the check of the server found; None where it didn't answer."""
    for one in checks:
        if one.name == "server" and one.rows:
            skew = one.rows[0].get("clock_skew_s")
            return None if skew is None else datetime.fromtimestamp(time.time() + float(skew), UTC)
    return None


def needs_of(
    plan: RunPlan,
    impacts: Sequence[Inspected | None],
    rehearsed: Sequence[Rehearsed | None],
    durations: Durations,
) -> tuple[Need, ...]:
    """How long each step may take at most, with what it may wait for locks."""
    kept = [*rehearsed, *[None] * (len(plan.steps) - len(rehearsed))]
    wait = longest_wait_ms(plan.retries, plan.lock_timeout_ms)
    return tuple(
        _with_tries(_need(step, one, trial, durations), wait)
        for step, one, trial in zip(plan.steps, impacts, kept, strict=True)
    )


def pending_needs(
    environment: Environment, changes: Sequence[Change], found: Sequence[Inspected], durations: Durations
) -> tuple[Need, ...]:
    """The same of changes that nobody has planned a run of yet."""
    by_name = {one.change: one for one in found}
    wait = longest_wait_ms(environment.policy.retries, environment.policy.lock_timeout_ms)
    return tuple(
        _with_tries(_measured(one.change_id, one.name, by_name.get(one.name), None, durations), wait) for one in changes
    )


def _with_tries(need: Need, wait_ms: int) -> Need:
    return (
        need
        if need.ms is None or not need.source.startswith(("measured", "estimated"))
        else replace(need, ms=need.ms + wait_ms)
    )


def policy_results(
    environment: Environment, clock: datetime | None, needs: Sequence[Need], source: Provenance | None
) -> tuple[CheckResult, ...]:
    """The results of all policies that can be worked out."""
    return (*provenance_results(environment, source), *results(rules_for(environment), clock, needs))


def ticket_results(pattern: str, tickets: Sequence[tuple[str, str]]) -> tuple[CheckResult, ...]:
    """Which of the changes (name and ticket) name no ticket: a WARN, for the pattern says nothing of who forgot it."""
    if not pattern:
        return ()
    lacking = [name for name, ticket in tickets if not ticket]
    rows = tuple({"change": name, "ticket": ticket or None} for name, ticket in tickets)
    if lacking:
        told = f"the note of {words.listing(lacking, 3)} names none (ticket = {pattern})"
        return (CheckResult("tickets", "", "WARN", told, rows),)
    return (CheckResult("tickets", "", "PASS", ", ".join(dict.fromkeys(one for _, one in tickets)) or "none", rows),)


def exempt_results(environment: Environment, command: str) -> tuple[CheckResult, ...]:
    """What is said of the policies that a revert or a rollback isn't asked for."""
    return tuple(CheckResult(f"policy:{key}", "", "N-A", f"a {command} is exempt") for key in exempt_keys(environment))


def exempt_told(environment: Environment, command: str) -> str:
    """That a command isn't held to the policies that there are, in a sentence; "" where there are none."""
    keys = exempt_keys(environment)
    if not keys:
        return ""
    return f"a{'n' if command[0] in 'aeiou' else ''} {command} is exempt from {words.listing(list(keys), len(keys))}"


def exempt_keys(environment: Environment) -> tuple[str, ...]:
    """The keys of pgmig.toml that nothing but a deploy and a backfill is held to."""
    policy = environment.policy
    return tuple(key for key, _ in (*policy.computed, *policy.unenforced))


def schedule(plan: RunPlan, environment: Environment, gate: Gate, needs: Sequence[Need]) -> dict[str, Any] | None:
    """What a run keeps to between its steps; None where there are no rules, or where somebody has decided to run
    although it isn't open."""
    rules = rules_for(environment)
    if not rules or not asks(plan):
        return None
    passed = {one.item.id for one in gate.results if one.overridden and one.state == "FAIL"}
    if WINDOW in passed or FREEZE in passed:
        return None
    return {**rules.to_json(), "needs": [[one.change, one.ms, one.source] for one in needs]}


def estimated(one: Inspected) -> int | None:
    """How many milliseconds a script may take at most, by its estimate; None where a part of it has none."""
    if one.impact.unread:
        return None
    work = [each.estimated_ms for each in one.impact.statements if not each.transaction_control]
    known = [each.high for each in work if each is not None]
    return sum(known) if len(known) == len(work) else None


def middle_ms(one: Inspected) -> float | None:
    """About how many milliseconds a script takes, the middle of its estimate; None where a
    part of it has none."""
    if one.impact.unread:
        return None
    work = [each.estimated_ms for each in one.impact.statements if not each.transaction_control]
    known = [(each.low + each.high) / 2 for each in work if each is not None]
    return sum(known) if len(known) == len(work) else None


def _need(step: Step, one: Inspected | None, trial: Rehearsed | None, durations: Durations) -> Need:
    """A time that was measured beats an estimate, and one of a rehearsal, which has no rows, beats none at all."""
    if step.mode == "record" or step.script is None:
        return Need(step.change, 0, "its script isn't run")
    if step.mode == "batches":
        return Need(step.change, 0, "it stops between two batches")
    return _measured(step.change_id, step.change, one, trial, durations)


def _measured(change_id: str, name: str, one: Inspected | None, trial: Rehearsed | None, durations: Durations) -> Need:
    for where, known in durations:
        if (ms := known.get(change_id[:8])) is not None:
            return Need(name, round(ms), f"measured on {where}")
    if one is not None and (ms := estimated(one)) is not None:
        return Need(name, ms, "estimated")
    if trial is not None:
        return Need(name, trial.ms, "measured in a rehearsal, without rows")
    return Need(name, None)
