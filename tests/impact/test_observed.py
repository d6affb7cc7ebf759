"""Predictions against PostgreSQL itself: the locks that a second session sees, and the relations with a new file."""

from __future__ import annotations

import pytest

from tests.impact.locks import Session, predicted_locks, strong

STATEMENTS = """
ALTER TABLE shop.customer ADD COLUMN z int
ALTER TABLE shop.customer ADD COLUMN IF NOT EXISTS email int
ALTER TABLE shop.customer ADD COLUMN z int NOT NULL DEFAULT 5
ALTER TABLE shop.customer ADD COLUMN z timestamptz DEFAULT now()
ALTER TABLE shop.customer ADD COLUMN z float8 DEFAULT random()
ALTER TABLE shop.customer ADD COLUMN z int DEFAULT shop.twice(2)
ALTER TABLE shop.customer ADD COLUMN z int DEFAULT shop.roll()
ALTER TABLE shop.customer ADD COLUMN z bigserial
ALTER TABLE shop.customer ADD COLUMN z int GENERATED ALWAYS AS (age + 1) STORED
ALTER TABLE shop.customer ADD COLUMN z shop.amount
ALTER TABLE shop.customer ADD COLUMN z shop.label
ALTER TABLE shop.basket ADD COLUMN z int REFERENCES shop.item
ALTER TABLE shop.event ADD COLUMN z int
ALTER TABLE shop.animal ADD COLUMN z int
ALTER TABLE shop.customer DROP COLUMN name
ALTER TABLE shop.customer DROP COLUMN email CASCADE
ALTER TABLE shop.basket DROP COLUMN customer
ALTER TABLE shop.item DROP COLUMN id CASCADE
ALTER TABLE shop.customer ALTER COLUMN name TYPE varchar
ALTER TABLE shop.item ALTER COLUMN title TYPE varchar
ALTER TABLE shop.item ALTER COLUMN title TYPE varchar(10)
ALTER TABLE shop.item ALTER COLUMN weight TYPE numeric(12,2)
ALTER TABLE shop.item ALTER COLUMN weight TYPE numeric(12,4)
ALTER TABLE shop.item ALTER COLUMN state TYPE text
ALTER TABLE shop.basket ALTER COLUMN placed TYPE timestamptz
ALTER TABLE shop.basket ALTER COLUMN customer TYPE int
ALTER TABLE shop.animal ALTER COLUMN legs TYPE bigint
ALTER TABLE shop.event ALTER COLUMN customer TYPE int
ALTER TABLE shop.item ALTER COLUMN title SET NOT NULL
ALTER TABLE shop.event ALTER COLUMN customer SET DEFAULT 1
ALTER TABLE shop.item ALTER COLUMN title SET STATISTICS 200
ALTER TABLE shop.item ALTER COLUMN title SET STATISTICS 200, ADD CHECK (id > 0) NOT VALID
ALTER TABLE shop.customer ALTER COLUMN id RESTART WITH 100
ALTER TABLE shop.customer ALTER COLUMN id DROP IDENTITY
ALTER TABLE shop.event ADD CHECK (day > -1)
ALTER TABLE shop.basket ADD CONSTRAINT k FOREIGN KEY (item) REFERENCES shop.item
ALTER TABLE shop.item ADD COLUMN e int, ADD COLUMN d int, ADD FOREIGN KEY (e, d) REFERENCES shop.event
ALTER TABLE shop.event ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES shop.item NOT VALID
ALTER TABLE shop.loose VALIDATE CONSTRAINT loose_customer
ALTER TABLE shop.loose VALIDATE CONSTRAINT positive
ALTER TABLE shop.loose ADD CONSTRAINT k UNIQUE USING INDEX loose_n
ALTER TABLE shop.loose ADD UNIQUE (customer)
ALTER TABLE shop.basket DROP CONSTRAINT basket_customer
ALTER TABLE shop.customer DROP CONSTRAINT customer_pkey CASCADE
ALTER TABLE shop.loose DROP CONSTRAINT positive
ALTER TABLE shop.customer RENAME CONSTRAINT customer_pkey TO k
ALTER TABLE shop.customer RENAME TO client
ALTER TABLE shop.event RENAME COLUMN customer TO client
ALTER TABLE shop.item SET SCHEMA attic
ALTER TABLE shop.item SET (fillfactor = 70)
ALTER TABLE shop.secret SET UNLOGGED
ALTER TABLE shop.loose REPLICA IDENTITY FULL
ALTER TABLE shop.item DISABLE TRIGGER ALL
ALTER TABLE shop.item ENABLE ROW LEVEL SECURITY
ALTER TABLE shop.dog NO INHERIT shop.animal
ALTER TABLE shop.event ATTACH PARTITION shop.event_2 FOR VALUES FROM (10) TO (20)
ALTER TABLE shop.event DETACH PARTITION shop.event_1
ALTER TABLE IF EXISTS shop.nowhere ADD COLUMN z int
ALTER VIEW shop.adult SET (security_barrier = true)
ALTER INDEX shop.item_title RENAME TO k
ALTER TABLE shop.item_title RENAME TO k
ALTER INDEX shop.item_title SET (fillfactor = 80)
ALTER SEQUENCE shop.ticket INCREMENT BY 2
ALTER DOMAIN shop.amount ADD CONSTRAINT k CHECK (VALUE < 1000)
ALTER TYPE shop.place ADD ATTRIBUTE street text CASCADE
ALTER TYPE shop.state ADD VALUE 'sent'
CREATE TABLE shop.x (id int PRIMARY KEY, item int REFERENCES shop.item)
CREATE TABLE shop.x PARTITION OF shop.event FOR VALUES FROM (20) TO (30)
CREATE TABLE shop.x () INHERITS (shop.animal)
CREATE TABLE shop.x AS SELECT * FROM shop.customer
CREATE TABLE IF NOT EXISTS shop.item (id int)
CREATE INDEX ON shop.item (price)
CREATE INDEX ON shop.event (customer)
CREATE INDEX ON ONLY shop.event (customer)
CREATE VIEW shop.x AS SELECT * FROM shop.adult
CREATE OR REPLACE VIEW shop.adult AS SELECT id, email FROM shop.customer
CREATE TRIGGER k AFTER INSERT ON shop.event FOR EACH ROW EXECUTE FUNCTION shop.stamp()
CREATE RULE k AS ON DELETE TO shop.loose DO INSTEAD NOTHING
CREATE POLICY k ON shop.item USING (true)
CREATE STATISTICS shop.k ON id, n FROM shop.loose
DROP TABLE shop.basket
DROP TABLE shop.customer CASCADE
DROP TABLE shop.event_1
DROP TABLE shop.event
DROP TABLE shop.loose CASCADE
DROP TABLE IF EXISTS shop.nowhere
DROP INDEX shop.item_title
DROP VIEW shop.adult CASCADE
DROP MATERIALIZED VIEW shop.prices
DROP SEQUENCE shop.item_id_seq CASCADE
DROP TYPE shop.state CASCADE
DROP FUNCTION shop.stamp() CASCADE
DROP TRIGGER stamped ON shop.item
DROP POLICY mine ON shop.secret
DROP STATISTICS shop.item_stats
DROP SCHEMA shop CASCADE
TRUNCATE shop.basket
TRUNCATE shop.customer CASCADE
TRUNCATE shop.item RESTART IDENTITY CASCADE
REFRESH MATERIALIZED VIEW shop.prices
REFRESH MATERIALIZED VIEW CONCURRENTLY shop.prices
REINDEX TABLE shop.item
CLUSTER shop.item USING item_title
ANALYZE shop.event
COMMENT ON TABLE shop.item IS 'x'
COMMENT ON INDEX shop.item_title IS 'x'
COMMENT ON CONSTRAINT positive ON shop.loose IS 'x'
GRANT SELECT ON shop.item TO PUBLIC
ALTER PUBLICATION feed ADD TABLE shop.loose
LOCK TABLE shop.adult_mail IN SHARE MODE
LOCK TABLE shop.event IN EXCLUSIVE MODE
INSERT INTO shop.basket VALUES (7, 1, 1)
UPDATE shop.item SET title = 'z'
DELETE FROM shop.customer WHERE id = 99
SELECT * FROM shop.adult_mail FOR UPDATE
DO $$ BEGIN ALTER TABLE shop.item ADD COLUMN z int; END $$
""".strip().splitlines()


