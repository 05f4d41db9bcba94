"""A short version of the campaign of damaged images, see tests/campaigns."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from made_data import REPOSITORY

pytestmark = pytest.mark.slow


def test_damaged_images_of_all_formats_are_read_or_refused():
    if not hasattr(os, "fork"):
        pytest.skip("this campaign needs fork")
    program = [
        sys.executable,
        REPOSITORY / "tests/campaigns/fuzz_images.py",
        "--runs",
        "160",
        "--seconds",
        "60",
    ]
    done = subprocess.run(program, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failures" in done.stdout
