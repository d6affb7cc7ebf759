"""What stands under a name, by the catalog: asked before a statement is sent, and again when nobody knows what became
of it.

Before, names are resolved by the very session that will run the statement: what it makes goes into the first schema of
its search_path, what it changes is the first of that name there. Afterwards the same is asked for by schema, and OIDs
tell whether it is still the same object. Lock-free reads of the catalog only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pgmig_tui.database.text import bind, ident, literal, load

_IN_SCHEMA: Mapping[str, tuple[str, str, str]] = {
    "type": ("pg_type", "typname", "typnamespace"),
    "collation": ("pg_collation", "collname", "collnamespace"),
    "conversion": ("pg_conversion", "conname", "connamespace"),
    "statistics": ("pg_statistic_ext", "stxname", "stxnamespace"),
    "text search parser": ("pg_ts_parser", "prsname", "prsnamespace"),
    "text search dictionary": ("pg_ts_dict", "dictname", "dictnamespace"),
    "text search template": ("pg_ts_template", "tmplname", "tmplnamespace"),
    "text search configuration": ("pg_ts_config", "cfgname", "cfgnamespace"),
}
_OF_ITS_OWN: Mapping[str, tuple[str, str]] = {
    "schema": ("pg_namespace", "nspname"),
    "extension": ("pg_extension", "extname"),
    "language": ("pg_language", "lanname"),
    "foreign-data wrapper": ("pg_foreign_data_wrapper", "fdwname"),
    "server": ("pg_foreign_server", "srvname"),
    "publication": ("pg_publication", "pubname"),
    "subscription": ("pg_subscription", "subname"),
    "event trigger": ("pg_event_trigger", "evtname"),
    "access method": ("pg_am", "amname"),
    "role": ("pg_roles", "rolname"),
    "database": ("pg_database", "datname"),
    "tablespace": ("pg_tablespace", "spcname"),
}
_PART = re.compile(r"^/\* kind: (.*?) \*/\n", re.MULTILINE)
_PATH = "pg_catalog.current_schemas(true)"


@dataclass(frozen=True, slots=True)
class SoughtObject:
    """A name to look under. `schema` "" is the session's to find: where it makes things (`makes`), or the first of its
    search_path that has one. `part` is a column, constraint, trigger, label … of it, or the partition, whose schema is
    `part_schema`. `args` are types as SQL has them (a signature), None where the statement names none, "" for NONE.
    `sig` is a signature that was resolved before."""

    kind: str
    name: str
    schema: str = ""
    part: str = ""
    part_schema: str = ""
    args: tuple[str, ...] | None = None
    makes: bool = False
    sig: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What stands there: all "" where nothing does. `owner` is the OID of what a part belongs to, `oid` the object's
    own (a column's number), `state` what of it a statement may change, `sig` the resolved signature. `schema` is where
    it is, or where it would be made; `part_schema` that of the partition."""

    schema: str = ""
    owner: str = ""
    oid: str = ""
    state: str = ""
    sig: str = ""
    part_schema: str = ""


def found_sql(names: Sequence[SoughtObject]) -> str:
    """One query: a row for each name, in order, with the columns of `Found`, all text or NULL."""
    asked = [_one_sql(number, name) for number, name in enumerate(names)]
    return " UNION ALL ".join(asked) + " ORDER BY 1"


def found_in(rows: Iterable[Sequence[Any]]) -> list[Found]:
    """The rows of `found_sql`'s answer."""
    return [Found(*("" if value is None else str(value) for value in row[1:])) for row in rows]


