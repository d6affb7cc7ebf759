"""Constraints: added NOT VALID, which looks at no row, and validated by a later change while everybody goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from pgmig_tui.errors import UsageError
from pgmig_tui.project.author.patterns.asked import AskFor, Pattern
from pgmig_tui.project.author.patterns.draft import (
    ChangeDraft,
    allowed,
    alone,
    checked,
    columns,
    made_name,
    transaction,
)
from pgmig_tui.project.author.patterns.indexes import concurrent_index
from pgmig_tui.project.author.patterns.looks import constraint_is
from pgmig_tui.script.given import NOTHING, Expression, QualifiedName
from pgmig_tui.script.quoting import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCheck:
    """A CHECK on a table that is there."""

    table: Annotated[QualifiedName, AskFor("Which table?", "table")]
    check: Annotated[Expression, AskFor("Which condition must hold of every row?", "expression")]
    constraint: Annotated[str, AskFor("What is the constraint called? (TABLE_COLUMN_check)", "name")] = ""


def check(answers: NewCheck) -> tuple[ChangeDraft, ...]:
    table = answers.table
    name = answers.constraint or made_name(table.name, *answers.check.columns[:1], "check")
    return two_steps(
        table,
        name,
        f"CHECK ({answers.check.text})",
        ("add", name),
        adding=f"ACCESS EXCLUSIVE on {table.sql}, for an instant: NOT VALID reads no row.",
        validating=f"SHARE UPDATE EXCLUSIVE on {table.sql} while its rows are read: reads and writes go on.",
    )


def two_steps(
    table: QualifiedName,
    name: str,
    definition: str,
    words: tuple[str, ...],
    *,
    adding: str,
    validating: str,
) -> tuple[ChangeDraft, ...]:
    """A constraint that is added NOT VALID, then validated: each has a change of its own, with a lock of its own, which
    `adding` and `validating` say."""
    add = f"ADD CONSTRAINT {quote(name)} {definition} NOT VALID"
    drop = f"DROP CONSTRAINT {quote(name)}"
    head = f"ALTER TABLE {table.sql}"
    return (
        ChangeDraft(
            words,
            f"add {name}, for new rows",
            transaction(f"{head}\n    {add}"),
            transaction(f"{head}\n    {drop}"),
            _look(table, name),
            adding,
            "the constraint is dropped.",
            before="Release code that keeps to it: statements that don't fail from this change on.",
        ),
        ChangeDraft(
            (*words, "validate"),
            f"validate {name}, for the rows that are there",
            transaction(f"{head}\n    VALIDATE CONSTRAINT {quote(name)}"),
            transaction(f"{head}\n    {drop},\n    {add}"),
            _look(table, name, valid=True),
            validating,
            "it is NOT VALID again, for which it is dropped and added.",
            before="Correct the rows that break it: with one of them this change fails, and nothing is changed.",
        ),
    )


def _look(table: QualifiedName, name: str, *, valid: bool = False) -> str:
    if valid:
        return checked(
            (constraint_is(table, name, "convalidated"), f"constraint {name} of {table.sql} is missing or NOT VALID")
        )
    return checked((constraint_is(table, name), f"constraint {name} of {table.sql} is missing"))


# -- foreign key -------------------------------------------------------------------------------------------------------

ACTIONS = ("no action", "restrict", "cascade", "set null", "set default")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewForeignKey:
    """A foreign key of a table that is there, and the index that its columns need."""

    table: Annotated[QualifiedName, AskFor("Which table?", "table")]
    columns: Annotated[tuple[str, ...], AskFor("Which of its columns?", "names")]
    references: Annotated[QualifiedName, AskFor("Which table do they refer to?", "table")]
    referenced: Annotated[tuple[str, ...], AskFor("To which of its columns? (its primary key)", "names")] = ()
    on_delete: Annotated[str, AskFor("What happens when that row is deleted?", "words", ACTIONS)] = ""
    constraint: Annotated[str, AskFor("What is the constraint called?", "name")] = ""
    no_index: Annotated[bool, AskFor("Is there an index that begins with these columns?", "flag")] = False


def foreign_key(answers: NewForeignKey) -> tuple[ChangeDraft, ...]:
    table, other = answers.table, answers.references
    if answers.referenced and len(answers.referenced) != len(answers.columns):
        raise UsageError(
            f"{len(answers.columns)} columns can't refer to {len(answers.referenced)}.",
            now=NOTHING,
            do="Say as many with --referenced as with --columns, in the same order.",
        )
    name = answers.constraint or made_name(table.name, *answers.columns, "fkey")
    to = f"{other.sql}{f' ({columns(answers.referenced)})' if answers.referenced else ''}"
    definition = f"FOREIGN KEY ({columns(answers.columns)}) REFERENCES {to}"
    definition += f" ON DELETE {answers.on_delete.upper()}" if answers.on_delete else ""
    index = made_name(table.name, *answers.columns, "idx")
    steps = two_steps(
        table,
        name,
        definition,
        ("add", name),
        adding=f"SHARE ROW EXCLUSIVE on {table.sql} and {other.sql}, for an instant: NOT VALID reads no row.",
        validating=f"SHARE UPDATE EXCLUSIVE on {table.sql}, ROW SHARE on {other.sql}: reads and writes go on.",
    )
    return steps if answers.no_index else (concurrent_index(table, index, columns(answers.columns)), *steps)


# -- unique ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUnique:
    """A UNIQUE constraint of a table that is there."""

    table: Annotated[QualifiedName, AskFor("Which table?", "table")]
    columns: Annotated[tuple[str, ...], AskFor("Which columns are unique together?", "names")]
    include: Annotated[tuple[str, ...], AskFor("Which columns does its index hold beside?", "names")] = ()
    constraint: Annotated[str, AskFor("What is the constraint called?", "name")] = ""


def unique(answers: NewUnique) -> tuple[ChangeDraft, ...]:
    """The index is built concurrently and then taken over. The way back builds it once more under another name, so that
    rows are unique all the time."""
    table = answers.table
    name = answers.constraint or made_name(table.name, *answers.columns, "key")
    spare = table.beside(made_name(name, "back"))
    first = concurrent_index(table, name, columns(answers.columns), unique=True, include=answers.include)
    again = concurrent_index(table, spare.name, columns(answers.columns), unique=True, include=answers.include)
    reason = ("not-alone", "each of these can be run again, and the transaction behind them is the last step")
    takes = ChangeDraft(
        ("add", name),
        f"the index becomes the constraint {name}",
        transaction(f"ALTER TABLE {table.sql}\n    ADD CONSTRAINT {quote(name)} UNIQUE USING INDEX {quote(name)}"),
        alone(allowed(f"DROP INDEX CONCURRENTLY IF EXISTS {spare.sql}", lint=[reason]))
        + "\n"
        + allowed(again.deploy, lint=[reason])
        + "\n"
        + transaction(
            f"ALTER TABLE {table.sql}\n    DROP CONSTRAINT {quote(name)}",
            f"ALTER INDEX {spare.sql}\n    RENAME TO {quote(name)}",
        ),
        checked((constraint_is(table, name, "contype = 'u'"), f"constraint {name} of {table.sql} is missing")),
        f"ACCESS EXCLUSIVE on {table.sql}, for an instant: the index is there.",
        "the index is built once more, concurrently, and takes its place when the constraint is dropped.",
    )
    return replace(first, before="Correct the rows that are there twice: with one of them the index is INVALID."), takes


PATTERNS = (
    Pattern("check", "a CHECK, validated while everybody goes on", NewCheck, check),
    Pattern(
        "foreign-key", "a foreign key and its index, validated while everybody goes on", NewForeignKey, foreign_key
    ),
    Pattern("unique", "UNIQUE, with an index that is built while everybody goes on", NewUnique, unique),
)
