"""Dumps of real databases restored as a test: what is compared, what is verified, what is unknown, what is refused."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pgmig_tui.errors import PgmigError, Refused
from pgmig_tui.gates.backup import Backup, make_backup
from pgmig_tui.gates.decode import BackupError, Damaged
from pgmig_tui.gates.progress import BackupProgress
from pgmig_tui.gates.restored import RestoreProof, kept, proofs_of
from pgmig_tui.rehearse import clone
from pgmig_tui.rehearse import prove_restore as module
from pgmig_tui.rehearse.prove_restore import prove_restore
from pgmig_tui.sandbox.programs import find_tools
from tests.rehearse.conftest import Theatre
from tests.run.conftest import Workshop

Restore = Callable[..., RestoreProof]


@pytest.fixture
def restore(workshop: Workshop, theatre: Theatre) -> Restore:
    def run(backup: Backup, **how: object) -> RestoreProof:
        project, environment = workshop.project()
        return prove_restore(project, environment, backup, state_dir=theatre.state_dir, **how)  # type: ignore[arg-type]

    return run


def filled(workshop: Workshop) -> Workshop:
    """Two changes deployed, rows, a role that owns and one that may read, a large object, a view that is filled."""
    workshop.change(
        "orders",
        "CREATE TABLE public.orders (id int PRIMARY KEY, note text);",
        "DROP TABLE public.orders;",
        "SELECT id, note FROM public.orders WHERE false;",
    )
    workshop.change("nothing", "SELECT 1;", "SELECT 1;")
    workshop.change("rows", "INSERT INTO public.orders SELECT n, 'x' FROM generate_series(1, 5000) n;", "", "SELECT 1;")
    assert workshop.run().status == 0
    owner, reader = f"{workshop.dbname} owner", f"{workshop.dbname} reader"
    workshop.query(
        f'CREATE ROLE "{owner}"; CREATE ROLE "{reader}"; CREATE TABLE public.owned (n int UNIQUE);'
        f' ALTER TABLE public.owned OWNER TO "{owner}"; GRANT SELECT ON public.orders TO "{reader}";'
        " CREATE MATERIALIZED VIEW public.filled AS SELECT count(*) AS n FROM public.orders;"
        " SELECT lo_from_bytea(0, 'some bytes')"
    )
    return workshop


@pytest.fixture
def backup(workshop: Workshop, tmp_path: Path) -> Backup:
    target = filled(workshop).project()[1].target
    return make_backup(target, tmp_path / "backups", "run", verify="restore")[0]


def test_a_restore_is_compared_and_verified_and_its_time_is_kept(backup: Backup, restore: Restore) -> None:
    told: list[BackupProgress] = []
    proof = restore(backup, tell=told.append)
    assert (proof.state, proof.wrong, proof.lacking, proof.unverified) == ("PASS", (), (), ()), proof
    assert (proof.rows, proof.verified) == (backup.rows, 2), "one change has no verify script"
    assert (backup.rows or 0) > 5000
    assert 0 < proof.restore_s < proof.seconds
    assert "2 verify scripts passed" in proof.summary
    assert kept(backup) == proof == proofs_of(Path(backup.path).parent, backup.system_identifier, backup.database)[0]
    doing = list(dict.fromkeys(one.doing for one in told))
    assert doing == ["decoding", "starting a server", "restoring", "comparing", "verifying"]
    assert {one.path for one in told} == {backup.path}
    assert kept(replace(backup, sha256="another")) is None, "of other bytes it says nothing"
    Path(backup.path).with_suffix(".restored").write_text('{"rows": "many"}')
    assert kept(backup) is None
    assert proofs_of(Path(backup.path).parent, backup.system_identifier, backup.database) == []


def test_what_is_not_as_it_was_dumped_fails_the_proof(workshop: Workshop, backup: Backup, restore: Restore) -> None:
    """The record tells of one row more and of a table that isn't there, and a verify script fails."""
    record = Path(backup.path).with_suffix(".json")
    values = json.loads(record.read_text())
    values["rows_of_tables"] |= {"public.orders": 5001, "public.lost": 3}
    record.write_text(json.dumps(values))
    (workshop.root / "verify" / "rows.sql").write_text("SELECT 1 / count(*) FROM public.owned;\n")
    proof = restore(backup)
    assert (proof.state, proof.verified) == ("FAIL", 1)
    assert proof.differing == (
        "public.orders: 5,001 rows dumped, 5,000 restored",
        "public.lost: 3 rows dumped, the table is missing",
    )
    assert proof.failed == ("verify rows: division by zero",)
    assert "with 3 problems" in proof.summary


