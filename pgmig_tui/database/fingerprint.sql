-- One row an object of the database: kind, name, definition. Two schemas are equal when all rows are.
-- Order of creation, oids, statistics and rows of tables are no part of it; the order of columns is, in rows of its own.
-- What the server makes by itself for another object (the functions of a range type, foreign keys that a partition has
-- from its parent) is none of the rows: it comes and goes with that, and each version makes and names it in its own way.
-- Privileges: none. Versions: 13 to 18 (columns that a version lacks are read through to_jsonb). search_path must be
-- pg_catalog, so that every name in a definition is qualified.
WITH ns AS (
  SELECT n.* FROM pg_catalog.pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
member AS (
  SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'),
made_along AS (
  SELECT classid, objid FROM pg_catalog.pg_depend
  WHERE deptype = 'i' AND classid IN ('pg_proc'::regclass, 'pg_cast'::regclass)),
rel AS (
  SELECT c.*, ns.nspname, format('%I.%I', ns.nspname, c.relname) AS name
  FROM pg_catalog.pg_class c JOIN ns ON ns.oid = c.relnamespace
  WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)),
acl(kind, oid, acl) AS (
  SELECT 'r', c.oid, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)) FROM rel c
  UNION ALL SELECT 'n', n.oid, coalesce(n.nspacl, acldefault('n', n.nspowner)) FROM ns n
  UNION ALL SELECT 'f', p.oid, coalesce(p.proacl, acldefault('f', p.proowner)) FROM pg_catalog.pg_proc p JOIN ns ON ns.oid = p.pronamespace
  UNION ALL SELECT 'T', t.oid, coalesce(t.typacl, acldefault('T', t.typowner)) FROM pg_catalog.pg_type t JOIN ns ON ns.oid = t.typnamespace),
grants AS (
  SELECT kind, oid, (SELECT string_agg(item::text, ' ' ORDER BY item::text) FROM unnest(acl) item) AS acl FROM acl)
SELECT 'schema', n.nspname::text, concat_ws(' ', 'owner', pg_get_userbyid(n.nspowner), g.acl)
FROM ns n JOIN grants g ON g.kind = 'n' AND g.oid = n.oid
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_namespace'::regclass AND m.objid = n.oid)
UNION ALL
SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
       WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'composite type' ELSE 'table' END, c.name,
  concat_ws(E'\n',
    concat_ws(' ', 'kind', c.relkind, c.relpersistence, 'owner', pg_get_userbyid(c.relowner), 'row security',
      c.relrowsecurity, c.relforcerowsecurity, 'replica identity', c.relreplident),
    'options ' || (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) o),
    'tablespace ' || (SELECT spcname FROM pg_catalog.pg_tablespace t WHERE t.oid = c.reltablespace),
    'access method ' || (SELECT amname FROM pg_catalog.pg_am a WHERE a.oid = c.relam),
    'of type ' || nullif(c.reloftype, 0)::regtype,
    'partitioned by ' || CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
    'bound ' || pg_get_expr(c.relpartbound, c.oid),
    'inherits ' || (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
                    FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid),
    'privileges ' || g.acl,
    (SELECT concat_ws(' ', 'server', quote_ident(s.srvname), array_to_string(f.ftoptions, ','))
     FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid),
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
    (SELECT concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle)
     FROM pg_catalog.pg_sequence s WHERE s.seqrelid = c.oid),
    'owned by ' || (SELECT d.refobjid::regclass || '.' || d.refobjsubid FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                      AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND c.relkind = 'S' LIMIT 1))
FROM rel c JOIN grants g ON g.kind = 'r' AND g.oid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
UNION ALL
SELECT 'column order', c.name, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
FROM rel c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') GROUP BY c.oid, c.name
UNION ALL
SELECT 'column', format('%s.%I', c.name, a.attname),
  concat_ws(' ', format_type(a.atttypid, a.atttypmod),
    'collation ' || (SELECT format('%I.%I', n.nspname, o.collname) FROM pg_catalog.pg_collation o
                     JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace
                     JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
                     WHERE o.oid = a.attcollation AND o.oid <> t.typcollation),
    CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'default ' || pg_get_expr(d.adbin, d.adrelid),
    'identity ' || nullif(a.attidentity::text, ''), 'generated ' || nullif(a.attgenerated::text, ''), 'storage ' || a.attstorage::text,
    'compression ' || nullif(to_jsonb(a) ->> 'attcompression', ''),
    'statistics ' || nullif(to_jsonb(a) ->> 'attstattarget', '-1'),
    -- pg_attver: 15.20 keeps a version of its own there at every change of the table; its pg_dump leaves it out, too
    'options ' || (SELECT string_agg(o, ',') FROM unnest(a.attoptions) o WHERE o !~ '^pg_attver='), 'fdw options ' || array_to_string(a.attfdwoptions, ','),
    'inherited ' || nullif(a.attinhcount, 0), CASE WHEN NOT a.attislocal THEN 'not local' END,
    'privileges ' || (SELECT string_agg(i::text, ' ' ORDER BY i::text) FROM unnest(a.attacl) i))
