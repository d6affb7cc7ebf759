-- setup

-- test
BEGIN;
CREATE TABLE emp (id int PRIMARY KEY, name text NOT NULL, salary numeric, dept_id int, hired date);
CREATE TABLE dept (id int PRIMARY KEY, title varchar(40));
INSERT INTO dept VALUES (1, 'R&D'), (2, 'Sales'), (3, 'Empty');
INSERT INTO emp SELECT g, 'E' || g, 1000 + g, 1 + g % 2, date '2020-01-01' + g FROM generate_series(1, 50) g;
CREATE VIEW v_emp AS SELECT * FROM emp;
CREATE VIEW v_emp_dept AS SELECT e.id, e.name, e.salary, d.title FROM v_emp e LEFT JOIN dept d ON d.id = e.dept_id;
CREATE VIEW v_payroll AS SELECT title, sum(salary) AS total, count(*) AS heads FROM v_emp_dept GROUP BY title;
CREATE VIEW v_rich WITH (security_barrier) AS SELECT id, name, salary FROM v_emp WHERE salary > 1040 WITH LOCAL CHECK OPTION;
COMMIT;
-- new column: SELECT * was frozen at creation
ALTER TABLE emp ADD COLUMN email text;
-- fails: v_emp does not have the new column
SELECT email FROM v_emp;
CREATE OR REPLACE VIEW v_emp AS SELECT id, name, salary, dept_id, hired, email FROM emp;
-- fails: cannot drop columns from view
CREATE OR REPLACE VIEW v_emp AS SELECT id, name, salary FROM emp;
-- fails: cannot change name of view column
CREATE OR REPLACE VIEW v_payroll AS SELECT title AS department, sum(salary) AS total, count(*) AS heads FROM v_emp_dept GROUP BY title;
ALTER VIEW v_payroll RENAME COLUMN title TO department;
-- rename below is followed by views
ALTER TABLE emp RENAME COLUMN salary TO base_salary;
SELECT id, salary FROM v_rich ORDER BY id LIMIT 3;
-- fails: the table's own column has a new name
UPDATE emp SET salary = salary * 1.02;
UPDATE v_emp SET salary = salary * 1.02 WHERE dept_id = 1;
-- fails: violates check option
UPDATE v_rich SET salary = 10 WHERE id = 50;
-- fails: view with aggregate is not updatable
DELETE FROM v_payroll WHERE department = 'Sales';
-- fails: join view is not automatically updatable
UPDATE v_emp_dept SET name = upper(name);
DELETE FROM v_rich WHERE salary > 1045;
-- fails: three views depend on it
ALTER TABLE emp DROP COLUMN base_salary;
-- fails: used by a view
ALTER TABLE dept ALTER COLUMN title TYPE text;
BEGIN;
DROP VIEW v_payroll, v_emp_dept;
ALTER TABLE dept ALTER COLUMN title TYPE text;
CREATE VIEW v_emp_dept AS SELECT e.id, e.name, d.title FROM v_emp e JOIN dept d ON d.id = e.dept_id;
COMMIT;
ALTER VIEW v_rich SET (security_barrier = false);
-- fails: cannot move objects into temporary schemas
ALTER VIEW v_emp SET SCHEMA pg_temp;
ALTER TABLE v_emp_dept RENAME TO v_staff;
-- fails: it is a view, not a table
DROP TABLE v_staff;
DROP TABLE emp CASCADE;
