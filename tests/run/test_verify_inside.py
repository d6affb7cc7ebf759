"""A verification inside the deploy passes nothing that would fail alone."""

from __future__ import annotations

from tests.run.conftest import Workshop

ALONE = (
    "LOCK TABLE public.base IN SHARE MODE;",
    "LOCK public.base;",
    "SAVEPOINT one;",
    "RELEASE SAVEPOINT one;",
    "DECLARE c CURSOR FOR SELECT 1;",
    "BEGIN;\nSELECT 1;\nROLLBACK;\nLOCK TABLE public.base;",
)
IN_A_BLOCK = (
    "BEGIN;\nLOCK TABLE public.base IN SHARE MODE;\nROLLBACK;",
    "BEGIN;\nSAVEPOINT one;\nSELECT 1;\nRELEASE SAVEPOINT one;\nDECLARE c CURSOR FOR SELECT 1;\nFETCH c;\nROLLBACK;",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1;\nFETCH c;\nCLOSE c;",
    "\\set AUTOCOMMIT off\nLOCK TABLE public.base;",
)


def test_what_needs_a_transaction_block_has_to_begin_one(workshop18: Workshop) -> None:
    workshop18.toml = '[[environment]]\nname = "box"\ntarget = "$URI"\nverify = "inside"\n'
    workshop18.change("base", "CREATE TABLE public.base ();\n")
    assert workshop18.run().status == 0
    for number, verify in enumerate(IN_A_BLOCK):
        workshop18.change(f"good{number}", f"CREATE TABLE public.good{number} ();\n", "", f"{verify}\n")
    done = workshop18.run()
    assert done.status == 0, done.events[-3:]
    workshop18.change("bad", "CREATE TABLE public.bad ();\n", "", "SELECT 1;\n")
    for verify in ALONE:
        (workshop18.root / "verify" / "bad.sql").write_text(f"{verify}\n")
        done = workshop18.run()
        assert (done.status, done.named("step_failed")[0]["sqlstate"]) == (1, "25P01"), verify
        assert not workshop18.relation("public.bad")
