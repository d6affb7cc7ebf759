"""What we send into a script's session, where another search_path than ours holds: every name of it is qualified.

Even exactly typed operands take a stranger's operator where the path doesn't begin with pg_catalog, and a script may
have set any. So whatever we send there beside the script is read back here, statement by statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pgmig_tui.database.connect import Connection
from pgmig_tui.database.wire import Exchange, Wire
from pgmig_tui.run.backfill import planning as batch_planning
from pgmig_tui.run.backfill.plan import BackfillOptions
from pgmig_tui.run.journal.file import JournalWriter
from pgmig_tui.run.journal.run_plan import Endpoint, RunPlan
from pgmig_tui.run.runner import Runner
from tests.run.conftest import Workshop
from tests.servers import Server

SCRIPTED = "/* by a script */"
"""Stands in each statement of the scripts here."""

UNQUALIFIED_KINDS = {
    "AEXPR_IN", "AEXPR_DISTINCT", "AEXPR_NOT_DISTINCT", "AEXPR_NULLIF", "AEXPR_LIKE", "AEXPR_ILIKE", "AEXPR_SIMILAR",
    "AEXPR_BETWEEN", "AEXPR_NOT_BETWEEN", "AEXPR_BETWEEN_SYM", "AEXPR_NOT_BETWEEN_SYM",
}  # fmt: skip
"""Each stands for operators that are looked up by the search_path, and has no other way of writing it."""


def unqualified(sql: str) -> list[str]:
    """What of a text is looked up by the search_path."""
    import postgast

    return [said for one in postgast.parse(sql).stmts for said in _said(one)]


def _said(statement: Any) -> Iterator[str]:
    nodes = list(_walk(statement))
    known = {node.ctename for node in nodes if node.DESCRIPTOR.name == "CommonTableExpr"}
    for node in nodes:
        match node.DESCRIPTOR.name:
            case "A_Expr":
                kind = _enum(node, "kind")
                if kind in UNQUALIFIED_KINDS or not _full(node.name):
                    yield f"operator {'.'.join(part.string.sval for part in node.name)} ({kind})"
            case "FuncCall":
                if not _full(node.funcname):
                    yield f"function {node.funcname[-1].string.sval}"
            case "TypeName":
                if node.names and not _full(node.names):
                    yield f"type {node.names[-1].string.sval}"
            case "RangeVar":
                if not node.schemaname and node.relname not in known:
                    yield f"relation {node.relname}"
            case "SubLink":
                kind = (
                    node.DESCRIPTOR.fields_by_name["sub_link_type"].enum_type.values_by_number[node.sub_link_type].name
                )
                if kind in ("ANY_SUBLINK", "ALL_SUBLINK", "ROWCOMPARE_SUBLINK") and not _full(node.oper_name):
                    yield "operator of a subquery"
            case "CaseExpr":
                if node.HasField("arg"):
                    yield "CASE … WHEN, which compares"
            case "JoinExpr":
                if node.using_clause or node.is_natural:
                    yield "USING, which compares"
            case "CollateClause":
                if not _full(node.collname):
                    yield "collation"
            case "SortBy":
                if node.use_op:
                    yield "USING of an ORDER BY"


def _enum(node: Any, field: str) -> str:
    number = getattr(node, field)
    return str(node.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number[number].name)


def _full(names: Any) -> bool:
    return len(names) > 1


def _walk(node: Any) -> Iterator[Any]:
    stack = [node]
    while stack:
        here = stack.pop()
        yield here
        for descriptor, value in here.ListFields():
            if descriptor.message_type is not None:
                stack += list(value) if descriptor.is_repeated else [value]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT 1 + 1", ["operator + (AEXPR_OP)"]),
        ("SELECT 1 OPERATOR(pg_catalog.+) 1", []),
        ("SELECT a IN (1) FROM s.t", ["operator = (AEXPR_IN)"]),
        ("SELECT a IS DISTINCT FROM 1 FROM s.t", ["operator = (AEXPR_DISTINCT)"]),
        ("SELECT count(*) FROM t", ["function count", "relation t"]),
        ("SELECT '1'::oid, '1'::int, '1'::pg_catalog.oid", ["type oid"]),
        ("SELECT CASE 1 WHEN 2 THEN 3 END", ["CASE … WHEN, which compares"]),
        ("SELECT 1 FROM s.t JOIN s.u USING (a)", ["USING, which compares"]),
        ("SELECT (SELECT 1) = ANY (SELECT 2)", ["operator of a subquery"]),
        ("WITH x AS (SELECT 1) SELECT * FROM x", []),
        ("SELECT extract(epoch FROM pg_catalog.now()), now() AT TIME ZONE 'UTC', interval '1 ms'", ["function now"]),
    ],
)
def test_what_a_search_path_would_decide_is_found(sql: str, said: list[str]) -> None:
    assert sorted(unqualified(sql)) == sorted(said)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What goes into scripts' sessions from here on, beside what the scripts say."""
    found: list[str] = []
    run, results = Wire.run, Connection.results

    def note(connection: Connection, sql: str | bytes) -> None:
        text = sql if isinstance(sql, str) else sql.decode()
        if connection.kind == "step" and SCRIPTED not in text:
            found.append(text)

    def running(self: Wire, sql: bytes, **more: Any) -> Exchange:
        note(self.connection, sql)
        return run(self, sql, **more)

    def asking(self: Connection, sql: str | bytes, parameters: Any = None) -> Any:
        note(self, sql)
        return results(self, sql, parameters)

    monkeypatch.setattr(Wire, "run", running)
    monkeypatch.setattr(Connection, "results", asking)
    return found


