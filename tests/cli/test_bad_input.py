"""Bad input, each with a clear message, its exit status, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.program import Checkout, Outcome, shop
from tests.database.places import role
from tests.servers import Server

HOSTILE = "[red]\x1b[31m[/foo]\x07"


@pytest.fixture
def database(pg18: Server, database_on: Callable[..., str]) -> str:
    return database_on(pg18)


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, database: str) -> Checkout:
    return shop(tmp_path, {"dev": pg18.uri(database)})


def deploy(checkout: Checkout, *more: str) -> Outcome:
    return checkout.run("deploy", "dev", "--yes", *more)


def deployed(checkout: Checkout) -> list[str]:
    """The names of what is deployed, in order."""
    log = checkout.run("log", "dev", "--json")
    names: list[str] = []
    for event in reversed(json.loads(log.out)["events"]):
        if event["event"] == "deploy":
            names.append(event["change"])
        elif event["event"] == "revert":
            names.remove(event["change"])
    return names


def refused(done: Outcome, status: int, *named: str) -> None:
    """The command ended with this status and names these things, on stderr or in its own lines, without an accident."""
    said = done.out + done.err
    assert done.status == status, said
    for text in named:
        assert text in said
    assert "an internal error" not in said
    assert "Traceback" not in said
    assert "\x1b" not in said


def untouched(checkout: Checkout, server: Server, database: str) -> None:
    """Not even a registry was made."""
    schemas = "SELECT nspname::text FROM pg_namespace WHERE nspname IN ('sqitch', 'pgmig', 'shop')"
    assert server.execute(schemas, database) == []


# The project on disk


def test_a_folder_without_a_project_is_refused_by_every_command(tmp_path: Path) -> None:
    nowhere = Checkout(tmp_path, tmp_path)
    for command in (["status"], ["plan"], ["deploy", "dev", "-y"], ["impact"], ["log", "dev"], ["check", "dev"]):
        refused(nowhere.run(*command), 2, "There is no Sqitch project", "-C")


def test_every_error_of_a_malformed_plan_is_named_at_once(checkout: Checkout, pg18: Server, database: str) -> None:
    checkout.plan(
        "schema {at}", "orders [nothing] {at}", "schema {at}", "broken line", "@v1 2024-13-02T03:04:05Z M <m@x>"
    )
    done = deploy(checkout)
    refused(done, 2, "sqitch.plan:6:", "nothing", "sqitch.plan:7:", "schema", "sqitch.plan:8:", "sqitch.plan:9:")
    untouched(checkout, pg18, database)


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("sqitch.conf", '[core\n\tengine = pg\n[target "dev"]\n\turi = db:pg:x\n', "sqitch.conf"),
        ("sqitch.conf", b'[core]\n\tengine = pg\n\tx = "\xff\n', "sqitch.conf"),
        ("pgmig.toml", "[[environment]\n", "pgmig.toml:1"),
        ("pgmig.toml", '[[environment]]\nname = "dev"\ntarget = "dev"\nprotektet = true\n', "pgmig.toml:4"),
        ("pgmig.toml", '[[environment]]\nname = "dev"\ntarget = "dev"\nlock_timeout = "soon"\n', "pgmig.toml:4"),
        ("pgmig.toml", '[[environment]]\nname = "dev"\ntarget = "nowhere"\n', "nowhere"),
        ("sqitch.plan", "\ufeff%project=x\n", "sqitch.plan:1"),
        ("sqitch.plan", b"%project=x\n\n\xff {at}\n", "sqitch.plan:3"),
    ],
)
def test_a_malformed_file_is_named_and_nothing_is_touched(
    checkout: Checkout, pg18: Server, database: str, name: str, content: str | bytes, named: str
) -> None:
    checkout.write(name, content)
    refused(deploy(checkout), 2, named)
    untouched(checkout, pg18, database)


def test_a_missing_script_is_found_before_anything_runs(checkout: Checkout, pg18: Server, database: str) -> None:
    (checkout.root / "deploy/total.sql").unlink()
    refused(deploy(checkout), 2, "deploy/total.sql", "Nothing was changed")
    untouched(checkout, pg18, database)


def test_a_dependency_on_another_project_that_is_not_there(checkout: Checkout, pg18: Server, database: str) -> None:
    checkout.plan("schema [other:thing] {at}")
    refused(deploy(checkout), 2, "other:thing")
    untouched(checkout, pg18, database)


def test_an_environment_that_is_not_there(checkout: Checkout) -> None:
    for command in ("deploy", "revert", "verify", "log", "check", "status"):
        refused(checkout.run(command, "nowhere"), 2, "nowhere", "dev")


# Scripts


@pytest.mark.own_start
def test_a_script_in_another_encoding_fails_at_the_server_and_rolls_back(checkout: Checkout) -> None:
    checkout.write("deploy/total.sql", "BEGIN;\nCOMMENT ON TABLE shop.orders IS 'Größe';\nCOMMIT;\n".encode("latin-1"))
    refused(deploy(checkout), 1, "deploy/total.sql:2", "22021", "nothing of it was committed")
    assert deployed(checkout) == ["schema", "orders"]


def test_a_script_with_nul_bytes_is_refused(checkout: Checkout, pg18: Server, database: str) -> None:
    checkout.write("deploy/total.sql", b"BEGIN;\nSELECT 'a\0b';\nCOMMIT;\n")
    refused(deploy(checkout), 2, "deploy/total.sql", "NUL")
    untouched(checkout, pg18, database)


@pytest.mark.parametrize(
    "script",
    [
        b"\xef\xbb\xbfBEGIN;\nALTER TABLE shop.orders ADD COLUMN total int;\nCOMMIT;\n",
        b"BEGIN;\r\nALTER TABLE shop.orders ADD COLUMN total int;\r\nCOMMIT;\r\n",
        b"",
        b"-- nothing to do\n",
    ],
    ids=["BOM", "CRLF", "empty", "comment"],
)
def test_unusual_scripts_that_psql_takes_are_taken(checkout: Checkout, script: bytes) -> None:
    checkout.write("deploy/total.sql", script)
    done = deploy(checkout)
    assert done.status == 0, done.out + done.err
    assert deployed(checkout) == ["schema", "orders", "total"]


@pytest.mark.parametrize("ending", ["ROLLBACK;", ""])
def test_a_script_that_does_not_commit_is_refused(checkout: Checkout, pg18: Server, database: str, ending: str) -> None:
    checkout.write("deploy/total.sql", f"BEGIN;\nALTER TABLE shop.orders ADD COLUMN total int;\n{ending}\n")
    refused(deploy(checkout), 2, "deploy/total.sql", "Nothing was changed")
    untouched(checkout, pg18, database)


def test_a_shell_command_is_refused_with_its_line(checkout: Checkout, pg18: Server, database: str) -> None:
    checkout.write("deploy/total.sql", "SELECT 1;\n\\! touch hacked\n")
    refused(deploy(checkout), 2, "deploy/total.sql:2")
    assert not (checkout.root / "hacked").exists()
    untouched(checkout, pg18, database)


# The server


def test_every_command_says_which_server_can_not_be_reached(checkout: Checkout) -> None:
    checkout.targets({"dev": "db:pg://127.0.0.1:1/nowhere"})
    for command in ("deploy", "revert", "verify", "log", "check", "impact"):
        more = {"deploy": ["-y"], "revert": ["-y", "--all"], "impact": ["--target"]}.get(command, [])
        refused(checkout.run(command, *more, "dev"), 5, "127.0.0.1")


def test_a_wrong_password_and_one_in_a_uri_are_never_shown(checkout: Checkout, pg18: Server, database: str) -> None:
    with role(pg18) as somebody:
        host, port = quote(pg18.parameters["host"], safe=""), pg18.parameters.get("port", "")
        checkout.targets({"dev": f"db:pg://{somebody['user']}:wrong-word@{host}:{port}/{database}"})
        for command in (["status", "dev"], ["status", "--json"], ["deploy", "dev", "-y"], ["log", "dev"]):
            done = checkout.run(*command)
            refused(done, 5)
            assert "wrong-word" not in done.out + done.err
        right = checkout.run("status", "dev", env={"SQITCH_PASSWORD": somebody["password"]})
        assert right.status == 0, right.err
        assert somebody["password"] not in right.out + right.err


@pytest.mark.own_start
def test_the_right_password_in_a_uri_reaches_the_run_and_nothing_else(
    checkout: Checkout, pg18: Server, database: str
) -> None:
    with role(pg18) as somebody:
        pg18.execute(f'GRANT CREATE ON DATABASE "{database}" TO "{somebody["user"]}"')
        host, port = quote(pg18.parameters["host"], safe=""), pg18.parameters.get("port", "")
        checkout.targets({"dev": f"db:pg://{somebody['user']}:{somebody['password']}@{host}:{port}/{database}"})
        done = deploy(checkout)
        assert done.status == 0, done.out + done.err
        told = done.out + done.err + checkout.run("status", "--json").out + checkout.run("runs", "--json").out
        assert somebody["password"] not in told
        kept = [path for path in (checkout.home / "state").rglob("*") if path.is_file()]
        assert kept
        assert not [path for path in kept if somebody["password"].encode() in path.read_bytes()]


def test_no_right_to_create_the_registry(checkout: Checkout, pg18: Server, database: str) -> None:
    with role(pg18) as somebody:
        host, port = quote(pg18.parameters["host"], safe=""), pg18.parameters.get("port", "")
        checkout.targets({"dev": f"db:pg://{somebody['user']}@{host}:{port}/{database}"})
        done = checkout.run("deploy", "dev", "-y", env={"PGPASSWORD": somebody["password"]})
        refused(done, 1, "GRANT CREATE ON DATABASE")
        untouched(checkout, pg18, database)


def test_a_registry_newer_than_we_know(checkout: Checkout, pg18: Server, database: str) -> None:
    assert deploy(checkout, "--to", "orders").status == 0
    pg18.execute("INSERT INTO sqitch.releases VALUES (9.9, now(), 'x', 'x')", database)
    refused(deploy(checkout), 3, "9.9", "Nothing was changed")
    status = checkout.run("status", "dev", "--json")
    assert "9.9" in json.loads(status.out)["environments"][0]["error"]


# Plan and registry that disagree


def test_a_changed_script_is_a_warning(checkout: Checkout) -> None:
    assert deploy(checkout, "--to", "orders").status == 0
    checkout.change("orders", "CREATE TABLE shop.orders (id bigint);")
    done = deploy(checkout)
    assert done.status == 0
    assert "orders has changed since it was deployed" in done.err


def test_an_unknown_change_in_the_registry(checkout: Checkout) -> None:
    assert deploy(checkout, "--to", "orders").status == 0
    checkout.plan("schema {at} # Add the schema", "orders [schema] {at} # Another note", "total [orders] {at} # Totals")
    refused(deploy(checkout), 2, "orders", "not in the plan", "edited after it was deployed")
    (row,) = json.loads(checkout.run("status", "dev", "--json").out)["environments"]
    assert [one["problem"] for one in row["diverged"]] == ["not_in_plan"]
    assert deployed(checkout) == ["schema", "orders"]


def test_what_is_said_of_a_plan_that_was_edited_is_true(checkout: Checkout) -> None:
    assert deploy(checkout).status == 0
    checkout.change("orders", "CREATE TABLE shop.orders (id bigint);")
    assert "everything is deployed" not in checkout.run("status", "dev").out
    plan = (checkout.root / "sqitch.plan").read_text()
    checkout.write("sqitch.plan", plan.replace("example.org/shop", "example.org/elsewhere"))
    status = checkout.run("status", "dev").out
    assert ("and not in the plan" in status, status.count("%project or %uri was edited")) == (False, 3), status
    refused(deploy(checkout), 2, "its dependencies or its place, or %project or %uri of the plan, was edited after")
    refused(checkout.run("deploy", "dev", "ordesr", "--yes"), 2, "ordesr is neither an environment nor a change of the")


def test_another_order_in_the_registry(checkout: Checkout, pg18: Server, database: str) -> None:
    checkout.plan("schema {at}", "orders {at}", "total {at}")
    assert deploy(checkout).status == 0
    swap = "UPDATE sqitch.changes SET committed_at = committed_at + interval '1 day' WHERE change = 'orders'"
    pg18.execute(swap, database)
    (row,) = json.loads(checkout.run("status", "dev", "--json").out)["environments"]
    assert {one["problem"] for one in row["diverged"]} == {"out_of_order"}
    checkout.plan("schema {at}", "orders {at}", "total {at}", "more {at}")
    checkout.change("more", "SELECT 1;")
    refused(deploy(checkout), 2, "order", "Nothing was changed")


# Text that would steer a terminal


@pytest.mark.own_start
def test_hostile_text_of_scripts_servers_and_plans_is_shown_not_obeyed(checkout: Checkout) -> None:
    checkout.plan(f"schema {{at}} # {HOSTILE}", "orders {at} # [bold]note[/]")
    checkout.change(
        "orders",
        f"DO $$ BEGIN RAISE WARNING '%', '{HOSTILE}'; END $$;\n\\echo {HOSTILE}\nSELECT '{HOSTILE}' AS x;\n"
        f'CREATE TABLE shop."{HOSTILE}" ();\nDROP TABLE shop."no {HOSTILE}";',
    )
    done = deploy(checkout)
    assert done.status == 1
    said = [done]
    said += [
        checkout.run(*command) for command in (["plan"], ["log", "dev"], ["status"], ["impact"], ["runs"], ["attach"])
    ]
    run = json.loads(checkout.run("runs", "--json").out)["runs"][0]["run"]
    said.append(checkout.run("runs", run))
    for outcome in said:
        assert "\x1b" not in outcome.out + outcome.err
        assert "\x07" not in outcome.out + outcome.err
        assert "MarkupError" not in outcome.out + outcome.err
    assert "[red]␛[31m[/foo]␇" in done.out
    assert "[red]␛[31m[/foo]␇" in checkout.run("plan").out
    assert "[bold]note[/]" in checkout.run("plan").out


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_can_not_draw_gets_no_screen_but_everything_else(checkout: Checkout, term: str) -> None:
    import sys

    import pexpect

    from tests.cli.program import environment

    child = pexpect.spawn(
        sys.executable,
        ["-m", "pgmig_tui"],
        cwd=str(checkout.root),
        env={**environment(checkout.home), "TERM": term},
        timeout=60,
        encoding="utf-8",
    )
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus == 2
    assert "pgmig-tui status" in child.before
    assert "\x1b" not in child.before
    assert checkout.run("status", env={"TERM": term}).status == 0
