"""Short versions of the campaigns, see tests/campaigns."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from common import Tally, child
from made_data import REPOSITORY

pytestmark = pytest.mark.slow


def campaign(name, *options):
    program = [sys.executable, REPOSITORY / "tests" / "campaigns" / name, *options]
    return subprocess.run(program, check=False, capture_output=True, text=True, timeout=300)


def test_killed_at_some_steps_nothing_is_lost():
    if not hasattr(os, "fork"):
        pytest.skip("this campaign needs fork")
    done = campaign("kill.py", "--runs", "0", "--stride", "11")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failures, 0 bytes lost" in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "mutate.py --runs 40 --seed 7",
        "two_processes.py --decisions 20",
        "messages.py --runs 400",
        "soak.py --pages 100 --marks 100 --cleaners 20",
    ],
    ids=lambda each: each.split()[0],
)
def test_a_short_campaign_has_no_failures(command):
    done = campaign(*command.split())
    assert done.returncode == 0, done.stdout + done.stderr


def test_refused_at_some_steps_all_is_told_and_nothing_is_lost():
    if not hasattr(os, "fork"):
        pytest.skip("this campaign needs fork")
    done = campaign("full_disk.py", "--stride", "14")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failures, 0 bytes lost" in done.stdout


def test_a_campaign_tells_a_failure(capsys):
    tally = Tally("kill")
    tally.take("apply", "")
    tally.take("apply", "gone", bytes_lost=7)
    assert tally.report() == 1
    assert "2 runs, 1 failures, 7 bytes lost" in capsys.readouterr().out
    assert tally.runs == Counter(apply=2)
    assert child(lambda: Path("nowhere").read_text())[0] == 1
