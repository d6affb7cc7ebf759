"""Events as they stand in a journal: those of earlier versions are read, and each field is told to who reads them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pgmig_tui.review import foreign
from pgmig_tui.run.journal.entry import EVENTS, Entry, event_of, fields_told
from pgmig_tui.run.journal.events import HostSlept, RunFinished, StepFailed, UnknownEvent
from tests.run.journal import page

WRITTEN_BEFORE = Path(__file__).with_name("events.jsonl").read_text(encoding="utf-8").splitlines()
"""Lines of every kind of event, as the version before typed events wrote them."""
PAGE = Path(__file__).parents[3] / "docs" / "events.md"
ALL = [*EVENTS.values(), *foreign.NAMES]


def without_nulls(value: Any) -> Any:
    """A field that is null says as much as one that isn't there."""
    if isinstance(value, Mapping):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def test_there_is_a_line_of_each_event() -> None:
    assert {json.loads(line)["event"] for line in WRITTEN_BEFORE} == set(EVENTS)


@pytest.mark.parametrize("line", WRITTEN_BEFORE, ids=lambda line: str(json.loads(line)["event"]))
def test_what_was_written_before_is_read_whole(line: str) -> None:
    entry = Entry.from_line(line)
    assert not entry.more
    assert not isinstance(entry.event, UnknownEvent)
    assert without_nulls(json.loads(entry.to_line())) == without_nulls(json.loads(line))


def test_an_event_of_a_later_version_goes_through_as_it_is() -> None:
    line = '{"at": "2030-01-01T00:00:00.000Z", "run": "r", "seq": 7, "event": "moon_landed", "rocks": [1, {"a": null}]}'
    entry = Entry.from_line(line)
    assert (entry.name, entry.to_line()) == ("moon_landed", line)


def test_a_field_of_a_later_version_goes_through_as_it_is() -> None:
    line = '{"at": "2030-01-01T00:00:00.000Z", "run": "r", "seq": 7, "event": "host_slept", "seconds": 3, "why": "lid"}'
    assert Entry.from_line(line).to_line() == line


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_a_field_of_another_type_reads_as_one_of_its_own(name: str) -> None:
    values: list[object] = [None, 1, 1.5, "x", True, [], ["x"], [[]], {}, {"a": 1}, [{"a": 1}]]
    for value in values:
        event = event_of(name, dict.fromkeys(fields_told(EVENTS[name]), value))
        again = Entry.from_line(Entry(1, "", "r", event).to_line()).event
        assert again == event, f"{value!r}: what was read is of the right types, for it is read as it was written"


def test_an_end_that_says_nothing_of_its_status_is_no_success() -> None:
    end = event_of("run_finished", {})
    assert isinstance(end, RunFinished)
    assert end.exit_status != 0


@pytest.mark.parametrize("line", ["", "7", "[]", "{}", '{"seq": "x", "at": "", "run": "", "event": "output"}', "{"])
def test_what_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"line|JSON|Expecting|literal|JSON"):
        Entry.from_line(line)


def test_a_name_that_python_keeps_for_itself_is_written_as_it_always_was() -> None:
    assert "try" in fields_told(EVENTS["statement_retried"])
    assert "number" not in fields_told(EVENTS["statement_retried"])


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: str(kind.__name__))
def test_each_field_of_an_event_is_told(kind: type) -> None:
    kinds = [kind]
    for one in kinds:
        assert set(page.meanings(one)) == set(fields_told(one)), one.__name__
        parts = (part for field in fields_told(one).values() for part in page._parts(field.type))
        kinds += [part for part in parts if is_dataclass(part) and part not in kinds]


def test_the_page_of_events_says_what_the_classes_say() -> None:
    if os.environ.get("PGMIG_UPDATE_SNAPSHOTS"):
        PAGE.write_text(page.page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page.page()


def test_a_failure_tells_what_stays_even_where_nothing_does() -> None:
    assert Entry(1, "", "r", StepFailed(step=1, message="no")).data["what_stays"] == []


def test_an_event_is_a_value_that_nobody_changes() -> None:
    one = HostSlept(seconds=3)
    assert one == HostSlept(seconds=3)
    assert {one} == {HostSlept(seconds=3)}
    assert one != replace(one, seconds=4)
    assert "seconds=3" in repr(one)
    with pytest.raises(FrozenInstanceError):
        one.seconds = 7  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del one.seconds
    with pytest.raises(TypeError, match="needs seconds"):
        HostSlept()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="has no minutes"):
        HostSlept(seconds=3, minutes=2)  # type: ignore[call-arg]
