"""Fills impact.facts from a live server: one round trip, no lock on a user's relation, only what is named and what
depends on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from pgmig_tui.database.catalog_facts import Json, facts_of
from pgmig_tui.impact.facts import DatabaseFacts, Fall, Fallen, Name, Obstacle, Spread
from pgmig_tui.impact.facts import replace as changed
from pgmig_tui.impact.names import names_inside
from pgmig_tui.impact.wanted import Names

_DEEPEST_CALLS = 8  # functions that call functions that …


class Executes(Protocol):
    """What is needed of a connection: one simple query that may hold several statements; the last one's rows."""

    def execute(self, sql: str, /) -> Sequence[Sequence[Any]]: ...


# The planner takes the recursive parts for huge: compiling the query would cost seconds and scanning the catalog would
# cost more the larger it is. Both settings end with the (implicit) transaction of this one query.
PLAN = "SET LOCAL jit = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; \
SET LOCAL enable_mergejoin = off;\n"


@cache
def _sql(name: str) -> str:
    return files("pgmig_tui.database").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def array(values: Sequence[str]) -> str:
    """A text[] as SQL, whatever standard_conforming_strings is."""
    escaped = (value.replace("\\", "\\\\").replace("'", "''") for value in values)
    return "ARRAY[" + ", ".join(f"E'{value}'" for value in escaped) + "]"


_PARAMETERS = ("schemas", "names", "roles", "all_of", "publications", "prepared", "paths", "columns", "extensions",
               "operators", "members")  # fmt: skip


def values_of(names: Names) -> tuple[list[str], ...]:
    """The arrays of names that the query wants, in the order of `prepared_sql`'s parameters."""
    asked = sorted(names.all)
    return (
        [name.schema for name in asked],
        [name.relation for name in asked],
        sorted(names.roles),
        sorted(names.schemas),
        sorted(names.publications),
        sorted(names.prepared),
        sorted(names.paths),
        sorted({part.rpartition(".")[2] for part in names.parts}),
        sorted(names.extensions),
        sorted(names.operators),
        sorted(names.members),
    )


def prepared_sql() -> str:
    """The query with parameters ($1 … text[]), for a session that asks so often that planning it once pays."""
    sql = _sql("catalog")
    for number, placeholder in enumerate(_PARAMETERS, 1):
        sql = sql.replace(f"%({placeholder})s", f"${number}")
    return sql


def gather(names: Names, ask: Callable[[Names], Json], connection: Executes, *, anew: bool = False) -> DatabaseFacts:
    """The facts, asked for once more where functions run whose bodies name further tables."""
    wanted = names.copy()
    facts = facts_of(ask(wanted), wanted, anew=anew)
    runs = names.runs or facts.event_triggers or any(one.calls for one in facts.types.values())
    for _ in range(_DEEPEST_CALLS if runs else 0):
        if not names_inside(facts, wanted):
            break
        facts = facts_of(ask(wanted), wanted, anew=anew)
    if wanted.dropped or wanted.parts or wanted.roles:
        facts = _with_cascades(facts, connection, wanted)
    if wanted.compared:
        facts = _with_spreads(facts, connection, wanted)
    return facts


def _with_spreads(facts: DatabaseFacts, connection: Executes, names: Names) -> DatabaseFacts:
    """The same with the statistics of the columns that are compared."""
    tables = [one.name for one in facts.relations.values() if one.kind in "rmp" and names.compared & set(one.columns)]
    if not tables:
        return facts
    values = {
        "schemas": [name.schema for name in tables],
        "names": [name.relation for name in tables],
        "compared": sorted(names.compared),
    }
    found = _document(connection, _sql("spreads"), values)
    spreads: dict[Name, dict[str, Spread]] = {}
    for schema, table, column, nulls, distinct, width, values, shares, bounds in found:
        common = dict(zip(values or (), shares or (), strict=False))
        spreads.setdefault(Name(schema, table), {})[column] = Spread(
            nulls, distinct, width, common, tuple(bounds or ())
        )
    known = {
        name: changed(relation, spreads=spreads[name]) if name in spreads else relation
        for name, relation in facts.relations.items()
    }
    return replace(facts, relations=known)


def _with_cascades(facts: DatabaseFacts, connection: Executes, names: Names) -> DatabaseFacts:
    values = {"dropped": sorted(names.dropped), "parts": sorted(names.parts), "roles": sorted(names.roles)}
    found = _document(connection, _sql("cascade"), values)
    cascades: dict[Fall, list[Fallen]] = {}
    for kind, name, arguments, of, schema, relation, relkind, whole, columns in found["falls"] or ():
        fallen = Fallen(Name(schema, relation), relkind, whole, tuple(columns or ()))
        cascades.setdefault(Fall(kind, name, arguments, of or ""), []).append(fallen)
    obstacles: dict[Fall, list[Obstacle]] = {}
    for kind, name, arguments, of, what, words, schema, relation, column, function, direct in found["in_the_way"] or ():
        belongs = Name(schema, relation) if relation else None
        one = Obstacle(what, words, belongs, column or function or "", direct)
        obstacles.setdefault(Fall(kind, name, arguments, of or ""), []).append(one)
    return replace(
        facts,
        cascades={fall: tuple(fallen) for fall, fallen in cascades.items()},
        obstacles={fall: tuple(those) for fall, those in obstacles.items()},
    )


def read_facts(connection: Executes, names: Names) -> DatabaseFacts:
    """What the server knows of `names` and of whatever depends on them, as this very session sees it.

    Source: pg_catalog of 12 to 18 (see catalog.sql). For a session of our own, outside of any transaction that runs a
    script: planner settings change until its end. Raises what the connection raises.
    """
    return gather(names, lambda wanted: _ask(connection, wanted), connection)


def read_script_facts(connection: Executes, names: Names) -> DatabaseFacts:
    """The same as a script's own session will see it when it begins: names without a schema are looked up, and times
    read, by the settings that the server, the database, the role and the connection's options give a session, whatever
    this one has set since.
    """
    return gather(names, lambda wanted: _ask(connection, wanted), connection, anew=True)


def _ask(connection: Executes, names: Names) -> Json:
    return _document(connection, _sql("catalog"), dict(zip(_PARAMETERS, values_of(names), strict=True)))


def _document(connection: Executes, sql: str, values: Mapping[str, Sequence[str]]) -> Json:
    """The one JSON document that a query answers with, its placeholders filled in."""
    for placeholder, value in values.items():
        sql = sql.replace(f"%({placeholder})s", array(value))
    document = connection.execute(PLAN + sql)[0][0]
    return json.loads(document) if isinstance(document, str | bytes) else document
