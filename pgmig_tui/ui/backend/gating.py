"""Reviews of the room `report` as facts for the screens, and a person's answers on their way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import utc
from pgmig_tui.errors import Refused
from pgmig_tui.gates.loss import of_script
from pgmig_tui.ui.backend.protocol import Answered, Command, DoNotDeploy, ItemFacts, ReviewFacts, StepFacts

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.database.checks import CheckResult
    from pgmig_tui.database.marks import Mark
    from pgmig_tui.gates.gate import Answer, Result
    from pgmig_tui.impact.result import ScriptImpact
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review import prepared as reviews
    from pgmig_tui.run.journal.run_plan import RunPlan, Step
    from pgmig_tui.run.journal.tested import KeptStanding


def reviewed(found: reviews.Review, back_to: str) -> ReviewFacts:
    """A review as the screen shows it; it rides along in `plan`."""
    plan = found.plan
    steps = tuple(
        step_of(step, one.impact if one is not None else None, found.tested.get(step.change_id))
        for step, one in zip(plan.steps, found.impacts, strict=True)
    )
    refused = tuple(
        f"{one.impact.path} line {finding.line}: {finding.message}"
        for one in found.impacts
        if one is not None
        for finding in one.findings
        if finding.refuses
    )
    warnings = plan.warnings
    if not found.catalog:
        warnings = (*warnings, f"the impact comes from the text alone: {found.reason}")
    return ReviewFacts(
        plan.environment,
        plan.command,
        plan.run_id,
        steps,
        tuple(item_of(result, plan.server.where) for result in found.gate.results),
        refused,
        warnings,
        plan.creates,
        back_to,
        plan=found,
        accepts=found.losses.to_accept(plan.command, protected=plan.protected),
    )


def marked(environment: str, command: Command, marks: Sequence[Mark]) -> ReviewFacts:
    """The review of a deploy that isn't one until its changes may be deployed again."""
    told = tuple(
        DoNotDeploy(
            mark.change_id,
            safe(mark.change),
            safe(f"{mark.reason}; {mark.marked_by}, {utc(mark.marked_at)}, run {mark.run}"),
        )
        for mark in marks
    )
    return ReviewFacts(environment, command, "", (), marks=told)


def asked_word(plan: RunPlan, environment: Environment) -> str:
    """The word that must be typed where the server of `environment` may be a protected one, "" where it's its own.

    Raises Refused where it is the server of another environment: on the screen that one is chosen by name.
    """
    if plan.environment != environment.name:
        from pgmig_tui.run.journal.folder import discard

        discard(plan.folder)
        raise Refused(
            f"{environment.name} leads to the database of {plan.environment}, which is protected",
            now="Nothing was changed.",
            do=f"Choose {plan.environment}, or correct the target of {environment.name}.",
        )
    return plan.confirm_word if plan.protected and not environment.policy.protected else ""


def telling(back_to: str, word: str, so_far: Callable[[ReviewFacts], None]) -> Callable[[reviews.Review], None]:
    """Tells a review whose checks have not all answered."""
    return lambda found: so_far(replace(reviewed(found, back_to), word=word, asking=True))


def recalling(review: ReviewFacts, state_dir: Path) -> ReviewFacts:
    """The review with what was said before to the same, and what has to be said again."""
    from pgmig_tui.review.drafts import about_plan, recalled_for

    found = review.plan
    known = recalled_for(state_dir, about_plan(found.plan, found.impacts), found.gate)
    recalled = tuple(
        Answered(one.item_id, "attest" if one.how == "attest" else "override", one.note, one.at)
        for one in known.standing
    )
    again = {item_id: (one.note, one.why) for item_id, one in known.again.items()}
    return replace(review, recalled=recalled, again=again)


def keep(review: ReviewFacts, answers: Sequence[Answered], state_dir: Path) -> str:
    """Keep what is said now for another try; why that can't be, "" where it can."""
    from pgmig_tui.review import drafts

    try:
        found = review.plan
        drafts.keep(state_dir, drafts.about_plan(found.plan, found.impacts), answers_of(review, answers))
    except OSError as error:
        return f"answers are not kept for another try: {error}"
    return ""


def answered(review: ReviewFacts, environment: Environment, answers: Sequence[Answered]) -> ReviewFacts:
    """The review under these answers."""
    from pgmig_tui.review.prepared import answered as judge

    found = judge(review.plan, environment, answers_of(review, answers))
    return _carried(reviewed(found, review.to), review)


