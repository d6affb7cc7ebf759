"""The chain of hashes: whatever is rewritten, taken out or cut off is found, and writers never fork it."""

from __future__ import annotations

import threading

import pytest

from pgmig_tui.database.chain import read_chain
from pgmig_tui.database.connect import Connection
from pgmig_tui.database.evidence import LARGEST, EvidenceRow, read_evidence, record_evidence
from pgmig_tui.database.tracking import (
    AuditRow,
    Migration,
    answered_sql,
    prepare_tracking,
    read_tracking,
    tracking_sql,
)
from tests.database.places import OPERATOR, Databases, session
from tests.servers import Server

AUDIT = [
    AuditRow("CREATE", "TABLE", "t", "d.sql:1", "CREATE TABLE t ()", "2026-01-02T03:04:05.678Z", None, 1.2345, "d", 1),
    AuditRow("INSERT", rows=3, objects=(("TABLE", "t", ""), ("COLUMN", "a", "t"))),
]


def step(number: int, outcome: str = "") -> Migration:
    return Migration(
        f"{number:040x}", f"c{number}", "deploy", "note", not outcome, 1.5, outcome, project="p", run_id="r"
    )


def filled(connection: Connection, steps: int = 4) -> None:
    prepare_tracking(connection, read_tracking(connection, "pgmig"))
    for number in range(steps):
        connection.execute(tracking_sql("pgmig", step(number), AUDIT, OPERATOR))
    assert record_evidence(connection, "pgmig", [EvidenceRow("r", "backup", "PASS", rows=[["a"], [1.5]])]) == ""
    connection.execute(tracking_sql("pgmig", step(steps), [], OPERATOR))


def found(connection: Connection) -> list[str]:
    chain = read_chain(connection, "pgmig")
    assert chain is not None
    return [f"{one.seq} {one.problem} {one.relation}" for one in chain.wrong] + (
        [] if chain.ends else ["ends elsewhere"]
    )


def test_whatever_is_done_to_it_is_found(pg: Server, database_on: Databases) -> None:
    cases = {
        "UPDATE pgmig.schema_migrations SET success = NOT success WHERE seq = 2": ["2 altered schema_migrations"],
        "UPDATE pgmig.schema_migrations SET installed_on = installed_on + interval '1 us' WHERE seq = 2": [
            "2 altered schema_migrations"
        ],
        "UPDATE pgmig.schema_migrations SET installed_on = 'infinity' WHERE seq = 2": ["2 altered schema_migrations"],
        "UPDATE pgmig.schema_audit SET sql_statement = 'x' WHERE migration_id = 3 AND position = 2": [
            "3 altered schema_migrations"
        ],
        "UPDATE pgmig.schema_audit SET ms = ms + 0.001 WHERE id = 1": ["1 altered schema_migrations"],
        "DELETE FROM pgmig.schema_audit WHERE id = 1": ["1 altered schema_migrations"],
        "INSERT INTO pgmig.schema_audit (migration_id, operation_type) VALUES (1, 'X')": [
            "1 altered schema_migrations"
        ],
        "UPDATE pgmig.evidence SET rows = '[]'": ["5 altered evidence"],
        "DELETE FROM pgmig.evidence": ["6 missing before schema_migrations"],
        "DELETE FROM pgmig.schema_migrations WHERE seq = 1": ["2 missing before schema_migrations"],
        "DELETE FROM pgmig.schema_migrations WHERE seq = 6": ["ends elsewhere"],
        "DELETE FROM pgmig.schema_migrations; DELETE FROM pgmig.evidence": ["ends elsewhere"],
        "UPDATE pgmig.tracking_head SET seq = 5, hash = (SELECT hash FROM pgmig.evidence)": [
            "6 behind the head schema_migrations",
            "ends elsewhere",
        ],
        "INSERT INTO pgmig.schema_migrations (version, success, execution_time, seq, prev_hash, hash)"
        " VALUES ('x', true, '1 s', 7, 'a', 'b')": ["7 altered schema_migrations", "ends elsewhere"],
        "INSERT INTO pgmig.schema_migrations (version, success, execution_time, operation, outcome, verified)"
        " VALUES ('x', true, '1 s', 'deploy', 'done', true)": ["0 outside schema_migrations"],
        "INSERT INTO pgmig.schema_audit (migration_id, operation_type) VALUES (99, 'X')": ["0 outside schema_audit"],
        "ALTER TABLE pgmig.schema_audit ALTER migration_id DROP NOT NULL;"
        " INSERT INTO pgmig.schema_audit (operation_type) VALUES ('X')": ["0 outside schema_audit"],
        "ALTER TABLE pgmig.evidence ALTER seq DROP NOT NULL; INSERT INTO pgmig.evidence"
        " (item, state, recorded_at, recorded_by, prev_hash, hash) VALUES ('x', 'PASS', now(), 'x', 'a', 'b')": [
            "0 outside evidence"
        ],
        "UPDATE pgmig.schema_migrations SET prev_hash = 'a', hash = encode(sha256('a'), 'hex') WHERE seq = 3": [
            "3 altered schema_migrations",
            "4 not the next schema_migrations",
        ],
        "SET LOCAL timezone = 'Asia/Tokyo'; SET LOCAL datestyle = 'German'; SET LOCAL intervalstyle = 'iso_8601';"
        " SET LOCAL extra_float_digits = -5; SET LOCAL bytea_output = 'escape'": [],
    }
    with session(pg, database_on(pg)) as connection:
        filled(connection)
        assert found(connection) == []
        for attack, wanted in cases.items():
            connection.execute(f"BEGIN; {attack}")
            assert found(connection) == wanted, attack
            connection.execute("ROLLBACK")
        connection.execute("DELETE FROM pgmig.tracking_head")
        assert read_chain(connection, "pgmig") is None


