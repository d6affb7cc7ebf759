"""What is up for approval on an environment now, and who has said what to it: for the command and for the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.errors import UsageError
from pgmig_tui.gates.approvals import Bound, Given, People, RoleStanding, by_role, result, void
from pgmig_tui.review.approving import ApprovalSubject, standing, subject_of
from pgmig_tui.review.prepared import Review, review
from pgmig_tui.run.journal.folder import discard
from pgmig_tui.run.journal.run_plan import Options
from pgmig_tui.run.planning.prepare import prepare

if TYPE_CHECKING:
    from pgmig_tui.project.approvers import Approvers
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision that was recorded. `void`: why it doesn't count, "" where it does; `expires` is UTC."""

    given: Given
    void: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class AskedFor:
    """How it stands. `state` and `summary` are those of the checklist's item; `identity` is the role that is logged in;
    `may_not`: why nothing can be recorded from here, "" where it can; `bound` what a decision of now is bound to."""

    subject: ApprovalSubject
    bound: Bound | None
    roles: tuple[RoleStanding, ...]
    decisions: tuple[Decision, ...]
    state: str = "UNKNOWN"
    summary: str = ""
    identity: str = ""
    may_not: str = ""


def require_approvers(environment: Environment) -> Approvers:
    """Who is asked. Raises UsageError where nobody is."""
    if environment.policy.approvers is None:
        raise UsageError(
            f"pgmig.toml names nobody who could approve on {environment.name}",
            now="Nothing was recorded.",
            do='Say who may: approvals = { dba = ["ana"], lead = ["SHA256:…"] }',
        )
    return environment.policy.approvers


def pending_review(
    project: Project, environment: Environment, to: str | None, state_dir: Path
) -> tuple[Review, ApprovalSubject]:
    """The review of what is pending, and what of it is up for approval. Its folder stays: `discard` takes it away."""
    plan = prepare(project, environment, "deploy", Options(to=to), state_dir=state_dir)
    found = review(plan, environment)
    return found, subject_of(plan, found.impacts, found.wanted)


def asked_for(environment: Environment, subject: ApprovalSubject) -> AskedFor:
    """Who has said what to it. Raises UsageError where nobody is asked; never for the server."""
    approvers = require_approvers(environment)
    found = standing(environment, subject)
    if found.bound is None or found.table is None:
        return AskedFor(subject, None, (), (), may_not=found.problem)
    people, now = People(subject.authors, subject.operator, subject.role), found.table.now
    roles = by_role(
        approvers, found.given, found.bound, people, now, moves_data=subject.moves_data, left=found.left
    )  # fmt: skip
    lasts = timedelta(milliseconds=approvers.expires_ms)
    decisions = tuple(
        Decision(one, void(one, approvers, found.bound, people, now, found.left), one.at + lasts) for one in found.given
    )
    there = found.table
    may_not = found.problem
    if not there.there:
        may_not = f"there is no table of approvals yet: pgmig-tui approve {environment.name} --create makes it"
    elif not may_not and not there.may_write:
        may_not = f"role {there.session_role} may only read {there.schema}.approvals"
    elif not may_not and not subject.changes:
        may_not = f"nothing is to be deployed on {environment.name}"
    told = result(approvers, found.given, found.bound, people, now, moves_data=subject.moves_data, left=found.left)
    return AskedFor(subject, found.bound, roles, decisions, told.state, told.summary, there.session_role, may_not)


def forget(found: Sequence[Review]) -> None:
    """Take the folders of reviews away that nothing is run from."""
    for one in found:
        discard(one.plan.folder)
