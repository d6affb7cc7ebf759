"""Fills impact.facts from a live server: one round trip, no lock on a user's relation, only what is named and what
depends on it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from pgmig_tui.impact.facts import (
    Check,
    Column,
    Dependent,
    Facts,
    Fall,
    ForeignKey,
    FunctionFact,
    Index,
    Name,
    OwnedSequence,
    Relation,
    Trigger,
    TypeFact,
)
from pgmig_tui.impact.names import Names, names_inside

_UTC = {"UTC", "GMT", "ETC/UTC", "ETC/GMT", "UCT", "ZULU", "ETC/UCT"}
_NOT_NULL = re.compile(r"\{NULLTEST :arg \{VAR :varno 1 :varattno (\d+) [^}]*\} :nulltesttype 1 ")
_ORDER = "isv"
_DEEPEST_CALLS = 3  # functions that call functions that …

Json = Any  # a document as the server's json_build_object made it


class Executes(Protocol):
    """What is needed of a connection: one simple query that may hold several statements; the last one's rows."""

    def execute(self, sql: str, /) -> Sequence[Sequence[Any]]: ...


# The planner takes the recursive parts for huge: compiling the query would cost seconds and scanning the catalog would
# cost more the larger it is. Both settings end with the (implicit) transaction of this one query.
PLAN = "SET LOCAL jit = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; \
SET LOCAL enable_mergejoin = off;\n"


@cache
def _sql() -> str:
    return files("pgmig_tui.database").joinpath("catalog.sql").read_text(encoding="utf-8")


def _array(values: Sequence[str]) -> str:
    """A text[] as SQL, whatever standard_conforming_strings is."""
    escaped = (value.replace("\\", "\\\\").replace("'", "''") for value in values)
    return "ARRAY[" + ", ".join(f"E'{value}'" for value in escaped) + "]"


_PARAMETERS = ("schemas", "names", "roles", "all_of", "publications", "prepared")


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
    )


def prepared_sql() -> str:
    """The query with parameters ($1 … text[]), for a session that asks so often that planning it once pays."""
    sql = _sql()
    for number, placeholder in enumerate(_PARAMETERS, 1):
        sql = sql.replace(f"%({placeholder})s", f"${number}")
    return sql


def gather(names: Names, ask: Callable[[Names], Json], connection: Executes) -> Facts:
    """The facts, asked for once more where functions run whose bodies name further tables."""
    wanted = copy(names)
    wanted.all = set(names.all)
    facts = facts_of(ask(wanted))
    for _ in range(_DEEPEST_CALLS if names.runs else 0):
        if not names_inside(facts, wanted):
            break
        facts = facts_of(ask(wanted))
    if names.dropped or names.roles:
        facts = replace(facts, cascades=_cascades(connection, names))
    return facts


def _cascades(connection: Executes, names: Names) -> dict[Fall, tuple[tuple[Name, str], ...]]:
    sql = files("pgmig_tui.database").joinpath("cascade.sql").read_text(encoding="utf-8")
    sql = sql.replace("%(dropped)s", _array(sorted(names.dropped))).replace("%(roles)s", _array(sorted(names.roles)))
    document = connection.execute(PLAN + sql)[0][0]
    found: dict[Fall, list[tuple[Name, str]]] = {}
    for kind, name, arguments, schema, relation, relkind in (
        json.loads(document) if isinstance(document, str | bytes) and document else document or ()
    ):
        found.setdefault(Fall(kind, name, arguments), []).append((Name(schema, relation), relkind))
    return {fall: tuple(relations) for fall, relations in found.items()}


def read_facts(connection: Executes, names: Names) -> Facts:
    """What the server knows of `names` and of whatever depends on them.

    Source: pg_catalog of 12 to 18 (see catalog.sql). For a session of our own, outside of any transaction that runs a
    script: planner settings change until its end. Raises what the connection raises.
    """
    return gather(names, lambda wanted: _ask(connection, wanted), connection)


def _ask(connection: Executes, names: Names) -> Json:
    sql = _sql()
    for placeholder, value in zip(_PARAMETERS, values_of(names), strict=True):
        sql = sql.replace(f"%({placeholder})s", _array(value))
    document = connection.execute(PLAN + sql)[0][0]
    return json.loads(document) if isinstance(document, str | bytes) else document


def facts_of(document: Json) -> Facts:
    """The facts in one document of catalog.sql."""
    relations = [_relation(item) for item in document["relations"] or ()]
    owned: dict[str, list[Name]] = {}
    for role, name in document["owned"] or ():
        owned.setdefault(role, []).append(Name(*name))
    publications: dict[str, list[Name]] = {}
    for publication, name in document["publications"] or ():
        publications.setdefault(publication, []).append(Name(*name))
    types = [_type(item) for item in document["types"] or ()]
    return Facts(
        {relation.name: relation for relation in relations},
        {fact.name: fact for fact in types},
        _functions(document["functions"] or ()),
        {publication: tuple(tables) for publication, tables in publications.items()},
        {Name(schema, name): Name(*table) for schema, name, table in document["statistics"] or ()},
        {role: tuple(tables) for role, tables in owned.items()},
        search_path=tuple(document["search_path"] or ()),
        timezone_is_utc=document["timezone"].upper() in _UTC,
        role=document["role"],
        prepared=document["prepared"] or {},
    )


def _name(pair: Json) -> Name | None:
    return Name(*pair) if pair else None


