"""The checklists of the migration guide, in its order, as data.

An item is a check (a query with its evidence), performed (the program does it, or a person says that it was done), or
attested by a person with a note.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pgmig_tui.display.closest import did_you_mean
from pgmig_tui.errors import UsageError
from pgmig_tui.project.verification import asked_of

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment, Policy

List = Literal["pre", "deploy", "post", "emergency"]
How = Literal["check", "performed", "attested"]

DATA_LOSS = "data-loss"
"""The item of an answer that accepts a loss."""
LEAST_REASON = 8
"""Characters of a reason to go on past an item: a key pressed by mistake must not open a gate."""

_SEEN = "what was seen, by whom, and where?"

SERVER = "check:server"
NOTIFY = "pre:notify"
COORDINATION = "pre:coordination"
BACKUP = "pre:backup"
VERIFY_BACKUP = "pre:verify-backup"


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One line of a checklist.

    `check` names the result that answers it: a check of `database.checks`, or "backup" and "backup_verified".
    `required` items block a protected environment until they are answered; `always` ones block every environment.
    `overridable` False: no reason opens the gate; `locked`: pgmig.toml says so, or whose reason does. `open`: what is
    said of it where nothing has answered it. `asks`: the question to whoever attests it.
    """

    id: str
    list: List
    title: str
    how: How
    check: str | None = None
    required: bool = True
    always: bool = False
    overridable: bool = True
    locked: str = ""
    open: str = ""
    asks: str = "who did it, when, or where is it written?"


PRE: tuple[ChecklistItem, ...] = (
    ChecklistItem("pre:window", "pre", "Schedule maintenance window if needed", "attested"),
    ChecklistItem(NOTIFY, "pre", "Notify stakeholders", "attested", asks="who was told, how, and when?"),
    ChecklistItem(
        COORDINATION,
        "pre",
        "Coordinate with application deployments",
        "attested",
        open="which release of the application goes with it isn't named",
        asks="which release of the application goes with it, and is that deployed before or after?",
    ),
    ChecklistItem(BACKUP, "pre", "Backup database", "performed", "backup"),
    ChecklistItem(VERIFY_BACKUP, "pre", "Verify backup", "performed", "backup_verified"),
)
CERTIFICATE = ChecklistItem("check:certificate", "pre", "Server has proven who it is", "check", "certificate")
"""Where pgmig.toml demands that, or nobody says how a protected server on a network has to."""
HEALTH: tuple[ChecklistItem, ...] = (
    ChecklistItem(
        SERVER, "pre", "Server reachable and the right one", "check", "server", always=True, overridable=False
    ),
    ChecklistItem("check:long-transactions", "pre", "No long transactions", "check", "long_transactions"),
    ChecklistItem("check:blockers", "pre", "Nobody holds the affected tables for long", "check", "blockers"),
    ChecklistItem("check:autovacuum", "pre", "No vacuum on them that won't yield", "check", "autovacuum"),
    ChecklistItem("check:prepared-transactions", "pre", "No prepared transactions", "check", "prepared_transactions"),
    ChecklistItem("check:replication-lag", "pre", "Replicas keep up", "check", "replication_lag"),
    ChecklistItem("check:replication-slots", "pre", "Slots don't hold back WAL", "check", "replication_slots"),
    ChecklistItem("check:invalid-indexes", "pre", "No invalid indexes", "check", "invalid_indexes"),
    ChecklistItem("check:connection-headroom", "pre", "Connections to spare", "check", "connection_headroom"),
    ChecklistItem("check:dumps", "pre", "No dump of ours is running", "check", "dumps", always=True),
    ChecklistItem("check:archiver", "pre", "WAL is archived", "check", "archiver"),
    ChecklistItem("check:sync-commit", "pre", "COMMIT can be acknowledged", "check", "sync_commit"),
    ChecklistItem("check:wraparound", "pre", "Far from transaction ID wraparound", "check", "wraparound"),
)
DEPLOY: tuple[ChecklistItem, ...] = (
    ChecklistItem("deploy:staging", "deploy", "Deploy to staging environment", "attested"),
    ChecklistItem("deploy:verify-staging", "deploy", "Verify staging deployment", "attested"),
    ChecklistItem(
        "deploy:application-tests",
        "deploy",
        "Run application tests",
        "attested",
        asks="which tests, of which build, and where is the result?",
    ),
    ChecklistItem("deploy:production", "deploy", "Deploy to production", "performed", "deployed"),
    ChecklistItem("deploy:verify-production", "deploy", "Verify production deployment", "performed", "verified"),
    ChecklistItem("deploy:monitor", "deploy", "Monitor system health", "attested", asks=_SEEN),
)
POST: tuple[ChecklistItem, ...] = (
    ChecklistItem("post:application", "post", "Verify application functionality", "attested", asks=_SEEN),
    ChecklistItem("post:metrics", "post", "Monitor performance metrics", "attested", asks=_SEEN),
    ChecklistItem("post:logs", "post", "Check error logs", "attested", asks=_SEEN),
    ChecklistItem("post:documentation", "post", "Update documentation", "attested"),
    ChecklistItem("post:ticket", "post", "Close migration ticket", "attested", "hook:ticket"),
)
EMERGENCY: tuple[ChecklistItem, ...] = (
    ChecklistItem("emergency:rollback", "emergency", "Execute rollback procedure", "performed", "reverted"),
    ChecklistItem("emergency:stability", "emergency", "Verify system stability", "performed", "stable"),
    ChecklistItem(
        "emergency:notify",
        "emergency",
        "Notify stakeholders",
        "attested",
        "hook:rolled_back",
        asks="who was told, how, and when?",
    ),
    ChecklistItem("emergency:incident", "emergency", "Document incident", "performed", "incident_recorded"),
    ChecklistItem("emergency:plan", "emergency", "Update migration plan", "performed", "marked"),
)
SCRIPTS = ChecklistItem(
    "check:scripts", "emergency", "What was deployed is what the files say", "check", "deployed_scripts", always=True
)
TICKETS = ChecklistItem("pre:tickets", "pre", "Each change names its ticket", "check", "tickets", required=False)
POLICY = ChecklistItem(
    "policy:text", "pre", "Policy asks for no less than at the last run", "check", "policy:text", always=True
)
BEFORE_PRODUCTION = DEPLOY[:3]
"""The deployment steps that come before production in the guide; a gate asks for them there."""
ON_PRODUCTION = DEPLOY[3:]
"""Those that the run itself is, and what is looked at while and after it."""

