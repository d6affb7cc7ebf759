"""What partitions take part in before 15 and since: their triggers, and those of foreign keys to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from pgmig_tui.impact.predict import predict_script
from tests.impact.locks import Session, predicted_locks, strong
from tests.impact.statements import script
from tests.servers import Server

SCHEMA = """
CREATE SCHEMA x;
CREATE FUNCTION x.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TABLE x.hub (id int PRIMARY KEY, next int) PARTITION BY RANGE (id);
CREATE TABLE x.hub_1 PARTITION OF x.hub FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
CREATE TABLE x.hub_11 PARTITION OF x.hub_1 FOR VALUES FROM (0) TO (10);
CREATE TABLE x.plain (id int, hub int CONSTRAINT k REFERENCES x.hub);
CREATE TABLE x.on_part (id int, hub int CONSTRAINT k REFERENCES x.hub_1);
CREATE TABLE x.alone (id int, hub int CONSTRAINT k REFERENCES x.hub);
CREATE TABLE x.road (id int, hub int CONSTRAINT k REFERENCES x.hub) PARTITION BY RANGE (id);
CREATE TABLE x.road_1 PARTITION OF x.road FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
CREATE TABLE x.road_11 PARTITION OF x.road_1 FOR VALUES FROM (0) TO (10);
CREATE TABLE x.town (id int PRIMARY KEY);
CREATE TABLE x.trip (id int, town int REFERENCES x.town) PARTITION BY RANGE (id);
CREATE TABLE x.trip_1 PARTITION OF x.trip FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
CREATE TABLE x.lane (id int, hub int CONSTRAINT k REFERENCES x.hub) PARTITION BY RANGE (id);
CREATE TABLE x.lane_1 PARTITION OF x.lane FOR VALUES FROM (0) TO (10);
CREATE TRIGGER each AFTER INSERT ON x.lane FOR EACH ROW EXECUTE FUNCTION x.f();
CREATE TABLE x.still (id int) PARTITION BY RANGE (id);
CREATE TABLE x.still_1 PARTITION OF x.still FOR VALUES FROM (0) TO (10);
CREATE TRIGGER once AFTER INSERT ON x.still FOR EACH STATEMENT EXECUTE FUNCTION x.f();
CREATE TRIGGER own AFTER INSERT ON x.still_1 FOR EACH ROW EXECUTE FUNCTION x.f();
"""
STATEMENTS = """
ALTER TABLE x.plain DROP CONSTRAINT k
ALTER TABLE x.on_part DROP CONSTRAINT k
ALTER TABLE x.road DROP CONSTRAINT k
ALTER TABLE x.hub DROP CONSTRAINT hub_pkey CASCADE
DROP TABLE x.plain
DROP TABLE x.road
DROP TABLE x.road_1
DROP TABLE x.hub CASCADE
DROP TABLE x.hub_11 CASCADE
ALTER TABLE x.plain DROP COLUMN hub
ALTER TABLE x.road DROP COLUMN hub
ALTER TABLE x.plain ALTER hub TYPE bigint
ALTER TABLE x.hub DETACH PARTITION x.hub_1
ALTER TABLE x.road DETACH PARTITION x.road_1
ALTER TABLE x.lane DETACH PARTITION x.lane_1
ALTER TABLE x.trip DETACH PARTITION x.trip_1
ALTER TABLE x.road ATTACH PARTITION x.alone FOR VALUES FROM (20) TO (30)
ALTER TABLE x.road ADD CONSTRAINT n FOREIGN KEY (id) REFERENCES x.hub
CREATE TABLE x.road_2 PARTITION OF x.road FOR VALUES FROM (40) TO (50)
CREATE TABLE x.hub_2 PARTITION OF x.hub FOR VALUES FROM (40) TO (50)
ALTER TABLE x.road DISABLE TRIGGER ALL
ALTER TABLE x.road DISABLE TRIGGER USER
ALTER TABLE x.hub ENABLE TRIGGER ALL
ALTER TABLE x.lane DISABLE TRIGGER USER
ALTER TABLE x.lane ENABLE TRIGGER each
ALTER TABLE ONLY x.lane DISABLE TRIGGER each
ALTER TABLE x.still DISABLE TRIGGER ALL
ALTER TRIGGER each ON x.lane RENAME TO every
"""


@pytest.fixture(scope="module", params=[13, 18])
def session(request: pytest.FixtureRequest, serve: Callable[[int], Server]) -> Iterator[Session]:
    server = serve(request.param)
    name = server.create_database("TEMPLATE template0")
    server.execute(SCHEMA, name)
    made = Session(server.conninfo(name))
    yield made
    made.close()
    server.drop_database(name)


def test_partitions_are_locked_as_foretold(session: Session) -> None:
    wrong = []
    for sql in STATEMENTS.strip().splitlines():
        impact = session.predicted(sql)
        with session.running(sql) as (locks, _):
            if (told := strong(predicted_locks(impact))) != strong(locks):
                wrong.append((sql, told, strong(locks)))
    assert wrong == []


def test_a_trigger_that_was_renamed_is_not_found_in_partitions_before_15(session: Session) -> None:
    sqls = ("ALTER TRIGGER each ON x.lane RENAME TO every", "ALTER TABLE x.lane DISABLE TRIGGER every")
    told = predict_script(script(*sqls), session.facts(*sqls), session.version, wrapped=True).statements[1].problem
    really = ""
    try:
        with session.running(";".join(sqls)):
            pass
    except psycopg.Error as error:
        really = str(error)
    before = session.version < 150000
    assert (told and told.message) == ("x.lane_1 has no trigger every (42704)" if before else None)
    assert ('trigger "every" for table "lane_1" does not exist' in really) is before
