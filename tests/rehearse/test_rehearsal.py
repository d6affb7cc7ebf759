"""Rehearsals of small projects on a server of our own: what is measured, what is compared, and that nothing stays."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
import pytest

from pgmig_tui.database.connect import connect
from pgmig_tui.database.fingerprint import read_objects
from pgmig_tui.display.cells import text_of
from pgmig_tui.errors import Refused, UsageError
from pgmig_tui.project.targets import Target
from pgmig_tui.rehearse.clone import CloneError
from pgmig_tui.rehearse.measured import Rehearsal, VerifiesNothing, to_json
from pgmig_tui.rehearse.rehearsal import rehearse
from pgmig_tui.rehearse.scratch import PREFIX
from pgmig_tui.rehearse.words import closing, remarks
from pgmig_tui.run.journal.rehearsed import hash_of, schema_digest
from pgmig_tui.run.journal.run_plan import Options
from tests.rehearse.conftest import Theatre, locks_of, script_of, statement_of
from tests.run.conftest import Workshop
from tests.servers import Server

BASE = """
CREATE TABLE public.parent (id int PRIMARY KEY, note text);
CREATE TABLE public.child (id int PRIMARY KEY, parent int REFERENCES public.parent, name text);
CREATE VIEW public.names AS SELECT name FROM public.child;
"""


def with_base(workshop: Workshop) -> Workshop:
    for sql in BASE.split(";\n"):
        if sql.strip():
            workshop.server.execute(sql, workshop.dbname)
    return workshop


def differences(found: Rehearsal) -> list[str]:
    """Where prediction and measurement part on what matters."""
    parted = ((one, each, what) for one in found.scripts for each, what in one.differences)
    return [
        f"{one.action} {one.change}:{each.line} {what.about} {what.relation}: {what.predicted}, really {what.measured}"
        for one, each, what in parted
        if what.strong and what.about != "scan"
    ]


def problems(found: Rehearsal) -> list[str]:
    return [one.problem.message for one in found.scripts if one.problem is not None]


def test_every_statement_is_measured_and_compared(workshop: Workshop, theatre: Theatre) -> None:
    with_base(workshop)
    workshop.change(
        "one",
        "BEGIN;\n"
        "CREATE TABLE public.fresh (id int PRIMARY KEY, child int REFERENCES public.child);\n"
        "ALTER TABLE public.parent ALTER COLUMN id TYPE bigint;\n"
        "INSERT INTO public.fresh VALUES (1, NULL);\n"
        "COMMIT;\n",
        "BEGIN;\nDROP TABLE public.fresh;\nALTER TABLE public.parent ALTER COLUMN id TYPE int;\nCOMMIT;\n",
        "SELECT id, child FROM public.fresh WHERE FALSE;",
    )
    workshop.change("two", "DROP VIEW public.names;", "CREATE VIEW public.names AS SELECT name FROM public.child;")

    found = theatre(workshop)

    assert problems(found) == []
    assert [(one.change, one.action) for one in found.scripts] == [
        ("one", "deploy"),
        ("two", "deploy"),
        ("two", "revert"),
        ("one", "revert"),
        ("one", "redeploy"),
        ("two", "redeploy"),
    ]
    assert locks_of(statement_of(found, "one", 2))["public.child"] == "SHARE ROW EXCLUSIVE"
    rewrite = statement_of(found, "one", 3)
    assert locks_of(rewrite)["public.parent"] == "ACCESS EXCLUSIVE"
    assert locks_of(rewrite)["public.child"] == "ACCESS EXCLUSIVE", "the other end of the foreign key"
    assert [str(name) for name in rewrite.measured.rewrites] == ["public.parent"]
    assert [str(name) for name in rewrite.measured.rebuilds] == ["public.parent_pkey"]
    assert rewrite.of_rows
    insert = statement_of(found, "one", 4).measured.rows
    assert [(str(rows.name), rows.inserted, rows.new) for rows in insert] == [("public.fresh", 1, True)]
    dropped = locks_of(statement_of(found, "two", 1))
    assert dropped["public.names"] == "ACCESS EXCLUSIVE", "dropped, and still named"
    assert differences(found) == []
    assert script_of(found, "one").verified is True
    assert found.ok
    marks = found.fingerprints
    assert marks.before == marks.reverted != marks.deployed == marks.redeployed
    assert workshop.relation("public.names"), "the target is as it was"
    assert not workshop.relation("sqitch.changes")
    told = to_json(found)["fingerprints"]
    assert isinstance(told, dict)
    assert told["revert_restores"] is True


def test_what_runs_in_no_transaction_is_watched_from_outside(workshop: Workshop, theatre: Theatre) -> None:
    with_base(workshop)
    workshop.change(
        "one",
        "CREATE INDEX CONCURRENTLY child_name ON public.child (name);\nVACUUM public.parent;\n",
        "DROP INDEX CONCURRENTLY public.child_name;",
    )
    found = theatre(workshop)
    assert problems(found) == []
    index, vacuum = statement_of(found, "one", 1), statement_of(found, "one", 2)
    for statement, table in ((index, "public.child"), (vacuum, "public.parent")):
        assert statement.measured.seen == "while it ran"
        assert locks_of(statement)[table] == "SHARE UPDATE EXCLUSIVE"
    dropped = statement_of(found, "one", 1, "revert")
    assert locks_of(dropped)["public.child"] == "SHARE UPDATE EXCLUSIVE"
    assert differences(found) == []
    assert found.ok


def test_each_statement_of_a_stepwise_script_has_a_transaction_to_be_read_in(
    workshop: Workshop, theatre: Theatre
) -> None:
    with_base(workshop)
    workshop.change(
        "one",
        "ALTER TABLE public.child ADD COLUMN a int;\nALTER TABLE public.child ADD COLUMN b int;\n"
        "DO $$BEGIN UPDATE public.child SET a = 1; COMMIT; UPDATE public.child SET b = 1; END$$;\n",
        "ALTER TABLE public.child DROP COLUMN a, DROP COLUMN b;",
    )
    found = theatre(workshop)
    assert problems(found) == []
    for line in (1, 2):
        statement = statement_of(found, "one", line)
        assert statement.measured.seen == "in its transaction"
        assert locks_of(statement) == {"public.child": "ACCESS EXCLUSIVE"}
    assert statement_of(found, "one", 3).measured.seen == "while it ran", "it commits inside"


def test_a_run_of_like_statements_is_measured_once_and_counted(workshop: Workshop, theatre: Theatre) -> None:
    with_base(workshop)
    rows = "".join(f"INSERT INTO public.parent VALUES ({number});\n" for number in range(50))
    workshop.change("one", f"BEGIN;\n{rows}COMMIT;\n", "DELETE FROM public.parent;")
    (statement,) = script_of(theatre(workshop), "one").statements
    assert (statement.count, statement.rows, statement.line, statement.end_line) == (50, 50, 2, 51)
    assert locks_of(statement)["public.parent"] == "ROW EXCLUSIVE"


def test_a_lock_that_was_held_already_is_no_difference(workshop: Workshop, theatre: Theatre) -> None:
    with_base(workshop)
    workshop.change(
        "one",
        "BEGIN;\nLOCK TABLE public.child;\nALTER TABLE public.child ADD COLUMN a int;\nCOMMIT;",
        "ALTER TABLE public.child DROP COLUMN a;",
    )
    found = theatre(workshop)
    assert locks_of(statement_of(found, "one", 3)) == {}
    assert differences(found) == []


def test_dynamic_sql_that_nobody_could_predict_is_a_difference(workshop: Workshop, theatre: Theatre) -> None:
    with_base(workshop)
    workshop.server.execute(
        "CREATE FUNCTION public.sly() RETURNS void LANGUAGE plpgsql AS"
        " $$BEGIN EXECUTE convert_from('\\x414c544552205441424c45207075626c69632e706172656e7420414c544552"
        "20434f4c554d4e2069642054595045"
        "20626967696e74', 'UTF8'); END$$",
        workshop.dbname,
    )
    workshop.change("one", "SELECT public.sly();", "ALTER TABLE public.parent ALTER COLUMN id TYPE int;")
    found = theatre(workshop)
    told = {(one.about, one.relation, one.predicted) for one in statement_of(found, "one", 1).differences}
    assert ("lock", "public.parent", "nothing") in told
    assert ("rewrite", "public.parent", "nothing") in told
    assert found.differences >= 2


def test_names_without_a_schema_are_found_as_the_script_finds_them(workshop: Workshop, theatre: Theatre) -> None:
    with_base(workshop)
    workshop.change("one", "ALTER TABLE child ADD COLUMN a int;", "ALTER TABLE child DROP COLUMN a;")
    found = theatre(workshop)
    assert locks_of(statement_of(found, "one", 1)) == {"public.child": "ACCESS EXCLUSIVE"}
    assert differences(found) == []


PATHS = {
    "database": ('ALTER DATABASE "{db}" SET search_path = app, public',),
    "role in the database": (
        'ALTER ROLE {role} IN DATABASE "{db}" SET search_path = app',
        "ALTER ROLE {role} SET search_path = elsewhere",
        'ALTER DATABASE "{db}" SET search_path = nowhere',
    ),
    "role": ("ALTER ROLE {role} SET search_path = app", 'ALTER DATABASE "{db}" SET search_path = nowhere'),
    "role of that name": ("ALTER SCHEMA app RENAME TO {role}",),
    "options": ('ALTER DATABASE "{db}" SET search_path = nowhere',),
}


@pytest.mark.parametrize("where", PATHS)
def test_names_are_found_by_the_search_path_of_the_session(
    pg18: Server, workshop_on: Callable[..., Workshop], theatre: Theatre, where: str
) -> None:
    """Both in the copy, where the scripts run, and in what was predicted of them."""
    workshop = workshop_on(pg18)
    role = f"app_{workshop.dbname[-8:]}"
    setup = (
        f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'secret'", "CREATE SCHEMA app", "CREATE SCHEMA elsewhere",
        "CREATE TABLE app.orders (id int PRIMARY KEY)", "CREATE TABLE elsewhere.orders (id int PRIMARY KEY)",
        *(sql.format(role=role, db=workshop.dbname) for sql in PATHS[where]),
    )  # fmt: skip
    for sql in setup:
        pg18.execute(sql, workshop.dbname)
    try:
        workshop.change("one", "ALTER TABLE orders ADD COLUMN a int;", "ALTER TABLE orders DROP COLUMN a;")
        project, _ = workshop.project()
        uri = workshop.uri.replace("postgres@", f"{role}:secret@")
        if where == "options":
            uri += f"{'&' if '?' in uri else '?'}options=-csearch_path%3Dapp"
        found = rehearse(project, project.environment(uri), Options(), state_dir=theatre.state_dir)
        assert found is not None
        assert problems(found) == []
        schema = role if "that name" in where else "app"
        assert locks_of(statement_of(found, "one", 1)) == {f"{schema}.orders": "ACCESS EXCLUSIVE"}
        assert differences(found) == []
    finally:
        pg18.execute(f"DROP OWNED BY {role} CASCADE", workshop.dbname)
        pg18.execute(f"DROP ROLE {role}", workshop.dbname)


def test_a_setting_that_the_role_may_not_ask_for_is_noted(
    pg18: Server, workshop_on: Callable[..., Workshop], theatre: Theatre
) -> None:
    workshop = workshop_on(pg18)
    role = f"app_{workshop.dbname[-8:]}"
    pg18.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
    pg18.execute(f"ALTER ROLE {role} SET log_min_duration_statement = '1s'")
    pg18.execute(f'GRANT CREATE ON DATABASE "{workshop.dbname}" TO {role}')
    try:
        workshop.change("one", "CREATE SCHEMA one;", "DROP SCHEMA one;")
        project, _ = workshop.project()
        uri = workshop.uri.replace("postgres@", f"{role}:secret@")
        found = rehearse(project, project.environment(uri), Options(), state_dir=theatre.state_dir)
        assert found is not None
        assert found.ok
        assert [note for note in found.notes if "log_min_duration_statement" in note]
    finally:
        pg18.execute(f"DROP OWNED BY {role}", workshop.dbname)
        pg18.execute(f"DROP ROLE {role}")


def test_statements_of_one_line_are_told_apart(workshop: Workshop, theatre: Theatre) -> None:
    with_base(workshop)
    workshop.change(
        "one",
        "begin; alter table child add column a int; drop view names; commit;",
        "begin; alter table child drop column a; create view names as select name from child; commit;",
    )
    workshop.change(
        "two",
        "\\set both 'BEGIN; ALTER TABLE parent ADD COLUMN b int; ALTER TABLE child ADD COLUMN b int; COMMIT;'\n:both\n",
        "BEGIN; ALTER TABLE parent DROP COLUMN b;ALTER TABLE child DROP COLUMN b; COMMIT;",
    )
    found = theatre(workshop)
    assert problems(found) == []
    assert differences(found) == []
    first, second = script_of(found, "one").statements
    assert (first.kind, locks_of(first)) == ("ALTER TABLE", {"public.child": "ACCESS EXCLUSIVE"})
    assert (second.kind, locks_of(second)) == ("DROP VIEW", {"public.names": "ACCESS EXCLUSIVE"})
    assert first.on_target is not None
    assert [sorted(locks_of(one)) for one in script_of(found, "two").statements] == [
        ["public.parent"],
        ["public.child"],
    ]


def test_a_database_without_the_schema_public_can_be_rehearsed(workshop: Workshop, theatre: Theatre) -> None:
    workshop.query("CREATE SCHEMA app; COMMENT ON SCHEMA app IS 'ours'; DROP SCHEMA public")
    workshop.change("one", "CREATE TABLE app.one (id int);", "DROP TABLE app.one;")
    assert theatre(workshop).ok


def test_a_change_may_drop_the_schema_public(workshop: Workshop, theatre: Theatre) -> None:
    workshop.change("one", "DROP SCHEMA public;", "CREATE SCHEMA public;")
    found = theatre(workshop)
    assert problems(found) == []
    assert [one.action for one in found.scripts] == ["deploy", "revert", "redeploy"]


def test_the_registry_is_there_as_after_the_deploy_has_made_it(workshop: Workshop, theatre: Theatre) -> None:
    workshop.change(
        "one",
        'GRANT USAGE ON SCHEMA sqitch TO PUBLIC; GRANT SELECT ON :"registry".changes TO PUBLIC;\n'
        "GRANT SELECT ON pgmig.schema_migrations TO PUBLIC;",
        "REVOKE USAGE ON SCHEMA sqitch FROM PUBLIC; REVOKE SELECT ON sqitch.changes FROM PUBLIC;\n"
        "REVOKE SELECT ON pgmig.schema_migrations FROM PUBLIC;",
    )
    found = theatre(workshop)
    assert problems(found) == []
    assert found.ok
    assert not workshop.relation("sqitch.changes")


def test_each_script_is_told_by_its_bytes_and_the_schema_that_it_met(workshop: Workshop, theatre: Theatre) -> None:
    """Whatever is in the cluster beside it, and can't be in the copy."""
    server, bystander = workshop.server, f"bystander_{workshop.dbname[-8:]}"
    server.execute(f"CREATE ROLE {bystander} LOGIN CREATEDB CONNECTION LIMIT 3 VALID UNTIL '2999-01-01'")
    try:
        for sql in (
            f"GRANT pg_monitor TO {bystander}",
            f"ALTER ROLE {bystander} IN DATABASE {workshop.dbname} SET work_mem = '1MB'",
            "CREATE FOREIGN DATA WRAPPER elsewhere", "CREATE SERVER far FOREIGN DATA WRAPPER elsewhere",
            "CREATE USER MAPPING FOR PUBLIC SERVER far",
            "CREATE TABLE stays (id int PRIMARY KEY, other int REFERENCES stays)", "GRANT SELECT ON stays TO PUBLIC",
            "COMMENT ON TABLE stays IS 'here'", "COMMENT ON SCHEMA public IS 'here, too'",
        ):  # fmt: skip
            server.execute(sql, workshop.dbname)
        _told_by_bytes_and_schema(workshop, theatre)
    finally:
        server.execute(f"DROP ROLE {bystander}")


