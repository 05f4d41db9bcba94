"""The Cleaner's view in headless Chromium, its kernel played by fake.js."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser


class View:
    """A page with a Cleaner, and what the tests ask of it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.click = page.click
        self.js = page.evaluate
        self.wait = page.wait_for_selector
        self.wait_js = page.wait_for_function

    def __call__(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def count(self, selector: str) -> int:
        return self(selector).count()

    def text(self, selector: str) -> str:
        return self(selector).inner_text()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def choose(self, control: str, value: str) -> None:
        """Choose in a drop-down, behind Filters if it is not in the toolbar."""
        if control != "Class" and not self.count(".bw-panel"):
            self.click("text=/^Filters/")
        self.page.select_option(f'[aria-label="{control}"]', value)

    def cell(self, index: int) -> Locator:
        return self(f'.bw-cell[data-index="{index}"]')

    def spoken(self, index: int) -> str:
        return self.cell(index).get_attribute("aria-description") or ""

    def box(self, selector: str) -> dict[str, float]:
        box = self(selector).bounding_box()
        assert box
        return {**box}

    def decisions(self, *indexes: int) -> list[str | None]:
        return [self.cell(index).get_attribute("data-decision") for index in indexes]

    def wait_decision(self, index: int, decision: str) -> None:
        self.wait(f'.bw-cell[data-index="{index}"][data-decision="{decision}"]')

    def wait_marked(self, n: int) -> None:
        self.wait_js(f"kernel.state().marked === {n}")

    def wait_active(self, index: int) -> None:
        self.wait_js(f"document.activeElement.dataset.index === '{index}'")

    def wait_drawn(self) -> None:
        self.wait_js("!document.querySelector('.bw-waiting')")

    def scroll(self, top: int) -> None:
        self.js(f"document.querySelector('.bw-grid').scrollTop = {top}")

    @property
    def active(self) -> int:
        """The item that has the focus, else -1."""
        return int(self.js("document.activeElement.dataset.index ?? -1"))

    @property
    def selected(self) -> list[int]:
        indexes = self('.bw-cell[aria-selected="true"]').evaluate_all("all => all.map(e => +e.dataset.index)")
        return sorted(indexes)

    @property
    def columns(self) -> int:
        return int(self(".bw-grid").get_attribute("aria-colcount") or 0)

    def sent(self, op: str, count: int = 0) -> list[dict[str, Any]]:
        """The requests of a kind, once there are `count`."""
        self.wait_js("([op, n]) => kernel.log.filter(m => m.op === op).length >= n", arg=[op, count])
        return self.js("op => kernel.log.filter(message => message.op === op)", op)

    def open_queue(self, title: str, shown: str) -> None:
        self.click(".bw-queue")
        self.click(f".bw-option >> text={title}")
        self.wait(shown)

    def more(self, words: str) -> None:
        """Choose in the menu at the end of the toolbar."""
        self.click('[aria-label="More"]')
        self.click(f".bw-option >> text={words}")

    def poor_texts(self) -> list[Any]:
        return self.js("import('./contrast.js').then(module => module.poorTexts())")


Open = Callable[..., View]


@pytest.fixture
def open_view(open_page: Callable[..., Page]) -> Open:
    """A function that opens the page and waits for its first images."""

    def open_(query: str = "", *, until: str = ".bw-cell img", **options: Any) -> View:
        page = open_page(f"cleaner.html?{query}", **options)
        page.wait_for_selector(until, timeout=15_000)
        return View(page)

    return open_


def test_one_tab_stop_and_arrows(open_view: Open) -> None:
    view = open_view()
    assert view.count('.bw-grid [tabindex="0"]') == 1
    view.cell(0).focus()
    n = view.columns
    down = [("ArrowRight", 1), ("ArrowDown", 1 + n), ("ArrowLeft", n), ("End", 2 * n - 1), ("Home", n)]
    for key, at in [*down, ("ArrowUp", 0), ("Control+End", 479), ("Control+Home", 0)]:
        view.press(key)
        assert view.active == at, key
    view.press("PageDown")
    assert view.active > n
    view.press("PageUp")
    assert view.active == 0
    view.press("Tab")
    assert view.js("!document.activeElement.closest('.bw-grid')")


def test_decisions_by_key_move_on_and_undo_goes_back(open_view: Open) -> None:
    view = open_view()
    suggested = view.js("[5, 6, 7, 8, 9].find(i => kernel.item(i).suggested !== null)")
    view.cell(0).focus()
    view.press("Delete", "u", "k", "2", "Backspace")
    assert view.decisions(*range(5)) == ["delete", "unsure", "keep", "relabel", "delete"]
    assert view.active == 5
    assert view.cell(3).locator(".bw-badge").inner_text() == "→ grizzly"
    view.cell(suggested).click()
    view.press("Enter")
    assert view.decisions(suggested) == ["relabel"]
    actions = ["delete", "unsure", "keep", "relabel", "delete", "accept"]
    marks = view.sent("mark", 6)
    assert [(m["ranges"], m["action"]) for m in marks] == [
        ([[i, i + 1]], action) for i, action in zip([*range(5), suggested], actions, strict=True)
    ]
    assert [m["label"] for m in marks] == [None, None, None, "grizzly", None, None]
    view.cell(4).click()
    view.press("c")
    view.wait_marked(5)
    assert view.decisions(4) == [""]
    view.press("Control+End", "Control+z")
    view.wait_active(4)
    view.wait_decision(4, "delete")
    view.press("Control+Shift+z")
    view.wait_decision(4, "")


def test_shift_and_control_select_many_and_bulk_stays(open_view: Open) -> None:
    view = open_view()
    view.cell(1).focus()
    view.press("ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight")
    assert view.selected == [2, 3, 4]
    view.press("Control+ArrowRight", "Control+ArrowRight", "Control+Space")
    assert view.selected == [2, 3, 4, 6]
    assert "4 selected" in view.text(".bw-bulk")
    view.wait_js("kernel.log.some(m => m.op === 'select' && String(m.ranges) === '2,5,6,7')")
    view.press("u")
    view.wait("text=Marked 4 unsure")
    assert view.active == 6
    assert view.selected == [2, 3, 4, 6]
    view.click(".bw-toast >> text=Undo")
    view.wait_marked(0)
    view.wait_decision(6, "")
    view.cell(2).focus()
    view.press("Escape")
    assert view.selected == []


def test_keys_are_stopped_and_others_pass_and_search_takes_all(open_view: Open) -> None:
    view = open_view()
    view.js("window.heard = []; document.addEventListener('keydown', e => heard.push(e.key))")
    view.cell(0).focus()
    view.press("d", "Delete", "ArrowDown", "y", "q")
    assert "There are no queues" in view.text(".bw-toast")
    view.press("/", *"00012")
    view.wait('text="11 of 480 images"')
    assert view.sent("view")[-1]["filter"]["text"] == "00012"
    assert len(view.sent("mark")) == 1, "digits in the search box decide nothing"
    assert view.js("heard") == ["d", "y", *"00012"]
    quiet = view(".bw-root, .bw-root *:not(style, svg, svg *)")
    assert quiet.evaluate_all("all => all.every(each => each.hasAttribute('data-lm-suppress-shortcuts'))")


def test_the_grid_pattern_and_a_name_for_every_control(open_view: Open) -> None:
    view = open_view()
    grid = view('[role="grid"]')
    n = view.columns
    assert grid.get_attribute("aria-multiselectable") == "true"
    assert int(grid.get_attribute("aria-rowcount") or 0) == -(-480 // n)
    row = grid.locator('[role="row"]').first
    assert row.get_attribute("aria-rowindex") == "1"
    assert row.locator('[role="gridcell"]').first.get_attribute("aria-colindex") == "1"
    assert row.locator('[aria-selected="false"]').count() == n
    assert "labeled black" in view.spoken(0)
    assert "no image: the file is cut off" in view.spoken(11)
    controls = view(".bw-root :is(button, input, select, dialog, [role=progressbar]):not([hidden])")
    assert controls.count() > 15
    assert controls.evaluate_all("all => all.every(e => e.ariaLabel || e.textContent.trim())")
    view.click("text=all keys")
    assert view.count("dialog[aria-label=Keys] tr") > 10


def test_click_shift_control_and_double_click(open_view: Open) -> None:
    view = open_view()
    view.cell(1).click()
    view.cell(3).click(modifiers=["Shift"])
    assert view.selected == [1, 2, 3]
    view.cell(2).click(modifiers=["Control"])
    assert view.selected == [1, 3]
    view.cell(6).click()
    assert view.selected == [6]
    view.cell(2).dblclick()
    view.wait('.bw-zoom[open][data-full="true"]')


def test_rubber_band(open_view: Open) -> None:
    view = open_view()
    n = view.columns
    first, last = (view.box(f'.bw-cell[data-index="{index}"]') for index in (0, n + 1))
    mouse = view.page.mouse
    mouse.move(first["x"] + 60, first["y"] + 60)
    mouse.down()
    mouse.move(first["x"] + 62, first["y"] + 61)
    assert view.count(".bw-band") == 0, "a press that shakes is no band"
    mouse.move(last["x"] + 40, last["y"] + 40, steps=4)
    assert view.count(".bw-band") == 1
    mouse.up()
    assert view.selected == [0, 1, n, n + 1]
    assert view.count(".bw-band") == 0
    view.click(".bw-bulk >> text=Delete")
    assert view.sent("mark", 1)[0]["ranges"] == [[0, 2], [n, n + 2]]
    assert view.active == 0, "the focus is back in the grid"


def test_drop_down_on_a_tile(open_view: Open) -> None:
    view = open_view("classes=120")
    assert view.count(".bw-option") == 0, "options are made when they are wanted"
    view.cell(1).hover()
    view.cell(1).locator(".bw-decide").click()
    assert view(".bw-option").first.inner_text().startswith("Keep")
    view.press(*"class 117", "Enter")
    assert view.sent("mark", 1)[0]["label"] == "class 117"
    assert view.cell(1).locator(".bw-badge").inner_text() == "→ class 117"
    assert view.active == 2
    view.press("r", "Escape")
    assert view.active == 2
    assert view.count(".bw-menu") == 0


def test_few_cells_and_few_requests_for_100_000(open_view: Open) -> None:
    view = open_view("n=100000&px=96", width=1800, height=1200)
    view.cell(0).focus()
    view.press("Control+a")
    assert "100,000 selected" in view.text(".bw-bulk")
    view.press("k")
    assert view.sent("mark", 1)[0]["ranges"] == [[0, 100000]]
    view.wait("text=Marked 100,000 keep")
    view.wait_drawn()
    view.js("kernel.holding = ['page']")
    before = len(view.sent("page"))
    most = view.js("""async () => {
        let most = 0;
        for (let step = 0; step < 30; step++) {
            document.querySelector('.bw-grid').scrollTop = step * 20000;
            await new Promise(requestAnimationFrame);
            most = Math.max(most, document.querySelectorAll('.bw-cell').length);
        }
        return most;
    }""")
    assert 40 < most < 300
    assert len(view.sent("page")) - before <= 4, "at most four pages on their way"
    view.js("kernel.release()")
    view.wait_drawn()
    assert len(view.sent("page")) - before < 14, "what was scrolled past is not asked for"


def test_a_million_items_reach_the_end(open_view: Open) -> None:
    view = open_view("n=1000000", width=480)
    view.cell(3).focus()
    view.scroll(100_000)
    view.wait_js("document.querySelectorAll('[data-index=\"6\"]').length === 0")
    assert view.active == 3, "the focus survives scrolling away"
    view.press("ArrowRight")
    assert view.active == 4
    assert view.js("document.querySelector('.bw-grid').scrollTop") < 1000
    view.press("Control+End")
    assert view.active == 999_999
    cell, grid = view.box('.bw-cell[data-index="999999"]'), view.box(".bw-grid")
    assert grid["y"] <= cell["y"]
    assert cell["y"] + cell["height"] <= grid["y"] + grid["height"] + 1
    view.page.mouse.move(200, 500)
    view.page.mouse.wheel(0, -300)
    view.wait('.bw-cell[data-index="999996"] img')
    assert view.count(".bw-cell") < 300


def test_going_back_asks_for_nothing_and_the_size_is_remembered(open_view: Open) -> None:
    view = open_view("n=600")
    view.wait_drawn()
    view.scroll(8000)
    view.wait_js("[...document.querySelectorAll('.bw-cell')].some(each => each.dataset.index > 100)")
    view.wait_drawn()
    view.js("kernel.dead = true")
    view.scroll(0)
    view.wait('[data-index="0"] img')
    assert view.count(".bw-waiting") == 0
    view.js("kernel.dead = false")
    before = view.columns
    view.click("text=/^Filters/")
    view(".bw-size").fill("320")
    assert view.columns < before
    assert view.sent("save_changes")[-1]["traits"]["px"] == 320
    view.wait_js("kernel.log.some(m => m.op === 'page' && m.px === 320)")


def test_filters_sort_and_empty_state(open_view: Open) -> None:
    view = open_view()
    view.choose("Class", "teddy")
    view.wait("text=160 of 480 images")
    view.choose("Decision", "delete")
    view.wait("text=No items match these filters.")
    view.click(".bw-panel >> text=Clear filters")
    view.wait(".bw-cell img")
    assert view.page.input_value('[aria-label="Class"]') == ""
    view.choose("Sort by", "confidence")
    view.wait_js("kernel.state().view.sort === 'confidence'")
    assert view.sent("view")[-1]["descending"] is False
    view.press("Escape")
    view.cell(0).click()
    view.click(".bw-chip >> nth=1")
    view.wait_decision(0, "relabel")
    assert view.active == 1, "a press on a class does what its key does"


def test_a_refusal_and_changes_from_python_show(open_view: Open) -> None:
    view = open_view()
    view.js("kernel.fail.mark = 'The disk is full; nothing was recorded.'")
    view.cell(0).click()
    view.press("Delete")
    view.wait("text=The disk is full; nothing was recorded.")
    assert view.decisions(0) == [""]
    view("#after").focus()
    view.js("""() => {
        kernel.mark({ids: ['id1', 'id2'], action: 'delete', label: null});
        kernel.push({event: 'state', state: kernel.state()});
        kernel.push({event: 'items', ids: ['id1', 'id2']});
    }""")
    view.wait_decision(2, "delete")
    assert "Apply (2)" in view.text(".bw-toolbar")
    assert not view.sent("page")[-1]["images"], "decisions are fetched without images"
    view.js("kernel.setStale(true)")
    view.wait(".bw-stale", state="attached")
    assert view.active == -1, "a cell that runs never takes the focus"
    view.js(
        "kernel.view({...kernel.state().view, sort: 'loss', filter: {...kernel.state().view.filter, label: 'teddy'}})"
    )
    view.scroll(9000)
    view.wait("text=160 of 480 images")
    view.wait(".bw-cell img")


def test_pending_locates_and_withdraws(open_view: Open) -> None:
    view = open_view()
    view.cell(0).focus()
    view.press("Delete", "2")
    view.wait_marked(2)
    view.more("Decisions (2)")
    assert view.count(".bw-drawer-item") == 2
    view.click(".bw-drawer-item >> nth=1 >> .bw-link")
    view.wait_active(1)
    view.click(".bw-drawer-item >> nth=0 >> text=Withdraw")
    view.wait_js("document.querySelectorAll('.bw-drawer-item').length === 1")
    view.wait_decision(0, "")
    view.choose("Class", "teddy")
    view.wait("text=160 of 480 images")
    view.click(".bw-drawer-item >> .bw-link")
    view.click(".bw-toast >> text=Clear filters")
    view.wait_active(1)


def test_apply_shows_the_plan_and_roll_back_is_offered(open_view: Open) -> None:
    view = open_view()
    view.cell(0).focus()
    view.press("Delete", "Delete", "2", "u")
    view.wait_marked(4)
    view.js("kernel.problems = [{path: 'a/1.jpg', reason: 'changed since it was looked at'}]")
    view.click(".bw-toolbar >> text=Apply")
    view.wait("text=changed since it was looked at")
    assert view(".bw-main-button").is_disabled()
    view.press("Escape")
    view.js("kernel.problems = null")
    view.click(".bw-toolbar >> text=Apply")
    view.click(".bw-dialog >> role=button[name='Move 2 to trash, relabel 1']")
    view.wait("text=Done, round 1.")
    assert view.sent("apply")[0].get("token") == "t1"
    view.click(".bw-dialog >> text=Roll back…")
    view.click("text=Roll back round 1")
    view.wait("text=Round 1 was rolled back.")
    view.press("Escape")
    view.wait("dialog", state="detached")


def test_retrain_shows_curve_stop_and_result(open_view: Open) -> None:
    view = open_view()
    view.click(".bw-toolbar >> text=Retrain >> visible=true")
    view.wait("text=step 1 of 60 · 12 s left")
    assert view(".bw-curve-loss").get_attribute("points")
    view.click("text=Stop")
    view.wait("text=Stopping at the next batch")
    view.js("""kernel.setJob({state: 'done', before: {error_rate: .094, n: 96},
        after: {error_rate: .083, error_rate_corrected: .052, n: 96}})""")
    for words in ["9.4 % → 8.3 %", "5.2 %", "96 held-out images"]:
        assert words in view.text(".bw-job")
    view.click('[aria-label="Close the training report"]')
    assert not view(".bw-job").is_visible()


def test_a_queue_is_chosen_by_keyboard(open_view: Open) -> None:
    view = open_view("queues")
    view.cell(0).focus()
    view.press("q")
    rows = view(".bw-option > span:first-child").all_inner_texts()
    assert rows[:2] == ["Contradictory copies", "Identical copies"]
    assert rows[-1] == "All images"
    assert view.text(".bw-option.bw-note") == "Nothing found: Unreadable, Animated."
    view.press("ArrowUp", "ArrowUp", "Enter")
    view.wait("text=6 of 480 images")
    sent = view.sent("view")[-1]
    assert [sent[name] for name in ("queue", "sort", "descending")] == ["blurred", "queue", True]
    assert not any(sent["filter"].values())
    view.wait_active(0)
    view.press("Delete")
    view.wait(".bw-queue >> text=5 of 6")
    view.choose("Decision", "undecided")
    view.wait("text=5 of 480 images")
    view.open_queue("All images", ".bw-queue >> text=All images")
    assert view.sent("view")[-1]["sort"] == "label_issue"


def test_copies_stand_side_by_side(open_view: Open) -> None:
    view = open_view("queues", width=640)
    view.open_queue("Near-duplicates", '.bw-cell[data-group="first"]')
    assert view.columns == 2
    view.wait_js("!document.querySelector('.bw-waiting')")  # what is out of sight comes a moment later
    sides = view(".bw-cell").evaluate_all(
        "all => all.map(each => `${each.dataset.group} ${each.ariaColIndex}`)"
    )
    assert sides[:5] == ["first 1", "last 2", "first 1", "middle 2", "last 1"], (
        "only a group longer than a row is broken"
    )
    assert "keeper" in view.cell(0).locator(".bw-group-mark").inner_text()
    assert "proposed to stay" in view.spoken(0)
    assert view.count(".bw-contradicts") == 0
    view.open_queue("Contradictory", ".bw-contradicts")
    assert view.count(".bw-contradicts") == 2


def test_one_key_resolves_a_group(open_view: Open) -> None:
    view = open_view("queues")
    view.press("Tab")
    view.open_queue("Near-duplicates", '.bw-cell[data-group="first"]')
    view.js("kernel.holding = ['resolve_group']")
    view.press("g")
    assert view.decisions(0, 1, 2) == ["keep", "delete", ""], "shown before Python has answered"
    assert view.active == 2, "the next group"
    view.js("kernel.release()")
    view.wait_marked(2)
    view.press("ArrowRight", "Shift+G")
    view.wait_marked(5)
    assert view.decisions(2, 3, 4) == ["delete", "keep", "delete"]
    view.wait(".bw-queue >> text=6 of 8")
    view.press("Control+z")
    view.wait_marked(2)
    view.cell(2).locator(".bw-keep-one").click()
    view.wait_marked(5)
    asked = [(m["ranges"], m["keepers"]) for m in view.sent("resolve_group")]
    assert asked == [([[0, 1]], True), ([[3, 4]], False), ([[2, 3]], False)]


def test_the_reason_below_the_grid_and_in_the_zoom(open_view: Open) -> None:
    view = open_view("queues")
    view.open_queue("Contradictory", ".bw-contradicts")
    view.wait(".bw-reason >> text=one of the labels is wrong")
    first = view.text(".bw-reason")
    view.press("ArrowRight")
    view.wait_js("first => document.querySelector('.bw-reason').innerText !== first", arg=first)
    assert "one of the labels is wrong" in view.text(".bw-reason")
    path, _ = (view(".bw-reason").get_attribute("title") or "").splitlines()
    assert path in view.text(".bw-reason")
    view.press(" ")
    view.wait('.bw-zoom[data-full="true"]')
    assert "one of the labels is wrong" in view.text(".bw-why")
    view.press("Shift+G")
    view.wait_marked(2)
    assert view.sent("resolve_group")[0]["keepers"] is False
    view.wait(".bw-zoom .bw-verdict >> text=✓")


def test_closing_ends_everything(open_view: Open) -> None:
    view = open_view()
    view.js("controller.abort()")
    assert view.count(".bw-root") == 0
    assert view.js("kernel.listenerCount()") == 0
    view.js("cleanup()")


@pytest.mark.parametrize(("theme", "system"), [("light", "dark"), ("dark", "light")])
def test_text_can_be_read(open_view: Open, theme: str, system: str) -> None:
    view = open_view(f"queues&theme={theme}", scheme=system)
    assert view.count(".bw-root.bw-dark") == (theme == "dark")
    view.open_queue("Contradictory", ".bw-contradicts")
    assert view.poor_texts() == []
    view.open_queue("Near-duplicates", "text=25 of 480 images")
    view.press("Delete", "u", "k", "2")
    assert view.poor_texts() == []


@pytest.mark.parametrize("width", [480, 1000, 1800])
def test_nothing_sticks_out(open_view: Open, width: int) -> None:
    view = open_view("queues", width=width)
    wide = """all => all.filter(e => {
        const box = e.getBoundingClientRect(), root = e.closest('.bw-root').getBoundingClientRect();
        return box.width && (box.left < root.left - 1 || box.right > root.right + 1);
    }).map(e => e.outerHTML.slice(0, 100))"""
    assert view(".bw-toolbar *, .bw-footer, .bw-grid, .bw-footer > *").evaluate_all(wide) == []
    assert view.box(".bw-grid")["height"] > 300


def test_progress_is_told(open_view: Open) -> None:
    view = open_view("queues")
    told = view.sent("seen", 1)[0]["ranges"]
    assert told[0][0] == 0
    assert sum(stop - start for start, stop in told) < 40, "only what is on screen"
    view.click('[aria-label="More"]')
    view.wait(".bw-option >> text=/[1-9] of 480 images seen/")
    view.press("Escape")
    view.js(
        "kernel.looked = {recent: 25, recent_changed: 6, left: 380, errors: 14.2, low: 6, high: 31, hint: ''}; null"
    )
    view.cell(0).click()
    view.press("k")
    view.wait(".bw-figures:has-text('6 of the last 25 decisions')", state="attached")
    assert view.text(".bw-stop") == ""
    view.js("kernel.looked.hint = 'You can stop here.'")
    view.press("k")
    view.wait(".bw-stop:has-text('You can stop here.')")


@pytest.mark.parametrize(
    ("query", "told", "mend"),
    [
        ("hold=hello", "kernel busy…", "kernel.release()"),
        ("dead", "Decisions that were confirmed are saved", "kernel.dead = false"),
        ("fail=page", "did not load: The folder is gone.", "kernel.fail = {}"),
    ],
)
def test_trouble_is_told_and_passes(open_view: Open, query: str, told: str, mend: str) -> None:
    view = open_view(query, until=f"text={told}")
    view.js(mend)
    if view(".bw-banner").is_visible():
        view.click("text=Retry")
    view.wait(".bw-cell img")
    view.wait(".bw-busy:empty", state="attached")
    assert not view(".bw-banner").is_visible()


def test_the_zoom_by_keyboard_with_names_as_text(open_view: Open) -> None:
    view = open_view()
    paths = view.js("Array.from({length: 7}, (_, i) => kernel.item(i).path)")
    view.cell(4).click()
    view.press("Space")
    view.wait('.bw-zoom[data-full="true"]')
    assert view.count(".bw-zoom .bw-probability") == 3
    assert "<img" in paths[5]
    for key, at in [("ArrowRight", 5), ("Delete", 6), ("ArrowLeft", 5)]:
        view.press(key)
        assert view.text(".bw-zoom h2") == paths[at]
    assert view.count("img[onerror]") == 0
    view.wait(".bw-zoom .bw-history >> text=ada: delete")
    assert "✕ delete" in view.text(".bw-verdict")
    view.press("r", *"teddy", "Enter")
    assert view.sent("mark", 2)[1]["label"] == "teddy"
    view.press("Escape")
    view.wait(".bw-zoom", state="detached")
    assert view.active == 6
