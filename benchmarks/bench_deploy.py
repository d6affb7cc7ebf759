"""Deploy and revert 1,000 trivial changes: ours against the real sqitch, without verification and with it.

Both use a server with fsync on, ours with its tracking tables on; sqitch runs the bare psql.
Goal: at least 10 times as fast.
"""

from __future__ import annotations

import statistics
from pathlib import Path

from common import OURS, Bench, bench, need_sqitch, psql, verdict, write_project

GOAL = 10


def main() -> None:
    need_sqitch()
    sqitch = (
        ["sqitch", "deploy", "--client", psql(), "--mode", "change"],
        ["sqitch", "revert", "--client", psql(), "-y"],
    )
    ours = ([*OURS, "deploy", "--yes"], [*OURS, "revert", "--yes", "--all", "--accept-data-loss"])
    with bench(__doc__) as b:
        changes = 100 if b.quick else 1000
        project = write_project(b.folder / "thousand", changes)
        print(f"{changes} changes, {b.rounds} round(s), median wall seconds; psql is {psql()}")
        for verify in ("--no-verify", "--verify"):
            theirs_took, ours_took = [], []
            for _ in range(b.rounds):
                theirs_took.append(there_and_back(b, project, *sqitch, verify, changes))
                ours_took.append(there_and_back(b, project, *ours, verify, changes))
            for number, what in enumerate(("deploy", "revert")):
                theirs, mine = (statistics.median(took[number] for took in all_) for all_ in (theirs_took, ours_took))
                verdict(f"{what} ({verify})", mine, theirs, "sqitch", at_least=GOAL)


def there_and_back(
    b: Bench, project: Path, deploy: list[str], revert: list[str], verify: str, changes: int
) -> tuple[float, float]:
    """Seconds of a deploy of everything into an empty database, and of the revert of everything."""
    uri = b.server.fresh("bench_deploy")
    deployed = b.run([*deploy, verify, "--target", uri], project).seconds
    expect(b, changes)
    reverted = b.run([*revert, "--target", uri], project).seconds
    expect(b, 0)
    b.server.drop("bench_deploy")
    return deployed, reverted


def expect(b: Bench, changes: int) -> None:
    """Whoever did nothing was not fast."""
    count = "SELECT count(*) FROM sqitch.changes UNION ALL SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    found = b.server.execute(count, "bench_deploy")
    if found != [(changes,), (changes,)]:
        raise SystemExit(f"expected {changes} changes and tables, found {found}")


if __name__ == "__main__":
    main()
