"""Our own tables, and Sqitch's, as they are found: plain storage, or something that would run code of others.

Whoever may create objects in a database may have made them before us: a table with a trigger, a view of the name, a
default that calls a function. It would run as the role that we have logged in as. So nothing is read from them, or
written into them, but behind a look at the catalogs: under a lock that keeps what was seen as it is, or in the very
statement that writes, which locks its tables before it sees anything. Who owns them doesn't matter: teams deploy under
several roles.

What a look finds is raised by the server, so that nothing behind it in the same message is carried out. SQL has no
RAISE outside functions: a text that isn't a time is cast to one, which carries the sentence into the message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.database.text import AND_THEN, ident, literal, load
from pgmig_tui.database.tracking_text import FUNCTIONS, HEAD, bodies, shape_of
from pgmig_tui.errors import Refused

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection

_OIDS = ("relations", "functions")
GUARD = "pgmig guard: "
_FOUND = "tables of Sqitch or pgmig-tui are not as they should be: "


@dataclass(frozen=True, slots=True)
class Tables:
    """Tables of one schema."""

    schema: str
    names: tuple[str, ...]


def registry_tables(schema: str) -> Tables:
    """Those of Sqitch. All of them, because their foreign keys must stay among themselves."""
    return Tables(schema, ("projects", "releases", "changes", "tags", "dependencies", "events"))


def tracking_tables(schema: str) -> Tables:
    """Those of both versions: one that isn't there is no finding. The functions that write them come with the head."""
    return Tables(schema, ("schema_migrations", "schema_audit", "evidence", HEAD))


def sentence_of(message: str) -> str | None:
    """The sentence of a guard in a server's error message, None when it is no guard's."""
    start = message.find(GUARD)
    return message[start + len(GUARD) :].rstrip('"') if start >= 0 else None


def refused(message: str) -> Refused | None:
    """What to raise for a server's error message, None when it isn't that of a look."""
    sentence = sentence_of(message)
    if sentence is None or not sentence.startswith(_FOUND):
        return None
    return Refused(
        sentence,
        now="Nothing of it was read or written.",
        do="Find out who made that, and why: they are plain tables, with nobody's code and no row-level security.",
    )


def found_sql(*tables: Tables) -> str:
    """A query of one text: what would run code of others when these are written, NULL where nothing would."""
    found = load("queries/foreign_code").replace(":tables", _values(tables))
    functions = ", ".join(
        f"({literal(one.schema)}, {literal(name)}, {literal(arguments)}, {literal(body)})"
        for one in tables
        if HEAD in one.names
        for name, arguments, body in bodies(one.schema)
    )
    if not functions:
        return found
    theirs = load("queries/foreign_functions").replace(":functions", functions)
    return f"SELECT nullif(pg_catalog.concat_ws('; ', ({found}), ({theirs})), '')"


def look_sql(*tables: Tables) -> str:
    """A statement that raises if writing these tables would run code of others."""
    return _raising(found_sql(*tables))


def read_look_sql(*tables: Tables, types: bool = True) -> str:
    """The same of reading. Without `types` their columns may be of anybody's types."""
    found = load("queries/foreign_code_read").replace(":tables", _values(tables))
    return _raising(found.replace(":types", "true" if types else "false"))


def behind_look(sql: str, *tables: Tables, types: bool = True) -> str:
    """`sql`, which reads these tables, all of which are there: what was seen stays until it has."""
    names = ", ".join(f"{ident(one.schema)}.{ident(name)}" for one in tables for name in one.names)
    look = read_look_sql(*tables, types=types)
    # The first keeps views from being locked, for that locks what they are made of.
    return f"{look}; LOCK TABLE {names} IN ACCESS SHARE MODE; {look}; {sql}"


def guarded(writes: str, *tables: Tables) -> str:
    """One INSERT, UPDATE or DELETE, carried out only if it runs nobody's code.

    The main query of a WITH list comes first, and the members that it doesn't read after it; by then the statement has
    locked the table that it writes, so nothing can come in between.
    """
    return f"WITH guard AS MATERIALIZED ({look_sql(*tables)}), done AS ({writes}) SELECT * FROM guard"


