-- A small shop with everything that spreads locks: foreign keys both ways, partitions with a default, inheritance,
-- views on views, owned sequences, domains, policies.
CREATE SCHEMA shop;
CREATE SCHEMA attic;
CREATE DOMAIN shop.amount AS numeric(10,2) CHECK (VALUE >= 0);
CREATE DOMAIN shop.label AS text;
CREATE TYPE shop.state AS ENUM ('new', 'paid');
CREATE TYPE shop.place AS (city text, zip text);
CREATE FUNCTION shop.stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION shop.twice(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * i';
CREATE FUNCTION shop.roll() RETURNS int LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN 4; END';
CREATE TABLE shop.customer (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(100) NOT NULL UNIQUE, name text, age int,
  CONSTRAINT aged CHECK (age IS NOT NULL));
CREATE TABLE shop.item (id serial PRIMARY KEY, title text, price shop.amount, state shop.state, weight numeric(8,2));
CREATE INDEX item_title ON shop.item (title);
CREATE TABLE shop.basket (
  id bigint PRIMARY KEY, customer bigint CONSTRAINT basket_customer REFERENCES shop.customer ON DELETE CASCADE,
  item int CONSTRAINT basket_item REFERENCES shop.item, placed timestamp);
CREATE TABLE shop.loose (id int PRIMARY KEY, customer bigint, n int);
ALTER TABLE shop.loose ADD CONSTRAINT loose_customer FOREIGN KEY (customer) REFERENCES shop.customer NOT VALID,
  ADD CONSTRAINT positive CHECK (n > 0) NOT VALID;
CREATE UNIQUE INDEX loose_n ON shop.loose (n);
CREATE TABLE shop.event (id int, day int NOT NULL, customer bigint REFERENCES shop.customer, PRIMARY KEY (id, day))
  PARTITION BY RANGE (day);
CREATE TABLE shop.event_1 PARTITION OF shop.event FOR VALUES FROM (0) TO (10);
CREATE TABLE shop.event_rest PARTITION OF shop.event DEFAULT;
CREATE TABLE shop.event_2 (id int NOT NULL, day int NOT NULL, customer bigint);
CREATE TABLE shop.animal (id int, legs int);
CREATE TABLE shop.dog (bark text) INHERITS (shop.animal);
CREATE TABLE shop.address OF shop.place;
CREATE VIEW shop.adult AS SELECT id, email FROM shop.customer WHERE age > 17;
CREATE VIEW shop.adult_mail AS SELECT email FROM shop.adult;
CREATE MATERIALIZED VIEW shop.prices AS SELECT id, price FROM shop.item;
CREATE UNIQUE INDEX prices_id ON shop.prices (id);
CREATE SEQUENCE shop.ticket;
CREATE TABLE shop.secret (id int PRIMARY KEY, who text);
ALTER TABLE shop.secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON shop.secret USING (EXISTS (SELECT FROM shop.loose l WHERE l.id = secret.id));
CREATE TRIGGER stamped BEFORE INSERT ON shop.item FOR EACH ROW EXECUTE FUNCTION shop.stamp();
CREATE STATISTICS shop.item_stats ON title, weight FROM shop.item;
CREATE PUBLICATION feed FOR TABLE shop.item;
INSERT INTO shop.customer (email, age) VALUES ('a', 20), ('b', 30);
INSERT INTO shop.item (title, price) VALUES ('x', 1), ('y', 2);
INSERT INTO shop.loose VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO shop.event VALUES (1, 1, 1), (2, 99, 2);
INSERT INTO shop.basket VALUES (1, 1, 1, now());
INSERT INTO shop.animal VALUES (1, 4);
INSERT INTO shop.dog VALUES (2, 4, 'wuff');
