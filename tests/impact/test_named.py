"""Which objects a statement names: what the audit rows say of it, by its parse tree."""

from __future__ import annotations

import pytest

from pgmig_tui.impact.named import NamedObject, named_in
from pgmig_tui.script.parse import parse

CASES = """
COMMENT ON TABLE a.b IS 'x' | TABLE a.b
COMMENT ON COLUMN a.b.c IS 'x' | COLUMN c on a.b
COMMENT ON CONSTRAINT k ON a.b IS 'x' | CONSTRAINT k on a.b
COMMENT ON CONSTRAINT k ON DOMAIN d IS 'x' | CONSTRAINT k on d
COMMENT ON CAST (int AS text) IS 'x' | CAST int4 AS text
COMMENT ON LARGE OBJECT 5 IS 'x' | LARGE OBJECT 5
GRANT SELECT ON t, s.u TO bob | TABLE t, TABLE s.u
GRANT SELECT ON ALL TABLES IN SCHEMA s TO bob | SCHEMA s
GRANT r TO bob | ROLE r
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO bob | SCHEMA s
CREATE INDEX ON users (email) | CREATE INDEX: TABLE users
CREATE INDEX i ON s.users (email) | INDEX s.i on s.users; TABLE s.users
DO $$ BEGIN END $$ |
DROP TABLE a, b | TABLE a, TABLE b
DROP FUNCTION f(int), g | FUNCTION f, FUNCTION g
DROP TRIGGER tr ON s.t | TRIGGER tr on s.t
DROP OPERATOR CLASS s.oc USING btree | OPERATOR CLASS s.oc USING btree
DROP ROLE bob, "Ann" | ROLE bob, ROLE "Ann"
WITH d AS (DELETE FROM x RETURNING *) SELECT count(*) FROM d | DELETE: TABLE x
WITH d AS (SELECT 1) INSERT INTO y SELECT * FROM d, z | INSERT: TABLE y; TABLE z
EXPLAIN ANALYZE DELETE FROM t | DELETE: TABLE t
MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE | MERGE: TABLE t; TABLE s
TRUNCATE a, b CASCADE | TABLE a, TABLE b
COPY "Odd" FROM STDIN | TABLE "Odd"
ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES s.u | TABLE t; TABLE s.u
ALTER TABLE p ATTACH PARTITION s.c FOR VALUES IN (1) | TABLE p; TABLE s.c
ALTER TABLE t RENAME COLUMN a TO b | COLUMN a on t; TABLE t
ALTER VIEW v RENAME TO u | VIEW v
ALTER FUNCTION f(int) OWNER TO bob | FUNCTION f
ALTER TABLE t SET SCHEMA x | TABLE t
CALL s.p(1) | PROCEDURE s.p
EXECUTE q | PREPARED STATEMENT q
SELECT 1 |
SELECT * FROM a JOIN b USING (x) | TABLE a, TABLE b
CREATE MATERIALIZED VIEW mv AS SELECT * FROM t | MATERIALIZED VIEW mv; TABLE t
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f() | TRIGGER tr on t; TABLE t
CREATE OPERATOR s.=== (leftarg = int, rightarg = int, function = f) | OPERATOR s.===
CREATE SCHEMA AUTHORIZATION bob | SCHEMA bob
CREATE USER MAPPING FOR CURRENT_USER SERVER s | USER MAPPING CURRENT_USER on s
"""


@pytest.mark.parametrize("case", [line for line in CASES.splitlines() if line])
def test_a_statement_names(case: str) -> None:
    sql, _, wanted = (part.strip() for part in case.partition("|"))
    (node,) = parse(sql, 1).nodes
    found = named_in(node)
    told = "; ".join(filter(None, (_told(found.first), _told(found.others))))
    assert (f"{found.operation}: {told}" if found.operation else told) == wanted


def _told(objects: tuple[NamedObject, ...]) -> str:
    return ", ".join(f"{one.kind} {one.name}" + (f" on {one.on}" if one.on else "") for one in objects)
