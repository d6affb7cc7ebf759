"""The operator's consent to a run: everything shown, the checklist's answers, and then the last word (`confirm`).

With a terminal a missing answer is asked for; without one it is refused, naming the option that would have answered.
"""

from __future__ import annotations

import contextlib
import os
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask, ask_yes, somebody_is_there
from pgmig_tui.cli.confirm import accept_loss
from pgmig_tui.cli.last_word import last_word
from pgmig_tui.cli.progress import Advance, ProgressLine
from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, Span, line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import Refused
from pgmig_tui.gates.checklist import BACKUP, LEAST_REASON, VERIFY_BACKUP, items_for
from pgmig_tui.gates.gate import Answer, Gate, emergency, how_to_open, parse_answer
from pgmig_tui.report.impact_report import risk_span
from pgmig_tui.review import drafts
from pgmig_tui.review.before import sampled_meanwhile
from pgmig_tui.review.prepared import NOT_ASKED, Review, answered, estimates_of, looked_again, ready, review

if TYPE_CHECKING:
    from pgmig_tui.database.checks import CheckResult
    from pgmig_tui.gates.evidence import ItemEvidence
    from pgmig_tui.gates.progress import BackupProgress, Tell
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.journal.run_plan import RunPlan

NOTHING = "Nothing was changed."
_SHOWN = 10
"""Steps at the beginning and at the end that are listed when there are so many that their locks aren't looked at."""

_HOW = {
    "atomic": "one transaction",
    "stepwise": "statement by statement",
    "record": "recorded only",
    "batches": "in batches",
}
TOLD_S = 5.0
"""For so long nothing more is told of the same part of a backup."""
LOOKED_AT = 100
"""With --yes on an unprotected environment the locks of more steps than these aren't looked at, and that is said."""
_STATES: dict[str, Role] = {"PASS": "done", "WARN": "waiting", "FAIL": "failed", "UNKNOWN": "stale", "N-A": "muted"}


class Consent(NamedTuple):
    """What a run starts with, and its journal keeps."""

    answers: Sequence[Answer] = ()
    evidence: Sequence[ItemEvidence] = ()
    estimates: Sequence[float | None] = ()
    """As `estimates_of` has them."""


def consent(arguments: Namespace, plan: RunPlan, project: Project, environment: Environment) -> Consent:
    """Show the run and get what it takes to start it. Raises Refused."""
    answers = given_answers(arguments, plan, environment)
    # With --yes nobody reads hundreds of locks, and nothing on an unprotected environment hangs on them.
    hangs = plan.protected or environment.policy.approvers is not None
    impact = hangs or not getattr(arguments, "yes", False) or len(plan.steps) <= LOOKED_AT
    reviewed = review(plan, environment, answers, _backup(arguments, plan, project, environment), impact=impact)
    reviewed = _recalled(reviewed, environment)
    if not (output.is_quiet() and reviewed.gate.open and (arguments.confirm if plan.protected else arguments.yes)):
        show(reviewed)
    if not reviewed.gate.open and somebody_is_there():
        reviewed = _with_backup(reviewed, project, environment)
        with _sampled(plan, project, environment):
            reviewed = _ask_for_answers(reviewed, project, environment)
        _keep(reviewed, [one for one in reviewed.answers if one not in answers])
    _require_open(reviewed)
    with _sampled(plan, project, environment):
        accepted = accept_loss(arguments, plan, reviewed.loses)
        reviewed = last_word(arguments, plan, reviewed, lambda: looked_again(reviewed, environment))
    _require_open(reviewed)
    reviewed = ready(reviewed, environment)
    with contextlib.suppress(OSError):
        drafts.used(_state_dir(), drafts.about_plan(plan, reviewed.impacts), plan.run_id)
    return Consent([*reviewed.gate.counted(reviewed.answers), *accepted], reviewed.kept, estimates_of(reviewed))


def _recalled(reviewed: Review, environment: Environment) -> Review:
    """With what was said before to the very same scripts, in `answer` or on a screen; what has to be said again is
    told, with the reason."""
    if reviewed.plan.gate not in ("deploy", "backfill"):
        return reviewed
    about = drafts.about_plan(reviewed.plan, reviewed.impacts)
    found = drafts.recalled_for(_state_dir(), about, reviewed.gate)
    titles = {one.item.id: one.item.title for one in reviewed.gate.results if one.attestable and one.answer is None}
    for item_id, again in found.again.items():
        if item_id in titles:
            told = f'{titles[item_id]}: "{again.note}" has to be said again: {again.why}'
            output.note(line(("! ", "waiting"), safe(told)))
    return answered(reviewed, environment, [*reviewed.answers, *found.standing]) if found.standing else reviewed


def _keep(reviewed: Review, said: Sequence[Answer]) -> None:
    """What was answered at the terminal counts for the next try, too."""
    try:
        about = drafts.about_plan(reviewed.plan, reviewed.impacts)
        drafts.keep(_state_dir(), about, [one for one in said if one.how == "attest"])
    except OSError as error:
        output.warn(f"the answers are not kept for another try: {error}")