def test_four_writers_make_one_chain(pg18: Server, database_on: Databases) -> None:
    name = database_on(pg18)
    with session(pg18, name) as connection:
        prepare_tracking(connection, read_tracking(connection, "pgmig"))

        def write(start: int) -> None:
            with session(pg18, name) as mine:
                for number in range(start, start + 25):
                    mine.execute(f"BEGIN; {tracking_sql('pgmig', step(number), AUDIT, OPERATOR)}; COMMIT")

        threads = [threading.Thread(target=write, args=(100 * number,)) for number in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        chain = read_chain(connection, "pgmig")
        assert chain is not None
        assert (chain.whole, chain.links, chain.seq) == (True, 100, 100)


def test_a_step_is_closed_when_its_verification_answers_or_when_the_next_one_comes(
    pg: Server, database_on: Databases
) -> None:
    with session(pg, database_on(pg)) as connection:
        prepare_tracking(connection, read_tracking(connection, "pgmig"))
        waiting = step(1, "unverified")
        connection.execute(tracking_sql("pgmig", waiting, AUDIT, OPERATOR))
        chain = read_chain(connection, "pgmig")
        assert chain is not None
        assert (chain.pending, chain.links, chain.whole) == (1, 0, True)
        assert connection.execute(answered_sql("pgmig", step(2, "unverified"), "")) == [(None,)]
        assert connection.execute(answered_sql("pgmig", waiting, "")) == [(1,)]
        assert connection.execute(answered_sql("pgmig", waiting, "")) == [(None,)]
        why = step(2, "verify_failed")
        connection.execute(tracking_sql("pgmig", step(2, "unverified"), [], OPERATOR))
        connection.execute(answered_sql("pgmig", step(2, "unverified"), "verify_failed", why=why))
        connection.execute(tracking_sql("pgmig", step(3, "unverified"), [], OPERATOR))
        connection.execute(tracking_sql("pgmig", step(4), [], OPERATOR))
        rows = connection.execute("SELECT outcome, success, verified, seq FROM pgmig.schema_migrations ORDER BY id")
        assert rows == [
            ("done", True, True, 1),
            ("verify_failed", False, False, 2),
            ("unverified", False, None, 3),
            ("done", True, None, 4),
        ]
        assert found(connection) == []


def test_evidence_is_kept_as_it_was_given_and_too_much_of_it_is_named(pg: Server, database_on: Databases) -> None:
    given = EvidenceRow(
        "r1", "backup:verify", "PASS", "fully decoded", "backup", "ab" * 32, [["n"], ["a\0b"], [1.5], [None]],
        "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:06.000Z", "deployer", "seen", "", "",
    )  # fmt: skip
    with session(pg, database_on(pg)) as connection:
        assert record_evidence(connection, None, [given]) == "tracking is off"
        assert "the next deploy makes it" in record_evidence(connection, "pgmig", [given])
        assert connection.one("SELECT to_regnamespace('pgmig')") == (None,)
        prepare_tracking(connection, read_tracking(connection, "pgmig"))
        large = EvidenceRow("r1", "large", "PASS", rows=["x" * LARGEST])
        said = EvidenceRow(
            "r1", "notify", "PASS", answered_how="said", note="Bo knows \\ 'it'", answered_by="Ana <a@x>"
        )
        assert record_evidence(connection, "pgmig", [given, large, said]) == ""
        kept = read_evidence(connection, "pgmig", "r1")
        assert kept[0].rows == [["n"], ["a\ufffdb"], [1.5], [None]]
        assert kept[1].rows == {"left_out": LARGEST + 4}
        assert (kept[2], kept[0].started_at, kept[0].role) == (said, given.started_at, "deployer")
        assert read_evidence(connection, "pgmig", "r2") == ()
        assert found(connection) == []


@pytest.mark.parametrize("schema", ["pgmig$pgmig$", 'a"; b'])
def test_a_schema_of_any_name(pg18: Server, database_on: Databases, schema: str) -> None:
    with session(pg18, database_on(pg18)) as connection:
        prepare_tracking(connection, read_tracking(connection, schema))
        connection.execute(tracking_sql(schema, step(1), AUDIT, OPERATOR))
        assert record_evidence(connection, schema, [EvidenceRow("r", "i", "PASS")]) == ""
        chain = read_chain(connection, schema)
        assert chain is not None
        assert (chain.whole, chain.links) == (True, 2)