def _relation(item: Json) -> Relation:
    constraints = item["constraints"] or ()
    unproven = {
        column for c in constraints if c["kind"] == "n" and not c["valid"] for column in c["columns"] or ()
    }  # fmt: skip
    numbers = {c[9]: c[0] for c in item["columns"] or ()}
    rows, pages = int(item["rows"]), int(item["pages"])
    never_counted = rows < 0 or (rows == 0 and pages == 0)
    block = int(item["block"])
    return Relation(
        Name(*item["name"]),
        item["kind"],
        columns={c[0]: _column(c, unproven) for c in item["columns"] or ()},
        indexes=tuple(_index(i, block) for i in item["indexes"] or ()),
        checks=tuple(_check(c, numbers) for c in constraints if c["kind"] != "f"),
        foreign_keys=tuple(
            _foreign_key(c, Name(*item["name"])) for c in constraints if c["kind"] == "f" and c["referenced"]
        ),
        parents=tuple(Name(*n) for n in item["parents"] or ()),
        children=tuple(sorted(Name(*n) for n in item["children"] or ())),
        is_partition=item["is_partition"],
        default_partition=_name(item["default_partition"]),
        sequences=tuple(OwnedSequence(Name(*s[0]), s[1], s[2]) for s in item["sequences"] or ()),
        dependents=tuple(Dependent(Name(*d[0]), d[1], frozenset(d[2] or ())) for d in item["dependents"] or ()),
        reads=tuple(Name(*json.loads(n)) for n in item["reads"] or ()),
        triggers=tuple(_trigger(t) for t in item["triggers"] or ()),
        rules=tuple(item["rules"] or ()),
        policies=tuple(item["policies"] or ()),
        tablespace=item["tablespace"] or "",
        owner=item["owner"],
        persistence=item["persistence"],
        access_method=item["am"] or "",
        bytes=-1 if never_counted else pages * block,
        rows=int(item["live"] or 0) or -1 if never_counted else rows,
    )


def _column(c: Json, unproven: set[str]) -> Column:
    return Column(
        c[0],
        c[1],
        c[3],
        c[2],
        c[4],
        c[5],
        c[6] or "",
        c[7] or "",
        c[8] or "",
        c[0] not in unproven,
    )


def _index(i: Json, block: int) -> Index:
    return Index(
        Name(*i["name"]),
        frozenset(i["columns"] or ()),
        tuple(i["keys"] or ()),
        i["unique"],
        i["primary"],
        i["valid"],
        i["constraint"] or "",
        _name(i["parent"]),
        i["pages"] * block,
        i["tablespace"] or "",
    )


def _trigger(t: Json) -> Trigger:
    return Trigger(t[0], Name(t[1], t[2]), t[3], t[4], frozenset(t[5] or ()))


def _check(c: Json, numbers: dict[int, str]) -> Check:
    columns = tuple(c["columns"] or ())
    if c["kind"] == "n":
        return Check(c["name"], columns, c["valid"], "n", frozenset(columns), c["no_inherit"])
    proves = {numbers.get(number, "") for number in not_null_columns(c["expression"] or "")}
    return Check(c["name"], columns, c["valid"], "c", frozenset(proves - {""}), c["no_inherit"])


def not_null_columns(tree: str) -> list[int]:
    """Column numbers that a CHECK's node tree (pg_node_tree as text) keeps from being NULL: `c IS NOT NULL`, alone or
    as an arm of the outermost AND.
    """
    start = "{BOOLEXPR :boolop and :args ("
    if not tree.startswith(start):
        found = _NOT_NULL.match(tree)
        return [int(found[1])] if found else []
    arms, depth, begin = [], 0, len(start)
    for position in range(len(start), len(tree)):
        depth += {"{": 1, "}": -1}.get(tree[position], 0)
        if depth == 0 and tree[position] == "}":
            arms.append(tree[begin : position + 1].lstrip())
            begin = position + 1
    return [number for arm in arms for number in not_null_columns(arm)]


def _foreign_key(c: Json, table: Name) -> ForeignKey:
    return ForeignKey(
        c["name"],
        table,
        tuple(c["columns"] or ()),
        Name(*c["referenced"]),
        tuple(c["referenced_columns"] or ()),
        c["valid"],
        c["on_delete"].strip() or "a",
        c["on_update"].strip() or "a",
        c["enforced"],
        _name(c["index"]),
        c["inherited"],
        c["id"],
        c["parent"],
        c["shape"],
    )


def _type(item: Json) -> TypeFact:
    uses: dict[Name, set[str]] = {}
    for name, column in item["uses"] or ():
        uses.setdefault(Name(*name), set()).update([column] if column else [])
    return TypeFact(
        Name(*item["name"]),
        item["kind"],
        item["base"] or "",
        -1 if item["typmod"] is None else item["typmod"],
        bool(item["constrained"]),
        tuple(Dependent(name, "t", frozenset(columns)) for name, columns in sorted(uses.items())),
    )


def _functions(items: Sequence[Json]) -> dict[Name, FunctionFact]:
    """One fact a name: of several functions the most volatile, and no body, since it is not told which is meant."""
    found: dict[Name, FunctionFact] = {}
    for item in items:
        name = Name(*item["name"])
        users = tuple(
            Dependent(Name(*user), relkind if kind == "rule" and relkind in "vm" else kind, part=part or "")
            for user, kind, relkind, part in item["users"] or ()
        )
        fact = FunctionFact(name, item["volatility"], item["language"], item["body"] or "", users)
        known = found.get(name)
        if known is not None:
            worst = max(known.volatility, fact.volatility, key=_ORDER.index)
            language = known.language if known.language == fact.language else ""
            fact = FunctionFact(name, worst, language, "", tuple(dict.fromkeys((*known.dependents, *users))))
        found[name] = fact
    return found
