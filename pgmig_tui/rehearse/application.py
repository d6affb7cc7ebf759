"""The application's own tests, as a command that the operator names, on a database that has the change."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.run.journal.run_plan import Endpoint
from pgmig_tui.sandbox.bounded import PASSWORDS, run_bounded

LIMIT_S = 600.0
_MOST = 16 << 20
_SAID = 5
"""Lines that it said last, which are told when it fails."""


def run_tests(command: Sequence[str], endpoint: Endpoint, root: Path) -> str:
    """Run it in the project's folder; libpq's variables and DATABASE_URL lead to the database. Returns why it failed,
    with what it said last, "" = it passed."""
    env = environment_of(os.environ, endpoint)
    try:
        done = run_bounded(command, cwd=root, env=env, timeout_s=LIMIT_S, most=_MOST, merged=True)
    except (OSError, ValueError) as error:
        return f"the command can't be run: {error}"
    if not done.ended and done.status == 0:
        return ""
    said = [text.strip() for text in mask_secrets(done.output.decode("utf-8", "replace")).splitlines() if text.strip()]
    tail = " | ".join(said[-_SAID:]) or "it said nothing"
    ends = {
        "": f"ended with exit status {done.status}",
        "slow": f"took more than {LIMIT_S:.0f} s",
        "stuck": f"took more than {LIMIT_S:.0f} s",
        "loud": f"said more than {_MOST:,} bytes",
    }
    return f"the command {ends[done.ended]}: {tail}"


def environment_of(environ: Mapping[str, str], endpoint: Endpoint) -> Mapping[str, str]:
    """This environment without what leads to other databases, and with what leads to this one."""
    where, password = endpoint.conninfo, endpoint.password or ""
    kept = {name: value for name, value in environ.items() if not name.startswith("PG") and name not in PASSWORDS}
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGDATABASE": "dbname"}
    own = {variable: where[name] for variable, name in names.items() if where.get(name)}
    account = quote(where.get("user", ""), safe="") + (f":{quote(password, safe='')}" if password else "")
    query = "&".join(f"{name}={quote(where[name], safe='')}" for name in ("host", "port") if where.get(name))
    own["DATABASE_URL"] = f"postgresql://{account}@/{quote(where.get('dbname', ''), safe='')}?{query}"
    if password:
        own["PGPASSWORD"] = password
    return {**kept, **own}
