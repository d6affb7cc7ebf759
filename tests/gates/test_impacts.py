"""Impact of scripts with a server that doesn't let everything be read."""

from __future__ import annotations

from pathlib import Path

from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.gates.impacts import Source, inspect, reading
from pgmig_tui.project.project import load_project
from tests.cli.program import environment, shop
from tests.database.places import Databases
from tests.servers import Server


def test_a_catalog_that_may_not_be_read_is_said_to_be_unknown(
    tmp_path: Path, pg18: Server, database_on: Databases
) -> None:
    name = database_on(pg18)
    pg18.execute("REVOKE SELECT ON pg_catalog.pg_depend FROM PUBLIC", name)
    role = f"poor_{name}"
    pg18.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'poor'", name)
    try:
        checkout = shop(tmp_path, {"dev": pg18.uri(name)})
        known = environment(checkout.home, SQITCH_USERNAME=role, SQITCH_PASSWORD="poor")
        project = load_project(checkout.root, known)
        where = project.environment("dev")
        with connect(where.target, application_name=application_name("impact", "dev")) as connection:
            how = reading(project, "deploy", where, connection, {})
            found = inspect([Source("", "x.sql", b"ALTER TABLE t ADD COLUMN c int;")], how, connection)[0]
        assert not found.impact.catalog
        assert [lock.mode.name for lock in found.impact.statements[0].locks] == ["ACCESS_EXCLUSIVE"]
        assert [finding.code for finding in found.findings] == ["catalog"]
        assert "UNKNOWN (permission denied for table pg_depend)" in found.findings[0].message
    finally:
        pg18.execute(f'DROP ROLE "{role}"', name)
