"""Columns: added without a table being written anew, set NOT NULL without it being read under a strong lock, dropped
when nobody needs them any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pgmig_tui.errors import UsageError
from pgmig_tui.project.author.patterns.asked import AskFor, Pattern
from pgmig_tui.project.author.patterns.draft import ChangeDraft, allowed, checked, made_name, transaction
from pgmig_tui.project.author.patterns.looks import column_is, constraint_is, either, none, of_type
from pgmig_tui.project.author.patterns.rows import fill
from pgmig_tui.script.given import NOTHING, Expression, QualifiedName, as_default
from pgmig_tui.script.quoting import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class AddColumn:
    """A column for a table that is there. `per_row`: the default is computed for each row, as a random value is."""

    table: Annotated[QualifiedName, AskFor("Which table?", "table")]
    column: Annotated[str, AskFor("What is the column called?", "name")]
    type: Annotated[str, AskFor("Of which type?", "type")]
    default: Annotated[Expression | None, AskFor("With which default?", "value")] = None
    not_null: Annotated[bool, AskFor("Is it NOT NULL?", "flag")] = False
    fill: Annotated[Expression | None, AskFor("What do rows get that are there, and have no value?", "query")] = None
    key: Annotated[tuple[str, ...], AskFor("By which key are rows filled? (NOT NULL, indexed)", "names")] = ()
    per_row: bool = False


def add_column(answers: AddColumn) -> tuple[ChangeDraft, ...]:
    table, column, default = answers.table, answers.column, answers.default
    if answers.not_null and default is None and answers.fill is None:
        raise UsageError(
            "A NOT NULL column needs a default, or a value for the rows that are there.",
            now=NOTHING,
            do="Say --default VALUE; or --fill EXPRESSION with --key COLUMN.",
        )
    in_one = default is not None and not answers.per_row and answers.fill is None
    whole = f"{answers.type}{f' DEFAULT {as_default(default)}' if default and in_one else ''}"
    whole += " NOT NULL" if answers.not_null and in_one else ""
    # A default that comes after the column is for new rows alone: none that is there is written.
    later = f",\n    ALTER COLUMN {quote(column)} SET DEFAULT {as_default(default)}" if default and not in_one else ""
    looks = [of_type(answers.type)]
    looks += ["attnotnull"] if answers.not_null and in_one else []
    looks += ["atthasdef"] if default else []
    first = ChangeDraft(
        ("add", table.name, column),
        f"add column {column} to {table.name}",
        transaction(f"ALTER TABLE {table.sql}\n    ADD COLUMN {quote(column)} {whole}{later}"),
        transaction(f"ALTER TABLE {table.sql}\n    DROP COLUMN {quote(column)}"),
        checked((column_is(table, column, *looks), f"column {column} of {table.sql} is missing, or not {whole}")),
        f"ACCESS EXCLUSIVE on {table.sql}, for an instant: no row is read or written.",
        "the column is dropped, and what was written into it is lost.",
    )
    if in_one or (answers.fill is None and not answers.per_row):
        return (first,)
    value = answers.fill.text if answers.fill else "DEFAULT"
    if answers.not_null:
        return first, *not_null_steps(table, column, value, answers.key)
    return first, fill(table, column, value, answers.key)


# -- NOT NULL ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNull:
    """A column that is there, and must not be NULL any more."""

    table: Annotated[QualifiedName, AskFor("Which table?", "table")]
    column: Annotated[str, AskFor("Which column?", "name")]
    fill: Annotated[Expression | None, AskFor("What do rows get that have no value?", "query")] = None
    key: Annotated[tuple[str, ...], AskFor("By which key are rows filled? (NOT NULL, indexed)", "names")] = ()


def not_null(answers: NotNull) -> tuple[ChangeDraft, ...]:
    return not_null_steps(answers.table, answers.column, answers.fill.text if answers.fill else "", answers.key)


def not_null_steps(
    table: QualifiedName, column: str, value: str, key: Sequence[str], *, later: str = ""
) -> tuple[ChangeDraft, ...]:
    """A CHECK for new rows; the rows that are there filled with `value`, if there is one; the CHECK validated; then NOT
    NULL, for which the server believes the CHECK. `later` is a query that finds a row once a change behind these has
    given the column another name."""
    name = made_name(table.name, column, "not_null_check")
    head, holds = f"ALTER TABLE {table.sql}", f"CHECK ({quote(column)} IS NOT NULL)"
    add, drop = f"ADD CONSTRAINT {quote(name)} {holds} NOT VALID", f"DROP CONSTRAINT {quote(name)}"
    validate, words = f"{head}\n    VALIDATE CONSTRAINT {quote(name)}", (table.name, column, "not_null")
    at_the_end = column_is(table, column, "attnotnull")
    at_the_end = either(at_the_end, later) if later else at_the_end
    checks = ChangeDraft(
        (*words, "check"),
        f"no NULL in {column} of new rows",
        transaction(f"{head}\n    {add}"),
        transaction(f"{head}\n    {drop}"),
        checked((either(constraint_is(table, name), at_the_end), f"column {column} of {table.sql} may be NULL")),
        f"ACCESS EXCLUSIVE on {table.sql}, for an instant: NOT VALID reads no row.",
        "the CHECK is dropped.",
        before="Release code that gives the column a value: statements that don't fail from this change on.",
    )
    validated = either(constraint_is(table, name, "convalidated"), at_the_end)
    proves = ChangeDraft(
        (*words, "validate"),
        f"no NULL in {column} of the rows that are there",
        transaction(validate),
        transaction(f"{head}\n    {drop},\n    {add}"),
        checked((validated, f"column {column} of {table.sql} may be NULL in rows that are there")),
        f"SHARE UPDATE EXCLUSIVE on {table.sql} while its rows are read: reads and writes go on.",
        "the CHECK is NOT VALID again, for which it is dropped and added.",
        before="" if value else "Correct the rows that have NULL: with one of them it fails, and nothing is changed.",
    )
    sets = ChangeDraft(
        words,
        f"NOT NULL of {column}",
        transaction(
            allowed(
                f"{head}\n    ALTER COLUMN {quote(column)} SET NOT NULL",
                lint=[("set-not-null, data-unhandled", "the change before has validated the CHECK that says the same")],
            ),
            allowed(
                f"{head}\n    {drop}",
                lint=[
                    ("drop-constraint, several-alters", "NOT NULL says the same; in one statement it would go first")
                ],
            ),
        ),
        transaction(f"{head}\n    DROP CONSTRAINT IF EXISTS {quote(name)},\n    {add}")
        + "\n"
        + transaction(validate, f"{head}\n    ALTER COLUMN {quote(column)} DROP NOT NULL"),
        checked((at_the_end, f"column {column} of {table.sql} may be NULL")),
        f"ACCESS EXCLUSIVE on {table.sql}, for an instant: the CHECK is believed, and no row read.",
        "the CHECK comes back in one transaction and is validated in another, which drops NOT NULL.",
    )
    return checks, *([fill(table, column, value, key)] if value else []), proves, sets


# -- drop --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DropColumn:
    """A column that goes: first nobody has to give it a value, then nobody finds it, then it is gone. `type`, `default`
    and `not_null` are what it is now, for the way back."""

    table: Annotated[QualifiedName, AskFor("Which table?", "table")]
    column: Annotated[str, AskFor("Which column?", "name")]
    because: Annotated[str, AskFor("Why does nobody need it any more?", "words")]
    type: Annotated[str, AskFor("Of which type is it? (that in the plan, with its default)", "type")] = ""
    default: Annotated[Expression | None, AskFor("With which default?", "value")] = None
    not_null: Annotated[bool, AskFor("Is it NOT NULL?", "flag")] = False


def drop_column(answers: DropColumn) -> tuple[ChangeDraft, ...]:
    table, column = answers.table, answers.column
    require_type(answers.type, table, column, "--type")
    hidden = made_name(column, "dropped")
    head, words = f"ALTER TABLE {table.sql}", ("drop", table.name, column)
    gone = none(column_is(table, column))
    default = f" DEFAULT {as_default(answers.default)}" if answers.default else ""
    hides = ChangeDraft(
        (*words, "hide"),
        f"{column} is called {hidden}",
        transaction(
            allowed(f"{head}\n    RENAME COLUMN {quote(column)} TO {quote(hidden)}", lint=[("rename", answers.because)])
        ),
        transaction(f"{head}\n    RENAME COLUMN {quote(hidden)} TO {quote(column)}"),
        checked((gone, f"column {column} of {table.sql} is there")),
        f"ACCESS EXCLUSIVE on {table.sql}, for an instant.",
        f"it is called {column} again, with all its values: try so whether somebody needs it.",
        before=f"Release code that doesn't name the column. {answers.because}",
    )
    drops = ChangeDraft(
        words,
        f"drop {hidden}",
        transaction(allowed(f"{head}\n    DROP COLUMN {quote(hidden)}", lint=[("drop-column", answers.because)])),
        transaction(f"{head}\n    ADD COLUMN {quote(hidden)} {answers.type}{default}"),
        checked(
            (gone, f"column {column} of {table.sql} is there"),
            (none(column_is(table, hidden)), f"column {hidden} of {table.sql} is there"),
        ),
        f"ACCESS EXCLUSIVE on {table.sql}, for an instant. THE VALUES ARE LOST.",
        "the column comes back behind all others and without its values; a backup has them.",
        before="Wait until nobody has missed it, and drop its indexes and constraints in changes of their own.",
    )
    return (*([_optional(table, column)] if answers.not_null else []), hides, drops)


def require_type(type_: str, table: QualifiedName, column: str, option: str) -> None:
    """Raises UsageError where it isn't known of which type a column is."""
    if not type_:
        raise UsageError(
            f"Of which type {quote(column)} of {table.sql} is isn't known: the plan doesn't say it.",
            now=NOTHING,
            do=f"Say {option} TYPE, and --default and --not-null where it has them.",
        )