def _backup(arguments: Namespace, plan: RunPlan, project: Project, environment: Environment) -> tuple[CheckResult, ...]:
    """The backup that --backup asks for, or the newest one there is."""
    from pgmig_tui.review import backups

    if plan.command == "deploy" and arguments.backup:
        return _make_backup(plan, project, environment)
    return backups.known_for(
        plan.command, environment, _state_dir(), told=lambda text: output.note(line(("~ ", "muted"), safe(text)))
    )


def _make_backup(plan: RunPlan, project: Project, environment: Environment) -> tuple[CheckResult, ...]:
    from pgmig_tui.review import backups

    kind = environment.policy.backup.kind
    doing = f"Backing up {safe(environment.name)}; this may take a while."
    output.note(doing if kind == "dump" else f"Asking {kind} for the newest backup of {safe(environment.name)}.")
    bar = ProgressLine()
    try:
        made = backups.make(
            project, environment, _state_dir(), plan.run_id, progress=_now_and_then(bar), told=lambda text: _aside(text)
        )
    finally:
        bar.end()
    for what, one in zip(("backup", "proof"), made, strict=True):
        mark: Span = ("+ ", "done") if one.state == "PASS" else ("! ", "waiting")
        output.note(line(mark, f"{what}: ", "" if one.state == "PASS" else f"{one.state}: ", safe(one.summary)))
    return made


def _aside(text: str) -> None:
    output.note(line(("~ ", "muted"), safe(text)))


def _now_and_then(bar: ProgressLine) -> Tell:
    """Tells how far a backup is as each part of it begins, and every few seconds of a long one where no bar does."""
    told: list[tuple[str, float]] = []

    def tell(progress: BackupProgress) -> None:
        now = time.monotonic()
        share = progress.tables / progress.of if progress.of else None
        bar.show(Advance(progress.counted, share, progress.left_s))
        if told and (bar.there or told[-1][1] + TOLD_S > now) and told[-1][0] == progress.doing:
            return
        if told and told[-1][0] == progress.doing and now - told[-1][1] < TOLD_S:
            return
        told.append((progress.doing, now))
        _aside(f"{progress.told}, {progress.path}")

    return tell


def _state_dir() -> Path:
    from pgmig_tui.run.journal.folder import default_state_dir

    return default_state_dir(os.environ)


def given_answers(arguments: Namespace, plan: RunPlan, environment: Environment) -> list[Answer]:
    """The answers of --attest and --override. Raises UsageError for an item that isn't asked here, Refused for one that
    can't be answered so."""
    items = items_for(environment, plan.gate, plan.server.role, compared=True)
    by = str(plan.operator)
    attested = [parse_answer(f"{item}={note}", "attest", items, by) for item, note in arguments.attest]
    overridden = [parse_answer(f"{item}={note}", "override", items, by) for item, note in arguments.override]
    reason = getattr(arguments, "emergency", None)
    declared = emergency(reason, items, by) if reason is not None else []
    if reason is not None and not declared:
        output.warn(f"no policy of {safe(environment.name)} stands in the way of an emergency")
    return [*attested, *overridden, *declared]


def show(reviewed: Review) -> None:
    """What is about to happen, on stderr: steps, locks, new schemas, and of the checklist what isn't simply fine."""
    for told in (*overview(reviewed), *checklist(reviewed.gate)):
        output.note(told)


def overview(reviewed: Review) -> list[Line]:
    """The steps, how each runs and what it locks, and the schemas that will be made."""
    plan, server = reviewed.plan, reviewed.plan.server
    where = (
        f"{safe(plan.environment)} ({safe(server.display)}, PostgreSQL {safe(server.version)}, as {safe(server.role)})"
    )
    steps = words.count(len(plan.steps), "change")
    what = f"{plan.told} {steps}" if plan.steps else f"{plan.told} no change, but complete the registry"
    told = [line((f"{what} on ", "strong"), (where, "tier-prod" if plan.protected else "strong"))]
    folded = 0
    for step, one in zip(plan.steps, reviewed.impacts, strict=True):
        # Nobody reads a thousand lines that say the same; what is out of the ordinary is never among those left out.
        inner = _SHOWN < step.number <= len(plan.steps) - _SHOWN
        if reviewed.reason == NOT_ASKED and inner and step.mode == "atomic" and not step.findings:
            folded += 1
            continue
        if folded:
            told.append(_folded(folded))
            folded = 0
        how = _HOW[step.mode]
        verified = {"inside": ", verified before COMMIT", "after": ", verified after", "off": ""}[step.verify]
        ticket = f", {safe(step.ticket)}" if step.ticket else ""
        told.append(line(f"  {step.number:>3} {safe(step.label)}  ", (how + verified + ticket, "muted")))
        if one is not None and one.impact.strongest is not None:
            mode, relation = one.impact.strongest
            told.append(line(f"        {mode.sql_name} on {safe(relation)}, risk ", risk_span(one.impact.risk)))
        if (tested := reviewed.tested.get(step.change_id)) is not None:
            told.append(line((f"        {safe(tested.line)}", "muted" if tested.good else "waiting")))
        told += [line(("        ! ", "waiting"), safe(finding)) for finding in step.findings]
    told += reviewed.told_losses.lines()
    if reviewed.reason == NOT_ASKED:
        told.append(line(("  ? ", "stale"), "their locks were not looked at: `pgmig-tui impact --target` does"))
    elif not reviewed.catalog:
        told.append(line(("  ? ", "stale"), f"the locks are told from the text alone: {safe(reviewed.reason)}"))
    told += [line(("  records ", "waiting"), safe(what)) for what in plan.beside]
    if plan.creates:
        told.append(
            line(
                ("  makes ", "waiting"),
                f"the schema{'s' * (len(plan.creates) > 1)} {safe(words.listing(plan.creates))}",
            )
        )
    return told


