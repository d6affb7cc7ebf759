"""What a DO block, a CALL, an EXECUTE or a function has changed is in the record, by the catalogs."""

from __future__ import annotations

from tests.run.conftest import Workshop
from tests.run.test_tracking_fails import WAITS, at_the_gate

SEEN = (
    "SELECT split_part(a.description, ',', 1), a.object_type, a.object_name FROM pgmig.schema_audit a"
    " JOIN pgmig.schema_migrations m ON m.id = a.migration_id"
    " WHERE a.operation_type = 'observed' AND m.version = '{}' ORDER BY a.id"
)


def test_what_statements_do_not_tell_is_seen_in_the_catalogs(workshop: Workshop) -> None:
    workshop.change(
        "before",
        "CREATE TABLE public.old (id int PRIMARY KEY, gone text, n int);\nCREATE TABLE public.kept (id int);\n"
        "CREATE VIEW public.v AS SELECT 1 AS a;\nCREATE TYPE public.mood AS ENUM ('good');\n"
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1';\nINSERT INTO public.kept VALUES (1);\n",
    )
    workshop.change(
        "hidden",
        "BEGIN;\nSET search_path = public, pg_catalog;\n"
        "SET client_encoding = 'LATIN1';\nSET statement_timeout = '5s';\n"
        "CREATE OPERATOR public.<> (LEFTARG = oid, RIGHTARG = oid, FUNCTION = pg_catalog.oideq);\n"
        "DO $$ BEGIN CREATE TABLE public.new (id serial PRIMARY KEY, r int REFERENCES public.old);\n"
        "  BEGIN ALTER TABLE public.old ADD added int, DROP gone; EXCEPTION WHEN others THEN RAISE; END;\n"
        '  CREATE INDEX "odd "" name" ON public.old (n);\n'
        "  DROP VIEW public.v; CREATE OR REPLACE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 2';\n"
        "  CREATE TEMP TABLE t (); UPDATE public.kept SET id = 2; END $$;\nCOMMIT;\n",
    )
    workshop.change("plain", "CREATE TABLE public.other ();\nSELECT count(*) FROM public.other;\n")
    workshop.change("nothing", "BEGIN;\nDO $$ BEGIN PERFORM 1; END $$;\nCOMMIT;\n")
    workshop.change(
        "called",
        "BEGIN;\nCREATE FUNCTION public.make(name text) RETURNS void LANGUAGE plpgsql AS"
        " $$ BEGIN EXECUTE format('CREATE TABLE public.%I ()', name); END $$;\nSELECT public.make('made');\nCOMMIT;\n",
    )
    workshop.change(
        "apart",
        "CREATE INDEX CONCURRENTLY i ON public.kept (id);\nDO $$ BEGIN CREATE TABLE public.late (); END $$;\n",
    )
    done = workshop.run()
    assert done.status == 0, done.named("step_failed")
    assert workshop.query(SEEN.format("hidden")) == [
        ("altered", "FUNCTION", "public.f()"),
        ("created", "INDEX", 'public."odd "" name"'),
        ("created", "SEQUENCE", "public.new_id_seq"),
        ("created", "TABLE", "public.new"),
        ("created", "TABLE COLUMN", "public.old.added"),
        ("dropped", "TABLE COLUMN", "public.old.gone"),
        ("dropped", "VIEW", "public.v"),
    ]
    assert workshop.query(SEEN.format("plain")) == workshop.query(SEEN.format("nothing")) == []
    assert workshop.query(SEEN.format("called")) == [
        ("created", "FUNCTION", "public.make(pg_catalog.text)"),
        ("created", "TABLE", "public.made"),
    ]
    assert workshop.query(SEEN.format("apart")) == [
        ("created or altered", "INDEX", "public.i"),
        ("created or altered", "TABLE", "public.late"),
    ]


def test_what_others_do_meanwhile_is_not_the_step_s(workshop18: Workshop) -> None:
    workshop = workshop18
    workshop.query("CREATE TABLE public.theirs (id int)")
    workshop.change("b", f"BEGIN;\nDO $$ BEGIN CREATE TABLE public.mine (); END $$;\n{WAITS.format('LOCAL ')}COMMIT;\n")
    with workshop.connect() as open_one:
        open_one.execute("BEGIN; ALTER TABLE public.theirs ADD open int; CREATE TABLE public.never ()")
        done = at_the_gate(workshop, workshop.plan(), lambda other: other.execute("CREATE TABLE public.meanwhile ()"))
        assert done.status == 0, done.named("step_failed")
        assert workshop.query(SEEN.format("b")) == [("created", "TABLE", "public.mine")]
