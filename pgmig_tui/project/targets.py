"""Targets: where a plan is deployed to, as named in sqitch.conf or written as a `db:pg:` URI.

Sources: `sqitch-target`, `sqitch-environment` and `sqitch-configuration` manual pages; PostgreSQL documentation,
"Connection Strings", "Environment Variables" and "The Connection Service File".
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pgmig_tui.errors import UsageError
from pgmig_tui.project.config import Config
from pgmig_tui.project.uris import SECRET_PARAMETERS, DatabaseUri, is_uri, parse_uri, with_prefix
from pgmig_tui.project.verification import Verification, left_open

_LOCAL_HOSTS = frozenset({"", "localhost", "::1", "/var/run/postgresql", "/run/postgresql", "/tmp"})


@dataclass(frozen=True, slots=True)
class ProjectLayout:
    """Where plan and scripts of a target lie; all paths absolute. Two targets with equal layouts share a project."""

    plan_file: Path
    top_dir: Path
    deploy_dir: Path
    revert_dir: Path
    verify_dir: Path
    reworked_dir: Path
    reworked_deploy_dir: Path
    reworked_revert_dir: Path
    reworked_verify_dir: Path
    extension: str


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Which database a target means, to find out whether two of them are the same: hosts with ports, and the name."""

    endpoints: frozenset[tuple[str, str]]
    database: str

    def same(self, other: DatabaseAddress) -> bool:
        """True when both can be the same database."""
        return self.database == other.database and bool(self.endpoints & other.endpoints)


@dataclass(frozen=True)
class Target:
    """A database to deploy to.

    `name` is the target's name in sqitch.conf, or the URI without password; `uri` and `display` never hold a secret.
    `destination` is what Sqitch calls it in its headers.
    `conninfo` are libpq's keywords as configured, without secrets; what is absent there, libpq takes from PG*
    variables, service and password files. `address` has these variables resolved.
    """

    name: str
    uri: str
    display: str
    conninfo: dict[str, str]
    password: str | None = field(repr=False)
    secrets: dict[str, str] = field(repr=False)
    registry: str
    client: str
    engine: str
    layout: ProjectLayout
    address: DatabaseAddress
    destination: str = ""
    tls_left_open: bool = field(default=False, compare=False)
    """Nobody names an sslmode for a host that is reached over a network."""
    tls_roots: str = field(default="", compare=False)
    """What is named as `sslrootcert`, by the target, its service or PGSSLROOTCERT."""
    verification: Verification = field(default="", compare=False)
    """How the server has to prove who it is: what the environment's policy says of that."""

    @property
    def plan_file(self) -> Path:
        return self.layout.plan_file

    @property
    def top_dir(self) -> Path:
        return self.layout.top_dir

    @property
    def deploy_dir(self) -> Path:
        return self.layout.deploy_dir

    @property
    def revert_dir(self) -> Path:
        return self.layout.revert_dir

    @property
    def verify_dir(self) -> Path:
        return self.layout.verify_dir

    @property
    def reworked_dir(self) -> Path:
        return self.layout.reworked_dir

    @property
    def reworked_deploy_dir(self) -> Path:
        return self.layout.reworked_deploy_dir

    @property
    def reworked_revert_dir(self) -> Path:
        return self.layout.reworked_revert_dir

    @property
    def reworked_verify_dir(self) -> Path:
        return self.layout.reworked_verify_dir

    @property
    def extension(self) -> str:
        return self.layout.extension

    @property
    def looks_like_production(self) -> bool:
        """True when a host or the database name contains "prod"."""
        words = [self.address.database, *(host for host, _ in self.address.endpoints), self.conninfo.get("service", "")]
        return any("prod" in word.lower() for word in words)


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """Options of the command line that win over the configuration, for every target."""

    plan_file: str | None = None
    top_dir: str | None = None
    registry: str | None = None


def default_target_name(config: Config, env: Mapping[str, str]) -> str | None:
    """Return the target that Sqitch uses when none is named; None when nothing is configured."""
    if name := env.get("SQITCH_TARGET") or config.get("core.target"):
        return name
    engine = (config.get("core.engine") or "").rstrip()
    if not engine:
        return None
    return config.get(f"engine.{engine}.target") or f"db:{engine}:"


