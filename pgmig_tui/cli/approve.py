"""`pgmig-tui review`, the packet of what is pending, and `pgmig-tui approve`, what people say to it."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask_yes, somebody_is_there
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.display import words
from pgmig_tui.display.cells import Role, line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import Refused, UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.approving import ApprovalSubject
    from pgmig_tui.review.prepared import Review

_NOTHING = "Nothing was recorded."


def review(arguments: Namespace) -> int:
    """Write the packet of what is pending. Nothing is run, and nothing is kept."""
    from pgmig_tui.report import packet
    from pgmig_tui.review.approving import standing

    project, environment, to = environment_and_change(arguments)
    found, subject = _reviewed(project, environment, to)
    known = standing(environment, subject)
    if known.bound is None:
        raise Refused(known.problem, now="Nothing was written.")
    facts = packet.packet_of(project, environment, found, subject, known.bound)
    form = "json" if arguments.json else arguments.format or "markdown"
    text = {"markdown": packet.as_markdown, "html": packet.as_html, "json": packet.as_json}[form](facts)
    _discard(found)
    if arguments.output is None:
        output.text_out(text)
        return 0
    try:
        Path(arguments.output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{arguments.output} can't be written: {error.strerror}", now="Nothing was written.") from None
    output.note(f"The packet {known.bound.packet[:16]}… is in {safe(arguments.output)}.")
    return 0


def approve(arguments: Namespace) -> int:
    """Approve what is pending, reject it, revoke that, list what was given, or make the table for it."""
    from pgmig_tui.review import approving

    project, environment, to = environment_and_change(arguments)
    if arguments.create:
        return _create(arguments, environment)
    if not (arguments.list or arguments.role or arguments.revoke is not None):
        raise UsageError(
            "approve needs --role ROLE, or --list, or --revoke NUMBER", now=_NOTHING, do="`approve --help` tells more."
        )
    found, subject = _reviewed(project, environment, to)
    _discard(found)
    if arguments.list:
        return _list(arguments, environment, subject)
    note = arguments.note or ""
    if arguments.revoke is not None:
        _confirm(arguments, f"Revoke the approval {arguments.revoke} of {environment.name}?")
        given = approving.revoke(environment, subject, project.operator, arguments.revoke, note)
        output.say(f"{given.role}: the approval {given.id} of {safe(given.identity)} is revoked.")
        return 0
    if arguments.reject and not note:
        raise UsageError("--reject needs --note: what is wrong?", now=_NOTHING)
    for one in subject.changes:
        output.note(f"  {safe(one.change)}  {one.deploy[:16]}")
    verb = "Reject" if arguments.reject else "Approve"
    _confirm(arguments, f"{verb} this on {environment.name} as {arguments.role}?")
    given = approving.decide(
        environment,
        subject,
        project.operator,
        decision="reject" if arguments.reject else "approve",
        role=arguments.role,
        note=note,
        key=None if arguments.ssh_key is None else Path(arguments.ssh_key).expanduser(),
        packet=arguments.packet or "",
    )
    done = "rejected" if arguments.reject else "approved"
    if why := _void_at_once(environment, subject, given.id):
        raise Refused(
            f"the decision of {given.identity} as {given.role} is void: {why}",
            now=f"It is recorded as number {given.id}, and counts for nothing.",
            do=f"Put that right, or have another decide; `pgmig-tui approve {environment.name} --list` shows all.",
        )
    output.say(f"{given.role}: {done} by {safe(given.identity)} at {words.utc(given.at)}, number {given.id}.")
    return 0


def _void_at_once(environment: Environment, subject: ApprovalSubject, number: int) -> str:
    """Why a decision that was just recorded doesn't count; "" where it does, or that can't be asked."""
    from pgmig_tui.review.approving import approval_result

    found = approval_result(environment, subject)
    return next((str(row["void"]) for one in found for row in one.rows if row.get("id") == number), "")


def _reviewed(project: Project, environment: Environment, to: str | None) -> tuple[Review, ApprovalSubject]:
    from pgmig_tui.review.asked_for import pending_review
    from pgmig_tui.run.journal.folder import default_state_dir

    return pending_review(project, environment, to, default_state_dir(os.environ))


def _discard(found: Review) -> None:
    from pgmig_tui.run.journal.folder import discard

    discard(found.plan.folder)


def _confirm(arguments: Namespace, question: str) -> None:
    if arguments.yes:
        return
    if not somebody_is_there():
        raise Refused(question, now=_NOTHING, do="Say --yes.")
    if not ask_yes(question):
        raise Refused("It was stopped.", now=_NOTHING)


def _create(arguments: Namespace, environment: Environment) -> int:
    from pgmig_tui.review.approving import create, creating

    statements = creating(environment)
    if not statements:
        output.say(f"{safe(environment.name)} has its table of approvals.")
        return 0
    for one in statements:
        output.note(f"{safe(one.split(chr(10))[0])}{' …' if chr(10) in one else ''}")
    _confirm(arguments, f"Make this on {environment.name}?")
    create(environment, statements)
    schema = safe(environment.policy.tracking or "")
    output.say(f"{safe(environment.name)} has its table of approvals now, in schema {schema}.")
    return 0


def _list(arguments: Namespace, environment: Environment, subject: ApprovalSubject) -> int:
    from pgmig_tui.database.checks import document
    from pgmig_tui.review.approving import approval_result

    found = approval_result(environment, subject)
    if not found:
        raise UsageError(f"pgmig.toml names nobody who could approve on {environment.name}", now=_NOTHING)
    (told,) = found
    if arguments.json:
        output.document({"environment": environment.name, "approvals": document(told)})
        return 0
    roles: dict[str, Role] = {"PASS": "done", "WARN": "waiting", "FAIL": "failed"}
    output.say(line((f"{told.state:<7} ", roles.get(told.state, "stale")), safe(told.summary)))
    if told.rows:
        output.table(
            ("#>", "decision", "role", "who", "at?", "note?", "counts"),
            [
                (
                    str(row["id"]), safe(str(row["decision"])), safe(str(row["role"])), safe(str(row["identity"])),
                    safe(words.utc(str(row["at"]))), safe(str(row["note"])), safe(str(row["void"]) or "yes"),
                )
                for row in told.rows
            ],
        )  # fmt: skip
    return 0
