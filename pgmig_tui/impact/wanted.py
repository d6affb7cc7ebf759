"""What must be asked of the server before a script's impact can be told."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from pgmig_tui.impact.facts import Name

EVERYTHING = "*"
CHECKS_AGAIN = frozenset({"AT_ValidateConstraint", "AT_AlterColumnType"})
"""Subcommands of ALTER TABLE for which CHECKs, and indexes, are worked out anew for the rows that are there."""
BUILDS_AGAIN = frozenset(
    {"AT_SetLogged", "AT_SetUnLogged", "AT_SetAccessMethod", "AT_SetExpression", "AT_AttachPartition"}
)
"""Those for which only indexes may be."""
_SYSTEM = frozenset({"pg_catalog", "information_schema"})


@dataclass(slots=True)
class Names:
    """`all` are names of relations, indexes, types, functions or statistics alike: asking too much costs nothing.

    Those without a schema are looked for in the `paths` that the script sets, beside the session's own search_path.
    EVERYTHING among the schemas (of which everything is asked) or the paths stands for all of them. `dropped` are the
    plain names of objects that are dropped, `parts` the columns and constraints that are dropped or get another type,
    as "table.column", `extensions` those that are made, `renames` what gets another name (what it is, old, new),
    `compared` are columns of which statistics tell how many rows are found, `operators` those that are used, by their
    plain names, `members` are roles as which it runs, or that get or lose something; `runs`: functions are called,
    `writes`: triggers may be.
    """

    all: set[Name] = field(default_factory=set)
    roles: set[str] = field(default_factory=set)
    schemas: set[str] = field(default_factory=set)
    publications: set[str] = field(default_factory=set)
    prepared: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    extensions: set[str] = field(default_factory=set)
    renames: set[tuple[str, str, str]] = field(default_factory=set)
    compared: set[str] = field(default_factory=set)
    operators: set[str] = field(default_factory=set)
    members: set[str] = field(default_factory=set)
    runs: bool = False
    writes: bool = False

    def add(self, parts: list[str]) -> None:
        if parts and parts[-1]:
            schema = parts[-2] if len(parts) > 1 else ""
            if schema not in _SYSTEM:
                self.all.add(Name(schema, parts[-1]))

    def copy(self) -> Names:
        made = Names()
        made.update(self)
        return made

    def update(self, other: Names) -> bool:
        """Take in what another one wants; whether that is anything new."""
        new = False
        for one in _SETS:
            mine, theirs = getattr(self, one), getattr(other, one)
            if not theirs <= mine:
                mine |= theirs
                new = True
        new |= (other.runs and not self.runs) or (other.writes and not self.writes)
        self.runs |= other.runs
        self.writes |= other.writes
        return new

    @property
    def size(self) -> int:
        """Grows whenever something is added."""
        return sum(len(getattr(self, one)) for one in _SETS)

    def beyond(self, known: Names) -> bool:
        """Whether this wants something that the other one doesn't."""
        return any(not getattr(self, one) <= getattr(known, one) for one in _SETS)

    def follow(self) -> None:
        """What the script calls by another name after a rename has its old one for the server: ask for both."""
        for _ in range(min(len(self.renames), _LONGEST_CHAIN)):
            for what, old, new in self.renames:
                if what == "schema":
                    self.all |= {Name(old, name.relation) for name in self.all if name.schema == new}
                    self.paths.add(old)
                elif what == "column":
                    self.parts |= {f"{part.partition('.')[0]}.{old}" for part in self.parts if part.endswith(f".{new}")}
                else:
                    self.dropped |= {old} if new in self.dropped else set()
                    self.parts |= {f"{old}.{p.partition('.')[2]}" for p in self.parts if p.partition(".")[0] == new}


_LONGEST_CHAIN = 5
_SETS = tuple(one.name for one in fields(Names) if one.name not in ("runs", "writes"))
