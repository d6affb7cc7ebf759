"""What a rule is called, how grave it is, and what its page says."""

from __future__ import annotations

from dataclasses import dataclass, field

from pgmig_tui.lint.finding import Severity


@dataclass(frozen=True, slots=True)
class Example:
    """The scripts of a change; None = there is no such script."""

    deploy: str = ""
    revert: str | None = None
    verify: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """`code` is never given another meaning. `about` completes "it warns of …", `why` and `fix` are whole sentences.

    `bad` has a finding with this code and `good` has none: the tests hold both, and the rule's page shows them.
    """

    code: str
    severity: Severity
    about: str
    why: str
    fix: str
    bad: Example
    good: Example = field(default_factory=Example)


def rule(code: str, severity: Severity, about: str, why: str, fix: str, bad: str, good: str = "") -> Rule:
    """A rule whose examples are deploy scripts."""
    return Rule(code, severity, about, why, fix, Example(bad), Example(good))
