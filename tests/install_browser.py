"""Make sure that there is a Chromium for the browser tests: the system's, else Playwright's, else Debian's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_browser() -> str | None:
    """Path of a Chromium, or None."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if path and os.path.exists(path) else None  # noqa: PTH110


def main() -> int:
    """Install one if there is none; 1 if that cannot be done."""
    ways = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if shutil.which("apt-get"):
        root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        ways += [[*root, "apt-get", "update"], [*root, "apt-get", "install", "-y", "chromium"]]
    for way in ways:
        if find_browser():
            break
        print("$", " ".join(way), flush=True)
        subprocess.run(way, check=False)
    found = find_browser()
    print(
        f"browser for the tests: {found}" if found else "No Chromium could be installed; install one by hand."
    )
    return 0 if found else 1


if __name__ == "__main__":
    raise SystemExit(main())
