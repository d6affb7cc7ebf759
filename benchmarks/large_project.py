"""A project of many changes and environments, for trying the screen at the size of a company: its scripts run.

    python benchmarks/large_project.py FOLDER                            the files alone (400 changes, 12 environments)
    python benchmarks/large_project.py FOLDER --server "host=/run/postgresql port=5432 user=postgres"

With --server, which must be one for tests, a database is made for each environment (`DROP DATABASE` first) and deployed
to a different point of the plan. Reads nothing, and writes into FOLDER only, which must be empty or not be there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).parent.parent
TOPICS = ("search", "billing", "shipping", "loyalty", "returns", "pricing", "inventory", "carrier", "ledger", "session")
THINGS = ("documents", "customers", "invoices", "payments", "suppliers", "regions", "warehouses", "orders")
ENVIRONMENTS = (
    "dev", "qa", "perf", "training", "staging-eu-1", "staging-us-1", "prod-eu-1", "prod-eu-2", "prod-us-1", "prod-us-2",
    "prod-ap-1", "dr-eu-1",
)  # fmt: skip
TAG_EVERY = 40
BEGAN = datetime(2024, 1, 3, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """A change with its three scripts; `requires` is the name of the change that made its table, "" for none."""

    name: str
    note: str
    deploy: str
    revert: str
    verify: str
    requires: str = ""
    transaction: bool = True


# Each group of eight makes a table, and works on it in the ways that migrations do. {t} is the table's name.
KINDS = (
    Change(
        "create_{t}", "a table of its own",
        "CREATE SCHEMA IF NOT EXISTS app;\nCREATE TABLE app.{t} (id bigint PRIMARY KEY, email text, note text);",
        "DROP TABLE app.{t};", "SELECT id, email, note FROM app.{t} WHERE false;",
    ),
    Change(
        "create_{t}_history", "what they were", "CREATE TABLE app.{t}_history (LIKE app.{t}, at timestamptz);",
        "DROP TABLE app.{t}_history;", "SELECT at FROM app.{t}_history WHERE false;",
    ),
    Change(
        "add_{t}_region", "where they belong", "ALTER TABLE app.{t} ADD COLUMN region text;",
        "ALTER TABLE app.{t} DROP COLUMN region;", "SELECT region FROM app.{t} WHERE false;",
    ),
    Change(
        "fill_{t}_region", "all that have none", "UPDATE app.{t} SET region = 'eu' WHERE region IS NULL;",
        "UPDATE app.{t} SET region = NULL;", "SELECT 1 / (count(*) = 0)::int FROM app.{t} WHERE region IS NULL;",
    ),
    Change(
        "index_{t}_email", "for the login", "CREATE INDEX CONCURRENTLY {t}_email ON app.{t} (email);",
        "DROP INDEX CONCURRENTLY app.{t}_email;", "SELECT 'app.{t}_email'::regclass;", transaction=False,
    ),
    Change(
        "require_{t}_region", "nobody is nowhere", "ALTER TABLE app.{t} ALTER COLUMN region SET NOT NULL;",
        "ALTER TABLE app.{t} ALTER COLUMN region DROP NOT NULL;", "SELECT region FROM app.{t} WHERE false;",
    ),
    Change(
        "narrow_{t}_note", "nobody wrote more", "ALTER TABLE app.{t} ALTER COLUMN note TYPE varchar(4000);",
        "ALTER TABLE app.{t} ALTER COLUMN note TYPE text;", "SELECT note FROM app.{t} WHERE false;",
    ),
    Change(
        "drop_{t}_history", "nobody reads it", "DROP TABLE app.{t}_history;",
        "CREATE TABLE app.{t}_history (LIKE app.{t}, at timestamptz);", "SELECT 1;",
    ),
)  # fmt: skip


def changes(number: int) -> Iterator[Change]:
    """So many changes, the names of which begin with their dates and differ at their ends."""
    made = ""
    for index in range(number):
        group, kind = divmod(index, len(KINDS))
        table = f"{TOPICS[group % len(TOPICS)]}_{THINGS[group // len(TOPICS) % len(THINGS)]}"
        table += f"_{group // 80}" if group >= 80 else ""
        one = KINDS[kind]
        name = f"{BEGAN + timedelta(days=index * 2):%Y%m%d}_0001_{one.name.format(t=table)}"
        made, requires = (name, "") if kind == 0 else (made, made)
        scripts = (text.format(t=table) for text in (one.deploy, one.revert, one.verify))
        yield Change(name, one.note, *scripts, requires, one.transaction)


def write(folder: Path, number: int, environments: int, server: Mapping[str, str] | None = None) -> None:
    """Write the project. `server` are libpq's host, port and user; without it nobody answers."""
    host, user = (server or {}).get("host", "127.0.0.1"), (server or {}).get("user", "")
    port = (server or {}).get("port", "5432") if server else "1"
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise SystemExit(f"{folder} is not empty")
    names = environment_names(environments)
    conf = ["[core]\n\tengine = pg\n[user]\n\tname = Maria Berg\n\temail = maria@example.org\n"]
    for name in names:
        at = f"{quote(user, safe='')}@" if user else ""
        conf.append(f'[target "{name}"]\n\turi = db:pg://{at}{quote(host, safe="")}:{port}/{database_of(name)}\n')
    (folder / "sqitch.conf").write_text("".join(conf))
    (folder / "pgmig.toml").write_text(policies(names, protected=True))
    lines = ["%syntax-version=1.0.0", "%project=shop", "%uri=https://example.org/shop", ""]
    for kind in ("deploy", "revert", "verify"):
        (folder / kind).mkdir()
    for index, one in enumerate(changes(number)):
        at = f"{BEGAN + timedelta(days=index * 2):%Y-%m-%dT%H:%M:%SZ}"
        needs = f" [{one.requires}]" if one.requires else ""
        lines.append(f"{one.name}{needs} {at} Maria Berg <maria@example.org> # {one.note}")
        if (index + 1) % TAG_EVERY == 0:
            lines.append(f"@v{(index + 1) // TAG_EVERY}.0 {at} Maria Berg <maria@example.org> # release")
        for kind, sql in (("deploy", one.deploy), ("revert", one.revert), ("verify", one.verify)):
            body = f"BEGIN;\n\n{sql}\n\n{'ROLLBACK' if kind == 'verify' else 'COMMIT'};" if one.transaction else sql
            (folder / kind / f"{one.name}.sql").write_text(f"-- {kind.title()} shop:{one.name} to pg\n\n{body}\n")
    (folder / "sqitch.plan").write_text("\n".join(lines) + "\n")


