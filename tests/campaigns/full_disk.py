"""Let the system refuse at every call of all that changes a workspace: a full disk, no permission, a broken device.

    python tests/campaigns/full_disk.py [--only apply] [--stride 1]

The steps and layouts are those of `kill.py`; here the process lives on and has to say what happened. Right is: no
content is lost, nothing but errors of bearwidgets is raised, each with a sentence that says what to do; opened again
without the fault, the data is as before or as after the act, and going on leads to the end.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import common
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
    """Run from the command line; with a stride only every so many steps are refused."""
    options = common.options(__doc__, stride=1, only="")
    tally = Tally("full disk")
    with common.grounds() as folder, common.grounds(kill.MEMORY) as other_folder:
        base, other = Path(folder).resolve(), Path(other_folder)
        kill.warm_up(base)
        for number, campaign in enumerate(kill.campaigns(base, other, tally, options.only)):
            for at in range(1 + number % options.stride, campaign.n_steps + 1, options.stride):
                for error in ERRORS if options.stride == 1 else ERRORS[:1]:
                    run(campaign, at, error)
    return tally.report()


if __name__ == "__main__":
    raise SystemExit(main())
