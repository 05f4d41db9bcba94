"""What is tried in every host, one function each; a probe that fails raises."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from host import Host
    from playwright.sync_api import Locator, Page

CONTRAST = (Path(__file__).parents[1] / "browser" / "contrast.js").read_text("utf-8").replace("export ", "")
HEIGHT = 600
# Of all that a host's console says, what names the widget or ran in it; anywidget imports it from a blob. Files that
# are not found are the host's: it looks for anywidget in several places.
OURS = re.compile(r"^(?!Failed to load resource).*(bearwidgets|bw-|anywidget|blob:)", re.DOTALL)


@dataclass
class Shown:
    """The widget in a page of a host, and what the probes ask of it."""

    host: Host
    shots: Path
    complaints: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Keep what the page complains of."""
        note = self.complaints.append
        self.page.on(
            "console", lambda said: note(f"{said.text} {said.location}") if said.type == "error" else None
        )
        self.page.on("pageerror", lambda error: note(f"{error} {error.stack}"))

    @property
    def page(self) -> Page:
        return self.host.page

    def __call__(self, selector: str) -> Locator:
        """What matches in the host's frame, shadow trees included."""
        return self.host.frame.locator(selector)

    @property
    def root(self) -> Locator:
        return self(".bw-root:has(.bw-grid)").first

    def shoot(self, name: str) -> None:
        """Take a screenshot."""
        self.page.screenshot(path=self.shots / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}.png")

    def tile(self, index: int) -> Locator:
        return self(f'.bw-cell[data-index="{index}"]').first

    def focus(self, index: int) -> None:
        self.tile(index).click()
        self.wait(f'.bw-cell[data-index="{index}"]:focus')

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def wait(self, selector: str, state: Any = "visible") -> Locator:
        found = self(selector).first
        found.wait_for(state=state)
        return found

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Wait for something outside of the page."""
        for _ in range(200):
            if holds():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(what)

    def wait_decisions(self, *expected: str, after: int) -> None:
        try:
            self.until(lambda: self.host.decisions()[after:] == list(expected), "")
        except AssertionError:
            raise AssertionError(f"decided {self.host.decisions()[after:]}, not {list(expected)}") from None

    def seen(self, dialog: Locator) -> None:
        """Fail unless a dialog is inside of what is seen of the page, and in the middle of it or of the view."""
        box, size = dialog.bounding_box(), self.page.viewport_size
        assert box is not None
        assert size is not None
        name = dialog.get_attribute("aria-label")
        self.shoot(f"{name}, {self.host.theme}")
        x, y, right, bottom = box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]
        inside = x >= -1 and y >= -1 and right <= size["width"] + 1 and bottom <= size["height"] + 1
        assert inside, f"{name} lies at {x:.0f}, {y:.0f} to {right:.0f}, {bottom:.0f} of {size}"
        view = self.root.bounding_box()
        assert view is not None
        places = [
            (0, 0, size["width"], size["height"]),
            (view["x"], view["y"], view["width"], view["height"]),
        ]
        off = [
            max(abs(x + right - 2 * left - width), abs(y + bottom - 2 * top - height)) / 2
            for left, top, width, height in places
        ]
        assert min(off) < 30, f"{name} is {min(off):.0f} px off the middle"

    def readable(self, where: str) -> None:
        """Fail where a text of ours is too faint or small."""
        find = f"(root) => {{ {CONTRAST} return poorTexts(root.getRootNode()); }}"
        poor = self(".bw-root, .bw-static").first.evaluate(find)
        assert not poor, f"{where}: {len(poor)} poor texts, such as {poor[:3]}"


Check: TypeAlias = "Callable[[Shown], None]"


@dataclass
class Probe:
    """What is tried, what it is called in the table, on which widgets, and whether in the dark theme too."""

    run: Check
    title: str
    what: tuple[str, ...]
    dark: bool


PROBES: list[Probe] = []


def probe(title: str, *what: str, dark: bool = False) -> Callable[[Check], Check]:
    """Lists a function among the probes, which are tried in the order of this file."""

    def listed(run: Check) -> Check:
        PROBES.append(Probe(run, title, what or ("cleaner",), dark))
        return run

    return listed


@probe("paints", dark=True)
def paints(view: Shown) -> None:
    """The grid is ready, and its thumbnails came as bytes."""
    view.wait(".bw-root[data-ready='true']")
    image = view.wait(".bw-cell img[src^='data:image/jpeg']")
    view.until(lambda: image.evaluate("image => image.naturalWidth") > 0, "the thumbnail has no pixels")


@probe("colors", "cleaner", "matrix", "static", dark=True)
def colors(view: Shown) -> None:
    """Every text can be read, and the view is as light or dark as the page."""
    shown = view(".bw-root, .bw-static").first
    shown.scroll_into_view_if_needed()
    view.readable("the view")
    luminances = shown.evaluate(
        f"""root => {{ {CONTRAST}
             let page = document.body;
             if (parse(getComputedStyle(page).backgroundColor)[3] === 0) page = document.documentElement;
             return [ground(root), ground(page)].map(luminance); }}"""
    )
    assert (luminances[0] > 0.3) == (view.host.theme == "light"), (
        f"not {view.host.theme}: luminances {luminances}"
    )
    if view.host.what != "cleaner":
        return
    view.focus(0)
    for opened, what in [("r", ".bw-menu"), ("?", "dialog[aria-label='Keys']"), ("Space", ".bw-zoom")]:
        view.press(opened)
        view.wait(what)
        view.readable(what)
        view.press("Escape")
        view.wait(what, "detached")


@probe("height")
def height(view: Shown) -> None:
    """The view is as high as it was told, its host leaves it that room, and no box cuts it."""
    own, given, lowest = view.root.evaluate(
        """root => {
             const around = [];
             for (let each = root; each; each = each.parentElement ?? each.getRootNode().host) around.push(each);
             const cuts = each => each.clientHeight && getComputedStyle(each).overflowY !== "visible";
             const heights = around.map(each => each.getBoundingClientRect().height);
             return [heights[0], heights[1], Math.min(...around.filter(cuts).map(each => each.clientHeight))];
           }"""
    )
    assert abs(own - HEIGHT) < 2, f"{own} px high, not {HEIGHT}"
    assert given >= own - 1, f"{given} px of room, so that what follows overlaps"
    assert lowest >= HEIGHT - 4, f"a box of {lowest} px cuts the view"


@probe("keys decide")
def keys(view: Shown) -> None:
    """Keys decide, and the journal has it."""
    before = len(view.host.decisions())
    view.focus(0)
    view.press("Delete", "k", "u")
    view.wait_decisions("delete", "keep", "unsure", after=before)


@probe("keys stay here")
def plain_keys(view: Shown) -> None:
    """Keys without a meaning here are not the host's either."""
    cells = view.page.evaluate(view.host.cells)
    view.focus(3)
    view.press(*"ddabzmyloviwh0")
    assert view.page.evaluate(view.host.cells) == cells, "the host took a key for itself"
    before = len(view.host.decisions())
    view.press("k")
    view.wait_decisions("keep", after=before)


