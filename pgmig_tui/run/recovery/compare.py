"""What stood under the names of a statement before it was sent, and what stands there now: was it carried out?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.objects import Found, SoughtObject, found_in, found_sql

Became = Literal["done", "not", "again", "nothing", "broken", "unclear"]
"""done, not · again: it makes anew what was there · nothing: there was nothing for it to do · broken: it has left
something half done · unclear: others have been there, or the catalog doesn't tell."""

Note = Mapping[str, Any]
Quoted = Callable[[str, str], str]
"""A schema and a name as SQL has them."""


def became(connection: Connection, notes: Sequence[Note]) -> tuple[Became, str, tuple[str, ...]]:
    """(What became of a statement, why, what repairs that it has left), by all that was noted of it. Raises
    ServerError."""
    asked = [_named(note) for note in notes] + [_moved(note) for note in notes if note.get("want") == "moved"]
    found = found_in(connection.execute(found_sql(asked)))
    there, after = found[: len(notes)], iter(found[len(notes) :])

    def quoted(schema: str, name: str) -> str:
        names = {"schema": schema, "name": name}
        row = connection.one("SELECT pg_catalog.format('%%I.%%I', %(schema)s::text, %(name)s::text)", names)
        return str(row[0]) if row else ""

    told = [
        _one(note, now, next(after) if note.get("want") == "moved" else None, quoted)
        for note, now in zip(notes, there, strict=True)
    ]
    for one in told:
        if one[0] == "broken":
            return one
    outcomes: tuple[Became, ...] = ("unclear", "done", "not", "again", "nothing")
    for outcome in outcomes:
        said = [one for one in told if one[0] == outcome]
        if not said:
            continue
        if outcome == "done" and any(one[0] == "not" for one in told):
            other = next(one for one in told if one[0] == "not")
            return "unclear", f"{said[0][1]}, but {other[1]}", ()
        return said[0]
    return "unclear", "", ()


def _named(note: Note) -> SoughtObject:
    return SoughtObject(
        str(note["kind"]),
        str(note["name"]),
        str(note.get("schema", "")),
        str(note.get("part", "")),
        str(note.get("part_schema", "")),
        None if note.get("any") else (),
        sig=str(note.get("sig", "")),
    )


def _moved(note: Note) -> SoughtObject:
    to, old = note["to"], _named(note)
    return SoughtObject(
        old.kind,
        str(to["name"]),
        str(to.get("schema", "")),
        str(to.get("part", "")),
        old.part_schema,
        old.args,
        sig=old.sig,
    )


def _one(note: Note, now: Found, moved: Found | None, quoted: Quoted) -> tuple[Became, str, tuple[str, ...]]:
    what, oid, owner = _told(note), str(note.get("oid", "")), str(note.get("owner", ""))
    if owner and now.owner and now.owner != owner:
        return "unclear", f"{what}: another object has the name that it belonged to", ()
    match note["want"]:
        case "made":
            return _made(note, now, what, oid, quoted)
        case "gone":
            return _gone(note, now, what, oid, quoted)
        case "moved":
            assert moved is not None
            return _renamed(now, moved, what, oid)
    word = str(note.get("what", ""))
    wanted = note["want"] == "has"
    if not oid or now.oid != oid:
        return "unclear", f"{what} is gone, or another" if oid else "", ()
    told = f"{what} is {'' if word in now.state.split() else 'not '}{word}"
    if (word in str(note.get("state", "")).split()) == wanted:
        return "nothing", f"{told}, as it was before", ()
    return ("done" if (word in now.state.split()) == wanted else "not"), told, ()


def _made(note: Note, now: Found, what: str, oid: str, quoted: Quoted) -> tuple[Became, str, tuple[str, ...]]:
    if note["kind"] == "indexes":
        return _new_index(note, now, what, oid)
    if oid and note.get("replaces"):
        return "again", f"{what} was there before it was sent, and is made anew by it", ()
    if oid:
        if now.oid != oid:
            return "unclear", f"{what} was there before it was sent, and is another now", ()
        return "not", f"{what} was there before it was sent", ()
    if not now.oid:
        return "not", f"{what} is not there", ()
    if now.state == "invalid":
        name = quoted(now.schema, _index_name(note))
        return "broken", f"{what} is there and INVALID", (
            f"DROP INDEX CONCURRENTLY {name}", f"REINDEX INDEX CONCURRENTLY {name}",
        )  # fmt: skip
    if now.state == "other":
        return "unclear", f"{what} is there, and on another table", ()
    return "done", f"{what} is there", ()


def _index_name(note: Note) -> str:
    return str(note["part"] if note["kind"] == "index" else note["name"])


def _new_index(note: Note, now: Found, what: str, oid: str) -> tuple[Became, str, tuple[str, ...]]:
    """An index without a name in the statement: PostgreSQL has chosen one."""
    new = set(now.oid.split()) - set(oid.split())
    if not new:
        return "not", f"{what} was not made: there is none that wasn't there before", ()
    ruined = [name for name in now.state.split(", ") if name and name not in str(note.get("state", "")).split(", ")]
    if ruined:
        return "broken", f"index {ruined[0]} is there and INVALID", tuple(
            f"{how} INDEX CONCURRENTLY {ruined[0]}" for how in ("DROP", "REINDEX")
        )  # fmt: skip
    return "unclear", f"{what} is new; whether it is the one that the statement makes isn't known", ()


def _gone(note: Note, now: Found, what: str, oid: str, quoted: Quoted) -> tuple[Became, str, tuple[str, ...]]:
    if not oid:
        return "nothing", f"{what} was not there before it was sent", ()
    if now.oid != oid:
        return "done", f"{what} is gone", ()
    if now.state == "invalid" and note.get("state") == "valid":
        name = quoted(now.schema, str(note["name"]))
        return "broken", f"{what} is half dropped: it is there and INVALID", (f"DROP INDEX CONCURRENTLY {name}",)
    if now.state == "pending" and note.get("state") != "pending":
        parent = quoted(now.schema, str(note["name"]))
        part = quoted(str(note.get("part_schema", "")) or now.schema, str(note["part"]))
        return "broken", f"{what} is half detached", (f"ALTER TABLE {parent} DETACH PARTITION {part} FINALIZE",)
    return "not", f"{what} is still there", ()


def _renamed(now: Found, moved: Found, what: str, oid: str) -> tuple[Became, str, tuple[str, ...]]:
    if not oid:
        return "unclear", f"{what} was not there before it was sent", ()
    if moved.oid == oid:
        return "done", f"{what} has its new name", ()
    if now.oid == oid:
        return "not", f"{what} has the name that it had", ()
    return "unclear", f"{what} has neither its old name nor its new one", ()


def _told(note: Note) -> str:
    schema = str(note.get("schema", ""))
    return f"{note.get('told') or note['kind']}" + (f" (schema {schema})" if schema else "")
