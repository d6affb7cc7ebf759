-- Purpose:    the demonstration's documents number %(first)s to %(last)s, the same ones each time.
-- Privileges: superuser: session_replication_role keeps foreign keys, which hold by construction, from being checked
--             200,000 times.
-- Versions:   13 and later.

SET LOCAL session_replication_role = replica;

INSERT INTO dms.documents (folder_id, owner_id, title, body, size_bytes, status, tags, created_at, updated_at)
SELECT 1 + pg_catalog.mod(i, 40),
       1 + pg_catalog.mod(i * 7, 25),
       kinds[1 + pg_catalog.mod(i, 8)] || ' ' || i || ': ' || topics[1 + pg_catalog.mod(i * 5, 12)],
       'This ' || pg_catalog.lower(kinds[1 + pg_catalog.mod(i, 8)])
           || ' is about ' || topics[1 + pg_catalog.mod(i * 5, 12)]
           || ' and ' || topics[1 + pg_catalog.mod(i * 7 + 3, 12)]
           || '. It was ' || fates[1 + pg_catalog.mod(i, 6)]
           || ', and ' || fates[1 + pg_catalog.mod(i / 6, 6)]
           || ' after a review of its appendix ' || pg_catalog.mod(i * 31, 997)
           || '. Questions go to the office that keeps file ' || i || '.',
       1000 + pg_catalog.mod(i * 7919, 5000000),
       (pg_catalog.enum_range(NULL::dms.document_status))[1 + pg_catalog.mod(i / 3, 4)],
       ARRAY[pg_catalog.lower(kinds[1 + pg_catalog.mod(i, 8)])],
       moment,
       moment
  FROM (SELECT ARRAY['Contract', 'Invoice', 'Report', 'Minutes', 'Proposal', 'Manual', 'Letter', 'Drawing'],
               ARRAY['the harbour bridge', 'solar roofs', 'the new archive', 'water supply', 'night trains',
                     'school kitchens', 'the tram depot', 'forest roads', 'the city library', 'heat pumps',
                     'flood walls', 'the ferry landing'],
               ARRAY['signed by both parties', 'sent back once', 'approved by the board', 'shortened by half',
                     'translated', 'printed for the meeting']) AS words (kinds, topics, fates)
 CROSS JOIN pg_catalog.generate_series(%(first)s::integer, %(last)s::integer) AS i
 CROSS JOIN LATERAL (SELECT pg_catalog.now() - pg_catalog.make_interval(mins => i)) AS clock (moment);