_LONGEST_VALUE = 40
_POLICY_TITLES = {
    "promote_from": "Same scripts deployed there first",
    "approvals": "Approvals given",
    "soak": "In use there for long enough",
    "window": "Inside the maintenance window",
    "freeze": "No freeze",
}


def items_for(
    environment: Environment, command: str, role: str | None = None, *, compared: bool = False
) -> tuple[ChecklistItem, ...]:
    """What is asked before `command` (deploy, revert, rollback, verify) runs on `environment`, in order. `role` is the
    database role that it runs as, None where that isn't known: whether it may override hangs on it.
    `compared`: the policy is compared with that of the last run.

    A revert is an emergency: its gate asks the server only, that of a rollback also whether the scripts are those that
    were deployed; the health checks are shown and block nothing. Policy keys
    that this version can't work out are items of a deploy that block every environment until a person overrides them.
    """
    policy = environment.policy
    health = (HEALTH[0], *((CERTIFICATE,) if asked_of(environment.target) else ()), *HEALTH[1:])
    if command == "verify":
        return (HEALTH[0],)
    if command in ("revert", "rollback"):
        exempt = tuple(replace(item, always=False) for item in policy_items(policy))
        shown = tuple(replace(item, required=False) for item in (*exempt, *health[1:]))
        if command == "revert":
            return (HEALTH[0], *shown)
        return (HEALTH[0], SCRIPTS, *(replace(item, always=False) for item in shown))
    own = (own_items(environment, ("pre",)), own_items(environment, ("deploy",)))
    items = (
        *_told(_pre(policy), environment),
        *policy_items(policy),
        *((TICKETS,) if environment.ticket and command == "deploy" else ()),
        *((POLICY,) if compared else ()),
        *health,
        *own[0],
        *_before_production(policy),
        *own[1],
    )
    return _locked(items, policy, role)


def after(command: str, environment: str = "production") -> tuple[ChecklistItem, ...]:
    """What comes after a run of `command` (deploy, backfill, revert, rollback, verify, dry-run) on `environment`, in
    order. A run that leaves nothing has nothing to come after it."""
    if command == "deploy":
        return (*(_there(item, environment) for item in ON_PRODUCTION), *POST)
    if command == "backfill":
        return (ON_PRODUCTION[-1], *POST)
    return EMERGENCY if command in ("revert", "rollback") else ()


def _there(item: ChecklistItem, environment: str) -> ChecklistItem:
    """The guide knows one environment that is deployed to at last; others are called by their names."""
    return replace(item, title=item.title.replace("production", environment, 1))


