-- Grades of a university: history by trigger, validity ranges, a rebuilt view stack, a procedure that commits.
-- setup
CREATE SCHEMA uni; CREATE TABLE uni.student (matr int PRIMARY KEY, name text, program text); CREATE TABLE uni.exam (id int PRIMARY KEY, title text, ects int); CREATE TABLE uni.grade (matr int REFERENCES uni.student, exam_id int REFERENCES uni.exam, grade numeric(2,1), graded date DEFAULT current_date, PRIMARY KEY (matr, exam_id));
CREATE VIEW uni.passed AS SELECT * FROM uni.grade WHERE grade <= 4.0; CREATE VIEW uni.ects AS SELECT p.matr, sum(e.ects) AS ects FROM uni.passed p JOIN uni.exam e ON e.id = p.exam_id GROUP BY p.matr;
INSERT INTO uni.student SELECT g, 's' || g, 'CS' FROM generate_series(1, 50) g; INSERT INTO uni.exam SELECT g, 'e' || g, 5 + g % 2 FROM generate_series(1, 10) g; INSERT INTO uni.grade SELECT m, e, 1 + (m + e) % 5 FROM generate_series(1, 50) m, generate_series(1, 10) e WHERE (m + e) % 3 = 0;
-- options: -c search_path=uni
-- test
CREATE TABLE grade_history (LIKE grade, valid tstzrange NOT NULL, reason text);
CREATE INDEX grade_history_valid ON grade_history USING gist (valid);
ALTER TABLE grade ADD COLUMN since timestamptz NOT NULL DEFAULT now(), ADD COLUMN attempt smallint NOT NULL DEFAULT 1;
CREATE FUNCTION keep_grade() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = uni, pg_temp AS $$
BEGIN
  INSERT INTO grade_history SELECT OLD.matr, OLD.exam_id, OLD.grade, OLD.graded, tstzrange(OLD.since, clock_timestamp()), TG_OP;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  NEW.since := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER keep_grade BEFORE UPDATE OR DELETE ON grade FOR EACH ROW EXECUTE FUNCTION keep_grade();
UPDATE grade SET grade = 5.0 WHERE matr = 3;
DELETE FROM grade WHERE matr = 6;
CREATE OR REPLACE VIEW passed AS SELECT matr, exam_id, grade, graded FROM grade WHERE grade <= 4.0;
CREATE OR REPLACE VIEW passed AS SELECT matr, exam_id, grade, graded, attempt FROM grade WHERE grade <= 4.0;
CREATE PROCEDURE close_term(IN till date, INOUT n int) LANGUAGE plpgsql AS $$
DECLARE p text;
BEGIN
  n := 0;
  FOR p IN SELECT DISTINCT program FROM uni.student ORDER BY 1 LOOP
    UPDATE uni.grade g SET attempt = attempt + 1 FROM uni.student s WHERE s.matr = g.matr AND s.program = p AND g.grade > 4.0 AND g.graded <= till;
    n := n + 1;
    COMMIT;
  END LOOP;
END $$;
CALL close_term(current_date, NULL);
BEGIN;
DROP VIEW ects, passed;
ALTER TABLE grade DISABLE TRIGGER keep_grade;
ALTER TABLE grade ALTER COLUMN grade TYPE smallint USING (grade * 10)::smallint;
ALTER TABLE grade RENAME COLUMN grade TO grade_x10;
ALTER TABLE grade ADD CONSTRAINT grade_range CHECK (grade_x10 BETWEEN 10 AND 50);
ALTER TABLE grade_history ALTER COLUMN grade TYPE smallint USING (grade * 10)::smallint;
ALTER TABLE grade_history RENAME grade TO grade_x10;
CREATE VIEW passed AS SELECT matr, exam_id, grade_x10 / 10.0 AS grade, graded FROM grade WHERE grade_x10 <= 40;
CREATE VIEW ects AS SELECT p.matr, sum(e.ects) AS ects FROM passed p JOIN exam e ON e.id = p.exam_id GROUP BY p.matr;
COMMIT;
UPDATE grade SET attempt = 1 WHERE attempt > 5;
ALTER TABLE grade ENABLE TRIGGER keep_grade;
UPDATE grade SET attempt = 2 WHERE matr = 9;
CREATE OR REPLACE FUNCTION keep_grade() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = uni, pg_temp AS $$
BEGIN
  INSERT INTO grade_history SELECT OLD.matr, OLD.exam_id, OLD.grade_x10, OLD.graded, tstzrange(OLD.since, clock_timestamp()), TG_OP;
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  NEW.since := clock_timestamp();
  RETURN NEW;
END $$;
UPDATE grade SET attempt = 2 WHERE matr = 9;
DELETE FROM student WHERE matr = 50;
ALTER TABLE student DROP COLUMN program;
CALL close_term(current_date, 0);
DROP PROCEDURE close_term(date, int);
DROP TRIGGER keep_grade ON grade;
TRUNCATE grade_history;
