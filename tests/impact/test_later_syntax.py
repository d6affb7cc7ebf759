"""Statements that later versions brought: a server of a version before refuses them, and the prediction says so."""

from __future__ import annotations

import psycopg

from pgmig_tui.impact import nodes
from pgmig_tui.impact.predict import predict_script
from pgmig_tui.impact.rules.later_syntax import LATER, Later
from tests.impact.locks import Session
from tests.impact.statements import One
from tests.servers import Server

TABLES = """
CREATE TABLE plain (a int PRIMARY KEY, b text);
CREATE TABLE other (a int);
CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE computed (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE parted (a int) PARTITION BY LIST (a);
CREATE TABLE part_1 PARTITION OF parted FOR VALUES IN (1);
CREATE SUBSCRIPTION feed CONNECTION '' PUBLICATION plenty WITH (connect = false, slot_name = NONE)
"""
STATEMENTS = """
14 ALTER TABLE parted DETACH PARTITION part_1 CONCURRENTLY
14 ALTER TABLE parted DETACH PARTITION part_1 FINALIZE
14 ALTER TABLE plain ALTER COLUMN b SET COMPRESSION pglz
14 CREATE TABLE compressed (a text COMPRESSION pglz)
14 WITH RECURSIVE w AS (SELECT 1 n UNION ALL SELECT 2 FROM w WHERE n < 2) SEARCH DEPTH FIRST BY n SET o SELECT * FROM w
14 WITH RECURSIVE w AS (SELECT 1 n UNION ALL SELECT 2 FROM w WHERE n < 2) CYCLE n SET c USING p SELECT * FROM w
14 CREATE FUNCTION one() RETURNS int LANGUAGE sql RETURN 1
14 CREATE OR REPLACE TRIGGER g BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()
14 SELECT * FROM plain JOIN other USING (a) AS j
14 SELECT a FROM plain GROUP BY DISTINCT ROLLUP (a), ROLLUP (a)
14 REINDEX (TABLESPACE pg_default) INDEX plain_pkey
14 CREATE STATISTICS of_expression ON (a + 1) FROM plain
14 VACUUM (PROCESS_TOAST) plain
14 ALTER SUBSCRIPTION feed ADD PUBLICATION more WITH (refresh = false)
14 ALTER SUBSCRIPTION feed DROP PUBLICATION more WITH (refresh = false)
15 MERGE INTO plain p USING other o ON p.a = o.a WHEN MATCHED THEN DO NOTHING
15 CREATE UNIQUE INDEX distinct_b ON plain (b) NULLS NOT DISTINCT
15 ALTER TABLE plain ADD CONSTRAINT distinct_nulls UNIQUE NULLS NOT DISTINCT (b)
15 CREATE TABLE keyed (a int, b int, FOREIGN KEY (a, b) REFERENCES pairs ON DELETE SET NULL (b))
15 CREATE PUBLICATION of_columns FOR TABLE plain (a)
15 CREATE PUBLICATION of_rows FOR TABLE plain WHERE (a > 1)
15 CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA public
15 ALTER TABLE plain SET ACCESS METHOD heap
15 GRANT SET ON PARAMETER work_mem TO PUBLIC
15 ALTER DATABASE template1 REFRESH COLLATION VERSION
15 ALTER SUBSCRIPTION feed SKIP (lsn = NONE)
16 CREATE TABLE stored (a text STORAGE main)
16 COPY plain FROM '/dev/null' (DEFAULT 'x')
16 CREATE STATISTICS ON a, b FROM plain
16 EXPLAIN (GENERIC_PLAN) SELECT 1
16 GRANT pg_monitor TO pg_read_all_data WITH INHERIT TRUE
16 SELECT '1' IS JSON
16 SELECT * FROM (SELECT 1)
16 VACUUM (PROCESS_MAIN) plain
16 VACUUM (SKIP_DATABASE_STATS) plain
16 VACUUM (ONLY_DATABASE_STATS)
16 ANALYZE (BUFFER_USAGE_LIMIT '1MB') plain
17 ALTER TABLE computed ALTER COLUMN b SET EXPRESSION AS (a * 3)
17 COPY plain FROM '/dev/null' (ON_ERROR ignore)
17 COPY plain FROM '/dev/null' (LOG_VERBOSITY verbose)
17 EXPLAIN (MEMORY) SELECT 1
17 EXPLAIN (ANALYZE, SERIALIZE) SELECT 1
17 SELECT * FROM JSON_TABLE('[1]'::jsonb, '$[*]' COLUMNS (n int PATH '$'))
17 MERGE INTO plain p USING other o ON p.a = o.a WHEN MATCHED THEN DO NOTHING RETURNING p.a
17 MERGE INTO plain p USING other o ON p.a = o.a WHEN NOT MATCHED BY SOURCE THEN DO NOTHING
18 CREATE TABLE virtual (a int, b int GENERATED ALWAYS AS (a * 2))
18 CREATE TABLE overlapping (a int4range, b int4range, UNIQUE (a, b WITHOUT OVERLAPS))
18 CREATE TABLE within (a int4range, b int4range, FOREIGN KEY (a, PERIOD b) REFERENCES overlapping (a, PERIOD b))
18 ALTER TABLE plain ADD CONSTRAINT loose CHECK (a > 0) NOT ENFORCED
18 ALTER TABLE plain ADD CONSTRAINT given NOT NULL b
18 COPY plain FROM '/dev/null' (ON_ERROR ignore, REJECT_LIMIT 1)
18 UPDATE plain SET b = b RETURNING WITH (OLD AS o) o.a
18 VACUUM ONLY plain
"""


def test_a_statement_is_known_from_the_version_on_that_brought_it(pg16: Server) -> None:
    session = Session(pg16.conninfo(pg16.create_database()))
    session.actor.autocommit = True
    session.execute(TABLES)
    major = session.version // 10000
    told, answered = {}, {}
    lines = STATEMENTS.strip().splitlines()
    facts = session.facts(*(line[3:] for line in lines))
    for line in lines:
        since, _, sql = line.partition(" ")
        problem = predict_script([One(sql)], facts, session.version).statements[0].problem
        told[line] = problem.sqlstate if problem is not None and "is there since" in problem.message else ""
        try:
            session.execute(sql)
            answered[line] = ""
        except psycopg.Error as error:
            state = error.sqlstate or ""
            answered[line] = state if int(since) > major or state == "42601" else ""  # FINALIZE finds nothing to do
    session.execute("DROP SUBSCRIPTION feed")
    session.close()
    assert told == answered


def test_each_part_that_is_later_is_asked_of_servers() -> None:
    asked: set[Later] = set()
    for line in STATEMENTS.strip().splitlines():
        since, _, sql = line.partition(" ")
        found = [
            one
            for part in nodes.walk(nodes.parse(sql)[0])
            for one in LATER.get(nodes.kind(part), ())
            if one.is_it(part)
        ]
        assert max(one.since for one in found) == int(since), sql
        asked.update(found)
    assert [one.words for several in LATER.values() for one in several if one not in asked] == []
