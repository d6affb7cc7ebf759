"""The checklists on the command line: `check` before a run, `after` a run, and `answer` to either."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask_yes, somebody_is_there
from pgmig_tui.cli.choose import choose, environment_and_change, project_here
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError, Refused, UsageError
from pgmig_tui.gates.evidence import STATE_ROLES, WORD, ItemEvidence, columns_of, evidence_lines, evidence_of

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.gates.gate import Answer, Result
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.elsewhere import Elsewhere
    from pgmig_tui.review.numbers import NumbersNow
    from pgmig_tui.run.journal.run_plan import RunPlan

HEADINGS = ("item", "state", "seen by the program", "said by whom", "missing", "ID?")
_NOTHING = "Nothing was changed."
_LISTS = {"pre": "Before", "deploy": "Deployment", "post": "After", "emergency": "Emergency"}


def check(arguments: Namespace) -> int:
    """The whole list of a deploy on an environment, with the automatic checks asked about the tables of its pending
    changes. With `--item` all that is known of one.

    Exit status 5 when the server doesn't answer; with --exit-code, 1 when a check fails or is unknown.
    """
    from pgmig_tui.database.checks import document
    from pgmig_tui.review.lists import look
    from pgmig_tui.review.numbers import NumbersNow, numbers_of

    project, environment, _ = environment_and_change(arguments)
    found = look(project, environment, _state_dir())
    numbers = numbers_of(environment) if arguments.item is None else NumbersNow(None)
    if found.trouble:
        output.warn(f"the tables of pending changes aren't known: {found.trouble}")
    if arguments.json:
        checks = [document(result) for result in found.checks]
        items = found.to_json()
        output.document(
            {"environment": environment.name, "checks": checks, "items": items, "numbers": numbers.to_json()}
        )
    elif arguments.item is not None:
        _one(found.evidence, arguments.item)
    else:
        _numbers(numbers)
        _table(found.evidence, environment.name)
        for one in found.evidence:
            if again := found.again.get(one.item):
                told = f'{one.title}: "{again.note}" has to be said again: {again.why}'
                output.say(line(("! ", "waiting"), safe(told)))
    if not found.checks[0].rows:
        return 5
    states = (one.state for one in found.checks)
    return int(arguments.exit_code and any(state in ("FAIL", "UNKNOWN") for state in states))


def _numbers(numbers: NumbersNow) -> None:
    """How the server is, a line each; a silent one is told by its own check."""
    from pgmig_tui.review.numbers import told

    if numbers.found is None:
        return
    for one in told(numbers.found):
        output.say(line((f"{one.name:<20} ", "muted"), (safe(one.told), one.role)))
    output.say()


def after(arguments: Namespace) -> int:
    """What comes after a run: what it did by its journal, what people have said since, how the server is now.

    With --exit-code, 1 while something of it is open."""
    from pgmig_tui.review.elsewhere import Elsewhere

    plan = _plan(arguments, arguments.run)
    if isinstance(plan, Elsewhere):
        run_id, command, environment = plan.row.run_id, plan.command, plan.environment.name
        kept, health = _after_elsewhere(arguments, plan)
    else:
        run_id, command, environment = plan.run_id, plan.told, plan.environment
        found, health = _after(arguments, plan)
        kept = [evidence_of(one, plan.server.where) for one in found]
    if arguments.json:
        from pgmig_tui.review.lists import item_json

        told = {"run": run_id, "command": command, "environment": environment}
        output.document({**told, "items": [item_json(one) for one in (*kept, *health)]})
    elif not kept:
        output.say(f"Nothing comes after a run of {safe(command)}.")
    elif arguments.item is not None:
        _one([*kept, *health], arguments.item)
    else:
        _table([*kept, *health], run_id)
    return int(arguments.exit_code and any(one.missing and one.state in ("FAIL", "UNKNOWN") for one in kept))


def answer(arguments: Namespace) -> int:
    """Answer items by a person's word: of the list after a run, or, as a draft for the next deploy, of the one before.

    Raises UsageError for no such item, Refused where the program sees for itself."""
    from pgmig_tui.run.journal.folder import RUN_ID

    arguments.answers = [_word(text) for text in arguments.answers]
    if not arguments.answers:
        raise UsageError("answer needs ITEM=NOTE.", now=_NOTHING, do="`pgmig-tui check TARGET` names the items.")
    if RUN_ID.fullmatch(arguments.about):
        told = _answer_run(arguments, project_here(arguments))
    else:
        told = _answer_target(arguments)
    if arguments.json:
        output.document(told)
    return 0


def _word(text: str) -> tuple[str, str]:
    """An item and what is said of it; nothing withdraws what was said. Raises UsageError."""
    item, equals, note = text.partition("=")
    if not equals or not item.strip():
        raise UsageError(f"{text} is no answer.", now=_NOTHING, do="Say ITEM=NOTE.")
    return item.strip(), note.strip()


def _answer_run(arguments: Namespace, project: Project) -> dict[str, object]:
    from pgmig_tui.gates.checklist import item_named
    from pgmig_tui.gates.gate import given, parse_answer
    from pgmig_tui.report import incident
    from pgmig_tui.review.answered import keep_after
    from pgmig_tui.review.elsewhere import Elsewhere, keep, results

    plan, by = _plan(arguments, arguments.about), str(project.operator)
    if isinstance(plan, Elsewhere):
        listed = results(plan, project.root, _state_dir())
    else:
        listed = _after(arguments, plan, health=False)[0]
    known = {one.item.id: one for one in listed}
    items = [one.item for one in known.values()]
    found: list[Answer] = []
    why = ""
    for item_id, note in arguments.answers:
        result = known[item_named(items, item_id).id]
        _require_attestable(result.item.id, attestable=result.attestable, state=result.state, summary=result.summary)
        if note:
            found.append(parse_answer(f"{item_id}={note}", "attest", items, by))
        elif result.answer is not None and _withdrawn(arguments, result.item.title, result.answer.note):
            found.append(given(item_id, "attest", "", by))
    if found and isinstance(plan, Elsewhere):
        keep(project, plan, found, _state_dir())
    elif found and not isinstance(plan, Elsewhere):
        with _keeping(plan.folder):
            why = keep_after(project, plan.folder, found, _state_dir())
        incident.refresh(plan.folder)
    _tell(arguments, found)
    if why:
        output.warn(f"kept in the run's journal alone, not in the database: {why}")
    return {"run": arguments.about, "answered": [_json(one) for one in found], "in_database": bool(found) and not why}


def _answer_target(arguments: Namespace) -> dict[str, object]:
    from pgmig_tui.gates.checklist import item_named
    from pgmig_tui.gates.gate import parse_answer
    from pgmig_tui.review.drafts import keep
    from pgmig_tui.review.lists import look, pending_on

    arguments.arguments = [arguments.about]
    chosen = choose(arguments, changes=0)
    project, environment, by = chosen.project, chosen.environment, str(chosen.project.operator)
    state_dir = _state_dir()
    listed = look(project, environment, state_dir)
    if not listed.checks[0].rows:
        raise Refused(
            f"{environment.name} doesn't answer, so that nobody knows what the answer would speak of",
            now="Nothing was kept.",
            do=f"Try again once it does: {listed.checks[0].summary}",
        )
    results = {one.item.id: one for one in listed.gate.results}
    items = [one.item for one in listed.gate.results]
    standing = {one.item.id: one.answer for one in listed.gate.results if one.answer is not None}
    found: list[Answer] = []
    for item_id, note in arguments.answers:
        result = results[item_named(items, item_id).id]
        _require_attestable(result.item.id, attestable=result.attestable, state=result.state, summary=result.summary)
        if note:
            said = parse_answer(f"{item_id}={note}", "attest", items, by)
            standing[item_id] = said
            found.append(said)
        elif item_id in standing and _withdrawn(arguments, result.item.title, standing[item_id].note):
            del standing[item_id]
    about = pending_on(project, environment).about
    with _keeping(state_dir / "drafts"):
        keep(state_dir, about, standing.values())
    _tell(arguments, found)
    return {"environment": environment.name, "answered": [_json(one) for one in found]}


@contextmanager
def _keeping(folder: Path) -> Iterator[None]:
    """Say what it means that answers can't be written down. Raises PgmigError."""
    try:
        yield
    except OSError as error:
        raise PgmigError(
            f"the answers can't be kept: {error.strerror or error} ({folder})",
            now="Nothing was kept.",
            do="Make room there, or choose another folder with XDG_STATE_HOME.",
        ) from error


