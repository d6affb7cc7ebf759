"""Temporary tables of sessions that are gone: what a crash of the server leaves, until autovacuum comes by."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgmig_tui.database.connect import connect
from pgmig_tui.database.maintain import read_temporary
from pgmig_tui.sandbox.server import SandboxServer
from tests.conftest import TEST_SETTINGS, installed
from tests.database.places import place, until
from tests.installations import clients_of
from tests.servers import Server, server_of


def ended(session: psycopg.Connection[Any]) -> bool:
    """Whether the server has ended that session, as it ends all of them when one has crashed."""
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def answers(server: Server) -> bool:
    try:
        return server.execute("SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False


@pytest.mark.parametrize("major", [16, 18])
def test_what_a_crash_has_left_is_found_and_what_is_in_use_is_not(
    major: int, server_folder: Path, major_for: Callable[[int], int]
) -> None:
    major = major_for(major)
    settings = {**TEST_SETTINGS, "autovacuum": "off"}
    sandbox = SandboxServer(server_folder / f"crash-{major}", installed(major), settings=settings)
    try:
        sandbox.start()
        server = server_of(sandbox.conninfo("postgres"), clients_of(installed(major)))
        with ExitStack() as before:
            # The last of them has a number that nobody gets again here.
            opened = [psycopg.connect(server.conninfo("postgres"), autocommit=True) for _ in range(8)]
            for one in opened:
                before.callback(one.close)
            opened[-1].execute('CREATE TEMPORARY TABLE "le ft" (id int)')
            os.kill(opened[-1].info.backend_pid, signal.SIGKILL)
            # Until it has noticed, it lets sessions in, which it then ends.
            until(lambda: ended(opened[0]), 30)
            until(lambda: answers(server), 30)
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as used:
            used.execute("CREATE TEMPORARY TABLE used (id int)")
            with connect(place(server, "postgres"), application_name="pgmig/maintain/read") as connection:
                found = read_temporary(connection)
        ((schema, name),) = found or ()
        assert name == "le ft"
        server.execute(f'DROP TABLE {schema}."le ft"')
    finally:
        sandbox.stop()
