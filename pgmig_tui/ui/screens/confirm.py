"""The last word before a run, and before a run is cut short."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pgmig_tui.display.banner import PRODUCTION
from pgmig_tui.display.cells import Line, Role
from pgmig_tui.display.words import count, listing, utc
from pgmig_tui.gates.loss import Losses
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.ui.backend.protocol import EnvironmentFacts, ItemFacts, Manner, ReviewFacts
from pgmig_tui.ui.screens.dialog import ConfirmScreen, paragraph
from pgmig_tui.ui.screens.last_question import Asked, LastQuestion
from pgmig_tui.ui.views.changed import BLOCKERS, in_the_way, review_differences
from pgmig_tui.ui.views.review import passed_by

if TYPE_CHECKING:
    from pgmig_tui.ui.shell import Shell

VERBS = {"deploy": "DEPLOY", "revert": "ROLL BACK", "verify": "VERIFY", "backfill": "BACKFILL"}
_IN_A_SENTENCE = 5
_RANK = {mode.sql_name: mode.value for mode in LockMode}


def word_for(environment: EnvironmentFacts) -> str:
    """What must be typed: the environment's word on a protected one, `yes` on the others."""
    return (environment.confirm_word or environment.name) if environment.protected else "yes"


def named(environment: EnvironmentFacts) -> str:
    """An environment in a question: a protected one is told apart at once."""
    return f"{PRODUCTION} {environment.name}" if environment.protected else environment.name


def headed(does: str, environment: EnvironmentFacts, role: Role = "strong") -> list[Line]:
    """The head of a question: what it does, and to which database."""
    lines: list[Line] = paragraph(f"{does} {named(environment)}", role)
    return lines + paragraph(f"{environment.database}@{environment.host}", "muted")


def whereabouts(environment: EnvironmentFacts, shell: Shell) -> list[Line]:
    """Where a run would go, as whom, and what time it is."""
    status = shell.answers.good.get(environment.name)
    user = (status.user if status else "") or environment.user or "?"
    return [*paragraph(f"{environment.database}@{environment.host} as {user}, {utc(shell.clock())[11:]}", "muted"), ()]


def unlock(environment: EnvironmentFacts) -> ConfirmScreen:
    """The dialog that makes a protected environment writable for this session. It starts nothing."""
    lines = paragraph(f"UNLOCK {named(environment)} for this session", "strong")
    lines += paragraph(f"{environment.database}@{environment.host}", "muted")
    lines += [(), *paragraph("From then on deploys can be started there and sessions ended. Each still asks again.")]
    return ConfirmScreen(lines, word_for(environment), danger=True, undone="it stays read-only", does="unlocks it")


def confirm_lift(
    environment: EnvironmentFacts, review: ReviewFacts, reason: str, then: str = "; the review comes next"
) -> ConfirmScreen:
    """The dialog that lets changes be deployed again. It starts no run."""
    lines = headed(f"LIFT `do not deploy` of {count(len(review.marks), 'change')} on", environment)
    for mark in review.marks:
        lines += paragraph(mark.change)
    lines += [(), *paragraph(f"Reason: {reason}"), *paragraph(f"Nothing is deployed by this{then}.")]
    return ConfirmScreen(
        lines, word_for(environment), danger=environment.protected, undone="they stay marked", does="lifts it"
    )


def confirm_emergency(
    environment: EnvironmentFacts,
    review: ReviewFacts,
    reason: str,
    *,
    look: Callable[[ReviewFacts], ReviewFacts],
    take: Callable[[ReviewFacts], None],
    closed: Callable[[], str],
) -> LastQuestion[ReviewFacts]:
    """The dialog that declares an emergency. It starts nothing."""

    def told(facts: ReviewFacts) -> list[Line]:
        past = passed_by(facts)
        lines = [*headed("DECLARE AN EMERGENCY on", environment, "failed"), ()]
        lines += paragraph(f"It goes on past {count(len(past), 'item')}:")
        for item in past:
            lines += paragraph(f"- {item.title}: {item.state}, {item.summary}", "waiting")
        never = "Recorded with your name. A loss, the wrong server and a backup that is missing are never passed."
        return [*lines, (), *paragraph(f"Reason: {reason}"), *paragraph(never)]

    word = review.word or word_for(environment)
    asked = Asked(told, look, review_differences, take, closed)
    return LastQuestion(asked, review, word, danger=True, undone="nothing was declared", does="declares it")


