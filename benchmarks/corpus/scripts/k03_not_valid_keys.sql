-- Keys that are added unchecked and checked later, across a rename.
-- setup
CREATE TABLE author (id int PRIMARY KEY, name text);
CREATE TABLE book (id int PRIMARY KEY, author int, editor int);
INSERT INTO author VALUES (1, 'a'); INSERT INTO book VALUES (1, 1, 1);
-- test
ALTER TABLE book ADD CONSTRAINT book_author FOREIGN KEY (author) REFERENCES author NOT VALID;
ALTER TABLE author RENAME TO writer;
ALTER TABLE book VALIDATE CONSTRAINT book_author;
ALTER TABLE book VALIDATE CONSTRAINT book_author;
ALTER TABLE book RENAME CONSTRAINT book_author TO book_writer;
ALTER TABLE book ADD FOREIGN KEY (editor) REFERENCES writer (name);
ALTER TABLE book ADD FOREIGN KEY (editor) REFERENCES writer (id) ON DELETE SET DEFAULT;
ALTER TABLE book ADD FOREIGN KEY (editor) REFERENCES author (id);
ALTER TABLE writer DROP CONSTRAINT author_pkey;
DELETE FROM writer WHERE id = 3;
ALTER TABLE book DROP COLUMN author;
ALTER TABLE book DROP CONSTRAINT book_writer;
ALTER TABLE book DROP CONSTRAINT book_editor_fkey;
DROP TABLE writer;
