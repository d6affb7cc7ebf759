"""Which environment a server is, whatever its address is written like: protection that a spelling can't walk round.

Names are compared where a target is named (`Project.environment`). Here, once connected, the server's system identifier
and database are compared with those of every protected environment that this account has ever seen, of this project or
another. Where they are equal a live probe tells the server itself from a copy of its files; where nobody answers, the
word of the protected environment is asked for. Where nothing is equal, nobody else is asked.

What was seen lies in the state folder, a file each, without secrets. An empty folder, or one that can't be written,
only costs questions: protected environments of the project that were never seen are asked who they are, where their
database has the same name. To forget one that is gone for good, its file is deleted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.connect import Connection, application_name, connect
from pgmig_tui.database.deadline import deadline
from pgmig_tui.database.probe import ANSWER_S, CONNECT_S, Probed, address_of, probe
from pgmig_tui.errors import PgmigError
from pgmig_tui.project.environments import Environment, Policy, target_environment
from pgmig_tui.run.journal import private
from pgmig_tui.run.journal.run_plan import Endpoint

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Reachable
    from pgmig_tui.database.identity import ServerIdentity
    from pgmig_tui.database.status import EnvironmentStatus
    from pgmig_tui.project.project import Project
    from pgmig_tui.run.journal.run_plan import RunPlan

_FOLDER = "protected"


@dataclass(frozen=True, slots=True)
class Seen:
    """A protected environment as it once answered. `conninfo` leads to the very host that did."""

    environment: str
    project: str
    confirm_word: str
    display: str
    database: str
    system_identifier: str | None
    conninfo: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Located:
    """What is true of a server: the environment whose policy counts there, and what to tell of it.

    `doubt`: whether it is a protected one isn't known; `environment` is the one that was asked for then, with the word
    of the protected one to be typed.
    """

    environment: Environment
    told: tuple[str, ...] = ()
    doubt: bool = False


def located(
    project: Project, environment: Environment, connection: Connection, identity: ServerIdentity, state_dir: Path
) -> Located:
    """The environment that the server behind `connection` is, before anything is written there.

    `connection` must be idle. Asks another server only where the identifiers are equal, or aren't known and the names
    of the databases are. Raises ServerError, ConnectionLost for `connection` alone.
    """
    policy = environment.policy
    known = {one.name: one for one in (*project.environments, *project.elsewhere)}
    own = known.get(environment.name) or target_environment(environment.name, environment.target)
    if own.policy.protected:
        remember(state_dir, project, own, identity)
        if own.name in known:
            return Located(environment)
    doubt: Located | None = None
    for twin, addresses in _twins(project, known, environment, identity, state_dir):
        probed = _probed(connection, addresses)
        if probed.relation == "same":
            told = f"{environment.name} leads to the database of {twin.name}, which is protected: its policy counts"
            return Located(_as(twin, environment, known), (told,))
        if probed.relation == "unknown" and doubt is None:
            asked = replace(policy, protected=True, confirm_word=twin.policy.confirm_word or twin.name)
            told = (
                f"{environment.name} may be {twin.name}, which is protected, or a copy of it: {probed.why};"
                f" the confirmation word of {twin.name} is asked for"
            )
            doubt = Located(replace(environment, policy=asked), (told,), doubt=True)
    return doubt or Located(environment)


def environment_of(plan: RunPlan, project: Project, environment: Environment) -> Environment:
    """The environment whose policy counts for `plan`, which was made for `environment`."""
    if plan.environment == environment.name:
        return environment
    known = {one.name: one for one in (*project.environments, *project.elsewhere)}
    if (twin := known.get(plan.environment)) is not None:
        return _as(twin, environment, known)
    policy = Policy(protected=plan.protected, confirm_word=plan.confirm_word)
    return Environment(plan.environment, environment.target, policy)


def remember(state_dir: Path, project: Project, environment: Environment, identity: ServerIdentity) -> None:
    """Keep who a protected environment is. Never raises: a folder that can't be written only costs questions later."""
    name = (project.plan.project, environment.name, identity.system_identifier or "", identity.database)
    path = state_dir / _FOLDER / f"{hashlib.sha256(json.dumps(name).encode()).hexdigest()[:24]}.json"
    target = environment.target
    where = address_of(target, identity.host, identity.port, identity.database)
    seen = Seen(
        environment.name,
        project.plan.project,
        environment.policy.confirm_word,
        target.display,
        identity.database,
        identity.system_identifier,
        where.conninfo,
    )
    text = json.dumps(asdict(seen), indent=1) + "\n"
    with contextlib.suppress(OSError):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return
        private.replace(path, text)


