"""What is told of a step that takes its time, and what can be done about it while it does."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest

from pgmig_tui.run.clients import client
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.picture import picture_of
from tests.run.conftest import Outcome, Workshop, wait_a_moment

LONG = '[[environment]]\nname = "box"\ntarget = "$URI"\nlock_timeout = "30s"\n'
ALTER = "BEGIN;\nCREATE TABLE public.made ();\nALTER TABLE public.t ADD COLUMN c int;\nCOMMIT;\n"


@contextmanager
def _holder(workshop: Workshop, **more: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A session that has read the table and keeps its transaction open, until it is ended."""
    connection = workshop.connect(application_name="a report", **more)
    try:
        connection.execute("BEGIN; SELECT 'password=geheim1' FROM public.t")
        yield connection
    finally:
        with suppress(psycopg.Error):
            connection.rollback()
        connection.close()


def _watched(
    workshop: Workshop,
    obey: Callable[[client.RunHandle, Entry, psycopg.Connection[tuple[Any, ...]]], None],
    *,
    script: str = ALTER,
    **more: str,
) -> Outcome:
    workshop.query("CREATE TABLE IF NOT EXISTS public.t (id int)")
    workshop.toml = workshop.toml or LONG
    workshop.change("one", script)
    with _holder(workshop, **more) as holder:
        return workshop.finish(workshop.plan(), lambda handle, event: obey(handle, event, holder))


def _let_go(handle: client.RunHandle, event: Entry, holder: psycopg.Connection[tuple[Any, ...]]) -> None:
    if event.name == "activity" and event.data["waiting"]:
        holder.rollback()


def test_who_is_in_the_way_is_told_with_what_we_hold(workshop: Workshop) -> None:
    done = _watched(workshop, _let_go)
    assert done.status == 0, done.events[-1].data
    first = done.named("activity")[0]
    assert (first["step"], first["line"], first["waiting"]) == (1, 3, True)
    assert first["elapsed_ms"] >= 250
    (blocker,) = first["blockers"]
    assert blocker["application"] == "a report"
    assert (blocker["depth"], blocker["state"], blocker["hidden"]) == (0, "idle in transaction", False)
    assert blocker["started"].endswith("Z")
    assert blocker["since_ms"] >= 250
    assert "geheim1" not in blocker["query"], "secrets are masked"
    assert "FROM public.t" in blocker["query"]
    assert first["holds"][-1]["relation"] != "public.t", "what we wait for isn't held"
    assert {"relation": "sqitch.changes", "mode": "ExclusiveLock"} in first["holds"]
    assert first["waiters"] == 0
    waits = [(one["step"], one["line"]) for one in done.named("lock_waited")]
    # Before 14 the server doesn't tell since when: what is known begins with the first look, and there may be but one.
    assert waits == [(1, 3)] or workshop.server.version_num < 140000
    (finished,) = [one for one in done.named("statement_finished") if one["line"] == 3]
    assert picture_of(done.events).steps[1].waited_ms <= finished["ms"]


def test_a_quick_run_opens_no_watch_and_tells_no_activity(workshop18: Workshop) -> None:
    for number in range(30):
        workshop18.change(f"c{number}", f"BEGIN;\nCREATE TABLE public.c{number} ();\nCOMMIT;\n")
    done = workshop18.run()
    assert done.status == 0
    assert done.named("activity") == []


def test_blockers_of_blockers_are_shown_beneath_them(workshop18: Workshop) -> None:
    """We wait for the second, which waits for the first."""
    second = workshop18.connect(application_name="second")

    def obey(handle: client.RunHandle, event: Entry, first: psycopg.Connection[tuple[Any, ...]]) -> None:
        if event.name == "activity" and len(event.data["blockers"]) > 1:
            first.rollback()

    workshop18.query("CREATE TABLE public.t (id int)")
    workshop18.change("one", "BEGIN;\nSELECT count(*) FROM public.t;\nCOMMIT;\n")
    workshop18.toml = LONG
    with _holder(workshop18) as holder, second:
        second.execute("BEGIN")
        second.pgconn.send_query(b"LOCK TABLE public.t; ROLLBACK")
        while workshop18.query("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass") == [
            (0,)
        ]:
            wait_a_moment()
        done = workshop18.finish(workshop18.plan(), lambda handle, event: obey(handle, event, holder))
        while second.pgconn.get_result() is not None:
            pass
    assert done.status == 0, done.events[-1].data
    tree = next(data["blockers"] for data in done.named("activity") if len(data["blockers"]) > 1)
    assert [(one["depth"], one["application"]) for one in tree] == [(0, "second"), (1, "a report")]


