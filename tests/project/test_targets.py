"""Targets and db:pg: URIs: which database, as whom, and no password anywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.errors import UsageError
from pgmig_tui.project.config import Config, read_files
from pgmig_tui.project.targets import Target, TargetOptions, default_target_name, resolve_target, target_names
from pgmig_tui.project.uris import parse_uri, readable

CWD = Path("/srv/dir")


def config(tmp_path: Path, text: str) -> Config:
    (tmp_path / "sqitch.conf").write_text(text)
    return read_files([tmp_path / "sqitch.conf"])


def target(uri: str, env: dict[str, str] | None = None, conf: Config | None = None) -> Target:
    return resolve_target(uri, conf or Config(), env or {}, CWD)


@pytest.mark.parametrize(
    ("uri", "conninfo", "shown"),
    [
        ("db:pg:docs", {"dbname": "docs"}, "db:pg:docs"),
        ("db:pg:", {}, "db:pg:me"),
        ("DB:Postgres:docs", {"dbname": "docs"}, "db:pg:docs"),
        ("db:postgresql:docs", {"dbname": "docs"}, "db:pg:docs"),
        ("db:pg:///docs", {"dbname": "docs"}, "db:pg:docs"),
        ("db:pg://h", {"host": "h"}, "db:pg://h/me"),
        ("db:pg://h:5433/d", {"host": "h", "port": "5433", "dbname": "d"}, "db:pg://h:5433/d"),
        ("db:pg://u@h/d", {"user": "u", "host": "h", "dbname": "d"}, "db:pg://u@h/d"),
        ("db:pg://u:@h/d", {"user": "u", "host": "h", "dbname": "d"}, "db:pg://u@h/d"),
        ("db:pg://%2Ftmp%2Fsock/na%20me", {"host": "/tmp/sock", "dbname": "na me"}, "db:pg://%2Ftmp%2Fsock/na%20me"),
        ("db:pg://[::1]:5/d", {"host": "::1", "port": "5", "dbname": "d"}, "db:pg://[::1]:5/d"),
        ("db:pg:d?sslmode=require&options=-c%20x%3D1", {"dbname": "d", "sslmode": "require", "options": "-c x=1"},
         "db:pg:d?sslmode=require&options=-c%20x%3D1"),
        ("db:pg:?host=%2Ftmp&dbname=x", {"host": "/tmp", "dbname": "x"}, "db:pg:?host=/tmp&dbname=x"),
        ("db:pg://h/d?host=other", {"host": "other", "dbname": "d"}, "db:pg://h/d?host=other"),
        ("postgres://u@h:5433/d", {"user": "u", "host": "h", "port": "5433", "dbname": "d"}, "db:pg://u@h:5433/d"),
        ("postgresql://h/d", {"host": "h", "dbname": "d"}, "db:pg://h/d"),
        ("POSTGRES://h/d", {"host": "h", "dbname": "d"}, "db:pg://h/d"),
        ("pg://h/d", {"host": "h", "dbname": "d"}, "db:pg://h/d"),
        ("pg:d", {"dbname": "d"}, "db:pg:d"),
        ("postgres:", {}, "db:pg:me"),
        ("db:pg://h/d?sslmode=prefer;connect_timeout=3", {"host": "h", "dbname": "d", "sslmode": "prefer",
         "connect_timeout": "3"}, "db:pg://h/d?sslmode=prefer&connect_timeout=3"),
        ("db:pg:d?sslmode=prefer;password=x&port=1;", {"dbname": "d", "sslmode": "prefer", "port": "1"},
         "db:pg:d?sslmode=prefer&port=1"),
    ],
)  # fmt: skip
def test_a_database_uri_becomes_a_conninfo_and_is_shown_without_password(
    uri: str, conninfo: dict[str, str], shown: str
) -> None:
    found = target(uri, {"USER": "me"})
    assert (found.conninfo, found.display, found.engine) == (conninfo, shown, "pg")
    assert found.password == ("x" if "password" in uri else None)


def test_a_uri_written_out_reads_the_same() -> None:
    text = "db:pg://a%40b@%2Frun%2Fx:5433/d%2Fe?options=-c%20x%3D%26"
    assert parse_uri(parse_uri(text).text()) == parse_uri(text)


SECRET_URIS = [
    "db:pg://u:{}@h/d",
    "db:pg:d?password={}",
    "db:pg://h/d?sslpassword={}&a=b",
    "db:pg:d?a=b;password={};c=d",
    "postgres://u:{}@h/d",
    "pg://h/d?sslmode=prefer;sslpassword={}",
]
SECRETS = st.text(st.characters(categories=["L", "Nd"]), min_size=8).map(lambda text: f"s3cret{text}")


@given(SECRETS, st.sampled_from(SECRET_URIS))
def test_no_secret_is_ever_shown(secret: str, uri: str) -> None:
    found = target(uri.format(secret))
    shown = f"{found!r} {found} {found.name} {found.uri} {found.display} {found.conninfo}"
    assert "s3cret" not in shown
    assert secret in (found.password, *found.secrets.values())
    assert "s3cret" not in repr(parse_uri(uri.format(secret)))


@pytest.mark.parametrize(
    "uri",
    [
        "postgre://u:s3cret@h/d",
        "https://u:s3cret@h/d",
        "postgres://u:s3cret/x@h/d",
        "db://u:s3cret@h/d",
        "x:u:s3cret@h",
        "mysqlx://h/d?password=s3cret",
        "db:pg://u:s3cret/x@h/d",
        "db:pg://u:12/s3cret@h/d",
        "db:pg://u:1?s3cret@h/d",
        "db:pg://u:s3cret#@h/d",
        "db:pg://h:s3cret/d",
    ],
)
def test_bad_uris_are_refused_without_showing_a_password(uri: str) -> None:
    with pytest.raises(UsageError) as caught:
        target(uri)
    assert "db:" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_user_and_password_of_the_environment_win() -> None:
    env = {"SQITCH_USERNAME": "env", "SQITCH_PASSWORD": "fromenv"}
    found = target("db:pg://u:fromuri@h/d", env)
    assert (found.conninfo["user"], found.password, found.uri) == ("env", "fromenv", "db:pg://u@h/d")
    assert target("db:pg://u:fromuri@h/d").password == "fromuri"
    assert target("db:pg:d").password is None


def test_other_engines_are_recognised() -> None:
    assert target("db:sqlite:foo.db").engine == "sqlite"
    assert target("db:mysql://h/d").engine == "mysql"
    assert target("mariadb://h/d").engine == "mysql"


def test_settings_win_from_target_over_engine_over_core(tmp_path: Path) -> None:
    conf = config(
        tmp_path,
        '[core]\nengine=pg\nregistry=c\nclient=c\nextension=c\ntop_dir=c\n[engine "pg"]\nregistry=e\nclient=e\n'
        'extension=\n[target "t"]\nuri=db:pg:d\nregistry=t\n[target "bare"]\nregistry=x\n',
    )
    found = resolve_target("t", conf, {}, CWD)
    assert (found.registry, found.client, found.extension, found.top_dir) == ("t", "e", "c", CWD / "c")
    assert resolve_target("t", conf, {}, CWD, TargetOptions(registry="o")).registry == "o"
    assert resolve_target("db:pg:x", conf, {}, CWD).registry == "e"
    with pytest.raises(UsageError, match='No URI associated with target "bare"'):
        resolve_target("bare", conf, {}, CWD)
    with pytest.raises(UsageError, match='Cannot find target "nope"') as caught:
        resolve_target("nope", conf, {}, CWD)
    assert caught.value.do == "Known targets: t."
    assert target_names(conf) == ("t",)


def test_folders_come_from_the_configuration_relative_to_the_top_directory(tmp_path: Path) -> None:
    plain = target("db:pg:").layout
    assert (plain.plan_file, plain.deploy_dir, plain.reworked_verify_dir) == (
        CWD / "sqitch.plan",
        CWD / "deploy",
        CWD / "verify",
    )
    conf = config(
        tmp_path, "[core]\ntop_dir=./sql\nrevert_dir=../r\nreworked_dir=old\nreworked_verify_dir=/abs\nplan_file=p\n"
    )
    layout = resolve_target("db:pg:", conf, {}, CWD).layout
    assert layout.plan_file == CWD / "p"
    assert (layout.deploy_dir, layout.revert_dir) == (CWD / "sql/deploy", CWD.parent / "r")
    assert (layout.reworked_deploy_dir, layout.reworked_verify_dir) == (CWD / "old/deploy", Path("/abs"))
    chosen = resolve_target("db:pg:", conf, {}, CWD, TargetOptions(plan_file="q", top_dir="other")).layout
    assert (chosen.plan_file, chosen.deploy_dir) == (CWD / "q", CWD / "other/deploy")


@pytest.mark.parametrize(
    ("text", "env", "name"),
    [
        ("", {}, None),
        ("[core]\nengine=pg  \n", {}, "db:pg:"),
        ('[core]\nengine=pg\n[engine "pg"]\ntarget=t\n', {}, "t"),
        ('[core]\nengine=pg\ntarget=c\n[engine "pg"]\ntarget=t\n', {}, "c"),
        ("[core]\ntarget=c\n", {"SQITCH_TARGET": "e"}, "e"),
    ],
)
def test_the_default_target_is_chosen_as_sqitch_does(
    tmp_path: Path, text: str, env: dict[str, str], name: str | None
) -> None:
    assert default_target_name(config(tmp_path, text), env) == name


@pytest.mark.parametrize(
    ("one", "other", "env", "same"),
    [
        ("db:pg://localhost/d", "db:pg:d", {}, True),
        ("db:pg://127.0.0.1:5432/d", "db:pg://[::1]/d", {}, True),
        ("db:pg://LOCALHOST/d", "db:pg://%2Fvar%2Frun%2Fpostgresql/d", {}, True),
        ("db:pg://Db.Example.com./d", "db:pg://db.example.com/d", {}, True),
        ("db:pg://h/d", "db:pg:d", {"PGHOST": "h"}, True),
        ("db:pg://h:1/d", "db:pg:", {"PGHOST": "h", "PGPORT": "1", "PGDATABASE": "d"}, True),
        ("db:pg://h/me", "db:pg://h", {"USER": "me"}, True),
        ("db:pg://h/u", "db:pg://u@h", {"USER": "me"}, True),
        ("db:pg://h,i:6/d?port=5,6", "db:pg://i:6/d", {}, True),
        ("db:pg://h/d?hostaddr=10.0.0.1", "db:pg://10.0.0.1/d", {}, True),
        ("db:pg://h/d", "db:pg://h/e", {}, False),
        ("db:pg://h/d", "db:pg://h:5433/d", {}, False),
        ("db:pg://h/d", "db:pg://i/d", {}, False),
        ("db:pg://%2Ftmp%2Fa/d", "db:pg://%2Ftmp%2Fb/d", {}, False),
    ],
)
def test_two_addresses_of_one_database_are_the_same(one: str, other: str, env: dict[str, str], same: bool) -> None:
    assert target(one, env).address.same(target(other, env).address) is same


def test_services_are_looked_up(tmp_path: Path) -> None:
    (tmp_path / "services").write_text("# comment\n[a]\nhost=x\n[b]\nhost = prod-1\ndbname=d\nport=6\n[c]\nhost=y\n")
    env = {"PGSERVICEFILE": str(tmp_path / "services"), "PGHOST": "ignored"}
    found = target("db:pg:?service=b", env)
    assert found.address.same(target("db:pg://prod-1:6/d").address)
    assert found.looks_like_production
    assert target("db:pg:", {**env, "PGSERVICE": "c"}).address.endpoints == {("y", "5432")}
    assert target("db:pg:?service=nope", env).address.endpoints == {("ignored", "5432")}


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("db:pg://h/d", False),
        ("db:pg://h/PRODUCTION", True),
        ("db:pg://db.prod.x/d", True),
        ("db:pg:?service=prod", True),
    ],
)
def test_a_target_looks_like_production_by_host_or_database(uri: str, expected: bool) -> None:
    assert target(uri).looks_like_production is expected


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("db:pg://ana@%2Frun%2Fpostgresql:5433/documents", "documents on /run/postgresql:5433 as ana"),
        ("db:pg://ana:s3cret@%2Frun/documents", "documents on /run as ana"),
        ("db:pg://ana@db.example:5432/documents", "db:pg://ana@db.example:5432/documents"),
        ("production", "production"),
        ("100%: sure", "100%: sure"),
    ],
)
def test_a_uri_is_told_in_words_where_it_would_be_percent_encoded(uri: str, told: str) -> None:
    assert readable(uri) == told