def shape_sql(*tables: Tables) -> str:
    """A query of one number that stays what it is as long as nothing is done to these tables that a look could find."""
    oids = _oids_sql(tables)
    relations, functions = (f"(SELECT o.{name} FROM ({oids}) AS o(relations, functions))" for name in _OIDS)
    shape = shape_of(f"{relations}::pg_catalog.oid[]")
    return (
        f"SELECT pg_catalog.hashtextextended(pg_catalog.concat(({shape}), '/',"
        f" ({_versions(f'{functions}::pg_catalog.oid[]')})), 0)"
    )


def _oids_sql(tables: Sequence[Tables]) -> str:
    sql = load("queries/table_oids").replace(":tables", _values(tables)).replace(":head", literal(HEAD))
    return sql.replace(":functions", f"'{{{','.join(FUNCTIONS)}}}'::pg_catalog.name[]")


def _versions(functions: str) -> str:
    """A query of one text, which is another when one of these functions has been made anew."""
    return (
        "SELECT pg_catalog.string_agg(pg_catalog.concat(p.oid, '.', p.xmin), ',' ORDER BY p.oid)"
        f" FROM pg_catalog.pg_proc p WHERE p.oid OPERATOR(pg_catalog.=) ANY ({functions})"
    )


def _shape_by_oid(schema: str | None, relations: Sequence[int], functions: Sequence[int], versions: str) -> str:
    """As `shape_sql`, for a run, which asks it at each step: where there are functions of ours in `schema`, by that
    whose plan the session keeps, once it is known to be what it was."""
    array = f"'{{{','.join(map(str, relations))}}}'::pg_catalog.oid[]"
    if schema is None:
        return shape_of(array)
    same = _versions(f"'{{{','.join(map(str, functions))}}}'::pg_catalog.oid[]")
    call = f"{ident(schema)}.tables_shape({array})"
    return f"SELECT CASE WHEN ({same}) OPERATOR(pg_catalog.=) {literal(versions)} THEN {call} ELSE 0 END"


@dataclass(frozen=True, slots=True)
class Written:
    """Tables that a run writes in transactions of scripts: what locks them at the beginning ("" where that can't be),
    and the query whose number tells that they still are what a look has seen."""

    lock_sql: str
    shape: tuple[str, int]


def written(connection: Connection, *tables: Tables) -> Written:
    """Look at tables that are there, before a run writes into them. Raises Refused, ServerError.

    They are locked as soon as the transaction begins, where the role may do that without writing (from 16 on INSERT is
    enough): a script can make its transaction see nothing that comes later, a trigger for one, which would run all the
    same.
    """
    rights = "UPDATE, DELETE, TRUNCATE" + (", INSERT" if connection.server_version_num >= 160000 else "")
    oids = _oids_sql(tables)
    ((relations, functions),) = connection.execute(oids)
    ((versions,),) = connection.execute(_versions(f"'{{{','.join(map(str, functions))}}}'::pg_catalog.oid[]"))
    schema = next((one.schema for one in tables if HEAD in one.names), None) if versions else None
    shape = _shape_by_oid(schema, relations, functions, versions or "")
    lockable = load("queries/lockable_tables").replace(":tables", _values(tables)).replace(":rights", literal(rights))
    # The number first: what is done between the two changes it.
    *_, ((number,),), ((names,),), (now,), _ = connection.results(f"{shape}; {lockable}; {oids}; {look_sql(*tables)}")
    if (relations, functions) != tuple(now) or not number:
        raise Refused(
            "the tables of Sqitch or pgmig-tui are being altered just now",
            now="Nothing of it was read or written.",
            do="Find out who does that, and start the run again.",
        )
    lock = f"LOCK TABLE {', '.join(names)} IN ROW EXCLUSIVE MODE" if names else ""
    return Written(lock, (shape, int(number)))


def _raising(found: str) -> str:
    return (
        f"SELECT CASE WHEN f.found IS NOT NULL THEN ({literal(GUARD + _FOUND)} {AND_THEN} f.found)"
        f"::pg_catalog.timestamptz END FROM ({found}) AS f(found)"
    )


def _values(tables: Sequence[Tables]) -> str:
    return ", ".join(f"({literal(one.schema)}, {literal(name)})" for one in tables for name in one.names)
