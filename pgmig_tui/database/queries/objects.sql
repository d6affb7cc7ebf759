-- Purpose: what stands under a name, kind by kind: its schema, the object that it belongs to, its OID, and what of it
--   can change. Asked in the script's own session before a statement is sent, and again when nobody knows what became
--   of it.
-- Privileges: any role. Lock-free.
-- Versions: 13-18.
-- Each kind is a part of its own, which database/objects.py puts together. Whatever search_path holds, no name and no
-- operator of somebody else's is reached.
-- :within and :within2 say where a name is looked for, :order which of several comes first, :sig is the signature.

/* kind: relation */
SELECT n.nspname::pg_catalog.text AS schema, NULL::pg_catalog.text AS owner, c.oid::pg_catalog.text AS oid,
       CASE WHEN i.indexrelid IS NULL THEN c.relkind::pg_catalog.text
            WHEN i.indisvalid AND i.indisready AND i.indislive THEN 'valid' ELSE 'invalid' END AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid
 WHERE c.relname OPERATOR(pg_catalog.=) :'name' AND :within
 ORDER BY :order LIMIT 1

/* kind: index */
SELECT n.nspname::pg_catalog.text AS schema, t.oid::pg_catalog.text AS owner, x.oid::pg_catalog.text AS oid,
       CASE WHEN i.indrelid OPERATOR(pg_catalog.=) t.oid
            THEN CASE WHEN i.indisvalid AND i.indisready AND i.indislive THEN 'valid' ELSE 'invalid' END
            ELSE 'other' END AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class t ON t.relnamespace OPERATOR(pg_catalog.=) n.oid
  LEFT JOIN pg_catalog.pg_class x
    ON x.relnamespace OPERATOR(pg_catalog.=) n.oid AND x.relname OPERATOR(pg_catalog.=) :'part'
  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) x.oid
 WHERE t.relname OPERATOR(pg_catalog.=) :'name' AND :within
 ORDER BY :order LIMIT 1

/* kind: indexes */
SELECT n.nspname::pg_catalog.text AS schema, t.oid::pg_catalog.text AS owner,
       (SELECT pg_catalog.string_agg(i.indexrelid::pg_catalog.text, ' ' ORDER BY i.indexrelid)
          FROM pg_catalog.pg_index i WHERE i.indrelid OPERATOR(pg_catalog.=) t.oid) AS oid,
       (SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I', n.nspname, x.relname), ', ' ORDER BY x.oid)
          FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid OPERATOR(pg_catalog.=) i.indexrelid
         WHERE i.indrelid OPERATOR(pg_catalog.=) t.oid
           AND NOT (i.indisvalid AND i.indisready AND i.indislive)) AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class t ON t.relnamespace OPERATOR(pg_catalog.=) n.oid
 WHERE t.relname OPERATOR(pg_catalog.=) :'name' AND :within
 ORDER BY :order LIMIT 1

/* kind: column */
SELECT n.nspname::pg_catalog.text AS schema, c.oid::pg_catalog.text AS owner, a.attnum::pg_catalog.text AS oid,
       pg_catalog.concat_ws(' ',
           CASE WHEN a.attnotnull THEN 'not-null' END,
           CASE WHEN a.attidentity OPERATOR(pg_catalog.<>) ''::pg_catalog."char" THEN 'identity' END,
           CASE WHEN a.attgenerated OPERATOR(pg_catalog.<>) ''::pg_catalog."char" THEN 'generated' END) AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
  LEFT JOIN pg_catalog.pg_attribute a
    ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attname OPERATOR(pg_catalog.=) :'part' AND NOT a.attisdropped
 WHERE c.relname OPERATOR(pg_catalog.=) :'name' AND :within
 ORDER BY :order LIMIT 1

/* kind: constraint */
SELECT n.nspname::pg_catalog.text AS schema, c.oid::pg_catalog.text AS owner, k.oid::pg_catalog.text AS oid,
       CASE WHEN k.convalidated THEN 'validated' ELSE '' END AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
  LEFT JOIN pg_catalog.pg_constraint k
    ON k.conrelid OPERATOR(pg_catalog.=) c.oid AND k.conname OPERATOR(pg_catalog.=) :'part'
 WHERE c.relname OPERATOR(pg_catalog.=) :'name' AND :within
 ORDER BY :order LIMIT 1

