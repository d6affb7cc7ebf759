"""What the body of a function or DO block does, in which order and on which ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pgmig_tui.script.quoting import quote

Block = tuple["Step", ...]


@dataclass(frozen=True, slots=True)
class RunSql:
    """SQL that runs; a `dynamic` one is the expression that makes its text. `into` are variables that it sets."""

    text: str
    dynamic: bool = False
    into: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Typed:
    """A variable is of the type of a column of a table, or of its rows ("")."""

    table: tuple[str, ...]
    column: str


@dataclass(frozen=True, slots=True)
class Assign:
    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class Choice:
    """IF and CASE: the conditions in turn, the arms; `complete`: one of them runs for certain."""

    conditions: tuple[str, ...]
    arms: tuple[Block, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Loop:
    """`head` always runs, the body perhaps and many times; `over` are the constants that it goes through, if it does
    and they are known; `bounds` are the expressions between which it counts, else; `names` are the variables that it
    sets. `once`: the body runs at least once; `turns`: so often, None = not known, `per_row`: once for each row of the
    head's query."""

    head: tuple[RunSql, ...]
    body: Block
    names: tuple[str, ...]
    over: tuple[str, ...] | None = None
    once: bool = False
    turns: int | None = None
    per_row: bool = False
    bounds: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """A block that catches errors: the conditions of each handler, and what it does then."""

    body: Block
    handlers: tuple[tuple[tuple[str, ...], Block], ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """The flow ends here: "return" the function, "exit" the loop's body, "raise" all of it by an error."""

    how: str


@dataclass(frozen=True, slots=True)
class End:
    """COMMIT or ROLLBACK."""

    commit: bool


Step = RunSql | Typed | Assign | Choice | Loop | Guard | Leave | End


def named(block: Block, names: tuple[str, ...]) -> Block:
    """The same with the names of variables that the tree gives by number."""

    def name(one: str) -> str:
        number = int(one[1:]) if one.startswith("#") else -1
        return names[number] if 0 <= number < len(names) else one

    found: list[Step] = []
    for step in block:
        match step:
            case RunSql(_, _, into):
                found.append(replace(step, into=tuple(map(name, into))))
            case Choice(_, arms):
                found.append(replace(step, arms=tuple(named(arm, names) for arm in arms)))
            case Loop(_, body, variables):
                found.append(replace(step, body=named(body, names), names=tuple(map(name, variables))))
            case Guard(body, handlers):
                caught = tuple((conditions, named(handler, names)) for conditions, handler in handlers)
                found.append(Guard(named(body, names), caught))
            case _:
                found.append(step)
    return tuple(found)


def texts_of(block: Block) -> Iterator[tuple[str, bool]]:
    """(text, dynamic) of everything that may run, in order."""
    for step in block:
        match step:
            case RunSql(text, dynamic):
                yield text, dynamic
            case Typed(table):
                yield f"TABLE {'.'.join(map(quote, table))}", False
            case Assign(_, expression):
                yield f"SELECT {expression}", False
            case Choice(conditions, arms):
                yield from ((f"SELECT {condition}", False) for condition in conditions)
                for arm in arms:
                    yield from texts_of(arm)
            case Loop(head, body):
                yield from texts_of((*head, *body))
            case Guard(body, handlers):
                yield from texts_of(body)
                for _, handler in handlers:
                    yield from texts_of(handler)
