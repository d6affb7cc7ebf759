"""What the audit rows say of statements: objects by the parse tree, times of the server, places, failures."""

from __future__ import annotations

from tests.run.conftest import Workshop


def test_each_row_names_its_objects_its_place_and_its_time(workshop: Workshop) -> None:
    workshop.change(
        "one",
        "CREATE TABLE public.a (id int);\n"
        "CREATE TABLE public.b (id int);\n\n"
        "COMMENT ON TABLE public.a IS 'x';\n"
        "SELECT pg_sleep(0.03);\n"
        "GRANT SELECT ON public.a, public.b TO PUBLIC;\n"
        "CREATE INDEX ON public.a (id);\n"
        "WITH d AS (DELETE FROM public.a RETURNING *) SELECT count(*) FROM d;\n"
        "DO $$ BEGIN END $$;\n"
        "DROP TABLE public.a, public.b;\n"
        "CREATE TABLE public.c (id int);\n",
    )
    assert workshop.run().status == 0
    rows = workshop.query(
        "SELECT operation_type, object_type, object_name, description FROM pgmig.schema_audit"
        " WHERE operation_type <> 'observed' ORDER BY id"
    )
    assert rows == [
        ("CREATE", "TABLE", "public.a", "deploy/one.sql:1"),
        ("CREATE", "TABLE", "public.b", "deploy/one.sql:2"),
        ("COMMENT", "TABLE", "public.a", "deploy/one.sql:4"),
        ("SELECT", None, None, "deploy/one.sql:5"),
        ("GRANT", "TABLE", "public.a, public.b", "deploy/one.sql:6"),
        ("CREATE INDEX", "TABLE", "public.a", "deploy/one.sql:7"),
        ("DELETE", "TABLE", "public.a", "deploy/one.sql:8"),
        ("DO", None, None, "deploy/one.sql:9"),
        ("DROP", "TABLE", "public.a, public.b", "deploy/one.sql:10"),
        ("CREATE", "TABLE", "public.c", "deploy/one.sql:11"),
    ]
    ((slept, ordered, inside),) = workshop.query(
        "SELECT (array_agg(performed_at ORDER BY id))[4] - (array_agg(performed_at ORDER BY id))[3]"
        "       > interval '25 ms',"
        "   array_agg(id ORDER BY performed_at, id) = array_agg(id ORDER BY id),"
        "   max(performed_at) <= (SELECT max(installed_on) FROM pgmig.schema_migrations) FROM pgmig.schema_audit"
    )
    assert (slept, ordered, inside) == (True, True, True)


def test_a_statement_that_fails_has_a_row(workshop: Workshop) -> None:
    workshop.change("one", "BEGIN;\nCREATE TABLE public.a ();\nALTER TABLE public.a ADD b int, ADD b int;\nCOMMIT;\n")
    assert workshop.run().status == 1
    rows = workshop.query("SELECT operation_type, object_name, description FROM pgmig.schema_audit")
    assert rows == [("ALTER", "public.a", "deploy/one.sql:3, failed with SQLSTATE 42701")]
