-- setup
-- db/structure.sql + db/migrate/2023*.rb as ActiveRecord logs it
CREATE TABLE "schema_migrations" ("version" character varying NOT NULL PRIMARY KEY);
CREATE TABLE "ar_internal_metadata" ("key" character varying NOT NULL PRIMARY KEY, "value" character varying, "created_at" timestamp(6) NOT NULL, "updated_at" timestamp(6) NOT NULL);
-- test

BEGIN;
CREATE TABLE "customers" ("id" bigserial primary key, "email" character varying NOT NULL, "name" character varying, "created_at" timestamp(6) NOT NULL DEFAULT now(), "updated_at" timestamp(6) NOT NULL DEFAULT now());
CREATE UNIQUE INDEX "index_customers_on_email" ON "customers" ("email");
INSERT INTO "schema_migrations" ("version") VALUES ('20230104091200');
COMMIT;
BEGIN;
CREATE TABLE "orders" ("id" bigserial primary key, "customer_id" bigint NOT NULL, "state" integer DEFAULT 0 NOT NULL, "total_cents" integer DEFAULT 0 NOT NULL, "notes" text, "created_at" timestamp(6) NOT NULL DEFAULT now(), CONSTRAINT "fk_rails_3dad120da9"
FOREIGN KEY ("customer_id")
  REFERENCES "customers" ("id")
);
CREATE INDEX "index_orders_on_customer_id" ON "orders" ("customer_id");
INSERT INTO "schema_migrations" ("version") VALUES ('20230104091355');
COMMIT;
INSERT INTO customers (email, name) SELECT 'user' || g || '@example.com', 'User ' || g FROM generate_series(1, 50) g;
INSERT INTO orders (customer_id, state, total_cents, notes) SELECT 1 + g % 50, g % 4, g * 100, CASE WHEN g % 3 = 0 THEN 'gift' END FROM generate_series(1, 200) g;
-- == 20230310120000 AddLockVersionToOrders: migrating ==
BEGIN;
ALTER TABLE "orders" ADD "lock_version" integer DEFAULT 0 NOT NULL;
ALTER TABLE "orders" ALTER COLUMN "total_cents" TYPE bigint;
ALTER TABLE "customers" ALTER COLUMN "name" SET DEFAULT '';
UPDATE "customers" SET "name" = '' WHERE "name" IS NULL;
ALTER TABLE "customers" ALTER COLUMN "name" SET NOT NULL;
INSERT INTO "schema_migrations" ("version") VALUES ('20230310120000');
COMMIT;
-- == 20230402081500 SplitCustomerName: migrating (strong_migrations: safety_assured) ==
BEGIN;
ALTER TABLE "customers" ADD COLUMN "first_name" character varying, ADD COLUMN "last_name" character varying;
UPDATE customers SET first_name = split_part(name, ' ', 1), last_name = split_part(name, ' ', 2);
ALTER TABLE "customers" DROP COLUMN "name";
INSERT INTO "schema_migrations" ("version") VALUES ('20230402081500');
COMMIT;
-- == 20230511 AddIndexToOrdersState: disable_ddl_transaction! ==
CREATE INDEX CONCURRENTLY "index_orders_on_state_and_created_at" ON "orders" ("state", "created_at" DESC) WHERE state <> 3;
INSERT INTO "schema_migrations" ("version") VALUES ('20230511070000');
-- == 20230601 RenameOrdersToPurchases: migrating ==
BEGIN;
ALTER TABLE "orders" RENAME TO "purchases";
ALTER TABLE "public"."orders_id_seq" RENAME TO "purchases_id_seq";
ALTER INDEX "orders_pkey" RENAME TO "purchases_pkey";
ALTER INDEX "index_orders_on_customer_id" RENAME TO "index_purchases_on_customer_id";
INSERT INTO "schema_migrations" ("version") VALUES ('20230601130000');
COMMIT;
-- == 20230620 RemoveNotesFromPurchases ==
BEGIN;
ALTER TABLE "purchases" DROP COLUMN "notes";
DROP INDEX "index_customers_on_email";
CREATE UNIQUE INDEX "index_customers_on_lower_email" ON "customers" (lower(email));
DELETE FROM "purchases" WHERE "state" = 3;
INSERT INTO "schema_migrations" ("version") VALUES ('20230620130000');
COMMIT;
