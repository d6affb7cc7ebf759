"""`python -m tests.pictures`: makes the pictures under docs/screens/ anew; with `--check` only says which are old."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.pictures.picture import told_by
from tests.pictures.story import STORY, Scene
from tests.pictures.studio import Studio, studio

FOLDER = Path(__file__).parents[2] / "docs" / "screens"


async def play(stage: Studio, scenes: Iterable[Scene]) -> None:
    """Take the pictures of these scenes, one after the other."""
    for scene in scenes:
        await scene(stage)


def outdated(pictures: Mapping[str, str]) -> dict[str, list[str]]:
    """By name, how what a picture tells now differs from what it told when it was kept."""
    found = {}
    for name, svg in pictures.items():
        path = FOLDER / f"{name}.svg"
        kept = told_by(path.read_text(encoding="utf-8")) if path.exists() else []
        if kept != (now := told_by(svg)):
            before, after = Counter(kept), Counter(now)
            gone, come = sorted((before - after).elements()), sorted((after - before).elements())
            found[name] = [f"  no longer: {' '.join(gone)}", f"  new: {' '.join(come)}"]
    return found


def main() -> int:
    """0 when all are current, or were made; 1 where `--check` found one that isn't."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 when one is out of date")
    arguments = parser.parse_args()
    with studio() as stage:
        asyncio.run(play(stage, STORY))
    old = outdated(stage.pictures)
    gone = {path.stem for path in FOLDER.glob("*.svg")} - set(stage.pictures)
    for name, lines in old.items():
        print(f"{name}: {'out of date' if arguments.check else 'made anew'}", *lines, sep="\n")
    if arguments.check:
        for name in sorted(gone):
            print(f"{name}: nothing makes it any more")
        return 1 if old or gone else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in old:
        (FOLDER / f"{name}.svg").write_text(stage.pictures[name], encoding="utf-8")
    for name in gone:
        (FOLDER / f"{name}.svg").unlink()
    print(f"{len(stage.pictures)} pictures, {len(old)} of them new.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
