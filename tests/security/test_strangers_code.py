"""A stranger may create objects where our sessions look names up: none of them is ever run by us.

Who can: whoever has CREATE on a schema of the search_path, which `public` gave to everybody before PostgreSQL 15. What
it would mean: their code as the role that we have logged in as, which is often a superuser; a read-only transaction
doesn't help, for a superuser's function may start a program on the host.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pgmig_tui.database.background import Background
from pgmig_tui.database.connect import connect
from pgmig_tui.database.foreign import ForeignLookout
from pgmig_tui.database.live import look_sql, preparing_sql
from pgmig_tui.database.wire import Waiter
from tests.cli.program import Checkout
from tests.database.places import place
from tests.servers import Server
from tests.traps import Log, set_everywhere

PATHS = {"behind": '"$user", public', "before": "public, pg_catalog"}
"""The search_path of the database: pg_catalog comes first when it isn't named; who names it may put it last."""
UNDO = {"behind": "--quiet", "before": "--overwrite"}
"""Both ways of undo, one in each test: what was written since is looked for, or replaced."""

ENUM = "CREATE TYPE shop.kind AS ENUM ('a', 'b', 'c');"
TABLE = """CREATE TABLE shop.orders (kind shop.kind, id bigint, state varchar, done boolean, PRIMARY KEY (kind, id));
INSERT INTO shop.orders (kind, id) VALUES ('a', 1), ('a', 2), ('b', 1), ('c', 7);"""
CAST = """CREATE FUNCTION public.told(shop.kind) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pgmig_traps.fire('cast of an enum'); RETURN 'a'; END $$;
CREATE CAST (shop.kind AS text) WITH FUNCTION public.told(shop.kind) AS ASSIGNMENT;"""


def project(folder: Path, uri: str) -> Checkout:
    """Scripts without an operator or a function: whatever fires is ours."""
    made = Checkout(folder / "project", folder / "home")
    made.root.mkdir()
    made.home.mkdir()
    made.plan(
        "schema {at} # The schema",
        "orders [schema] {at} # Orders",
        "@v1 {at} # First",
        "state [orders] {at} # An index, concurrently",
        "fill [orders] {at} # In batches",
        "total [orders !other:nothing] {at} # A column",
    )
    made.change("schema", f"CREATE SCHEMA shop; {ENUM}", "DROP SCHEMA shop CASCADE;")
    made.change("orders", TABLE, "DROP TABLE shop.orders;", "SELECT id FROM shop.orders LIMIT 1;")
    made.write("deploy/state.sql", "CREATE INDEX CONCURRENTLY orders_state ON shop.orders (state);\n")
    made.write("revert/state.sql", "DROP INDEX CONCURRENTLY shop.orders_state;\n")
    made.write("verify/state.sql", "SELECT state FROM shop.orders LIMIT 1;\n")
    declared = '-- pgmig: backfill table=shop.orders key=kind,id batch=2 left="done IS NULL"'
    made.write("deploy/fill.sql", f"{declared}\nUPDATE shop.orders SET done = true WHERE done IS NULL;\n")
    made.write("revert/fill.sql", "UPDATE shop.orders SET done = NULL;\n")
    made.change(
        "total",
        "ALTER TABLE shop.orders ADD COLUMN total shop.kind DEFAULT 'b';",
        "ALTER TABLE shop.orders DROP COLUMN total;",
    )
    made.write(
        "pgmig.toml",
        f'[[environment]]\nname = "box"\ntarget = "{uri}"\ntracking = "pgmig"\nkeep_schema = "kept rows"\n',
    )
    made.write("sqitch.conf", "[core]\n\tengine = pg\n")
    return made


COMMANDS: tuple[tuple[tuple[str, ...], set[int]], ...] = (
    (("status",), {0}),
    (("plan",), {0}),
    (("check", "box"), {0, 1, 3}),
    (("impact", "--target", "box", "--json"), {0}),
    (("deploy", "box", "--dry-run", "--yes"), {0}),
    (("deploy", "box", "--to", "@v1", "--yes"), {0}),
    (("deploy", "box", "--to", "state", "--yes", "--verify"), {0}),
    (("backfill", "box", "fill", "--yes", "--batch", "1", "--analyze"), {0}),
    (("deploy", "box", "--to", "fill", "--log-only", "--yes"), {0}),
    (("deploy", "box", "--to", "total", "--yes"), {0}),
    (("verify", "box"), {0}),
    (("log", "box"), {0}),
    (("impact", "--target", "box", "--revert", "--json"), {0}),
    (("rollback", "box", "--dry-run", "--save"), {0}),
    (("rollback", "box", "--save", "--yes", "--accept-data-loss"), {0}),
    (("rollback", "box", "--lift", "total=a test", "--yes"), {0}),
    (("deploy", "box", "--yes"), {0}),
    (("undo", "--target", "box"), {0}),
    (("undo", "RUN", "--yes", "--target", "box", "HOW"), {0}),
    (("reconcile", "box"), {0}),
    (("status", "--json"), {0}),
    (("revert", "box", "--to", "orders", "--yes", "--accept-data-loss"), {0}),
    (("revert", "box", "--all", "--yes", "--accept-data-loss"), {0}),
)
"""In this order, and the exit statuses that are all right."""


