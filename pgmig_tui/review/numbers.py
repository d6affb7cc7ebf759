"""How an environment is, in numbers, each with what it is called: for `check` and for the screen of an environment."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.numbers import ServerNumbers, read_numbers
from pgmig_tui.display import words
from pgmig_tui.display.cells import Role
from pgmig_tui.errors import PgmigError

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment


@dataclass(frozen=True, slots=True)
class Number:
    """One of them in words. `unknown`: this role may not see it, or not all of it."""

    name: str
    told: str
    unknown: bool = False

    @property
    def role(self) -> Role:
        return "stale" if self.unknown else "plain"


@dataclass(frozen=True, slots=True)
class NumbersNow:
    """What was read, or (`problem`) why it couldn't be."""

    found: ServerNumbers | None
    problem: str = ""

    def to_json(self) -> dict[str, object]:
        return {**(asdict(self.found) if self.found is not None else {}), "problem": self.problem or None}


def numbers_of(environment: Environment) -> NumbersNow:
    """Ask its server. Never raises for the server."""
    try:
        name = application_name("check", "numbers")
        with connect(environment.target, application_name=name, kind="watch") as connection:
            return NumbersNow(read_numbers(connection))
    except PgmigError as error:
        return NumbersNow(None, error.what)


def told(one: ServerNumbers) -> tuple[Number, ...]:
    """In words, in the order in which they are read. What can't be seen is said to be unknown, never to be zero."""
    size = Number(
        "size", words.size(one.size_bytes) if one.size_bytes is not None else "may not be seen", not one.size_bytes
    )
    here = f"{one.connections} of {one.max_connections}, {one.connections_here} of them to this database"
    return (
        size,
        Number("connections", here),
        _longest(one),
        Number("waiting for locks", words.count(one.waiters, "session") if one.waiters else "nobody"),
        _lag(one),
        Number("transaction IDs", f"{one.wraparound_percent:.1f} % of the way to wraparound"),
        _dead(one),
    )


def _longest(one: ServerNumbers) -> Number:
    seconds = one.longest_transaction_s
    told = words.duration(seconds * 1000) if seconds is not None else "none is open"
    if one.hidden:
        seen = told if seconds is not None else "none"
        told = f"{seen} that this role may see; {words.count(one.hidden, 'session')} hidden"
    return Number("longest transaction", told, bool(one.hidden))


def _lag(one: ServerNumbers) -> Number:
    if not one.replicas:
        return Number("replicas", "none is connected")
    if one.lag_hidden:
        return Number("replicas", f"{one.replicas} connected; this role may not see how far they are behind", True)
    behind = words.size(int(one.lag_bytes)) if one.lag_bytes is not None else "unknown"
    late = f", {words.duration(one.lag_s * 1000)}" if one.lag_s is not None else ""
    return Number("replicas", f"{one.replicas} connected, at most {behind} behind{late}", one.lag_bytes is None)


def _dead(one: ServerNumbers) -> Number:
    live, dead = one.live_rows, one.dead_rows
    if live is None or dead is None:
        return Number("dead rows", "no table of a user is there")
    share = f"{100 * dead / (live + dead):.1f} %" if live + dead else "none"
    return Number("dead rows", f"{share} of about {words.about(live + dead)}, by the statistics")