def _told_by_bytes_and_schema(workshop: Workshop, theatre: Theatre) -> None:
    workshop.change("a", "CREATE TABLE one (id int);", "DROP TABLE one;")
    workshop.change("b", "CREATE TABLE two (id int);", "DROP TABLE two;")
    found = theatre(workshop)
    _, environment = workshop.project()
    with connect(environment.target, application_name="test") as connection:
        now = schema_digest(read_objects(connection), environment.own_schemas)
    first, second, back, undone = found.scripts[:4]
    assert first.schema == now
    assert (second.schema, back.schema, undone.schema) == (first.after, second.after, first.after)
    assert undone.after == now
    assert first.script_hash == hash_of(b"CREATE TABLE one (id int);")


def test_a_revert_that_leaves_something_names_it(workshop: Workshop, theatre: Theatre) -> None:
    with_base(workshop)
    workshop.change(
        "one",
        "BEGIN; CREATE TABLE IF NOT EXISTS public.left_behind (); ALTER TABLE public.child ADD COLUMN a int; COMMIT;",
        "ALTER TABLE public.child DROP COLUMN a;",
    )
    found = theatre(workshop)
    told = [(one.when, one.change, one.kind, one.name, one.before) for one in found.schema_differences]
    assert ("revert", "one", "table", "public.left_behind", "") in told
    assert not any(name == "public.child" for *_, name, _ in told)
    assert found.fingerprints.before != found.fingerprints.reverted
    assert not found.ok


