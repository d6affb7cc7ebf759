"""Whether a protected server has proven who it is: tried where nobody says how, demanded where pgmig.toml says so.

On a real server with TLS, at an address of this host that isn't loopback.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pgmig_tui.database import tls
from pgmig_tui.database.checks import certificate_result
from pgmig_tui.database.connect import connect
from pgmig_tui.database.probe import address_of
from pgmig_tui.errors import Unreachable
from pgmig_tui.project.config import Config
from pgmig_tui.project.environments import Environment, Policy
from pgmig_tui.project.targets import resolve_target
from pgmig_tui.sandbox.account import server_account
from pgmig_tui.sandbox.programs import libpq_environment
from pgmig_tui.sandbox.server import SandboxServer, scratch_folder
from tests.cli.program import Checkout, shop
from tests.conftest import TEST_SETTINGS, installed

HBA = "local all all trust\nhost all all all trust\n"


@dataclass(frozen=True)
class TlsServer:
    """A server that speaks TLS at `address`, with the certificate of the authority `roots` for that address."""

    address: str
    port: int
    roots: Path
    sandbox: SandboxServer
    database: str = "postgres"

    def uri(self, host: str = "", **parameters: str) -> str:
        query = "&".join(f"{key}={value}" for key, value in parameters.items())
        return f"db:pg://postgres@{host or self.address}:{self.port}/{self.database}{'?' if query else ''}{query}"

    def environment(self, host: str = "", demanded: str = "", /, **parameters: str) -> Environment:
        target = resolve_target(self.uri(host, **parameters), Config(), dict(os.environ), Path("/work"))
        return Environment("production", target, Policy(protected=True, sslmode=demanded))

    def admin(self, sql: str) -> None:
        import psycopg

        where = f"host={self.sandbox.socket_dir} port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(sql.encode())


def own_address() -> str:
    """An address of this host that isn't loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    found = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
    return next(one for one in found if ":" not in one)