def _require_attestable(item_id: str, *, attestable: bool, state: str, summary: str) -> None:
    if not attestable:
        raise Refused(
            f"{item_id} is seen by the program, nobody can answer it ({state}: {summary})",
            now=_NOTHING,
            do=f"`--override {item_id}=REASON` of the command that runs goes on past what fails or isn't known.",
        )


def _withdrawn(arguments: Namespace, title: str, note: str) -> bool:
    """Whether an answer shall go: it is undone by no slip. Raises Refused where nobody is there to be asked."""
    if arguments.yes:
        return True
    if not somebody_is_there():
        raise Refused(
            f'the answer to "{title}" is only withdrawn with --yes', now=_NOTHING, do=f"It stands as it was: {note}"
        )
    return ask_yes(f"{title}: {note}. Withdraw this answer?")


def _tell(arguments: Namespace, found: Iterable[Answer]) -> None:
    if arguments.json:
        return
    for one in found:
        what = f"{one.note} ({one.by})" if one.note else "is open again"
        output.say(line(("+ ", "done"), safe(f"{one.item_id}: {what}")))


def _json(one: Answer) -> dict[str, str]:
    return {"item": one.item_id, "how": one.how, "note": one.note, "by": one.by, "at": one.at}


def _table(kept: Iterable[ItemEvidence], about: str) -> None:
    """The list in its order; where one ends and the next begins is told by a row of its own. Behind it, how those that
    wait for a person are answered `about` an environment or a run."""
    kept = list(kept)
    rows: list[tuple[str | Line, ...]] = []
    current = ""
    for one in kept:
        if one.list != current:
            current = one.list
            rows.append((((_LISTS.get(current, current), "title"),), "", "", "", "", ""))
        seen, said, missing = columns_of(one)
        rows.append(
            (
                f"  {safe(one.title)}",
                ((one.state, STATE_ROLES.get(one.state, "plain")),),
                safe(seen.partition(": ")[2] or seen),
                safe(said),
                ((f"{'x ' if one.blocks else ''}{safe(missing)}", "failed" if one.blocks else "muted"),),
                ((safe(one.item), "muted"),),
            )
        )
    output.table(HEADINGS, rows)
    waiting = [one.item for one in kept if one.missing.startswith(WORD)]
    if waiting:
        told = f"`pgmig-tui answer {about} ITEM=NOTE` answers {words.listing(waiting, len(waiting))}."
        output.say(line((safe(told), "muted")))


