"""A lock that isn't there yet: a lost try is followed by others, and nothing of a lost one stays."""

from __future__ import annotations

import pytest

from pgmig_tui.run.clients import client
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.recovery import reconcile
from tests.run.conftest import Outcome, Workshop

TABLE = "CREATE TABLE public.t (id int)"
ALTER = "BEGIN;\nCREATE TABLE public.before ();\nALTER TABLE public.t ADD COLUMN c int;\nCOMMIT;\n"
TOML = '[[environment]]\nname = "box"\ntarget = "$URI"\nlock_timeout = "50ms"\n'


def _blocked(workshop: Workshop, lock: str, *, tries: int = 1, toml: str = TOML) -> Outcome:
    """A run beside a session that holds `lock` until `tries` were lost."""
    workshop.toml = toml
    other = workshop.connect()
    other.execute("BEGIN")
    other.execute(lock.encode())

    def let_go(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "statement_retried":
            if event.data["try"] >= tries:
                other.rollback()
            handle.send("retry")

    with other:
        return workshop.finish(workshop.plan(), let_go)


def test_an_atomic_step_is_tried_again_as_a_whole(workshop: Workshop) -> None:
    workshop.query(TABLE)
    workshop.change("one", ALTER)
    done = _blocked(workshop, "LOCK TABLE public.t IN ACCESS SHARE MODE", tries=2)
    assert done.status == 0, done.events[-1].data
    first, second = done.named("statement_retried")
    assert (first["line"], first["try"], first["of"], first["sqlstate"]) == (3, 1, 9, "55P03")
    assert first["why"] == "lock timeout"
    assert second["try"] == 2
    assert workshop.deployed() == ["one"]
    assert workshop.relation("public.before")
    assert workshop.registry_events() == [("deploy", "one")], "a lost try is no failure"
    assert workshop.query("SELECT count(*) FROM pgmig.schema_audit WHERE object_name = 'public.before'") == [(1,)]


def test_the_registrys_own_lock_counts_as_a_try(workshop18: Workshop) -> None:
    workshop18.change("zero", "SELECT 1;\n")
    assert workshop18.run().status == 0
    workshop18.change("one", "CREATE TABLE public.one ();\n")
    done = _blocked(workshop18, "LOCK TABLE sqitch.changes IN EXCLUSIVE MODE")
    assert done.status == 0, done.events[-1].data
    assert [lost["line"] for lost in done.named("statement_retried")] == [0]


def test_after_its_last_retry_a_step_fails_and_says_how_often_it_was_tried(workshop18: Workshop) -> None:
    workshop18.query(TABLE)
    workshop18.change("one", ALTER)
    done = _blocked(workshop18, "LOCK TABLE public.t IN ACCESS SHARE MODE", tries=9, toml=TOML + "retries = 2\n")
    assert done.status == 1
    assert len(done.named("statement_retried")) == 2
    (failed,) = done.named("step_failed")
    assert failed["sqlstate"] == "55P03"
    assert "tried 3 times" in failed["message"]
    assert not workshop18.relation("public.before")
    assert workshop18.registry_events() == [("fail", "one")]


def test_who_was_in_the_way_is_told_with_each_lost_try_and_with_the_failure(workshop18: Workshop) -> None:
    workshop18.query(TABLE)
    workshop18.change("one", ALTER)
    toml = TOML.replace("50ms", "400ms") + "retries = 3\n"
    done = _blocked(workshop18, "LOCK TABLE public.t IN ACCESS SHARE MODE", tries=9, toml=toml)
    assert done.status == 1
    (failed,) = done.named("step_failed")
    (last,) = failed["blockers"]
    # The first tries may be lost before anybody has looked.
    first = [one["pid"] for lost in done.named("statement_retried") for one in lost["blockers"]]
    assert set(first) <= {last["pid"]}
    assert last["state"] == "idle in transaction"
    assert f"in the way at the last look: process {last['pid']} (" in failed["message"]
    waits = [one["ms"] for one in done.named("lock_waited")]
    assert len(waits) >= len(first), "nothing but waiting"
    assert sum(waits) <= failed["ms"]


@pytest.mark.parametrize("how", ["cancel", "terminate"])
def test_between_two_tries_whoever_was_in_the_way_can_be_ended(workshop18: Workshop, how: str) -> None:
    workshop18.query(TABLE)
    workshop18.change("one", ALTER)
    workshop18.toml = TOML.replace("50ms", "400ms")
    other = workshop18.connect()
    other.execute("BEGIN; LOCK TABLE public.t IN ACCESS SHARE MODE")

    seen: list[int] = []

    def end(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "statement_retried" and event.data["blockers"] and not seen:
            (blocker,) = event.data["blockers"]
            seen.append(event.seq)
            handle.send(f"{how}_blocker", str(blocker["pid"]), blocker["started"].replace(" ", "T"))
        if event.name == "blocker_ended":
            other.rollback() if how == "cancel" else None
            handle.send("retry")

    done = workshop18.finish(workshop18.plan(), end)
    other.close()
    assert done.status == 0, done.events[-1].data
    (ended,) = done.named("blocker_ended")
    assert ended["ok"], ended


def test_variables_of_a_lost_try_are_forgotten(workshop18: Workshop) -> None:
    """The second try is a psql of its own: `seen` is not set when it begins."""
    workshop18.query(TABLE)
    script = """BEGIN;
\\if :{?seen}
    INSERT INTO public.t VALUES (2);
\\endif
SELECT 1 AS seen \\gset
ALTER TABLE public.t ADD COLUMN c int;
COMMIT;
"""
    workshop18.change("one", script)
    done = _blocked(workshop18, "LOCK TABLE public.t IN ACCESS SHARE MODE")
    assert done.status == 0, done.events[-1].data
    assert workshop18.query("SELECT id FROM public.t") == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("\\! true", "runs a program"),
        ("\\set x `true`", "runs a program"),
        ("SELECT 1 \\g out.txt", "writes a file"),
        ("SELECT 1 \\g |cat", "runs a program"),
        ("\\copy public.t to out.txt", "writes a file"),
        ("COPY public.t TO PROGRAM 'cat';", "copies to a file"),
        ("COPY public.t TO '/nowhere/at/all';", "copies to a file"),
        ("SELECT dblink_exec('dbname=x', 'SELECT 1') WHERE false;", "dblink_exec"),
    ],
)
def test_what_no_rollback_takes_back_is_not_done_twice(workshop18: Workshop, line: str, why: str) -> None:
    workshop18.query(TABLE)
    workshop18.change("one", f"BEGIN;\nALTER TABLE public.t ADD COLUMN c int;\n{line}\nCOMMIT;\n")
    toml = TOML + "allow_shell = true\nallow_files = true\n"
    done = _blocked(workshop18, "LOCK TABLE public.t IN ACCESS SHARE MODE", toml=toml)
    assert done.status == 1
    assert done.named("statement_retried") == []
    (failed,) = done.named("step_failed")
    assert "not tried again" in failed["message"]
    assert why in failed["message"]


