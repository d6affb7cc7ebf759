"""Long rows of alike statements travel many at once, and do what they do one by one."""

from __future__ import annotations

import pytest

from tests.run.conftest import Workshop

MANY = 3000
TABLE = "CREATE TABLE public.t (id int PRIMARY KEY, at timestamptz DEFAULT statement_timestamp(), word text);\n"


def script(rows: list[str], *, before: str = "", after: str = "") -> str:
    inserts = "".join(f"INSERT INTO public.t (id, word) VALUES ({row});\n" for row in rows)
    return f"BEGIN;\n{TABLE}{before}{inserts}{after}COMMIT;\n"


def test_all_are_carried_out_in_their_order_each_as_a_statement_of_its_own(workshop: Workshop) -> None:
    rows = [f"{n}, 'it''s {n}; ü'" for n in range(MANY)]
    workshop.change("one", script(rows, after="\\echo :ROW_COUNT row\nUPDATE public.t SET word = 'x' WHERE id < 7;\n"))
    done = workshop.run()
    assert done.status == 0, done.named("step_failed")
    assert workshop.query("SELECT count(*), sum(id), count(*) FILTER (WHERE word LIKE 'it''s %; ü') FROM public.t") == [
        (MANY, MANY * (MANY - 1) // 2, MANY - 7)
    ]
    moments = (
        "SELECT count(DISTINCT at) > 1000, bool_and(at <= next) "
        "FROM (SELECT at, lead(at) OVER (ORDER BY id) AS next FROM public.t WHERE id >= 7) AS each"
    )
    assert workshop.query(moments) == [(True, True)]
    assert [data["text"] for data in done.named("output")] == ["1 row"]
    counted = done.named("statements_finished")
    assert sum(data["count"] for data in counted) == MANY - 1  # the first one is told by itself
    assert (counted[0]["from_line"], counted[-1]["to_line"]) == (4, MANY + 2)


@pytest.mark.parametrize("bad", [40, 231, MANY - 1])
def test_the_one_that_fails_is_named_and_nothing_stays(workshop: Workshop, bad: int) -> None:
    rows = [f"{n},\n  'a'" for n in range(MANY)]
    rows[bad] = "7,\n  'again'"
    workshop.change("one", script(rows))
    done = workshop.run()
    (failed,) = done.named("step_failed")
    assert (done.status, failed["sqlstate"], failed["line"]) == (1, "23505", 3 + 2 * bad)
    assert not workshop.relation("public.t")
    assert workshop.deployed() == []


def test_what_a_trigger_says_of_each_is_heard(workshop: Workshop) -> None:
    before = (
        "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN\n"
        "IF NEW.id % 1000 = 999 THEN RAISE WARNING 'at %', NEW.id; END IF; RETURN NEW; END$$;\n"
        "CREATE TRIGGER f BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.f();\n"
    )
    workshop.change("one", script([f"{n}, 'a'" for n in range(MANY)], before=before))
    done = workshop.run()
    assert done.status == 0
    assert [data["message"] for data in done.named("notice_received")] == ["at 999", "at 1999", "at 2999"]


def test_rows_that_are_returned_are_shown_as_ever(workshop: Workshop) -> None:
    inserts = "".join(f"INSERT INTO public.t (id) VALUES ({n}) RETURNING id;\n" for n in range(1150))
    workshop.change("one", f"BEGIN;\n{TABLE}{inserts}COMMIT;\n")
    done = workshop.run()
    assert done.status == 0
    assert len(done.named("output")) == 1150


def test_a_script_that_goes_on_after_errors_has_each_answered_before_the_next(workshop: Workshop) -> None:
    rows = "".join(f"INSERT INTO public.t (id, word) VALUES ({n % 1100}, 'a');\n" for n in range(1150))
    workshop.change("one", "\\set ON_ERROR_STOP 0\n" + TABLE + rows, "", "")
    done = workshop.run()
    assert workshop.query("SELECT count(*) FROM public.t") == [(1100,)]
    assert len([data for data in done.named("output") if "duplicate key" in data["text"]]) == 50


def test_a_rewritten_insert_counts_as_it_does_alone(workshop: Workshop) -> None:
    before = (
        "CREATE TABLE public.copy (id int);\n"
        "CREATE RULE also AS ON INSERT TO public.t DO ALSO INSERT INTO public.copy VALUES (NEW.id);\n"
    )
    workshop.change("one", script([f"{n}, 'a'" for n in range(MANY)], before=before))
    done = workshop.run()
    assert done.status == 0, done.named("step_failed")
    assert workshop.query("SELECT count(*) FROM public.copy") == [(MANY,)]
    assert sum(data["rows"] for data in done.named("statements_finished")) == MANY - 1