def carry_out(plan: RunPlan) -> int:
    """A run in this very process."""
    journal = JournalWriter(plan.folder, plan.run_id)
    target = Endpoint(plan.server.display, dict(plan.server.conninfo), None, {})
    try:
        return Runner(plan, target, journal, []).execute()
    finally:
        journal.close()


def looked_at(sent: list[str]) -> set[str]:
    """All of it; the texts that were read."""
    texts = {text for text in sent if text.strip()}
    for text in texts:
        # $1 and %(name)s are parameters, which postgast reads as no script would have them.
        assert unqualified(text) == [], text
    return texts


def test_a_run_of_every_kind_of_step(workshop_on: Callable[..., Workshop], pg18: Server, sent: list[str]) -> None:
    workshop = workshop_on(pg18)

    def script(*statements: str) -> str:
        return "".join(f"{one} {SCRIPTED};\n" for one in statements)

    said = script("SELECT 1")
    workshop.change("atomic", script("CREATE SCHEMA a"), script("DROP SCHEMA a CASCADE"), said)
    latin = script("SET client_encoding = 'LATIN1'", "CREATE TABLE a.t (id int)")
    workshop.change("latin", latin, said, said)
    alone = script("CREATE INDEX CONCURRENTLY i ON a.t (id)", "VACUUM FULL a.t")
    workshop.change("stepwise", alone, script("DROP INDEX CONCURRENTLY a.i"), said)
    block = script("BEGIN", "CREATE TABLE a.u (id int)", "COMMIT", "VACUUM a.u")
    workshop.change("connect", f"\\connect\n{block}", said, said)
    workshop.change("grünes", said, said, said)
    workshop.change("last", script("BEGIN", "SELECT 1", "COMMIT"), said, said)
    assert carry_out(workshop.plan("deploy", to="latin")) == 0
    workshop.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\nverify = "after"\n'
    assert carry_out(workshop.plan("deploy")) == 0
    assert carry_out(workshop.plan("verify")) == 0
    assert carry_out(workshop.plan("revert", revert_all=True)) == 0
    texts = looked_at(sent)
    for wanted in (
        "BEGIN; LOCK TABLE",
        "COMMIT",
        "pg_relation_filenode",
        "SAVEPOINT",
        "pg_current_xact_id_if_assigned",
    ):
        assert any(wanted in text for text in texts), wanted


def test_every_statement_of_a_backfill_names_what_it_means_in_full(
    workshop_on: Callable[..., Workshop], pg18: Server, sent: list[str]
) -> None:
    workshop = workshop_on(pg18)
    workshop.query("CREATE TABLE public.t (a int, b text, done bool, PRIMARY KEY (a, b))")
    workshop.query("INSERT INTO t SELECT n, 'x' FROM generate_series(1, 30) n")
    workshop.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\n'
    workshop.change("first", "SELECT 1;")
    project, environment = workshop.project()
    options = BackfillOptions(statement="UPDATE public.t SET done = true", table="public.t", key=("a", "b"), batch=7)
    plan, spec = batch_planning.prepare_backfill(project, environment, options, state_dir=workshop.state_dir)
    assert spec is not None
    assert carry_out(plan) == 0
    texts = looked_at(sent)
    for wanted in ("LIMIT 7", "EXPLAIN", "last_key", "UPDATE public.t", "to_regclass"):
        assert any(wanted in text for text in texts), wanted
