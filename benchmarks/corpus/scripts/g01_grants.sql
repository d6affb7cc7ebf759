-- A new role for an application, with the rights of the old one; the old one goes.
-- setup
CREATE ROLE app_old; CREATE ROLE app_new;
CREATE SCHEMA data; CREATE TABLE data.a (id serial PRIMARY KEY); CREATE TABLE data.b (id int); CREATE VIEW data.c AS SELECT * FROM data.a;
ALTER TABLE data.b OWNER TO app_old; GRANT ALL ON data.a TO app_old;
-- test
GRANT USAGE ON SCHEMA data TO app_new;
GRANT SELECT, INSERT ON data.a, data.b TO app_new;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA data TO app_new;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA data TO app_new;
GRANT app_old TO app_new;
DROP ROLE app_old;
REASSIGN OWNED BY app_old TO app_new;
DROP OWNED BY app_old;
DROP ROLE app_old;
ALTER TABLE data.b OWNER TO CURRENT_USER;
REVOKE ALL ON ALL TABLES IN SCHEMA data FROM app_new CASCADE;
ALTER DEFAULT PRIVILEGES FOR ROLE app_new IN SCHEMA data GRANT SELECT ON TABLES TO PUBLIC;
DROP OWNED BY app_new CASCADE;
ALTER TABLE data.a ENABLE ROW LEVEL SECURITY;
DROP ROLE app_new;
GRANT SELECT ON data.d TO PUBLIC;
