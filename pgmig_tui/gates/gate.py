"""May we? Checklist items, what the checks found and what people answered, put together into a gate.

A protected environment's gate stays shut while a required item fails, is unknown or isn't answered. Elsewhere
everything is shown, and only what pgmig.toml demands and the wrong server shut it. UNKNOWN is never green.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pgmig_tui.database.checks import CheckResult, document
from pgmig_tui.errors import Refused, UsageError
from pgmig_tui.gates.checklist import Item, item_named

State = Literal["PASS", "WARN", "FAIL", "UNKNOWN", "N-A"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said to an item: that it is done (attest), or why to go on without it (override). `at` is UTC."""

    item_id: str
    how: Literal["attest", "override"]
    note: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Result:
    """An item's state, with its evidence (a check's document) and the person's answer. `blocks` keeps the gate shut."""

    item: Item
    state: State
    summary: str
    evidence: Mapping[str, Any] | None = None
    answer: Answer | None = None
    blocks: bool = False

    @property
    def overridden(self) -> bool:
        return self.answer is not None and self.answer.how == "override"


@dataclass(frozen=True, slots=True)
class Gate:
    """`blocking` are the IDs of the items that keep it shut."""

    open: bool
    blocking: tuple[str, ...]
    results: tuple[Result, ...]

    def require(self) -> None:
        """Raise Refused, naming what blocks, unless the gate is open."""
        if self.open:
            return
        blocked = [result for result in self.results if result.blocks]
        raise Refused(
            "the gate is shut: " + ", ".join(result.item.title for result in blocked),
            now="Nothing was changed.",
            do="Answer with --attest ITEM=NOTE, or --override ITEM=REASON; both are recorded.",
            details=[f"{result.item.id}: {result.state}, {result.summary}" for result in blocked],
        )


def evaluate(items: Iterable[Item], checks: Iterable[CheckResult], answers: Sequence[Answer], protected: bool) -> Gate:
    """Put items, results and answers together. The last answer to an item counts. Pure."""
    by_name = {result.name: result for result in checks}
    by_item = {answer.item_id: answer for answer in answers if answer.note.strip()}
    results = tuple(_result(item, by_name.get(item.check or ""), by_item.get(item.id), protected) for item in items)
    blocking = tuple(result.item.id for result in results if result.blocks)
    return Gate(not blocking, blocking, results)


def parse_answer(text: str, how: Literal["attest", "override"], items: Iterable[Item], by: str) -> Answer:
    """An answer from `ITEM=NOTE` of the command line, at this moment. Raises UsageError."""
    item_id, equals, note = text.partition("=")
    item = item_named(items, item_id.strip())
    if not equals or not note.strip():
        raise UsageError(f"--{how} {item.id} needs a note: --{how} {item.id}=NOTE")
    if how == "attest" and item.how == "check":
        raise UsageError(
            f"{item.id} is a check, which nobody can attest",
            do=f"Use --override {item.id}=REASON to go on all the same.",
        )
    if how == "override" and not item.overridable:
        raise UsageError(f"{item.id} can't be overridden: {item.title}")
    return Answer(item.id, how, note.strip(), by, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _result(item: Item, check: CheckResult | None, answer: Answer | None, protected: bool) -> Result:
    state: State = check.state if check is not None else "UNKNOWN"
    summary = check.summary if check is not None else _open(item)
    if answer is not None and not _counts(item, answer):
        answer = None
    if answer is not None and answer.how == "attest":
        state, summary = "PASS", f"{answer.note} ({answer.by})"
    elif answer is not None:
        summary = f"{summary}; overridden: {answer.note} ({answer.by})"
    closed = state in ("FAIL", "UNKNOWN") and (answer is None or answer.how != "override")
    blocks = closed and (item.always or (protected and item.required))
    return Result(item, state, summary, None if check is None else document(check), answer, blocks)


def _counts(item: Item, answer: Answer) -> bool:
    """A check can't be attested away, and the wrong server can't be overridden."""
    return item.how != "check" if answer.how == "attest" else item.overridable


def _open(item: Item) -> str:
    return {"check": "not asked", "performed": "not done", "attested": "nobody has said so"}[item.how]