def test_verify_scripts_reach_nothing_but_the_copy(
    workshop: Workshop, backup: Backup, restore: Restore, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    (workshop.root / "verify" / "rows.sql").write_text(f"COPY (SELECT 1) TO PROGRAM 'touch {made}';\n")
    (workshop.root / "verify" / "orders.sql").write_text(f"\\! touch {made}\n")
    proof = restore(backup)
    assert proof.verified == 0
    assert not made.exists()
    assert (len(proof.unverified), len(proof.failed)) == (1, 1), proof


def test_a_stranger_s_code_has_no_more_rights_while_his_rows_are_restored(
    workshop: Workshop, restore: Restore, tmp_path: Path
) -> None:
    """Whoever may make a table may have a check of it do what the restoring role may: read files, run programs. It
    gives nothing away where he may not, as on the target."""
    filled(workshop)
    open_to_all = Path(tempfile.mkdtemp(dir="/tmp"))  # the servers run as another account where we are root
    open_to_all.chmod(0o777)
    made, stranger = open_to_all / "made", f"{workshop.dbname} stranger"
    workshop.query(f'CREATE ROLE "{stranger}"; CREATE SCHEMA his AUTHORIZATION "{stranger}"')
    workshop.query(
        f'SET ROLE "{stranger}"; CREATE FUNCTION his.evil(n int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN'
        f" COPY (SELECT current_user) TO PROGRAM 'cat > {made}'; RETURN true; EXCEPTION WHEN OTHERS THEN RETURN true;"
        " END $$; CREATE DOMAIN his.kind AS int CHECK (his.evil(VALUE));"
        " CREATE TABLE his.t (n int CHECK (his.evil(n)), k his.kind, g int GENERATED ALWAYS AS (n + 1) STORED,"
        " s int GENERATED ALWAYS AS IDENTITY); INSERT INTO his.t SELECT n, n FROM generate_series(1, 9) AS n;"
        " REVOKE EXECUTE ON FUNCTION his.evil FROM PUBLIC;"
        " ALTER TABLE his.t ENABLE ROW LEVEL SECURITY; ALTER TABLE his.t FORCE ROW LEVEL SECURITY"
    )
    assert not made.exists(), "here he may not"
    backup, _ = make_backup(workshop.project()[1].target, tmp_path / "backups", "run", verify="restore")
    proof = restore(backup)
    assert not made.exists(), made.read_text()
    assert proof.state == "PASS", proof
    open_to_all.rmdir()


def test_what_the_copy_s_server_lacks_shows_nothing(
    backup: Backup, restore: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = clone.read_original

    def with_postgis(connection: object) -> object:
        original = read(connection)  # type: ignore[arg-type]
        geometry = {"name": "postgis", "version": "3.4", "schema": "geo", "types": []}
        return replace(original, extensions=(*original.extensions, geometry))

    monkeypatch.setattr(module, "read_original", with_postgis)
    proof = restore(backup)
    assert (proof.state, proof.lacking) == ("UNKNOWN", ("the extension postgis",))
    assert "lacks the extension postgis" in proof.summary


def test_a_dump_without_counts_can_not_be_compared(workshop: Workshop, restore: Restore, tmp_path: Path) -> None:
    filled(workshop)
    backup, _ = make_backup(workshop.project()[1].target, tmp_path / "backups", "run")
    proof = restore(backup)
    assert (proof.state, proof.wrong, proof.verified) == ("UNKNOWN", (), 2)
    assert "weren't counted" in proof.summary


def test_what_reaches_other_servers_is_left_out(workshop: Workshop, tmp_path: Path) -> None:
    workshop.change("one", "SELECT 1;")
    workshop.query("CREATE FOREIGN DATA WRAPPER elsewhere; CREATE SERVER far FOREIGN DATA WRAPPER elsewhere")
    workshop.query("CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (password 'secret')")
    subscription = f'"{workshop.dbname}"'
    workshop.query(f"CREATE SUBSCRIPTION {subscription} CONNECTION 'host=far' PUBLICATION p WITH (connect = false)")
    workshop.query("CREATE MATERIALIZED VIEW public.filled AS SELECT 1 AS n")
    try:
        backup, _ = make_backup(workshop.project()[1].target, tmp_path / "backups", "run")
        tools = find_tools(int(backup.tool_version.split(".")[0]) * 10000, nearest=True)
        contents = module._contents(tools, backup.path, tmp_path)
    finally:
        workshop.query(f"ALTER SUBSCRIPTION {subscription} SET (slot_name = NONE)")
        workshop.query(f"DROP SUBSCRIPTION {subscription}")
    rest = contents.rest.read_text()
    for what in (" USER MAPPING ", " SUBSCRIPTION ", " MATERIALIZED VIEW DATA ", " TABLE DATA "):
        assert what not in rest
    assert " SERVER - far" in rest
    assert " MATERIALIZED VIEW public filled" in rest
    assert contents.limits == ("materialized views are empty: they may read other servers",)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def zero(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 3)
        file.write(bytes(path.stat().st_size // 3))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 10])


def replaced(path: Path) -> None:
    path.write_bytes(b"PGDMP, or so it says")


@pytest.mark.parametrize("damage", [flip, zero, cut, replaced, Path.unlink])
def test_a_damaged_dump_is_not_restored(
    workshop18: Workshop, theatre: Theatre, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    workshop18.change("one", "SELECT 1;")
    project, environment = workshop18.project()
    workshop18.query("CREATE TABLE public.t AS SELECT n, md5(n::text) FROM generate_series(1, 2000) n")
    backup, _ = make_backup(environment.target, tmp_path, "run", verify="restore")
    damage(Path(backup.path))
    with pytest.raises(Damaged):
        prove_restore(project, environment, backup, state_dir=theatre.state_dir)
    assert kept(backup) is None


def test_a_test_restore_that_is_stopped_or_has_no_room_leaves_nothing(
    workshop18: Workshop, theatre: Theatre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop18.change("one", "SELECT 1;")
    project, environment = workshop18.project()
    backup, seal = make_backup(environment.target, tmp_path, "run", verify="restore")
    seen: list[str] = []
    with pytest.raises(BackupError, match="the test restore was stopped"):
        prove_restore(
            project,
            environment,
            backup,
            state_dir=theatre.state_dir,
            seal=seal,
            tell=lambda progress: seen.append(progress.doing),
            stopping=lambda: "starting a server" in seen,
        )
    huge = replace(backup, database_size=1 << 60)
    with pytest.raises(Refused, match="restoring it as a test takes about"):
        prove_restore(project, environment, huge, state_dir=theatre.state_dir, seal=seal)
    with pytest.raises(Damaged, match="changed while it was restored"):
        prove_restore(project, environment, backup, state_dir=theatre.state_dir, seal=replace(seal, inode=1))
    assert kept(backup) is None
    assert not list(theatre.state_dir.rglob("postmaster.pid"))
    monkeypatch.setattr("pgmig_tui.rehearse.scratch.find_installations", list)
    with pytest.raises(PgmigError, match="needs the programs of a PostgreSQL server"):
        prove_restore(project, environment, backup, state_dir=theatre.state_dir, seal=seal)