def _one_sql(number: int, name: SoughtObject) -> str:
    kind, more = name.kind, {}
    if kind in _IN_SCHEMA:
        catalog, named, namespace = _IN_SCHEMA[kind]
        kind, more = "in a schema", {":catalog": f"pg_catalog.{catalog}", ":namespace": namespace, ":named": named}
    elif kind in _OF_ITS_OWN:
        catalog, named = _OF_ITS_OWN[kind]
        kind, more = "of its own", {":catalog": f"pg_catalog.{catalog}", ":named": named}
    sql = _parts()[kind]
    any_signature = name.args is None and not name.sig
    more |= {
        ":within2": _within("m", name.part_schema, makes=False),
        ":within": _within("n", name.schema, makes=name.makes),
        ":order2": _order("m"),
        ":order": _order("n"),
        ":anysig": "true" if any_signature else "false",
        ":user": _user(name.part),
    }
    for placeholder, text in more.items():
        sql = sql.replace(placeholder, text)
    sql = bind(sql, {"name": name.name, "part": name.part})
    where = _where(name)
    return (
        f"(SELECT {number} AS number, coalesce(o.schema, {where}), o.owner, o.oid, o.state, given.sig,"
        f" {_part_schema(name)} FROM (SELECT {_signature(name)} AS sig) AS given"
        f" LEFT JOIN LATERAL ({sql}) AS o ON true)"
    )


def _where(name: SoughtObject) -> str:
    """Where a thing goes that isn't there yet."""
    if name.kind in _OF_ITS_OWN or name.kind == "cast":
        return "NULL::pg_catalog.text"
    if name.schema:
        return literal(name.schema) + "::pg_catalog.text"
    return "pg_catalog.current_schema()::pg_catalog.text" if name.makes else "NULL::pg_catalog.text"


def _part_schema(name: SoughtObject) -> str:
    if name.kind != "partition":
        return "NULL::pg_catalog.text"
    if name.part_schema:
        return literal(name.part_schema) + "::pg_catalog.text"
    return (
        "(SELECT m.nspname::pg_catalog.text FROM pg_catalog.pg_namespace m JOIN pg_catalog.pg_class x ON x.relnamespace"
        f" OPERATOR(pg_catalog.=) m.oid WHERE x.relname OPERATOR(pg_catalog.=) {literal(name.part)}"
        f" AND {_within('m', '', makes=False)} ORDER BY {_order('m')} LIMIT 1)"
    )


def _within(alias: str, schema: str, *, makes: bool) -> str:
    if schema == "pg_temp":
        return f"{alias}.oid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()"
    if schema:
        return f"{alias}.nspname OPERATOR(pg_catalog.=) {literal(schema)}"
    if makes:
        return f"{alias}.nspname OPERATOR(pg_catalog.=) pg_catalog.current_schema()"
    return f"pg_catalog.array_position({_PATH}, {alias}.nspname) IS NOT NULL"


def _order(alias: str) -> str:
    return f"pg_catalog.array_position({_PATH}, {alias}.nspname)"


def _user(name: str) -> str:
    """The role of a user mapping, by what stands for it in the statement."""
    special = {"": "'public'", "CURRENT_USER": "current_user", "SESSION_USER": "session_user"}
    return special.get(name) or literal(name)


def _signature(name: SoughtObject) -> str:
    if name.sig:
        return literal(name.sig) + "::pg_catalog.text"
    if name.args is None:
        return "NULL::pg_catalog.text"
    if not name.args:
        return "''::pg_catalog.text"
    # Of a type that isn't there the OID is NULL, and so is the whole.
    oids = (
        f"pg_catalog.to_regtype({literal(one)})::pg_catalog.oid::pg_catalog.text" if one else "'0'::pg_catalog.text"
        for one in name.args
    )
    return " OPERATOR(pg_catalog.||) ' '::pg_catalog.text OPERATOR(pg_catalog.||) ".join(oids)


@cache
def _parts() -> dict[str, str]:
    pieces = _PART.split(load("queries/objects"))
    return {kind: sql.strip() for kind, sql in zip(pieces[1::2], pieces[2::2], strict=True)}


def type_sql(names: Sequence[str], dimensions: int) -> str:
    """A type as SQL has it, from the names of its parse tree."""
    return ".".join(ident(name) for name in names) + "[]" * bool(dimensions)
