"""Scripts that a test has written down, looked at as `lint` looks at those of a project."""

from __future__ import annotations

from collections.abc import Mapping

from pgmig_tui.lint.finding import LintFinding
from pgmig_tui.lint.inspect import LintReading, LintSource, Scripts, lint_one
from pgmig_tui.lint.rule import Example
from pgmig_tui.project.lint_settings import LintSettings
from tests.memory_files import MemoryFiles

NAME = "20260131_0001_change"


def look(
    deploy: str | bytes,
    revert: str | None = None,
    verify: str | None = None,
    *,
    name: str = "",
    settings: LintSettings | None = None,
    files: Mapping[str, bytes] | None = None,
) -> list[LintFinding]:
    """Of a file by itself, unless there is a revert or a verify script, or a `name`."""
    alone = revert is None and verify is None
    data = deploy if isinstance(deploy, bytes) else deploy.encode()
    scripts = Scripts(
        name or ("" if alone else NAME),
        LintSource("deploy/x.sql", data),
        None if revert is None else LintSource("revert/x.sql", revert.encode()),
        None if verify is None else LintSource("verify/x.sql", verify.encode()),
        complete=not alone,
    )
    return lint_one(scripts, LintReading(MemoryFiles(files or {}), settings or LintSettings()))


def codes(deploy: str | bytes, revert: str | None = None, verify: str | None = None, *, name: str = "") -> set[str]:
    return {one.code for one in look(deploy, revert, verify, name=name)}


def of_example(example: Example) -> set[str]:
    return codes(example.deploy, example.revert, example.verify, name=example.name)
