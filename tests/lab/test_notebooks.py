"""The notebooks' main paths and the Cleaner in a real JupyterLab."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from monkey import act_at_random

if TYPE_CHECKING:
    from labserver import Lab

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("fresh_data")]

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CONTRAST = Path(__file__).parents[1] / "browser" / "contrast.js"
POOR_TEXTS = f"() => {{ {CONTRAST.read_text('utf-8').replace('export ', '')} return poorTexts(); }}"
READY = ".bw-root[data-ready='true']"
SMALL = """
import bearwidgets as bw
ds = bw.Dataset.from_folder(bw.sample_bears("small", n=60, faults=0.1))
learn = bw.Learner(ds, size=96).fine_tune(1, progress=False)
cleaner = bw.Cleaner(learn, height=420)
cleaner
"""


def open_cleaner(lab: Lab, *more: str) -> None:
    """A notebook with a Cleaner over sixty bears, its first tiles painted, the first one focused."""
    lab.open([SMALL, *more])
    lab.run_cell(0)
    lab.page.wait_for_selector(READY)
    lab.page.wait_for_selector(".bw-cell img[src^='data:image/jpeg']")
    lab.page.locator(".bw-grid .bw-cell").first.click()


def says(lab: Lab, pattern: str) -> None:
    """Wait until the text of the first view matches; JupyterLab takes cells that are far away out of the page."""
    lab.page.wait_for_function(
        "pattern => new RegExp(pattern, 'i').test(document.querySelector('.bw-root')?.textContent ?? '')",
        arg=pattern,
    )


def has_marked(lab: Lab, least: int, most: int | None = None) -> None:
    """Wait until the first view knows of that many decisions."""
    lab.page.wait_for_function(
        """([least, most]) => {
            const marked = Number(document.querySelector('.bw-root')?.dataset.marked ?? -1);
            return least <= marked && marked <= most;
        }""",
        arg=[least, least if most is None else most],
    )


@pytest.fixture
def fresh_data(lab_server: object) -> None:
    """No decisions from another test."""
    shutil.rmtree(lab_server.root / "small" / ".bearwidgets", ignore_errors=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("notebook", "images", "most"),
    [
        ("01_clean_your_bears", [], 220_000),  # a sheet, and the copy of the Cleaner
        ("02_train_step_by_step", ["jpeg", "jpeg", "png", "png"], 400_000),  # two sheets, two curves
        ("03_inspect_your_mistakes", [], 700_000),  # copies of six views
        ("04_training_loop", ["png"], 150_000),
    ],
)
def test_a_notebook_runs_to_its_end(lab: Lab, notebook: str, images: list[str], most: int) -> None:
    lab.open(NOTEBOOKS / f"{notebook}.ipynb", name=f"{notebook}.ipynb")
    lab.run_all()
    if not images:
        lab.page.wait_for_selector(READY, state="attached")
    saved = lab.save()
    outputs = [output for cell in saved["cells"] for output in cell.get("outputs", [])]
    assert not [each for each in outputs if each["output_type"] == "error"]
    kinds = [kind for each in outputs for kind in each.get("data", {}) if kind.startswith("image/")]
    assert kinds == [f"image/{kind}" for kind in images]
    assert len(json.dumps(saved)) < most


def test_keys_decide_and_leave_the_notebook_alone(lab: Lab) -> None:
    open_cleaner(lab, "print(cleaner.decisions.action.tolist())", "print('still here')")
    cells = lab.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.model.cells.length")
    for key in ("d", "d", "a", "b", "Delete", "k", "u", "2", "Enter"):
        lab.page.keyboard.press(key)
    has_marked(lab, 3, 9)
    assert cells == lab.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.context.model.cells.length"
    )
    lab.page.keyboard.press("Control+s")
    lab.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    lab.run_cell(1)
    actions = lab.text_of(1)
    assert "delete" in actions
    assert "unsure" in actions
    lab.page.locator(".bw-grid .bw-cell").first.click()
    for _ in range(8):
        lab.page.keyboard.press("Control+z")
    has_marked(lab, 0)


def test_whatever_is_pressed_in_the_view_the_notebook_stays(lab: Lab) -> None:
    open_cleaner(lab, "1 + 1", "2 + 2")
    assert act_at_random(lab.page, 150, seed=1) == ""


def test_decisions_outlive_the_kernel(lab: Lab) -> None:
    open_cleaner(lab)
    lab.page.keyboard.press("Delete")
    has_marked(lab, 1)
    lab.page.evaluate(
        "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart(); }"
    )
    lab.run_cell(0)
    lab.page.wait_for_selector(READY)
    has_marked(lab, 1)


def test_a_notebook_that_is_opened_again_shows_what_was_there(lab: Lab) -> None:
    open_cleaner(lab)
    lab.page.wait_for_selector("[class^='bw-copy-']", state="attached")
    assert not lab.page.is_visible("[class^='bw-copy-']"), "the view itself is there"
    lab.save()
    lab.page.evaluate(
        "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.shutdown(); }"
    )
    lab.goto("test.ipynb")
    lab.page.wait_for_selector("[class^='bw-copy-'] img[src^='data:image/jpeg']")
    assert "small: the first " in lab.page.inner_text("[class^='bw-copy-']")
    error = lab.page.get_by_text("Error displaying widget")
    error.wait_for(state="attached")
    assert not error.is_visible()
    lab.complaints.clear()  # JupyterLab says in the console that there is no such widget


def test_python_and_the_grid_are_one(lab: Lab) -> None:
    open_cleaner(lab, "cleaner.mark(cleaner.review.suspects(3).index, 'unsure')", "cleaner.undo()")
    lab.run_cell(1)
    has_marked(lab, 3)
    lab.run_cell(2)
    has_marked(lab, 0)


def test_retrain_by_button_shows_its_measure(lab: Lab) -> None:
    open_cleaner(lab, "print(cleaner.effect)")
    lab.page.keyboard.press("Enter")
    has_marked(lab, 1)
    lab.page.get_by_role("button", name="Retrain").first.click()
    says(lab, "corrected")
    lab.run_cell(1)
    assert "evaluation split as they were" in lab.text_of(1)


def test_a_cell_of_the_matrix_opens_its_images(lab: Lab) -> None:
    lab.open(
        [
            SMALL,
            "matrix = bw.ConfusionMatrix(cleaner.review, split='all'); matrix",
            "print(len(matrix.cleaner._session.board.order))",
        ]
    )
    lab.run_cell(0)
    lab.run_cell(1)
    first = lab.page.locator(".bw-confusion .bw-sr tbody td").first
    first.wait_for(state="attached")
    count = int(first.text_content() or "")
    lab.page.locator(".bw-matrix-canvas").focus()
    lab.page.keyboard.press("Enter")
    lab.page.wait_for_function(
        """count => [...document.querySelectorAll('.bw-root')]
                      .some(root => root.textContent.includes(`${count} of `))""",
        arg=count,
    )
    lab.run_cell(2)
    assert int(lab.text_of(2)) == count


def test_keys_change_the_class_of_a_map_and_a_check_says_whether_to_believe_it(lab: Lab) -> None:
    lab.open(
        [
            SMALL,
            "explain = bw.Explain(learn); explain",
            "print(explain.explain(explain.ids[0]).map('teddy').sum())",
        ]
    )
    lab.run_cell(0)
    lab.run_cell(1)
    view = lab.page.locator(".bw-explain[data-ready='true']")
    view.locator(".bw-class-map").wait_for()
    view.locator("[role='option']", has_text="teddy").click()
    told = view.locator(".bw-map-sum").inner_text()
    view.locator(".bw-explain-stage").click()
    lab.page.keyboard.press("d")
    lab.page.wait_for_function("document.querySelector('.bw-map-sum').textContent.includes('difference')")
    lab.page.keyboard.press("d")
    view.get_by_role("button", name="Check this map").click()
    view.locator(".bw-check-lines").wait_for(timeout=60_000)
    assert (
        "map" in view.locator(".bw-verdict").inner_text()
        or "says nothing" in view.locator(".bw-verdict").inner_text()
    )
    lab.run_cell(2)
    assert f"Sum of the map {float(lab.text_of(2)):.2f} ".replace("-", "−") in told


def test_a_box_on_the_map_shows_its_images(lab: Lab) -> None:
    lab.open(
        [
            SMALL,
            "image_map = bw.ImageMap(cleaner.review); image_map",
            "print(len(image_map.selected), len(image_map.cleaner._session.board.order))",
        ]
    )
    lab.run_cell(0)
    lab.run_cell(1)
    lab.page.wait_for_selector(".bw-map[data-settled='2']", timeout=60_000)
    lab.page.get_by_role("button", name="Box").click()
    stage = lab.page.locator(".bw-map-stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box
    lab.page.mouse.move(box["x"] + 5, box["y"] + 5)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 5, steps=5)
    lab.page.mouse.up()
    words = lab.page.locator(".bw-map-words >> text=selected").inner_text()
    lab.run_cell(2)
    count, shown = lab.text_of(2).split()
    assert count == shown == words.split("· ")[1].split()[0]
    assert int(count) > 0


def test_both_themes_are_readable(lab: Lab) -> None:
    open_cleaner(lab)
    assert lab.page.evaluate(POOR_TEXTS) == []
    color = "getComputedStyle(document.querySelector('.bw-root')).color"
    light = lab.page.evaluate(color)
    lab.dark()
    lab.page.wait_for_function(f"light => {color} !== light", arg=light)
    assert lab.page.evaluate(POOR_TEXTS) == []


def test_an_error_in_the_kernel_is_a_sentence_in_the_view(lab: Lab) -> None:
    open_cleaner(lab, "import shutil; shutil.rmtree(ds.root / 'black')")
    lab.run_cell(1)
    lab.page.locator(".bw-grid .bw-cell").first.click()
    lab.page.get_by_label("Class", exact=False).first.select_option("black")
    lab.page.locator(".bw-grid .bw-cell").first.dblclick()
    says(lab, "cannot be read|no such file")
    shutil_free = "import shutil; shutil.rmtree('small')"
    lab.open([shutil_free], name="free.ipynb")
    lab.run_cell(0)
