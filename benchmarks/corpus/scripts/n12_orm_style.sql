-- As an ORM writes it: generated names, one action a statement, constraints dropped and made again.
-- setup
CREATE TABLE "auth_user" ("id" serial PRIMARY KEY, "username" varchar(30) NOT NULL UNIQUE);
CREATE TABLE "blog_post" ("id" serial PRIMARY KEY, "author_id" integer NOT NULL, "title" varchar(100) NOT NULL);
ALTER TABLE "blog_post" ADD CONSTRAINT "blog_post_author_id_fk" FOREIGN KEY ("author_id") REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED;
INSERT INTO auth_user (username) VALUES ('u'); INSERT INTO blog_post (author_id, title) VALUES (1, 't');
-- test
BEGIN;
SET CONSTRAINTS "blog_post_author_id_fk" IMMEDIATE;
ALTER TABLE "blog_post" DROP CONSTRAINT "blog_post_author_id_fk";
ALTER TABLE "auth_user" ALTER COLUMN "id" TYPE bigint USING "id"::bigint;
ALTER SEQUENCE IF EXISTS "auth_user_id_seq" AS bigint;
ALTER TABLE "blog_post" ALTER COLUMN "author_id" TYPE bigint USING "author_id"::bigint;
ALTER TABLE "blog_post" ADD CONSTRAINT "blog_post_author_id_fk" FOREIGN KEY ("author_id") REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "auth_user" ALTER COLUMN "username" TYPE varchar(150) USING "username"::varchar(150);
ALTER TABLE "blog_post" ADD COLUMN "slug" varchar(50) DEFAULT '' NOT NULL;
ALTER TABLE "blog_post" ALTER COLUMN "slug" DROP DEFAULT;
CREATE INDEX "blog_post_slug_b95473f2" ON "blog_post" ("slug");
CREATE INDEX "blog_post_slug_b95473f2_like" ON "blog_post" ("slug" varchar_pattern_ops);
DROP INDEX IF EXISTS "auth_user_username_like";
ALTER TABLE "blog_post" DROP COLUMN "title" CASCADE;
COMMIT;