def _optional(table: QualifiedName, column: str) -> ChangeDraft:
    """Nobody has to give the column a value any more: old code and new code both work."""
    head = f"ALTER TABLE {table.sql}"
    return ChangeDraft(
        ("drop", table.name, column, "optional"),
        f"{column} may be NULL",
        transaction(
            allowed(
                f"{head}\n    ALTER COLUMN {quote(column)} DROP NOT NULL",
                lint=[("drop-not-null", "new code leaves the column out, and no code reads it")],
            )
        ),
        not_null_again(table, column),
        checked(
            (
                either(column_is(table, column, "NOT attnotnull"), none(column_is(table, column))),
                f"column {column} of {table.sql} is NOT NULL",
            )
        ),
        f"ACCESS EXCLUSIVE on {table.sql}, for an instant.",
        "it is NOT NULL again, where no row has NULL by then: its rows are read while reads and writes go on.",
    )


def not_null_again(table: QualifiedName, column: str, *, told: bool = True) -> str:
    """The part of a revert script that sets NOT NULL: the rows are read while reads and writes go on. Without `told`
    lint sees by itself whose CHECK it is."""
    name = made_name(table.name, column, "not_null_check")
    head, check = f"ALTER TABLE {table.sql}", f"CHECK ({quote(column)} IS NOT NULL)"
    return (
        transaction(
            f"{head}\n    DROP CONSTRAINT IF EXISTS {quote(name)},\n    ADD CONSTRAINT {quote(name)} {check} NOT VALID"
        )
        + "\n"
        + transaction(
            f"{head}\n    VALIDATE CONSTRAINT {quote(name)}",
            allowed(
                f"{head}\n    ALTER COLUMN {quote(column)} SET NOT NULL",
                lint=[("set-not-null", "the CHECK that says the same was validated just before")],
            ),
            allowed(
                f"{head}\n    DROP CONSTRAINT {quote(name)}",
                lint=[("revert-too-much", "this script has added it")] if told else [],
            ),
        )
    )


PATTERNS = (
    Pattern("add-column", "a column, without the table being written anew", AddColumn, add_column),
    Pattern("not-null", "NOT NULL for a column, without the table being read under a lock", NotNull, not_null),
    Pattern("drop-column", "a column dropped: optional, then hidden, then gone", DropColumn, drop_column),
)