/* kind: primary key */
SELECT n.nspname::pg_catalog.text AS schema, c.oid::pg_catalog.text AS owner, k.oid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
  LEFT JOIN pg_catalog.pg_constraint k
    ON k.conrelid OPERATOR(pg_catalog.=) c.oid AND k.contype OPERATOR(pg_catalog.=) 'p'::pg_catalog."char"
 WHERE c.relname OPERATOR(pg_catalog.=) :'name' AND :within
 ORDER BY :order LIMIT 1

/* kind: trigger */
SELECT n.nspname::pg_catalog.text AS schema, c.oid::pg_catalog.text AS owner, g.oid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
  LEFT JOIN pg_catalog.pg_trigger g
    ON g.tgrelid OPERATOR(pg_catalog.=) c.oid AND g.tgname OPERATOR(pg_catalog.=) :'part' AND NOT g.tgisinternal
 WHERE c.relname OPERATOR(pg_catalog.=) :'name' AND :within
 ORDER BY :order LIMIT 1

/* kind: rule */
SELECT n.nspname::pg_catalog.text AS schema, c.oid::pg_catalog.text AS owner, r.oid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
  LEFT JOIN pg_catalog.pg_rewrite r
    ON r.ev_class OPERATOR(pg_catalog.=) c.oid AND r.rulename OPERATOR(pg_catalog.=) :'part'
 WHERE c.relname OPERATOR(pg_catalog.=) :'name' AND :within
 ORDER BY :order LIMIT 1

/* kind: policy */
SELECT n.nspname::pg_catalog.text AS schema, c.oid::pg_catalog.text AS owner, p.oid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
  LEFT JOIN pg_catalog.pg_policy p
    ON p.polrelid OPERATOR(pg_catalog.=) c.oid AND p.polname OPERATOR(pg_catalog.=) :'part'
 WHERE c.relname OPERATOR(pg_catalog.=) :'name' AND :within
 ORDER BY :order LIMIT 1

/* kind: partition */
SELECT n.nspname::pg_catalog.text AS schema, c.oid::pg_catalog.text AS owner,
       CASE WHEN h.inhrelid IS NOT NULL THEN b.oid::pg_catalog.text END AS oid,
       CASE WHEN pg_catalog.jsonb_extract_path_text(pg_catalog.to_jsonb(h), 'inhdetachpending')
                     OPERATOR(pg_catalog.=) 'true' THEN 'pending' ELSE '' END AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
  LEFT JOIN LATERAL (
      SELECT x.oid FROM pg_catalog.pg_namespace m JOIN pg_catalog.pg_class x ON x.relnamespace OPERATOR(pg_catalog.=) m.oid
       WHERE x.relname OPERATOR(pg_catalog.=) :'part' AND :within2
       ORDER BY :order2 LIMIT 1) AS b ON true
  LEFT JOIN pg_catalog.pg_inherits h
    ON h.inhrelid OPERATOR(pg_catalog.=) b.oid AND h.inhparent OPERATOR(pg_catalog.=) c.oid
 WHERE c.relname OPERATOR(pg_catalog.=) :'name' AND :within
 ORDER BY :order LIMIT 1

/* kind: label */
SELECT n.nspname::pg_catalog.text AS schema, t.oid::pg_catalog.text AS owner, e.oid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_type t ON t.typnamespace OPERATOR(pg_catalog.=) n.oid
  LEFT JOIN pg_catalog.pg_enum e
    ON e.enumtypid OPERATOR(pg_catalog.=) t.oid AND e.enumlabel OPERATOR(pg_catalog.=) :'part'
 WHERE t.typname OPERATOR(pg_catalog.=) :'name' AND :within
 ORDER BY :order LIMIT 1

/* kind: domain constraint */
SELECT n.nspname::pg_catalog.text AS schema, t.oid::pg_catalog.text AS owner, k.oid::pg_catalog.text AS oid,
       CASE WHEN k.convalidated THEN 'validated' ELSE '' END AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_type t ON t.typnamespace OPERATOR(pg_catalog.=) n.oid
  LEFT JOIN pg_catalog.pg_constraint k
    ON k.contypid OPERATOR(pg_catalog.=) t.oid AND k.conname OPERATOR(pg_catalog.=) :'part'
 WHERE t.typname OPERATOR(pg_catalog.=) :'name' AND :within
 ORDER BY :order LIMIT 1