@pytest.mark.parametrize("sql", STATEMENTS)
def test_strong_locks_and_new_files_are_those_of_the_server(shop: Session, sql: str) -> None:
    if "NOT VALID" in sql and "shop.event " in sql and shop.version < 180000:
        assert shop.predicted(sql).problem is not None
        return
    impact = shop.predicted(sql)
    with shop.running(sql) as (held, moved):
        assert strong(predicted_locks(impact)) == strong(held)
        assert {str(name) for name in moved} <= {*impact.rewrites, *impact.rebuilds}
        assert set(impact.rewrites) <= {str(name) for name in moved}
    assert impact.problem is None
    assert impact.unknown == ()


def test_weak_locks_on_named_tables_are_told_too(shop: Session) -> None:
    for sql in ("SELECT * FROM shop.adult_mail", "INSERT INTO shop.basket VALUES (8, 1, 1)"):
        with shop.running(sql) as (held, _):
            assert predicted_locks(shop.predicted(sql)).items() <= held.items()


CONCURRENT = (
    ("CREATE INDEX CONCURRENTLY k ON shop.item (price)", "shop.item"),
    ("DROP INDEX CONCURRENTLY shop.item_title", "shop.item"),
    ("REINDEX TABLE CONCURRENTLY shop.item", "shop.item"),
    ("VACUUM shop.item", "shop.item"),
)


@pytest.mark.parametrize(("sql", "table"), CONCURRENT)
def test_what_runs_in_no_transaction_takes_share_update_exclusive(shop: Session, sql: str, table: str) -> None:
    impact = shop.predicted(sql)
    assert impact.needs_no_transaction
    assert impact.problem is not None  # it was said to stand inside a transaction
    assert {str(lock.name): lock.mode.sql_name for lock in impact.locks}[table] == "SHARE UPDATE EXCLUSIVE"
    with pytest.raises(Exception, match=r"cannot (run inside|be executed from)"), shop.running(sql):
        pass