def test_a_prepared_transaction_is_named(workshop18: Workshop) -> None:
    gid = f"left alone {workshop18.dbname}"

    def obey(handle: client.RunHandle, event: Entry, holder: psycopg.Connection[tuple[Any, ...]]) -> None:
        if event.name == "activity":
            workshop18.query(f"ROLLBACK PREPARED '{gid}'")

    workshop18.query("CREATE TABLE public.t (id int)")
    with workshop18.connect() as other:
        other.execute(f"BEGIN; LOCK TABLE public.t; PREPARE TRANSACTION '{gid}'")
    workshop18.toml = LONG
    workshop18.change("one", ALTER)
    done = workshop18.finish(workshop18.plan(), lambda handle, event: obey(handle, event, None))  # type: ignore[arg-type]
    assert done.status == 0, done.events[-1].data
    (blocker,) = done.named("activity")[0]["blockers"]
    assert (blocker["pid"], blocker["prepared"]) == (0, gid)
    assert done.named("activity")[0]["note"] == "", "it is said where it is listed"


def test_an_index_build_tells_its_phase(workshop18: Workshop) -> None:
    def obey(handle: client.RunHandle, event: Entry, holder: psycopg.Connection[tuple[Any, ...]]) -> None:
        if event.name == "step_started":
            holder.execute("INSERT INTO public.t VALUES (1)")
        if event.name == "activity" and event.data["phase"]:
            holder.rollback()

    done = _watched(workshop18, obey, script="SELECT pg_sleep(0.2);\nCREATE INDEX CONCURRENTLY i ON public.t (id);\n")
    assert done.status == 0
    assert not done.named("activity")[0]["about"]
    phases = {data["phase"] for data in done.named("activity")}
    assert phases & {
        "waiting for writers before build",
        "waiting for writers before validation",
        "waiting for old snapshots",
    }


def test_a_rewrite_is_estimated_and_says_about(workshop18: Workshop) -> None:
    """A trigger-free rewrite of some 18 MB; its share is read from the server's WAL, which others write to as well."""
    workshop18.query(
        "CREATE TABLE public.big AS SELECT g AS id, repeat('x', 400) AS t FROM generate_series(1, 40000) g"
    )
    workshop18.query("VACUUM ANALYZE public.big")
    body = "SELECT CASE WHEN $1 % 400 = 0 THEN pg_sleep(0.015) END; SELECT $1::bigint"
    slow = f"CREATE FUNCTION public.slow(int) RETURNS bigint LANGUAGE sql AS '{body}'"
    workshop18.query(slow)
    workshop18.change("one", "ALTER TABLE public.big ALTER COLUMN id TYPE bigint USING public.slow(id);\n")
    done = workshop18.run()
    assert done.status == 0, done.events[-1].data
    rewriting = [data for data in done.named("activity") if data["phase"] == "rewriting"]
    assert rewriting
    assert all(data["about"] for data in rewriting)
    percents = [data["percent"] for data in rewriting if data["percent"] is not None]
    assert percents
    assert percents == sorted(percents)
    assert {"relation": "public.big", "mode": "AccessExclusiveLock"} in rewriting[0]["holds"]