def resolve_target(
    name_or_uri: str, config: Config, env: Mapping[str, str], cwd: Path, options: TargetOptions | None = None
) -> Target:
    """Return the target that `name_or_uri` means; relative paths count from `cwd` (absolute).

    Raises UsageError when there is no such target, or its URI can't be read.
    """
    options = options or TargetOptions()
    name, text = name_or_uri, name_or_uri
    if not is_uri(name_or_uri):
        configured = config.get(f"target.{name}.uri")
        if configured is None:
            if not config.has_section(f"target.{name}"):
                raise UsageError(f'Cannot find target "{name}"', do=_known_targets(config))
            raise UsageError(f'No URI associated with target "{name}"', do=f'Add "uri = db:pg:…" to [target "{name}"].')
        text = configured
    uri = parse_uri(text)
    if is_uri(name_or_uri):
        name = uri.text()
    conninfo, secrets = _conninfo(uri)
    if user := env.get("SQITCH_USERNAME"):
        conninfo["user"] = user
    password = env.get("SQITCH_PASSWORD") or secrets.pop("password", None)
    secrets.pop("password", None)

    def setting(key: str) -> str | None:
        for section in (f"target.{name}", f"engine.{uri.engine}", "core"):
            if value := config.get(f"{section}.{key}"):
                return value
        return None

    service = _service_of(conninfo, env)
    address = _address(conninfo, env) if uri.engine == "pg" else DatabaseAddress(frozenset(), uri.database)
    shown = uri.text()
    if uri.engine == "pg" and not uri.database and "dbname" not in conninfo and address.database:
        shown = DatabaseUri(uri.engine, uri.user, None, uri.host, uri.port, address.database, uri.parameters).text()
    return Target(
        name=name,
        uri=uri.text(),
        display=shown,
        conninfo=conninfo,
        password=password,
        secrets=secrets,
        registry=options.registry or setting("registry") or "sqitch",
        client=setting("client") or "psql",
        engine=uri.engine,
        layout=_layout(setting, cwd, options),
        address=address,
        destination=_destination(name_or_uri, uri, shown),
        tls_left_open=left_open(conninfo, service, env),
        tls_roots=conninfo.get("sslrootcert") or service.get("sslrootcert") or env.get("PGSSLROOTCERT", ""),
    )


def _destination(name_or_uri: str, uri: DatabaseUri, shown: str) -> str:
    """Sqitch shows a target's name, or the URI as it was written: without password, and with a database's name."""
    if not is_uri(name_or_uri):
        return name_or_uri
    written = with_prefix(name_or_uri.strip())
    if uri.database and not any(key in SECRET_PARAMETERS for key, _ in uri.parameters):
        return re.sub(r"(//[^/?#@:]*):[^/?#@]*@", r"\1@", written)
    scheme = written.split(":", 2)[1]
    return shown.replace("db:pg:", f"db:{scheme}:", 1)


@dataclass(frozen=True, slots=True)
class Override:
    """Parts of a target's URI that the command line says (-d, -u, -h, -p); "" leaves the target's own."""

    database: str = ""
    user: str = ""
    host: str = ""
    port: str = ""

    def __bool__(self) -> bool:
        return bool(self.database or self.user or self.host or self.port)


def overridden(target: Target, override: Override, env: Mapping[str, str]) -> Target:
    """Return `target` with parts of its URI replaced, as Sqitch does it: parameters of the URI win all the same, and so
    does SQITCH_USERNAME; its password stays."""
    before = parse_uri(target.uri)
    uri = replace(
        before,
        database=override.database or before.database,
        user=override.user or before.user,
        host=override.host or before.host,
        port=override.port or before.port,
    )
    conninfo, _ = _conninfo(uri)
    if user := env.get("SQITCH_USERNAME"):
        conninfo["user"] = user
    address, service = _address(conninfo, env), _service_of(conninfo, env)
    text = uri.text()
    shown = text if uri.database or not address.database else replace(uri, database=address.database).text()
    named = not is_uri(target.name)
    return replace(
        target,
        name=target.name if named else text,
        uri=text,
        display=shown,
        conninfo=conninfo,
        address=address,
        destination=target.name if named else shown,
        tls_left_open=left_open(conninfo, service, env),
        tls_roots=conninfo.get("sslrootcert") or service.get("sslrootcert") or env.get("PGSSLROOTCERT", ""),
    )