def _one(kept: Iterable[ItemEvidence], item: str) -> None:
    known = {one.item: one for one in kept}
    if item not in known:
        from pgmig_tui.display.closest import did_you_mean

        meant = did_you_mean(item, known)
        do = f"{meant}{' ' if meant else ''}Items here: {', '.join(known)}."
        raise UsageError(f'There is no item "{item}" here.', do=do)
    for told in evidence_lines(known[item]):
        output.say(told)


def _plan(arguments: Namespace, run_id: str) -> RunPlan | Elsewhere:
    """The plan of a run of this account, or what the databases know of another's. Raises UsageError for a run that
    isn't there, or whose plan can't be read."""
    from pgmig_tui.cli.elsewhere import run_here_or_elsewhere
    from pgmig_tui.review.elsewhere import Elsewhere
    from pgmig_tui.run.journal.run_plan import RunPlan

    found = run_here_or_elsewhere(arguments, run_id, _state_dir())
    if isinstance(found, Elsewhere):
        return found
    try:
        return RunPlan.load(found.folder)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"The plan of run {run_id} can't be read: {error}.", do=f"`pgmig-tui runs {run_id}` reports what is there."
        ) from None


def _after_elsewhere(arguments: Namespace, run: Elsewhere) -> tuple[list[ItemEvidence], list[ItemEvidence]]:
    """The list after a run of another account, and how the server is now; whose run it is is said above it."""
    from pgmig_tui.review.afterwards import health_now
    from pgmig_tui.review.elsewhere import results, told

    what, lines = told(run)
    output.warn("\n".join([f"{what}: what only its journal tells isn't known here", *lines]))
    where = run.environment.target.display
    kept = [evidence_of(one, where) for one in results(run, project_here(arguments).root, _state_dir())]
    return kept, [evidence_of(one, where) for one in health_now(run.environment)] if kept else []


def _listed(plan: RunPlan) -> str:
    """The command whose list comes after a run."""
    return plan.told if plan.rolls_back is None else "rollback"


def _after(
    arguments: Namespace, plan: RunPlan, *, health: bool = True
) -> tuple[tuple[Result, ...], list[ItemEvidence]]:
    """The list after a run, and how the server is now; neither that nor the project's own items where the project here
    doesn't know the environment."""
    from pgmig_tui.review.afterwards import health_now, results, results_here

    command = _listed(plan)
    try:
        project = project_here(arguments)
        environment = project.environment(plan.environment)
    except PgmigError as error:
        output.warn(f"how the server is now isn't asked: {error.what}")
        return results(plan.folder, command, plan.environment), []
    found = results_here(plan.folder, command, environment, project.root)
    if not found or not health:
        return found, []
    return found, [evidence_of(one, environment.target.display) for one in health_now(environment)]


def _state_dir() -> Path:
    from pgmig_tui.run.journal.folder import default_state_dir

    return default_state_dir(os.environ)