FROM rel c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
UNION ALL
SELECT CASE k.contype WHEN 'n' THEN 'not null' ELSE 'constraint' END, concat_ws(' on ', quote_ident(k.conname), coalesce(c.name, nullif(k.contypid, 0)::regtype::text)),
  concat_ws(' ', pg_get_constraintdef(k.oid), CASE WHEN NOT k.convalidated THEN 'not validated' END,
    -- ALTER TABLE t DISABLE TRIGGER ALL reaches those that check it, too: then it holds nothing.
    'its triggers enabled ' || (SELECT string_agg(DISTINCT t.tgenabled::text, ', ') FROM pg_catalog.pg_trigger t
                                WHERE t.tgconstraint = k.oid AND t.tgenabled <> 'O'),
    CASE WHEN NOT k.conislocal THEN 'not local' END, 'inherited ' || nullif(k.coninhcount, 0))
FROM pg_catalog.pg_constraint k JOIN ns ON ns.oid = k.connamespace LEFT JOIN rel c ON c.oid = k.conrelid
WHERE k.contype <> 't' AND (k.conrelid = 0 OR c.oid IS NOT NULL) AND NOT (k.contype = 'f' AND k.conparentid <> 0)
UNION ALL
SELECT 'index', c.name, concat_ws(' ', pg_get_indexdef(c.oid), CASE WHEN NOT i.indisvalid THEN 'INVALID' END,
    CASE WHEN NOT i.indisready THEN 'not ready' END, CASE WHEN i.indisclustered THEN 'clustered' END,
    CASE WHEN i.indisreplident THEN 'replica identity' END,
    'tablespace ' || (SELECT spcname FROM pg_catalog.pg_tablespace t WHERE t.oid = c.reltablespace),
    'partition of ' || (SELECT p.inhparent::regclass FROM pg_catalog.pg_inherits p WHERE p.inhrelid = c.oid))
FROM rel c JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
UNION ALL
SELECT 'trigger', format('%I on %s', t.tgname, c.name), pg_get_triggerdef(t.oid) || ' enabled ' || t.tgenabled::text
FROM pg_catalog.pg_trigger t JOIN rel c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal OR (t.tgparentid <> 0 AND NOT EXISTS (  -- before 15 a partition's copy counts as internal
  SELECT FROM pg_catalog.pg_constraint k WHERE k.oid = t.tgconstraint AND k.contype <> 't'))
UNION ALL
SELECT 'rule', format('%I on %s', r.rulename, c.name), pg_get_ruledef(r.oid) || ' enabled ' || r.ev_enabled::text
FROM pg_catalog.pg_rewrite r JOIN rel c ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN'
UNION ALL
SELECT 'policy', format('%I on %s', p.polname, c.name),
  concat_ws(' ', p.polcmd, CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
    'to ' || (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r)::text END, ', ' ORDER BY r)
              FROM unnest(p.polroles) r),
    'using ' || pg_get_expr(p.polqual, p.polrelid), 'with check ' || pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_catalog.pg_policy p JOIN rel c ON c.oid = p.polrelid
UNION ALL
SELECT 'function', format('%I.%I(%s)', ns.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
  concat_ws(E'\n', CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid)
    ELSE (SELECT concat_ws(' ', a.aggkind, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
            a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, nullif(a.aggsortop, 0)::regoperator, a.aggfinalmodify,
            a.aggtranstype::regtype, a.agginitval, p.proparallel)
          FROM pg_catalog.pg_aggregate a WHERE a.aggfnoid = p.oid) END,
    'owner ' || pg_get_userbyid(p.proowner), g.acl)
FROM pg_catalog.pg_proc p JOIN ns ON ns.oid = p.pronamespace JOIN grants g ON g.kind = 'f' AND g.oid = p.oid
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)
  AND NOT EXISTS (SELECT FROM made_along m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)
