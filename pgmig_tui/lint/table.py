"""Every rule there is, in one table, and which of them look at a statement of which kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pgmig_tui.impact.advice import RULES as ADVICE
from pgmig_tui.impact.nodes import Node
from pgmig_tui.lint.finding import Severity
from pgmig_tui.lint.rule import Rule, rule
from pgmig_tui.lint.rules import breaking, names, revert, rows, script, tables, types, verify
from pgmig_tui.lint.state import Hits, LintState

WILL_FAIL: Final = rule(
    "will-fail", "error", "a statement that the server refuses",
    "What the script has done before it, or what the statement says, lets it fail.",
    "See the reason; a statement that can't run in a transaction wants a change of its own.",
    "BEGIN;\nCREATE INDEX CONCURRENTLY i ON app.t (c);\nCOMMIT;", "CREATE INDEX CONCURRENTLY i ON app.t (c);",
)  # fmt: skip
_GROUPS = (script, names, types, tables, rows, breaking, revert, verify)
RULES: Final[Mapping[str, Rule]] = {
    **{one.code: one for group in _GROUPS for one in group.RULES},
    WILL_FAIL.code: WILL_FAIL,
}
"""Lint's own, by their codes."""

_SURE = frozenset({"not-null-without-default"})
"""Of the advice of impact, what lets a statement fail as soon as the table has a row."""

Check = Callable[[Node, LintState], Hits]
_CHECKING = (types, tables, rows, breaking)
CHECKS: Final[Mapping[str, tuple[Check, ...]]] = {
    kind: tuple(group.CHECKS[kind] for group in _CHECKING if kind in group.CHECKS)
    for kind in {kind for group in _CHECKING for kind in group.CHECKS}
}


def known(code: str) -> bool:
    """Whether there is such a rule, of lint or of impact."""
    return code in RULES or code in ADVICE


def severity_of(code: str) -> Severity:
    if code in RULES:
        return RULES[code].severity
    return "error" if code in _SURE else "warning"


def about(code: str) -> str:
    """What a rule warns of."""
    return RULES[code].about if code in RULES else ADVICE[code]


def page_of(code: str) -> str:
    """The page of a rule, from the top of this program's repository."""
    return f"docs/rules/lint/{code}.md" if code in RULES else f"docs/rules/{code}.md"


def codes() -> list[str]:
    return sorted({*RULES, *ADVICE})
