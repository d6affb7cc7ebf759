-- A schema for each tenant: a rollout in loops, one tenant offboarded, one template copied.
-- setup
CREATE SCHEMA tenant_001; CREATE SCHEMA tenant_002; CREATE SCHEMA tenant_003; CREATE SCHEMA admin;
CREATE TABLE admin.tenant (code text PRIMARY KEY, active boolean DEFAULT true, version int DEFAULT 1); INSERT INTO admin.tenant (code) VALUES ('tenant_001'), ('tenant_002'); INSERT INTO admin.tenant VALUES ('tenant_003', false);
DO $$ DECLARE s text; BEGIN FOREACH s IN ARRAY ARRAY['tenant_001', 'tenant_002', 'tenant_003'] LOOP EXECUTE format('CREATE TABLE %I.ticket (id int PRIMARY KEY, subject text, prio int)', s); EXECUTE format('CREATE TABLE %I.ticket_tag (ticket_id int REFERENCES %I.ticket, tag text)', s, s); EXECUTE format('INSERT INTO %I.ticket SELECT g, ''s'', g FROM generate_series(1, 10) g', s); EXECUTE format('INSERT INTO %I.ticket_tag SELECT g, ''t'' FROM generate_series(1, 10) g', s); END LOOP; END $$;
-- test
DO $roll$
DECLARE t record;
BEGIN
  FOR t IN SELECT code FROM admin.tenant WHERE active ORDER BY code LOOP
    EXECUTE format('SET LOCAL search_path = %I, pg_catalog', t.code);
    ALTER TABLE ticket ADD COLUMN assignee text;
    CREATE INDEX ticket_prio ON ticket (prio) WHERE prio > 3;
    EXECUTE format('UPDATE admin.tenant SET version = version + 1 WHERE code = %L', t.code);
  END LOOP;
END $roll$;
CREATE PROCEDURE admin.each_tenant(cmd text) LANGUAGE plpgsql AS $$
DECLARE c text;
BEGIN
  FOR c IN SELECT code FROM admin.tenant WHERE active ORDER BY code LOOP
    EXECUTE replace(cmd, '{}', quote_ident(c));
  END LOOP;
END $$;
CALL admin.each_tenant('ALTER TABLE {}.ticket ALTER COLUMN prio SET NOT NULL');
CALL admin.each_tenant('CREATE VIEW {}.urgent AS SELECT * FROM {}.ticket WHERE prio > 8');
CALL admin.each_tenant('ALTER TABLE {}.ticket DROP COLUMN subject');
SELECT format('DROP VIEW %I.urgent', code) FROM admin.tenant WHERE active ORDER BY 1 \gexec
CALL admin.each_tenant('DELETE FROM {}.ticket WHERE id > 8');
CALL admin.each_tenant('DELETE FROM {}.ticket_tag WHERE ticket_id > 8');
CALL admin.each_tenant('DELETE FROM {}.ticket WHERE id > 8');
DO $$
DECLARE c text;
BEGIN
  FOR c IN SELECT code FROM admin.tenant WHERE NOT active LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', c);
    DELETE FROM admin.tenant WHERE code = c;
  END LOOP;
END $$;
CREATE SCHEMA tenant_004
  CREATE TABLE ticket (id int PRIMARY KEY, subject text, prio int NOT NULL, assignee text)
  CREATE INDEX ticket_prio ON ticket (prio) WHERE prio > 3;
INSERT INTO admin.tenant VALUES ('tenant_004', true, 2);
INSERT INTO tenant_004.ticket SELECT * FROM tenant_001.ticket;
CREATE TABLE tenant_004.ticket_tag (LIKE tenant_001.ticket_tag INCLUDING ALL, FOREIGN KEY (ticket_id) REFERENCES tenant_004.ticket);
ALTER TABLE tenant_001.ticket_tag SET SCHEMA tenant_004;
ALTER TABLE tenant_001.ticket_tag RENAME TO ticket_label;
ALTER SCHEMA tenant_002 RENAME TO tenant_two;
CALL admin.each_tenant('ALTER TABLE {}.ticket ADD COLUMN closed date');
UPDATE admin.tenant SET code = 'tenant_two' WHERE code = 'tenant_002';
CALL admin.each_tenant('ALTER TABLE {}.ticket ADD COLUMN closed date');
DROP SCHEMA tenant_001;
DROP SCHEMA tenant_003, tenant_001 CASCADE;
DROP SCHEMA IF EXISTS tenant_003, tenant_001 CASCADE;
