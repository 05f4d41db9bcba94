"""The monitor of trainings and the layers of a network in a real JupyterLab."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from labserver import Lab

pytestmark = pytest.mark.lab

LEARNER = """
import bearwidgets as bw
ds = bw.Dataset.from_folder(bw.sample_bears("watched", n=60))
learn = bw.Learner(ds, "test_resnet", weights=None, size=32)
"""


def test_trainings_in_a_cell_and_in_the_background_are_watched_and_stopped(lab: Lab) -> None:
    lab.open(
        [
            f"{LEARNER}monitor = bw.TrainMonitor(learn); monitor",
            "_ = learn.fit(2, 1e-3, batch_size=8, progress=False)",
            "monitor.fit(100_000, batch_size=8)",
            "print(len(learn.steps), learn.is_trained, monitor.rate)",
        ]
    )
    lab.run_cell(0)
    page = lab.page
    page.wait_for_selector(".bw-monitor[data-ready='true']")
    page.wait_for_selector("text=This learner has no history yet.")
    lab.run_cell(1)
    page.wait_for_selector(".bw-plot polyline", state="attached")
    page.wait_for_selector(".bw-plot strong:has-text('On the evaluation split')")
    lab.run_cell(2)
    page.wait_for_selector(".bw-monitor .bw-hint:has-text('one cycle')")
    page.click(".bw-monitor .bw-button:has-text('Stop')")
    page.wait_for_selector(".bw-monitor strong:has-text('Stopped')")
    page.click(".bw-monitor .bw-button:has-text('Find a rate')")
    page.wait_for_selector(".bw-plot-choice svg polyline", state="attached")
    page.click(".bw-suggested .bw-button:has-text('valley')")
    page.wait_for_selector(".bw-suggested [aria-pressed='true']")
    lab.run_cell(3)
    steps, trained, rate = lab.text_of(3).split()
    assert 12 < int(steps) < 100_000
    assert trained == "True"
    assert float(rate) > 0


def test_a_channel_opens_the_images_that_python_names(lab: Lab) -> None:
    lab.open(
        [
            f"{LEARNER}layers = bw.Layers(learn); layers",
            "print(layers.top(layers.table.name[1], 3).path.tolist())",
        ]
    )
    lab.run_cell(0)
    page = lab.page
    page.wait_for_selector(".bw-channel img[src^='data:image/jpeg']", timeout=180_000)
    page.wait_for_selector(".bw-layers .bw-button:has-text('Stop')", state="hidden", timeout=180_000)
    name = page.locator(".bw-layer option").nth(1).get_attribute("value")
    page.select_option(".bw-layer", name)
    page.wait_for_selector(f"[data-shown='{name} 0 patches']")
    page.locator(".bw-channel").nth(3).click()
    page.wait_for_selector(".bw-patches li")
    paths = page.locator(".bw-patches bdi").all_inner_texts()
    lab.run_cell(1)
    assert lab.text_of(1).strip() == str(paths)
    assert len(paths) == 9
