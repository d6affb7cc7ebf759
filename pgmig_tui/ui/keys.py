"""What a key is: one literal in the file of its screen. Bindings, footers, palette and help screen are made from these.

Rules that the tests hold: a key that can change a database is a capital or leads to a dialog (its label ends in `..`),
and is never Enter, space, `y` or a function key; a letter that's dangerous on one screen isn't harmless on another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

FOOTED = 8
"""So many keys a footer of 80 columns shows."""

WhyNot = str | None
"""Why a key does nothing here and now; None when it works."""

S = TypeVar("S")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why there is nothing that a key could work on, here and now."""

    reason: str


def unless(item: Item | Unavailable, why_not: Callable[[Item], WhyNot]) -> Item | Unavailable:
    """The item, unless there is a reason against it."""
    reason = None if isinstance(item, Unavailable) else why_not(item)
    return item if reason is None else Unavailable(reason)


def why(item: object) -> str:
    """The reason, where there is no item; "" where there is."""
    return item.reason if isinstance(item, Unavailable) else ""


Press = Callable[[S], Callable[[], None] | Unavailable]
"""What a key does on a screen as things stand, or why it does nothing."""


def always(do: Callable[[S], None]) -> Press[S]:
    """A key that needs nothing but its screen."""
    return lambda screen: partial(do, screen)


def with_item(
    find: Callable[[S], Item | Unavailable],
    do: Callable[[S, Item], None],
    why_not: Callable[[S, Item], WhyNot] | None = None,
) -> Press[S]:
    """A key that works on what `find` gives, which is handed to `do`. It's off where that's a reason, or where
    `why_not` gives one against it."""

    def press(screen: S) -> Callable[[], None] | Unavailable:
        found = find(screen)
        if why_not is not None:
            found = unless(found, partial(why_not, screen))
        return found if isinstance(found, Unavailable) else partial(do, screen, found)

    return press


@dataclass(frozen=True, slots=True)
class Key(Generic[S]):
    """One key of one screen. `id` is `screen.name` and public: keys will be bound anew by it. `keys` as Textual names
    them; no `label` = not in the footer. `called` is the label as things stand, where what the key does depends on what
    is going on; `hidden` whether the footer leaves it out now, because others matter more."""

    id: str
    keys: str
    shown: str
    label: str
    does: str
    press: Press[S]
    dangerous: bool = False
    called: Callable[[S], str] | None = None
    hidden: Callable[[S], bool] | None = None

    @property
    def names(self) -> set[str]:
        return set(self.keys.split(","))

    def off(self, screen: S) -> WhyNot:
        """Why it does nothing here and now; None when it works."""
        found = self.press(screen)
        return found.reason if isinstance(found, Unavailable) else None

    def label_on(self, screen: S) -> str:
        return self.called(screen) if self.called is not None else self.label


Keys = tuple[Key[S], ...]


CHANGING = frozenset({
    "after.tick", "after.write", "approvals.approve", "approvals.reject", "approvals.revoke", "approvals.write",
    "drift.look", "drift.write", "environment.lift", "environment.reconcile", "environment.rehearse",
    "environment.test", "environment.undo",
    "maintain.reviewed", "maintain.write", "review.emergency", "watch.write",
    "backfill.faster", "backfill.pause", "backfill.retry", "backfill.slower",
    "backfill.stop", "blockers.cancel", "blockers.terminate", "change.edit", "foreign.cancel", "foreign.stop",
    "home.unlock", "incident.write", "locks.cancel", "locks.terminate", "locks.unlock", "review.accept",
    "review.backup", "review.go", "review.lift", "review.override", "review.tick", "review.unlock", "rollback.accept",
    "rollback.go", "rollback.override", "run.blocker", "run.cancel", "run.pause", "run.retry", "run.settings",
    "run.stop",
})  # fmt: skip
"""The keys at whose end something is changed, answered or written. Those that lead to a review only look."""


def without_changes(key: Key[S], reason: str) -> Key[S]:
    """The key as it is where nothing may be changed: off, for this reason, if it would change anything."""
    return replace(key, press=lambda screen: Unavailable(reason)) if key.id in CHANGING else key


def footer(
    keys: Iterable[Key[S]], everywhere: Collection[str], cells: Mapping[str, int], columns: int
) -> tuple[list[Key[S]], int]:
    """What a footer of so many columns shows: of a screen's own keys as many as there is room for, then the others
    with these IDs, which are always there. `cells` is the room that each takes, by ID. And 1 where there is room for
    a space more behind each, so that keys and words read in pairs: so many as FOOTED come before that."""
    given = [key for key in keys if key.label]
    own = [key for key in given if not key.id.startswith("any.")]
    others = [key for key in given if key.id in everywhere]

    def fitting(gap: int) -> list[Key[S]]:
        room = columns - sum(cells[key.id] + gap for key in others)
        shown: list[Key[S]] = []
        for key in own:
            room -= cells[key.id] + gap
            if room < 0:
                break
            shown.append(key)
        return shown + others

    roomy, close = fitting(1), fitting(0)
    return (roomy, 1) if len(roomy) >= min(len(close), FOOTED) else (close, 0)
