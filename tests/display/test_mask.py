"""No secret that the text marks as one survives mask_secrets."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.display.mask import mask_secrets

SECRET = "hunter2"

MARKED = [
    "CREATE ROLE a LOGIN PASSWORD 'hunter2'",
    "create user a encrypted password 'hunter2' valid until 'infinity'",
    "ALTER ROLE a WITH PASSWORD E'hunter2\\'s'",
    "ALTER ROLE a WITH PASSWORD 'it''s hunter2'",
    "ALTER ROLE a PASSWORD $$hunter2$$",
    "ALTER ROLE a PASSWORD $x$ $$ hunter2$x$ SUPERUSER",
    "ALTER ROLE a PASSWORD U&'\\0061hunter2'",
    "ALTER ROLE a PASSWORD /* new */ 'hunter2'",
    "ALTER ROLE a PASSWORD -- new\n 'hunter2'",
    "ALTER ROLE a PASSWORD 'hun'\n  'hunter2'",
    "ALTER ROLE a PASSWORD 'hunter2 and cut o",
    "ALTER ROLE a PASSWORD $$hunter2 and cut o",
    "CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'u', password 'hunter2')",
    "ALTER USER MAPPING FOR a SERVER s OPTIONS (SET password 'hunter2', ADD sslpassword 'hunter2')",
    "CREATE USER MAPPING FOR a SERVER s OPTIONS (user 'u', \"password\" 'hunter2')",
    "CREATE SERVER s FOREIGN DATA WRAPPER f OPTIONS (api_key 'hunter2', secret_access_key 'hunter2')",
    "CREATE SUBSCRIPTION s CONNECTION 'host=h user=u password=hunter2 dbname=d' PUBLICATION p",
    "CREATE SUBSCRIPTION s CONNECTION 'host=h password=hunter2' PUBLICATION p",
    "CREATE SUBSCRIPTION s CONNECTION 'host=h password=''a hunter2'' dbname=d' PUBLICATION p",
    "CREATE SUBSCRIPTION s CONNECTION 'host=h password = hunter2 dbname=d' PUBLICATION p",
    "CREATE SUBSCRIPTION s CONNECTION E'password=\\'hunter2\\' dbname=d' PUBLICATION p",
    "ALTER SUBSCRIPTION s CONNECTION 'postgresql://u:hunter2@h/d'",
    "ALTER SUBSCRIPTION s CONNECTION 'postgresql://h/d?user=u&password=hunter2&sslmode=require'",
    "SELECT dblink_connect('c', 'dbname=d password=hunter2')",
    "ALTER SYSTEM SET primary_conninfo = 'user=r password=hunter2'",
    "db:pg://u:hunter2@h:5432/d",
    "UPDATE app.users SET password = 'hunter2' WHERE id = 1",
    "SELECT set_config('app.token', 'hunter2', false)",
    "SET app.secret TO 'hunter2'",
    "\\set app_password hunter2",
    "\\set app_password 'hunter2'",
    "PGPASSWORD=hunter2 psql",
    "DO $$BEGIN EXECUTE 'ALTER ROLE a PASSWORD ''hunter2'''; END$$",
    "DO $$BEGIN EXECUTE 'ALTER ROLE a PASSWORD ''it''''s hunter2'' CREATEDB'; END$$",
    "DO 'BEGIN EXECUTE ''ALTER ROLE a PASSWORD ''''hunter2''''''; END'",
    "DO 'BEGIN EXECUTE ''DO ''''BEGIN EXECUTE ''''ALTER ROLE a PASSWORD ''''''''hunter2'",
    "DO $$BEGIN EXECUTE E'ALTER ROLE a PASSWORD \\'hunter2\\''; END$$",
    "DO $$BEGIN EXECUTE 'ALTER ROLE a PASSWORD ''hunter2 and cut o",
    "DO $$BEGIN EXECUTE $x$ALTER ROLE a PASSWORD 'hunter2'$x$; END$$",
    "DO $$BEGIN EXECUTE format('ALTER ROLE %I PASSWORD %L', 'a', 'hunter2'); END$$",
    "DO $$BEGIN EXECUTE format('ALTER ROLE %1$I PASSWORD %2$L VALID UNTIL %3$L', 'a', 'hunter2', 'infinity'); END$$",
    "DO $$BEGIN EXECUTE 'ALTER ROLE a PASSWORD ' || quote_literal('hunter2'); END$$",
    "DO 'BEGIN EXECUTE ''ALTER ROLE a PASSWORD '' || quote_literal(''hunter2''); END'",
    "DO $$DECLARE password text := 'hunter2'; BEGIN NULL; END$$",
    'SELECT \'{"password": "hunter2"}\'::jsonb',
    'INSERT INTO t VALUES (\'{"user":"u","api_key":"hunter2"}\')',
    "password=hunter2",
    "the password: hunter2",
    "app|postgresql://u:hunter2@h/d|t",
]


@pytest.mark.parametrize("sql", MARKED)
def test_marked_secrets_disappear(sql: str) -> None:
    masked = mask_secrets(sql)
    assert SECRET not in masked
    assert "***" in masked
    assert mask_secrets(masked) == masked


def test_what_surrounds_a_secret_is_not_masked() -> None:
    assert (
        mask_secrets("CREATE SUBSCRIPTION s CONNECTION 'host=h user=u password=hunter2 dbname=d' PUBLICATION p")
        == "CREATE SUBSCRIPTION s CONNECTION 'host=h user=u password=*** dbname=d' PUBLICATION p"
    )
    assert (
        mask_secrets("ALTER ROLE a PASSWORD 'x' CREATEDB; SELECT 'y'")
        == "ALTER ROLE a PASSWORD '***' CREATEDB; SELECT 'y'"
    )
    assert (
        mask_secrets("DO $$BEGIN EXECUTE 'ALTER ROLE a PASSWORD ''x'' CREATEDB'; PERFORM 'y'; END$$")
        == "DO $$BEGIN EXECUTE 'ALTER ROLE a PASSWORD ''***'' CREATEDB'; PERFORM 'y'; END$$"
    )
    assert (
        mask_secrets("EXECUTE format('ALTER ROLE a PASSWORD %L', 'x'); PERFORM 'y';")
        == "EXECUTE format('ALTER ROLE a PASSWORD %L', '***'); PERFORM 'y';"
    )
    assert mask_secrets("ALTER SUBSCRIPTION s CONNECTION 'postgresql://u:x@h/d'").endswith("'postgresql://u:***@h/d'")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "ALTER ROLE a PASSWORD NULL",
        "ALTER TABLE users ADD COLUMN password text",
        "CREATE TABLE t (password_hash text NOT NULL, token uuid)",
        "SELECT 'https://example.org/a:b'",
        "COMMENT ON COLUMN a.b IS 'the key'",
        "SELECT password::text FROM t",
        "SELECT $1 AS secret; SELECT 'x'",
    ],
)
def test_what_holds_no_secret_is_left_alone(sql: str) -> None:
    assert mask_secrets(sql) == sql


@given(st.text(), st.text())
def test_never_raises_and_settles(before: str, after: str) -> None:
    masked = mask_secrets(f"{before} PASSWORD 'q7#secret' {after}")
    assert "q7#secret" not in masked
    assert mask_secrets(masked) == masked


@given(st.text(alphabet=st.characters(exclude_characters="'\\", exclude_categories=["Cs"]), min_size=12))
def test_any_password_is_hidden(password: str) -> None:
    assert mask_secrets(f"ALTER ROLE a PASSWORD '{password}';") == "ALTER ROLE a PASSWORD '***';"


@pytest.mark.parametrize(
    "sql",
    [
        "password " * 20_000,
        "token" * 20_000,
        "password /*" * 5_000,
        "x password='" + "\n" * 50_000,
        "a" * 200_000 + " password =",
        "password '" * 20_000,
        "password ''" * 20_000,
        "password %L" * 20_000,
        "password ' ||" * 20_000,
        "password:" * 20_000,
        "password " + "'" * 100_000,
        "password \\'" + "\\" * 50_000,
    ],
    ids=[
        "words",
        "one word",
        "open comments",
        "blank lines",
        "long word",
        "quotes",
        "pairs",
        "formats",
        "joined",
        "named",
        "a wall of quotes",
        "backslashes",
    ],
)
def test_no_text_takes_long(sql: str) -> None:
    """Each of these once took seconds: a pattern that tries again from every character."""
    started = time.process_time()
    mask_secrets(sql)
    assert time.process_time() - started < 2
