-- A patch that somebody cut out of a pg_dump, its header included, in an order that almost works.
-- setup
CREATE SCHEMA clinic; CREATE TABLE clinic.ward (id integer NOT NULL, name text); CREATE SEQUENCE clinic.ward_id_seq AS integer;
INSERT INTO clinic.ward SELECT g, 'w' || g FROM generate_series(1, 12) g;
CREATE ROLE clinic_admin_k;
-- test
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION clinic.free_beds(w integer) RETURNS bigint
    LANGUAGE sql STABLE
    AS $$ SELECT count(*) FROM clinic.bed WHERE ward_id = w AND NOT taken $$;
ALTER FUNCTION clinic.free_beds(w integer) OWNER TO clinic_admin_k;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE clinic.bed (
    id integer NOT NULL,
    ward_id integer NOT NULL,
    taken boolean DEFAULT false NOT NULL
);
ALTER TABLE clinic.bed OWNER TO clinic_admin_k;
CREATE SEQUENCE clinic.bed_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE clinic.bed_id_seq OWNED BY clinic.bed.id;
ALTER SEQUENCE clinic.bed_id_seq OWNER TO clinic_admin_k;
ALTER TABLE clinic.bed_id_seq OWNER TO clinic_admin_k;
ALTER SEQUENCE clinic.bed_id_seq OWNED BY clinic.bed.id;
ALTER SEQUENCE clinic.ward_id_seq OWNED BY clinic.ward.id;
ALTER TABLE ONLY clinic.bed ALTER COLUMN id SET DEFAULT nextval('clinic.bed_id_seq'::regclass);
ALTER TABLE ONLY clinic.ward ALTER COLUMN id SET DEFAULT nextval('clinic.ward_id_seq'::regclass);
COPY clinic.bed (id, ward_id, taken) FROM stdin;
1	1	f
2	1	t
3	99	f
\.
SELECT pg_catalog.setval('clinic.bed_id_seq', 3, true);
SELECT pg_catalog.setval('ward_id_seq', 12, true);
ALTER TABLE ONLY clinic.bed
    ADD CONSTRAINT bed_ward_id_fkey FOREIGN KEY (ward_id) REFERENCES clinic.ward(id);
ALTER TABLE ONLY clinic.ward
    ADD CONSTRAINT ward_pkey PRIMARY KEY (id);
ALTER TABLE ONLY clinic.bed
    ADD CONSTRAINT bed_ward_id_fkey FOREIGN KEY (ward_id) REFERENCES clinic.ward(id);
DELETE FROM clinic.bed WHERE ward_id = 99;
ALTER TABLE ONLY clinic.bed
    ADD CONSTRAINT bed_ward_id_fkey FOREIGN KEY (ward_id) REFERENCES clinic.ward(id);
CREATE INDEX bed_free ON clinic.bed USING btree (ward_id) WHERE (NOT taken);
ALTER TABLE clinic.bed CLUSTER ON bed_free;
REVOKE ALL ON TABLE clinic.bed FROM PUBLIC;
GRANT SELECT,INSERT ON TABLE clinic.bed TO PUBLIC;
ALTER TABLE bed ADD COLUMN note text;
DROP TABLE ward;
DROP TABLE clinic.ward;
