-- Seed rows in a migration, with serials, keys and upserts.
-- setup
CREATE TABLE role (id serial PRIMARY KEY, name text UNIQUE); CREATE TABLE perm (role int REFERENCES role, what text, PRIMARY KEY (role, what));
INSERT INTO role (name) VALUES ('admin');
-- test
INSERT INTO role (name) VALUES ('editor'), ('viewer');
INSERT INTO role (id, name) VALUES (100, 'robot');
INSERT INTO role (name) VALUES ('admin') ON CONFLICT (name) DO NOTHING;
INSERT INTO role (name) VALUES ('admin') ON CONFLICT (name) DO UPDATE SET name = EXCLUDED.name;
INSERT INTO perm SELECT id, 'read' FROM role;
INSERT INTO perm (role, what) VALUES ((SELECT id FROM role WHERE name = 'admin'), 'write');
INSERT INTO perm (role, what) SELECT r.id, w FROM role r CROSS JOIN (VALUES ('a'), ('b')) AS x (w) ON CONFLICT DO NOTHING;
INSERT INTO role DEFAULT VALUES;
INSERT INTO role (nam) VALUES ('x');
INSERT INTO role VALUES (DEFAULT, 'y');
SELECT setval('role_id_seq', (SELECT max(id) FROM role));
INSERT INTO perm VALUES (1);
INSERT INTO rolle (name) VALUES ('z');
INSERT INTO role (name) SELECT name || '2' FROM role RETURNING id;