@probe("R menu")
def menu(view: Shown) -> None:
    """R opens the drop-down; a class is typed and chosen."""
    before = len(view.host.decisions())
    view.focus(4)
    view.press("r")
    view.wait(".bw-menu")
    view.press(*"grizzly", "Enter")
    view.until(lambda: len(view.host.decisions()) == before + 1, "no decision by R")
    assert view.host.decisions()[-1] in {"relabel", "keep"}


@probe("drop-down")
def drop_down(view: Shown) -> None:
    """The mouse chooses in the drop-down of a tile."""
    before = len(view.host.decisions())
    view.tile(5).hover()
    view.tile(5).locator(".bw-decide").click()
    view.wait(".bw-option >> text=Delete").click()
    view.wait_decisions("delete", after=before)


@probe("keys after Undo")
def after_undo(view: Shown) -> None:
    """After the button Undo the keyboard is still in the grid."""
    before = len(view.host.decisions())
    view.focus(6)
    view.press("k")
    view.wait('.bw-cell[data-index="6"][data-decision="keep"]')
    view.root.get_by_role("button", name="Undo").first.click()
    view.wait('.bw-cell[data-index="6"][data-decision=""]')
    view.press("u")
    view.wait_decisions("keep", "undo", "unsure", after=before)


@probe("slow search")
def search(view: Shown) -> None:
    """A word that is typed slowly is searched whole."""
    view.focus(0)
    view.press("/")
    view.page.keyboard.type("grizzly", delay=270)
    view.wait(".bw-count:has-text(' of ')", "attached")
    box = view.root.locator("input[type=search]")
    assert box.input_value() == "grizzly", f"the box says {box.input_value()!r}"
    box.fill("")
    view.wait(".bw-count:not(:has-text(' of '))", "attached")


