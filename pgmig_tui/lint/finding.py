"""One thing that is wrong with a script, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "error")
"""The weakest first."""


@dataclass(frozen=True, slots=True)
class LintFinding:
    """`line` and `column` (in characters) from 1 in the file `path`, which is relative to the project where it lies
    inside. `change` is "" for a file that belongs to none. `fingerprint` (64 hex digits) stays the same when the lines
    above change: it is made of the path, the code and what the line says. All texts may hold names of the script.
    """

    path: str
    line: int
    column: int
    code: str
    severity: Severity
    reason: str
    fix: str
    change: str = ""
    fingerprint: str = ""

    def to_json(self) -> dict[str, object]:
        """An element of "findings" of `lint --json`."""
        return {
            "path": self.path, "line": self.line, "column": self.column, "change": self.change, "code": self.code,
            "severity": self.severity, "reason": self.reason, "fix": self.fix, "fingerprint": self.fingerprint,
        }  # fmt: skip
