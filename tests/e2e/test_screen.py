"""The real program in a real terminal, on a real server."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.terminal import DEADLINE_S, ROOT, Terminal, make_project
from tests.servers import Server

TABLE = "BEGIN;\nCREATE TABLE public.t_{name} (id int);\nCOMMIT;\n"
SCRIPTS = {name: TABLE.format(name=name) for name in ("first", "second", "third")}


@pytest.fixture
def project(tmp_path: Path, pg18: Server, database: str) -> Path:
    return make_project(tmp_path, SCRIPTS, {"dev": pg18.uri(database)})


@pytest.fixture
def silent_server() -> Iterator[str]:
    """A URI of a port that accepts connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield f"db:pg://127.0.0.1:{listener.getsockname()[1]}/nothing"


def tables(server: Server, database: str) -> set[str]:
    rows = server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database)
    return {str(row[0]) for row in rows}


def test_deploy_watch_and_roll_back_by_keys(project: Path, pg18: Server, database: str) -> None:
    with Terminal(project) as terminal:
        terminal.sees("dev: 3 pending", ". todo").press("d")
        terminal.sees("ready to start", "creates schema").press("E")
        terminal.sees("looked again at", "to enable Enter").press("yes", "enter")
        terminal.sees("3/3 + DONE", "Enter: results").press("enter")
        terminal.sees("+ DEPLOY done, 3 of 3 steps done", "Verify application functionality").press("w")
        terminal.sees("written to").press("escape")
        terminal.sees("dev: up to date", "+ ok")
        assert tables(pg18, database) == {"t_first", "t_second", "t_third"}
        pg18.execute("INSERT INTO public.t_second VALUES (1)", database)
        terminal.press("R")
        terminal.sees("ROLL BACK 3 changes", "back to the state before the", "LOSES", "cannot start")
        terminal.press("E").sees("E is off").press("a").sees("ready to start").press("E")
        terminal.sees("ROLL BACK 3 changes on dev", "looked again at", "to enable Enter").press("enter", "yes", "enter")
        terminal.sees("# Incident: Rollback on dev", "3 of 3 steps are done", "not saved")
        assert tables(pg18, database) == set()
        terminal.press("q")
        assert terminal.ends() == 0


