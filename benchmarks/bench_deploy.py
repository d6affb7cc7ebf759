"""Deploy and revert 1,000 trivial changes: ours against the real sqitch, without verification and with it.

Both use a server with fsync on, ours with its tracking tables on; sqitch runs the bare psql.
Goal: at least 10 times as fast. A second peer is dbmate, for the deploy without verification: it knows no verification,
reverts one migration a call, and records one row a migration. Its ratio is said, and is no goal.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from urllib.parse import quote

from common import OURS, Bench, bench, need_sqitch, psql, verdict, write_project
from peers import Peer, dbmate

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
        peer, migrations = dbmate(), write_migrations(project)
        print(peer)
        for verify in ("--no-verify", "--verify"):
            theirs_took, ours_took, peer_took = [], [], []
            for _ in range(b.rounds):
                if peer and verify == "--no-verify":
                    peer_took.append(by_dbmate(b, peer, migrations, changes))
                theirs_took.append(there_and_back(b, project, *sqitch, verify, changes))
                ours_took.append(there_and_back(b, project, *ours, verify, changes))
            for number, what in enumerate(("deploy", "revert")):
                theirs, mine = (statistics.median(took[number] for took in all_) for all_ in (theirs_took, ours_took))
                verdict(f"{what} ({verify})", mine, theirs, "sqitch", at_least=GOAL)
                if peer_took and what == "deploy":
                    took = statistics.median(peer_took)
                    print(f"{what} ({verify}), dbmate {took:.3f} s: ours took {mine / took:.2f} times as long")


def write_migrations(project: Path) -> Path:
    """The same statements as dbmate's files."""
    folder = project / "migrations"
    folder.mkdir()
    for number, deploy in enumerate(sorted((project / "deploy").glob("*.sql"))):
        up, down = (_inner(project / kind / deploy.name) for kind in ("deploy", "revert"))
        text = f"-- migrate:up\n{up}\n\n-- migrate:down\n{down}\n"
        (folder / f"{20240101000000 + number}_{deploy.stem}.sql").write_text(text)
    return folder


def _inner(script: Path) -> str:
    """What stands between BEGIN and COMMIT: dbmate has a transaction of its own."""
    return script.read_text().split("BEGIN;", 1)[1].rsplit("COMMIT;", 1)[0].strip()


def by_dbmate(b: Bench, peer: Peer, migrations: Path, changes: int) -> float:
    """Seconds of a deploy of everything into an empty database."""
    b.server.fresh("bench_deploy")
    at = b.server.parameters
    where = f"socket={quote(at['host'], safe='')}" if at["host"].startswith("/") else f"host={at['host']}"
    url = f"postgres://{quote(at['user'], safe='')}@:{at['port']}/bench_deploy?{where}&sslmode=disable"
    options = ["--url", url, "--migrations-dir", str(migrations), "--no-dump-schema"]
    took = b.run([*peer.command, *options, "migrate"], migrations).seconds
    found = b.server.execute("SELECT count(*) FROM schema_migrations", "bench_deploy")
    if found != [(changes,)]:
        raise SystemExit(f"expected {changes} migrations of dbmate, found {found}")
    b.server.drop("bench_deploy")
    return took


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