def lost(losses: Losses) -> list[Line]:
    """What is lost for a question, and what may be: a few in a sentence, more in a line each. Nothing is left out,
    since who types the word answers for all."""
    lines: list[Line] = []
    for kind in losses.kinds:
        if len(kind.what) <= _IN_A_SENTENCE:
            lines += paragraph(f"{kind.head} {listing(kind.what)}", kind.role)
            continue
        lines += paragraph(f"{kind.head} {count(len(kind.what), kind.noun)}:", kind.role)
        lines += [line for one in kind.what for line in paragraph(f"- {one}", kind.role)]
    return lines


def in_its_way(facts: ReviewFacts) -> list[Line]:
    """Who holds the tables, unless that stands in the question anyway."""
    item = next((one for one in facts.items if one.id == BLOCKERS), None)
    told, good = in_the_way(item)
    return [] if item is not None and _fails(item) else paragraph(told, "done" if good else "waiting")


def _counts(facts: ReviewFacts) -> str:
    """How many checks are how."""
    states = [one.state for one in facts.items if one.how != "attested"]
    many = [f"{states.count(state)} {state}" for state in ("PASS", "WARN", "UNKNOWN", "FAIL") if state in states]
    return f"checks: {', '.join(many)}" if many else ""


def _fails(item: ItemFacts) -> bool:
    """It has failed, and stops no run here."""
    return item.how != "attested" and item.state == "FAIL" and not item.answered


def confirm(
    environment: EnvironmentFacts,
    review: ReviewFacts,
    shell: Shell,
    *,
    look: Callable[[ReviewFacts], ReviewFacts],
    take: Callable[[ReviewFacts], None],
    closed: Callable[[], str],
    how: Manner = "run",
) -> LastQuestion[ReviewFacts]:
    """The dialog that starts a run; `look`, `take` and `closed` as of `Asked`."""
    asked = Asked(
        lambda facts: confirm_lines(environment, facts, shell, how=how),
        look, review_differences, take, closed, in_its_way, _counts,
    )  # fmt: skip
    word = review.word or word_for(environment)
    return LastQuestion(asked, review, word, danger=environment.protected or bool(review.word))


def confirm_lines(
    environment: EnvironmentFacts, review: ReviewFacts, shell: Shell, *, how: Manner = "run"
) -> list[Line]:
    """What a run to come is, and what it costs."""
    many = count(len(review.steps), "change")
    what = f"{VERBS[review.command]} {many} {'to' if review.command == 'deploy' else 'on'}"
    what = {"try": f"DRY RUN of {many} on", "record": f"MARK {many} DEPLOYED on"}.get(how, what)
    lines = [*paragraph(f"{what} {named(environment)}", "strong"), *whereabouts(environment, shell)]
    if how == "try":
        lines += paragraph(
            "All of it is run for real, in one transaction, and rolled back. Until then it holds its locks."
        )
    locked = [step for step in review.steps if step.relation]
    if locked:
        top = max(locked, key=lambda step: _RANK.get(step.lock, 0)).lock
        on = tuple(dict.fromkeys(step.relation for step in locked if step.lock == top))
        lines += paragraph(f"strongest lock {top} on {listing(on)}", "failed" if top == "ACCESS EXCLUSIVE" else "plain")
    rewrites = sum(step.rewrites for step in review.steps)
    if rewrites:
        lines += paragraph(
            "1 change rewrites a table" if rewrites == 1 else f"{rewrites} changes rewrite a table", "failed"
        )
    if review.command == "backfill":
        lines += paragraph("in batches, each a transaction of its own; what is done stays when it is stopped")
    stepwise = sum(step.mode == "stepwise" for step in review.steps)
    if stepwise:
        lines += paragraph(f"{count(stepwise, 'change')} not in one transaction", "waiting")
    lines += lost(review.accepts or review.losses)
    if review.creates:
        lines += paragraph(
            f"the first run here creates the schemas {listing(review.creates)}"
            if len(review.creates) > 1
            else f"the first run here creates the schema {review.creates[0]}",
            "waiting",
        )
    if shell.locked(environment) and review.command in ("deploy", "backfill") and how != "try":
        lines += paragraph("read-only until now: the word unlocks it for this run alone", "muted")
    overridden = [item.title for item in review.items if item.overridden]
    if overridden:
        lines += paragraph(f"overridden: {listing(overridden)}", "waiting")
    for item in review.items:
        if _fails(item):
            lines += paragraph(f"FAIL, which stops no run here: {item.title}: {item.summary}", "failed")
    return lines
