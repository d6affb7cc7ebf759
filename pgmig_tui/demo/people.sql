-- Purpose:    the users and folders of the demonstration's documents: 25 users, 8 folders with 4 in each.
-- Privileges: owner of dms.users and dms.folders.
-- Versions:   13 and later.

INSERT INTO dms.users (email, full_name)
SELECT pg_catalog.lower(first_name || '.' || last_name) || '@example.com', first_name || ' ' || last_name
  FROM pg_catalog.unnest(ARRAY['Ana', 'Jonas', 'Mei', 'Omar', 'Ingrid']) AS first_name
 CROSS JOIN pg_catalog.unnest(ARRAY['Lindqvist', 'Berg', 'Tanaka', 'Haddad', 'Moreau']) AS last_name;

INSERT INTO dms.folders (parent_id, name)
SELECT NULL, name
  FROM pg_catalog.unnest(
           ARRAY['Contracts', 'Finance', 'Projects', 'Board', 'Archive', 'Personnel', 'Quality', 'Suppliers']
       ) AS name;

INSERT INTO dms.folders (parent_id, name)
SELECT id, quarter
  FROM dms.folders
 CROSS JOIN pg_catalog.unnest(ARRAY['First quarter', 'Second quarter', 'Third quarter', 'Fourth quarter']) AS quarter
 WHERE parent_id IS NULL;