@pytest.mark.sqitch
def test_a_real_sqitch_that_holds_an_index_build_up_is_named(workshop18: Workshop) -> None:
    """Waiting for our key it holds a snapshot, for which CREATE INDEX CONCURRENTLY waits."""
    workshop18.query("CREATE TABLE public.t (id int)")
    workshop18.change("one", "SELECT 1;\n")
    assert workshop18.run().status == 0
    workshop18.change("two", "CREATE INDEX CONCURRENTLY i ON public.t (id);\n")
    sqitch: list[subprocess.Popen[bytes]] = []
    program = shutil.which("sqitch")
    assert program is not None
    with workshop18.connect() as writer:
        writer.execute("BEGIN; INSERT INTO public.t VALUES (1)")

        def obey(handle: client.RunHandle, event: Entry) -> None:
            if event.name == "statement_started" and "CONCURRENTLY" in event.data["sql"] and not sqitch:
                sqitch.append(
                    subprocess.Popen(
                        [program, "deploy", "--target", workshop18.uri, "--lock-timeout", "60"],
                        cwd=workshop18.root,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                )
                while not workshop18.query(
                    "SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                    " WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
                ):
                    wait_a_moment()
                writer.rollback()
            for one in event.data["blockers"] if event.name == "activity" else ():
                if one["sqitch"]:
                    # Killing the program would not do: its backend goes on waiting, and so would we.
                    handle.send("terminate_blocker", str(one["pid"]), one["started"])

        done = workshop18.finish(workshop18.plan(), obey)
    sqitch[0].wait()
    assert done.status == 0, done.events[-1].data
    (told,) = [data for data in done.named("activity") if data["note"]][:1]
    (blocker,) = [one for one in told["blockers"] if one["sqitch"]]
    assert f"process {blocker['pid']}" in told["note"]
    assert "its own timeout" in told["note"]


# -- controlling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cancel", "terminate"])
def test_a_blocker_is_ended_only_if_it_is_still_the_one_that_was_shown(workshop18: Workshop, how: str) -> None:
    sent: list[str] = []

    def obey(handle: client.RunHandle, event: Entry, holder: psycopg.Connection[tuple[Any, ...]]) -> None:
        if event.name == "activity" and event.data["blockers"] and not sent:
            (blocker,) = event.data["blockers"]

            sent.append(blocker["started"])
            handle.send(f"{how}_blocker", str(blocker["pid"]), "2001-01-01T00:00:00Z")
            handle.send(f"{how}_blocker", str(blocker["pid"]), blocker["started"])
        if event.name == "blocker_ended" and event.data["ok"] and how == "cancel":
            holder.rollback()  # an idle transaction has no statement to cancel: it stays

    done = _watched(workshop18, obey)
    assert done.status == 0, done.events[-1].data
    refused, ended = done.named("blocker_ended")
    assert (refused["ok"], ended["ok"]) == (False, True)
    assert "no longer the session" in refused["message"]
    assert ended["how"] == how


def test_what_a_plain_role_may_not_see_or_do_is_said(workshop18: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    role = f"plain_{workshop18.dbname}"
    workshop18.query(f"CREATE ROLE {role} LOGIN PASSWORD 'not much'")
    workshop18.query(f'GRANT ALL ON DATABASE "{workshop18.dbname}" TO {role}')
    workshop18.query(
        f"CREATE TABLE public.t (id int); ALTER TABLE public.t OWNER TO {role}; GRANT ALL ON SCHEMA public TO {role}"
    )
    strong = workshop18.server
    super_user = strong.parameters.get("user", "postgres")
    sent: list[int] = []

    def obey(handle: client.RunHandle, event: Entry, holder: psycopg.Connection[tuple[Any, ...]]) -> None:
        if event.name == "activity" and event.data["blockers"] and not sent:
            sent.append(event.data["blockers"][0]["pid"])
            handle.send("terminate_blocker", str(sent[0]), event.data["blockers"][0]["started"])
        if event.name == "blocker_ended":
            holder.rollback()

    try:
        workshop18.server = dataclasses.replace(strong, parameters={**strong.parameters, "user": role})
        monkeypatch.setenv("PGPASSWORD", "not much")
        done = _watched(workshop18, obey, script=ALTER.replace("public.made", "public.made2"), user=super_user)
        assert done.status == 0, done.events[-1].data
        told = done.named("activity")[0]
        assert told["hidden"] == 1
        assert told["note"] == ""
        (blocker,) = told["blockers"]
        assert (blocker["hidden"], blocker["application"], blocker["query"]) == (True, "a report", "")
        (ended,) = done.named("blocker_ended")
        assert not ended["ok"]
        assert "hidden from this role" in ended["message"]
    finally:
        monkeypatch.undo()
        workshop18.server = strong
        workshop18.query(f"REASSIGN OWNED BY {role} TO {super_user}; DROP OWNED BY {role}; DROP ROLE {role}")


def test_lock_timeout_and_retries_change_while_it_runs(workshop18: Workshop) -> None:
    workshop18.toml = LONG.replace("30s", "60ms") + "retries = 1000\n"
    tries: list[int] = []

    def obey(handle: client.RunHandle, event: Entry, holder: psycopg.Connection[tuple[Any, ...]]) -> None:
        if event.name != "statement_retried":
            return
        tries.append(event.data["of"])
        if len(tries) == 1:
            handle.send("retries", "3")
            handle.send("lock_timeout", "10000")
            handle.send("lock_timeout", "0")
            handle.send("retry")
        else:
            handle.send("stop")

    def let_go(handle: client.RunHandle, event: Entry, holder: psycopg.Connection[tuple[Any, ...]]) -> None:
        obey(handle, event, holder)
        if event.name == "activity" and event.data["elapsed_ms"] >= 250:
            holder.rollback()  # the second try outlasts 60 ms

    done = _watched(workshop18, let_go)
    assert done.status == 0, done.events[-1].data
    assert tries == [1001]
    assert done.named("settings_changed") == [
        {"lock_timeout_ms": 60, "retries": 3},
        {"lock_timeout_ms": 10000, "retries": 3},
    ]
    assert any("lock_timeout takes" in data["message"] for data in done.named("warning")), "0 would wait for ever"
