"""The views on pages as other front ends make them: their colors, resets, shadow trees and tall frames."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from bearwidgets.widgets.view import COPY

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

DARK = [
    "VS Code, dark",
    "VS Code, high contrast",
    "Colab, dark",
    "Solara, dark",
    "marimo, dark",
    "Panel, dark",
    "text alone tells, dark",
    "color scheme, dark",
]
SHADOW = ["marimo, dark", "Panel, dark"]
Open = Callable[..., "Page"]


@pytest.fixture
def open_host(open_page: Open) -> Open:
    """A function that opens a page as a host makes it, and waits for the first images."""

    def open_(host: str = "", *, scheme: str = "light", until: str = ".bw-cell img", **query: object) -> Page:
        page = open_page(f"hosts.html?{urlencode({'host': host, **query})}", scheme=scheme)
        page.wait_for_selector(until)
        return page

    return open_


def poor_texts(page: Page) -> list[object]:
    """The texts of ours that cannot be read."""
    return page.evaluate("import('./contrast.js').then(module => module.poorTexts())")


def press(page: Page, *keys: str) -> None:
    """Press keys, one after the other."""
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.parametrize("host", [*DARK, "VS Code, light", "nbclassic"])
def test_all_can_be_read_and_dialogs_are_centered(open_host: Open, host: str) -> None:
    # The system's wish is the opposite of what the page does: it must not count.
    page = open_host(host, scheme="light" if host in DARK else "dark")
    assert page.locator(".bw-root.bw-dark").count() == (host in DARK)
    assert page.locator(".bw-root.bw-lab").count() == 0
    page.locator('.bw-cell[data-index="3"]').click()
    press(page, "Delete", "u", "k", "2")
    assert poor_texts(page) == []
    for key, dialog in (("Space", ".bw-zoom"), ("?", ".bw-dialog"), ("r", ".bw-menu")):
        press(page, key)
        box = page.wait_for_selector(dialog).bounding_box()
        assert poor_texts(page) == []
        if dialog != ".bw-menu":
            assert abs(box["x"] * 2 + box["width"] - 1000) < 20
            assert abs(box["y"] * 2 + box["height"] - 760) < 4
        press(page, "Escape")
        page.wait_for_selector(dialog, state="detached")
    page.click("text=/^Filters/")
    assert poor_texts(page) == []
    assert page.locator(".bw-size").bounding_box()["width"] < 200
    arrows = page.locator("select").evaluate_all("all => all.map(each => getComputedStyle(each).appearance)")
    assert set(arrows) == {"auto"}


@pytest.mark.parametrize("host", DARK)
def test_a_matrix_can_be_read(open_host: Open, host: str) -> None:
    page = open_host(host, view="confusion")
    assert page.locator(".bw-root.bw-dark").count() == 2, "the matrix and its grid"
    assert poor_texts(page) == []


@pytest.mark.parametrize("host", ["marimo, dark", "Panel, dark", "VS Code, high contrast"])
def test_a_map_settles_and_can_be_read(open_host: Open, host: str) -> None:
    page = open_host(host, view="map")
    page.wait_for_selector(".bw-map.bw-dark[data-settled='2']")
    assert poor_texts(page) == []


def test_a_page_that_changes_its_theme_is_followed(open_host: Open) -> None:
    page = open_host(
        css="body { background: white; transition: background 200ms; } .night body { background: #111; }"
    )
    for dark in (True, False):
        page.evaluate("dark => document.documentElement.classList.toggle('night', dark)", dark)
        page.wait_for_selector(f".bw-root{'.bw-dark' if dark else ':not(.bw-dark)'}")
        assert poor_texts(page) == []


THEMES = {
    "Bootstrap": "document.documentElement.dataset.bsTheme = 'dark'",
    "Material": "document.body.setAttribute('data-md-color-scheme', 'dark')",
    "mode": "document.documentElement.dataset.mode = 'dark'",
    "color mode": "document.documentElement.dataset.colorMode = 'dark'",
    "a new sheet": "document.head.append(Object.assign(document.createElement('style'), {textContent: NIGHT}))",
    "another text": "document.querySelector('#page').textContent = NIGHT",
    "a sheet that is read": """document.head.append(Object.assign(document.createElement('link'),
        {rel: 'stylesheet', href: `data:text/css,${encodeURIComponent(NIGHT)}`}))""",
    "a sheet that is switched on": "document.querySelector('#night').media = 'all'",
}


@pytest.mark.parametrize("change", THEMES)
def test_any_change_of_the_page_s_theme_is_followed(open_host: Open, change: str) -> None:
    dark = ", ".join(f"[data-{each}=dark]" for each in ("bs-theme", "md-color-scheme", "mode", "color-mode"))
    night = "background: #111 !important; color: #eee !important;"
    page = open_host(
        css=f"body {{ background: white; }} :is({dark}):is(body), :is({dark}) body {{ {night} }}"
    )
    page.evaluate(
        """night => {
            window.NIGHT = night;
            const sheet = document.createElement('style');
            document.head.append(Object.assign(sheet, {id: 'night', media: 'print', textContent: night}));
        }""",
        f"body {{ {night} }}",
    )
    page.evaluate("new Promise(done => setTimeout(done, 500))")
    assert page.locator(".bw-root.bw-dark").count() == 0
    page.evaluate(f"{THEMES[change]}; null")
    page.wait_for_selector(".bw-root.bw-dark")
    assert poor_texts(page) == []


def test_the_icon_that_jupyterlab_changes_with_every_message_is_no_theme(open_host: Open) -> None:
    page = open_host()
    looks = """async change => {
        let looks = 0;
        const { getComputedStyle } = window;
        window.getComputedStyle = (...of) => { looks += 1; return getComputedStyle(...of); };
        eval(change);
        for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
        window.getComputedStyle = getComputedStyle;
        return looks;
    }"""
    page.evaluate("new Promise(done => setTimeout(done, 500))")  # the page itself has settled
    link = "Object.assign(document.createElement('link'), {className: 'busy favicon', rel: 'icon', href: 'data:,'})"
    assert page.evaluate(looks, f"document.head.append({link})") == 0
    assert page.evaluate(looks, "document.querySelector('.favicon').rel = ''") == 0
    assert page.evaluate(looks, "document.querySelector('.favicon').remove()") == 0
    assert page.evaluate(looks, "document.head.append(document.createElement('style'))") > 0


def test_the_colors_of_jupyterlab_are_taken_where_they_are_whole(open_page: Open) -> None:
    for colors, taken in (
        ("--jp-layout-color1: #123;", 0),
        (
            "--jp-layout-color1: #123; --jp-layout-color2: #234; --jp-ui-font-color1: #fff; --jp-border-color1: #3",
            1,
        ),
    ):
        page = open_page("hosts.html?" + urlencode({"css": f"body {{ {colors} }}"}))
        page.wait_for_selector(".bw-cell img")
        page.evaluate("document.body.dataset.jpThemeLight = 'false'")
        page.wait_for_selector(".bw-root.bw-dark")
        assert page.locator(".bw-root.bw-lab").count() == taken
        ground = page.locator(".bw-root").evaluate("each => getComputedStyle(each).backgroundColor")
        assert (ground == "rgb(17, 34, 51)") == taken


@pytest.mark.parametrize("host", SHADOW)
def test_mouse_and_keys_in_a_shadow_tree(open_host: Open, host: str) -> None:
    page = open_host(host)
    page.locator('.bw-cell[data-index="2"] .bw-decide').click()
    page.locator(".bw-option >> text=teddy").first.click()
    page.wait_for_selector('.bw-cell[data-index="2"][data-decision="relabel"]')
    page.locator("[aria-label=Undo]").first.click()
    page.wait_for_selector('.bw-cell[data-index="2"][data-decision=""]')
    press(page, "Delete")
    page.wait_for_selector('.bw-cell[data-index="2"][data-decision="delete"]')
    press(page, "/")
    page.keyboard.type(
        "grizzly", delay=270
    )  # longer than the time after which what was typed so far is asked for
    page.wait_for_function("kernel.state().view.filter.text === 'grizzly'")
    assert page.locator(".bw-search").input_value() == "grizzly"
    page.locator(".bw-cell").nth(1).click()
    press(page, "Space")
    page.wait_for_selector(".bw-zoom")
    press(page, "r", "d", "Escape")
    page.wait_for_selector(".bw-menu", state="detached")
    press(page, "ArrowRight", "Escape")
    page.wait_for_selector(".bw-zoom", state="detached")


@pytest.mark.parametrize(("host", "times"), [("marimo, dark", 1), ("Panel, dark", 0)])
def test_marimo_hears_of_decisions_from_the_page(open_host: Open, host: str, times: int) -> None:
    page = open_host(host)
    told = "kernel.log.filter(each => each.op === 'save_changes' && each.traits.changes === 3).length"
    before = page.evaluate(told)
    page.evaluate("kernel.set('changes', 3); kernel.emit('change:changes'); null")
    assert page.evaluate(told) - before == times


def test_dialogs_lie_over_the_view_in_a_frame_taller_than_the_screen(open_page: Open) -> None:
    page = open_page("hosts.html?" + urlencode({"host": "VS Code, dark"}))
    page.evaluate(
        """address => document.body.replaceChildren(Object.assign(document.createElement('iframe'),
            {src: address, style: 'width: 1000px; height: 12000px; border: 0'}))""",
        "hosts.html?" + urlencode({"host": "VS Code, dark", "css": "#place { margin-top: 5000px; }"}),
    )
    frame = page.frame_locator("iframe")
    frame.locator('.bw-cell[data-index="3"] img').wait_for()
    frame.locator('.bw-cell[data-index="3"]').click()
    press(page, "Delete")
    for opened, dialog in (
        (" ", ".bw-zoom"),
        ("?", ".bw-dialog"),
        ("Apply", ".bw-dialog"),
    ):
        if len(opened) == 1:
            press(page, opened)
        else:
            frame.locator(f"button:has-text('{opened}')").first.click()
        frame.locator(dialog).wait_for()
        view = frame.locator(".bw-root").bounding_box()
        box = frame.locator(dialog).bounding_box()
        assert box["y"] >= view["y"]
        assert box["y"] + box["height"] <= view["y"] + view["height"] + 1
        assert box["x"] + box["width"] <= view["x"] + view["width"] + 1
        assert box["y"] >= 0, "the page has scrolled to the view"
        assert frame.locator(".bw-grid").evaluate("grid => grid.closest('[inert]') !== null"), (
            "as a modal dialog"
        )
        press(page, "Tab", "Tab")
        assert frame.locator(f"{dialog}:focus-within").count() == 1
        press(page, "Escape")
        frame.locator(dialog).wait_for(state="detached")
        frame.locator(".bw-cell:focus").wait_for()
        assert frame.locator("[inert]").count() == 0
    press(page, "k")
    frame.locator('.bw-cell[data-index="4"][data-decision="keep"]').wait_for()


@pytest.mark.parametrize("view", ["cleaner", "confusion", "map"])
def test_a_box_that_asks_for_the_width_gets_one(open_host: Open, view: str) -> None:
    page = open_host(css="#place { display: flex; } #place > div { flex: 0 1 auto; }", view=view)
    for width in page.locator(".bw-root").evaluate_all("all => all.map(each => each.offsetWidth)"):
        assert 900 < width <= 984


@pytest.mark.parametrize("height", [200, 300, 900])
def test_the_height_is_what_was_asked_for(open_host: Open, height: int) -> None:
    page = open_host(height=height)
    assert page.locator(".bw-root").bounding_box()["height"] == height
    grid = page.locator(".bw-grid").bounding_box()
    assert grid["height"] > 70, "something of the images can be seen"
    assert page.locator(".bw-footer").is_visible() == (height > 300)


@pytest.mark.parametrize("height", [200, 300, 360])
@pytest.mark.parametrize("width", [300, 420, 600, 1000])
def test_images_can_be_seen_in_a_small_view(open_host: Open, width: int, height: int) -> None:
    page = open_host(css=f"#place {{ width: {width}px; }}", height=height)
    page.evaluate("kernel.setJob({state: 'failed', error: 'There is no room on the disk.'})")
    page.wait_for_selector(".bw-job >> text=There is no room")
    assert page.locator(".bw-grid").bounding_box()["height"] >= 96
    page.locator(".bw-toolbar >> role=button[name='Keys']").focus()
    toolbar, button = (page.locator(each).bounding_box() for each in (".bw-toolbar", ".bw-toolbar :focus"))
    assert toolbar["y"] <= button["y"] <= button["y"] + button["height"] <= toolbar["y"] + toolbar["height"]


@pytest.mark.parametrize("view", ["cleaner", "confusion", "map"])
def test_a_page_without_python_says_so_at_once(open_host: Open, view: str) -> None:
    page = open_host(view=view, static="", until=".bw-static")
    assert "open the notebook and run this cell" in page.inner_text(".bw-static")
    assert page.locator("#place").bounding_box()["height"] < 120
    assert page.evaluate("kernel.log") == []


@pytest.mark.parametrize("view", ["cleaner", "confusion", "map"])
def test_the_copy_in_the_output_is_seen_only_where_the_view_is_not(open_host: Open, view: str) -> None:
    add = "copy => document.body.insertAdjacentHTML('beforeend', copy)"
    copy = COPY.format(name="0a1b", shown="a sheet", time=datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc))
    live = open_host(view=view)
    live.evaluate(add, copy)
    assert not live.get_by_text("a sheet").is_visible()
    live.evaluate(add, copy.replace("0a1b", "ffff").replace("a sheet", "another"))
    assert live.get_by_text("another").is_visible(), "of a view that is not here"
    page = open_host(view=view, static="", until=".bw-static")
    page.evaluate(add, copy)
    assert page.get_by_text("a sheet").is_visible()
    assert "as it was on 2026-01-02 at 03:04" in page.inner_text("body")
