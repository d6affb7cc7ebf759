-- A table gets a new name and columns, and the old clients an updatable view in its place.
-- setup
CREATE SCHEMA hr;
CREATE TABLE hr.emp (empno int PRIMARY KEY, ename text, sal numeric, deptno int, mgr int REFERENCES hr.emp);
CREATE TABLE hr.dept (deptno int PRIMARY KEY, dname text);
INSERT INTO hr.dept SELECT g, 'd' || g FROM generate_series(1, 4) g;
INSERT INTO hr.emp SELECT g, 'e' || g, 1000 + g, 1 + g % 4, NULL FROM generate_series(1, 20) g;
CREATE FUNCTION hr.head_count(d int) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM hr.emp WHERE deptno = d';
CREATE ROLE hr_legacy_client;
GRANT SELECT, UPDATE ON hr.emp TO hr_legacy_client;
-- options: -c search_path=hr,public
-- test
BEGIN;
ALTER TABLE emp RENAME TO employee;
ALTER TABLE employee RENAME COLUMN empno TO employee_id;
ALTER TABLE employee RENAME ename TO full_name;
ALTER TABLE employee RENAME CONSTRAINT emp_pkey TO employee_pkey;
ALTER TABLE employee RENAME CONSTRAINT emp_mgr_fkey TO employee_manager_fkey;
CREATE VIEW emp WITH (security_barrier) AS SELECT employee_id AS empno, full_name AS ename, sal, deptno, mgr FROM employee WITH LOCAL CHECK OPTION;
GRANT SELECT, UPDATE ON emp TO hr_legacy_client;
COMMIT;
SELECT head_count(2);
UPDATE emp SET sal = sal * 1.02 WHERE deptno = 2;
INSERT INTO emp (empno, ename, deptno) VALUES (500, 'via view', 1);
DELETE FROM emp WHERE empno = 500;
ALTER TABLE emp ADD COLUMN email text;
ALTER TABLE employee ADD COLUMN email text;
CREATE OR REPLACE VIEW emp AS SELECT employee_id AS empno, full_name AS ename, sal, deptno, mgr, email FROM employee;
CREATE OR REPLACE VIEW emp AS SELECT employee_id AS id, full_name AS ename FROM employee;
ALTER VIEW emp RENAME COLUMN mgr TO manager_empno;
ALTER VIEW emp SET (security_invoker = true);
ALTER TABLE employee ADD CONSTRAINT employee_dept FOREIGN KEY (deptno) REFERENCES dept;
ALTER TABLE employee DROP COLUMN sal;
CREATE TABLE salary (employee_id int REFERENCES employee, valid_from date DEFAULT current_date, amount numeric NOT NULL, PRIMARY KEY (employee_id, valid_from));
INSERT INTO salary (employee_id, amount) SELECT empno, sal FROM emp WHERE sal IS NOT NULL;
DROP VIEW emp;
ALTER TABLE employee DROP COLUMN sal;
CREATE VIEW emp AS SELECT e.employee_id AS empno, e.full_name AS ename, (SELECT amount FROM salary s WHERE s.employee_id = e.employee_id ORDER BY valid_from DESC LIMIT 1) AS sal FROM employee e;
UPDATE emp SET sal = 1;
CREATE FUNCTION emp_set_sal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO hr.salary (employee_id, amount) VALUES (OLD.empno, NEW.sal) ON CONFLICT (employee_id, valid_from) DO UPDATE SET amount = excluded.amount; RETURN NEW; END $$;
CREATE TRIGGER emp_set_sal INSTEAD OF UPDATE ON emp FOR EACH ROW EXECUTE FUNCTION emp_set_sal();
UPDATE emp SET sal = 1 WHERE empno = 3;
DROP TABLE emp;
SELECT head_count(1);
DROP TABLE IF EXISTS dept;
