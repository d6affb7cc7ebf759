-- Indexes by names that the server chose.
-- setup
CREATE TABLE t (a int, b int, c text); CREATE INDEX ON t (a); CREATE INDEX ON t (a, b); CREATE TABLE t_a_idx1 (x int); INSERT INTO t SELECT g, g, 'c' FROM generate_series(1, 20) g;
-- test
CREATE INDEX ON t (a);
CREATE INDEX ON t ((a + b));
CREATE INDEX ON t (lower(c), b);
CREATE INDEX ON t (a) INCLUDE (b);
DROP INDEX t_a_idx;
DROP INDEX t_a_idx1;
DROP INDEX t_a_idx2;
DROP INDEX t_expr_idx, t_lower_b_idx;
DROP INDEX t_a_b_idx;
ALTER TABLE t ADD UNIQUE (a), ADD UNIQUE (b), ADD CHECK (a > 0), ADD CHECK (b > a);
ALTER TABLE t DROP CONSTRAINT t_a_key, DROP CONSTRAINT t_check;
ALTER TABLE t DROP CONSTRAINT t_check1;
CREATE INDEX t ON t (a);
CREATE INDEX t_b ON t (b) TABLESPACE nowhere;
CREATE INDEX t_b ON t USING nothing (b);
CREATE INDEX t_b ON t (b nothing_ops);
