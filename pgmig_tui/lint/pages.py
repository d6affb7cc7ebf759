"""The pages of the rules in docs/rules/lint, made from the one table: what they show is what the tests hold."""

from __future__ import annotations

from pgmig_tui.lint import table
from pgmig_tui.lint.rule import Example, Rule

_HEAD = """# Rules of lint

`pgmig-tui lint` tells these; what impact advises has its pages [one folder up](../README.md). How they are silenced,
made graver or switched off stands in [docs/lint.md](../../lint.md). These pages are made from the program's table of
rules.

| code | severity | warns of |
|---|---|---|
"""
_SCRIPTS = ("deploy", "revert", "verify")


def page(rule: Rule) -> str:
    parts = [f"# {rule.code}: {rule.about}", f"Severity: {rule.severity}. {rule.why}", rule.fix]
    for heading, example in (("Found", rule.bad), ("Not found", rule.good)):
        parts += [f"## {heading}", *_example(example)]
    parts += ["## Silence it", f"```sql\n-- pgmig: lint ignore {rule.code} and here the reason\n```"]
    return "\n\n".join(parts) + "\n"


def _example(example: Example) -> list[str]:
    if example.revert is None and example.verify is None:
        named = [f"A change `{example.name}`:"] if example.name else []
        return [*named, _sql(example.deploy)]
    found = []
    for kind, text in zip(_SCRIPTS, (example.deploy, example.revert, example.verify), strict=True):
        found.append(f"No {kind} script." if text is None else f"{kind}:\n\n{_sql(text)}")
    return found


def _sql(text: str) -> str:
    return f"```sql\n{text.rstrip()}\n```"


def index() -> str:
    rows = [f"| [{one.code}]({one.code}.md) | {one.severity} | {one.about} |" for one in _sorted()]
    return _HEAD + "\n".join(rows) + "\n"


def pages() -> dict[str, str]:
    """All of them by their file names."""
    return {"README.md": index(), **{f"{one.code}.md": page(one) for one in _sorted()}}


def _sorted() -> list[Rule]:
    return [table.RULES[code] for code in sorted(table.RULES)]
