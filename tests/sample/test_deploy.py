"""The sample project on real servers: scripts do what they say, and verify scripts notice when they didn't."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pgmig_tui.project.plan import Change, parse_plan
from tests.servers import Server
from tests.sqitch import Sqitch

ROOT = Path(__file__).parents[2]
PLAN = parse_plan((ROOT / "sqitch.plan").read_bytes(), ROOT / "sqitch.plan")

PEOPLE_AND_PAPER = """
INSERT INTO dms.users (email, full_name) VALUES ('ana@example.com', 'Ana'), ('jonas@example.com', 'Jonas');
INSERT INTO dms.folders (name) VALUES ('Contracts');
INSERT INTO dms.documents (folder_id, owner_id, title, body, status)
SELECT 1, 1 + i % 2, 'Contract ' || i, 'The parties agreed on item ' || i,
       (ARRAY['draft', 'published'])[1 + i % 2]::dms.document_status
  FROM pg_catalog.generate_series(1, 25000) AS i;
"""


@pytest.fixture(params=["pg15", "pg16", "pg18"])
def server(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(request.param)
    return server


def script(change: Change, kind: str) -> Path:
    return ROOT / kind / f"{change.name}{'@v1.1' if change.superseded_by is not None else ''}.sql"


def psql(server: Server, dbname: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """As sqitch runs it, but with an empty search_path: a name that isn't qualified is not found."""
    command: list[str | Path] = [server.bin_dir / "psql", "-d", server.conninfo(dbname)]
    command += ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"]
    environment = {**os.environ, "PGOPTIONS": "-c search_path= -c client_min_messages=warning"}
    return subprocess.run([*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


def run(server: Server, dbname: str, path: Path) -> None:
    done = psql(server, dbname, "--file", path)
    assert done.returncode == 0, done.stderr


def verified(server: Server, dbname: str, change: Change) -> bool:
    done = psql(server, dbname, "--file", script(change, "verify"))
    assert done.returncode in (0, 3), done.stderr
    return done.returncode == 0


def schema(server: Server, dbname: str) -> str:
    dumped = subprocess.run(
        [server.bin_dir / "pg_dump", "--schema-only", "--exclude-schema=sqitch", "-d", server.conninfo(dbname)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return re.sub(r"^\\(un)?restrict .*$", "", dumped, flags=re.MULTILINE)


def test_each_change_is_verified_only_while_it_is_there(server: Server, database_on: Callable[..., str]) -> None:
    """Up the plan (verify fails, deploy, it passes) and down again (revert, it fails, the schema is as before)."""
    database = database_on(server)
    schemas = []
    for change in PLAN.changes:
        schemas.append(schema(server, database))
        assert not verified(server, database, change), f"{change.name}: verified before it was deployed"
        run(server, database, script(change, "deploy"))
        assert verified(server, database, change), f"{change.name}: not verified after it was deployed"
        if change.name == "20250115_0001_create_documents":
            assert psql(server, database, "--command", PEOPLE_AND_PAPER).returncode == 0
    whole = schema(server, database)
    for change, before in zip(reversed(PLAN.changes), reversed(schemas), strict=True):
        run(server, database, script(change, "revert"))
        assert not verified(server, database, change), f"{change.name}: verified after it was reverted"
        assert schema(server, database) == before, f"{change.name}: its revert left something else than there was"
    for change in PLAN.changes:
        run(server, database, script(change, "deploy"))
    assert schema(server, database) == whole


@pytest.mark.sqitch
def test_the_real_sqitch_deploys_reverts_and_deploys_again(server: Server, database_on: Callable[..., str]) -> None:
    target = server.uri(database_on(server))
    sqitch = Sqitch(ROOT, server.bin_dir / "psql")
    said = sqitch.run("deploy", "--verify", "--mode", "change", target).stdout
    assert len(re.findall(r"^  \+ \S+ .* ok$", said, re.MULTILINE)) == len(PLAN.changes)
    assert "Verify successful" in sqitch.run("verify", target).stdout
    sqitch.run("revert", "-y", target)
    assert "No changes deployed" in sqitch.run("status", target, check=False).stdout
    sqitch.run("deploy", "--verify", "--mode", "change", target)
    assert "Nothing to deploy (up-to-date)" in sqitch.run("status", target).stdout


@pytest.fixture(scope="module")
def deployed(pg18: Server) -> Iterator[str]:
    """The whole project on PostgreSQL 18, with documents that are older than the full-text search."""
    name = pg18.create_database()
    for change in PLAN.changes:
        run(pg18, name, script(change, "deploy"))
        if change.name == "20250115_0001_create_documents":
            assert psql(pg18, name, "--command", PEOPLE_AND_PAPER).returncode == 0
    yield name
    pg18.drop_database(name)


def test_the_data_migration_commits_each_batch(pg18: Server, deployed: str) -> None:
    writers = pg18.execute("SELECT count(*) FROM dms.documents GROUP BY xmin::text ORDER BY 1", deployed)
    assert writers == [(5000,), (10000,), (10000,)]


def test_the_data_migration_does_not_make_documents_look_edited(pg18: Server, deployed: str) -> None:
    assert pg18.execute("SELECT count(*) FROM dms.documents WHERE updated_at <> created_at", deployed) == [(0,)]


def test_full_text_search_finds_words_in_any_form(pg18: Server, deployed: str) -> None:
    assert pg18.execute("SELECT title FROM dms.search_documents('party agrees 17')", deployed) == [("Contract 17",)]


def test_an_edit_is_found_and_dated(pg18: Server, deployed: str) -> None:
    pg18.execute("UPDATE dms.documents SET body = 'zebra crossing' WHERE id = 5", deployed)
    assert pg18.execute("SELECT id FROM dms.search_documents('zebras')", deployed) == [(5,)]
    assert pg18.execute("SELECT updated_at > created_at FROM dms.documents WHERE id = 5", deployed) == [(True,)]


def test_readers_see_what_is_published_and_editors_their_own(pg18: Server, deployed: str) -> None:
    count = "SELECT pg_catalog.count(*) FROM dms.documents"
    for role, expected in (("dms_reader", "12500"), ("dms_editor", "12500")):
        done = psql(pg18, deployed, "-At", "-c", f"SET ROLE {role}", "-c", "SET dms.user_id = 2", "-c", count)
        assert done.stdout.strip() == expected, done.stderr
    foreign = "UPDATE dms.documents SET owner_id = 2 WHERE owner_id = 1"
    done = psql(pg18, deployed, "-c", "SET ROLE dms_editor", "-c", "SET dms.user_id = 1", "-c", foreign)
    assert "row-level security policy" in done.stderr