@probe("zoom")
def zoom(view: Shown) -> None:
    """The zoom is in sight, and going back in it asks for nothing."""
    before = view.host.asked("full")
    view.focus(2)
    for key in ("Space", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft"):
        view.press(key)
        view.wait(".bw-zoom[open][data-full='true']")
    view.seen(view(".bw-zoom"))
    view.press("Escape")
    view.wait(".bw-zoom", "detached")
    assert view.host.asked("full") - before <= 3, (
        f"{view.host.asked('full') - before} requests for three images"
    )


@probe("dialogs")
def dialogs(view: Shown) -> None:
    """Keys, Apply and Roll back open in sight; a round is applied and taken back."""
    view.focus(0)
    view.press("?")
    view.seen(view.wait("dialog[aria-label='Keys']"))
    view.press("Escape")
    view.root.get_by_role("button", name="Apply").first.click()
    view.seen(view.wait("dialog[aria-label='Apply decisions']"))
    view(".bw-main-button").click()
    view.wait("text=/Done, round/")
    view("dialog").get_by_text("Roll back…").click()
    view.seen(view.wait("dialog[aria-label='Roll back']"))
    view("dialog").get_by_text("Roll back round").first.click()
    view.wait("dialog >> text=/rolled back|undone/i")
    view.press("Escape")
    view.wait("dialog", "detached")


@probe("retrain")
def retrain(view: Shown) -> None:
    """While a training runs, a key decides."""
    view.root.get_by_role("button", name="Retrain").first.click()
    view.wait(".bw-job")
    before = len(view.host.decisions())
    view.focus(7)
    view.press("k")
    view.wait_decisions("keep", after=before)
    assert view(".bw-job").get_attribute("data-state") == "running", "the training had ended before"
    view.host.let_train()
    view.wait(".bw-job[data-state='done'] >> text=/held-out images/")


@probe("reload")
def reload(view: Shown) -> None:
    """After a reload the same decisions are shown."""
    before = view("[data-marked]").first.get_attribute("data-marked")
    assert before
    view.host.reload()
    paints(view)
    view.wait(f".bw-root[data-marked='{before}']")


@probe("matrix", "matrix")
def cell_filters(view: Shown) -> None:
    """A cell of the matrix shows its images in the grid."""
    view.wait(".bw-confusion[data-ready='true']")
    count = view(".bw-confusion .bw-sr tbody td").first.text_content()
    view(".bw-matrix-canvas").focus()
    view.press("Enter")
    view.wait(f".bw-count:has-text('{count} of ')" if view.host.packages else ".bw-count", "attached")


@probe("box", "box")
def wide(view: Shown) -> None:
    """In a box that is as wide as what it holds, the view has a width."""
    box = view.root.bounding_box()
    assert box is not None
    assert box["width"] > 300, f"{box['width']:.0f} px wide"


@probe("static", "static")
def static(view: Shown) -> None:
    """A page without a kernel says so in little room, or shows what was there."""
    box = view.wait(".bw-static").bounding_box()
    assert box is not None
    assert box["height"] < 200, f"{box['height']:.0f} px of nothing"
    assert "no Python" in view(".bw-static").first.inner_text()


@probe("executed", "executed")
def executed(view: Shown) -> None:
    """Both programs ended well: they were run at the start."""


@probe("console", "cleaner", "matrix", "static", dark=True)
def console(view: Shown) -> None:
    """Nothing of ours complains."""
    ours = [each for each in view.complaints if OURS.search(each)]
    assert not ours, ours[:3]
