"""`rollback`: take the last run on an environment back, in an emergency. `undo`: bring back what it saved."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask, ask_yes, somebody_is_there
from pgmig_tui.cli.choose import environment_and_change
from pgmig_tui.display import words
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import Refused, UsageError

if TYPE_CHECKING:
    from pgmig_tui.database.keep import Kept, Restored
    from pgmig_tui.display.cells import Span
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.report.rollback import RollbackReview
    from pgmig_tui.run.plan import RunPlan
    from pgmig_tui.run.rollback import Undo
    from pgmig_tui.run.stopping import Running

NOTHING = "Nothing was changed."


def rollback(arguments: Namespace) -> int:
    """Revert what the last run deployed, or back to --to, after everything was shown and the word was typed."""
    from pgmig_tui.cli.follow import Follower, Signals
    from pgmig_tui.run.client import start, warm

    project, environment, to = environment_and_change(arguments, warned=True)
    if arguments.lift:
        return _lift(arguments, project, environment)
    undo, running = _undo(project, environment, to)
    if undo.nothing and running is None:
        output.note(line(("~ ", "muted"), f"Nothing to roll back on {safe(environment.name)}: {safe(undo.nothing)}."))
        return 0
    arguments.dry_run = arguments.dry_run or arguments.json  # one document tells of one thing: what it would do
    process = None if arguments.dry_run else warm(project.root)
    found = None if undo.nothing else _planned(arguments, project, environment, undo)
    if running is not None:
        output.note(line(("! ", "waiting"), (safe(running.sentence), "strong")))
        output.note(line("  it is stopped first, and what it has committed until then is reverted"))
    if arguments.dry_run:
        return _only_shown(arguments, found) if found is not None else 0
    if found is None:
        _word(arguments, environment, "stop it and take it back")
    else:
        found = _consent(arguments, found, environment)
    if running is not None:
        found = _stopped(arguments, project, environment, to, running, found)
    if found is None:
        return 0
    target = environment.target
    with Signals() as signals:
        handle = start(
            found.plan, found.review.answers, password=target.password, secrets=target.secrets, process=process
        )
        status = Follower(handle, signals, json_lines=arguments.json_lines).follow()
    if handle.finished:
        _afterwards(arguments, project, environment, found)
    return status


def _stopped(
    arguments: Namespace,
    project: Project,
    environment: Environment,
    to: str | None,
    running: Running,
    seen: RollbackReview | None,
) -> RollbackReview | None:
    """Stop the run that is under way, then plan on what it has committed until then. None: nothing is left to revert.

    What it has committed since it was `seen` is shown, and the loss of more than was accepted is asked for again.
    """
    from pgmig_tui.run.client import default_state_dir
    from pgmig_tui.run.folder import discard
    from pgmig_tui.run.stopping import stop

    stop(running, environment, default_state_dir(os.environ), output_told)
    undo, _ = _undo(project, environment, to)
    if seen is not None and undo.changes == seen.undo.changes:
        return seen
    if seen is not None:
        discard(seen.plan.folder)
    if undo.nothing:
        output.note(line(("+ ", "done"), f"The run was stopped; {safe(undo.nothing)}."))
        return None
    output.note(line(("! ", "waiting"), "it has committed more since it was shown:"))
    found = _planned(arguments, project, environment, undo)
    show(found)
    _require_open(found)
    _accept_loss(arguments, found)
    return found


def output_told(text: str) -> None:
    """What goes on, on stderr."""
    output.note(line(("~ ", "muted"), safe(text)))


def _afterwards(
    arguments: Namespace, project: Project, environment: Environment, found: RollbackReview
) -> None:  # fmt: skip
    """Mark what couldn't be marked in the database, look at what is true now, and write the record. The run's own exit
    status stands, whatever is found."""
    from pgmig_tui.report import aftermath, incident
    from pgmig_tui.run.folder import default_state_dir
    from pgmig_tui.run.marks import mark_in_file
    from pgmig_tui.run.rollback import recorded_steps

    plan, state_dir = found.plan, default_state_dir(os.environ)
    recorded = recorded_steps(plan)
    if not recorded:
        return
    if plan.marks is None:
        mark_in_file(state_dir, plan, recorded, arguments.reason or "")
    marked = [step.change for step in recorded]
    after = aftermath.look_after(project, environment, plan, state_dir, marked, output_told)
    for told in aftermath.lines(after.to_event()):
        output.note(told)
    path = incident.write(plan.folder)
    output.note("")
    for text in incident.six_lines(incident.read(plan.folder)):
        output.note(text)
    if path is not None:
        output.note(line((f"The record: {safe(str(path))}, or pgmig-tui report {plan.run_id} --incident", "muted")))


def _undo(project: Project, environment: Environment, to: str | None) -> tuple[Undo, Running | None]:
    """What is to be taken back, and the run that is under way there."""
    from pgmig_tui.run.client import default_state_dir
    from pgmig_tui.run.rollback import stand, undo_last, undo_to
    from pgmig_tui.run.stopping import under_way

    state_dir = default_state_dir(os.environ)
    standing = stand(project, environment)
    running = under_way(standing.holder, state_dir)
    if to is not None:
        return undo_to(standing, project, to), running
    return undo_last(standing, project, environment, state_dir), running


def _planned(arguments: Namespace, project: Project, environment: Environment, undo: Undo) -> RollbackReview:
    return _look(arguments, project, environment, undo, _plan(arguments, project, environment, undo))


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
        reason=arguments.reason or "",
    )


def _look(
    arguments: Namespace, project: Project, environment: Environment, undo: Undo, plan: RunPlan
) -> RollbackReview:
    from pgmig_tui.cli.consent import given_answers
    from pgmig_tui.report.rollback import look
    from pgmig_tui.run.client import default_state_dir

    answers = given_answers(arguments, plan, environment)
    save = environment.policy.save_before_revert if arguments.save is None else arguments.save
    return look(project, environment, undo, plan, answers, state_dir=default_state_dir(os.environ), save=save)


def _lift(arguments: Namespace, project: Project, environment: Environment) -> int:
    """--lift CHANGE=REASON: the change may be deployed again. Nothing is deployed by that."""
    from pgmig_tui.run.folder import default_state_dir
    from pgmig_tui.run.marks import lift

    _word(arguments, environment, "lift this mark")
    for change, reason in arguments.lift:
        for mark in lift(project, environment, change, reason, default_state_dir(os.environ)):
            output.say(line(("+ ", "done"), safe(f"{mark.change} may be deployed on {environment.name} again")))
            output.say(line((f"    it was marked at {words.utc(mark.marked_at)}: {safe(mark.reason)}", "muted")))
    return 0


def _only_shown(arguments: Namespace, found: RollbackReview) -> int:
    """--dry-run: everything is shown, nothing is done, and the command that would do it is named."""
    from pgmig_tui.report.rollback import command_line, document
    from pgmig_tui.run.folder import discard

    if arguments.json:
        output.document(document(found))
    else:
        show(found)
        output.note(f"Nothing was done. It would be: {command_line(found)}")
    discard(found.plan.folder)
    return 0


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
    if found.review.gate.blocking and somebody_is_there():
        found = _ask_reasons(found, environment)
    _require_open(found)
    _accept_loss(arguments, found)
    _last_word(arguments, plan)
    return found


def _require_open(found: RollbackReview) -> None:
    """Raise Refused for what stands in the way, naming the options that answer."""
    blocking = [result for result in found.review.gate.results if result.blocks]
    if blocking:
        options = [f'--override {one.item.id}="the reason"' for one in blocking if one.item.overridable]
        details = [f"{one.item.id}: {one.state}, {one.summary}" for one in blocking]
        raise _refused(found.plan, details, options if len(options) == len(blocking) else [])


def _ask_reasons(found: RollbackReview, environment: Environment) -> RollbackReview:
    from pgmig_tui.gates.checklist import items_for
    from pgmig_tui.gates.gate import parse_answer

    plan, answers = found.plan, list(found.review.answers)
    for result in found.review.gate.results:
        if not result.blocks or not result.item.overridable:
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
    plan, loses = found.plan, found.loses
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


# -- undo --------------------------------------------------------------------------------------------------------------


def undo(arguments: Namespace) -> int:
    """Bring back what a rollback has kept, after its change was deployed again. Without a run: list what is kept."""
    from pgmig_tui.run.keep import bring_back, kept_of

    project, environment = _kept_where(arguments)
    schema = environment.policy.keep_schema
    kept = kept_of(environment, schema, arguments.run)
    if arguments.run is None:
        return _list_kept(arguments, kept, schema)
    left = [one for one in kept if one.restored_at is None]
    if not left:
        back = f"it was brought back at {words.utc(kept[0].restored_at)}" if kept else "nothing was kept"
        output.note(line(("~ ", "muted"), f"Nothing to undo of {safe(arguments.run)} on {environment.name}: {back}."))
        return 0
    where = f"{safe(environment.name)} ({safe(environment.target.display)})"
    output.note(line(("BRING BACK on ", "strong"), (where, "tier-prod" if environment.policy.protected else "strong")))
    for kept_one in left:
        output.note(line("  ", _kept_line(kept_one)))
    _word(arguments, environment, "bring this back")
    done = bring_back(environment, schema, arguments.run, project.operator, overwrite=arguments.overwrite)
    if arguments.json:
        restored = [_restored(one) for one in done]
        output.document({"run": arguments.run, "environment": environment.name, "restored": restored})
        return 0
    for restored_one in done:
        _tell_restored(restored_one, arguments.overwrite)
    return 0


def _kept_where(arguments: Namespace) -> tuple[Project, Environment]:
    """The environment that is named, or that of the run, as its folder says."""
    import contextlib
    from pathlib import Path

    from pgmig_tui.cli.choose import environment_named, project_here
    from pgmig_tui.run.folder import RUN_ID, default_state_dir
    from pgmig_tui.run.plan import RunPlan

    name = arguments.target
    folder = default_state_dir(os.environ) / "runs" / Path(arguments.run or "-").name
    if name is None and arguments.run is not None and RUN_ID.fullmatch(arguments.run):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            name = RunPlan.load(folder).environment
    project = project_here(arguments)
    if name is None and len(project.environments) == 1:
        name = project.environments[0].name
    if name is None:
        raise UsageError(
            "No run of this account has that name, so the environment isn't known.",
            now=NOTHING,
            do="Name it with --target.",
        )
    return environment_named(project, name)


def _kept_line(one: Kept) -> str:
    columns = f" ({', '.join(one.columns)})" if one.kind in ("column", "values") else ""
    noun = "row" if one.kind in ("table", "rows") else "value"
    what = "the state of the sequence" if one.kind == "sequence" else words.count(one.rows, noun)
    return safe(f"{one.source}{columns}: {what}, kept before {one.change} was reverted at {words.utc(one.saved_at)}")


def _word(arguments: Namespace, environment: Environment, what: str) -> None:
    """Yes, or the confirmation word of a protected environment, for what is no run. Raises Refused."""
    word = environment.policy.confirm_word
    if not environment.policy.protected:
        if arguments.yes:
            return
        if not somebody_is_there():
            raise Refused("Nobody is there to be asked.", now=NOTHING, do="Say --yes to answer for yourself.")
        if not ask_yes(f"{what.capitalize()} on {environment.name}?"):
            raise Refused("You said no.", now=NOTHING)
        return
    said = arguments.confirm
    if said is None:
        if not somebody_is_there():
            raise Refused(
                f"{environment.name} is protected, and nobody is there to confirm.",
                now=NOTHING,
                do="Say --confirm WORD with the environment's confirmation word; --yes isn't enough.",
            )
        said = ask(f"{environment.name} is protected. Type {word} to {what}:")
    if said != word:
        raise Refused(f"That isn't the confirmation word of {environment.name}.", now=NOTHING)


def _list_kept(arguments: Namespace, kept: Sequence[Kept], schema: str) -> int:
    if arguments.json:
        rows = [
            {"run": one.run, "change": one.change, "kind": one.kind, "source": str(one.source), "rows": one.rows,
             "columns": list(one.columns), "keep": f"{schema}.{one.keep_table}", "saved_at": one.saved_at,
             "expires_at": one.expires_at, "expired": one.expired, "restored_at": one.restored_at}
            for one in kept
        ]  # fmt: skip
        output.document({"schema": schema, "kept": rows})
        return 0
    for one in kept:
        state = f"back since {words.utc(one.restored_at)}" if one.restored_at else "not brought back"
        output.say(line((f"{safe(one.run)}  ", "strong"), _kept_line(one), (f"; {state}", "muted")))
        if one.expired and one.keep_table:
            output.say(line(("    expired: ", "waiting"), safe(f'DROP TABLE {schema}."{one.keep_table}";')))
    if not kept:
        output.note(f"Nothing is kept in schema {safe(schema)}.")
    return 0


def _restored(one: Restored) -> dict[str, Any]:
    return {
        "source": str(one.kept.source),
        "columns": list(one.kept.columns),
        "kept_rows": one.kept.rows,
        "kept_checksum": one.kept.checksum,
        "restored": one.rows,
        "other_values": one.other,
        "rows_gone": one.gone,
        "rows_now": one.found,
        "checksum_now": one.checksum,
        "equal": one.equal,
        "sequences": list(one.sequences),
        "grants": list(one.grants),
    }


def _tell_restored(one: Restored, overwrite: bool) -> None:
    kept = one.kept
    mark: Span = ("+ ", "done") if one.equal else ("! ", "waiting")
    output.say(line(mark, _kept_line(kept)))
    if kept.keep_table:
        verdict: Span = ("equal", "done") if one.equal else ("NOT EQUAL", "failed")
        output.say(
            line(f"    {one.rows:,} brought back; kept {kept.rows:,} with checksum {kept.checksum},"
                 f" there now {one.found:,} with {one.checksum}: ", verdict)
        )  # fmt: skip
    if one.other:
        hint = "" if overwrite or kept.kind in ("table", "rows") else "; --overwrite replaces those"
        output.say(
            line(("    ! ", "waiting"), f"{words.count(one.other, 'row')} hold something newer and were left{hint}")
        )
    if one.gone:
        output.say(line(("    ! ", "waiting"), f"{words.count(one.gone, 'row')} are no longer there to hold a value"))
    for sequence in one.sequences:
        output.say(f"    sequence {safe(sequence)}")
    for grant in one.grants:
        output.say(f"    {safe(grant)}")