def target_names(config: Config) -> tuple[str, ...]:
    """Return the names of all targets that have a URI, in file order."""
    return tuple(name for name in config.subsections("target") if config.get(f"target.{name}.uri"))


def _layout(setting: Callable[[str], str | None], cwd: Path, options: TargetOptions) -> ProjectLayout:
    def path(value: str | None, default: Path) -> Path:
        return Path(os.path.normpath(cwd / value)) if value else default

    top = path(options.top_dir or setting("top_dir"), cwd)
    reworked = path(setting("reworked_dir"), top)
    return ProjectLayout(
        plan_file=path(options.plan_file or setting("plan_file"), top / "sqitch.plan"),
        top_dir=top,
        deploy_dir=path(setting("deploy_dir"), top / "deploy"),
        revert_dir=path(setting("revert_dir"), top / "revert"),
        verify_dir=path(setting("verify_dir"), top / "verify"),
        reworked_dir=reworked,
        reworked_deploy_dir=path(setting("reworked_deploy_dir"), reworked / "deploy"),
        reworked_revert_dir=path(setting("reworked_revert_dir"), reworked / "revert"),
        reworked_verify_dir=path(setting("reworked_verify_dir"), reworked / "verify"),
        extension=setting("extension") or "sql",
    )


def _conninfo(uri: DatabaseUri) -> tuple[dict[str, str], dict[str, str]]:
    """Return libpq's keywords and, apart from them, its secrets. Query parameters come last and win, as in Sqitch."""
    parts = {"user": uri.user, "dbname": uri.database, "host": uri.host, "port": uri.port}
    if uri.password is not None:
        parts["password"] = uri.password
    parts.update(uri.parameters)
    secrets = {key: value for key, value in parts.items() if value and key in SECRET_PARAMETERS}
    return {key: value for key, value in parts.items() if value and key not in SECRET_PARAMETERS}, secrets


def _address(conninfo: Mapping[str, str], env: Mapping[str, str]) -> DatabaseAddress:
    """Resolve a target as libpq does: its own keywords, then the service file, then PG* variables, then defaults."""
    service = _service_of(conninfo, env)

    def known(key: str, variable: str) -> str:
        return conninfo.get(key) or service.get(key) or env.get(variable, "")

    hosts = f"{known('host', 'PGHOST')},{known('hostaddr', 'PGHOSTADDR')}".strip(",").split(",")
    ports = (known("port", "PGPORT") or "5432").split(",")
    user = known("user", "PGUSER") or env.get("USER") or env.get("LOGNAME", "")
    endpoints = frozenset(
        (_host(host), (ports[index] if index < len(ports) else ports[-1]) or "5432") for index, host in enumerate(hosts)
    )
    return DatabaseAddress(endpoints, known("dbname", "PGDATABASE") or user)


def _host(host: str) -> str:
    host = host.strip().lower().rstrip(".") if not host.startswith("/") else os.path.normpath(host)
    return "localhost" if host in _LOCAL_HOSTS or re.fullmatch(r"127(\.[0-9]+){3}", host) else host


def _service_of(conninfo: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    return _service(conninfo.get("service") or env.get("PGSERVICE", ""), env)


def _service(name: str, env: Mapping[str, str]) -> dict[str, str]:
    """Return the keywords of a connection service; empty when there is none, which libpq will report."""
    if not name:
        return {}
    user_file = env.get("PGSERVICEFILE") or (f"{env['HOME']}/.pg_service.conf" if env.get("HOME") else "")
    system_dir = env.get("PGSYSCONFDIR") or "/etc/postgresql-common"
    for path in (user_file, f"{system_dir}/pg_service.conf"):
        try:
            lines = Path(path).read_text(errors="replace").splitlines() if path else []
        except OSError:
            continue
        stripped = [line.strip() for line in lines]
        if f"[{name}]" in stripped:
            found: dict[str, str] = {}
            for line in stripped[stripped.index(f"[{name}]") + 1 :]:
                if line.startswith("["):
                    break
                key, equals, value = line.partition("=")
                if equals and not line.startswith("#"):
                    found.setdefault(key.strip(), value.strip())
            return found
    return {}


def _known_targets(config: Config) -> str:
    names = target_names(config)
    return f"Known targets: {', '.join(names)}." if names else "sqitch.conf names no target; write a db:pg: URI."
