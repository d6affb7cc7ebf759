"""Protection follows the server, whatever way its address is written, and where this account's memory is empty."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pgmig_tui.database.connect import connect
from pgmig_tui.errors import Unreachable
from pgmig_tui.project.environments import Environment
from pgmig_tui.project.project import Project, load_project
from pgmig_tui.run.journal.run_plan import Options, RunPlan
from pgmig_tui.run.planning import prepare as planning
from pgmig_tui.run.planning import protection
from tests.copies import Pair, copied_cluster
from tests.faults.proxy import Proxy
from tests.run.conftest import ENV, Workshop
from tests.servers import Server

TOML = """
[[environment]]
name = "other"
target = "db:pg://nobody@127.0.0.1:1/elsewhere"

[[environment]]
name = "main"
target = "$URI"
protected = true
confirm_word = "word"
"""


@pytest.fixture(scope="module", params=[15, 16, 18])
def pair(request: pytest.FixtureRequest, major_for: Callable[[int], int]) -> Iterator[Pair]:
    with copied_cluster(major_for(request.param)) as made:
        yield made


@pytest.fixture
def proxy(pair: Pair) -> Iterator[Proxy]:
    made = Proxy(pair.sandboxes[0].socket_dir)
    yield made
    made.close()


@pytest.fixture
def workshop(tmp_path: Path, pair: Pair, proxy: Proxy) -> Workshop:
    """A project whose protected environment is reached through a port of 127.0.0.1."""
    root = tmp_path / "project"
    root.mkdir()
    made = Workshop(root, pair.original, pair.database(), tmp_path / "state", toml=TOML)
    made.change("one", "CREATE TABLE public.one ();\n")
    write(made, f"db:pg://postgres@127.0.0.1:{proxy.port}/{made.dbname}")
    return made


def write(workshop: Workshop, uri: str, toml: str = TOML) -> None:
    (workshop.root / "pgmig.toml").write_text(toml.replace("$URI", uri))


def plan(workshop: Workshop, target: str) -> RunPlan:
    project = load_project(workshop.root, ENV)
    environment = project.environment(target)
    return planning.prepare(project, environment, "deploy", Options(), state_dir=workshop.state_dir)


def locate(workshop: Workshop, target: str) -> protection.Located:
    project: Project = load_project(workshop.root, ENV)
    environment: Environment = project.environment(target)
    with connect(environment.target, application_name="pgmig/test/plan") as connection:
        return protection.located(project, environment, connection, connection.identity(), workshop.state_dir)


def spellings(workshop: Workshop, proxy: Proxy, forwarded: int, sandbox: Path) -> list[str]:
    name, port = workshop.dbname, proxy.port
    hosts = [
        "127.0.0.1", "localhost", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.1",
        "0177.0.0.1", "017700000001", "127.0.0.01", "LOCALHOST", "localhost.", "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]", "127.0.0.1,127.0.0.1",
    ]  # fmt: skip
    found = [f"db:pg://postgres@{host}:{port}/{name}" for host in hosts]
    found += [f"db:pg://postgres@127.0.0.1:0{port}/{name}", f"db:pg://postgres@localhost:{forwarded}/{name}"]
    socket_dir = str(sandbox).replace("/", "%2F")
    found += [f"db:pg://postgres@{socket_dir}/{name}", f"db:pg:{name}?host={sandbox}&user=postgres"]
    found += [f"db:pg:{name}?hostaddr=127.0.0.1&port={port}&user=postgres"]
    found += [f"db:pg://postgres@nothing.example:{port}/{name}?hostaddr=127.0.0.1"]
    return found


def answers(uri: str, workshop: Workshop) -> bool:
    """Whether this machine understands that spelling at all."""
    target = load_project(workshop.root, ENV).environment(uri).target
    try:
        connect(target, application_name="pgmig/test/plan", connect_timeout=3).close()
    except Unreachable:
        return False
    return True


@pytest.mark.parametrize("seen", ["seen", "never seen"])
def test_no_spelling_walks_round_protection(workshop: Workshop, proxy: Proxy, pair: Pair, seen: str) -> None:
    if seen == "seen":
        assert locate(workshop, "main").environment.name == "main"
        assert len(protection.seen_before(workshop.state_dir)) == 1
    forwarded = Proxy(pair.sandboxes[0].socket_dir)
    try:
        tried = [
            uri
            for uri in spellings(workshop, proxy, forwarded.port, pair.sandboxes[0].socket_dir)
            if answers(uri, workshop)
        ]
        assert len(tried) > 15, tried
        for uri in tried:
            found = plan(workshop, uri)
            assert (found.environment, found.protected, found.confirm_word) == ("main", True, "word"), uri
    finally:
        forwarded.close()


def test_a_copy_has_its_own_policy(workshop: Workshop, pair: Pair) -> None:
    for _ in ("never seen", "seen"):
        found = plan(workshop, pair.copy.uri(workshop.dbname))
        assert not found.protected
        assert not [text for text in found.warnings if "main" in text]


def test_where_nobody_answers_the_word_is_asked_for(workshop: Workshop, proxy: Proxy, pair: Pair) -> None:
    locate(workshop, "main")
    proxy.lead_to(Path("/nonexistent"))
    uri = pair.copy.uri(workshop.dbname)
    for _ in ("seen", "never seen"):
        found = plan(workshop, uri)
        assert (found.environment, found.protected, found.confirm_word) == (uri, True, "word")
        assert f"{uri} may be main, which is protected, or a copy of it" in found.warnings[0]
        for path in (workshop.state_dir / "protected").glob("*"):
            path.unlink()


def test_another_database_of_that_server_is_not_asked_about(workshop: Workshop, proxy: Proxy, pair: Pair) -> None:
    other = pair.database()
    proxy.lead_to(Path("/nonexistent"))
    assert not plan(workshop, pair.original.uri(other)).protected


def test_nobody_else_is_asked_where_nothing_is_equal(
    workshop: Workshop, pg18: Server, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    locate(workshop, "main")
    asked: list[str] = []

    def counted(target: object, **more: object) -> object:
        asked.append(getattr(target, "display", ""))
        return connect(target, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("pgmig_tui.database.probe.connect", counted)
    monkeypatch.setattr("pgmig_tui.run.planning.protection.connect", counted)
    pg18.execute(f'CREATE DATABASE "{workshop.dbname}"')
    try:
        assert not plan(workshop, pg18.uri(workshop.dbname)).protected
        assert asked == []
        assert not plan(workshop, pair.copy.uri(workshop.dbname)).protected
        assert len(asked) == 1
    finally:
        pg18.drop_database(workshop.dbname)


def test_a_protected_environment_of_another_project_counts(workshop: Workshop, pair: Pair, tmp_path: Path) -> None:
    locate(workshop, "main")
    other = Workshop(tmp_path / "other", pair.original, workshop.dbname, workshop.state_dir)
    other.root.mkdir()
    other.change("one", "CREATE TABLE public.one ();\n")
    conf = other.root / "sqitch.plan"
    conf.write_text(conf.read_text().replace("%project=workshop", "%project=another"))
    found = plan(other, pair.original.uri(workshop.dbname))
    assert (found.environment, found.protected, found.confirm_word) == ("main", True, "word")
    assert protection.environment_of(found, *other.project()).name == "main"
    assert not plan(other, pair.copy.uri(workshop.dbname)).protected


def test_an_environment_that_is_no_longer_protected_counts_as_the_project_says(
    workshop: Workshop, proxy: Proxy, pair: Pair
) -> None:
    locate(workshop, "main")
    uri = f"db:pg://postgres@127.0.0.1:{proxy.port}/{workshop.dbname}"
    write(workshop, uri, TOML.replace("protected = true", "protected = false"))
    assert not plan(workshop, pair.original.uri(workshop.dbname)).protected


def test_an_environment_that_the_file_calls_unprotected_is_the_one_that_it_leads_to(
    workshop: Workshop, proxy: Proxy, pair: Pair
) -> None:
    uri = f"db:pg://postgres@127.0.0.1:{proxy.port}/{workshop.dbname}"
    toml = TOML.replace('"db:pg://nobody@127.0.0.1:1/elsewhere"', f'"{pair.original.uri(workshop.dbname)}"')
    write(workshop, uri, toml)
    found = plan(workshop, "other")
    assert (found.environment, found.confirm_word) == ("main", "word")
    assert "other leads to the database of main, which is protected" in found.warnings[0]


def test_a_role_that_may_not_read_the_identifier_is_told_by_the_probe(workshop: Workshop, pair: Pair) -> None:
    locate(workshop, "main")
    role = f"limited_{os.urandom(4).hex()}"
    for server in (pair.original, pair.copy):
        server.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC", workshop.dbname)
        server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'", workshop.dbname)
        server.execute(f'GRANT CREATE ON DATABASE "{workshop.dbname}" TO {role}')
    names = []
    for server in (pair.original, pair.copy):
        uri = server.uri(workshop.dbname).replace("postgres@", f"{role}:secret@")
        names.append(plan(workshop, uri).confirm_word)
    assert names[0] == "word"
    assert names[1] != "word"


def test_a_state_folder_that_can_not_be_written_only_costs_a_question(
    workshop: Workshop, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop.state_dir.mkdir()
    (workshop.state_dir / "protected").write_text("no folder: nothing can be made in it")
    for _ in range(2):
        assert plan(workshop, pair.original.uri(workshop.dbname)).environment == "main"


def test_what_is_kept_holds_no_secret_and_a_broken_file_is_passed_over(workshop: Workshop, pair: Pair) -> None:
    uri = pair.original.uri(workshop.dbname).replace("postgres@", "postgres:hidden@")
    write(workshop, uri)
    locate(workshop, "main")
    (path,) = (workshop.state_dir / "protected").glob("*.json")
    assert "hidden" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["environment"] == "main"
    (workshop.state_dir / "protected" / "broken.json").write_text("{")
    (workshop.state_dir / "protected" / "other.json").write_text('{"a": 1}')
    assert [one.environment for one in protection.seen_before(workshop.state_dir)] == ["main"]
