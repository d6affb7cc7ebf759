"""Findings as other programs read them.

Sources: SARIF 2.1.0 (OASIS, 2020), GitHub's workflow commands, GitLab's code quality report (a part of Code Climate's).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from pgmig_tui import __version__
from pgmig_tui.display.safe import safe
from pgmig_tui.lint import table
from pgmig_tui.lint.finding import SEVERITIES, LintFinding

_SARIF_LEVEL: Final[Mapping[str, str]] = {"error": "error", "warning": "warning", "info": "note"}
_GITHUB: Final[Mapping[str, str]] = {"error": "error", "warning": "warning", "info": "notice"}
_GITLAB: Final[Mapping[str, str]] = {"error": "major", "warning": "minor", "info": "info"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def counts(findings: Sequence[LintFinding]) -> dict[str, int]:
    """How many there are of each severity, the gravest first."""
    return {grade: sum(one.severity == grade for one in findings) for grade in reversed(SEVERITIES)}


def as_json(findings: Sequence[LintFinding], known: int, schema: Mapping[str, object] | None = None) -> str:
    """`known`: so many more stand in the baseline; `schema`: the dump by whose schema they were found."""
    rows = ", ".join(json.dumps(one.to_json()) for one in findings)
    by = "" if schema is None else f'"schema": {json.dumps(schema)}, '
    return f'{{"counts": {json.dumps(counts(findings))}, "in_baseline": {known}, {by}"findings": [{rows}]}}\n'


def as_sarif(findings: Sequence[LintFinding], known: int) -> str:
    codes = sorted({one.code for one in findings})
    rules = [
        {
            "id": code,
            "shortDescription": {"text": table.about(code)},
            "help": {"text": f"{table.page_of(code)} of pgmig-tui"},
            "defaultConfiguration": {"level": _SARIF_LEVEL[table.severity_of(code)]},
        }
        for code in codes
    ]
    results = [
        {
            "ruleId": one.code,
            "ruleIndex": codes.index(one.code),
            "level": _SARIF_LEVEL[one.severity],
            "message": {"text": f"{one.reason}. {one.fix}".strip()},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": quote(one.path, errors="surrogatepass")},
                        "region": {"startLine": one.line, "startColumn": one.column},
                    }
                }
            ],
            "partialFingerprints": {"pgmigTui/v1": one.fingerprint},
        }
        for one in findings
    ]
    driver = {"name": "pgmig-tui", "version": __version__, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def as_github(findings: Sequence[LintFinding], known: int) -> str:
    """A workflow command a finding, which GitHub shows beside the line."""
    return "".join(
        f"::{_GITHUB[one.severity]} file={_property(one.path)},line={one.line},col={one.column},"
        f"title={_property(one.code)}::{_data(f'{one.reason}. {one.fix}')}\n"
        for one in findings
    )


def _data(text: str) -> str:
    text = safe(text, multiline=True)
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def as_gitlab(findings: Sequence[LintFinding], known: int) -> str:
    rows = [
        {
            "description": f"{one.reason}. {one.fix}".strip(),
            "check_name": one.code,
            "fingerprint": one.fingerprint,
            "severity": _GITLAB[one.severity],
            "location": {"path": one.path, "lines": {"begin": one.line}},
        }
        for one in findings
    ]
    return json.dumps(rows, indent=1) + "\n"


WRITERS: Final[Mapping[str, Callable[[Sequence[LintFinding], int], str]]] = {
    "json": as_json, "sarif": as_sarif, "github": as_github, "gitlab": as_gitlab,
}  # fmt: skip


def at_least(findings: Sequence[LintFinding], grade: str) -> bool:
    """Whether one is as grave as that."""
    wanted = [str(one) for one in SEVERITIES].index(grade)
    return any(SEVERITIES.index(one.severity) >= wanted for one in findings)
