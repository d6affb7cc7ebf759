"""Whether something may lose data: the one answer that every gate asks for.

Known is what a statement takes that no script brings back: values and rows, the state of a sequence, what is outside of
the database. What isn't known is a possible loss, too: code that nobody could read, SQL made at run time, a script that
was not looked at. On a protected environment both must be accepted; a revert's known losses on any.

A statement that fails changes nothing, and is no loss: its failure is known by the same catalog as losses are. Where
code before it can't be read, that code is a possible loss itself, and the impact tells what is lost of a table that may
be there by then. A failure is taken for certain only where it says that what is named isn't there, or that others
depend on it: a rule of ours that took a statement for one that PostgreSQL refuses must not hide what it takes. Not
certain are failures told without a catalog, those in the code of a function, which hang on the way that it takes, and
all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, line
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.database.undo import Kept
    from pgmig_tui.impact.result import ScriptImpact, StatementImpact, StatementProblem

Evidence = Mapping[tuple[str, int], str]
"""What rehearsals say of statements, by path and line."""
_HARMLESS = frozenset(
    {"CREATE", "COMMENT", "GRANT", "SET", "RESET", "SHOW", "LISTEN", "NOTIFY", "ANALYZE", "CHECKPOINT"}
)
"""First words of statements that take nothing by themselves: none loses more for failing, or for want of a catalog."""
_CERTAIN = frozenset({"42P01", "42703", "42704", "42883", "3F000", "26000", "2BP01", "42P07"})
"""Failures (SQLSTATE) that the catalog shows by a name alone: what is named isn't there, others depend on it, or a
relation has the name already that another one is to get."""
_NOUNS = {"column": "value", "values": "value"}
_TEXT_TELLS = frozenset({"SELECT", "EXPLAIN", "ALTER", "DROP", "REVOKE", "VACUUM", "REINDEX", "CLUSTER", "LOCK"})
"""Of these the text tells without a catalog what they lose, but for what they themselves say isn't known."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Losses that are told alike: `head` stands before each, `noun` is what they are counted in."""

    head: str
    noun: str
    role: Role
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Losses:
    """What may be lost. `known` are things, such as `all rows of shop.orders`; `unknown` are sentences, each on a
    statement or script of which nobody can say what it takes. `possible`: those of the known that may not come."""

    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    possible: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.known or self.unknown)

    @property
    def certain(self) -> tuple[str, ...]:
        """What is lost for sure."""
        return tuple(what for what in self.known if what not in self.possible)

    @property
    def doubtful(self) -> tuple[str, ...]:
        """What is known to be lost on a way that may not be taken."""
        return tuple(what for what in self.known if what in self.possible)

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.known, *self.unknown)

    def to_accept(self, command: str, *, protected: bool) -> Losses:
        """What a person must accept before it is carried out."""
        if protected:
            return self
        return Losses(self.known, (), self.possible) if command == "revert" else Losses()

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is lost, then what may be, which nobody may take for the same: those of which there is any."""
        found = (
            Kind("LOSES", "thing", "failed", self.certain),
            Kind("MAY LOSE", "thing", "failed", self.doubtful),
            Kind("MAY LOSE data:", "statement", "stale", self.unknown),
        )
        return tuple(kind for kind in found if kind.what)

    def lines(self) -> list[Line]:
        """One a thing, safe to draw."""
        return [line((f"  {kind.head} ", kind.role), safe(what)) for kind in self.kinds for what in kind.what]

    @property
    def told(self) -> tuple[str, ...]:
        """One a thing, as plain text."""
        return tuple(f"{kind.head} {what}" for kind in self.kinds for what in kind.what)


NONE = Losses()


def of_statement(
    one: StatementImpact, path: str = "", *, catalog: bool = True, evidence: Evidence = MappingProxyType({})
) -> Losses:
    """What one statement may lose. `catalog`: its impact was told by a server's catalog, not by the text alone.
    `evidence` is told beside what isn't known; it clears nothing."""
    if one.void and not one.data_loss.outside:
        return NONE
    known = (one.data_loss.what or ("data",)) if one.data_loss.final else ()
    if known or not _is_unknown(one, catalog):
        return Losses(known, (), frozenset(known) if one.data_loss.possible else frozenset())
    where = one.path or path
    told = f"{where}:{one.line}: this {one.kind} may lose data: what it does is known only when it runs"
    seen = evidence.get((where, one.line))
    return Losses((), (f"{told}; {seen}" if seen else told,))


def _is_unknown(one: StatementImpact, catalog: bool) -> bool:
    if one.hidden or one.kind == "UNPARSED":
        return True
    verb = one.kind.partition(" ")[0]
    if one.transaction_control is not None or verb in _HARMLESS or verb == "EMPTY":
        return False
    if one.problem is not None:
        return not catalog or bool(one.unknown) or not _fails(one.problem, verb)
    return not catalog and (verb not in _TEXT_TELLS or bool(one.unknown))


def _fails(problem: StatementProblem, verb: str) -> bool:
    """Whether what is told to fail does so for certain. A column that isn't there (42703) is certain in ALTER alone: in
    a query it may come from where nobody looked."""
    return not problem.inside and problem.sqlstate in _CERTAIN and (problem.sqlstate != "42703" or verb == "ALTER")


def of_script(impact: ScriptImpact, evidence: Evidence = MappingProxyType({})) -> Losses:
    """What a script may lose, each thing once."""
    return together(
        of_statement(one, impact.path, catalog=impact.catalog, evidence=evidence) for one in impact.statements
    )


def known_to_lose(impact: ScriptImpact) -> bool:
    """Whether something of what `of_script` tells is known."""
    return any(of_statement(one, impact.path, catalog=impact.catalog).known for one in impact.statements)


def of_scripts(impacts: Iterable[tuple[str, ScriptImpact | None]], evidence: Evidence = MappingProxyType({})) -> Losses:
    """What the scripts of a run may lose. Each comes with its name; None = it was not looked at."""
    return together(
        of_script(impact, evidence)
        if impact is not None
        else Losses((), (f"{name}: it may lose data: nobody has looked at it",))
        for name, impact in impacts
    )


def of_undo(kept: Iterable[Kept], *, overwrite: bool) -> Losses:
    """What bringing these back may lose: without `overwrite` only what nobody has written is written over."""
    what = tuple(f"values of {one.source} that were written since" for one in kept if overwrite and one.keep_table)
    what = tuple(dict.fromkeys(what))
    return Losses(what, (), frozenset(what))


def of_expired(kept: Iterable[Kept]) -> Losses:
    """What is lost with the tables of what was kept: it is nowhere else, unless it was brought back."""
    return Losses(
        tuple(
            f"{words.count(one.rows, _NOUNS.get(one.kind, 'row'))} of {one.source} that were kept and not brought back"
            for one in kept
            if one.keep_table and one.rows and one.restored_at is None
        )
    )


def together(parts: Iterable[Losses]) -> Losses:
    """All of these, each thing once."""
    known: dict[str, None] = {}
    unknown: dict[str, None] = {}
    certain: set[str] = set()
    for one in parts:
        if one is NONE:  # as most are
            continue
        known.update(dict.fromkeys(one.known))
        unknown.update(dict.fromkeys(one.unknown))
        certain.update(one.certain)
    return Losses(tuple(known), tuple(unknown), frozenset(known) - certain)


def outlasting(impact: ScriptImpact) -> tuple[str, ...]:
    """What a script loses that a ROLLBACK doesn't bring back: what even a dry run would lose."""
    found = (one.data_loss for one in impact.statements)
    return tuple(dict.fromkeys(what for loss in found if loss.outside for what in loss.what))
