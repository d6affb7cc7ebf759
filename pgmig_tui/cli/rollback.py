"""`rollback`: roll back the last run on an environment, in an emergency."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask, somebody_is_there
from pgmig_tui.cli.choose import environment_and_change, located_environment
from pgmig_tui.cli.confirm import accept_loss, confirm
from pgmig_tui.cli.last_word import last_word
from pgmig_tui.display import words
from pgmig_tui.display.cells import line, text_of
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import Refused, UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.prepared import Review
    from pgmig_tui.review.rollback import RollbackReview
    from pgmig_tui.run.clients.extent import Extent, KnownState
    from pgmig_tui.run.clients.stopping import Running

_NOTHING = "Nothing was changed."


def rollback(arguments: Namespace) -> int:
    """Revert what the last deploy run that still stands has deployed, or back to --to, after everything was shown and
    the word was typed."""
    from pgmig_tui.cli.follow import Follower, Signals
    from pgmig_tui.review.prepared import estimates_of
    from pgmig_tui.review.rollback import require_shown
    from pgmig_tui.run.clients.client import start, warm

    project, environment, to = environment_and_change(arguments, warned=True)
    if to is not None and arguments.all:
        raise UsageError("--to and --all contradict each other.", now=_NOTHING, do="Say one of them.")
    environment = located_environment(project, environment)
    if arguments.lift:
        return _lift(arguments, project, environment)
    arguments.to = to
    arguments.dry_run = arguments.dry_run or arguments.json  # one document tells of one thing: what it would do
    state = _state(project, environment)
    extent, running = _extent(arguments, project, state), state.running
    if extent.nothing and (running is None or extent.undecided):
        return _nothing_found(arguments, environment, extent)
    process = None if arguments.dry_run else warm(project.root)
    found = None if extent.nothing else _planned(arguments, project, environment, extent)
    if running is not None:
        output.note(line(("! ", "waiting"), (safe(running.sentence), "strong")))
        output.note(line("  it is stopped first, and what it has committed until then is reverted"))
    if arguments.dry_run:
        return _only_shown(arguments, found) if found is not None else _nothing_found(arguments, environment, extent)
    if found is None:
        confirm(arguments, environment, "stop it and roll it back")
    else:
        found = _consent(arguments, found, environment)
    if running is not None:
        found = _stopped(arguments, project, environment, running, found)
    if found is None:
        return 0
    require_shown(found, environment)
    target = environment.target
    with Signals() as signals:
        handle = start(
            found.plan,
            found.review.gate.counted(found.review.answers),
            password=target.password,
            secrets=target.secrets,
            process=process,
            evidence=found.review.kept,
            estimates=estimates_of(found.review),
        )
        status = Follower(handle, signals, json_lines=arguments.json_lines).follow()
    if handle.finished:
        _afterwards(project, environment, found)
    return status


def _nothing_found(arguments: Namespace, environment: Environment, extent: Extent) -> int:
    """Say why nothing is rolled back, and how a point is chosen. Raises Refused where something stands that may be
    meant: that is for a person to say."""
    from pgmig_tui.review.rollback import candidate_lines, nothing_document

    if arguments.json:
        output.document(nothing_document(extent, environment.name))
        return 0
    told = candidate_lines(extent, environment.name)
    if extent.undecided and not arguments.dry_run:
        raise Refused(
            f"Nothing is rolled back on {environment.name}: {extent.nothing}.",
            details=[text_of(one).strip() for one in told],
            now=_NOTHING,
            do=f"Choose a point, the last change to keep: pgmig-tui rollback {environment.name} --to CHANGE",
        )
    what = "Nothing is rolled back" if extent.undecided else "Nothing to roll back"
    output.note(line(("~ ", "muted"), f"{what} on {safe(environment.name)}: {safe(extent.nothing)}."))
    for one in told:
        output.note(one)
    if extent.keep is not None:
        output.note(
            f"A point of your own, the last change to keep: pgmig-tui rollback {safe(environment.name)} --to CHANGE"
        )
    return 0


def _stopped(
    arguments: Namespace, project: Project, environment: Environment, running: Running, seen: RollbackReview | None
) -> RollbackReview | None:
    """Stop the run that is under way, then plan on what it has committed until then. None: nothing is left to revert.

    What it has committed since it was `seen` is shown, and the loss of more than was accepted is asked for again.
    """
    from pgmig_tui.run.clients.stopping import stop
    from pgmig_tui.run.journal.folder import default_state_dir, discard

    stop(running, environment, default_state_dir(os.environ), _told)
    state = _state(project, environment, running)
    if seen is not None and seen.still_last(state.deployed):
        return seen
    if seen is not None:
        discard(seen.plan.folder)
    extent = _extent(arguments, project, state)
    if extent.nothing:
        output.note(line(("+ ", "done"), f"The run was stopped; {safe(extent.nothing)}."))
        return None
    output.note(line(("! ", "waiting"), "it has committed more since it was shown:"))
    found = _planned(arguments, project, environment, extent)
    _show(found)
    _require_open(found)
    return _accepted(arguments, found)


def _told(text: str) -> None:
    """What goes on, on stderr."""
    output.note(line(("~ ", "muted"), safe(text)))


def _afterwards(project: Project, environment: Environment, found: RollbackReview) -> None:
    """Look at what is true now, and write the record."""
    from pgmig_tui.report import incident
    from pgmig_tui.report.conclusion import conclude
    from pgmig_tui.review import aftermath
    from pgmig_tui.run.journal.folder import default_state_dir

    plan = found.plan
    record, path = conclude(project, environment, plan, default_state_dir(os.environ), _told)
    if record.checked is not None:
        for told in aftermath.lines(record.checked[1]):
            output.note(told)
    output.note("")
    for text in incident.six_lines(record):
        output.note(text)
    if path is not None:
        output.note(line((f"The record: {safe(str(path))}, or pgmig-tui report {plan.run_id} --incident", "muted")))


def _state(project: Project, environment: Environment, stopped: Running | None = None) -> KnownState:
    """What is deployed and under way there. `stopped` was under way, until it was stopped for this rollback."""
    from pgmig_tui.run.clients.rollback import stand
    from pgmig_tui.run.journal.folder import default_state_dir

    return stand(project, environment, default_state_dir(os.environ), stopped)


def _extent(arguments: Namespace, project: Project, state: KnownState) -> Extent:
    """What is to be rolled back."""
    from pgmig_tui.run.clients.extent import extent_for

    return extent_for(state, project, arguments.to, everything=arguments.all)


def _planned(arguments: Namespace, project: Project, environment: Environment, extent: Extent) -> RollbackReview:
    from pgmig_tui.cli.consent import given_answers
    from pgmig_tui.review.rollback import look
    from pgmig_tui.run.clients.rollback import plan_rollback
    from pgmig_tui.run.journal.folder import default_state_dir

    state_dir = default_state_dir(os.environ)
    plan = plan_rollback(
        project,
        environment,
        extent,
        state_dir=state_dir,
        variables=dict(arguments.variables),
        lock_wait_s=arguments.lock_timeout,
        reason=arguments.reason or "",
    )
    answers = given_answers(arguments, plan, environment)
    save = environment.policy.save_before_revert if arguments.save is None else arguments.save
    return look(project, environment, extent, plan, answers, state_dir=state_dir, save=save)


def _lift(arguments: Namespace, project: Project, environment: Environment) -> int:
    """--lift CHANGE=REASON: the change may be deployed again. Nothing is deployed by that."""
    from pgmig_tui.run.journal.folder import default_state_dir
    from pgmig_tui.run.planning.marks import lift

    confirm(arguments, environment, "lift this mark")
    for change, reason in arguments.lift:
        for mark in lift(project, environment, change, reason, default_state_dir(os.environ), output.warn):
            output.say(line(("+ ", "done"), safe(f"{mark.change} may be deployed on {environment.name} again")))
            output.say(line((f"    it was marked at {words.utc(mark.marked_at)}: {safe(mark.reason)}", "muted")))
    return 0


def _only_shown(arguments: Namespace, found: RollbackReview) -> int:
    """--dry-run: everything is shown, nothing is done, and the command that would do it is named."""
    from pgmig_tui.review.rollback import command_line, document
    from pgmig_tui.run.journal.folder import discard

    if arguments.json:
        output.document(document(found))
    else:
        _show(found)
        output.note(f"Nothing was done. It would be: {command_line(found)}")
    discard(found.plan.folder)
    return 0


def _show(found: RollbackReview) -> None:
    """What is about to happen, on stderr."""
    from pgmig_tui.cli.consent import checklist
    from pgmig_tui.review.rollback import lines

    plan = found.plan
    where = f"{safe(plan.environment)} ({safe(plan.server.display)}, as {safe(plan.server.role)})"
    output.note(line(("ROLL BACK on ", "strong"), (where, "tier-prod" if plan.protected else "strong")))
    for told in (*lines(found, output.note_columns()), *checklist(found.review.gate)):
        output.note(told)


def _consent(arguments: Namespace, found: RollbackReview, environment: Environment) -> RollbackReview:
    """Show it, and get what it takes: an open gate, the loss accepted, the word. Raises Refused, naming the options."""
    _show(found)
    if found.review.gate.blocking and somebody_is_there():
        found = _ask_reasons(found, environment)
    _require_open(found)
    found = _accepted(arguments, found)
    shown = found

    def look() -> Review:
        nonlocal found
        found = shown.looked_again(environment, shown.review.answers)
        return found.review

    seen = last_word(arguments, found.plan, found.review, look)
    _require_open(found)
    return replace(found, review=seen)


def _accepted(arguments: Namespace, found: RollbackReview) -> RollbackReview:
    """The same, with the answer of who has accepted the loss. Raises Refused."""
    accepted = accept_loss(arguments, found.plan, found.loses)
    return replace(found, review=replace(found.review, answers=(*found.review.answers, *accepted)))


def _require_open(found: RollbackReview) -> None:
    """Raise Refused for what stands in the way, naming the options that answer."""
    blocking = [result for result in found.review.gate.results if result.blocks]
    if not blocking:
        return
    options = [f'--override {one.item.id}="the reason"' for one in blocking if one.item.overridable]
    answerable = len(options) == len(blocking)
    raise Refused(
        f"The rollback of {found.plan.environment} is refused: {words.count(len(blocking), 'reason')}.",
        details=[f"{one.item.id}: {one.state}, {one.summary}" for one in blocking],
        now=_NOTHING,
        do=f"Say {' and '.join(options)} if that is meant; it is recorded."
        if answerable
        else "That can't be overridden: fix its cause.",
    )


def _ask_reasons(found: RollbackReview, environment: Environment) -> RollbackReview:
    from pgmig_tui.gates.checklist import LEAST_REASON, items_for
    from pgmig_tui.gates.gate import parse_answer

    plan, answers = found.plan, list(found.review.answers)
    by, items = str(plan.operator), items_for(environment, plan.gate)
    for result in found.review.gate.results:
        if not result.blocks or not result.item.overridable:
            continue
        title = f"{result.item.title} ({result.state}: {result.summary})"
        note = ask(f"{title}. Why go on all the same? ({LEAST_REASON} characters or more; empty: stop)")
        if not note:
            raise Refused("The rollback was stopped at the checklist.", now=_NOTHING)
        answers.append(parse_answer(f"{result.item.id}={note}", "override", items, by))
    return found.answered(environment, answers)
