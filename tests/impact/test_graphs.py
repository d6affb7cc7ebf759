"""Whatever names whatever: views, rules, triggers, functions, keys and inheritance in circles and diamonds are walked
through once. The work is counted and not timed: `benchmarks/impact_speed.py` says how long the same graphs take."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import pytest

from pgmig_tui.impact.facts import (
    Column,
    DatabaseFacts,
    DependentRelation,
    ForeignKey,
    FunctionFact,
    Index,
    Name,
    Relation,
    Trigger,
    replace,
)
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.result import StatementImpact
from pgmig_tui.script.statement import Statement

FEW, MANY = 100, 400
CALLS, CALLS_PER_OBJECT = 50_000, 450
"""So many calls of Python functions one statement may take. A walk that comes to the same object twice for each way to
it needs millions."""
EVERY_VERB = 1 | 4 | 8 | 16 | 32

STATEMENTS = (
    "LOCK {v}", "SELECT * FROM {v}", "SELECT * FROM {v} FOR UPDATE", "INSERT INTO {v} (a) SELECT a FROM {t}",
    "UPDATE {v} SET a = 1", "DELETE FROM {v}", "DROP VIEW {v} CASCADE",
    "CREATE OR REPLACE VIEW {v} AS SELECT * FROM {w}",
    "INSERT INTO {t} VALUES (1)", "UPDATE {t} SET a = 2", "DELETE FROM {t}", "TRUNCATE {t} CASCADE", "LOCK {t}",
    "DROP TABLE {t} CASCADE", "ALTER TABLE {t} ADD COLUMN z int", "ALTER TABLE {t} DROP COLUMN a CASCADE",
    "ALTER TABLE {t} ALTER COLUMN a TYPE bigint", "ALTER TABLE {t} RENAME TO renamed", "SELECT {f}(1)", "CALL {f}(1)",
    "DO $$ BEGIN PERFORM {f}(1); DELETE FROM {v}; END $$", "DROP FUNCTION {f} CASCADE", "ANALYZE {t}",
    "DROP SCHEMA s CASCADE", "DROP OWNED BY somebody CASCADE", "REFRESH MATERIALIZED VIEW {m}",
    "MERGE INTO {t} USING {v} ON true WHEN MATCHED THEN DELETE",
    "WITH d AS (DELETE FROM {v} RETURNING *) SELECT * FROM d",
    "ALTER TABLE {t} ADD FOREIGN KEY (a) REFERENCES {u} (a)", "ALTER SCHEMA s RENAME TO r", "VACUUM {t}",
)  # fmt: skip


def random_graph(seed: int, objects: int) -> DatabaseFacts:
    """Objects that name each other at random, in circles too; every third is a view, every third a function."""
    some = random.Random(seed)
    third = objects // 3
    views = [Name("s", f"v{number}") for number in range(third)]
    tables = [Name("s", f"t{number}") for number in range(third)]
    routines = [Name("s", f"f{number}") for number in range(objects - 2 * third)]

    def few(names: list[Name], most: int = 4) -> tuple[Name, ...]:
        return tuple(some.sample(names, some.randint(0, most)))

    relations: dict[Name, Relation] = {}
    for name in views:
        relations[name] = Relation(
            name,
            "m" if some.random() < 0.1 else "v",
            reads=few([*views, *tables]),
            rules=("r",) * (some.random() < 0.1),
            triggers=(Trigger("i", some.choice(routines), EVERY_VERB | 64),) * (some.random() < 0.2),
            dependents=tuple(DependentRelation(one, "v") for one in few(views)),
            columns={"a": Column("a", "int4")},
        )
    for name in tables:
        keys = tuple(
            ForeignKey(f"k{number}", name, ("a",), other, ("a",), on_delete="c", on_update="c")
            for number, other in enumerate(few(tables))
        )
        relations[name] = Relation(
            name,
            some.choice("rrp"),
            columns={"a": Column("a", "int4")},
            foreign_keys=keys,
            indexes=(Index(Name("s", f"{name.relation}_i"), frozenset("a"), ("a",), unique=True),),
            triggers=tuple(Trigger(f"g{n}", one, EVERY_VERB) for n, one in enumerate(few(routines, 2))),
            dependents=tuple(DependentRelation(one, "v", frozenset("a")) for one in few(views)),
            owner="somebody",
            rows=10,
            bytes=8192,
        )
    for name in some.sample(tables, third // 2):
        for child in few(tables, 3):
            relations[child] = replace(relations[child], parents=(*relations[child].parents, name))
            relations[name] = replace(relations[name], children=(*relations[name].children, child))
    functions = {name: _function(name, some, views, tables, routines) for name in routines}
    return DatabaseFacts(relations, functions=functions, search_path=("s",), owned={"somebody": tuple(tables)})


def _function(
    name: Name, some: random.Random, views: list[Name], tables: list[Name], routines: list[Name]
) -> FunctionFact:
    lines = []
    for _ in range(some.randint(1, 5)):
        line = some.choice(
            [
                "DELETE FROM {v};",
                "INSERT INTO {t} VALUES (1);",
                "PERFORM {f}(1);",
                "EXECUTE 'UPDATE {t} SET a = ' || n;",
                "IF n > 1 THEN PERFORM {f}(n); ELSE DELETE FROM {t}; END IF;",
                "ALTER TABLE {t} ADD COLUMN c{n} int;",
                "LOOP PERFORM {f}(2); EXIT; END LOOP;",
            ]
        )
        lines.append(
            line.format(v=some.choice(views), t=some.choice(tables), f=some.choice(routines), n=some.randint(1, 9))
        )
    text = f"CREATE FUNCTION {name}(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN {' '.join(lines)} RETURN 1; END $$"
    return FunctionFact(name, "v", "plpgsql", text, least=1, most=1, parameters=("n",))


def statements_on(facts: DatabaseFacts, seed: int) -> Iterator[str]:
    """Statements of each kind on some of the objects."""
    some = random.Random(seed)
    names = list(facts.relations)
    views = [name for name in names if facts.relations[name].kind == "v"]
    tables = [name for name in names if name.relation.startswith("t")]
    materialized = [name for name in names if facts.relations[name].kind == "m"]
    for template in STATEMENTS:
        v, w = some.sample(views, 2)
        t, u = some.sample(tables, 2)
        yield template.format(v=v, w=w, t=t, u=u, m=some.choice(materialized), f=some.choice(list(facts.functions)))


def predict_one(sql: str, facts: DatabaseFacts) -> StatementImpact:
    (impact,) = predict_script([Statement("x.sql", 1, 1, sql)], facts).statements
    return impact


class TooMuchWork(BaseException):
    """Ends what might never end; no rule catches it."""


@dataclass
class Work:
    most: int
    calls: int = 0

    def count(self, frame: FrameType, event: str, argument: object) -> None:
        self.calls += event == "call"
        if self.calls > self.most:
            raise TooMuchWork


@contextmanager
def at_most(most: int) -> Iterator[Work]:
    """Count the calls of Python functions that are made meanwhile. Raises TooMuchWork beyond `most`."""
    work = Work(most)
    sys.setprofile(work.count)
    try:
        yield work
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("seed", [0, 3])
def test_the_work_on_any_graph_grows_no_faster_than_the_graph(seed: int) -> None:
    total = {}
    for objects in (FEW, MANY):
        facts = random_graph(seed, objects)
        total[objects] = 0
        for sql in statements_on(facts, seed):
            try:
                with at_most(CALLS + CALLS_PER_OBJECT * objects) as work:
                    impact = predict_one(sql, facts)
            except TooMuchWork:
                pytest.fail(f"{sql} on {objects} objects takes more than {CALLS + CALLS_PER_OBJECT * objects} calls")
            total[objects] += work.calls
            told = impact.locks or impact.unknown or impact.problem
            assert told or "RENAME TO r" in sql or "DROP FUNCTION" in sql, sql
    assert total[MANY] < 2 * MANY / FEW * total[FEW]


def test_views_that_name_each_other_are_told_to_recurse() -> None:
    one, two = Name("s", "one"), Name("s", "two")
    facts = DatabaseFacts(
        {one: Relation(one, "v", reads=(two,)), two: Relation(two, "v", reads=(one,))}, search_path=("s",)
    )
    for sql in ("LOCK one", "SELECT * FROM two", "DELETE FROM one"):
        (impact,) = predict_script([Statement("x.sql", 1, 1, sql)], facts).statements
        assert impact.problem is not None, sql
        assert "42P17" in impact.problem.message
