"""A script that grows without bound, or is nested without end, is refused in a moment and in little memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Mapping
from typing import TypeVar

import pytest

from pgmig_tui.script import psql
from pgmig_tui.script.actions import ServerFacts
from pgmig_tui.script.files import Allow
from pgmig_tui.script.preview import Preview, preview
from pgmig_tui.script.problems import ScriptError
from pgmig_tui.script.reader import PsqlReader
from pgmig_tui.script.shape import shape
from tests.memory_files import MemoryFiles

T = TypeVar("T")
TWICE = "\\i next.sql\n\\i next.sql\n"
BOMBS = {
    "a value that doubles": ("\\set a 0123456789\n" + "\\set a :a:a\n" * 60 + "SELECT 1;\n", {}, "4 MB"),
    "a quoted value that doubles": ("\\set a 0123456789\n" + "\\set a :'a':\"a\"\n" * 60 + "SELECT 1;\n", {}, "4 MB"),
    "a large value often": ("\\set a " + "x" * 1_000_000 + "\n" + "SELECT :'a';\n" * 500, {}, "4 MB"),
    "a large value in one statement": (
        "\\set a " + "x" * 1_000_000 + "\nSELECT " + ":'a'," * 500 + "1;\n",
        {},
        "4 MB",
    ),
    "a value that is read as SQL": ("\\set a " + "x," * 500_000 + "\nSELECT " + ":a " * 500 + "1;\n", {}, "4 MB"),
    "an \\echo": ("\\set a " + "x" * 1_000_000 + "\n\\echo " + ":a " * 500 + "\n", {}, "4 MB"),
    "three thousand \\ifs": (
        "\\if true\n" * 3000 + "SELECT 1;\n" + "\\endif\n" * 3000,
        {},
        "nested more than 100 deep",
    ),
    "many \\ifs that are false": ("\\if false\n" * 10_000, {}, "nested more than 100 deep"),
    "files that include themselves": (TWICE, {"next.sql": TWICE}, "included more than 100 files deep"),
    "files that include others twice": (
        "\\i 0.sql\n",
        {f"{n}.sql": f"\\i {n + 1}.sql\n" * 2 for n in range(60)} | {"60.sql": "SELECT 1;\n"},
        "more than 10000 files are included",
    ),
}


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sixteenth of the real one, which takes a sixteenth of the time to reach."""
    monkeypatch.setattr(psql, "_EXPANDED_BYTES", 4 << 20)


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize("name", BOMBS)
def test_a_preview_ends_with_the_reason(name: str) -> None:
    text, files, why = BOMBS[name]
    view = _bounded(lambda: _preview(text, files))
    told = [one for one in view.findings if why in one.message]
    assert len(told) == 1, "said once"
    assert told[0].refuses
    assert len(view.findings) < 5
    assert shape(view).mode == "refused"


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize("name", BOMBS)
def test_a_run_ends_with_the_reason(name: str) -> None:
    text, files, why = BOMBS[name]
    sources = MemoryFiles({key: value.encode() for key, value in files.items()})

    def read_all() -> None:
        read = PsqlReader("a.sql", text.encode(), sources, {}, Allow(), server=ServerFacts())
        while read.next() is not None:
            pass

    with pytest.raises(ScriptError, match=why):
        _bounded(read_all)


def test_what_is_usual_is_far_from_the_bounds() -> None:
    deep = "\\if true\n" * 50 + "SELECT :x;\n" + "\\endif\n" * 50
    view = _preview(deep + "SELECT :'x';\n" * 20_000, {}, {"x": "a" * 100})
    assert view.findings == ()


def _preview(text: str, files: Mapping[str, str], variables: Mapping[str, str] | None = None) -> Preview:
    sources = MemoryFiles({key: value.encode() for key, value in files.items()})
    return preview("a.sql", text.encode(), sources, variables or {}, Allow(), ServerFacts())


def _bounded(do: Callable[[], T]) -> T:
    began = time.process_time()
    tracemalloc.start()
    try:
        return do()
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 256 << 20
        assert time.process_time() - began < 30
