"""A real session in the way of a real run, seen and ended from the screen."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.e2e.terminal import Terminal, make_project
from tests.servers import Server

ALTER = "BEGIN;\nSET LOCAL lock_timeout = 0;\nALTER TABLE public.busy ADD COLUMN tags text[];\nCOMMIT;\n"


def test_a_blocker_is_named_on_the_run_screen_and_terminated_by_its_typed_pid(
    tmp_path: Path, pg18: Server, database: str
) -> None:
    pg18.execute("CREATE TABLE public.busy (id int)", database)
    project = make_project(tmp_path, {"alter": ALTER}, {"dev": pg18.uri(database)})
    (project / "pgmig.toml").write_text('[[environment]]\nname = "dev"\ntarget = "dev"\nlock_timeout = "30s"\n')
    with psycopg.connect(pg18.conninfo(database), application_name="reporting") as holder:
        pid = str(holder.info.backend_pid)
        with Terminal(project, size=(100, 30)) as terminal:
            terminal.sees("dev: 1 pending").press("d")
            terminal.sees("ready to start").press("E")
            terminal.sees("looked again at").press("pagedown").sees("to enable Enter")
            holder.execute("SELECT count(*) FROM public.busy")
            terminal.press("yes", "enter")
            terminal.sees("WAITING", f"for pid {pid} (reporting)", "BLOCKED BY", "idle in transaction")
            terminal.press("l").sees("1 root blocker", f"{pid} reporting", "wants ACCESS EXCLUSIVE public.busy")
            terminal.press("escape").misses("root blocker").press("K")
            terminal.sees(f"> {pid} reporting").press("T")
            terminal.sees(f"TERMINATE pid {pid} (reporting) on dev", f"Type {pid}").press("enter", "yes", "enter")
            terminal.sees("this is not the confirmation word").press("escape").misses("confirmation word")
            assert holder.execute("SELECT 1").fetchone() == (1,)
            terminal.sees(f"> {pid} reporting").press("T")
            terminal.sees(f"Type {pid}").press(pid, "enter")
            terminal.sees(f"pid {pid} terminated", "1/1 + DONE").press("q")
            assert terminal.ends() == 0
        with pytest.raises(psycopg.OperationalError):
            holder.execute("SELECT 1")
        gone = pg18.execute(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}", database)
        assert gone == [(0,)]
    columns = pg18.execute("SELECT attname FROM pg_attribute WHERE attrelid = 'public.busy'::regclass", database)
    assert ("tags",) in columns


def test_a_blocker_is_terminated_between_two_tries(tmp_path: Path, pg18: Server, database: str) -> None:
    pg18.execute("CREATE TABLE public.busy (id int)", database)
    script = "BEGIN;\nALTER TABLE public.busy ADD COLUMN tags text[];\nCOMMIT;\n"
    project = make_project(tmp_path, {"alter": script}, {"dev": pg18.uri(database)})
    toml = '[[environment]]\nname = "dev"\ntarget = "dev"\nlock_timeout = "300ms"\nretries = 50\n'
    (project / "pgmig.toml").write_text(toml)
    with psycopg.connect(pg18.conninfo(database), application_name="reporting") as holder:
        pid = str(holder.info.backend_pid)
        with Terminal(project, size=(80, 23)) as terminal:
            terminal.sees("dev: 1 pending").press("d")
            terminal.sees("ready to start").press("E")
            terminal.sees("looked again at").press("pagedown").sees("to enable Enter")
            holder.execute("SELECT count(*) FROM public.busy")
            terminal.press("yes", "enter")
            terminal.sees("of 51 lost", "LAST IN THE WAY", f"pid {pid} (reporting)").press("K")
            terminal.sees(f"> {pid} reporting").press("T")
            terminal.sees(f"TERMINATE pid {pid} (reporting) on dev").press(pid, "enter")
            terminal.sees(f"pid {pid} terminated", "1/1 + DONE").press("q")
            assert terminal.ends() == 0
        with pytest.raises(psycopg.OperationalError):
            holder.execute("SELECT 1")


def test_of_two_screens_on_one_run_one_controls_and_hands_over_when_it_leaves(
    tmp_path: Path, pg18: Server, database: str
) -> None:
    pg18.execute("CREATE TABLE public.busy (id int)", database)
    project = make_project(tmp_path, {"alter": ALTER}, {"dev": pg18.uri(database)})
    with (
        psycopg.connect(pg18.conninfo(database), application_name="reporting") as holder,
        Terminal(project) as first,
        Terminal(project) as second,
    ):
        first.sees("dev: 1 pending").press("d")
        first.sees("ready to start").press("E")
        first.sees("looked again at").press("pagedown").sees("to enable Enter")
        holder.execute("SELECT count(*) FROM public.busy")
        first.press("yes", "enter")
        first.sees("BLOCKED BY")
        second.sees("alive on dev 0/1: h").press("h")
        second.sees("> running").press("enter")
        second.sees("BLOCKED BY", "watching").press("p")
        second.sees("p is off: you are only watching;", "process ")
        first.press("z").sees("ALL ENVIRONMENTS")
        second.sees("it is controlled from here now").press("s")
        second.sees("Settings of this run").press("escape").misses("Settings of this run")
        holder.rollback()
        second.sees("1/1 + DONE")
        first.press("q")
        second.press("q")
        assert (first.ends(), second.ends()) == (0, 0)