/* kind: routine */
SELECT n.nspname::pg_catalog.text AS schema, NULL::pg_catalog.text AS owner, p.oid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_proc p ON p.pronamespace OPERATOR(pg_catalog.=) n.oid
 WHERE p.proname OPERATOR(pg_catalog.=) :'name' AND :within
   AND (:anysig OR p.proargtypes::pg_catalog.text OPERATOR(pg_catalog.=) given.sig)
 ORDER BY :order, p.oid LIMIT 1

/* kind: operator */
SELECT n.nspname::pg_catalog.text AS schema, NULL::pg_catalog.text AS owner, o.oid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_operator o ON o.oprnamespace OPERATOR(pg_catalog.=) n.oid
 WHERE o.oprname OPERATOR(pg_catalog.=) :'name' AND :within
   AND pg_catalog.concat(o.oprleft, ' ', o.oprright) OPERATOR(pg_catalog.=) given.sig
 ORDER BY :order LIMIT 1

/* kind: operator class */
SELECT n.nspname::pg_catalog.text AS schema, NULL::pg_catalog.text AS owner, o.oid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_opclass o ON o.opcnamespace OPERATOR(pg_catalog.=) n.oid
  JOIN pg_catalog.pg_am a ON a.oid OPERATOR(pg_catalog.=) o.opcmethod
 WHERE o.opcname OPERATOR(pg_catalog.=) :'name' AND a.amname OPERATOR(pg_catalog.=) :'part' AND :within
 ORDER BY :order LIMIT 1

/* kind: operator family */
SELECT n.nspname::pg_catalog.text AS schema, NULL::pg_catalog.text AS owner, o.oid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_namespace n
  JOIN pg_catalog.pg_opfamily o ON o.opfnamespace OPERATOR(pg_catalog.=) n.oid
  JOIN pg_catalog.pg_am a ON a.oid OPERATOR(pg_catalog.=) o.opfmethod
 WHERE o.opfname OPERATOR(pg_catalog.=) :'name' AND a.amname OPERATOR(pg_catalog.=) :'part' AND :within
 ORDER BY :order LIMIT 1

/* kind: cast */
SELECT NULL::pg_catalog.text AS schema, NULL::pg_catalog.text AS owner, c.oid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_cast c
 WHERE pg_catalog.concat(c.castsource, ' ', c.casttarget) OPERATOR(pg_catalog.=) given.sig

/* kind: transform */
SELECT NULL::pg_catalog.text AS schema, NULL::pg_catalog.text AS owner, t.oid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_transform t
  JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) t.trflang
 WHERE t.trftype::pg_catalog.text OPERATOR(pg_catalog.=) given.sig AND l.lanname OPERATOR(pg_catalog.=) :'name'

/* kind: user mapping */
SELECT NULL::pg_catalog.text AS schema, u.srvid::pg_catalog.text AS owner, u.umid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_user_mappings u
 WHERE u.srvname OPERATOR(pg_catalog.=) :'name' AND u.usename OPERATOR(pg_catalog.=) :user

/* kind: prepared transaction */
SELECT NULL::pg_catalog.text AS schema, NULL::pg_catalog.text AS owner, p.transaction::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_prepared_xacts p
 WHERE p.gid OPERATOR(pg_catalog.=) :'name' AND p.database OPERATOR(pg_catalog.=) pg_catalog.current_database()

/* kind: in a schema */
SELECT n.nspname::pg_catalog.text AS schema, NULL::pg_catalog.text AS owner, o.oid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM pg_catalog.pg_namespace n
  JOIN :catalog o ON o.:namespace OPERATOR(pg_catalog.=) n.oid
 WHERE o.:named OPERATOR(pg_catalog.=) :'name' AND :within
 ORDER BY :order LIMIT 1

/* kind: of its own */
SELECT NULL::pg_catalog.text AS schema, NULL::pg_catalog.text AS owner, o.oid::pg_catalog.text AS oid,
       ''::pg_catalog.text AS state
  FROM :catalog o
 WHERE o.:named OPERATOR(pg_catalog.=) :'name'
