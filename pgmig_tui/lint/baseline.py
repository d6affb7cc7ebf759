"""Findings that an old project has already, kept in a file so that only new ones are told."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pgmig_tui.errors import ProjectError
from pgmig_tui.lint.finding import LintFinding
from pgmig_tui.script.regular import PLAN_BYTES, read_bounded

FORMAT = 1


def read_baseline(path: Path) -> frozenset[str]:
    """The fingerprints in a file. Raises ProjectError."""
    try:
        document = json.loads(read_bounded(path, PLAN_BYTES))
        if document["format"] != FORMAT:
            raise ValueError(f"it is of format {document['format']}, and this program knows {FORMAT}")
        return frozenset(str(one["fingerprint"]) for one in document["findings"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        why = getattr(error, "strerror", None) or (str(error) if isinstance(error, ValueError) else "it is no baseline")
        raise ProjectError(
            f"The baseline {path} can't be read: {why}.",
            now="Nothing was looked at.",
            do="Write it with `pgmig-tui lint --write-baseline FILE`.",
        ) from error


def baseline_text(findings: Iterable[LintFinding]) -> str:
    """The file, one finding a line, in the order of their places: what comes and goes shows in a diff."""
    rows = [
        json.dumps({"path": one.path, "code": one.code, "fingerprint": one.fingerprint}, ensure_ascii=True)
        for one in findings
    ]
    inner = ",\n".join(f"  {row}" for row in rows)
    return f'{{"format": {FORMAT}, "findings": [\n{inner}\n]}}\n'


def fresh(findings: Iterable[LintFinding], known: frozenset[str]) -> list[LintFinding]:
    """Those that the baseline doesn't hold."""
    return [one for one in findings if one.fingerprint not in known]
