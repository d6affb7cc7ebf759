-- An ORM that took every name as it came: user, group, order, end, desc, table.
-- setup
CREATE TABLE "user" (id int PRIMARY KEY, "desc" text, "end" date, "default" int DEFAULT 7, "primary" boolean);
CREATE TABLE "group" (id int PRIMARY KEY, "order" int, "check" text, "user" int REFERENCES "user");
CREATE TABLE "table" ("column" int, "select" text, value text, key int, name text, type text);
CREATE TABLE "constraint" ("only" int); CREATE TABLE partition (attach int, detach int, "all" int);
CREATE VIEW "view" AS SELECT id, "desc" FROM "user";
INSERT INTO "user" SELECT g, 'd', '2025-01-01' FROM generate_series(1, 20) g; INSERT INTO "group" SELECT g, g, 'c', g FROM generate_series(1, 20) g; INSERT INTO "table" SELECT g, 's', 'v', g FROM generate_series(1, 20) g; INSERT INTO partition VALUES (1, 2, 3);
-- test
ALTER TABLE "table" RENAME "column" TO "from";
ALTER TABLE "table" ADD "column" text, ADD COLUMN "constraint" int CHECK ("constraint" > 0);
ALTER TABLE "table" ALTER value SET DEFAULT 'key', ALTER COLUMN key SET NOT NULL, ALTER type TYPE varchar;
ALTER TABLE "table" DROP "select";
ALTER TABLE "table" DROP type, DROP COLUMN name;
ALTER TABLE partition RENAME attach TO to_;
ALTER TABLE partition ADD COLUMN attach int, DROP detach;
ALTER TABLE "constraint" RENAME TO "partition of";
ALTER TABLE ONLY "user" ADD UNIQUE ("end", "default", id);
ALTER TABLE "group" RENAME "order" TO "set";
UPDATE "group" SET "set" = "set" + 1, "check" = "check" || ' or ' FROM "user" AS "where" WHERE "where".id = "group"."user";
CREATE INDEX "index" ON "group" ("set");
CREATE INDEX concurrently ON "group" ("check");
CREATE INDEX CONCURRENTLY concurrently ON "group" ("check", "set");
CREATE TABLE user (id int);
SELECT user;
DELETE FROM "user" WHERE id > 10;
DELETE FROM "group" USING "user" WHERE "group"."user" = "user".id AND "user".id > 10;
DELETE FROM "user" WHERE id > 10;
ALTER TABLE "user" RENAME TO users;
CREATE VIEW "user" AS SELECT * FROM users;
DROP VIEW "view";
ALTER TABLE users DROP "primary";
ALTER TABLE users DROP "desc" CASCADE;
DROP INDEX index;
DROP INDEX "concurrently";
DROP TABLE "table", partition, "partition of";
COMMENT ON COLUMN "group"."check" IS 'on column "check" is not a check';
