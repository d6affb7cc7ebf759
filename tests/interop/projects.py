"""The generated projects: each is full of one thing that the two programs could read or record differently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.interop.build import Builder, transaction


@dataclass(frozen=True, slots=True)
class Case:
    """A project and how it is deployed: at `half` the programs change places."""

    folder: Path
    half: str
    options: tuple[str, ...] = ()
    registry: str = "sqitch"


def reworked(folder: Path) -> Case:
    """A function reworked twice, with tags between, and changes that need certain versions of it."""
    project = Builder(folder, "reworked", uri="https://example.com/reworked/")

    def area(body: str) -> str:
        return transaction(
            f"CREATE OR REPLACE FUNCTION public.area(r float8) RETURNS float8 LANGUAGE sql AS $${body}$$;"
        )

    def proves(value: str) -> str:
        return f"SELECT 1 / (public.area(2) = {value})::int;"

    drop = transaction("DROP FUNCTION public.area(float8);")
    project.table("shapes")
    project.change("area", area("SELECT 3 * r * r"), drop, proves("12"))
    project.tag("v1", note="first")
    project.tag("stable")
    project.table("circles", needs=["area@v1", "shapes"])
    project.rework("area", "v1", area("SELECT 3.14 * r * r"), proves("12.56"), needs=["circles"])
    project.table("spheres", needs=["area", "@v1"])
    project.tag("v2")
    project.rework("area", "v2", area("SELECT 3.1416 * r * r"), proves("12.5664"))
    project.table("cones", needs=["area@v2", "circles", "!other:squares"])
    return Case(folder, half="spheres")


def unicode_text(folder: Path) -> Case:
    """Names and notes in many scripts, with the characters that SQL, psql, Perl or a terminal could take for theirs."""
    project = Builder(folder, "naïve-プロジェクト", uri="https://example.com/café?ä=1&b=%20")
    notes = {
        "größe": "Maße in m², nicht in 'Zoll'",
        "naïve/sub.dir/名前": r"改行\nのある、二行の覚え書き",
        "ελληνικά-2": r"back\\slash, percent %s %(x)s, dollar $1 $$, brace {0}",
        "emoji🚀x": "[red]markup[/red] 🚀 family 👩‍👩‍👧 and \u202eright to left\u202c",
        "quote's": "\"double\" 'single' `back` ;-- /* comment",
    }
    previous: list[str] = []
    for number, (name, note) in enumerate(notes.items()):
        table = f'public."täble {number} 表"'
        project.change(
            name,
            transaction(f"""
                CREATE TABLE {table} ("ид" text DEFAULT '🚀 ''é''');
                COMMENT ON TABLE {table} IS '{number} «é»';
                INSERT INTO {table} DEFAULT VALUES;
            """),
            transaction(f"DROP TABLE {table};"),
            f'SELECT "ид" FROM {table} WHERE false;',
            needs=previous,
            note=note,
        )
        previous = [name]
        project.tag(f"märke-{number}", note=note)
    return Case(folder, half="@märke-2", registry='Odd "Regístry')


def variables(folder: Path) -> Case:
    """psql variables from all their places, and the psql commands that work on them."""
    conf = """
        [deploy "variables"]
            schema = from_deploy
            who = deployer's
            extra = deploy
        [revert "variables"]
            extra = revert
        [verify "variables"]
            extra = verify
        [engine "pg.variables"]
            who = the engine's
    """
    project = Builder(folder, "variables", conf=conf)
    (folder / "rows.csv").write_text("1,one\n2,two\n", encoding="utf-8")
    project.script("deploy", "part", """CREATE TABLE :"schema".part (v text DEFAULT :'who');""")
    project.change(
        "schema",
        transaction('CREATE SCHEMA :"schema";'),
        transaction('DROP SCHEMA :"schema";'),
        "SELECT 1 / count(*) FROM pg_namespace WHERE nspname = :'schema';",
    )
    project.change(
        "places",
        transaction("""
            \\set doubled :n :n
            CREATE TABLE :schema.places AS
                SELECT :'who' AS who, :'extra' AS extra, :n AS n, ':n' AS literal, :'doubled' AS doubled,
                       :'registry' AS registry;
            \\if :{?missing}
                SELECT 1 / 0;
            \\elif :wanted
                INSERT INTO :schema.places VALUES ('from if', '', 0, '', '', '');
            \\else
                SELECT 1 / 0;
            \\endif
        """),
        transaction("""
            SELECT :'extra' AS e \\gset
            SELECT 1 / (:'e' = 'revert')::int;
            DROP TABLE :schema.places;
        """),
        transaction("SELECT 1 / (count(*) = 2)::int FROM :schema.places WHERE who IN (:'who', 'from if');", "ROLLBACK"),
        needs=["schema"],
    )
    project.change(
        "includes",
        transaction("""
            \\ir part.sql
            CREATE TABLE :schema.rows (id int, name text);
            \\copy from_option.rows FROM 'rows.csv' CSV
            COPY from_option.rows FROM stdin;
            3\tthree\\tand a tab
            4\t\\N
            \\.
            SELECT max(id) AS top FROM :schema.rows \\gset
            INSERT INTO :schema.rows VALUES (:top + 1, 'gset');
        """),
        transaction("DROP TABLE :schema.rows, :schema.part;"),
        "SELECT 1 / (count(*) = 5)::int FROM :schema.rows;",
    )
    project.change(
        "generated",
        """
            SELECT format('CREATE TABLE %I.%I ()', :'schema', 'gen_' || i) FROM generate_series(1, 3) AS i
            ORDER BY i \\gexec
        """,
        "DROP TABLE :schema.gen_1; DROP TABLE :schema.gen_2; DROP TABLE :schema.gen_3;",
        'SELECT FROM :schema.gen_1, :"schema".gen_3;',
        note="not in a transaction",
    )
    sets = ("--set", "schema=from_option", "--set", "n=7", "--set", "wanted=yes")
    return Case(folder, half="places", options=sets)


def stepwise(folder: Path) -> Case:
    """Scripts that can't be one transaction, scripts that begin none, and scripts with odd frames."""
    project = Builder(folder, "stepwise")
    project.table("items")
    project.change(
        "index",
        "CREATE INDEX CONCURRENTLY items_id ON public.items (id);",
        "DROP INDEX CONCURRENTLY public.items_id;",
        "SELECT 1 / count(*) FROM pg_class WHERE relname = 'items_id';",
    )
    project.change(
        "several",
        """
            CREATE TABLE public.one (); CREATE TABLE public.two ();
            BEGIN;
            CREATE TABLE public.three ();
            COMMIT;
        """,
        "DROP TABLE public.three, public.two, public.one;",
        "BEGIN; SELECT FROM public.one, public.two, public.three; ROLLBACK;",
    )
    project.tag("half")
    project.change(
        "kind",
        transaction("CREATE TYPE public.kind AS ENUM ('a');"),
        transaction("DROP TYPE public.kind;"),
        "SELECT 'a'::public.kind;",
    )
    project.change(
        "more-kinds",
        transaction("ALTER TYPE public.kind ADD VALUE 'b';"),
        "SELECT 'an enum keeps its values';",
        "SELECT 'b'::public.kind;",
        needs=["kind"],
    )
    project.change("single", "CREATE TABLE public.single ()", "DROP TABLE public.single", None, note="no semicolon")
    project.change(
        "serial",
        "BEGIN ISOLATION LEVEL SERIALIZABLE; CREATE TABLE public.serial (); COMMIT;",
        transaction("DROP TABLE public.serial;"),
        "SELECT FROM public.serial;",
    )
    project.change("nothing", "-- only a comment", "", "", note="empty scripts")
    project.change(
        "body",
        transaction("""
            CREATE FUNCTION public.body() RETURNS int BEGIN ATOMIC; SELECT 1; SELECT 2; END;
            DO $x$ BEGIN CREATE TABLE public.done (); END $x$;
        """),
        transaction("DROP FUNCTION public.body(); DROP TABLE public.done;"),
        "SELECT public.body() / count(*) FROM pg_class WHERE relname = 'done';",
    )
    return Case(folder, half="@half")


def long(folder: Path, changes: int = 500) -> Case:
    """Many small changes, each needing the one before it, with a tag every hundred."""
    project = Builder(folder, "long", uri="https://example.com/long/")
    for number in range(changes):
        needs = [f"c{number - 1:04}"] if number else []
        project.table(f"c{number:04}", needs=needs, note=f"change number {number}")
        if number % 100 == 99:
            project.tag(f"r{number // 100}")
    return Case(folder, half=f"c{changes // 2:04}")


GENERATED: dict[str, Callable[[Path], Case]] = {
    "reworked": reworked,
    "unicode": unicode_text,
    "variables": variables,
    "stepwise": stepwise,
}