def _folded(steps: int) -> Line:
    return line((f"      … {steps} more, one transaction each", "muted"))


def checklist(gate: Gate) -> list[Line]:
    """Items that block, warn or were answered; those that are fine, or don't matter here, are only counted."""
    told: list[Line] = []
    quiet = 0
    for result in gate.results:
        told_of = result.blocks or result.answer is not None or result.uncounted
        if not told_of and result.state in ("PASS", "N-A", "UNKNOWN"):
            quiet += 1
            continue
        mark: Span = ("x ", "failed") if result.blocks else ("  ", "plain")
        state: Span = (f"{result.state:<7} ", _STATES.get(result.state, "plain"))
        what = f"{safe(result.item.title)}: {safe(result.summary)}"
        told.append(line("  ", mark, state, what, (f"  [{safe(result.item.id)}]", "muted")))
        if result.uncounted:
            told.append(line(("      your answer is not counted: ", "waiting"), safe(result.uncounted)))
    exempt = [one for one in gate.results if one.state == "N-A" and one.item.id.startswith("policy:")]
    if exempt and not any(one.blocks for one in exempt) and exempt[0].summary.endswith("exempt"):
        keys = words.listing([one.item.id.removeprefix("policy:") for one in exempt], len(exempt))
        told.append(line(("    N-A     ", "muted"), f"{safe(exempt[0].summary)} from {safe(keys)}"))
        quiet -= len(exempt)
    if quiet and told:
        told.append(line((f"    and {words.count(quiet, 'item')} that need no answer here", "muted")))
    return told


def _sampled(plan: RunPlan, project: Project, environment: Environment) -> contextlib.AbstractContextManager[None]:
    """While a person reads, what the environment does is kept as the time before a deploy."""
    if plan.command != "deploy" or not somebody_is_there():
        return contextlib.nullcontext()
    return sampled_meanwhile(project, environment, _state_dir())


def _with_backup(reviewed: Review, project: Project, environment: Environment) -> Review:
    """With a backup, where one is missing and a person wants it made now."""
    dumps = environment.policy.backup.kind == "dump"
    lacks = dumps and {BACKUP, VERIFY_BACKUP} & set(reviewed.gate.blocking)
    if lacks and ask_yes("There is no backup that counts and is proven. Make one now with pg_dump?"):
        made = _make_backup(reviewed.plan, project, environment)
        return answered(reviewed, environment, reviewed.answers, made)
    return reviewed


def _ask_for_answers(reviewed: Review, project: Project, environment: Environment) -> Review:
    """Ask a person for what keeps the gate shut, item by item. An empty answer leaves it shut."""
    plan = reviewed.plan
    by = str(plan.operator)
    items = items_for(environment, plan.gate, plan.server.role, compared=True)
    answers = list(reviewed.answers)
    for result in reviewed.gate.results:
        how: Literal["attest", "override"] = "attest" if result.attestable else "override"
        if not result.blocks or (how == "override" and not result.item.overridable):
            continue
        title = f"{result.item.title} ({result.state}: {result.summary})"
        if how == "override":
            note = ask(f"{title}. Why go on all the same? ({LEAST_REASON} characters or more; empty: stop)")
        else:
            note = ask(f"{title}: {result.item.asks} (empty: stop)")
        if not note:
            break
        answers.append(parse_answer(f"{result.item.id}={note}", how, items, by))
    return answered(reviewed, environment, answers)


def _require_open(reviewed: Review) -> None:
    """Raise Refused while the gate is shut; which items keep it shut has been shown."""
    blocking = reviewed.gate.blocking
    if not reviewed.gate.open:
        raise Refused(
            f"The checklist of {reviewed.plan.environment} isn't done: {words.count(len(blocking), 'item')} marked x.",
            now=NOTHING,
            do=how_to_open(result for result in reviewed.gate.results if result.blocks),
        )