def test_a_deadlock_is_tried_again(workshop18: Workshop) -> None:
    """We hold `a` and want `b`; the other holds `b` and wants `a`, and its deadlock check is the later one."""
    workshop18.query("CREATE TABLE public.a (id int); CREATE TABLE public.b (id int)")
    workshop18.toml = TOML.replace("50ms", "20s") + 'queue_guard = { waiters = 99, oldest = "1min" }\n'
    workshop18.change("one", "BEGIN;\nLOCK TABLE public.a;\nSELECT pg_sleep(0.3);\nLOCK TABLE public.b;\nCOMMIT;\n")
    other = workshop18.connect()
    other.execute("SET deadlock_timeout = '30s'")
    other.execute("BEGIN; LOCK TABLE public.b")
    crossed: list[Entry] = []

    def cross(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "statement_started" and event.data["line"] == 3 and not crossed:
            crossed.append(event)
            other.pgconn.send_query(b"LOCK TABLE public.a; ROLLBACK")
        if event.name == "statement_retried":
            handle.send("retry")

    with other:
        done = workshop18.finish(workshop18.plan(), cross)
        while other.pgconn.get_result() is not None:
            pass
    assert done.status == 0, done.events[-1].data
    assert [lost["sqlstate"] for lost in done.named("statement_retried")] == ["40P01"]


def test_a_cancel_by_somebody_else_is_no_lost_lock(workshop18: Workshop) -> None:
    workshop18.change("one", "BEGIN;\nSELECT pg_sleep(30);\nCOMMIT;\n")

    def cancel(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "statement_started":
            while workshop18.query(
                "SELECT bool_or(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(30)%'"
                " AND datname = current_database() AND state = 'active'"
            ) != [(True,)]:
                pass

    done = workshop18.finish(workshop18.plan(), cancel)
    assert done.status == 1
    assert done.named("statement_retried") == []


@pytest.mark.parametrize("command", ["cancel", "stop"])
def test_the_operator_ends_the_trying(workshop18: Workshop, command: str) -> None:
    workshop18.query(TABLE)
    workshop18.toml = TOML + "retries = 1000\n"
    workshop18.change("one", ALTER)

    def end(handle: client.RunHandle, event: Entry) -> None:
        if event.name == "statement_retried" and event.data["try"] == 2:
            handle.send(command)

    with workshop18.connect() as other:
        other.execute("BEGIN; LOCK TABLE public.t IN ACCESS SHARE MODE")
        done = workshop18.finish(workshop18.plan(), end)
    assert done.status == 1
    (failed,) = done.named("step_failed")
    assert "cancelled by the operator" in failed["message"]


# -- stepwise ----------------------------------------------------------------------------------------------------


def test_a_stepwise_statement_is_sent_again(workshop18: Workshop) -> None:
    workshop18.query(TABLE)
    workshop18.change(
        "one",
        "INSERT INTO public.t VALUES (1);\nALTER TABLE public.t ADD COLUMN c int;\nINSERT INTO public.t VALUES (2);\n",
    )
    done = _blocked(workshop18, "LOCK TABLE public.t IN ACCESS SHARE MODE", tries=2)
    assert done.status == 0, done.events[-1].data
    assert [(lost["line"], lost["try"]) for lost in done.named("statement_retried")] == [(2, 1), (2, 2)]
    assert workshop18.query("SELECT id FROM public.t ORDER BY id") == [(1,), (2,)], "what was committed stays done once"


def test_a_block_of_a_stepwise_script_is_sent_again_from_its_begin(workshop18: Workshop) -> None:
    workshop18.query(TABLE)
    script = """INSERT INTO public.t VALUES (1);
BEGIN;
INSERT INTO public.t VALUES (2);
ALTER TABLE public.t ADD COLUMN c int;
COMMIT;
INSERT INTO public.t VALUES (3);
"""
    workshop18.change("one", script)
    done = _blocked(workshop18, "LOCK TABLE public.t IN ACCESS SHARE MODE")
    assert done.status == 0, done.events[-1].data
    assert [lost["line"] for lost in done.named("statement_retried")] == [4]
    assert workshop18.query("SELECT id FROM public.t ORDER BY id") == [(1,), (2,), (3,)]
    assert workshop18.deployed() == ["one"]


@pytest.mark.parametrize(
    "line",
    [
        "SELECT 1 AS x \\gset",
        "COPY public.t FROM stdin;\n7\n\\.",
        "SET client_encoding = 'UTF8';\n\\encoding UTF8",
    ],
)
def test_a_block_that_can_not_be_sent_again_fails(workshop18: Workshop, line: str) -> None:
    workshop18.query(TABLE)
    script = f"INSERT INTO public.t VALUES (1);\nBEGIN;\n{line}\nALTER TABLE public.t ADD COLUMN c int;\nCOMMIT;\n"
    workshop18.change("one", script)
    done = _blocked(workshop18, "LOCK TABLE public.t IN ACCESS SHARE MODE")
    assert done.status == 1
    assert done.named("statement_retried") == []
    (failed,) = done.named("step_failed")
    assert failed["sqlstate"] == "55P03"
    assert workshop18.query("SELECT id FROM public.t ORDER BY id") == [(1,)]


def test_a_try_that_was_cut_off_is_not_said_to_have_done_nothing(workshop18: Workshop) -> None:
    """A statement that is sent again is in the journal again, before."""
    workshop18.query(TABLE + "; CREATE TABLE public.o ()")
    workshop18.change("one", "VACUUM public.o;\nINSERT INTO public.t VALUES (1);\n")
    done = _blocked(workshop18, "LOCK TABLE public.t IN SHARE MODE")
    assert done.status == 0, done.events[-1].data
    assert len(done.named("statement_retried")) == 1
    workshop18.query("DELETE FROM sqitch.tags")
    workshop18.query("DELETE FROM sqitch.changes")
    path = done.plan.folder / "journal.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    last = max(number for number, text in enumerate(lines, 1) if '"statement_started"' in text)
    _, environment = workshop18.project()
    told = []
    for kept in (last, last + 1):  # cut off while it was tried again, and after
        path.write_text("".join(lines[:kept]))
        with reconcile.asked(environment.target) as (connection, _):
            (verdict,) = reconcile.examine(connection, done.plan).verdicts
        told.append((verdict.outcome, len(verdict.stays)))
    assert told == [("unknown", 1), ("unrecorded", 2)]


def test_a_block_whose_rows_have_changed_meanwhile_is_given_up(workshop18: Workshop) -> None:
    workshop18.query(TABLE + "; CREATE TABLE public.n (id int); INSERT INTO public.n VALUES (1)")
    script = """SELECT 1;
BEGIN;
UPDATE public.n SET id = 2 WHERE id = 1;
ALTER TABLE public.t ADD COLUMN c int;
COMMIT;
"""
    workshop18.toml = TOML
    workshop18.change("one", script)
    with workshop18.connect() as other:
        other.execute("BEGIN; LOCK TABLE public.t IN ACCESS SHARE MODE")

        def change(handle: client.RunHandle, event: Entry) -> None:
            if event.name == "statement_retried":
                other.execute("UPDATE public.n SET id = 5")
                other.commit()
                handle.send("retry")

        done = workshop18.finish(workshop18.plan(), change)
    assert done.status == 1
    (failed,) = done.named("step_failed")
    assert "answered 1 rows at first and 0 when it was tried again" in failed["message"]
    assert workshop18.query("SELECT id FROM public.n") == [(5,)]


def test_a_procedure_that_may_have_committed_is_not_called_again(workshop18: Workshop) -> None:
    workshop18.query(TABLE)
    body = "BEGIN INSERT INTO public.t VALUES (1); COMMIT; ALTER TABLE public.t ADD COLUMN c int; END"
    workshop18.query(f"CREATE PROCEDURE public.p() LANGUAGE plpgsql AS $$ {body} $$")
    workshop18.change("one", "SELECT 1;\nCALL public.p();\n")
    done = _blocked(workshop18, "LOCK TABLE public.t IN ROW EXCLUSIVE MODE")
    assert done.status == 1
    assert done.named("statement_retried") == []
    assert workshop18.query("SELECT id FROM public.t") == [(1,)]


def test_what_a_committed_block_did_is_named_when_a_later_statement_fails(workshop18: Workshop) -> None:
    workshop18.change("one", "BEGIN;\nCREATE TABLE public.a ();\nCOMMIT;\nSELECT 1/0;\n")
    done = workshop18.run()
    (failed,) = done.named("step_failed")
    assert failed["what_stays"] == ["line 2: CREATE TABLE public.a ()"]


# -- without limits ------------------------------------------------------------------------------------------------


def test_an_index_build_waits_as_long_as_it_has_to(workshop: Workshop) -> None:
    """Longer than the lock timeout (50 ms), and than the statement timeout that the script has set."""
    workshop.query(TABLE)
    script = "SET statement_timeout = '60ms';\nCREATE INDEX CONCURRENTLY i ON public.t (id);\nSHOW statement_timeout;\n"
    workshop.change("one", script + "SHOW lock_timeout;\n")
    workshop.toml = TOML
    with workshop.connect() as other:
        other.execute("BEGIN; INSERT INTO public.t VALUES (1)")

        def let_go(handle: client.RunHandle, event: Entry) -> None:
            if event.name == "activity" and event.data["waiting"]:
                other.rollback()

        done = workshop.finish(workshop.plan(), let_go)
    assert done.status == 0, done.named("step_failed")
    assert workshop.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.i'::regclass") == [(True,)]
    assert [output["text"] for output in done.named("output")] == ["60ms", "50ms"], "both are as the script left them"


@pytest.mark.parametrize(
    ("statement", "index", "repairs"),
    [
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON public.t (id);\n", "public.i", 2),
        ("CREATE UNIQUE INDEX CONCURRENTLY ON public.t (id);\n", "public.t_id_idx", 2),
    ],
)
def test_an_invalid_index_is_found_and_its_repair_offered(
    workshop: Workshop, statement: str, index: str, repairs: int
) -> None:
    workshop.query("CREATE TABLE public.t (id int); INSERT INTO public.t VALUES (1), (1)")
    workshop.query("CREATE TABLE public.other (id int); INSERT INTO public.other VALUES (1), (1)")
    with workshop.connect() as other, pytest.raises(Exception, match="could not create unique index"):
        other.execute("CREATE UNIQUE INDEX CONCURRENTLY older ON public.other (id)")
    workshop.change("one", statement)
    done = workshop.run()
    assert done.status == 1
    (invalid,) = done.named("index_invalid")
    assert invalid["index"] == index, "not the one that was there before"
    assert len(invalid["repair"]) == repairs
    (failed,) = done.named("step_failed")
    assert failed["what_stays"] == [f"INVALID index {index}"]
    assert failed["committed"] is True
    assert failed["repair"] == invalid["repair"]
    assert "DROP INDEX CONCURRENTLY" in failed["do"]
    workshop.query(invalid["repair"][0])
    assert not workshop.relation(index), "the repair is what PostgreSQL takes"


def test_a_cancelled_reindex_leaves_a_copy_that_can_only_go(workshop18: Workshop) -> None:
    workshop18.query(TABLE + "; CREATE INDEX i ON public.t (id)")
    workshop18.change("one", "REINDEX INDEX CONCURRENTLY public.i;\n")
    with workshop18.connect() as other:
        other.execute("BEGIN; INSERT INTO public.t VALUES (1)")

        def cancel(handle: client.RunHandle, event: Entry) -> None:
            if event.name == "activity" and event.data["waiting"]:
                handle.send("cancel")

        done = workshop18.finish(workshop18.plan(), cancel)
    assert done.status == 1
    (invalid,) = done.named("index_invalid")
    assert invalid["repair"] == ['DROP INDEX CONCURRENTLY "public"."i_ccnew"']


def test_a_pending_detach_is_named_with_what_finishes_it(workshop18: Workshop) -> None:
    workshop18.query("CREATE TABLE public.p (id int) PARTITION BY LIST (id)")
    workshop18.query("CREATE TABLE public.c PARTITION OF public.p FOR VALUES IN (1)")
    workshop18.change("one", "ALTER TABLE public.p DETACH PARTITION public.c CONCURRENTLY;\n")
    with workshop18.connect() as other:
        other.execute("BEGIN; SELECT * FROM public.p")

        def cancel(handle: client.RunHandle, event: Entry) -> None:
            if event.name == "activity" and event.data["waiting"]:
                handle.send("cancel")

        done = workshop18.finish(workshop18.plan(), cancel)
    (failed,) = done.named("step_failed")
    if workshop18.server.version_num < 140000:  # which knows no such statement
        assert (failed["sqlstate"], "repair" in failed) == ("42601", False)
        return
    assert failed["repair"] == ['ALTER TABLE "public"."p" DETACH PARTITION "public"."c" FINALIZE']
    workshop18.query(failed["repair"][0])
