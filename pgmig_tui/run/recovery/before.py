"""What is noted before a statement is sent that commits by itself, so that somebody can tell later what became of it.

Names are resolved in the session that will run it, under whatever role and search_path the script has chosen. The note
goes into the journal with the statement and needs nothing else to be read: neither the script nor the session.
"""

from __future__ import annotations

from collections.abc import Mapping

from pgmig_tui.database.objects import Found, SoughtObject, found_in, found_sql
from pgmig_tui.database.wire import Wire
from pgmig_tui.run.journal.events import StatementNotes
from pgmig_tui.run.recovery.effects import Subject, effects_of
from pgmig_tui.run.recovery.rewrites import files_before, rewrite_of
from pgmig_tui.script.parse import parse

_TELLS_NOTHING = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "COPY", "DO", "CALL", "BEGIN", "COMMIT"})
"""Kinds that leave nothing in the catalog to look for."""
_MOST = 100
"""Objects of one statement that are looked for; of one that names more, nothing is known by them."""


def noted_before(wire: Wire, text: str, kind: str) -> StatementNotes:
    """Fields of `statement_started`: `objects`, what stands under the names that the statement is about; `files` and
    `rewrite`, of what it gives new files; `repeat`, why it needs no evidence. Never raises for the server: what it
    doesn't tell isn't noted."""
    if kind in _TELLS_NOTHING:
        return {}
    if not text.isascii() and wire.parameter("client_encoding") != "UTF8":
        return {}  # our question would be read as other names
    nodes = parse(text, 1).nodes
    if len(nodes) != 1:
        return {}
    effects, rewrite = effects_of(nodes[0]), rewrite_of(nodes[0])
    told: StatementNotes = {"repeat": effects.repeat} if effects.repeat else {}
    if rewrite is not None and (files := files_before(wire, rewrite)):
        told["files"], told["rewrite"] = tuple(map(tuple, files)), tuple(rewrite.flags)
    if effects.subjects and (objects := _objects(wire, effects.subjects)):
        told["objects"] = objects
    return told


def _objects(wire: Wire, subjects: tuple[Subject, ...]) -> tuple[Mapping[str, object], ...]:
    if len(subjects) > _MOST:
        return ()
    exchange = wire.run(found_sql([one.named for one in subjects]).encode())
    if exchange.error is not None:
        return ()
    found = found_in(exchange.last.rows)
    return tuple(_note(one, there) for one, there in zip(subjects, found, strict=True) if _resolved(one.named, there))


def _resolved(named: SoughtObject, there: Found) -> bool:
    """Whether the signature means anything: of a type that isn't there nothing can be told."""
    return not named.args or bool(there.sig)


def _note(subject: Subject, there: Found) -> dict[str, object]:
    named = subject.named
    note: dict[str, object] = {
        "kind": named.kind, "name": named.name, "schema": there.schema, "part": named.part,
        "part_schema": there.part_schema, "sig": there.sig, "any": named.args is None, "owner": there.owner,
        "oid": there.oid, "state": there.state, "want": subject.want, "what": subject.what, "told": subject.told,
        "replaces": subject.replaces,
    }  # fmt: skip
    if (to := subject.to) is not None:
        note["to"] = {"name": to.name, "schema": to.schema or there.schema, "part": to.part}
    return {name: value for name, value in note.items() if value}
