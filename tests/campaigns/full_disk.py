"""Let the system refuse at every call of all that changes a workspace: a full disk, no permission, a broken device.

    python tests/campaigns/full_disk.py [--only apply] [--stride 1]

The steps and layouts are those of `kill.py`; here the process lives on and has to say what happened. Right is: no
content is lost, nothing but errors of bearwidgets is raised, each with a sentence that says what to do; opened again
without the fault, the data is as before or as after the act, and going on leads to the end.
"""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import tempfile
from pathlib import Path

import kill
from common import Tally, child

from bearwidgets.errors import BearwidgetsError

ERRORS = (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO)


def refuse(number: int) -> None:
    """What the system says in place of doing it."""
    raise OSError(number, os.strerror(number))


def run(campaign: kill.Campaign, at: int, number: int) -> None:
    """Refuse one step, look at what is said, then at what is there."""
    ground = campaign.ground
    ground.renew()

    def watched() -> str:
        kill.Killer(ground, at, lambda: refuse(number), lines=False)
        try:
            kill.perform(ground)
        except BearwidgetsError as error:
            return "" if str(error).strip().endswith(".") else f"no sentence: {error}"
        return ""

    status, said = child(watched)
    _, found = child(lambda: campaign.look("none"))
    lost = campaign.lost()
    problem = said or found if not status else f"raised {said.strip().splitlines()[-1]}"
    if lost:
        problem = f"{lost} bytes lost. {problem}"
    told = f"step {at}, {errno.errorcode[number]}: "
    kind = f"{ground.act}, {ground.layout}"
    campaign.tally.take(kind, told + problem if problem else "", bytes_lost=lost)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stride", type=int, default=1, help="refuse every so many steps only")
    parser.add_argument("--only", default="", choices=["", *kill.ACTS])
    options = parser.parse_args()
    tally = Tally("full disk")
    base = Path(tempfile.mkdtemp(prefix="full-")).resolve()
    other = Path(tempfile.mkdtemp(prefix="full-", dir=kill.MEMORY if kill.MEMORY.is_dir() else None))
    try:
        kill.warm_up(base)
        for number, campaign in enumerate(kill.campaigns(base, other, tally, options.only)):
            for at in range(1 + number % options.stride, campaign.n_steps + 1, options.stride):
                for error in ERRORS if options.stride == 1 else ERRORS[:1]:
                    run(campaign, at, error)
        return tally.report()
    finally:
        shutil.rmtree(base, ignore_errors=True)
        shutil.rmtree(other, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