def remember_answers(state_dir: Path, project: Project, answers: Iterable[EnvironmentStatus]) -> None:
    """Keep who the protected environments are that have answered."""
    known = {one.name: one for one in (*project.environments, *project.elsewhere)}
    for answer in answers:
        environment = known.get(answer.name)
        if environment is not None and environment.policy.protected and answer.server is not None:
            remember(state_dir, project, environment, answer.server)


def seen_before(state_dir: Path) -> list[Seen]:
    """What this account has kept. A file that can't be read is left out."""
    found = []
    with contextlib.suppress(OSError):
        for path in sorted((state_dir / _FOLDER).glob("*.json")):
            with contextlib.suppress(OSError, ValueError, TypeError):
                found.append(Seen(**json.loads(path.read_text(encoding="utf-8"))))
    return found


# -- who it may be -------------------------------------------------------------------------------------------------

_Addresses = list["Reachable"]


def _twins(
    project: Project,
    known: Mapping[str, Environment],
    environment: Environment,
    identity: ServerIdentity,
    state_dir: Path,
) -> Iterator[tuple[Environment, _Addresses]]:
    """The protected environments that this server may be, and where they are reached, the address of now first."""
    seen = seen_before(state_dir)
    strangers: dict[tuple[str, str], _Addresses] = {}
    words: dict[tuple[str, str], Seen] = {}
    for one in seen:
        if one.project == project.plan.project and (one.environment in known or one.environment == environment.name):
            continue  # what the project says of it today counts
        if _may_be(one, identity):
            strangers.setdefault((one.project, one.environment), []).append(_address(one))
            words[one.project, one.environment] = one
    for twin in known.values():
        if not twin.policy.protected or twin.name == environment.name:
            continue
        of_it = [one for one in seen if (one.project, one.environment) == (project.plan.project, twin.name)]
        if not of_it and _never_seen(project, twin, environment, identity, state_dir):
            yield twin, [twin.target]
        elif alike := [one for one in of_it if _may_be(one, identity)]:
            yield twin, [twin.target, *(_address(one) for one in alike)]
    for key, addresses in strangers.items():
        one = words[key]
        word = one.confirm_word or one.environment
        policy = Policy(protected=True, confirm_word=word)
        yield Environment(one.environment, environment.target, policy), addresses


def _may_be(one: Seen, identity: ServerIdentity) -> bool:
    if one.database != identity.database:
        return False
    return None in (one.system_identifier, identity.system_identifier) or (
        one.system_identifier == identity.system_identifier
    )


def _never_seen(
    project: Project, twin: Environment, environment: Environment, identity: ServerIdentity, state_dir: Path
) -> bool:
    """Whether a protected environment of which this account knows no more than its name may be this server: it is asked
    who it is, where its database has the same name."""
    pinned = twin.policy.system_identifier
    if pinned is not None and identity.system_identifier not in (None, pinned):
        return False
    if twin.target.address.database not in (identity.database, environment.target.address.database):
        return False
    try:
        name = application_name("probe", "watch")
        with (
            connect(twin.target, application_name=name, connect_timeout=CONNECT_S, kind="watch") as connection,
            deadline(connection, ANSWER_S, twin.target.display),
        ):
            answered = connection.identity()
    except PgmigError:
        return True  # the probe will say why
    remember(state_dir, project, twin, answered)
    return answered.database == identity.database and (
        None in (answered.system_identifier, identity.system_identifier)
        or answered.system_identifier == identity.system_identifier
    )


def _address(one: Seen) -> Endpoint:
    """No password: it belongs to the address that it was given for, which may have been another project's."""
    return Endpoint(one.display, dict(one.conninfo))


def _probed(connection: Connection, addresses: _Addresses) -> Probed:
    """What the address of now says counts; where nobody answers there, an old one can tell that it is the same."""
    first, *others = addresses
    probed = probe(connection, first)
    if probed.relation != "unknown":
        return probed
    for address in others:
        if probe(connection, address).relation == "same":
            return Probed("same")
    return probed


def _as(twin: Environment, environment: Environment, known: Mapping[str, Environment]) -> Environment:
    """The protected environment, reached by the address that was given. What an environment of that name forbids by
    itself stays forbidden."""
    policy, asked = twin.policy, environment.policy
    if environment.name in known:
        shell, files = policy.allow_shell and asked.allow_shell, policy.allow_files and asked.allow_files
        policy = replace(policy, allow_shell=shell, allow_files=files)
    return replace(twin, target=environment.target, policy=policy)
