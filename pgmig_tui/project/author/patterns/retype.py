"""A column that gets another type without its table being written anew: a second column beside it, kept in step by a
trigger, filled in batches, and then in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pgmig_tui.errors import UsageError
from pgmig_tui.project.author.patterns.asked import AskFor, Pattern
from pgmig_tui.project.author.patterns.columns import not_null_again, not_null_steps, require_type
from pgmig_tui.project.author.patterns.draft import (
    ChangeDraft,
    allowed,
    checked,
    dollar,
    literal_of,
    made_name,
    transaction,
)
from pgmig_tui.project.author.patterns.looks import column_is, either, none, of_type
from pgmig_tui.project.author.patterns.rows import RUN_IT, VACUOUS, batches, nothing_to_revert
from pgmig_tui.script.given import NOTHING, Expression, QualifiedName, as_default, type_words
from pgmig_tui.script.quoting import quote, quote_literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeType:
    """A column that gets another type. `type` is the new one, `was` the present one; `default` fits both."""

    table: Annotated[QualifiedName, AskFor("Which table?", "table")]
    column: Annotated[str, AskFor("Which column?", "name")]
    type: Annotated[str, AskFor("Which type does it get?", "type")]
    key: Annotated[tuple[str, ...], AskFor("By which key are rows divided? (NOT NULL, indexed)", "names")]
    was: Annotated[str, AskFor("Which type has it now? (that in the plan, with its default)", "type")] = ""
    using: Annotated[Expression | None, AskFor("How is the new value made? (COLUMN::TYPE)", "expression")] = None
    back_using: Annotated[Expression | None, AskFor("And the old one of the new? (COLUMN::WAS)", "expression")] = None
    default: Annotated[Expression | None, AskFor("With which default?", "value")] = None
    not_null: Annotated[bool, AskFor("Is it NOT NULL?", "flag")] = False


@dataclass(frozen=True, slots=True)
class _Sync:
    """A trigger that fills a column of each row that is written."""

    table: QualifiedName
    name: str
    column: str
    value: str

    @property
    def make(self) -> tuple[str, str]:
        function = self.table.beside(self.name)
        # Of the row as if it were a relation: so that the expression names columns as it does anywhere else.
        value = f"(SELECT {self.value} FROM (SELECT NEW.*) AS written)"
        body = f"BEGIN\n    NEW.{quote(self.column)} := {value};\n    RETURN NEW;\nEND\n"
        mark = dollar(body)
        return (
            f"CREATE FUNCTION {function.sql}() RETURNS trigger\n    LANGUAGE plpgsql\n"
            f"    SET search_path = pg_catalog, pg_temp\nAS {mark}\n{body}{mark}",
            f"CREATE TRIGGER {quote(self.name)}\n    BEFORE INSERT OR UPDATE ON {self.table.sql}\n"
            f"    FOR EACH ROW EXECUTE FUNCTION {function.sql}()",
        )

    @property
    def look(self) -> str:
        """A query that finds the trigger, with the function of its name."""
        return (
            f"FROM pg_catalog.pg_trigger\n         WHERE tgrelid = {literal_of(self.table)}::pg_catalog.regclass\n"
            f"           AND tgname = {quote_literal(self.name)} AND tgenabled = 'O'"
        )

    def drop(self, reason: str = "") -> tuple[str, str]:
        lint = [("drop-object", reason)] if reason else []
        return (
            allowed(f"DROP TRIGGER {quote(self.name)} ON {self.table.sql}", lint=lint),
            allowed(f"DROP FUNCTION {self.table.beside(self.name).sql}()", lint=lint),
        )


def change_type(answers: ChangeType) -> tuple[ChangeDraft, ...]:
    table, column = answers.table, answers.column
    require_type(answers.was, table, column, "--was")
    if type_words(answers.type) == type_words(answers.was):
        raise UsageError(
            f"{answers.type} is {answers.was}, but for its length or precision.",
            now=NOTHING,
            do="Look at `pgmig-tui impact` of ALTER COLUMN TYPE: a longer one rewrites nothing.",
        )
    new, old = made_name(column, "new"), made_name(column, "old")
    using = answers.using.text if answers.using else f"{quote(column)}::{answers.type}"
    back = answers.back_using.text if answers.back_using else f"{quote(column)}::{answers.was}"
    keeps = _Sync(table, made_name(table.name, new, "sync"), new, using)
    keeps_old = _Sync(table, made_name(table.name, old, "sync"), old, back)
    # What a later change of these has made of it: the column has its new type, and the one beside it is gone.
    swapped = f"{column_is(table, column, of_type(answers.type))} AND {_is_absent(table, new)}"
    parts = _Parts(answers, new, old, using, back, keeps, keeps_old, swapped)
    nots = not_null_steps(table, new, "", (), later=swapped) if answers.not_null else ()
    return parts.beside(), parts.filled(), *nots, parts.swap(), parts.end()


def _is_absent(table: QualifiedName, column: str) -> str:
    return none(column_is(table, column)).removeprefix("WHERE ")


@dataclass(frozen=True, slots=True)
class _Parts:
    """The changes, one by one. `new` and `old` are what the columns beside are called."""

    answers: ChangeType
    new: str
    old: str
    using: str
    back: str
    keeps: _Sync
    keeps_old: _Sync
    swapped: str

    def beside(self) -> ChangeDraft:
        table, column = self.answers.table, self.answers.column
        head = f"ALTER TABLE {table.sql}\n    "
        there = column_is(table, self.new, of_type(self.answers.type))
        return ChangeDraft(
            ("retype", table.name, column),
            f"{self.new}, of type {self.answers.type}, is kept in step with {column}",
            transaction(f"{head}ADD COLUMN {quote(self.new)} {self.answers.type}", *self.keeps.make),
            transaction(*self.keeps.drop(), f"{head}DROP COLUMN {quote(self.new)}"),
            checked(
                (either(there, self.swapped), f"column {self.new} of {table.sql} is missing"),
                (either(self.keeps.look, self.swapped), f"trigger {self.keeps.name} of {table.sql} is missing"),
            ),
            f"ACCESS EXCLUSIVE on {table.sql}, for an instant: no row is read or written.",
            f"{self.new} and its trigger go; {column} has all values.",
        )

    def filled(self) -> ChangeDraft:
        table, column = self.answers.table, self.answers.column
        where = f"{quote(self.new)} IS NULL AND ({self.using}) IS NOT NULL"
        wrong = f"rows of {table.sql} have no {self.new} yet"
        missing = f"column {self.new} of {table.sql} is missing"
        # The statement is looked at when it is reached: behind the swap there is no such column any more.
        body = (
            f"BEGIN\n    IF EXISTS (\n        SELECT {column_is(table, self.new)}\n    ) THEN\n"
            f"        IF EXISTS (SELECT FROM {table.sql} WHERE {where}) THEN\n"
            f"            RAISE EXCEPTION USING MESSAGE = {quote_literal(wrong)};\n        END IF;\n"
            f"    ELSIF NOT EXISTS (\n        SELECT {self.swapped}\n    ) THEN\n"
            f"        RAISE EXCEPTION USING MESSAGE = {quote_literal(missing)};\n"
            "    END IF;\nEND\n"
        )
        mark = dollar(body)
        return ChangeDraft(
            ("retype", table.name, column, "fill"),
            f"fill {self.new}",
            transaction(batches(table, self.answers.key, f"{quote(self.new)} = {self.using}", where)),
            nothing_to_revert(f"the values of {self.new} in {table.sql} stay: its trigger keeps them in step"),
            f"-- pgmig: lint ignore verify-proves-nothing {VACUOUS}\n\n"
            + "\n".join(("BEGIN;\n", f"DO {mark}\n{body}{mark};\n", "ROLLBACK;\n")),
            f"ROW EXCLUSIVE on {table.sql}, and each row that is filled: reads go on, and writes of other rows.",
            f"the values of {self.new} stay; the trigger keeps them in step.",
            before=RUN_IT,
            rows=True,
        )

    def _swapping(self, here: str, aside: str, *, forth: bool) -> tuple[str, ...]:
        """The column `here` takes the place of the column itself, which is called `aside`; the default goes along.
        On the way `forth` what goes aside may be NULL from then on."""
        own, default = self.answers.column, self.answers.default
        head = f"ALTER TABLE {self.answers.table.sql}\n    "
        renamed = [("rename", "the name has a column that is kept in step at each moment")] if forth else []
        statements = [
            allowed(f"{head}RENAME COLUMN {quote(own)} TO {quote(aside)}", lint=renamed),
            allowed(f"{head}RENAME COLUMN {quote(here)} TO {quote(own)}", lint=renamed),
        ]
        parts = [f"ALTER COLUMN {quote(own)} SET DEFAULT {as_default(default)}"] if default is not None else []
        parts += [f"ALTER COLUMN {quote(aside)} DROP DEFAULT"] if default is not None else []
        codes = ["drop-default"] if default is not None else []
        if forth and self.answers.not_null:
            parts.append(f"ALTER COLUMN {quote(aside)} DROP NOT NULL")
            codes.append("drop-not-null")
        if parts:
            reasons = [(", ".join(codes), f"the trigger below fills {aside}")] if forth else []
            statements.append(allowed(head + ",\n    ".join(parts), lint=reasons))
        return tuple(statements)

    def swap(self) -> ChangeDraft:
        table, column, not_null = self.answers.table, self.answers.column, self.answers.not_null
        revert = transaction(*self.keeps_old.drop(), *self._swapping(self.old, self.new, forth=False), *self.keeps.make)
        kept = either(self.keeps_old.look, none(column_is(table, self.old)))
        return ChangeDraft(
            ("retype", table.name, column, "swap"),
            f"{column} is of type {self.answers.type}, and {self.old} is kept in step with it",
            transaction(
                *self.keeps.drop("the columns change places, and the trigger below keeps them in step"),
                *self._swapping(self.new, self.old, forth=True),
                *self.keeps_old.make,
            ),
            revert + ("\n" + not_null_again(table, column, told=False) if not_null else ""),
            checked(
                (self.swapped, f"column {column} of {table.sql} is not of type {self.answers.type}"),
                (kept, f"trigger {self.keeps_old.name} of {table.sql} is missing"),
            ),
            f"ACCESS EXCLUSIVE on {table.sql}, for an instant: no row is read or written.",
            f"the columns change places again; {column} has all values, also those that were written since.",
            before=(
                "Build the indexes and constraints that the column has on the new one, in changes of their own; while a"
                " primary key is on the old one this fails."
            ),
        )

    def end(self) -> ChangeDraft:
        table, column, answers = self.answers.table, self.answers.column, self.answers
        head = f"ALTER TABLE {table.sql}\n    "
        where = f"{quote(self.old)} IS NULL AND ({self.back}) IS NOT NULL"
        revert = transaction(f"{head}ADD COLUMN {quote(self.old)} {answers.was}", *self.keeps_old.make)
        revert += "\n" + transaction(f"UPDATE {table.sql}\n   SET {quote(self.old)} = {self.back}\n WHERE {where}")
        return ChangeDraft(
            ("retype", table.name, column, "end"),
            f"drop {self.old}",
            transaction(
                *self.keeps_old.drop("the column that it fills goes"),
                allowed(
                    f"{head}DROP COLUMN {quote(self.old)}",
                    lint=[("drop-column", f"{column} has its values in the new type")],
                ),
            ),
            revert,
            checked(
                (self.swapped, f"column {column} of {table.sql} is not of type {answers.type}"),
                (none(column_is(table, self.old)), f"column {self.old} of {table.sql} is there"),
            ),
            f"ACCESS EXCLUSIVE on {table.sql}, for an instant.",
            f"{self.old} comes back, and is filled from {column} in one statement.",
            before=f"Wait until nobody wants the old type back. What {self.back} can't tell is lost.",
        )


PATTERNS = (Pattern("change-type", "another type for a column, in batches", ChangeType, change_type),)
