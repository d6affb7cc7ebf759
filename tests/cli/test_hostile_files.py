"""A project whose files lead out of it, never end or are huge: every command says so, and shows none of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.program import Checkout, shop
from tests.database.places import Databases
from tests.servers import Server

CANARY = "canary-of-a-password-file"


@pytest.fixture
def checkout(tmp_path: Path, pg18: Server, database_on: Databases) -> Checkout:
    """The shop; beside it lies a file with a secret that is SQL as well."""
    (tmp_path / "secret").mkdir()
    for name in ("schema.sql", "pgpass", "sqitch.plan"):
        (tmp_path / "secret" / name).write_text(f"SELECT '{CANARY}';\n")
    return shop(tmp_path, {"dev": pg18.uri(database_on(pg18))})


def replace_by_link(path: Path, to: Path) -> None:
    path.rename(path.with_name(f"{path.name}.was"))
    path.symlink_to(to)


def script(checkout: Checkout) -> None:
    replace_by_link(checkout.root / "deploy" / "schema.sql", checkout.root.parent / "secret" / "pgpass")


def verify_script(checkout: Checkout) -> None:
    replace_by_link(checkout.root / "verify" / "schema.sql", checkout.root.parent / "secret" / "pgpass")


def deploy_dir(checkout: Checkout) -> None:
    replace_by_link(checkout.root / "deploy", checkout.root.parent / "secret")


def configured_dir(checkout: Checkout) -> None:
    with (checkout.root / "sqitch.conf").open("a") as file:
        file.write("[core]\n\tdeploy_dir = ../secret\n")


def script_fifo(checkout: Checkout) -> None:
    (checkout.root / "deploy" / "schema.sql").unlink()
    os.mkfifo(checkout.root / "deploy" / "schema.sql")


def script_zero(checkout: Checkout) -> None:
    replace_by_link(checkout.root / "deploy" / "schema.sql", Path("/dev/zero"))


def script_huge(checkout: Checkout) -> None:
    os.truncate(checkout.root / "deploy" / "schema.sql", 2 << 30)


def included_fifo(checkout: Checkout) -> None:
    os.mkfifo(checkout.root / "rows.sql")
    checkout.change("schema", "\\i rows.sql\nCREATE SCHEMA shop;")


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (script, "leads out of the project"),
        (verify_script, "leads out of the project"),
        (deploy_dir, "leads out of the project"),
        (configured_dir, "leads out of the project"),
        (script_fifo, "no regular file"),
        (script_zero, "leads out of the project"),
        (script_huge, "larger than 512 MB"),
        (included_fifo, "no regular file"),
    ],
)
def test_a_script_that_can_not_be_read_safely_is_named(
    checkout: Checkout, harm: Callable[[Checkout], None], why: str
) -> None:
    harm(checkout)
    for command in (["impact"], ["impact", "--target", "dev"], ["deploy", "dev", "--yes"], ["rehearse", "dev"]):
        if harm is verify_script and command[0] == "impact":
            continue  # it reads none
        done = checkout.run(*command)
        told = done.out + done.err
        assert CANARY not in told
        assert why in told, (command, told)
        assert done.status in ((0, 2) if command[0] == "impact" else (2,)), (command, told)
    status = checkout.run("status", "dev", "--json")
    assert (status.status, CANARY in status.out) == (0, False)


def plan_link(checkout: Checkout) -> None:
    replace_by_link(checkout.root / "sqitch.plan", checkout.root.parent / "secret" / "sqitch.plan")


def plan_configured(checkout: Checkout) -> None:
    with (checkout.root / "sqitch.conf").open("a") as file:
        file.write("[core]\n\tplan_file = ../secret/sqitch.plan\n")


def plan_fifo(checkout: Checkout) -> None:
    (checkout.root / "sqitch.plan").unlink()
    os.mkfifo(checkout.root / "sqitch.plan")


def plan_huge(checkout: Checkout) -> None:
    os.truncate(checkout.root / "sqitch.plan", 2 << 30)


def toml_fifo(checkout: Checkout) -> None:
    os.mkfifo(checkout.root / "pgmig.toml")


def toml_link(checkout: Checkout) -> None:
    (checkout.root / "pgmig.toml").symlink_to(checkout.root.parent / "secret" / "pgpass")


def toml_huge(checkout: Checkout) -> None:
    (checkout.root / "pgmig.toml").touch()
    os.truncate(checkout.root / "pgmig.toml", 2 << 30)


def conf_includes(checkout: Checkout) -> None:
    with (checkout.root / "sqitch.conf").open("a") as file:
        file.write("[include]\n\tpath = ../secret/pgpass\n")


@pytest.mark.parametrize(
    "harm", [plan_link, plan_configured, plan_fifo, plan_huge, toml_fifo, toml_link, toml_huge, conf_includes]
)
def test_a_project_that_can_not_be_read_safely_is_none(checkout: Checkout, harm: Callable[[Checkout], None]) -> None:
    harm(checkout)
    for command in (["plan"], ["status"], ["impact"], ["deploy", "dev", "--yes"]):
        done = checkout.run(*command)
        assert done.status == 2, (command, done.err)
        assert CANARY not in done.out + done.err
        assert "Traceback" not in done.err
        assert "error of the program itself" not in done.err


def test_what_a_person_names_on_the_command_line_is_read(checkout: Checkout, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (checkout.root / "deploy").rename(elsewhere / "deploy")
    (checkout.root / "revert").rename(elsewhere / "revert")
    (checkout.root / "verify").rename(elsewhere / "verify")
    (checkout.root / "sqitch.plan").rename(elsewhere / "sqitch.plan")
    done = checkout.run("deploy", "dev", "--yes", "--top-dir", str(elsewhere))
    assert done.status == 0, done.err
    (elsewhere / "sqitch.plan").rename(tmp_path / "a.plan")
    named = ["--plan-file", str(tmp_path / "a.plan"), "--top-dir", str(elsewhere)]
    done = checkout.run("plan", *named)
    assert done.status == 0, done.err
    done = checkout.run("impact", *named, "--file", str(tmp_path / "elsewhere" / "deploy" / "schema.sql"))
    assert done.status == 0, done.err
