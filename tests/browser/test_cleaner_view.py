"""The Cleaner's view in headless Chromium, its kernel played by fake.js."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

Open = Callable[..., "Page"]


def ready(open_page: Open, query: str = "", **options: Any) -> Page:
    """A page whose grid shows its first pictures."""
    page = open_page(f"cleaner.html?{query}", **options)
    page.wait_for_selector(".bw-cell img")
    return page


def cell(page: Page, index: int) -> Locator:
    return page.locator(f'.bw-cell[data-index="{index}"]')


def decision(page: Page, index: int) -> str | None:
    return cell(page, index).get_attribute("data-decision")


def active(page: Page) -> int:
    """The item that has the focus."""
    return int(page.evaluate("document.activeElement.dataset.index ?? -1"))


def selected(page: Page) -> list[int]:
    return page.evaluate(
        """[...document.querySelectorAll('.bw-cell[aria-selected=true]')]
        .map(cell => Number(cell.dataset.index)).sort((a, b) => a - b)"""
    )


def sent(page: Page, op: str) -> list[dict[str, Any]]:
    return page.evaluate("op => kernel.log.filter(message => message.op === op)", op)


def wait_sent(page: Page, op: str, count: int = 1) -> list[dict[str, Any]]:
    page.wait_for_function("([op, n]) => kernel.log.filter(m => m.op === op).length >= n", arg=[op, count])
    return sent(page, op)


def columns(page: Page) -> int:
    return int(page.get_attribute(".bw-grid", "aria-colcount") or 0)


# ---------------------------------------------------------------------------------------------- keyboard


def test_one_tab_stop_and_arrows(open_page: Open) -> None:
    page = ready(open_page)
    assert page.locator('.bw-grid [tabindex="0"]').count() == 1
    cell(page, 0).focus()
    n = columns(page)
    for key, at in [
        ("ArrowRight", 1),
        ("ArrowDown", 1 + n),
        ("ArrowLeft", n),
        ("End", 2 * n - 1),
        ("Home", n),
        ("ArrowUp", 0),
        ("Control+End", 479),
        ("Control+Home", 0),
    ]:
        page.keyboard.press(key)
        assert active(page) == at, key
    page.keyboard.press("PageDown")
    assert active(page) > n
    page.keyboard.press("PageUp")
    assert active(page) == 0
    page.keyboard.press("Tab")
    assert page.evaluate("!document.activeElement.closest('.bw-grid')")


def test_decisions_by_key_move_on(open_page: Open) -> None:
    page = ready(open_page)
    cell(page, 0).focus()
    for key in ["Delete", "u", "k", "2", "Backspace"]:
        page.keyboard.press(key)
    assert [decision(page, i) for i in range(5)] == ["delete", "unsure", "keep", "relabel", "delete"]
    assert active(page) == 5
    assert cell(page, 3).locator(".bw-badge").inner_text() == "→ grizzly"
    marks = wait_sent(page, "mark", 5)
    assert [(m["ranges"], m["action"], m["label"]) for m in marks] == [
        ([[0, 1]], "delete", None),
        ([[1, 2]], "unsure", None),
        ([[2, 3]], "keep", None),
        ([[3, 4]], "relabel", "grizzly"),
        ([[4, 5]], "delete", None),
    ]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("c")
    page.wait_for_function("kernel.state().marked === 4")
    assert decision(page, 4) == ""


def test_accept_takes_the_suggestion(open_page: Open) -> None:
    page = ready(open_page)
    index = page.evaluate(
        "Array.from({length: 20}, (_, i) => i).find(i => kernel.item(i).suggested !== null)"
    )
    cell(page, index).click()
    page.keyboard.press("Enter")
    assert decision(page, index) == "relabel"
    assert wait_sent(page, "mark")[0]["action"] == "accept"


def test_shift_and_control_select_many_and_bulk_stays(open_page: Open) -> None:
    page = ready(open_page)
    cell(page, 1).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert selected(page) == [2, 3, 4]
    page.keyboard.press("Control+ArrowRight")
    page.keyboard.press("Control+ArrowRight")
    page.keyboard.press("Control+Space")
    assert selected(page) == [2, 3, 4, 6]
    assert "4 selected" in page.locator(".bw-bulk").inner_text()
    page.keyboard.press("u")
    page.wait_for_selector("text=Marked 4 unsure")
    assert active(page) == 6
    assert selected(page) == [2, 3, 4, 6]
    page.click(".bw-toast >> text=Undo")
    page.wait_for_function("kernel.state().marked === 0")
    page.wait_for_function("document.querySelectorAll('.bw-cell[data-decision=unsure]').length === 0")
    cell(page, 2).focus()
    page.keyboard.press("Escape")
    assert selected(page) == []


def test_all_of_100_000_is_one_range(open_page: Open) -> None:
    page = ready(open_page, "n=100000")
    cell(page, 0).focus()
    page.keyboard.press("Control+a")
    assert "100,000 selected" in page.locator(".bw-bulk").inner_text()
    page.keyboard.press("k")
    assert wait_sent(page, "mark")[0]["ranges"] == [[0, 100000]]
    page.wait_for_selector("text=Marked 100,000 keep")


def test_undo_and_redo_go_to_the_place(open_page: Open) -> None:
    page = ready(open_page)
    cell(page, 0).focus()
    page.keyboard.press("Delete")
    page.wait_for_function("kernel.state().marked === 1")
    page.keyboard.press("Control+End")
    page.keyboard.press("Control+z")
    page.wait_for_function("document.activeElement.dataset.index === '0'")
    page.wait_for_selector('.bw-cell[data-index="0"][data-decision=""]')
    page.keyboard.press("Control+Shift+z")
    page.wait_for_selector('.bw-cell[data-index="0"][data-decision="delete"]')


def test_keys_are_stopped_and_others_pass(open_page: Open) -> None:
    page = ready(open_page)
    page.evaluate("window.heard = []; document.addEventListener('keydown', e => heard.push(e.key))")
    cell(page, 0).focus()
    for key in ["d", "Delete", "ArrowDown", "x", "q"]:
        page.keyboard.press(key)
    assert "There are no queues" in page.locator(".bw-toast").inner_text()
    assert page.evaluate("heard") == ["d", "x"]
    quiet = page.locator(".bw-root, .bw-root *:not(style, svg, svg *)")
    assert quiet.evaluate_all("all => all.every(each => each.hasAttribute('data-lm-suppress-shortcuts'))")


def test_search_by_key(open_page: Open) -> None:
    page = ready(open_page)
    cell(page, 0).focus()
    page.keyboard.press("/")
    page.keyboard.type("00012")
    page.wait_for_selector("text=11 of 480 items")
    assert sent(page, "view")[-1]["filter"]["text"] == "00012"
    assert sent(page, "mark") == [], "digits in the search box decide nothing"


# ---------------------------------------------------------------------------------------------- ARIA


def test_grid_pattern(open_page: Open) -> None:
    page = ready(open_page)
    grid = page.locator('[role="grid"]')
    assert grid.get_attribute("aria-multiselectable") == "true"
    n = columns(page)
    assert int(grid.get_attribute("aria-rowcount") or 0) == -(-480 // n)
    row = grid.locator('[role="row"]').first
    assert row.get_attribute("aria-rowindex") == "1"
    first = row.locator('[role="gridcell"]').first
    assert first.get_attribute("aria-colindex") == "1"
    assert "labeled black" in (first.get_attribute("aria-label") or "")
    assert row.locator('[aria-selected="false"]').count() == n
    assert "no image: the file is cut off" in (cell(page, 11).get_attribute("aria-label") or "")
    page.click("text=all keys")
    assert page.locator("dialog[aria-label=Keys] tr").count() > 10


def test_every_control_has_a_name(open_page: Open) -> None:
    page = ready(open_page)
    nameless = page.evaluate(
        """[...document.querySelectorAll(
            '.bw-root :is(button, input, select, dialog, [role=grid], [role=progressbar])'
        )].filter(e => !e.hidden && !(e.getAttribute('aria-label') || e.textContent.trim())).map(e => e.outerHTML)"""
    )
    assert nameless == []


def test_text_is_only_text(open_page: Open) -> None:
    page = ready(open_page)
    name = page.evaluate("kernel.item(5).path")
    assert "<img" in name
    cell(page, 5).click()
    page.keyboard.press("Space")
    assert page.locator(".bw-zoom h2").inner_text() == name
    assert page.locator("img[onerror]").count() == 0


# ---------------------------------------------------------------------------------------------- mouse


def test_click_shift_control(open_page: Open) -> None:
    page = ready(open_page)
    cell(page, 1).click()
    cell(page, 3).click(modifiers=["Shift"])
    assert selected(page) == [1, 2, 3]
    cell(page, 2).click(modifiers=["Control"])
    assert selected(page) == [1, 3]
    cell(page, 6).click()
    assert selected(page) == [6]


def test_rubber_band(open_page: Open) -> None:
    page = ready(open_page)
    first, last = cell(page, 0).bounding_box(), cell(page, columns(page) + 1).bounding_box()
    assert first
    assert last
    page.mouse.move(first["x"] + 60, first["y"] + 60)
    page.mouse.down()
    page.mouse.move(first["x"] + 62, first["y"] + 61)
    assert page.locator(".bw-band").count() == 0, "a press that shakes is no band"
    page.mouse.move(last["x"] + 40, last["y"] + 40, steps=4)
    assert page.locator(".bw-band").count() == 1
    page.mouse.up()
    assert selected(page) == [0, 1, columns(page), columns(page) + 1]
    assert page.locator(".bw-band").count() == 0
    page.click(".bw-bulk >> text=Delete")
    assert wait_sent(page, "mark")[0]["ranges"] == [[0, 2], [columns(page), columns(page) + 2]]
    assert active(page) == 0, "the focus is back in the grid"


def test_double_click_zooms(open_page: Open) -> None:
    page = ready(open_page)
    cell(page, 2).dblclick()
    page.wait_for_selector('.bw-zoom[open][data-full="true"]')


def test_drop_down_on_a_tile(open_page: Open) -> None:
    page = ready(open_page, "classes=120")
    assert page.locator(".bw-option").count() == 0, "options are made when they are wanted"
    cell(page, 1).hover()
    cell(page, 1).locator(".bw-decide").click()
    assert page.locator(".bw-option").first.inner_text().startswith("Keep")
    page.keyboard.type("class 117")
    page.keyboard.press("Enter")
    assert wait_sent(page, "mark")[0]["label"] == "class 117"
    assert cell(page, 1).locator(".bw-badge").inner_text() == "→ class 117"
    assert active(page) == 2
    page.keyboard.press("r")
    page.keyboard.press("Escape")
    assert active(page) == 2
    assert page.locator(".bw-menu").count() == 0


# ---------------------------------------------------------------------------------------------- virtual grid


def test_few_cells_and_few_requests_for_100_000(open_page: Open) -> None:
    page = ready(open_page, "n=100000&px=96", width=1800, height=1200)
    page.evaluate("""window.most = 0; new MutationObserver(() => {
        most = Math.max(most, document.querySelectorAll('.bw-cell').length);
    }).observe(document.querySelector('.bw-grid'), {childList: true, subtree: true})""")
    page.wait_for_function("!document.querySelector('.bw-waiting')")
    page.evaluate("kernel.holding = ['page']")
    before = len(sent(page, "page"))
    page.evaluate("""async () => {
        for (let step = 0; step < 30; step++) {
            document.querySelector('.bw-grid').scrollTop = step * 20000;
            await new Promise(requestAnimationFrame);
        }
    }""")
    assert len(sent(page, "page")) - before <= 4, "at most four pages on their way"
    page.evaluate("kernel.release()")
    page.wait_for_function("!document.querySelector('.bw-waiting')")
    asked = [message["start"] for message in sent(page, "page")[before:]]
    assert len(asked) < 14, "what was scrolled past is not asked for"
    assert page.evaluate("most") < 300


def test_focus_survives_scrolling_away(open_page: Open) -> None:
    page = ready(open_page, "n=20000")
    cell(page, 3).focus()
    page.evaluate("document.querySelector('.bw-grid').scrollTop = 100000")
    page.wait_for_selector('.bw-row[aria-rowindex="450"]')
    assert active(page) == 3
    page.keyboard.press("ArrowRight")
    assert active(page) == 4
    assert page.evaluate("document.querySelector('.bw-grid').scrollTop") == 0


def test_a_million_items_reach_the_end(open_page: Open) -> None:
    page = ready(open_page, "n=1000000", width=480)
    cell(page, 0).focus()
    page.keyboard.press("Control+End")
    assert active(page) == 999_999
    box, grid = cell(page, 999_999).bounding_box(), page.locator(".bw-grid").bounding_box()
    assert box
    assert grid
    assert grid["y"] <= box["y"]
    assert box["y"] + box["height"] <= grid["y"] + grid["height"] + 1
    page.mouse.move(200, 500)
    page.mouse.wheel(0, -300)
    page.wait_for_selector('.bw-cell[data-index="999996"] img')
    assert page.locator(".bw-cell").count() < 300


def test_going_back_asks_for_nothing(open_page: Open) -> None:
    page = ready(open_page, "n=600")
    page.wait_for_function("!document.querySelector('.bw-waiting')")
    grid = "document.querySelector('.bw-grid')"
    page.evaluate(f"{grid}.scrollTop = 8000")
    page.wait_for_function(
        "!document.querySelector('.bw-waiting') && document.querySelector('[data-index=\"180\"] img')"
    )
    page.evaluate("kernel.dead = true")
    page.evaluate(f"{grid}.scrollTop = 0")
    page.wait_for_selector('[data-index="0"] img')
    assert page.locator(".bw-waiting").count() == 0


def test_size_slider_resizes_and_is_remembered(open_page: Open) -> None:
    page = ready(open_page)
    before = columns(page)
    page.locator(".bw-size").fill("320")
    assert columns(page) < before
    assert sent(page, "save_changes")[-1]["traits"]["px"] == 320
    page.wait_for_function("kernel.log.some(m => m.op === 'page' && m.px === 320)")


def test_seen_is_told(open_page: Open) -> None:
    page = ready(open_page)
    told = wait_sent(page, "seen")[0]
    assert told["ranges"][0][0] == 0
    page.wait_for_function("/seen [1-9]/.test(document.querySelector('.bw-progress-text').textContent)")
    assert sum(stop - start for start, stop in told["ranges"]) < 40, "only what is on screen"


# ---------------------------------------------------------------------------------------------- filters and states


def test_filters_sort_and_empty_state(open_page: Open) -> None:
    page = ready(open_page)
    page.select_option('[aria-label="Class"]', "teddy")
    page.wait_for_selector("text=160 of 480 items")
    page.select_option('[aria-label="Decision"]', "delete")
    page.wait_for_selector("text=No items match these filters.")
    page.click("text=Clear filters")
    page.wait_for_selector(".bw-cell img")
    assert page.input_value('[aria-label="Class"]') == ""
    page.select_option('[aria-label="Sort by"]', "confidence")
    page.wait_for_function("kernel.log.at(-1).op !== 'view' && kernel.log.some(m => m.sort === 'confidence')")
    assert sent(page, "view")[-1]["descending"] is False
    page.click(".bw-chip >> nth=1")
    page.wait_for_function("kernel.log.some(m => m.op === 'view' && m.filter.label === 'grizzly')")


def test_an_error_takes_the_decision_back(open_page: Open) -> None:
    page = ready(open_page)
    page.evaluate("kernel.fail.mark = 'The disk is full; nothing was recorded.'")
    cell(page, 0).click()
    page.keyboard.press("Delete")
    page.wait_for_selector("text=The disk is full; nothing was recorded.")
    assert decision(page, 0) == ""


def test_a_page_that_fails_can_be_tried_again(open_page: Open) -> None:
    page = open_page("cleaner.html?hold=hello")
    page.evaluate("kernel.fail.page = 'The folder is gone.'; kernel.release()")
    page.wait_for_selector("text=The folder is gone.")
    page.evaluate("kernel.fail = {}")
    page.click("text=Retry")
    page.wait_for_selector(".bw-cell img")
    assert not page.locator(".bw-banner").is_visible()


def test_changes_from_python_show(open_page: Open) -> None:
    page = ready(open_page)
    page.evaluate("""() => {
        kernel.mark({ids: ['id1', 'id2'], action: 'delete', label: null});
        kernel.push({event: 'state', state: kernel.state()});
        kernel.push({event: 'items', ids: ['id1', 'id2']});
    }""")
    page.wait_for_selector('.bw-cell[data-index="2"][data-decision="delete"]')
    assert "Pending (2)" in page.locator(".bw-toolbar").inner_text()
    assert not sent(page, "page")[-1]["pictures"], "decisions are fetched without pictures"
    page.evaluate("kernel.setStale(true)")
    page.wait_for_selector("text=labels changed since these scores were made")
    page.evaluate("kernel.push({event: 'scroll', index: 300})")
    page.wait_for_selector('.bw-cell[data-index="300"]')
    assert active(page) == -1, "a cell that runs never takes the focus"


def test_an_order_that_changed_elsewhere(open_page: Open) -> None:
    page = ready(open_page)
    page.evaluate(
        "kernel.view({filter: {...kernel.state().view.filter, label: 'teddy'}, sort: 'loss', descending: true})"
    )
    page.evaluate("document.querySelector('.bw-grid').scrollTop = 9000")
    page.wait_for_selector("text=160 of 480 items")
    page.wait_for_selector(".bw-cell img")


# ---------------------------------------------------------------------------------------------- panels


def test_zoom_by_keyboard(open_page: Open) -> None:
    page = ready(open_page)
    cell(page, 1).click()
    page.keyboard.press("Space")
    page.wait_for_selector('.bw-zoom[data-full="true"]')
    assert page.locator(".bw-zoom .bw-probability").count() == 3
    page.keyboard.press("ArrowRight")
    assert page.locator(".bw-zoom h2").inner_text() == page.evaluate("kernel.item(2).path")
    page.keyboard.press("Delete")
    assert page.locator(".bw-zoom h2").inner_text() == page.evaluate("kernel.item(3).path")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".bw-zoom .bw-history >> text=ada: delete")
    assert "✕ delete" in page.locator(".bw-verdict").inner_text()
    page.keyboard.press("r")
    page.keyboard.type("teddy")
    page.keyboard.press("Enter")
    assert wait_sent(page, "mark", 2)[1]["label"] == "teddy"
    page.keyboard.press("Escape")
    page.wait_for_selector(".bw-zoom", state="detached")
    assert active(page) == 3


def test_pending_locates_and_withdraws(open_page: Open) -> None:
    page = ready(open_page)
    cell(page, 0).focus()
    page.keyboard.press("Delete")
    page.keyboard.press("2")
    page.wait_for_function("kernel.state().marked === 2")
    page.click("text=Pending (2)")
    assert page.locator(".bw-drawer-item").count() == 2
    page.click(".bw-drawer-item >> nth=1 >> .bw-link")
    page.wait_for_function("document.activeElement.dataset.index === '1'")
    page.click(".bw-drawer-item >> nth=0 >> text=Withdraw")
    page.wait_for_function("document.querySelectorAll('.bw-drawer-item').length === 1")
    page.wait_for_selector('.bw-cell[data-index="0"][data-decision=""]')
    page.select_option('[aria-label="Class"]', "teddy")
    page.wait_for_selector("text=160 of 480 items")
    page.click(".bw-drawer-item >> .bw-link")
    page.click(".bw-toast >> text=Clear filters")
    page.wait_for_function("document.activeElement.dataset.index === '1'")


def test_apply_shows_the_plan_and_roll_back_is_offered(open_page: Open) -> None:
    page = ready(open_page)
    cell(page, 0).focus()
    for key in ["Delete", "Delete", "2", "u"]:
        page.keyboard.press(key)
    page.wait_for_function("kernel.state().marked === 4")
    page.click("text=Apply…")
    page.click(".bw-dialog >> role=button[name='Move 2 to trash, relabel 1']")
    page.wait_for_selector("text=Done, round 1.")
    assert wait_sent(page, "apply")[0].get("token") == "t1"
    page.click(".bw-dialog >> text=Roll back…")
    page.click("text=Roll back round 1")
    page.wait_for_selector("text=Round 1 was rolled back.")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


def test_a_plan_with_problems_cannot_be_applied(open_page: Open) -> None:
    page = ready(open_page)
    page.evaluate("kernel.problems = [{path: 'a/1.jpg', reason: 'changed since it was looked at'}]")
    cell(page, 0).click()
    page.keyboard.press("Delete")
    page.wait_for_function("kernel.state().can.apply")
    page.click("text=Apply…")
    page.wait_for_selector("text=changed since it was looked at")
    assert page.locator(".bw-main-button").is_disabled()


def test_retrain_shows_curve_stop_and_result(open_page: Open) -> None:
    page = ready(open_page)
    page.click(".bw-toolbar >> text=Retrain >> visible=true")
    page.wait_for_selector("text=step 1 of 60 · 12 s left")
    assert page.locator(".bw-curve-loss").get_attribute("points")
    page.click("text=Stop")
    page.wait_for_selector("text=Stopping at the next batch")
    page.evaluate("""kernel.setJob({state: 'done', before: {error_rate: .094, n: 96},
        after: {error_rate: .083, error_rate_corrected: .052, n: 96}})""")
    text = page.locator(".bw-job-result").inner_text()
    assert "9.4 % → 8.3 %" in text
    assert "5.2 %" in text
    assert "96 held-out items" in text
    page.click('[aria-label="Close the training report"]')
    assert not page.locator(".bw-job").is_visible()


# ---------------------------------------------------------------------------------------------- queues


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_queue_is_chosen_by_keyboard(open_page: Open) -> None:
    page = ready(open_page, "queues")
    assert page.locator('.bw-queues [tabindex="0"]').count() == 1
    chips = page.locator(".bw-queues button").all_inner_texts()
    assert [each.split("\n")[0] for each in chips[:3]] == [
        "All items",
        "Contradictory copies",
        "Identical copies",
    ]
    assert page.locator(".bw-queues").inner_text().endswith("+ 2 empty")
    cell(page, 0).focus()
    press(page, "q", "End", "ArrowLeft", "Enter")
    page.wait_for_selector("text=6 of 480 items")
    assert sent(page, "view")[-1] | {"id": 0} == {
        "kind": "request",
        "id": 0,
        "op": "view",
        "filter": {"label": None, "predicted": None, "split": None, "decision": None, "text": ""},
        "sort": "queue",
        "descending": True,
        "queue": "blurred",
    }
    page.wait_for_function("document.activeElement.dataset.index === '0'")
    press(page, "Delete")
    page.wait_for_selector(".bw-queues >> text=5 of 6")
    page.select_option('[aria-label="Decision"]', "undecided")
    page.wait_for_selector("text=5 of 480 items")
    page.click(".bw-queues >> text=All items")
    page.wait_for_function("kernel.state().view.queue === null")
    assert page.input_value('[aria-label="Sort by"]') == "label_issue"


def test_copies_stand_side_by_side(open_page: Open) -> None:
    page = ready(open_page, "queues", width=640)
    page.click(".bw-queues >> text=Near-duplicates")
    page.wait_for_selector("text=25 of 480 items")
    page.wait_for_selector('.bw-cell[data-group="first"]')
    assert columns(page) == 3
    sides = page.locator(".bw-cell").evaluate_all(
        "all => all.slice(0, 5).map(each => `${each.dataset.group} ${each.ariaColIndex}`)"
    )
    assert sides == ["first 1", "last 2", "first 1", "middle 2", "last 3"], (
        "no group that fits a row is broken"
    )
    assert "keeper" in cell(page, 0).locator(".bw-group-mark").inner_text()
    assert "the proposed keeper" in (cell(page, 0).get_attribute("aria-label") or "")
    assert page.locator(".bw-contradicts").count() == 0
    page.click(".bw-queues >> text=Contradictory")
    page.wait_for_selector(".bw-contradicts")
    assert page.locator(".bw-contradicts").count() == 2


def test_one_key_settles_a_group(open_page: Open) -> None:
    page = ready(open_page, "queues")
    press(page, "Tab")
    page.click(".bw-queues >> text=Near-duplicates")
    page.wait_for_selector('.bw-cell[data-group="first"]')
    page.evaluate("kernel.holding = ['settle']")
    press(page, "g")
    assert [decision(page, i) for i in range(3)] == ["keep", "delete", ""], "shown before Python has answered"
    assert active(page) == 2, "the next group"
    page.evaluate("kernel.release()")
    page.wait_for_function("kernel.state().marked === 2")
    press(page, "ArrowRight", "Shift+G")
    page.wait_for_function("kernel.state().marked === 5")
    assert [decision(page, i) for i in range(2, 5)] == ["delete", "keep", "delete"]
    assert [(m["ranges"], m["keepers"]) for m in sent(page, "settle")] == [
        ([[0, 1]], True),
        ([[3, 4]], False),
    ]
    page.wait_for_selector(".bw-queues >> text=20 of 25")
    press(page, "Control+z")
    page.wait_for_function("kernel.state().marked === 2")
    cell(page, 2).locator(".bw-keep-one").click()
    page.wait_for_function("kernel.state().marked === 5")
    assert sent(page, "settle")[-1]["ranges"] == [[2, 3]]


def test_why_and_settling_in_the_zoom(open_page: Open) -> None:
    page = ready(open_page, "queues")
    page.click(".bw-queues >> text=Contradictory")
    page.wait_for_selector(".bw-contradicts")
    press(page, "ArrowRight", " ")
    page.wait_for_selector('.bw-zoom[data-full="true"]')
    assert "one of the labels is wrong" in page.locator(".bw-why").inner_text()
    press(page, "Shift+G")
    page.wait_for_function("kernel.state().marked === 2")
    assert sent(page, "settle")[0]["keepers"] is False
    page.wait_for_selector(".bw-zoom .bw-verdict >> text=keep")


def test_the_line_below_says_why_the_active_item_is_shown(open_page: Open) -> None:
    page = ready(open_page, "queues")
    said = page.locator(".bw-reason")
    page.click(".bw-queues >> text=Contradictory")
    page.wait_for_selector(".bw-contradicts")
    page.wait_for_function(
        "document.querySelector('.bw-reason').innerText.includes('one of the labels is wrong')"
    )
    first = said.inner_text()
    press(page, "ArrowRight")
    page.wait_for_function("first => document.querySelector('.bw-reason').innerText !== first", arg=first)
    assert "one of the labels is wrong" in said.inner_text()
    assert said.get_attribute("title").splitlines()[0] in said.inner_text()


def test_looks_and_the_hint_to_stop(open_page: Open) -> None:
    page = ready(open_page, "queues")
    assert not page.locator(".bw-looks").is_visible()
    page.evaluate("""() => {
        kernel.looked = {recent: 25, recent_changed: 6, left: 380, errors: 14.2, low: 6, high: 31, hint: ''};
        kernel.push({event: 'state', state: kernel.state()});
    }""")
    assert "6 of the last 25 decisions" in page.locator(".bw-looks").inner_text()
    assert page.locator(".bw-stop").inner_text() == ""
    page.evaluate("""() => {
        kernel.looked = {...kernel.looked, hint: 'Looking on hardly pays: 0 of the last 25 changed something.'};
        kernel.push({event: 'state', state: kernel.state()});
    }""")
    assert page.locator(".bw-looks [role=status]").inner_text().startswith("Looking on hardly pays")


# ---------------------------------------------------------------------------------------------- kernel


def test_slow_kernel_is_told_quietly(open_page: Open) -> None:
    page = open_page("cleaner.html?hold=hello")
    page.wait_for_selector("text=kernel busy…")
    page.evaluate("kernel.release()")
    page.wait_for_selector(".bw-cell img")
    page.wait_for_selector(".bw-busy:empty", state="attached")


def test_dead_kernel_is_told_and_retry_works(open_page: Open) -> None:
    page = open_page("cleaner.html?dead")
    page.wait_for_selector("text=The kernel does not answer.", timeout=15_000)
    assert "journal.jsonl" in page.locator(".bw-banner").inner_text()
    page.evaluate("kernel.dead = false")
    page.click("text=Retry")
    page.wait_for_selector(".bw-cell img")


def test_closing_ends_everything(open_page: Open) -> None:
    page = ready(open_page)
    page.evaluate("""window.revoked = 0; const old = URL.revokeObjectURL;
        URL.revokeObjectURL = url => { revoked += 1; old.call(URL, url); }""")
    page.evaluate("controller.abort()")
    assert page.locator(".bw-root").count() == 0
    assert page.evaluate("kernel.listenerCount()") == 0
    assert page.evaluate("revoked") > 10
    page.evaluate("cleanup()")


# ---------------------------------------------------------------------------------------------- looks


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(open_page: Open, theme: str) -> None:
    page = ready(open_page, f"queues&theme={theme}", scheme="dark" if theme == "light" else "light")
    page.click(".bw-queues >> text=Contradictory")
    page.wait_for_selector(".bw-contradicts")
    assert page.evaluate("import('./contrast.js').then(module => module.poorTexts())") == []
    page.click(".bw-queues >> text=Near-duplicates")
    page.wait_for_selector("text=25 of 480 items")
    for key in ["Delete", "u", "k", "2"]:
        page.keyboard.press(key)
    assert page.locator(".bw-root.bw-dark").count() == (theme == "dark")
    poor = page.evaluate("import('./contrast.js').then(module => module.poorTexts())")
    assert poor == []


@pytest.mark.parametrize("width", [480, 1000, 1800])
def test_nothing_sticks_out(open_page: Open, width: int) -> None:
    page = ready(open_page, "queues", width=width)
    wide = page.evaluate(
        """[...document.querySelectorAll('.bw-toolbar *, .bw-footer, .bw-grid, .bw-footer > *')].filter(e => {
        const box = e.getBoundingClientRect(), root = document.querySelector('.bw-root').getBoundingClientRect();
        return box.width && (box.left < root.left - 1 || box.right > root.right + 1);
    }).map(e => e.outerHTML.slice(0, 100))"""
    )
    assert wide == []
    assert page.locator(".bw-grid").bounding_box()["height"] > 300
