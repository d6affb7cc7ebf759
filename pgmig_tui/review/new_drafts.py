"""Answers made into drafts of changes, with what the plan knows: what an enum's values are, what a column is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pgmig_tui.errors import UsageError
from pgmig_tui.gates.impacts import NEWEST
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.result import ScriptImpact
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.lint.effects import Thing
from pgmig_tui.project.author.patterns.asked import Pattern
from pgmig_tui.project.author.patterns.columns import AddColumn, DropColumn
from pgmig_tui.project.author.patterns.draft import ChangeDraft
from pgmig_tui.project.author.patterns.retype import ChangeType
from pgmig_tui.project.author.patterns.types import EnumValue
from pgmig_tui.project.project import Project
from pgmig_tui.review.column_in_plan import column_in_plan
from pgmig_tui.review.enum_in_plan import enum_in_plan
from pgmig_tui.review.new_changes import look_back, script_view
from pgmig_tui.script.given import Expression, QualifiedName
from pgmig_tui.script.quoting import quote_literal
from pgmig_tui.script.shape import wraps


def drafts_of(project: Project, pattern: Pattern, texts: Mapping[str, Sequence[str]]) -> tuple[ChangeDraft, ...]:
    """The changes that answers make. Where a default would be written into every row, the column comes first, and the
    rows that are there are filled in batches. What isn't said of an enum type the plan says. Raises UsageError."""
    answers = pattern.read(texts)
    if isinstance(answers, EnumValue) and not answers.labels:
        answers = _with_values(project, answers)
    elif isinstance(answers, DropColumn) and not answers.type:
        answers = replace(answers, **_as_planned(project, answers, "type"))
    elif isinstance(answers, ChangeType) and not answers.was:
        answers = replace(answers, **_as_planned(project, answers, "was"))
    drafts = pattern.drafts(answers)
    if isinstance(answers, DropColumn | ChangeType):
        return _with_what_hangs_on(project, drafts, answers.table, answers.column)
    if isinstance(answers, AddColumn) and answers.default is not None and not answers.per_row:
        found = predict_script(script_view(drafts[0].deploy).statements, None, NEWEST)
        if any(one.rewrites for one in found.statements):
            return pattern.drafts(replace(answers, per_row=True))
    return drafts


def _as_planned(project: Project, answers: DropColumn | ChangeType, of_type: str) -> dict[str, Any]:
    """The fields of answers that say what their column is, as the plan has made it; a default that was given counts.
    Raises UsageError for a column that has more to it than they can say."""
    table, column = answers.table, answers.column
    found = column_in_plan(project, table, column)
    if found is None:
        return {}
    if not found.whole:
        raise UsageError(
            f"{table.sql} has a column {column} that is generated, an identity, or has a collation.",
            now="Nothing was changed.",
            do="Write the change by hand: its revert script has to make all of that again.",
        )
    default = Expression(found.default) if found.default else None
    return {of_type: found.type, "default": answers.default or default, "not_null": found.not_null}


def _with_what_hangs_on(
    project: Project, drafts: tuple[ChangeDraft, ...], table: QualifiedName, column: str
) -> tuple[ChangeDraft, ...]:
    """The drafts, of which the last two say what the plan has made on the column that is hidden, then goes."""
    earlier = look_back(project, drafts[:1])
    parts = (table.name, column) if table.schema == "public" else (table.schema, table.name, column)
    on_it = [
        f"{thing.kind} {thing.name[-1]}"
        for thing in earlier.makers
        if thing.kind in ("index", "constraint", "trigger")
        and Thing("column", parts) in earlier.parents.get(thing, frozenset())
    ]
    if not on_it:
        return drafts
    told = f"The plan has made on {column}: {', '.join(sorted(on_it))}."
    return (*drafts[:-2], *(replace(one, before=f"{one.before} {told}".strip()) for one in drafts[-2:]))


def foretold(drafts: Sequence[ChangeDraft]) -> tuple[ScriptImpact, ...]:
    """The impact of deploy scripts one after the other, from their text alone: while answers are still given."""
    catalog = Catalog(None)
    found = []
    for draft in drafts:
        view = script_view(draft.deploy)
        found.append(predict_script(view.statements, None, NEWEST, wrapped=wraps(view), catalog=catalog))
        catalog.settle()
    return tuple(found)


def _with_values(project: Project, answers: EnumValue) -> EnumValue:
    found = enum_in_plan(project, answers.type)
    defaults = sorted(set(found.used_by.values()))
    if len(defaults) > 1:
        raise UsageError(
            f"The columns of {answers.type.sql} have several defaults: {', '.join(one or 'none' for one in defaults)}.",
            now="Nothing was changed.",
            do="Say --labels, --used-by and --default for the columns of one default, and add the others by hand.",
        )
    return replace(
        answers,
        labels=tuple(map(quote_literal, found.labels)),
        used_by=answers.used_by or tuple(found.used_by),
        default=answers.default or "".join(defaults),
    )
