"""Who is in the way right now, in words, from real servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from pgmig_tui.database.connect import Connection, connect
from pgmig_tui.display.cells import text_of
from pgmig_tui.display.safe import safe
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import AE, SUE, S
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.review.now import RightNow, SessionAhead, WantedLock, compose, read, read_twice, wanted_by
from tests.database.places import Databases, place, role, session, until
from tests.impact.statements import script
from tests.servers import Server

T = Name("public", "t")


@contextmanager
def opened(server: Server, database: str, name: str) -> Iterator[Connection]:
    with connect(place(server, database), application_name=name, script=True) as connection:
        yield connection


def asked(server: Server, database: str, wanted: Sequence[WantedLock], **more: str) -> RightNow:
    with session(server, database, **more) as looker:
        return compose("staging", wanted, read(looker, wanted))


def words(found: RightNow) -> list[str]:
    return [text_of(line).strip() for line in found.lines()]


def test_an_open_transaction_is_named_with_what_it_is_at(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    pg.execute("CREATE TABLE t (id int)", name)
    with opened(pg, name, "reporting") as reader:
        reader.execute("BEGIN; SELECT 'hunter2' AS password FROM t")
        found = asked(pg, name, [WantedLock(T, AE)])
        (one,) = found.ahead
        sentence = one.sentence
        assert sentence.startswith(f"would queue behind pid {reader.pid} (reporting), idle in transaction for ")
        assert words(found)[0] == f"x ACCESS EXCLUSIVE on public.t {sentence}"
        assert "SELECT '***' AS password FROM t" not in words(found)[0]
        told = found.to_json()
        assert told["relations"][0]["behind"][0]["state"] == "idle in transaction"
        assert told["relations"][0]["behind"][0]["sentence"] == sentence
        assert told["transactions"][0]["pid"] == reader.pid
        assert told["hidden_sessions"] == 0
        # A reader doesn't stand in the way of what lets reads go on.
        found = asked(pg, name, [WantedLock(T, S)])
        assert found.ahead == ()
        assert words(found)[0] == "+ nobody stands in the way of these locks"


def test_a_session_that_is_in_the_way_of_several_locks_is_named_once(pg18: Server, database_on: Databases) -> None:
    name = database_on(pg18)
    pg18.execute("CREATE TABLE t (id int PRIMARY KEY)", name)
    with opened(pg18, name, "reporting") as reader:
        reader.execute("BEGIN; SELECT * FROM t")
        found = asked(pg18, name, [WantedLock(T, AE), WantedLock(Name("public", "t_pkey"), AE, None, True)])
        assert len(found.ahead) == 2
        told = [text for text in words(found) if "reporting" in text]
        assert len(told) == 1
        assert told[0].startswith("x ACCESS EXCLUSIVE on public.t and 1 other would queue behind pid ")
        assert [len(one["behind"]) for one in found.to_json()["relations"]] == [1, 1]


def test_a_concurrent_form_waits_and_keeps_nobody_out(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    pg.execute("CREATE TABLE t (id int)", name)
    wanted = wanted_by([predict_script(script("CREATE INDEX CONCURRENTLY i ON public.t (id)"))])
    assert wanted == (WantedLock(T, SUE, S),)
    assert wanted_by([predict_script(script("CREATE INDEX i ON public.t (id)"))]) == (WantedLock(T, S),)
    with opened(pg, name, "writer") as writer, opened(pg, name, "reader") as reader:
        reader.execute("BEGIN; SELECT * FROM t")
        writer.execute("BEGIN; INSERT INTO t VALUES (1)")
        (one,) = asked(pg, name, wanted).ahead
        assert one.sentence.startswith(f"would wait, keeping nobody out, for pid {writer.pid} (writer), idle in tr")
        both = asked(pg, name, [WantedLock(T, SUE, AE)]).ahead
        assert {ahead.lock.session.pid for ahead in both} == {writer.pid, reader.pid}


def test_one_who_waits_stands_before_us_too(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    pg.execute("CREATE TABLE t (id int)", name)
    with opened(pg, name, "reader") as reader, opened(pg, name, "other") as other, opened(pg, name, "look") as look:
        reader.execute("BEGIN; SELECT * FROM t")
        other.raw.send_query(b"TRUNCATE t")
        until(lambda: look.one(f"SELECT 1 FROM pg_locks WHERE NOT granted AND pid = {other.pid}") is not None)
        (one,) = asked(pg, name, [WantedLock(T, S)]).ahead
        since = " for " if pg.version_num >= 140000 else ""  # 13 does not tell since when
        waiting = f"would queue behind pid {other.pid} (other), waiting for ACCESS EXCLUSIVE{since}"
        assert one.sentence.startswith(waiting)


def test_what_this_role_can_not_see_is_unknown_and_not_nothing(pg: Server, database_on: Databases) -> None:
    name = database_on(pg)
    pg.execute("CREATE TABLE t (id int)", name)
    with role(pg) as plain, opened(pg, name, "reporting") as reader:
        reader.execute("BEGIN; SELECT * FROM t")
        found = asked(pg, name, [WantedLock(T, AE)], **plain)
        (one,) = found.ahead
        unknown = "holding ACCESS SHARE; what it does is unknown to this role"
        assert one.sentence == f"would queue behind pid {reader.pid} (reporting), {unknown}"
        assert any(told.startswith("? unknown: the transactions of") for told in words(found))
        told = found.to_json()["relations"][0]["behind"][0]
        assert (told["state"], told["query"], told["transaction_s"]) == (None, None, None)


def test_a_vacuum_says_whether_it_gives_way(pg: Server, database_on: Databases) -> None:
    """What pg_stat_activity shows of an autovacuum, put in the place of a real lock's holder."""
    name = database_on(pg)
    pg.execute("CREATE TABLE t (id int)", name)
    with opened(pg, name, "x") as holder:
        holder.execute("BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
        (real,) = asked(pg, name, [WantedLock(T, AE)]).ahead
    worker = replace(real.lock.session, backend_type="autovacuum worker", application="", user=None)
    for wraparound, said in ((True, "gives way to nobody"), (False, "gives way after deadlock_timeout")):
        one = SessionAhead(real.wanted, replace(real.lock, session=worker, wraparound=wraparound))
        assert one.sentence.startswith(f"would queue behind pid {worker.pid} (autovacuum), ")
        assert said in one.sentence
        assert one.stubborn is wraparound
    hidden = replace(worker, backend_type=None, query="<insufficient privilege>")
    assert (
        "may be a vacuum that gives way to nobody"
        in SessionAhead(real.wanted, replace(real.lock, session=hidden)).sentence
    )


def test_two_readings_show_a_busy_table(pg18: Server, database_on: Databases) -> None:
    name = database_on(pg18)
    pg18.execute("CREATE TABLE t (id int)", name)
    wanted = [WantedLock(T, AE)]
    with session(pg18, name) as looker:
        before = read(looker, wanted)
        pg18.execute("INSERT INTO t SELECT generate_series(1, 5000)", name)
        until(lambda: read(looker, wanted).traffic[0].rows_written == 5000)
        until(lambda: read(looker, wanted).traffic[0].at > before.traffic[0].at + 1)
        found = compose("staging", wanted, read(looker, wanted), before)
    ((relation, rate),) = found.rates
    assert relation == T
    assert rate.busy
    assert rate.rows_written > 100
    assert "BUSY" in words(found)[-1]
    assert found.to_json()["relations"][0]["busy"] is True


def test_a_quiet_table_and_one_that_is_not_there(pg18: Server, database_on: Databases) -> None:
    name = database_on(pg18)
    pg18.execute("CREATE TABLE t (id int)", name)
    with session(pg18, name) as looker:
        found = read_twice(looker, "staging", [WantedLock(T, AE), WantedLock(Name("public", "gone"), AE)])
    assert [relation for relation, _ in found.rates] == [T]
    assert "public.t: never analysed, rows and size unknown, 0 scans/s" in words(found)[-1]
    assert found.to_json()["relations"][1]["rows"] is None


def test_hostile_names_do_not_steer_the_terminal(pg18: Server, database_on: Databases) -> None:
    name = database_on(pg18)
    pg18.execute("CREATE TABLE t (id int)", name)
    with connect(place(pg18, name), application_name="[red]x", script=True) as holder:
        holder.execute('BEGIN; SELECT 1 AS "\x1b[31m" FROM t')
        found = asked(pg18, name, [WantedLock(T, AE)])
    for told in words(found):
        assert told == safe(told)
