"""How long `drift` takes on two databases of 2,000 tables: ours against `pg_dump --schema-only` of one and the other.

Goal: below 3 seconds, and at most 1.5 times the dumps, which are only written, not compared.
"""

from __future__ import annotations

from pathlib import Path

from common import OURS, Bench, bench, in_turns, verdict

from pgmig_tui.sandbox.server import choose_installation

TABLES = 2000
GOAL_S = 3.0
SCHEMA = """
DO $$BEGIN FOR n IN {first}..{last} LOOP
  EXECUTE format('CREATE TABLE t%s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,'
    ' at timestamptz DEFAULT now(), other bigint, CHECK (length(name) > 1))', n);
  EXECUTE format('CREATE INDEX ON t%s (name)', n);
  IF n > 1 THEN EXECUTE format('ALTER TABLE t%s ADD FOREIGN KEY (other) REFERENCES t%s', n, n - 1); END IF;
  IF n % 10 = 0 THEN EXECUTE format('CREATE VIEW v%s AS SELECT id, name FROM t%s WHERE at IS NOT NULL', n, n); END IF;
END LOOP; END$$
"""
AT_ONCE = 100
"""Tables in a transaction: their locks must fit into the server's memory."""


def main() -> None:
    with bench(__doc__) as b:
        tables = 100 if b.quick else TABLES
        project, names = _project(b, tables)
        dump = choose_installation().bin_dir / "pg_dump"
        dumps = [[dump, "--schema-only", "-f", b.folder / n, "-d", b.server.conninfo(n)] for n in names]
        ours, theirs = in_turns(
            b.rounds,
            lambda: b.run([*OURS, "drift", *names], project).seconds,
            lambda: sum(b.run(command, project).seconds for command in dumps),
        )
        print(f"two databases of {tables} tables, {b.rounds} round(s): {ours:.2f} s; goal: {GOAL_S} s")
        verdict("drift", ours, theirs, "two dumps", at_most=1.5)


def _project(b: Bench, tables: int) -> tuple[Path, tuple[str, str]]:
    names = ("drift_one", "drift_other")
    b.server.fresh(names[0])
    for first in range(1, tables + 1, AT_ONCE):
        b.server.execute(SCHEMA.format(first=first, last=first + AT_ONCE - 1), names[0])
    b.server.fresh(names[1], names[0])
    project = b.folder / "drift"
    project.mkdir()
    (project / "sqitch.plan").write_text("%syntax-version=1.0.0\n%project=drift\n")
    (project / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    tables_ = "".join(f'[[environment]]\nname = "{n}"\ntarget = "{b.server.uri(n)}"\n' for n in names)
    (project / "pgmig.toml").write_text(tables_)
    return project, names


if __name__ == "__main__":
    main()