def test_a_column_that_comes_back_elsewhere_is_noticed(workshop: Workshop, theatre: Theatre) -> None:
    with_base(workshop)
    workshop.change(
        "one", "ALTER TABLE public.child DROP COLUMN parent;", "ALTER TABLE public.child ADD COLUMN parent int;"
    )
    differs = {one.name for one in theatre(workshop).schema_differences}
    assert {"public.child", "child_parent_fkey on public.child"} <= differs


def test_a_failing_script_is_told_with_its_line(workshop: Workshop, theatre: Theatre) -> None:
    with_base(workshop)
    workshop.change("one", "BEGIN;\nALTER TABLE public.child ADD COLUMN a int;\nSELECT 1/0;\nCOMMIT;", "SELECT 1;")
    found = theatre(workshop)
    script = script_of(found, "one")
    assert script.problem is not None
    assert (script.problem.path, script.problem.line, script.problem.sqlstate) == ("deploy/one.sql", 3, "22012")
    assert [statement.line for statement in script.statements] == [2], "what ran before it was measured"
    assert [one.action for one in found.scripts] == ["deploy"]
    assert not found.ok


def test_a_missing_or_failing_revert_is_told(workshop: Workshop, theatre: Theatre) -> None:
    with_base(workshop)
    workshop.change("one", "ALTER TABLE public.child ADD COLUMN a int;", "ALTER TABLE public.child DROP COLUMN b;")
    found = theatre(workshop)
    assert script_of(found, "one", "revert").problem is not None
    assert not found.ok
    (workshop.root / "revert" / "one.sql").unlink()
    missing = theatre(workshop)
    assert "revert/one.sql" in problems(missing)[0]


