"""Who has approved what is pending on an environment, and a decision on its way to the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pgmig_tui.display.words import utc
from pgmig_tui.project.approvers import is_key
from pgmig_tui.ui.backend.protocol import ApprovalsFacts, DecisionFacts, RoleFacts

if TYPE_CHECKING:
    from pgmig_tui.gates.approvals import RoleStanding
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.asked_for import Decision


def approvals(project: Project, environment: Environment, state_dir: Path) -> ApprovalsFacts:
    """How it stands now. Raises PgmigError."""
    from pgmig_tui.report.packet import as_markdown, packet_of
    from pgmig_tui.review.asked_for import asked_for, forget, pending_review, require_approvers

    require_approvers(environment)
    reviewed, subject = pending_review(project, environment, None, state_dir)
    try:
        known = asked_for(environment, subject)
        text = ""
        if known.bound is not None:
            text = as_markdown(packet_of(project, environment, reviewed, subject, known.bound))
    finally:
        forget([reviewed])
    return ApprovalsFacts(
        environment.name,
        tuple(_role(one) for one in known.roles),
        tuple(_decision(one) for one in known.decisions),
        tuple((one.change, one.deploy) for one in subject.changes),
        known.identity,
        known.may_not,
        known.bound.packet if known.bound is not None else "",
        text,
        subject,
        known.state,
        known.summary,
    )


def _role(one: RoleStanding) -> RoleFacts:
    state: Literal["approved", "rejected", "missing", "not asked"] = "missing"
    if one.rejected:
        state = "rejected"
    elif one.chosen is not None:
        state = "approved"
    elif not one.asked:
        state = "not asked"
    people = tuple(name for name in one.identities if not is_key(name))
    return RoleFacts(one.role, state, one.told, people, tuple(name for name in one.identities if is_key(name)))


def _decision(one: Decision) -> DecisionFacts:
    given = one.given
    return DecisionFacts(
        given.id, given.decision, given.role, given.identity, utc(given.at), utc(one.expires), given.by, given.note,
        given.weak, one.void, bool(given.revoked),
    )  # fmt: skip


def decide(
    project: Project,
    environment: Environment,
    facts: ApprovalsFacts,
    decision: Literal["approve", "reject"],
    role: str,
    note: str,
    key: str,
) -> str:
    """Record it. Raises PgmigError."""
    from pgmig_tui.review import approving

    given = approving.decide(
        environment, facts.found, project.operator, decision=decision, role=role, note=note,
        key=Path(key).expanduser() if key else None, packet=facts.packet,
    )  # fmt: skip
    done = "rejected" if decision == "reject" else "approved"
    return f"{given.role}: {done} by {given.identity} at {utc(given.at)}, number {given.id}"


def revoke(project: Project, environment: Environment, facts: ApprovalsFacts, number: int, note: str) -> str:
    """Revoke it. Raises PgmigError."""
    from pgmig_tui.review import approving

    given = approving.revoke(environment, facts.found, project.operator, number, note)
    return f"{given.role}: the decision {given.id} of {given.identity} is revoked"
