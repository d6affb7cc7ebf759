"""What a deploy has done, made up."""

from __future__ import annotations

from pgmig_tui.display.cells import line
from pgmig_tui.project.ids import digest_of_all
from pgmig_tui.review.comparison import GroupFacts, Outcome, Slower, Verdict
from pgmig_tui.review.drift_kept import KeptDifference, KnownDrift
from pgmig_tui.review.maintain_facts import MaintainFinding, Maintenance, Section
from pgmig_tui.review.watch_picture import Point, WatchPicture
from pgmig_tui.review.watching import Deployed
from pgmig_tui.ui.backend.protocol import ApprovalsFacts, DecisionFacts, RoleFacts
from tests.ui.fakes import NOW, change_id

APPROVALS = ApprovalsFacts(
    "production",
    (
        RoleFacts("dba", "approved", "ana, 2026-08-20 03:00:00Z", ("ana",)),
        RoleFacts("lead", "missing", "nobody has approved it", ("bo", "maria"), ("SHA256:abc",)),
    ),
    (
        DecisionFacts(1, "approve", "dba", "ana", "2026-08-19 03:00:00Z", "2026-08-26 03:00:00Z", "Ana <a@x>", "ok",
                      void="the deploy script of x has changed since"),
        DecisionFacts(2, "approve", "dba", "ana", "2026-08-20 03:00:00Z", "2026-08-27 03:00:00Z", "Ana <a@x>", "[/]",
                      weak="its session's role is all that is known"),
    ),
    (("20240205_0001_document_size_bigint", "9f31c2a0d4e5"),),
    "maria", "", "77aa" * 16, "# Review of production: 1 change\n\n- packet",
)  # fmt: skip
SLOW = Slower("SELECT count(*) FROM app.open_orders WHERE customer = $1 -- [/]", 12.0, 96.0, 3100)
USUAL = Point(230.0, 0.001, 0.0, 1.2, None, 12.0, 3.1)


def seen(outcome: Outcome = "slower by this change", intervals: int = 40) -> WatchPicture:
    """40 intervals since a deploy, of which the later are slow."""
    slow = outcome == "slower by this change"
    points = tuple(
        Point(
            230.0 - number % 7, 0.001, float(number % 5 == 4), 1.0 + number % 3, None,
            96.0 if slow and number >= 10 else 12.0, None if number == 5 else 3.0 + number % 2,
        )
        for number in range(intervals)
    )  # fmt: skip
    treated = GroupFacts(7.31 if slow else 1.02, 60, intervals, 4205, 3, 0)
    control = GroupFacts(1.02, 60, intervals, 9000, 9, 0)
    reasons = (
        f"statements on what was changed take {treated.ratio}× the time of before, all others 1.02×",
        f"60 intervals before and {intervals} after, 4205 calls",
    )
    ended = NOW.timestamp() - 720
    return WatchPicture(
        NOW, Verdict(outcome, reasons, treated, control, (SLOW,) if slow else ()),
        Deployed("20260820-031500-ab12", (), ended - 60, ended, (("app", "orders"),)),
        (), 60, intervals, USUAL, points,
        log=(
            line(("! ", "waiting"), "the server's log since the deploy: 3 errors and 1 deadlock"),
            line(("  03:13:55 ERROR ", "failed"), "40P01 deadlock detected"),
        ),
    )  # fmt: skip


def drifted(deployed: int, *, differs: bool = True) -> KnownDrift:
    """What a look two hours ago has found while the first changes were deployed."""
    differences = (
        KeptDifference("column app.orders.note", "only in production", ""),
        KeptDifference("index app.orders_customer", "differs", "", ("- CREATE INDEX a", "+ CREATE INDEX b [/]")),
        KeptDifference("role dba", "only in production, accepted by Ana", "accepted by Ana"),
    )
    ids = digest_of_all(change_id(number) for number in range(deployed))
    return KnownDrift("2026-08-20T01:14:07Z", ids, 2 if differs else 0, 321, 812.0, differences if differs else ())


def maintained() -> Maintenance:
    """A section with something to do, one with nothing, one that is unknown."""
    findings = (
        MaintainFinding("invalid index", "app.i_ccnew", "left by a build [/]", sql=("DROP INDEX app.i_ccnew",),
                        lock="ACCESS EXCLUSIVE", new=True),
        MaintainFinding("keep table", "pgmig_keep.x", "expired", command="undo"),
    )  # fmt: skip
    sections = (
        Section("leftovers", "WARN", "2 leftovers", findings),
        Section("retention", "PASS", "nothing is older than it may be"),
        Section("access", "UNKNOWN", "the server was not asked"),
    )
    return Maintenance("production", "2026-08-20T03:14:07Z", sections)
