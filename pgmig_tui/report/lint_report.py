"""Findings of lint as a comment of a pull or merge request."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from pgmig_tui.display import words
from pgmig_tui.display.markdown import code, prose
from pgmig_tui.lint.finding import SEVERITIES, LintFinding
from pgmig_tui.lint.formats import counts
from pgmig_tui.report.comment import Fold, comment, heading, row

_SHOWN = 20
"""So many findings are not folded."""


def as_markdown(findings: Sequence[LintFinding], known: int, notes: Sequence[str] = ()) -> str:
    """A table of the gravest, and all of each file to be unfolded. `known`: so many more stand in the baseline; `notes`
    are told with it."""
    number = counts(findings)
    told = [words.count(number["error"], "error"), words.count(number["warning"], "warning")]
    told.append(f"{number['info']} of information alone")
    opening = [f"# Lint: {', '.join(told) if findings else 'no findings'}"]
    opening += ["", f"{known:,} more in the baseline."] if known else []
    for note in notes:
        opening += ["", prose(note)]
    gravest = sorted(findings, key=lambda one: -SEVERITIES.index(one.severity))[:_SHOWN]
    table = heading("where", "severity", "rule", "what") if findings else []
    table += [row(_where(one), one.severity, code(one.code), prose(one.reason)) for one in gravest]
    if len(gravest) < len(findings):
        table.append(row("…", "", "", f"{len(findings) - len(gravest):,} more, below"))
    folds = [_fold(path, list(of)) for path, of in groupby(findings, key=lambda one: one.path)]
    return comment("pgmig-tui lint", opening, table, folds, "pgmig-tui lint")


def _where(one: LintFinding) -> str:
    return f"{code(one.path)} line {one.line}"


def _fold(path: str, found: Sequence[LintFinding]) -> Fold:
    lines = []
    for one in found:
        lines.append(f"- line {one.line}, {one.severity} {code(one.code)}: {prose(one.reason)}")
        if one.fix:
            lines.append(f"  - {prose(one.fix)}")
    weight = max(SEVERITIES.index(one.severity) for one in found)
    return Fold(f"{path}: {words.count(len(found), 'finding')}", tuple(lines), weight)
