"""What a script says, apart from how it is written: comments, white space and the case of keywords don't count.

Each statement is written anew from PostgreSQL's own parse tree, so a literal counts as it stands, and with it the body
of a function. psql's commands count as written.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from hashlib import sha256

from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.files import Allow
from pgmig_tui.script.parse import parse
from pgmig_tui.script.preview import preview
from pgmig_tui.script.problems import ScriptRefused

_FACTS = ServerFacts(180000, "dbname", "username")


class _OneFile:
    """A script is looked at by itself: what it includes may be another file by now."""

    def read(self, path: str, *, relative_to: str | None, line: int) -> tuple[str, bytes]:
        raise ScriptRefused(relative_to or path, line, f"{path} isn't read", do="")

    def resolve(self, path: str, *, relative_to: str | None, line: int) -> str:
        return path


def meaning(name: str, script: bytes) -> tuple[str, ...] | None:
    """The statements and commands of a script in their order, each in one way of writing; None where that can't be
    told: rows of a COPY stand in it, or it can't be read to its end."""
    view = preview(name, script, _OneFile(), {}, Allow(), _FACTS)
    if any(one.refuses for one in view.findings) or any(one.copy_data for one in view.statements):
        return None
    found = [
        (one.line, f"{_rewritten(one.text, one.line, one.variables)} {one.then} {one.argument}")
        for one in view.statements
    ]
    found += [(one.line, " ".join(one.text.split())) for one in view.metas]
    return tuple(text for _, text in sorted(found, key=lambda one: one[0]))


def meaning_hash(name: str, script: bytes) -> str:
    """SHA-256 of what a script says; "" where that can't be told."""
    found = meaning(name, script)
    return "" if found is None else sha256("\0".join(found).encode("utf-8", "surrogatepass")).hexdigest()


def difference(before: bytes, after: bytes, limit: int = 60) -> Sequence[str]:
    """The lines in which two scripts differ, as diff -u writes them, at most so many."""
    one, other = (text.decode("utf-8", "replace").splitlines() for text in (before, after))
    lines = list(difflib.unified_diff(one, other, "there", "here", lineterm="", n=1))
    return lines if len(lines) <= limit else [*lines[:limit], f"… and {len(lines) - limit} lines more"]


def _rewritten(text: str, line: int, variables: tuple[str, ...]) -> str:
    import postgast

    parsed = parse(text, line, variables)
    if parsed.problem is not None or not parsed.nodes:
        return text.strip()
    tree = postgast.pg_query_pb2.ParseResult(stmts=[postgast.pg_query_pb2.RawStmt(stmt=node) for node in parsed.nodes])
    try:
        return str(postgast.deparse(tree))
    except postgast.PgQueryError:
        return text.strip()
