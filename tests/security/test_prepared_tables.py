"""Tables of ours, or Sqitch's, that somebody has made before us: none of their code is ever run by us.

Who can: a role with CREATE on the database. What it would mean: whatever they like, as the role of whoever deploys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from pgmig_tui.database import own_tables
from pgmig_tui.database.connect import connect
from pgmig_tui.database.text import bind, load
from pgmig_tui.database.tracking_text import tracking_text
from pgmig_tui.errors import Refused
from tests.database.places import place, role, session
from tests.run.conftest import Workshop
from tests.security.test_strangers_code import project
from tests.servers import Server
from tests.traps import Log, lay_alarm

TRACKING = ("tracking_create", "tracking_functions", "runs_create", "marks_create", "queries/backfill_create")
OURS = (
    own_tables.registry_tables("sqitch"), own_tables.tracking_tables("pgmig"),
    own_tables.Tables("pgmig", ("runs", "do_not_deploy", "backfill_progress")),
)  # fmt: skip

RELEASE = "INSERT INTO sqitch.releases (version, installer_name, installer_email) VALUES (1.1, 'a', 'b')"
EVIL = """CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE FUNCTION evil.text() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pgmig_traps.fire('text'); RETURN 'x'; END $$;
CREATE FUNCTION evil.hash(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pgmig_traps.fire('hash'); RETURN 'x'; END $$;
CREATE FUNCTION evil.same(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pgmig_traps.fire('same'); RETURN true; END $$;
CREATE OPERATOR evil.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
CREATE FUNCTION evil.pull() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pgmig_traps.fire('trigger'); RETURN coalesce(NEW, OLD); END $$;
CREATE TABLE evil.t (a text);
CREATE DOMAIN evil.word AS text CHECK (VALUE IS NULL OR evil.text() > 'a');
CREATE TYPE evil.kind AS ENUM ('a');"""

FOUND = {
    "CREATE TRIGGER x BEFORE INSERT ON pgmig.schema_audit EXECUTE FUNCTION evil.pull()": "the trigger x",
    "CREATE TRIGGER x AFTER UPDATE ON pgmig.runs EXECUTE FUNCTION evil.pull()": "the trigger x",
    "CREATE CONSTRAINT TRIGGER x AFTER DELETE ON sqitch.tags DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    " EXECUTE FUNCTION evil.pull()": "the trigger x",
    "ALTER TABLE pgmig.runs ALTER command SET DEFAULT evil.text()": "calls text",
    "ALTER TABLE pgmig.runs ALTER command SET DEFAULT query_to_xml('SELECT evil.text()', true, true, '')::text":
        "calls query_to_xml",
    "ALTER TABLE sqitch.events ADD CHECK (table_to_xml('evil.t', true, true, '')::text > note)": "calls table_to_xml",
    "ALTER TABLE pgmig.runs ADD CHECK (command OPERATOR(evil.===) 'a')": "calls",
    "ALTER TABLE pgmig.runs ADD CHECK (command::evil.word <> '')": "calls",
    "ALTER TABLE pgmig.runs ADD h text GENERATED ALWAYS AS (evil.hash(command)) STORED": "calls",
    "CREATE INDEX ON pgmig.runs (evil.hash(command))": "calls",
    "CREATE INDEX ON pgmig.runs (command) WHERE evil.hash(command) = 'a'": "calls",
    "CREATE FUNCTION evil.compare(text, text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 0'; CREATE OPERATOR CLASS"
    " evil.class FOR TYPE text USING btree AS OPERATOR 3 =, FUNCTION 1 evil.compare(text, text);"
    " CREATE INDEX ON sqitch.tags (note evil.class)": "an index that calls compare",
    "ALTER TABLE pgmig.runs ALTER command TYPE evil.word": "type",
    "ALTER TABLE sqitch.projects ADD o evil.kind": "type",
    "CREATE RULE r AS ON INSERT TO sqitch.events DO ALSO SELECT evil.text()": "a rule",
    "ALTER TABLE sqitch.events ENABLE ROW LEVEL SECURITY": "row-level security",
    "CREATE TABLE evil.child () INHERITS (pgmig.runs)": "inherit",
    "CREATE TABLE evil.parent (a text); ALTER TABLE pgmig.runs ADD a text; ALTER TABLE pgmig.runs INHERIT evil.parent":
        "inherits",
    "CREATE TABLE evil.after (x text REFERENCES sqitch.changes ON DELETE CASCADE)": "foreign key",
    "ALTER TABLE evil.t ADD PRIMARY KEY (a); ALTER TABLE pgmig.runs ADD FOREIGN KEY (host) REFERENCES evil.t":
        "foreign key",
    "ALTER TABLE pgmig.runs RENAME TO was; CREATE VIEW pgmig.runs AS SELECT * FROM pgmig.was": "not an ordinary table",
    "ALTER TABLE pgmig.runs RENAME TO was; CREATE MATERIALIZED VIEW pgmig.runs AS SELECT * FROM pgmig.was":
        "not an ordinary table",
    "ALTER TABLE pgmig.runs RENAME TO was; CREATE TABLE pgmig.runs (LIKE pgmig.was) PARTITION BY LIST (host)":
        "not an ordinary table",
}  # fmt: skip
"""What somebody may do to a table of ours, and what a look says of it."""

PLAIN = (
    "CREATE INDEX ON sqitch.events (committed_at)",
    "ALTER TABLE pgmig.runs ADD o timestamptz DEFAULT now(), ADD p text DEFAULT 'x', ADD q date DEFAULT current_date",
    "ALTER TABLE pgmig.runs ADD r text DEFAULT current_user, ADD s bigserial, ADD u uuid DEFAULT gen_random_uuid()",
    "ALTER TABLE pgmig.runs ADD CHECK (command IN ('a', 'b') AND length(host) < 99)",
    "CREATE INDEX ON pgmig.runs (lower(host)) WHERE exit_status IS NULL",
    "CREATE INDEX ON pgmig.runs (host text_pattern_ops)",
    "CREATE OPERATOR CLASS evil.like_an_extension_s FOR TYPE text USING btree AS OPERATOR 3 =, FUNCTION 1"
    " pg_catalog.bttextcmp(text, text); CREATE INDEX ON sqitch.events (note evil.like_an_extension_s)",
    "ALTER TABLE pgmig.runs ADD o text GENERATED ALWAYS AS (command || 'a') STORED",
    "ALTER TABLE sqitch.changes OWNER TO pg_read_all_stats",
    "GRANT ALL ON ALL TABLES IN SCHEMA pgmig TO PUBLIC",
)
"""What anybody may do to it, and it is used all the same."""


@contextmanager
def prepared(
    server: Server, name: str, *more: str, tables: tuple[str, ...] = TRACKING, registry: bool = True
) -> Iterator[None]:
    """Our tables, made by somebody who may create things in the database and nothing else; then `more`."""
    lay_alarm(server, name)
    with role(server) as somebody, psycopg.connect(server.conninfo(name), autocommit=True) as connection:
        user = somebody["user"]
        connection.execute(f'GRANT CREATE ON DATABASE "{name}" TO "{user}"; SET ROLE "{user}"; {EVIL}'.encode())
        texts = ["CREATE SCHEMA pgmig", *(tracking_text(one, "pgmig") for one in tables)]
        if registry:
            texts += ["CREATE SCHEMA sqitch", bind(load("registry_create"), {"registry": "sqitch"}), RELEASE]
        connection.execute(";\n".join(one.rstrip().rstrip(";") for one in [*texts, *more]).encode())
        try:
            yield
        finally:
            connection.execute(f'RESET ROLE; DROP OWNED BY "{user}" CASCADE'.encode())


def test_a_look_finds_whatever_would_run(server: Server, database_on: Callable[..., str]) -> None:
    """And it is found by its number, too, which is what steps ask for."""
    name = database_on(server)
    with prepared(server, name), session(server, name) as ours:
        log = Log(server, name)
        (before,) = ours.one(own_tables.shape_sql(*OURS)) or ()
        for attack, said in FOUND.items():
            ours.execute(f"BEGIN; {attack}")
            (found,) = ours.one(own_tables.found_sql(*OURS)) or ()
            (shape,) = ours.one(own_tables.shape_sql(*OURS)) or ()
            assert said in (found or "nothing"), f"{attack}: {found}"
            assert shape != before, attack
            with pytest.raises(Refused, match="are not as they should be"):
                ours.execute(own_tables.guarded("DELETE FROM pgmig.schema_audit", *OURS))
            ours.execute("ROLLBACK")
        for harmless in PLAIN:
            ours.execute(f"BEGIN; {harmless}")
            assert ours.one(own_tables.found_sql(*OURS)) == (None,), harmless
            ours.execute("ROLLBACK")
        assert ours.one(own_tables.shape_sql(*OURS)) == (before,)
        assert log.fired() == []


def test_nothing_is_read_of_what_is_no_table(server: Server, database_on: Callable[..., str]) -> None:
    name = database_on(server)
    attacks = {
        "view": as_view("pgmig", "runs"),
        "type": "ALTER TABLE pgmig.runs ALTER command TYPE evil.kind USING NULL;"
        " CREATE FUNCTION evil.cast(evil.kind) RETURNS text LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pgmig_traps.fire('cast'); RETURN 'x'; END $$; CREATE CAST (evil.kind AS text)"
        " WITH FUNCTION evil.cast(evil.kind) AS IMPLICIT",
        "child": "CREATE TABLE evil.child () INHERITS (pgmig.runs)",
    }
    with prepared(server, name), connect(place(server, name), application_name="pgmig/test", kind="watch") as session:
        log = Log(server, name)
        for kind, attack in attacks.items():
            with psycopg.connect(server.conninfo(name), autocommit=True) as stranger:
                stranger.execute(f"BEGIN; {attack}; COMMIT".encode())
                runs = own_tables.Tables("pgmig", ("runs",))
                with pytest.raises(Refused, match=r"are not as they should be: pgmig\.runs"):
                    session.execute(own_tables.behind_look("SELECT command || 'a' FROM pgmig.runs", runs))
                stranger.execute(b"DROP SCHEMA pgmig CASCADE; DROP TYPE IF EXISTS evil.kind CASCADE")
                stranger.execute(b"CREATE SCHEMA pgmig; CREATE TYPE evil.kind AS ENUM ('a')")
                stranger.execute(bind(load("runs_create"), {"schema": "pgmig"}).encode())
            assert log.fired() == [], kind


def as_view(schema: str, table: str) -> str:
    return (
        f'ALTER TABLE "{schema}".{table} RENAME TO was_{table};'
        f' CREATE VIEW "{schema}".{table} AS SELECT * FROM "{schema}".was_{table} WHERE evil.text() > \'a\''
    )


KEPT = 'CREATE SCHEMA "kept rows"; ' + bind(load("keep_create"), {"schema": "kept rows"}).rstrip(";")
DEFERRED = (
    "CREATE TABLE evil.after (x text REFERENCES sqitch.changes ON DELETE CASCADE);"
    " CREATE CONSTRAINT TRIGGER x AFTER DELETE ON evil.after DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
    " EXECUTE FUNCTION evil.pull()"
)
DEPLOY, DRY = ("deploy", "box", "--yes", "--to", "orders"), ("deploy", "box", "--dry-run", "--yes")

ATTACKS: dict[str, tuple[tuple[str, ...], tuple[tuple[tuple[str, ...], int, str], ...]]] = {
    "a trigger on tracking": (
        ("CREATE TRIGGER x BEFORE INSERT ON pgmig.schema_migrations EXECUTE FUNCTION evil.pull()",),
        ((DRY, 0, "has the trigger x"), (DEPLOY, 0, "tracking is off: pgmig.schema_migrations has the trigger x")),
    ),
    "a default of the audit": (
        ("ALTER TABLE pgmig.schema_audit ALTER performed_by SET DEFAULT evil.text()",),
        ((DEPLOY, 0, "tracking is off"),),
    ),
    "a trigger on the runs": (
        ("CREATE TRIGGER x BEFORE UPDATE ON pgmig.runs EXECUTE FUNCTION evil.pull()",),
        ((DEPLOY, 0, "pgmig.runs has the trigger x"), (("attach", "box"), 2, "no run is under way")),
    ),
    "a view of the marks": (
        (as_view("pgmig", "do_not_deploy"),),
        ((DRY, 3, "pgmig.do_not_deploy is not an ordinary table"), (DEPLOY, 3, "is not an ordinary table")),
    ),
    "a view of the checkpoints": (
        (as_view("pgmig", "backfill_progress"),),
        ((DEPLOY, 0, ""), (("backfill", "box", "fill", "--yes"), 3, "backfill_progress is not an ordinary table")),
    ),
    "a view of what is kept": (
        (KEPT, as_view("kept rows", "kept")),
        ((("undo", "--target", "box"), 3, "kept rows.kept is not an ordinary table"),),
    ),
    "a registry that is views": (
        (as_view("sqitch", "changes"), as_view("sqitch", "releases")),
        ((("status", "box"), 5, "not an ordinary table"), (DEPLOY, 3, "sqitch.changes is not an ordinary table")),
    ),
    "events that are a view": (
        (as_view("sqitch", "events"),),
        ((("log", "box"), 3, "sqitch.events is not an ordinary table"), (DEPLOY, 3, "sqitch.events is not")),
    ),
    "a trigger on the registry": (
        ("CREATE TRIGGER x AFTER INSERT ON sqitch.projects EXECUTE FUNCTION evil.pull()",),
        ((DEPLOY, 3, "sqitch.projects has the trigger x"),),
    ),
    "a key to the registry, with a trigger at COMMIT": (
        (DEFERRED,),
        ((DEPLOY, 3, "sqitch.changes has a foreign key"),),
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_command_runs_what_a_stranger_has_put_into_our_tables(
    attack: str, pg18: Server, database_on: Callable[..., str], tmp_path: Path
) -> None:
    name = database_on(pg18)
    made, commands = ATTACKS[attack]
    with prepared(pg18, name, *made):
        log = Log(pg18, name)
        checkout = project(tmp_path, pg18.uri(name))
        for words, status, said in commands:
            done = checkout.run(*words)
            assert log.fired() == [], words
            assert (done.status, said in " ".join((done.out + done.err).split())) == (status, True), done.out + done.err


@pytest.mark.parametrize("level", ["READ COMMITTED", "SERIALIZABLE"])
def test_what_is_made_while_a_step_runs_is_not_run_either(
    level: str, workshop_on: Callable[..., Workshop], server: Server, tmp_path: Path
) -> None:
    """The script of the step itself makes it, which comes closest to the record."""
    workshop = workshop_on(server)
    lay_alarm(server, workshop.dbname)
    workshop.query(f"BEGIN; {EVIL} COMMIT")
    workshop.change("first", "SELECT 1;")
    trigger = "CREATE TRIGGER x BEFORE INSERT ON {} EXECUTE FUNCTION evil.pull();"
    tables = ("pgmig.schema_audit", "sqitch.events")
    workshop.change("second", f"SET TRANSACTION ISOLATION LEVEL {level}; {''.join(map(trigger.format, tables))}")
    log = Log(server, workshop.dbname)
    done = workshop.run()
    assert log.fired() == []
    (failed,) = done.named("step_failed")
    assert "was altered while the run worked" in failed["message"], failed
    assert workshop.query("SELECT change FROM sqitch.changes") == [("first",)]