def test_no_command_runs_a_stranger_s_code(server: Server, database_on: Callable[..., str], tmp_path: Path) -> None:
    no_command_runs_it(server, "before", database_on, tmp_path)


def test_nor_where_only_what_fits_better_is_chosen(
    pg18: Server, database_on: Callable[..., str], tmp_path: Path
) -> None:
    no_command_runs_it(pg18, "behind", database_on, tmp_path)


def no_command_runs_it(server: Server, path: str, database_on: Callable[..., str], tmp_path: Path) -> None:
    name = database_on(server)
    assert set_everywhere(server, name) > 10_000
    server.execute(f'ALTER DATABASE "{name}" SET search_path = {PATHS[path]}')
    checkout = project(tmp_path, server.uri(name))
    log = Log(server, name)
    run = ""
    for words, statuses in COMMANDS:
        arguments = [{"RUN": run, "HOW": UNDO[path]}.get(word, word) for word in words]
        done = checkout.run(*arguments)
        fired = log.fired()
        assert fired == [], f"{' '.join(arguments)}: {fired[:5]}"
        assert done.status in statuses, f"{' '.join(arguments)}: {done.err}{done.out}"
        if words[:2] == ("deploy", "box") and "@v1" in words:
            server.execute(CAST, name)
        if words[0] == "rollback":
            runs = json.loads(checkout.run("runs", "--json").out)["runs"]
            reverts = (one["run"] for one in runs if one["command"] == "revert")
            run = next(reverts, "")  # the newest run of all is its verification
        if words[:2] == ("undo", "RUN"):
            assert "brought back; kept" in done.out, done.out
    assert server.execute("SELECT 1 FROM pgmig.schema_migrations", name)


def test_no_rehearsal_runs_a_stranger_s_code(server: Server, database_on: Callable[..., str], tmp_path: Path) -> None:
    """The copy has the stranger's objects as well, and there we are the administrator of the server."""
    name = database_on(server)
    set_everywhere(server, name, types=("name", '"char"', "int2", "int8", "oid", "xid", "text", "numeric"))
    server.execute(f'ALTER DATABASE "{name}" SET search_path = {PATHS["before"]}')
    checkout = project(tmp_path, server.uri(name))
    log = Log(server)
    done = checkout.run("rehearse", "box", "--server", server.uri("postgres"), "--json")
    assert log.fired() == []
    found = json.loads(done.out)
    assert [one["ok"] for one in found["scripts"] if one["action"] == "deploy"] == [True] * 5, done.err


class Sight(Waiter):
    """Polls what a background session wants polled."""


@pytest.mark.parametrize("path", PATHS)
def test_nobody_who_watches_runs_a_stranger_s_code(pg18: Server, path: str, database_on: Callable[..., str]) -> None:
    name = database_on(pg18)
    set_everywhere(pg18, name)
    pg18.execute(f'ALTER DATABASE "{name}" SET search_path = {PATHS[path]}')
    log = Log(pg18, name)
    where = place(pg18, name)
    answers: list[object] = []
    with connect(where, application_name="pgmig/test/control") as control:
        poll = Sight()
        watch = Background(where, control, poll, "pgmig/test/watch")
        watch.ask(preparing_sql(pg18.version_num), lambda rows, error: answers.append(error))
        while watch.busy:
            poll.wait(watch.fd, 1000)
            watch.ready()
        watch.ask(look_sql(control.pid), lambda rows, error: answers.append((len(rows), error)))
        while watch.busy:
            poll.wait(watch.fd, 1000)
            watch.ready()
        watch.close()
        lookout = ForeignLookout(where, "pgmig/test/attach", runs="pgmig", registry="sqitch")
        assert lookout.look().holder is None
        lookout.close()
    assert answers == ["", (1, "")]
    assert log.fired() == []