def looked_again(
    review: ReviewFacts, project: Project, environment: Environment, answers: Sequence[Answered], state_dir: Path
) -> ReviewFacts:
    """The same as the server answers now, under these answers. Raises Unreachable."""
    from pgmig_tui.review.prepared import looked_again as look
    from pgmig_tui.review.still_planned import differences

    outdated = differences(review.plan.plan, project, environment, state_dir)
    found = look(replace(review.plan, answers=tuple(answers_of(review, answers))), environment)
    facts = reviewed(found, review.to)
    if found.plan.dry_run:  # it has no checklist: nothing of it is meant to stay
        facts = replace(facts, items=())
    return replace(_carried(facts, review), outdated=outdated)


def _carried(facts: ReviewFacts, before: ReviewFacts) -> ReviewFacts:
    """With what a review keeps for as long as it is open."""
    return replace(
        facts,
        told=before.told,
        word=before.word,
        recalled=before.recalled,
        again=before.again,
        outdated=before.outdated,
    )


def performed(review: ReviewFacts, environment: Environment, done: Sequence[CheckResult]) -> ReviewFacts:
    """The review after something was done for it."""
    from pgmig_tui.review.prepared import answered as judge

    found = judge(review.plan, environment, review.plan.answers, done)
    return _carried(reviewed(found, review.to), review)


def answers_of(review: ReviewFacts, answers: Sequence[Answered]) -> list[Answer]:
    """The answers as the journal keeps them: by whom and when."""
    return answers_by(review.plan.plan, review.plan.answers, answers)


def answers_by(plan: RunPlan, before: Sequence[Answer], answers: Sequence[Answered]) -> list[Answer]:
    """The same, of whoever runs `plan`; an answer that was given `before` keeps its time."""
    from pgmig_tui.gates.gate import declared, given

    by, known = str(plan.operator), {answer.item_id: answer for answer in before}
    found = []
    for one in answers:
        old = known.get(one.item_id)
        same = old is not None and (old.how, old.note) == (one.how, one.note)
        if same and old is not None:
            found.append(old)
        elif one.how == "emergency":
            found.append(declared(one.item_id, one.note, by, one.at))
        else:
            found.append(given(one.item_id, one.how, one.note, by, one.at))
    return found


def after_items(environment: Environment, command: str, folder: Path, root: Path) -> tuple[ItemFacts, ...]:
    """The guide's list for what comes after the run in `folder`, and how the server is now."""
    from pgmig_tui.review.afterwards import health_now, results_here

    found = (*results_here(folder, command, environment, root), *health_now(environment))
    return tuple(item_of(result, environment.target.display) for result in found)


def item_of(result: Result, server: str) -> ItemFacts:
    """An item of a checklist as the screens show it; `server` is where its check was asked."""
    from pgmig_tui.gates.evidence import evidence_of

    item, answer = result.item, result.answer
    return ItemFacts(
        item.id,
        item.title,
        item.how,
        result.state,
        result.summary,
        answer.note if answer is not None else "",
        result.overridden,
        result.blocks,
        item.asks,
        evidence_of(result, server),
        item.locked,
    )


def step_of(step: Step, impact: ScriptImpact | None, tested: KeptStanding | None = None) -> StepFacts:
    """A step of a run to come as the screens show it."""
    facts = StepFacts(
        step.number,
        step.action,
        step.label or step.change,
        step.change_id,
        step.mode,
        step.mode_reason,
        step.verify,
        findings=step.findings,
        script_hash=step.script_hash or "",
        tested=tested.line if tested is not None else "",
        tested_good=tested is not None and tested.good,
    )
    if impact is None:
        script = step.verify_script if step.action == "verify" else step.script
        return facts if step.mode == "record" or script is None else replace(facts, seen=False)
    strongest, losses = impact.strongest, of_script(impact)
    # What happens to tables that this run made itself hurts nobody.
    seen = [one for one in impact.statements if one.strongest is not None]
    return replace(
        facts,
        lock=impact.lock_word,
        relation=strongest[1] if strongest else "",
        rewrites=any(one.rewrites for one in seen),
        scans=any(one.scans for one in seen),
        risk=impact.risk,
        losses=losses,
        findings=(*facts.findings, *impact.troubles),
    )
