-- An old survey tool with rules: redirects, logging rules, a rule that eats deletes.
-- setup
CREATE TABLE answer (id int PRIMARY KEY, q int, val text, gone boolean NOT NULL DEFAULT false);
CREATE TABLE answer_2024 (LIKE answer INCLUDING ALL);
CREATE TABLE answer_log (id int, what text, at timestamptz DEFAULT now());
CREATE VIEW answer_live AS SELECT id, q, val FROM answer WHERE NOT gone;
INSERT INTO answer SELECT g, g % 5, 'v' || g FROM generate_series(1, 50) g;
-- test
CREATE RULE answer_live_ins AS ON INSERT TO answer_live DO INSTEAD INSERT INTO answer (id, q, val) VALUES (NEW.id, NEW.q, NEW.val);
CREATE RULE answer_live_del AS ON DELETE TO answer_live DO INSTEAD UPDATE answer SET gone = true WHERE id = OLD.id;
DELETE FROM answer_live WHERE q = 2;
INSERT INTO answer_live VALUES (100, 1, 'x'), (101, 2, 'y');
UPDATE answer_live SET val = 'z' WHERE id = 100;
CREATE OR REPLACE RULE answer_log_upd AS ON UPDATE TO answer WHERE OLD.val IS DISTINCT FROM NEW.val DO ALSO INSERT INTO answer_log (id, what) VALUES (OLD.id, OLD.val || '->' || NEW.val);
UPDATE answer SET val = upper(val) WHERE q = 1;
ALTER TABLE answer ALTER COLUMN val TYPE varchar(50);
ALTER TABLE answer_log DROP COLUMN what;
DROP RULE answer_log_upd ON answer;
CREATE RULE to_2024 AS ON INSERT TO answer WHERE NEW.id > 1000 DO INSTEAD INSERT INTO answer_2024 VALUES (NEW.*);
INSERT INTO answer (id, q) SELECT g, 3 FROM generate_series(998, 1003) g;
INSERT INTO answer (id, q) VALUES (2000, 1) ON CONFLICT DO NOTHING;
ALTER TABLE answer ADD COLUMN lang text;
INSERT INTO answer (id, q, lang) VALUES (3000, 1, 'de');
ALTER TABLE answer DISABLE RULE to_2024;
INSERT INTO answer (id, q, lang) VALUES (3001, 1, 'de');
COPY answer (id, q) FROM stdin;
5000	1
5001	2
\.
CREATE RULE keep AS ON DELETE TO answer_2024 DO INSTEAD NOTHING;
DELETE FROM answer_2024;
TRUNCATE answer_2024;
ALTER RULE keep ON answer_2024 RENAME TO keep_all;
DROP TABLE answer_2024;
DROP RULE to_2024 ON answer;
DROP TABLE answer_2024;
DROP VIEW answer_live;
ALTER TABLE answer ALTER COLUMN val TYPE varchar(5);
ALTER TABLE answer DROP COLUMN gone;