def own_items(environment: Environment, lists: Collection[str]) -> tuple[ChecklistItem, ...]:
    """The project's own items of these lists on an environment, in the file's order."""
    return tuple(
        ChecklistItem(
            one.item_id,
            one.list,
            one.title,
            "attested" if one.asks else "check",
            None if one.asks else one.item_id,
            required=one.required,
            asks=one.asks or "who did it, when, or where is it written?",
        )
        for one in environment.checks
        if one.list in lists
    )


def naming_release(items: Iterable[ChecklistItem], tags: Iterable[str]) -> tuple[ChecklistItem, ...]:
    """The same, where the coordination names what is released: the tags of the plan that go out."""
    named = " and ".join(dict.fromkeys(tags))
    if not named:
        return tuple(items)
    return tuple(
        replace(item, open=f"{item.open}; the plan's {named} goes out here") if item.id == COORDINATION else item
        for item in items
    )


def policy_items(policy: Policy) -> tuple[ChecklistItem, ...]:
    """An item `policy:<key>` for each rule that stands in pgmig.toml, those that this version can't work out at last.

    A policy is computed: nobody can attest it, and what isn't known is overridden, with a reason.
    """
    keys = [(key, value, "") for key, value in policy.computed]
    keys += [(key, value, "this version can't work it out") for key, value in policy.unenforced]
    return tuple(
        ChecklistItem(
            f"policy:{key}",
            "pre",
            f"{_POLICY_TITLES.get(key, 'As pgmig.toml says')} ({_short(key, value)})",
            "check",
            f"policy:{key}",
            always=True,
            open=told,
        )
        for key, value, told in keys
    )


def _short(key: str, value: str) -> str:
    """The key with its value, where that fits into a title; a list or a table of many is told by its evidence."""
    told = f"{key} = {value}"
    return told if len(told) <= _LONGEST_VALUE else key


def item_named(items: Iterable[ChecklistItem], item_id: str) -> ChecklistItem:
    """The item with that ID. Raises UsageError, naming those there are."""
    known = list(items)
    for item in known:
        if item.id == item_id:
            return item
    told = did_you_mean(item_id, [item.id for item in known])
    raise UsageError(
        f'There is no checklist item "{item_id}".',
        do=f"{told}{' ' if told else ''}Items here: {', '.join(item.id for item in known)}.",
    )


def _locked(items: tuple[ChecklistItem, ...], policy: Policy, role: str | None) -> tuple[ChecklistItem, ...]:
    """The same, where pgmig.toml doesn't leave it to whoever deploys to go on past what was found."""
    why = ""
    if policy.override == "none":
        why = 'pgmig.toml says override = "none"'
    elif policy.override == "approver" and policy.approvers is not None and role is not None:
        may = policy.approvers.database_roles
        if role not in may:
            why = f'pgmig.toml says override = "approver": {" or ".join(may)} may, and this is {role}'
    if not why:
        return items
    return tuple(replace(item, overridable=False, locked=why) if item.overridable else item for item in items)


def _before_production(policy: Policy) -> tuple[ChecklistItem, ...]:
    """Where the policy names the environment that changes come from, that one is asked instead of a person."""
    if policy.promote_from is None:
        return BEFORE_PRODUCTION if policy.protected else BEFORE_PRODUCTION[-1:]
    seen = tuple(
        replace(item, how="check", check=check, always=True)
        for item, check in zip(BEFORE_PRODUCTION, ("staging_deployed", "staging_verified"), strict=False)
    )
    return (*seen, *BEFORE_PRODUCTION[2:])


def _pre(policy: Policy) -> tuple[ChecklistItem, ...]:
    if not policy.backup.required:
        return PRE
    wanted = {BACKUP} if policy.backup.verify == "none" else {BACKUP, VERIFY_BACKUP}
    return tuple(_demanded(item) if item.id in wanted else item for item in PRE)


def _told(items: tuple[ChecklistItem, ...], environment: Environment) -> tuple[ChecklistItem, ...]:
    """The same where a hook tells stakeholders: what becomes of it is seen, and pgmig.toml may ask that it is told."""
    hook = environment.hook("before")
    if hook is None:
        return items
    seen = tuple(replace(item, check="notified") if item.id == NOTIFY else item for item in items)
    if not hook.required:
        return seen
    return tuple(replace(item, how="check", always=True) if item.id == NOTIFY else item for item in seen)


def _demanded(item: ChecklistItem) -> ChecklistItem:
    """It holds on every environment, protected or not, and a person's word isn't enough."""
    return replace(item, how="check", always=True, open="there is no backup that counts")
