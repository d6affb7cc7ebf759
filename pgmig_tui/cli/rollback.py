"""`rollback`: take the last run on an environment back, in an emergency. `undo`: bring back what it saved."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask, ask_yes, somebody_is_there
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.display import words
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import Refused

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.report.rollback import RollbackReview
    from pgmig_tui.run.plan import RunPlan
    from pgmig_tui.run.rollback import Undo

NOTHING = "Nothing was changed."


def rollback(arguments: Namespace) -> int:
    """Revert what the last run deployed, or back to --to, after everything was shown and the word was typed."""
    from pgmig_tui.cli.follow import Follower, Signals
    from pgmig_tui.run.client import start, warm

    project, environment, to = environment_and_change(arguments, warned=True)
    undo = _undo(project, environment, to)
    if undo.nothing:
        output.note(line(("~ ", "muted"), f"Nothing to roll back on {safe(environment.name)}: {safe(undo.nothing)}."))
        return 0
    process = None if arguments.dry_run else warm(project.root)
    plan = _plan(arguments, project, environment, undo)
    found = _look(arguments, project, environment, undo, plan)
    if arguments.dry_run:
        return _only_shown(arguments, found)
    found = _consent(arguments, found, environment)
    target = environment.target
    with Signals() as signals:
        handle = start(
            found.plan, found.review.answers, password=target.password, secrets=target.secrets, process=process
        )
        return Follower(handle, signals, json_lines=arguments.json_lines).follow()


def _undo(project: Project, environment: Environment, to: str | None) -> Undo:
    from pgmig_tui.run.client import default_state_dir
    from pgmig_tui.run.rollback import stand, undo_last, undo_to

    standing = stand(project, environment)
    if to is not None:
        return undo_to(standing, project, to)
    return undo_last(standing, project, environment, default_state_dir(os.environ))


def _plan(arguments: Namespace, project: Project, environment: Environment, undo: Undo) -> RunPlan:
    from pgmig_tui.run.client import default_state_dir
    from pgmig_tui.run.rollback import plan_rollback

    return plan_rollback(
        project,
        environment,
        undo,
        state_dir=default_state_dir(os.environ),
        variables=dict(arguments.variables),
        lock_wait_s=arguments.lock_timeout,
    )


def _look(
    arguments: Namespace, project: Project, environment: Environment, undo: Undo, plan: RunPlan
) -> RollbackReview:
    from pgmig_tui.cli.consent import given_answers
    from pgmig_tui.report.rollback import look
    from pgmig_tui.run.client import default_state_dir

    answers = given_answers(arguments, plan, environment)
    return look(project, environment, undo, plan, answers, state_dir=default_state_dir(os.environ))


def _only_shown(arguments: Namespace, found: RollbackReview) -> int:
    """--dry-run: everything is shown, nothing is done, and the command that would do it is named."""
    from pgmig_tui.report.rollback import document
    from pgmig_tui.run.folder import discard

    if arguments.json:
        output.document(document(found))
    else:
        show(found)
        output.note(f"Nothing was done. It would be: {command_line(found)}")
    discard(found.plan.folder)
    return 0


def command_line(found: RollbackReview) -> str:
    """The command that does the same without a screen and without questions."""
    plan = found.plan
    parts = ["pgmig-tui rollback", safe(plan.environment)]
    if found.undo.keep is not None and not found.undo.run_id:
        parts.append(f"--to {safe(found.undo.keep.name)}")
    if plan.protected and found.review.loses:
        parts.append("--accept-data-loss")
    parts.append(f"--confirm {safe(plan.confirm_word)}" if plan.protected else "--yes")
    return " ".join(parts)


def show(found: RollbackReview) -> None:
    """What is about to happen, on stderr."""
    from pgmig_tui.cli.consent import checklist
    from pgmig_tui.report.rollback import lines

    plan = found.plan
    where = f"{safe(plan.environment)} ({safe(plan.server.display)}, as {safe(plan.server.role)})"
    output.note(line(("ROLL BACK on ", "strong"), (where, "tier-prod" if plan.protected else "strong")))
    for told in (*lines(found), *checklist(found.review.gate)):
        output.note(told)


def _consent(arguments: Namespace, found: RollbackReview, environment: Environment) -> RollbackReview:
    """Show it, and get what it takes: an open gate, the loss accepted, the word. Raises Refused, naming the options."""
    show(found)
    plan = found.plan
    missing: list[str] = []
    details: list[str] = []
    blocking = {result.item.id: result for result in found.review.gate.results if result.blocks}
    for item, result in blocking.items():
        details.append(f"{item}: {result.state}, {result.summary}")
        if result.item.overridable:
            missing.append(f'--override {item}="the reason"')
    if blocking and (not somebody_is_there() or any(not one.item.overridable for one in blocking.values())):
        raise _refused(plan, details, missing)
    if blocking:
        found = _ask_reasons(found, environment)
    _accept_loss(arguments, found)
    _last_word(arguments, plan)
    return found


def _ask_reasons(found: RollbackReview, environment: Environment) -> RollbackReview:
    from pgmig_tui.gates.checklist import items_for
    from pgmig_tui.gates.gate import parse_answer

    plan, answers = found.plan, list(found.review.answers)
    for result in found.review.gate.results:
        if not result.blocks:
            continue
        note = ask(f"{result.item.title} ({result.state}: {result.summary}). Why go on all the same? (empty: stop)")
        if not note:
            raise Refused("The rollback was stopped at the checklist.", now=NOTHING)
        by = f"{plan.operator_name} <{plan.operator_email}>"
        answers.append(
            parse_answer(f"{result.item.id}={note}", "override", items_for(environment, plan.gate), by)
        )  # fmt: skip
    return found.answered(environment, answers)


def _refused(plan: RunPlan, details: list[str], missing: list[str]) -> Refused:
    return Refused(
        f"The rollback of {plan.environment} is refused: {words.count(len(details), 'reason')}.",
        details=details,
        now=NOTHING,
        do=f"Say {' and '.join(missing)} if that is meant; it is recorded." if missing else "Only that can be mended.",
    )


def _accept_loss(arguments: Namespace, found: RollbackReview) -> None:
    plan, loses = found.plan, found.review.loses
    if not plan.protected or not loses or arguments.accept_data_loss:
        return
    if not somebody_is_there():
        raise Refused(
            f"The rollback loses data on {plan.environment}.",
            details=loses,
            now=NOTHING,
            do="Say --accept-data-loss if that is meant, or --save to keep it.",
        )
    if not ask_yes("Accept the loss of this data?"):
        raise Refused("You didn't accept the loss of data.", now=NOTHING)


def _last_word(arguments: Namespace, plan: RunPlan) -> None:
    from pgmig_tui.cli.consent import last_word

    last_word(arguments, plan)
