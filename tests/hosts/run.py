"""Try the widgets in the programs that show them, and print a table: `python tests/hosts/run.py --host lab marimo`.

Each host is installed by its package into an environment of its own (in `--work`) and driven in headless Chromium,
once light and once dark, while the system has the other theme. Ends with 1 if something failed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path[1:1] = [str(ROOT / "tests"), str(ROOT / "tests" / "lab")]

from hosts import HOSTS
from install_browser import FLAGS, find_browser
from playwright.sync_api import sync_playwright
from probes import PROBES, Shown, paints

if TYPE_CHECKING:
    from host import Host
    from playwright.sync_api import Browser

FAILED, PASSED = "✗", "✓"


def main() -> int:
    """Try the hosts and print the table; 1 if something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--host", nargs="+", choices=HOSTS, default=list(HOSTS), metavar="NAME", help=" ".join(HOSTS)
    )
    parser.add_argument(
        "--work", type=Path, help="folder for environments and data; a temporary one if not given"
    )
    parser.add_argument("--shots", type=Path, help="folder for screenshots; beside the data if not given")
    options = parser.parse_args()
    work = (options.work or Path(tempfile.mkdtemp(prefix="bearwidgets-hosts-"))).resolve()
    shots = (options.shots or work / "shots").resolve()
    for folder in (work, shots):
        folder.mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] = (
        f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # uv and npm are there
    )
    rows, notes = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        for name in options.host:
            host = HOSTS[name]
            found, versions = try_host(host, browser, work, shots / name)
            rows.append(row(host, found, versions))
            notes += [
                f"- {host.title}: {probe}: {said}" for probe, said in found.items() if said.startswith(FAILED)
            ]
            print(rows[-1], file=sys.stderr)
        browser.close()
    print("\n| host | versions | passed | failed | does not apply |\n|---|---|---|---|---|", *rows, sep="\n")
    print("", *notes, f"\nscreenshots: {shots}", sep="\n")
    return int(bool(notes))


def row(host: type[Host], found: dict[str, str], versions: str) -> str:
    """A line of the table."""
    failed = [probe for probe, said in found.items() if said.startswith(FAILED)]
    limits = [f"{probe} ({said[2:]})" for probe, said in found.items() if said.startswith("–")]
    passed = sum(said == PASSED for said in found.values())
    tried = len(found) - len(limits)
    return f"| {host.title} | {versions} | {passed} of {tried} | {', '.join(failed)} | {'; '.join(limits)} |"


def try_host(kind: type[Host], browser: Browser, work: Path, shots: Path) -> tuple[dict[str, str], str]:
    """What every probe found, and the versions of what was installed."""
    found: dict[str, str] = {}
    shots.mkdir(exist_ok=True)
    try:
        python = kind.install(work)
    except subprocess.CalledProcessError as error:
        return {"install": short(error)}, ""
    for theme in kind.themes:
        for what in kind.shows:
            home = Path(tempfile.mkdtemp(prefix=f"{what}-{theme}-", dir=work))
            os.environ.update(
                PYTHONPATH=os.pathsep.join(str(ROOT / each) for each in (".", "tests", "tests/hosts")),
                HOSTS_HOME=str(home),
                BEARWIDGETS_CACHE=str(work / "cache"),
            )
            system = "dark" if theme == "light" else "light"
            page = browser.new_page(viewport={"width": 1400, "height": 1000}, color_scheme=system)
            page.set_default_timeout(10_000)
            page.set_default_navigation_timeout(90_000)  # a page may wait for its program
            host = kind(python, home, theme, what, page)
            page.route(re.compile(r"^https://|/_solara/cdn/"), host.answer)
            try:
                with host.serve():
                    try_page(Shown(host, shots), found)
            except Exception as error:  # noqa: BLE001 - a host that does not start is a result
                found[f"start: {what}, {theme}"] = short(error)
            page.close()
    return found, kind.versions(python)


def try_page(view: Shown, found: dict[str, str]) -> None:
    """Try the probes of what is shown one after another; none after one that finds nothing to try on."""
    theme, what = view.host.theme, view.host.what
    view.listen()
    try:
        view.host.show()
        if what != "executed":
            view(".bw-root, .bw-static").first.wait_for(timeout=90_000)
    finally:
        view.shoot(f"start: {what}, {theme}")
    for probe in PROBES:
        if what not in probe.what or (theme == "dark" and not probe.dark):
            continue
        name = f"{probe.title}: {what}, {theme}" if probe.dark else probe.title
        if limit := view.host.limits.get(probe.title):
            found[name] = f"– {limit}"
            continue
        try:
            probe.run(view)
            found[name] = PASSED
        except Exception as error:  # noqa: BLE001 - whatever fails is a result
            found[name] = short(error)
        view.shoot(name)
        if found[name] == PASSED:
            continue
        if probe.run is paints:
            return
        view.page.keyboard.press("Escape")


def short(error: Exception) -> str:
    """One line of an error."""
    return f"{FAILED} {' '.join(str(error).split())[:300] or type(error).__name__}"


if __name__ == "__main__":
    raise SystemExit(main())
