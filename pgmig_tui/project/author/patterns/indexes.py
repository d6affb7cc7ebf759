"""Indexes, built and dropped while everybody reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pgmig_tui.project.author.patterns.asked import AskFor, Pattern
from pgmig_tui.project.author.patterns.draft import ChangeDraft, alone, checked, columns, made_name
from pgmig_tui.project.author.patterns.looks import index_is
from pgmig_tui.script.given import Expression, QualifiedName
from pgmig_tui.script.quoting import quote

METHODS = ("btree", "hash", "gin", "gist", "spgist", "brin")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIndex:
    """An index on a table that is there. `on` is the text of its elements, and the columns that they name."""

    table: Annotated[QualifiedName, AskFor("Which table?", "table")]
    on: Annotated[tuple[str, tuple[str, ...]], AskFor("On which columns or expressions? (a, lower(b))", "elements")]
    index: Annotated[str, AskFor("What is the index called? (TABLE_COLUMNS_idx)", "name")] = ""
    unique: Annotated[bool, AskFor("Is it unique?", "flag")] = False
    method: Annotated[str, AskFor("Which method? (btree)", "words", METHODS)] = ""
    include: Annotated[tuple[str, ...], AskFor("Which columns does it hold beside?", "names")] = ()
    where: Annotated[Expression | None, AskFor("Only for rows where?", "expression")] = None


def index(answers: NewIndex) -> tuple[ChangeDraft, ...]:
    table = answers.table
    text, named = answers.on
    name = answers.index or made_name(table.name, *named, "idx")
    return (
        concurrent_index(
            table, name, text, unique=answers.unique, method=answers.method, include=answers.include,
            where=answers.where.text if answers.where else "",
        ),
    )  # fmt: skip


def concurrent_index(
    table: QualifiedName,
    name: str,
    elements: str,
    *,
    unique: bool = False,
    method: str = "",
    include: tuple[str, ...] = (),
    where: str = "",
) -> ChangeDraft:
    """An index in a change of its own, since it is built outside of any transaction."""
    made = table.beside(name)
    parts = [
        f"CREATE {'UNIQUE ' * unique}INDEX CONCURRENTLY {quote(name)}",
        f"ON {table.sql} {f'USING {method} ' * bool(method)}({elements})",
        *([f"INCLUDE ({columns(include)})"] if include else []),
        *([f"WHERE {where}"] if where else []),
    ]
    more = ("indisunique",) if unique else ()
    return ChangeDraft(
        ("index", name),
        f"index {name} on {table.name}",
        alone("\n    ".join(parts)),
        alone(f"DROP INDEX CONCURRENTLY {made.sql}"),
        checked((index_is(made, table, *more), f"index {made.sql} is missing or invalid")),
        f"SHARE UPDATE EXCLUSIVE on {table.sql} while it is built: reads and writes go on.",
        "the index is dropped, concurrently. A build that failed leaves an INVALID index: revert it so, too.",
    )


PATTERNS = (Pattern("index", "an index, built while everybody goes on", NewIndex, index),)
