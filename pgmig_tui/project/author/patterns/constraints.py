"""Constraints: added NOT VALID, which looks at no row, and validated by a later change while everybody goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pgmig_tui.project.author.patterns.asked import AskFor, Pattern
from pgmig_tui.project.author.patterns.draft import ChangeDraft, checked, made_name, transaction
from pgmig_tui.project.author.patterns.looks import constraint_is
from pgmig_tui.script.given import Expression, QualifiedName
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
    return two_steps(table, name, f"CHECK ({answers.check.text})", ("add", name))


def two_steps(table: QualifiedName, name: str, definition: str, words: tuple[str, ...]) -> tuple[ChangeDraft, ...]:
    """A constraint that is added NOT VALID, then validated: each has a change of its own, and its own lock."""
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
            f"ACCESS EXCLUSIVE on {table.sql}, for an instant: NOT VALID reads no row.",
            "the constraint is dropped.",
            before="Release code that keeps to it: statements that don't fail from this change on.",
        ),
        ChangeDraft(
            (*words, "validate"),
            f"validate {name}, for the rows that are there",
            transaction(f"{head}\n    VALIDATE CONSTRAINT {quote(name)}"),
            transaction(f"{head}\n    {drop},\n    {add}"),
            _look(table, name, valid=True),
            f"SHARE UPDATE EXCLUSIVE on {table.sql} while its rows are read: reads and writes go on.",
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


PATTERNS = (Pattern("check", "a CHECK, validated while everybody goes on", NewCheck, check),)
