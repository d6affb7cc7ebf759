-- Names with capitals, blanks, quotes and dots in them, and keywords.
-- setup
CREATE TABLE "User" (id int, "order" int, "Full Name" text); CREATE TABLE "user" (id int); CREATE TABLE "a.b" (id int);
CREATE TABLE "it""s" (id int); CREATE SCHEMA "My.Schema"; CREATE TABLE "My.Schema"."a.b" ("c.d" int);
-- test
ALTER TABLE "User" ADD COLUMN "group" int;
ALTER TABLE user ADD COLUMN x int;
ALTER TABLE "user" ADD COLUMN x int;
ALTER TABLE User RENAME TO person;
ALTER TABLE "User" RENAME "Full Name" TO full_name;
CREATE INDEX "Idx" ON "User" ("order");
DROP INDEX idx;
DROP INDEX "Idx";
ALTER TABLE "a.b" ADD COLUMN "e.f" int;
ALTER TABLE a.b ADD COLUMN g int;
ALTER TABLE "My.Schema"."a.b" RENAME COLUMN "c.d" TO cd;
DROP TABLE "it""s";
ALTER TABLE USER_ ADD COLUMN x int;
SELECT "Full Name" FROM "User";
SELECT full_name FROM "User";
DROP TABLE "USER";
DROP TABLE "User", "user";