def certificates(folder: Path, address: str) -> Path:
    """An authority, and a certificate of it for that address. Returns the authority's."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=authority", "-days", "2")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server")
    (folder / "names").write_text(f"subjectAltName=IP:{address},DNS:db.example.org\n")
    signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    openssl("x509", "-req", "-in", "server.csr", *signed, "-out", "server.crt")
    return folder / "ca.crt"


@pytest.fixture(scope="module")
def server() -> Iterator[TlsServer]:
    folder, address = scratch_folder(), own_address()
    made = folder / "tls"
    made.mkdir(mode=0o755)
    roots = certificates(made, address)
    (made / "hba").write_text(HBA)
    account = server_account()
    for name in ("server.key", "server.crt", "hba"):
        (made / name).chmod(0o600)
        os.chown(made / name, account.uid, account.gid)
    with socket.socket() as free:
        free.bind((address, 0))
        port = free.getsockname()[1]
    settings = {
        **TEST_SETTINGS, "listen_addresses": f"{address},127.0.0.1", "port": str(port), "ssl": "on",
        "ssl_cert_file": str(made / "server.crt"), "ssl_key_file": str(made / "server.key"),
        "hba_file": str(made / "hba"),
    }  # fmt: skip
    sandbox = SandboxServer(folder / "server", installed(15), settings=settings)
    try:
        sandbox.start()
        yield TlsServer(address, port, roots, sandbox)
    finally:
        sandbox.destroy()


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No certificate of the developer's own counts, and no server that was seen before."""
    for name in ("PGSSLMODE", "PGSSLROOTCERT", "PGSERVICE", "PGHOST", "PGHOSTADDR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(tls, "_outcomes", {})


def why(environment: Environment) -> tuple[str, bool]:
    """Why the server has not proven who it is, and whether the session is encrypted."""
    with connect(environment.target, application_name="pgmig/test/tls") as connection:
        encrypted = connection.one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert encrypted is not None
        state = certificate_result(connection.identity()).state
        assert state == ("WARN" if connection.unproven else "PASS")
        return connection.unproven, bool(encrypted[0])


def test_a_server_proves_who_it_is_by_what_libpq_finds(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert why(server.environment(sslrootcert=str(server.roots))) == ("", True)
    monkeypatch.setenv("PGSSLROOTCERT", str(server.roots))
    assert why(server.environment()) == ("", True)
    monkeypatch.setenv("PGSSLMODE", "")
    assert why(server.environment()) == ("", True)
    monkeypatch.delenv("PGSSLROOTCERT")
    (tmp_path / "services").write_text(f"[live]\nsslrootcert={server.roots}\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    assert why(server.environment(service="live")) == ("", True)
    monkeypatch.delenv("PGSERVICEFILE")
    own = tmp_path / ".postgresql"
    own.mkdir()
    (own / "root.crt").write_bytes(server.roots.read_bytes())
    assert why(server.environment()) == ("", True)


def test_where_it_can_not_it_is_used_as_libpq_would_and_that_is_told(server: TlsServer) -> None:
    told, encrypted = why(server.environment())
    assert (told, encrypted) == ("SSL error: certificate verify failed", True)
    roots = str(server.roots)
    told, _ = why(server.environment("db.example.com", hostaddr=server.address, sslrootcert=roots))
    assert 'does not match host name "db.example.com"' in told
    assert why(server.environment("db.example.org", hostaddr=server.address, sslrootcert=roots)) == ("", True)
    server.admin("ALTER SYSTEM SET ssl = off")
    server.admin("SELECT pg_reload_conf()")
    try:
        told, encrypted = why(server.environment(sslrootcert=roots, keepalives="1"))
        assert (told, encrypted) == ("server does not support SSL, but SSL was required", False)
    finally:
        server.admin("ALTER SYSTEM RESET ssl")
        server.admin("SELECT pg_reload_conf()")


def test_where_pgmig_toml_demands_it_there_is_no_other_way(server: TlsServer) -> None:
    assert why(server.environment("", "verify-full", sslrootcert=str(server.roots))) == ("", True)
    for parameters in ({}, {"sslmode": "disable"}, {"sslmode": "require", "gssencmode": "prefer"}):
        with pytest.raises(Unreachable) as caught:
            connect(server.environment("", "verify-full", **parameters).target, application_name="pgmig/test/tls")
        assert "certificate verify failed" in caught.value.what, parameters
        assert 'pgmig.toml says sslmode = "verify-full" here' in caught.value.do


def test_others_that_connect_are_told_what_was_proven(server: TlsServer) -> None:
    """A run's process by its plan, pg_dump by its environment; nothing where it wasn't seen."""
    known = server.environment(sslrootcert=str(server.roots))
    assert (tls.settled(known.target), libpq_environment(known.target, "x").get("PGSSLMODE")) == ({}, None)
    why(known)
    assert tls.settled(known.target) == {"sslmode": "verify-full"}
    assert libpq_environment(known.target, "x")["PGSSLMODE"] == "verify-full"
    assert address_of(known.target, server.address, str(server.port), "x").conninfo["sslmode"] == "verify-full"
    unknown = server.environment()
    why(unknown)
    assert (tls.settled(unknown.target), libpq_environment(unknown.target, "x").get("PGSSLMODE")) == ({}, None)
    demanded = server.environment("", "verify-full").target
    assert libpq_environment(demanded, "x")["PGSSLROOTCERT"] == "system"


def test_of_several_hosts_the_one_that_answers_is_asked_again(server: TlsServer) -> None:
    closed = _closed_port(server.address)
    uri = f"db:pg://postgres@/{server.database}?host={server.address},{server.address}&port={closed},{server.port}"
    target = resolve_target(uri, Config(), dict(os.environ), Path("/work"))
    told, encrypted = why(Environment("production", target, Policy(protected=True)))
    assert (told, encrypted) == ("SSL error: certificate verify failed", True)


def _closed_port(address: str) -> int:
    with socket.socket() as free:
        free.bind((address, 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize("roots", [True, False])
def test_who_does_not_answer_is_not_asked_twice(server: TlsServer, roots: bool) -> None:
    """It takes the connection and says nothing."""
    taken: list[socket.socket] = []
    with socket.socket() as listener:
        listener.bind((server.address, 0))
        listener.listen()

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(listener.accept()[0])
                    taken[-1].close()

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        parameters = {"sslrootcert": str(server.roots)} if roots else {}
        query = "".join(f"?{key}={value}" for key, value in parameters.items())
        uri = f"db:pg://postgres@{server.address}:{listener.getsockname()[1]}/x{query}"
        target = resolve_target(uri, Config(), dict(os.environ), Path("/work"))
        with pytest.raises(Unreachable):
            connect(Environment("production", target, Policy(protected=True)).target, application_name="pgmig/test/t")
        assert len(taken) == 1


@pytest.mark.parametrize(
    ("parameters", "env", "tried"),
    [
        ({"host": "db1"}, {}, True),
        ({"host": "10.0.0.7"}, {"PGSSLMODE": ""}, True),
        ({"host": "db1", "sslrootcert": "/x"}, {}, True),
        ({"host": "db1", "sslmode": "prefer"}, {}, False),
        ({"host": "db1"}, {"PGSSLMODE": "require"}, False),
        ({"host": "db1"}, {"PGREQUIRESSL": "1"}, False),
        ({}, {"PGHOST": "db1"}, True),
        ({}, {}, False),
        ({"host": "/run/postgresql"}, {}, False),
        ({"host": "@abstract"}, {}, False),
        ({"host": "localhost"}, {}, False),
        ({"host": "LOCALHOST."}, {}, False),
        ({"host": "127.0.0.2"}, {}, False),
        ({"host": "::1"}, {}, False),
        ({"host": "::ffff:127.0.0.1"}, {}, False),
        ({"host": "2001:db8::7"}, {}, True),
        ({"host": "db1", "hostaddr": "127.0.0.1"}, {}, False),
        ({"host": "localhost", "hostaddr": "10.0.0.7"}, {}, True),
        ({"hostaddr": "10.0.0.7"}, {}, True),
        ({"host": "/run/postgresql,db1"}, {}, True),
        ({"host": "localhost,127.0.0.1"}, {}, False),
        ({"host": "localhost,db2"}, {}, True),
        ({"service": "strict"}, {}, False),
        ({"service": "far"}, {}, True),
        ({}, {"PGSERVICE": "far"}, True),
    ],
)
def test_where_it_is_tried(parameters: Mapping[str, str], env: Mapping[str, str], tried: bool, tmp_path: Path) -> None:
    (tmp_path / "services").write_text("[strict]\nhost=db1\nsslmode=verify-ca\n[far]\nhost=db1\n")
    query = "&".join(f"{key}={value}" for key, value in parameters.items())
    known = {"PGSERVICEFILE": str(tmp_path / "services"), **env}
    target = resolve_target(f"db:pg:?{query}", Config(), known, Path("/work"))
    assert Environment("production", target, Policy(protected=True)).target.verification == ("try" if tried else "")
    assert Environment("dev", target, Policy()).target.verification == ""


def checkout_on(tmp_path: Path, server: TlsServer, toml: str = "") -> Checkout:
    made = shop(tmp_path, {"production": server.uri()})
    made.write("pgmig.toml", f'[[environment]]\nname = "production"\ntarget = "production"\nprotected = true\n{toml}')
    return made


def test_the_checklist_says_what_was_not_proven(server: TlsServer, tmp_path: Path) -> None:
    checkout = checkout_on(tmp_path, server)

    def item(**env: str) -> tuple[str, str]:
        found = json.loads(checkout.run("check", "production", "--json", env=env).out)
        (one,) = (each for each in found["items"] if each["id"] == "check:certificate")
        return one["state"], one["seen"]["summary"]

    state, told = item()
    assert state == "WARN"
    assert "the server's certificate was not verified: SSL error: certificate verify failed" in told
    assert item(PGSSLROOTCERT=str(server.roots))[0] == "PASS"


def test_each_session_of_a_run_and_pg_dump_hold_to_it(server: TlsServer, tmp_path: Path) -> None:
    """A run's plan names the mode; with another authority neither the run nor the dump would be let in."""
    server.admin("DROP DATABASE IF EXISTS held")
    server.admin("CREATE DATABASE held")
    held = TlsServer(server.address, server.port, server.roots, server.sandbox, "held")
    checkout = checkout_on(tmp_path, held, 'confirm_word = "prod"\nsslmode = "verify-full"\n')
    right = {"PGSSLROOTCERT": str(server.roots)}
    refused = checkout.run("status", "production")
    assert "certificate verify failed" in refused.out + refused.err
    answers = [
        f"--attest={item}=as a test" for item in ("pre:window", "pre:notify", "pre:coordination", "deploy:staging",
        "deploy:verify-staging", "deploy:application-tests")
    ]  # fmt: skip
    done = checkout.run(
        "deploy", "production", "--confirm", "prod", "--backup", "--json-lines", *answers,
        "--override=pre:verify-backup=this is a test", env=right,
    )  # fmt: skip
    assert done.status == 0, done.err
    told = [one["conninfo"]["sslmode"] for one in map(json.loads, done.out.splitlines()) if "conninfo" in one]
    (plan,) = (json.loads(one.read_text()) for one in checkout.home.rglob("runs/*/plan.json"))
    assert [*told, plan["server"]["conninfo"]["sslmode"]] == ["verify-full"] * (len(told) + 1)
    assert told, "the backup tells how it has connected"
    assert list(checkout.home.rglob("*.dump")), "pg_dump was let in"
