-- setup

-- test
SET client_encoding TO 'UTF8';
-- Straßen- und Kundendaten, Altsystem "Zürich"
CREATE SCHEMA "Größe & Co";
CREATE TABLE "Größe & Co"."Kunde" ("Kunden-Nr" int PRIMARY KEY, "Straße" text, "select" text DEFAULT 'x', "Umsatz €" numeric(10,2));
INSERT INTO "Größe & Co"."Kunde" ("Kunden-Nr", "Straße", "Umsatz €") SELECT g, 'Hauptstraße ' || g, g * 1.5 FROM generate_series(1, 20) g;
CREATE TABLE kunde (id int, "Id" int, "ID" int);
INSERT INTO kunde VALUES (1, 2, 3), (4, 5, 6);
CREATE TABLE "таблица" ("имя" text, "возраст" int CHECK ("возраст" > 0));
INSERT INTO "таблица" VALUES ('Оля', 30), ('Пётр', 41);
CREATE TABLE "日本" ("都市" text UNIQUE, "人口" bigint);
INSERT INTO 日本 VALUES ('東京', 14000000), ('大阪', 2700000);
COPY "таблица" ("имя", "возраст") FROM stdin;
Jürgen; DROP	55
名前	7
\.
CREATE VIEW "v ""quoted""" AS SELECT "Kunden-Nr" AS nr, "Umsatz €" AS u FROM "Größe & Co"."Kunde";
ALTER TABLE "Größe & Co"."Kunde" RENAME COLUMN "select" TO "from";
ALTER TABLE "Größe & Co"."Kunde" ADD COLUMN "table" integer NOT NULL DEFAULT 0;
ALTER TABLE KUNDE DROP COLUMN "Id";
ALTER TABLE Kunde ALTER COLUMN "ID" TYPE bigint;
ALTER TABLE U&"\0442\0430\0431\043B\0438\0446\0430" ADD COLUMN "рост" numeric;
UPDATE таблица SET "рост" = 170.5 WHERE имя = 'Оля';
ALTER TABLE "日本" RENAME TO "日本 2024";
CREATE INDEX "индекс по имени" ON "таблица" (lower("имя"));
CREATE UNIQUE INDEX "Idx;DROP TABLE kunde;--" ON kunde ("ID");
DROP INDEX "Idx;DROP TABLE kunde;--";
COMMENT ON TABLE "日本 2024" IS E'it''s a\ttable; DROP TABLE "日本 2024";';
CREATE FUNCTION "Größe & Co"."fn ü"("ä" int) RETURNS void LANGUAGE plpgsql AS $ö$ BEGIN UPDATE "Größe & Co"."Kunde" SET "table" = "ä" WHERE "Kunden-Nr" <= "ä"; END $ö$;
SELECT "Größe & Co"."fn ü"(5);
CREATE TABLE "a.b" (c int);
CREATE SCHEMA a; CREATE TABLE a.b (c int);
INSERT INTO "a.b" VALUES (1); INSERT INTO a.b SELECT * FROM "a.b";
DROP TABLE "a.b";
TRUNCATE a.b;
CREATE TABLE this_is_a_very_long_table_name_that_goes_well_beyond_the_sixty_three_byte_limit (x int);
ALTER TABLE this_is_a_very_long_table_name_that_goes_well_beyond_the_sixty_three_byte_limit_and_is_cut ADD y int;
DELETE FROM "日本 2024" WHERE 都市 = '大阪';
ALTER TABLE "таблица" DROP COLUMN "возраст";
/* nested /* comment; */ DROP TABLE kunde; */
DROP VIEW "v ""quoted""";
DROP TABLE "Größe & Co"."Kunde";
