-- The head of a pg_dump: an empty search_path, and all names qualified; then somebody's own lines below.
-- setup
CREATE SCHEMA crm; CREATE TABLE crm.client (id int); CREATE TABLE client (id int);
-- test
SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET row_security = off;
CREATE TABLE crm.call (id integer NOT NULL, client integer);
ALTER TABLE crm.call OWNER TO CURRENT_USER;
ALTER TABLE ONLY crm.call ADD CONSTRAINT call_pkey PRIMARY KEY (id);
CREATE INDEX call_client ON crm.call USING btree (client);
ALTER TABLE ONLY crm.client ADD CONSTRAINT client_pkey PRIMARY KEY (id);
ALTER TABLE ONLY crm.call ADD CONSTRAINT call_client_fkey FOREIGN KEY (client) REFERENCES crm.client(id);
CREATE FUNCTION crm.broken() RETURNS void LANGUAGE sql AS $$ SELECT * FROM nowhere $$;
ALTER TABLE client ADD COLUMN note text;
CREATE TABLE client (id int);
RESET search_path;
ALTER TABLE client ADD COLUMN note text;
