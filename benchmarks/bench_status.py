"""Status of three environments with a plan of 10,000 changes: one `status --json` against three of the real sqitch.

Goal: at least 20 times as fast, in less than 150 MB.
"""

from __future__ import annotations

import json

from common import OURS, bench, in_turns, need_sqitch, psql, verdict, write_project

GOAL = 20
MEMORY_MB = 150
NAMES = ("dev", "staging", "live")


def main() -> None:
    need_sqitch()
    with bench(__doc__) as b:
        changes = 500 if b.quick else 10_000
        conf = "".join(f'[target "{name}"]\n\turi = {b.server.uri(f"bench_{name}")}\n' for name in NAMES)
        project = write_project(b.folder / "large", changes, conf)
        behind = changes // 1000 + 3
        b.server.fresh("bench_dev")
        last = f"c{changes - behind - 1:05}"
        deploy = [*OURS, "deploy", "--yes", "--log-only", "--no-verify", "--target", "dev", "--to", last]
        print(f"preparing {changes} changes: {b.run(deploy, project).seconds:.1f} s")
        for name in NAMES[1:]:
            b.server.fresh(f"bench_{name}", template="bench_dev")
        peak = 0.0

        def ours() -> float:
            nonlocal peak
            took = b.run([*OURS, "status", "--json"], project)
            told = json.loads(took.output)
            assert [len(row["pending"]) for row in told["environments"]] == [behind] * 3, "every environment is behind"
            peak = max(peak, took.megabytes)
            return took.seconds

        def sqitch() -> float:
            commands = [["sqitch", "status", "--client", psql(), "--target", name] for name in NAMES]
            return sum(b.run(command, project).seconds for command in commands)

        theirs, mine = in_turns(b.rounds, sqitch, ours)
        verdict(f"status of {len(NAMES)} environments", mine, theirs, "sqitch", at_least=GOAL)
        print(
            f"peak memory of ours {peak:.0f} MB   goal: below {MEMORY_MB}: {'met' if peak < MEMORY_MB else 'NOT MET'}"
        )
        for name in NAMES:
            b.server.drop(f"bench_{name}")


if __name__ == "__main__":
    main()
