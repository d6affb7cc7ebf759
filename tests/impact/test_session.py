"""The settings of a script's session: how they are written, set, taken back, and what they mean."""

from __future__ import annotations

import pytest

from pgmig_tui.impact.facts import DatabaseFacts, Name, Relation, Scope
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.session import SessionSettings, is_utc, path_text, schemas_of
from pgmig_tui.impact.wanted import Names
from tests.impact.statements import One, script


@pytest.mark.parametrize(
    ("text", "schemas"),
    [
        ('"$user", public', ("$user", "public")),
        ("App, public", ("app", "public")),
        ('"App" , "a, b","c""d"', ("App", "a, b", 'c"d')),
        ('""', ()),
        ("", ()),
    ],
)
def test_a_search_path_is_read_as_the_server_shows_it(text: str, schemas: tuple[str, ...]) -> None:
    assert schemas_of(text) == schemas
    assert schemas_of(path_text(schemas)) == schemas


@pytest.mark.parametrize("zone", ["UTC", "utc", "Etc/GMT", "GMT0", "0", "+00:00", "<+00>-00", "Zulu", "foo0"])
def test_zones_that_never_had_an_offset(zone: str) -> None:
    assert is_utc(zone)


@pytest.mark.parametrize("zone", ["Europe/London", "1", "+01:00", "Etc/GMT+1", "WET", "Atlantic/Reykjavik", "10"])
def test_zones_that_have_or_had_one(zone: str) -> None:
    assert not is_utc(zone)


def test_local_settings_end_with_the_transaction_and_reset_goes_back_to_the_base() -> None:
    begun = SessionSettings.begun({"search_path": "base"})
    both = begun.changed("search_path", "s").changed("search_path", "l", local=True)
    assert both.path == ("l",)
    assert both.ended().path == ("s",)
    assert both.reset("search_path").path == ("base",)
    assert both.reset_all().ended().path == ("base",)
    assert begun.changed("search_path", None).lost
    assert begun.changed("work_mem", "1GB") is begun


def _facts(*schemas: str, shut: str = "") -> DatabaseFacts:
    tables = [Relation(Name(schema, "t"), "r") for schema in schemas]
    asked = Names(all={Name("", "t")}, paths=set(schemas))
    scope = Scope(asked, frozenset({*schemas, "gone"}), frozenset(schemas), frozenset({shut} - {""}))
    return DatabaseFacts({table.name: table for table in tables}, settings={"search_path": "a, b"}, scope=scope)


def _locked(facts: DatabaseFacts, *texts: str) -> list[str]:
    return [str(lock.name) for lock in predict_script(script(*texts), facts).statements[-1].locks]


def test_a_name_means_the_first_table_on_the_path_that_may_be_used() -> None:
    assert _locked(_facts("a", "b"), "DROP TABLE t") == ["a.t"]
    assert _locked(_facts("b"), "DROP TABLE t") == ["b.t"]
    assert _locked(_facts("a", "b", shut="a"), "DROP TABLE t") == ["b.t"]
    assert _locked(_facts("a", "b", shut="a"), "SET ROLE other", "DROP TABLE t") == ["a.t"]


def test_a_path_that_nobody_can_tell_is_said_and_never_taken_for_none() -> None:
    impact = predict_script(
        script("SELECT set_config('search_path', current_user, false)", "DROP TABLE t"), _facts("b")
    )
    dropped = impact.statements[-1]
    assert [str(lock.name) for lock in dropped.locks] == ["b.t"]
    assert dropped.hidden == ("which schema t is in: the search_path isn't known before the script runs",)
    assert dropped.problem is None


def test_what_nobody_asked_the_server_for_is_unknown_and_not_missing() -> None:
    (impact,) = predict_script([One("DROP TABLE elsewhere.x")], _facts("a")).statements
    assert impact.problem is None
    assert impact.hidden == ("what elsewhere.x is: nobody has asked the server for it",)
    assert [lock.relation for lock in impact.locks] == ["x"]