UNION ALL
SELECT 'type', format('%I.%I', ns.nspname, t.typname),
  concat_ws(' ', t.typtype, 'owner', pg_get_userbyid(t.typowner), g.acl,
    'labels ' || (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                  FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
    'over ' || CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
    CASE WHEN t.typnotnull THEN 'NOT NULL' END, 'default ' || t.typdefault,
    'range of ' || (SELECT r.rngsubtype::regtype FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid),
    'functions ' || CASE WHEN t.typtype = 'b' THEN concat_ws(' ', t.typinput, t.typoutput, t.typlen) END)
FROM pg_catalog.pg_type t JOIN ns ON ns.oid = t.typnamespace JOIN grants g ON g.kind = 'T' AND g.oid = t.oid
WHERE t.typtype IN ('b', 'd', 'e', 'r') AND t.typelem = 0
  AND NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
UNION ALL
SELECT 'extension', e.extname, concat_ws(' ', e.extversion, n.nspname)
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
UNION ALL
SELECT 'event trigger', t.evtname, concat_ws(' ', 'owner', pg_get_userbyid(t.evtowner), t.evtevent, t.evtfoid::regproc, t.evtenabled, array_to_string(t.evttags, ','))
FROM pg_catalog.pg_event_trigger t
UNION ALL
SELECT 'publication', p.pubname, concat_ws(' ', 'owner', pg_get_userbyid(p.pubowner), p.puballtables, p.pubinsert, p.pubupdate,
    p.pubdelete, p.pubtruncate, p.pubviaroot,
    -- by name in a list of its own, since a filter may be long; columns and filters are there since 15
    (SELECT string_agg(concat_ws(' ', r.prrelid::regclass, (SELECT 'columns ' || string_agg(quote_ident(a.attname), ',' ORDER BY a.attnum)
         FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.prrelid
           AND a.attnum::text = ANY (string_to_array(to_jsonb(r) ->> 'prattrs', ' '))),
         'where ' || pg_get_expr((to_jsonb(r) ->> 'prqual')::pg_node_tree, r.prrelid)), ', ' ORDER BY r.prrelid::regclass::text)
     FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid))
FROM pg_catalog.pg_publication p
UNION ALL
SELECT 'subscription', s.subname, concat_ws(' ', 'owner', pg_get_userbyid(s.subowner), s.subenabled, s.subslotname,
    array_to_string(s.subpublications, ','))
FROM pg_catalog.pg_subscription s WHERE s.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
UNION ALL
SELECT 'foreign server', s.srvname, concat_ws(' ', 'owner', pg_get_userbyid(s.srvowner), array_to_string(s.srvacl, ' '), w.fdwname, s.srvtype, s.srvversion, array_to_string(s.srvoptions, ','))
FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
UNION ALL
SELECT 'user mapping', format('for %s on server %I', CASE WHEN u.umuser = 0 THEN 'PUBLIC' ELSE quote_ident(u.usename) END, u.srvname), ''
FROM pg_catalog.pg_user_mappings u
UNION ALL
SELECT 'statistics', format('%I.%I', ns.nspname, x.stxname), pg_get_statisticsobjdef(x.oid)
FROM pg_catalog.pg_statistic_ext x JOIN ns ON ns.oid = x.stxnamespace
UNION ALL
SELECT 'text search configuration', format('%I.%I', ns.nspname, f.cfgname),
  (SELECT string_agg(concat_ws(' ', m.maptokentype, m.mapseqno, m.mapdict::regdictionary), ', ' ORDER BY m.maptokentype, m.mapseqno)
   FROM pg_catalog.pg_ts_config_map m WHERE m.mapcfg = f.oid)
FROM pg_catalog.pg_ts_config f JOIN ns ON ns.oid = f.cfgnamespace
UNION ALL
SELECT 'default privileges', concat_ws(' ', pg_get_userbyid(d.defaclrole), n.nspname, d.defaclobjtype),
  (SELECT string_agg(i::text, ' ' ORDER BY i::text) FROM unnest(d.defaclacl) i)
FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
UNION ALL
SELECT 'role', r.rolname, concat_ws(' ', r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin,
    r.rolreplication, r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil,
    'member of ' || (SELECT string_agg(DISTINCT pg_get_userbyid(m.roleid)::text, ', ') FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid))
FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_'
UNION ALL
SELECT 'setting', coalesce('role ' || pg_get_userbyid(nullif(s.setrole, 0)), 'database'), array_to_string(s.setconfig, ', ')
FROM pg_catalog.pg_db_role_setting s
WHERE s.setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
UNION ALL
SELECT 'comment', pg_describe_object(d.classoid, d.objoid, d.objsubid), d.description
FROM pg_catalog.pg_description d
WHERE (d.objoid >= 16384 OR d.objoid = to_regnamespace('public'))
  AND NOT EXISTS (SELECT FROM member m WHERE m.classid = d.classoid AND m.objid = d.objoid)
UNION ALL
SELECT 'security label', concat_ws(' of ', l.provider, l.objname), l.label
FROM pg_catalog.pg_seclabels l WHERE l.objnamespace IN (SELECT oid FROM ns)
UNION ALL
SELECT 'database', '', concat_ws(' ', 'owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding),
    'collate', d.datcollate, 'ctype', d.datctype, 'connection limit ' || nullif(d.datconnlimit, -1), 'privileges ' ||
    (SELECT string_agg(i::text, ' ' ORDER BY i::text) FROM unnest(coalesce(d.datacl, acldefault('d', d.datdba))) i))
FROM pg_catalog.pg_database d WHERE d.datname = current_database()
UNION ALL
SELECT 'other', pg_describe_object(o.classid, o.oid, 0), concat_ws(' ', 'owner ' || pg_get_userbyid(nullif(o.owner, 0)), o.definition)
FROM (
  SELECT 'pg_operator'::regclass::oid AS classid, oid, oprowner AS owner, concat_ws(' ', oprcode, oprresult::regtype,
      'commutator ' || nullif(oprcom, 0)::regoperator, 'negator ' || nullif(oprnegate, 0)::regoperator,
      'restrict ' || nullif(oprrest, 0)::regproc, 'join ' || nullif(oprjoin, 0)::regproc, CASE WHEN oprcanmerge THEN 'merges' END,
      CASE WHEN oprcanhash THEN 'hashes' END) AS definition FROM pg_catalog.pg_operator
  UNION ALL SELECT 'pg_opclass'::regclass, oid, opcowner, concat_ws(' ', opcintype::regtype, CASE WHEN opcdefault THEN 'default' END,
      'storage ' || nullif(opckeytype, 0)::regtype) FROM pg_catalog.pg_opclass
  UNION ALL SELECT 'pg_opfamily'::regclass, f.oid, f.opfowner, concat_ws(' ',
      (SELECT string_agg(concat_ws(' ', a.amopstrategy, a.amopopr::regoperator, a.amoppurpose), ', '
         ORDER BY a.amopstrategy, a.amopopr::regoperator::text) FROM pg_catalog.pg_amop a WHERE a.amopfamily = f.oid),
      (SELECT string_agg(concat_ws(' ', a.amprocnum, a.amproc::regprocedure), ', ' ORDER BY a.amprocnum, a.amproc::regprocedure::text)
       FROM pg_catalog.pg_amproc a WHERE a.amprocfamily = f.oid)) FROM pg_catalog.pg_opfamily f
  UNION ALL SELECT 'pg_collation'::regclass, oid, collowner, concat_ws(' ', collprovider, collisdeterministic, collcollate, collctype)
      FROM pg_catalog.pg_collation
  UNION ALL SELECT 'pg_conversion'::regclass, oid, conowner, concat_ws(' ', conproc, condefault) FROM pg_catalog.pg_conversion
  UNION ALL SELECT 'pg_ts_dict'::regclass, oid, dictowner, concat_ws(' ', dicttemplate, dictinitoption) FROM pg_catalog.pg_ts_dict
  UNION ALL SELECT 'pg_ts_parser'::regclass, oid, 0, concat_ws(' ', prsstart, prstoken, prsend, prsheadline, prslextype)
      FROM pg_catalog.pg_ts_parser
  UNION ALL SELECT 'pg_ts_template'::regclass, oid, 0, concat_ws(' ', tmplinit, tmpllexize) FROM pg_catalog.pg_ts_template
  UNION ALL SELECT 'pg_language'::regclass, oid, lanowner, concat_ws(' ', lanpltrusted, array_to_string(lanacl, ' '))
      FROM pg_catalog.pg_language
  UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, fdwowner, concat_ws(' ', 'handler ' || nullif(fdwhandler, 0)::regproc,
      'validator ' || nullif(fdwvalidator, 0)::regproc, array_to_string(fdwoptions, ','), array_to_string(fdwacl, ' '))
      FROM pg_catalog.pg_foreign_data_wrapper
  UNION ALL SELECT 'pg_cast'::regclass, oid, 0, concat_ws(' ', castcontext, castmethod, nullif(castfunc, 0)::regprocedure)
      FROM pg_catalog.pg_cast
  UNION ALL SELECT 'pg_am'::regclass, oid, 0, amhandler::text FROM pg_catalog.pg_am
  UNION ALL SELECT 'pg_transform'::regclass, oid, 0, concat_ws(' ', nullif(trffromsql, 0)::regprocedure, nullif(trftosql, 0)::regprocedure)
      FROM pg_catalog.pg_transform) o
WHERE o.oid >= 16384 AND NOT EXISTS (SELECT FROM member m WHERE m.classid = o.classid AND m.objid = o.oid)
  AND NOT EXISTS (SELECT FROM made_along m WHERE m.classid = o.classid AND m.objid = o.oid)
