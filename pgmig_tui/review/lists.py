"""The whole list of a deploy on an environment: what is asked before it, what it does itself, what comes after it.

`check` prints it and a review judges by its first part; nothing is planned, and nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.checks import CheckResult, check_environment
from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.errors import PgmigError, Unreachable
from pgmig_tui.gates.checklist import POLICY, ChecklistItem, after, items_for, naming_release, own_items
from pgmig_tui.gates.evidence import ItemEvidence, evidence_of
from pgmig_tui.gates.gate import Gate, evaluate
from pgmig_tui.gates.impacts import affected, inspect, pending, reading, sources
from pgmig_tui.gates.own import AFTER, BEFORE, own_results
from pgmig_tui.gates.window import Need
from pgmig_tui.project.tickets import ticket_in
from pgmig_tui.review import policies
from pgmig_tui.review.approving import ApprovalSubject, approval_result, pending_subject
from pgmig_tui.review.backups import known_for
from pgmig_tui.review.drafts import About, AskedAgain, bytes_hash, recalled_for, server_name
from pgmig_tui.review.measured_before import durations_of
from pgmig_tui.review.notifying import to_be_told
from pgmig_tui.review.policy_before import policy_compared
from pgmig_tui.review.promoted import Provenance, pending_provenance

if TYPE_CHECKING:
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.gates.impacts import Inspected
    from pgmig_tui.impact.needed import WantedLock
    from pgmig_tui.project.changes import Change
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

LATER = {
    "performed": "the run does it",
    "check": "the program looks after the run: `pgmig-tui after RUN`",
    "attested": "it comes after the run: `pgmig-tui after RUN`",
}


@dataclass(frozen=True, slots=True)
class Pending:
    """What a deploy would do there: its changes, the locks that they want, how long they may take, and why these aren't
    known; and what is known of the changes where they come from."""

    about: About
    changes: tuple[Change, ...] = ()
    wanted: tuple[WantedLock, ...] = ()
    needs: tuple[Need, ...] = ()
    trouble: str = ""
    source: Provenance | None = None
    subject: ApprovalSubject | None = None

    @property
    def tags(self) -> list[str]:
        return [f"@{tag.name}" for change in self.changes for tag in change.tags]


@dataclass(frozen=True, slots=True)
class WholeList:
    """`gate` is of what is asked before; `evidence` is of all items, in order; `again` is what was said before and has
    to be said again; `trouble`: why the tables of pending changes aren't known."""

    environment: str
    checks: tuple[CheckResult, ...]
    gate: Gate
    evidence: tuple[ItemEvidence, ...]
    again: Mapping[str, AskedAgain] = field(default_factory=dict)
    trouble: str = ""

    def to_json(self) -> list[dict[str, object]]:
        return [item_json(one, self.again.get(one.item)) for one in self.evidence]


def item_json(one: ItemEvidence, again: AskedAgain | None = None) -> dict[str, object]:
    """An item of `check --json` and `after --json`: `seen` and `said` are null where nobody has."""
    seen = {
        "state": one.seen,
        "summary": one.saw,
        "check": one.check_name,
        "sql": one.sql,
        "sql_hash": one.sql_hash,
        "rows": list(one.rows),
        "rows_left_out": one.rows_left_out,
        "started_at": one.started_at,
        "finished_at": one.finished_at,
        "role": one.role,
        "server": one.server,
    }
    said = {"how": one.answered_how, "note": one.note, "by": one.answered_by, "at": one.answered_at}
    return {
        "id": one.item,
        "list": one.list,
        "title": one.title,
        "state": one.state,
        "seen": seen if one.seen else None,
        "said": said if one.answered_how else None,
        "missing": one.missing,
        "blocks": one.blocks,
        "said_before": None if again is None else {"note": again.note, "why_not": again.why},
    }