def policies(names: Sequence[str], *, protected: bool) -> str:
    """A pgmig.toml; production is protected, unless its databases are being made."""
    parts = []
    for name in names:
        part = f'[[environment]]\nname = "{name}"\ntarget = "{name}"\nprotected = false\n'
        if protected and name.startswith(("prod", "dr")):
            part = part.replace("false", "true")
            part += f'color = "red"\nlock_timeout = "300ms"\nconfirm_word = "{word_of(name)}"\n'
        parts.append(part)
    return "\n".join(parts)


def environment_names(number: int) -> list[str]:
    return [ENVIRONMENTS[index] if index < len(ENVIRONMENTS) else f"prod-{index}" for index in range(number)]


def database_of(environment: str) -> str:
    return f"shop_{environment.replace('-', '_')}"


def word_of(environment: str) -> str:
    """At most five characters, unlike any other's."""
    return "".join(part[0] for part in environment.split("-")[:2]) + environment.split("-")[-1][-1] + "x"


def fill(folder: Path, number: int, environments: int, server: str) -> None:
    """Make the databases: the first has everything, each other one a few changes fewer than the one before."""
    names = environment_names(environments)
    points = {name: max(1, number - index * (number // 12 // 4 + 1)) for index, name in enumerate(names)}
    plan = [one.name for one in changes(number)]
    before = ""
    (folder / "pgmig.toml").write_text(policies(names, protected=False))
    for name in reversed(names):
        database = database_of(name)
        _sql(server, f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        _sql(server, f'CREATE DATABASE "{database}"' + (f' TEMPLATE "{before}"' if before else ""))
        command = [sys.executable, "-m", "pgmig_tui", "-C", str(folder), "deploy", name]
        command += ["--to", plan[points[name] - 1], "--yes"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        before = database
        print(f"{name}: {points[name]} of {number} changes in {database}", flush=True)
    (folder / "pgmig.toml").write_text(policies(names, protected=True))


def _sql(server: str, sql: str) -> None:
    quiet = {**os.environ, "PGOPTIONS": "-c client_min_messages=warning"}
    subprocess.run(["psql", "-X", "-q", "-d", f"{server} dbname=postgres", "-c", sql], check=True, env=quiet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--changes", type=int, default=400)
    parser.add_argument("--environments", type=int, default=12)
    parser.add_argument("--server", default="", help="libpq keywords: host, port and user of a superuser")
    given = parser.parse_args()
    known = dict(part.split("=", 1) for part in given.server.split())
    write(given.folder, given.changes, given.environments, known)
    if given.server:
        fill(given.folder, given.changes, given.environments, given.server)


if __name__ == "__main__":
    main()
