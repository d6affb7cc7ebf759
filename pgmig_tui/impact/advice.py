"""The codes under which advice is given, one page each in docs/rules, and how a script silences one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pgmig_tui.impact.result import ScriptImpact
from pgmig_tui.script.preview import Finding, Preview
from pgmig_tui.script.silence import Silence

RULES: Final[dict[str, str]] = {
    "add-column-rewrite": "adding a column that must be written into every row",
    "alter-index-rename": "renaming an index by ALTER TABLE",
    "attach-with-check": "attaching a partition that must be read first",
    "check-not-valid": "adding a CHECK that is validated at once",
    "constraint-using-index": "adding a key whose index is built meanwhile",
    "detach-concurrently": "detaching a partition while nobody reads",
    "domain-not-valid": "adding a constraint to a domain that tables use",
    "drop-index-concurrently": "dropping an index while nobody reads",
    "drop-partition": "dropping a partition that is still attached",
    "fk-not-valid": "adding a foreign key that is validated at once",
    "index-concurrently": "building an index while nobody writes",
    "index-partitions": "building the indexes of all partitions at once",
    "not-null-without-default": "adding a column that no row has a value for",
    "partition-by-attach": "creating a partition while nobody reads or writes",
    "refresh-concurrently": "refreshing a materialized view while nobody reads it",
    "reindex-concurrently": "rebuilding an index while nobody uses it",
    "set-not-null": "reading a whole table to set NOT NULL",
    "split-transaction": "working while an earlier statement's lock is held",
    "type-change-rewrite": "changing a type by rewriting the table",
    "vacuum-full": "rewriting a table to make it smaller",
}
"""Every code that a rule may use, and what it is about. A code is never given another meaning."""


def silenced(impact: ScriptImpact, view: Preview) -> tuple[ScriptImpact, tuple[Finding, ...]]:
    """The impact with its advice marked where the script silences it, and what is wrong with the comments that do.

    `impact` is that of the preview's statements, in their order. Locks, risk and advice stay as they are.
    """
    if not view.silences:
        return impact, ()
    statements = list(impact.statements)
    findings = []
    for comment in view.silences:
        told = [comment.problem] if comment.problem else _troubles(comment, impact)
        findings += [Finding(comment.path, comment.line, "silence", text) for text in told]
        for index in comment.statements:
            one = statements[index]
            given = {advice.rule for advice in one.advice}
            reasons = {rule: comment.reason for rule in comment.rules if rule in given}
            statements[index] = replace(one, silenced={**one.silenced, **reasons})
    return replace(impact, statements=tuple(statements)), tuple(findings)


def _troubles(comment: Silence, impact: ScriptImpact) -> list[str]:
    told = []
    for rule in comment.rules:
        if rule not in RULES:
            told.append(f"there is no rule {rule!r} to silence")
        elif not any(advice.rule == rule for index in comment.statements for advice in impact.statements[index].advice):
            told.append(f"there is no advice {rule} to silence at this statement: the comment can be removed")
    return told
