"""The campaigns of the views, in short; `python tests/campaigns/NAME.py` runs the whole of one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CAMPAIGNS = Path(__file__).parents[1] / "campaigns"


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", ["messages.py --runs 400", "soak.py --pages 100 --marks 100 --cleaners 20"]
)
def test_a_short_campaign(command):
    name, *arguments = command.split()
    done = subprocess.run(
        [sys.executable, CAMPAIGNS / name, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failures" in done.stdout
