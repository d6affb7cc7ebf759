"""PgBouncer in front of the server, in each of its modes: used as a session, or refused before anything is changed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.program import Checkout, shop
from tests.database.places import role
from tests.servers import Server

_DEADLINE_S = 20


@contextmanager
def pgbouncer(server: Server, name: str, mode: str, size: int, folder: Path) -> Iterator[str]:
    """A pool of that mode and size in front of a database; the URI that leads there."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    owner = Path(server.parameters["host"]).stat()
    with role(server, "SUPERUSER") as somebody:
        where = f"host={server.parameters['host']} port={server.parameters['port']}"
        folder.mkdir()
        os.chown(folder, owner.st_uid, owner.st_gid)
        config = folder / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n{name} = {where} user={somebody['user']} password={somebody['password']}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = {mode}\ndefault_pool_size = {size}\nignore_startup_parameters = extra_float_digits\n"
        )
        other: dict[str, Any] = {}
        if owner.st_uid != os.getuid():
            other = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        log = (folder.parent / f"{folder.name}.log").open("wb")
        with log, subprocess.Popen([program, config], stdout=log, stderr=log, **other) as running:
            try:
                until = time.monotonic() + _DEADLINE_S
                while socket.socket().connect_ex(("127.0.0.1", port)):
                    assert (running.poll(), time.monotonic() < until) == (None, True), Path(log.name).read_text()
                    time.sleep(0.05)
                yield f"db:pg://anybody@127.0.0.1:{port}/{name}"
            finally:
                running.terminate()


@pytest.fixture
def in_front(
    pg18: Server, database_on: Callable[..., str], server_folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[Checkout, str]]:
    """A project whose environment leads to a pool of that mode and size; the database."""
    mode, size = request.param
    name = database_on(pg18)
    with pgbouncer(pg18, name, mode, size, server_folder / f"{mode}-{name}") as uri:
        yield shop(tmp_path, {"dev": uri}), name


@pytest.mark.parametrize("in_front", [("session", 8)], indirect=True)
def test_a_pool_in_session_mode_is_one_more_way_to_the_server(in_front: tuple[Checkout, str], pg18: Server) -> None:
    checkout, name = in_front
    for words in (
        ("deploy", "dev", "--yes"), ("status", "dev"), ("check", "dev"), ("verify", "dev"),
        ("rollback", "dev", "--yes", "--accept-data-loss"), ("rollback", "dev", "--lift", "schema=a test", "--yes"),
    ):  # fmt: skip
        done = checkout.run(*words)
        assert done.status == 0, f"{words}: {done.out}{done.err}"
    assert pg18.execute("SELECT pg_catalog.count(*) FROM sqitch.events", name) == [(6,)]


@pytest.mark.parametrize("in_front", [("transaction", 8), ("statement", 8)], indirect=True, ids=lambda one: one[0])
def test_a_pool_that_keeps_no_session_is_refused_by_its_mode(in_front: tuple[Checkout, str], pg18: Server) -> None:
    checkout, name = in_front
    for words, status in ((("deploy", "dev", "--yes"), 3), (("revert", "dev", "--all", "--yes"), 3), (("status",), 5)):
        done = checkout.run(*words)
        assert (done.status, "leads to a pooler in" in done.out + done.err) == (status, True), done.out + done.err
    assert pg18.execute("SELECT 1 FROM pg_namespace WHERE nspname IN ('sqitch', 'pgmig')", name) == []


@pytest.mark.parametrize("in_front", [("session", 1)], indirect=True)
def test_a_full_pool_is_said_to_be_full(in_front: tuple[Checkout, str]) -> None:
    checkout, name = in_front
    port = (checkout.root / "sqitch.conf").read_text().split("127.0.0.1:")[1].split("/")[0]
    with psycopg.connect(host="127.0.0.1", port=port, dbname=name, user="anybody") as holder:
        holder.execute("SELECT 1")
        started = time.monotonic()
        done = checkout.run("deploy", "dev", "--yes", env={"PGCONNECT_TIMEOUT": "3"})
        assert (done.status, "gives no answer in time" in done.err) == (5, True), done.out + done.err
        assert time.monotonic() - started < _DEADLINE_S
