"""May we? Checklist items, what the checks found and what people answered, put together into a gate.

A protected environment's gate stays shut while a required item fails, is unknown or isn't answered. Elsewhere
everything is shown, and only what pgmig.toml demands and the wrong server shut it. UNKNOWN is never green, and what the
program has found out is nobody's to answer: a person attests what it can't know, and overrides what it found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from pgmig_tui.database.checks import CheckResult, document
from pgmig_tui.display import words
from pgmig_tui.errors import Refused, UsageError
from pgmig_tui.gates.checklist import BACKUP, DATA_LOSS, LEAST_REASON, VERIFY_BACKUP, ChecklistItem, item_named

State = Literal["PASS", "WARN", "FAIL", "UNKNOWN", "N-A"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said to an item: that it is done (attest), why to go on without it (override), or that an emergency
    goes on past it. `at` is UTC."""

    item_id: str
    how: Literal["attest", "override", "emergency"]
    note: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Result:
    """An item's state, with its evidence (a check's document) and the person's answer. `blocks` keeps the gate shut.

    `uncounted`: why the answer that was given isn't one.
    """

    item: ChecklistItem
    state: State
    summary: str
    evidence: Mapping[str, object] | None = None
    answer: Answer | None = None
    blocks: bool = False
    uncounted: str = ""

    @property
    def overridden(self) -> bool:
        return self.answer is not None and self.answer.how != "attest"

    @property
    def attestable(self) -> bool:
        """Whether a person's word can answer it: nobody but a person knows."""
        return _attestable(self.item, self.state if self.answer is None else "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Gate:
    """`blocking` are the IDs of the items that keep it shut."""

    open: bool
    blocking: tuple[str, ...]
    results: tuple[Result, ...]

    def counted(self, answers: Iterable[Answer]) -> list[Answer]:
        """Those of `answers` that count: what the program found stands for itself, and isn't said to be attested."""
        uncounted = {result.item.id for result in self.results if result.uncounted}
        return [answer for answer in answers if answer.item_id not in uncounted]

    def require(self) -> None:
        """Raise Refused, naming what blocks, unless the gate is open."""
        if self.open:
            return
        blocked = [result for result in self.results if result.blocks]
        raise Refused(
            "cannot start: " + ", ".join(result.item.title for result in blocked),
            now="Nothing was changed.",
            do=how_to_open(blocked),
            details=[f"{result.item.id}: {result.state}, {result.summary}" for result in blocked],
        )


def how_to_open(blocked: Iterable[Result]) -> str:
    """The options of the command line that answer these items, in a sentence."""
    blocked = list(blocked)
    by_option: dict[str, list[str]] = {}
    for result in blocked:
        option = "attest" if result.attestable else "override" if result.item.overridable else ""
        by_option.setdefault(option, []).append(result.item.id)
    ways = []
    if attest := by_option.get("attest"):
        ways.append(f"--attest ITEM=NOTE answers {words.listing(attest)}.")
    if override := by_option.get("override"):
        ways.append(
            f"--override ITEM=REASON, of {LEAST_REASON} characters or more, goes on past {words.listing(override)}."
        )
    if ways:
        ways.append("It is recorded with your name.")
    if any(result.item.id in (BACKUP, VERIFY_BACKUP) and result.item.how == "check" for result in blocked):
        ways.insert(0, "--backup makes a backup now, and proves it as pgmig.toml asks.")
    if fixed := by_option.get(""):
        locked = list(dict.fromkeys(one.item.locked for one in blocked if one.item.locked and not one.attestable))
        why = f" ({'; '.join(locked)})" if locked else ""
        ways.append(f"No answer opens {words.listing(fixed)}: that has to be put right{why}.")
    return " ".join(ways)


def evaluate(
    items: Iterable[ChecklistItem], checks: Iterable[CheckResult], answers: Sequence[Answer], protected: bool
) -> Gate:
    """Put items, results and answers together. The last answer to an item counts. Pure."""
    by_name = {result.name: result for result in checks}
    by_item = {answer.item_id: answer for answer in answers if said(answer.note)}
    results = tuple(_result(item, by_name.get(item.check or ""), by_item.get(item.id), protected) for item in items)
    blocking = tuple(result.item.id for result in results if result.blocks)
    return Gate(not blocking, blocking, results)


PAST_IN_AN_EMERGENCY = frozenset(
    {
        "deploy:staging", "deploy:verify-staging", "policy:promote_from", "policy:soak", "policy:approvals",
        "policy:window", "policy:freeze",
    }
)  # fmt: skip
"""What an emergency goes on past: never a loss, the wrong server, or a backup that is missing."""


def emergency(reason: str, items: Iterable[ChecklistItem], by: str) -> list[Answer]:
    """The answers of somebody who declares an emergency, at this moment, to what one goes on past. They hold whoever
    may override otherwise. Raises UsageError without a name or a reason."""
    asked = [item for item in items if item.id in PAST_IN_AN_EMERGENCY and item.how == "check"]
    return [declared(item.id, reason, by) for item in asked] if asked else _declarable(reason, by)


def declared(item_id: str, reason: str, by: str, at: str = "") -> Answer:
    """The same to one item. Raises UsageError without a name or a reason."""
    _declarable(reason, by)
    return replace(given(item_id, "override", said(reason), by, at), how="emergency")


def _declarable(reason: str, by: str) -> list[Answer]:
    if len(said(reason)) < LEAST_REASON:
        raise UsageError(f"--emergency needs a reason of {LEAST_REASON} characters or more", now="Nothing was changed.")
    if not by.strip(" <>"):
        raise UsageError("--emergency needs a person with a name", now="Nothing was changed.")
    return []


def loss_accepted(loses: Iterable[str], by: str) -> Answer:
    """The answer of somebody who accepts, at this moment, that this may be lost."""
    return given(DATA_LOSS, "attest", "; ".join(loses), by)


def given(item_id: str, how: Literal["attest", "override"], note: str, by: str, at: str = "") -> Answer:
    """What somebody says to an item, at `at` (UTC) or, "", at this moment."""
    return Answer(item_id, how, note, by, at or words.iso(datetime.now(UTC)))


def said(note: str) -> str:
    """What a person has written, as others see it: characters that show nothing say nothing."""
    return " ".join("".join(one for one in note if one.isprintable() or one.isspace()).split())


def parse_answer(text: str, how: Literal["attest", "override"], items: Iterable[ChecklistItem], by: str) -> Answer:
    """An answer from `ITEM=NOTE` of the command line, at this moment.

    Raises UsageError for no such item or no note; Refused where a person's word can't answer.
    """
    item_id, equals, note = text.partition("=")
    item = item_named(items, item_id.strip())
    if not equals or not said(note):
        raise UsageError(f"--{how} {item.id} needs a note: --{how} {item.id}=NOTE")
    if how == "attest" and item.how == "check":
        raise Refused(
            f"{item.id} is worked out by the program, nobody can attest it",
            now="Nothing was changed.",
            do=f"Say --override {item.id}=REASON, of {LEAST_REASON} characters or more, to go on all the same; it is"
            " recorded with your name."
            if item.overridable
            else "It can't be overridden either.",
        )
    if how == "override" and not item.overridable:
        raise UsageError(f"{item.id} can't be overridden: {item.locked or item.title}")
    answer = given(item.id, how, said(note), by)
    if how == "override" and (problem := _no_override(item, answer)):
        raise UsageError(f"--override {item.id} {problem}", now="Nothing was changed.")
    return answer


def _result(item: ChecklistItem, check: CheckResult | None, answer: Answer | None, protected: bool) -> Result:
    state: State = check.state if check is not None else "UNKNOWN"
    summary = check.summary if check is not None else _open(item)
    uncounted = _uncounted(item, state, answer) if answer is not None else ""
    if uncounted:
        answer = None
    if answer is not None and answer.how == "attest":
        state, summary = "PASS", f"{answer.note} ({answer.by})"
    elif answer is not None:
        word = "an emergency" if answer.how == "emergency" else "overridden"
        summary = f"{summary}; {word}: {answer.note} ({answer.by})"
    closed = state in ("FAIL", "UNKNOWN") and (answer is None or answer.how == "attest")
    blocks = closed and (item.always or (protected and item.required))
    return Result(item, state, summary, None if check is None else document(check), answer, blocks, uncounted)


def _attestable(item: ChecklistItem, state: State) -> bool:
    return item.how != "check" and state == "UNKNOWN"


def _uncounted(item: ChecklistItem, state: State, answer: Answer) -> str:
    """Why an answer doesn't count: what the program sees can't be attested, the wrong server can't be overridden."""
    if answer.how == "emergency":
        return "" if state in ("FAIL", "UNKNOWN") else "nothing is in the way there"
    if answer.how == "override":
        return _no_override(item, answer)
    return "" if _attestable(item, state) else "checked by the program, nobody can attest it"


def _no_override(item: ChecklistItem, answer: Answer) -> str:
    if not item.overridable:
        return f"can't be overridden: {item.locked}" if item.locked else "can't be overridden"
    if not answer.by.strip(" <>"):
        return "needs a person with a name"
    if len(said(answer.note)) < LEAST_REASON:
        return f"needs a reason of {LEAST_REASON} characters or more"
    return ""


def _open(item: ChecklistItem) -> str:
    return item.open or {"check": "not asked", "performed": "not done", "attested": "not confirmed"}[item.how]