def test_a_dropped_connection_leaves_the_run_alone_and_it_can_be_joined_again(
    tmp_path: Path, pg18: Server, database: str
) -> None:
    gate = "SET LOCAL lock_timeout = 0;\nSELECT pg_catalog.pg_advisory_lock(4711);"
    scripts = {"first": SCRIPTS["first"], "slow": f"BEGIN;\n{gate}\nCREATE TABLE public.t_slow (id int);\nCOMMIT;\n"}
    project = make_project(tmp_path, scripts, {"dev": pg18.uri(database)})
    import psycopg

    with psycopg.connect(pg18.conninfo(database), autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(4711)")
        with Terminal(project) as terminal:
            terminal.sees("dev: 2 pending").press("d")
            terminal.sees("ready to start").press("E")
            terminal.sees("looked again at", "to enable Enter").press("yes", "enter")
            terminal.sees("1/2 > slow")
            terminal.hang_up()
            assert terminal.ends() == 129
        with Terminal(project) as terminal:
            terminal.sees("A run is ALIVE on dev", "1 of 2 steps").press("a")
            terminal.sees("1/2 > slow", "pg_advisory_lock(4711)")
            holder.execute("SELECT pg_advisory_unlock(4711)")
            terminal.sees("2/2 + DONE").press("q")
            assert terminal.ends() == 0
    assert tables(pg18, database) == {"t_first", "t_slow"}


def test_a_failing_script_is_told_with_line_and_state(tmp_path: Path, pg18: Server, database: str) -> None:
    scripts = {"first": SCRIPTS["first"], "bad": "BEGIN;\n\nSELECT 1/0;\nCOMMIT;\n"}
    project = make_project(tmp_path, scripts, {"dev": pg18.uri(database)})
    with Terminal(project) as terminal:
        terminal.sees("dev: 2 pending").press("d")
        terminal.sees("ready to start").press("E")
        terminal.sees("looked again at", "to enable Enter").press("yes", "enter")
        terminal.sees("STOPPED", "22012", "division by zero", "deploy/bad.sql:3", "nothing of it was committed")
        terminal.sees(
            "x> 3 SELECT 1/0;",
            "retry: a new run of the 1 change that is left",
            "roll back the 1 change that this run has committed",
        )
        terminal.press("escape").misses("retry: a new run").press("escape").sees("x FAILED", "FAILED at 1 of 2")
    assert tables(pg18, database) == {"t_first"}


def test_one_silent_server_blocks_neither_the_others_nor_leaving(
    tmp_path: Path, pg18: Server, database: str, silent_server: str
) -> None:
    project = make_project(tmp_path, SCRIPTS, {"dev": pg18.uri(database), "gone": silent_server})
    with Terminal(project) as terminal:
        terminal.sees("dev: 3 pending", "...").press("2", "d")
        terminal.sees("gone").press("q")
        begun = time.monotonic()
        assert terminal.ends() == 0
        assert time.monotonic() - begun < DEADLINE_S / 3, "leaving waited for the silent server"


def test_no_color_leaves_every_word(project: Path) -> None:
    with Terminal(project, env={"NO_COLOR": "1"}) as terminal:
        terminal.sees("dev: 3 pending", ". todo")
        colors = re.findall(rb"\x1b\[[\d;]*38;2;(\d+);(\d+);(\d+)", terminal.raw)
        assert all(red == green == blue for red, green, blue in colors)
        assert not re.search(rb"\x1b\[(?:\d+;)*3[1-6]m", terminal.raw)


def test_ctrl_c_stops_nothing_and_says_how_to_leave(project: Path) -> None:
    with Terminal(project) as terminal:
        terminal.sees("dev: 3 pending").press("ctrl-c")
        terminal.sees("ctrl-c stops nothing here: q leaves").press("q")
        assert terminal.ends() == 0


def test_the_editor_gets_the_terminal_and_what_it_wrote_is_read_again(project: Path, tmp_path: Path) -> None:
    editor = tmp_path / "my editor"
    editor.write_text("#!/bin/sh\necho 'SELECT 42;' >> \"$2\"\necho in the editor\nread answer\nexit $answer\n")
    editor.chmod(0o755)
    with Terminal(project, env={"EDITOR": f"'{editor}' --wait"}) as terminal:
        terminal.sees("dev: 3 pending").press("enter")
        terminal.sees("[deploy]", "CREATE TABLE public.t_first").press("e")
        terminal.sees("in the editor").press("0", "enter")
        terminal.sees("SELECT 42;", "read again").press("e")
        terminal.sees("in the editor").press("3", "enter")
        terminal.sees("ended with status 3", "[deploy]").press("q")
        assert terminal.ends() == 0
    assert (project / "deploy" / "first.sql").read_text().endswith("SELECT 42;\nSELECT 42;\n")


@pytest.mark.parametrize("how", ["is not there", "can't be executed", "goes away meanwhile"])
def test_an_editor_that_does_not_start_leaves_the_screen_usable(project: Path, tmp_path: Path, how: str) -> None:
    editor = tmp_path / "editor"
    if how != "is not there":
        editor.write_text("#!/no/such/interpreter\n" if how == "goes away meanwhile" else "\x00\x01")
        editor.chmod(0o755)
    with Terminal(project, env={"EDITOR": str(editor)}) as terminal:
        terminal.sees("dev: 3 pending").press("enter")
        terminal.sees("[deploy]", "CREATE TABLE public.t_first").press("e")
        terminal.sees("there is no program" if how == "is not there" else "can't be started").press("ctrl-c")
        terminal.sees("ctrl-c stops nothing here").press("]")
        terminal.sees("[verify]").press("q")
        assert terminal.ends() == 0


def test_a_small_terminal_and_a_dumb_one_are_told(project: Path) -> None:
    with Terminal(project, size=(39, 9)) as terminal:
        terminal.sees("needs 40x10, has 39x9").press("q")
        assert terminal.ends() == 0
    with Terminal(project, env={"TERM": "dumb"}) as terminal:
        assert terminal.ends() == 2
        assert b"pgmig-tui status" in terminal.raw


def test_in_tmux_it_survives_detaching_and_comes_back(project: Path, tmp_path: Path) -> None:
    tmux = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    env = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONPATH": str(ROOT)}

    def call(*arguments: str) -> str:
        return subprocess.run([*tmux, *arguments], capture_output=True, text=True, env=env, check=True).stdout

    def sees(text: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while text not in (shown := call("capture-pane", "-p")):
            assert time.monotonic() < deadline, f"no {text!r} on:\n{shown}"
            time.sleep(0.05)

    call("new-session", "-d", "-x", "100", "-y", "30", "-c", str(project), sys.executable, "-m", "pgmig_tui")
    try:
        sees("dev: 3 pending")
        call("resize-window", "-x", "80", "-y", "24")
        sees("locks")
        call("send-keys", "Enter")
        sees("[deploy]")
        sees("CREATE TABLE public.t_first")
        call("send-keys", "Escape")
        sees("ALL ENVIRONMENTS")
        pid = int(call("list-panes", "-F", "#{pane_pid}").strip())
    finally:
        call("kill-session")
    deadline = time.monotonic() + DEADLINE_S
    while _alive(pid):
        assert time.monotonic() < deadline, "the program outlived its terminal"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")
