"""The part of a fed session that is about environments: how they are, what was done to them, and how two differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pgmig_tui.gates.evidence import ItemEvidence
from pgmig_tui.ui.backend.actions import Settled
from pgmig_tui.ui.backend.environment_facts import HealthFacts

if TYPE_CHECKING:
    from pgmig_tui.display.cells import Line, Span
    from pgmig_tui.errors import PgmigError
    from pgmig_tui.review.deployed_compared import Compared
    from pgmig_tui.review.history import Deed, History
    from pgmig_tui.review.settling import Doubt, SettlingDecision
    from pgmig_tui.review.undoing import KeptRun
    from pgmig_tui.ui.backend.protocol import RunFacts


def item(name: str, state: str, saw: str = "") -> ItemEvidence:
    rows = ({"pid": 7, "query": "SELECT 1 -- [/]"},) if state == "FAIL" else ()
    return ItemEvidence(f"check:{name}", "pre", f"Item {name}", state, saw, seen=state, saw=saw, rows=rows)


ITEMS = (
    item("wraparound", "PASS"),
    item("blockers", "FAIL", "pid 7 has held public.orders for 22 s [/]"),
    item("slots", "UNKNOWN", "this role may not see it"),
    ItemEvidence("pre:notify", "pre", "Somebody was told", "UNKNOWN", "", missing="a person's word: who?"),
)


def healthy() -> HealthFacts:
    from pgmig_tui.review.numbers import Number

    numbers = (
        Number("size", "12 GB"),
        Number("connections", "14 of 100, 9 of them to this database"),
        Number("longest transaction", "none that this role may see; 3 sessions hidden", unknown=True),
        Number("waiting for locks", "nobody"),
    )
    return HealthFacts(numbers, "", ITEMS)


def deed(number: int, outcome: str = "done") -> Deed:
    from pgmig_tui.review.history import Deed

    return Deed(
        f"2026-08-{number % 28 + 1:02d}T02:00:00.000000Z", "deploy", f"change_{number:04d}", f"{number:040x}", outcome,
        True, "Maria Berg <maria@example.org>", "registry and tracking", "20260820-031500-ab12", 1234.0,
        sqlstate="55P03" if outcome == "failed" else "", message="lock timeout [/]" if outcome == "failed" else "",
    )  # fmt: skip


def past() -> History:
    from pgmig_tui.review.history import History

    return History("production", "documents", (deed(1), deed(2, "failed")), ("x is deployed twice",))


def compared() -> Compared:
    from pgmig_tui.review.deployed_compared import Compared, Side, Unlike

    here, there = Side(4, "2026-08-01T02:00:00Z", "Maria", "aa" * 20, ("@v1",)), Side(5, "x", "Bo [/]", "bb" * 20, ())
    unlike = (
        Unlike("only here", "change_0001", f"{1:040x}", here, None),
        Unlike("script", "change_0002 [/]", f"{2:040x}", here, there),
        Unlike("order", "change_0003", f"{3:040x}", here, there),
        Unlike("tags", "change_0003", f"{3:040x}", here, there),
    )
    return Compared("production", "staging", unlike, 7)


class FakeEnvironments:
    """What is answered, where it isn't what it usually is, and in `asked_of` what was asked for."""

    def __init__(self) -> None:
        self.healthy: HealthFacts | None = None
        self.past: History | None = None
        self.compared: Compared | None = None
        self.elsewhere: tuple[RunFacts, ...] = ()
        self.kept_runs: tuple[KeptRun, ...] = ()
        self.doubts: list[tuple[Doubt, ...]] = []
        """What stays in doubt each time that something is settled."""
        self.decisions: list[SettlingDecision] = []
        self.undo_error: PgmigError | None = None
        self.acted: list[tuple[str, ...]] = []
        self.past_error: PgmigError | None = None
        self.asked_of: list[tuple[str, str]] = []

    def health(self, environment: str) -> HealthFacts:
        self.asked_of.append(("health", environment))
        return self.healthy or healthy()

    def history(self, environment: str) -> History:
        self.asked_of.append(("history", environment))
        if self.past_error is not None:
            raise self.past_error
        return self.past or past()

    def compare(self, here: str, there: str) -> Compared:
        self.asked_of.append((here, there))
        return self.compared or compared()

    def drift_between(self, here: str, there: str) -> tuple[Line, ...]:
        return ((("Drift of ", "strong"), (here, "plain")), ((f"    from {there} [/]", "plain"),))

    def runs_elsewhere(self) -> tuple[RunFacts, ...]:
        self.asked_of.append(("runs", "elsewhere"))
        return self.elsewhere

    def settle(
        self, environment: str, word: str, tell: Callable[[str], None], decision: SettlingDecision | None = None
    ) -> Settled:
        tell("asking the server")
        self.acted.append(("settle", environment, word))
        if decision is not None:
            self.decisions.append(decision)
        doubts = self.doubts.pop(0) if self.doubts else ()
        told: Span = ("IN DOUBT", "failed") if doubts else ("settled", "done")
        return Settled(((("deploy 20260820-031500-ab12  ", "strong"), told),), doubts)

    def kept(self, environment: str) -> tuple[KeptRun, ...]:
        return self.kept_runs

    def undo(
        self,
        environment: str,
        run: str,
        word: str,
        tell: Callable[[str], None],
        overwrite: Sequence[str] | None = None,
    ) -> tuple[Line, ...]:
        if self.undo_error is not None:
            raise self.undo_error
        self.acted.append(("undo", environment, run, word, *(overwrite or ())))
        return ((("+ ", "done"), ("public.orders: 2 rows are back [/]", "plain")),)

    def rehearse(self, environment: str, tell: Callable[[str], None]) -> tuple[Line, ...]:
        tell("copying the schema")
        self.acted.append(("rehearse", environment))
        return ((("rehearsed production", "strong"),),)

    def test(self, environment: str, tell: Callable[[str], None]) -> tuple[Line, ...]:
        tell("1 of 2 changes, now orders: step 5 of 8, revert")
        self.acted.append(("test", environment))
        return ((("tested 2 changes of shop", "strong"),),)