def look(project: Project, environment: Environment, state_dir: Path) -> WholeList:
    """The list as it is now, with what was said to it so far. Never raises for the server."""
    found = pending_on(project, environment, state_dir)
    checks: Sequence[CheckResult] = check_environment(environment, found.wanted)
    asked = (*checks, *known_for("deploy", environment, state_dir))
    asked = (*asked, *own_results(environment, BEFORE, project.root, state_dir, os.environ))
    asked = (*asked, *policies.policy_results(environment, policies.server_clock(checks), found.needs, found.source))
    asked = (*asked, *policy_compared(environment, project.plan.project))
    tickets = [(one.name, ticket_in(environment.ticket, one.note)) for one in found.changes]
    asked = (*asked, *policies.ticket_results(environment.ticket, tickets))
    asked = (*asked, *to_be_told(environment, project.root, state_dir))
    if found.subject is not None:
        asked = (*asked, *approval_result(environment, found.subject))
    items = items_before(environment, found, compared=any(one.name == POLICY.check for one in asked))
    protected = environment.policy.protected
    recalled = recalled_for(state_dir, found.about, evaluate(items, asked, (), protected))
    gate = evaluate(items, asked, recalled.standing, protected)
    coming = (*after("deploy", environment.name), *own_items(environment, AFTER["deploy"]))
    later = evaluate(coming, (), (), protected=False).results
    where = environment.target.display
    evidence = (
        *(evidence_of(result, where) for result in gate.results),
        *(replace(evidence_of(one, where), missing=LATER[one.item.how]) for one in later),
    )
    return WholeList(environment.name, asked, gate, evidence, recalled.again, found.trouble)


def items_before(environment: Environment, found: Pending, *, compared: bool = False) -> tuple[ChecklistItem, ...]:
    return naming_release(items_for(environment, "deploy", compared=compared), found.tags)


def pending_on(project: Project, environment: Environment, state_dir: Path | None = None) -> Pending:
    """What a deploy would do there. What can't be known is said in `trouble`, but of a server that doesn't answer,
    which its own check tells. With a `state_dir` the environment is asked, too, that the changes come from."""
    plain = About(project.plan.project, environment.name, "deploy", "", frozenset())
    try:
        with connect(environment.target, application_name=application_name("check", "impact")) as connection:
            changes = tuple(pending(project, environment, connection))
            identity = connection.identity()
            how = reading(project, "deploy", environment, connection, {})
            source = None
            if state_dir is not None:
                source = pending_provenance(project, environment, changes, identity.key, state_dir, how)
            known = Pending(_about(project, environment, identity, changes), changes, source=source)
            try:
                scripts = list(sources(project, changes, "deploy"))
                found = inspect(scripts, how, connection)
                needs: tuple[Need, ...] = ()
                if policies.rules_for(environment):
                    durations: policies.Durations = durations_of(environment, connection)
                    if source is not None:
                        durations = (*durations, (source.facts.name, source.facts.durations))
                    needs = policies.pending_needs(environment, changes, found, durations)
                wanted = affected(found)
                subject = pending_subject(project, environment, changes, identity, found, wanted, how)
                about = _about(project, environment, identity, changes, found)
                return replace(known, about=about, wanted=wanted, needs=needs, subject=subject)
            except PgmigError as error:
                return replace(known, trouble=error.what)
    except Unreachable:
        return Pending(plain)
    except PgmigError as error:
        return Pending(plain, trouble=error.what)


def _about(
    project: Project,
    environment: Environment,
    identity: ServerIdentity,
    changes: Sequence[Change],
    looked: Sequence[Inspected | None] = (),
) -> About:
    """`looked` are of the scripts of `changes`, in their order."""
    seen = looked or [None] * len(changes)
    server = server_name(identity.system_identifier, identity.database, environment.target.display)
    scripts = frozenset(
        ("deploy", change.change_id, change.name, bytes_hash(project.script_hash(change), one))
        for change, one in zip(changes, seen, strict=True)
    )
    return About(project.plan.project, environment.name, "deploy", server, scripts)