def test_a_verification_that_fails_is_told(workshop: Workshop, theatre: Theatre) -> None:
    workshop.change("one", "CREATE TABLE public.one ();", "DROP TABLE public.one;", "SELECT FROM public.two;")
    found = theatre(workshop)
    script = script_of(found, "one")
    assert (script.ok, script.verified) == (True, False)
    assert script.verify_problem is not None
    assert script.verify_problem.sqlstate == "42P01"
    assert not found.ok


def test_a_rehearsal_checks_deferred_constraints(workshop: Workshop, theatre: Theatre) -> None:
    workshop.change(
        "one",
        "BEGIN; CREATE TABLE public.a (id int PRIMARY KEY);"
        " CREATE TABLE public.b (a int REFERENCES public.a DEFERRABLE INITIALLY DEFERRED);"
        " INSERT INTO public.b VALUES (1); COMMIT;",
    )
    assert "violates foreign key" in problems(theatre(workshop))[0]


def test_scripts_run_with_the_rights_and_settings_of_the_targets_role(
    pg18: Server, workshop_on: Callable[..., Workshop], theatre: Theatre
) -> None:
    workshop = workshop_on(pg18)
    role = f"app_{workshop.dbname[-8:]}"
    group = f"grp_{workshop.dbname[-8:]}"
    for sql in (
        f"CREATE ROLE {role} LOGIN PASSWORD 'secret'", f"CREATE ROLE {group}", f"GRANT {group} TO {role}",
        "CREATE SCHEMA inner_one",
        f"GRANT CREATE, USAGE ON SCHEMA inner_one TO {group}", "CREATE TABLE inner_one.mine (id int)",
        f"ALTER TABLE inner_one.mine OWNER TO {group}", "CREATE TABLE inner_one.theirs (id int)",
        f"GRANT SELECT ON inner_one.theirs TO {role}",
        f'ALTER DATABASE "{workshop.dbname}" SET search_path = inner_one, pg_catalog',
    ):  # fmt: skip
        pg18.execute(sql, workshop.dbname)
    try:
        workshop.change("one", "ALTER TABLE mine ADD COLUMN a int;", "ALTER TABLE mine DROP COLUMN a;")
        workshop.change("two", "ALTER TABLE inner_one.theirs ADD COLUMN a int;", "SELECT 1;")
        project, _ = workshop.project()
        uri = workshop.uri.replace("postgres@", f"{role}:secret@")
        found = rehearse(project, project.environment(uri), Options(), state_dir=theatre.state_dir)
        assert found is not None
        assert set(found.stand_in_roles) == {role, group}
        assert script_of(found, "one").ok, problems(found)
        assert "must be owner" in problems(found)[0]
    finally:
        for sql in (f"DROP OWNED BY {role}, {group} CASCADE", f"DROP ROLE {role}, {group}"):
            pg18.execute(sql, workshop.dbname)


