"""What a script says aloud reaches no journal and no table with the secrets that it marks as such."""

from __future__ import annotations

import pytest

from tests.run.conftest import Workshop

SCRIPT = r"""
\set app_password hunter2
\echo password=hunter2
\echo the app's address is postgresql://app:hunter2@db/app
\warn token: hunter2
SELECT 'postgresql://app:hunter2@db/app', '{"password": "hunter2"}';
DO $$BEGIN EXECUTE 'CREATE ROLE {0} PASSWORD ''hunter2'''; END$$;
DO $$BEGIN EXECUTE format('ALTER ROLE %I PASSWORD %L', '{0}', 'hunter2'); END$$;
DO 'BEGIN EXECUTE ''ALTER ROLE {0} PASSWORD ''''hunter2''''''; END';
DO $$BEGIN RAISE NOTICE 'password: hunter2'; END$$;
DROP ROLE {0};
{1}
"""


@pytest.mark.parametrize("ending", ["SELECT 1;", "DO $$BEGIN RAISE 'at postgresql://app:hunter2@db/app'; END$$;"])
@pytest.mark.parametrize("stepwise", [False, True])
def test_no_secret_that_is_marked_reaches_the_journal_or_the_tables(
    workshop18: Workshop, ending: str, *, stepwise: bool
) -> None:
    workshop = workshop18
    script = SCRIPT.replace("{0}", f"{workshop.dbname}_app").replace("{1}", ending)
    workshop.change("one", ("VACUUM;\n" if stepwise else "") + script, "SELECT 1;")
    try:
        done = workshop.run()
    finally:
        workshop.query(f'DROP ROLE IF EXISTS "{workshop.dbname}_app"')
    assert done.status == (0 if ending == "SELECT 1;" else 1)
    for path in done.plan.folder.rglob("*"):
        if path.is_file() and path.parent.name != "files":
            assert b"hunter2" not in path.read_bytes(), path.name
    outputs = [event["text"] for event in done.named("output")]
    assert "password=***" in outputs
    for table in ("schema_migrations", "schema_audit", "runs"):
        for (row,) in workshop.query(f"SELECT t::text FROM pgmig.{table} AS t"):
            assert "hunter2" not in row
