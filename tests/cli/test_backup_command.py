"""`deploy --backup` that is cut off: no password, no pg_dump and no half dump is left, whatever signal it was."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from tests.cli.program import HEARS_HANGUPS, Checkout, shop
from tests.database.places import Databases, reads_all, role
from tests.servers import Server

CANARY = "canary-of-the-password"
DEADLINE_S = 30


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"it never came to that: {what}"
        time.sleep(0.02)


def processes(checkout: Checkout) -> list[str]:
    """Command lines of the programs that work on a backup of this checkout's account."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if str(checkout.home / "state" / "pgmig-tui" / "backups") in command and state != "Z":
            found.append(command)
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGINT])
def test_a_backup_that_is_cut_off_leaves_nothing(
    tmp_path: Path, pg18: Server, database_on: Databases, number: signal.Signals
) -> None:
    name = database_on(pg18)
    pg18.execute("CREATE TABLE public.t AS SELECT 1 AS n", name)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with role(pg18, reads_all(pg18)) as somebody, psycopg.connect(pg18.conninfo(name)) as blocker:
        pg18.execute(f"ALTER ROLE \"{somebody['user']}\" PASSWORD '{CANARY}'")
        pg18.execute(f'GRANT CREATE ON DATABASE "{name}" TO "{somebody["user"]}"')
        uri = f"db:pg://{somebody['user']}@{quote(pg18.parameters['host'], safe='')}:{pg18.parameters['port']}/{name}"
        checkout = shop(tmp_path, {"dev": uri})
        _, words, env = checkout.command("deploy", "dev", "--yes", "--backup")
        env |= {"SQITCH_PASSWORD": CANARY, "TMPDIR": str(temporary)}
        blocker.execute("LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE")
        process = subprocess.Popen(
            [*HEARS_HANGUPS, *words],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: any("pg_dump" in one for one in processes(checkout)) or process.poll() is not None, "the dump")
        assert process.poll() is None
        os.kill(process.pid, number)
        process.wait(DEADLINE_S)
        until(lambda: not processes(checkout), "the end of pg_dump")
        until(lambda: not list(temporary.iterdir()), "the end of its files")
        until(lambda: not list((checkout.home / "state" / "pgmig-tui" / "backups").iterdir()), "the end of the dump")
        for path in checkout.home.rglob("*"):
            assert not path.is_file() or CANARY.encode() not in path.read_bytes()
        blocker.rollback()
        assert checkout.run("deploy", "dev", "--yes", "--backup", env={"SQITCH_PASSWORD": CANARY}).status == 0
        (dump,) = (checkout.home / "state" / "pgmig-tui" / "backups").glob("*.dump")
        assert dump.with_suffix(".json").exists()