def test_statistics_come_along_on_18(pg18: Server, workshop_on: Callable[..., Workshop], theatre: Theatre) -> None:
    workshop = with_base(workshop_on(pg18))
    pg18.execute("INSERT INTO public.parent SELECT generate_series(1, 5000)", workshop.dbname)
    pg18.execute("VACUUM ANALYZE public.parent", workshop.dbname)
    on_18 = pg18.version_num >= 180000  # PostgreSQL 18 alone dumps them
    workshop.change(
        "one",
        f"DO $$BEGIN ASSERT (SELECT reltuples FROM pg_class WHERE oid = 'public.parent'::regclass)"
        f" {'= 5000' if on_18 else '<= 0'},"
        " (SELECT format('%s tuples', reltuples) FROM pg_class WHERE oid = 'public.parent'::regclass);"
        " ASSERT NOT EXISTS (SELECT FROM public.parent), 'rows'; END$$;",
        "SELECT 1;",
    )
    workshop.change(
        "two",
        "ALTER TABLE public.parent ALTER COLUMN note TYPE int USING 1;",
        "ALTER TABLE public.parent ALTER COLUMN note TYPE text;",
    )
    found = theatre(workshop)
    assert found.restore_problems == ()
    assert found.statistics is on_18
    assert script_of(found, "one").problem is None
    assert statement_of(found, "two", 1).on_target is not None


def test_names_that_are_not_ascii_in_a_database_that_is_not_utf8(
    pg: Server, workshop_on: Callable[..., Workshop], theatre: Theatre
) -> None:
    workshop = workshop_on(pg, "TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    with psycopg.connect(pg.conninfo(workshop.dbname, client_encoding="UTF8"), autocommit=True) as connection:
        connection.execute('CREATE TABLE public."größe" (id int)')
    workshop.change(
        "one",
        "SET client_encoding = 'UTF8';\nALTER TABLE public.\"größe\" ALTER COLUMN id TYPE bigint;",
        "SET client_encoding = 'UTF8';\nALTER TABLE public.\"größe\" ALTER COLUMN id TYPE int;",
    )
    found = theatre(workshop)
    assert problems(found) == []
    statement = statement_of(found, "one", 2)
    assert locks_of(statement)["public.größe"] == "ACCESS EXCLUSIVE"
    assert [str(name) for name in statement.measured.rewrites] == ["public.größe"]


def test_foreign_servers_can_not_be_reached_from_the_copy(
    pg18: Server, workshop_on: Callable[..., Workshop], theatre: Theatre
) -> None:
    workshop = workshop_on(pg18)
    for sql in (
        "CREATE EXTENSION postgres_fdw",
        f"CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname '{workshop.dbname}')",
        "CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (user 'postgres', password 'hidden')",
        "CREATE FOREIGN TABLE public.there (id int) SERVER far",
    ):
        pg18.execute(sql, workshop.dbname)
    workshop.change("one", "INSERT INTO public.there VALUES (1);")
    found = theatre(workshop)
    assert any("far" in note for note in found.notes)
    assert "user mapping not found" in problems(found)[0]


def test_a_table_that_is_locked_stops_the_dump_soon(workshop: Workshop, theatre: Theatre) -> None:
    with_base(workshop)
    workshop.change("one", "SELECT 1;")
    with psycopg.connect(workshop.server.conninfo(workshop.dbname)) as holder:
        holder.execute("LOCK TABLE public.parent")
        start = time.monotonic()
        with pytest.raises(CloneError) as caught:
            theatre(workshop)
        assert time.monotonic() - start < 20
    assert "public.parent" in "\n".join(caught.value.details)


def test_nothing_pending_is_nothing_to_rehearse(workshop: Workshop, theatre: Theatre) -> None:
    workshop.change("one", "SELECT 1;")
    assert workshop.run().status == 0
    project, environment = workshop.project()
    assert rehearse(project, environment, Options(), state_dir=theatre.state_dir) is None


# -- on a server that the operator named ---------------------------------------------------------------------------


def named(workshop: Workshop, server: Server) -> Target:
    project, _ = workshop.project()
    return project.environment(server.uri("postgres")).target


def scratch_databases(server: Server) -> set[str]:
    return {str(name) for (name,) in server.execute(f"SELECT datname FROM pg_database WHERE datname ~ '^{PREFIX}'")}


def test_another_server_can_be_named_and_is_left_as_it_was(workshop: Workshop, theatre: Theatre) -> None:
    with_base(workshop)
    workshop.change("one", "ALTER TABLE public.child ADD COLUMN a int;", "ALTER TABLE public.child DROP COLUMN a;")
    server = workshop.server
    leftover = f"{PREFIX}00000000dead"
    server.execute(f'CREATE DATABASE "{leftover}"')
    found = theatre(workshop, named(workshop, server))
    assert problems(found) == []
    assert found.ok
    assert leftover not in scratch_databases(server), "its creator is gone"


def test_the_scratch_database_of_somebody_who_works_stays(workshop: Workshop, theatre: Theatre) -> None:
    workshop.change("one", "SELECT 1;", "SELECT 1;")
    server = workshop.server
    theirs = f"{PREFIX}00000000beef"
    server.execute(f'CREATE DATABASE "{theirs}"')
    try:
        with psycopg.connect(server.conninfo("postgres", application_name="pgmig/rehearsal/00000000beef")):
            theatre(workshop, named(workshop, server))
            assert theirs in scratch_databases(server)
    finally:
        server.execute(f'DROP DATABASE "{theirs}"')


def test_another_major_version_is_refused(workshop: Workshop, theatre: Theatre, serve: Callable[..., Server]) -> None:
    other = serve(16 if workshop.server.version_num >= 180000 else 18, exactly=True)
    workshop.change("one", "SELECT 1;")
    with pytest.raises(UsageError, match="PostgreSQL"):
        theatre(workshop, named(workshop, other))


def test_scripts_that_change_a_whole_server_want_one_of_our_own(workshop: Workshop, theatre: Theatre) -> None:
    workshop.change("one", "BEGIN;\nCREATE ROLE pgmig_rehearsed;\nCOMMIT;", "DROP ROLE pgmig_rehearsed;")
    with pytest.raises(Refused) as caught:
        theatre(workshop, named(workshop, workshop.server))
    assert "deploy/one.sql:2: CREATE ROLE" in caught.value.details
    assert theatre(workshop).ok
    assert theatre(workshop).ok, "the role of the first rehearsal is gone"


def test_a_protected_server_is_refused(workshop: Workshop, theatre: Theatre) -> None:
    workshop.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\nprotected = true\n'
    workshop.change("one", "SELECT 1;")
    project, environment = workshop.project()
    with pytest.raises(Refused, match="protected"):
        theatre(workshop, environment.target)
    with pytest.raises(Refused, match="can't be told"):
        theatre(workshop, project.environment(workshop.server.uri("postgres")).target)


def test_a_verify_script_that_passes_where_its_change_is_absent_verifies_nothing(
    workshop: Workshop, theatre: Theatre
) -> None:
    with_base(workshop)
    gone = "DROP TABLE public.{0};"
    workshop.change("real", "CREATE TABLE public.a (id int);", gone.format("a"), "SELECT id FROM public.a WHERE FALSE;")
    workshop.change(
        "vain", "CREATE TABLE public.b (id int);", gone.format("b"), "SELECT count(*) FROM pg_catalog.pg_class;"
    )
    said = "-- Verify\n-- pgmig: lint ignore verify-proves-nothing the rows may be there already\nSELECT 1;"
    workshop.change("said", "INSERT INTO public.parent VALUES (1);", "DELETE FROM public.parent;", said)
    workshop.change("stays", "CREATE TABLE public.d (id int);", "SELECT 1;", "SELECT id FROM public.d WHERE FALSE;")
    workshop.change("none", "CREATE TABLE public.e (id int);", gone.format("e"))

    found = theatre(workshop)

    told = {(one.change, one.action): one.absent for one in found.scripts if one.action != "redeploy"}
    assert told["real", "deploy"] is told["real", "revert"] is told["stays", "deploy"] is True
    assert told["none", "deploy"] is told["none", "revert"] is None
    assert told["vain", "deploy"] == VerifiesNothing("verify/vain.sql", "before the deploy")
    assert told["vain", "revert"] == VerifiesNothing("verify/vain.sql", "after the revert")
    assert told["stays", "revert"] == VerifiesNothing("verify/stays.sql", "after the revert")
    assert told["said", "deploy"] == VerifiesNothing(
        "verify/said.sql", "before the deploy", "the rows may be there already"
    )
    assert [one.path for one in found.verify_nothing] == ["verify/vain.sql", "verify/stays.sql"]
    end = "\n".join(text_of(one) for one in closing(found))
    assert "! 2 verify scripts verify nothing: verify/vain.sql and verify/stays.sql" in end
    remarked = "\n".join(text_of(one) for script in found.scripts for one in remarks(script))
    assert "verify/vain.sql passes before the deploy, where the change is absent: it verifies nothing" in remarked
    assert "verify/said.sql passes before the deploy, where the change is absent: the rows may be" in remarked
    document = to_json(found)
    assert document["verify_nothing"] == [
        {"path": "verify/vain.sql", "when": "before the deploy", "silenced": ""},
        {"path": "verify/stays.sql", "when": "after the revert", "silenced": ""},
    ]
