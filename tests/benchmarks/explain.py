"""Exact class maps of 500 images beside Grad-CAM of `grad-cam` on the same network, images and threads.

    python tests/benchmarks/explain.py [--n 500] [--runs 3]

The images are the 480 bears at 224 px, the first of them twice where more are asked for; the network is the offline
EfficientNet-Lite0 after `fine_tune` in the quick mode. Every arm begins at the files: decode, resize, network, maps.
Ours gives the maps of all classes, Grad-CAM those of one class an image, in batches of 8 with the threads that torch
takes. "Features" is the same way through files and network that a training in the quick mode goes, nothing cached;
what ours takes beyond it is the price of the maps. grad-cam (`pip install grad-cam`) is left out where it is not
installed. Below the arms: what else was tried to be faster, each on the pixels alone, decoded before.
"""

from __future__ import annotations

import copy
import itertools
import time
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from common import bears_copy, parser, print_table

import bearwidgets as bw
from bearwidgets.learn.explain import attribution
from bearwidgets.learn.explain.explainer import Explainer
from bearwidgets.learn.head.features import FeatureStore, on_all_cores, small_batches

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CPU = torch.device("cpu")


def ours(learn: Any, files: list[Path]) -> list[np.ndarray]:
    """Exact maps of all classes."""
    return [found.maps for found in Explainer(learn).explain_many(files)]


def features(learn: Any, files: list[Path]) -> list[np.ndarray]:
    """The way of the quick mode, nothing cached."""
    store = FeatureStore(learn.module.body, learn.preprocessing, keep=False)
    names = [str(number) for number in range(len(files))]
    for _ in store.compute(names, files):
        pass
    return list(store.array(names))


def grad_cam(learn: Any, files: list[Path]) -> list[np.ndarray]:
    """Grad-CAM of the predicted class, as the package is used: on the plain module, in batches."""
    from pytorch_grad_cam import GradCAM

    module = copy.deepcopy(learn.module).eval()
    found: list[np.ndarray] = []
    with GradCAM(model=module, target_layers=[module.body.bn2]) as cam:
        for batch in small_batches(files, learn.preprocessing, torch.float32):
            images = learn.preprocessing.normalize(batch.pixels, CPU)
            found += list(cam(input_tensor=images, targets=None))
    return found


def decoding(learn: Any, files: list[Path]) -> list[np.ndarray]:
    """Files to pixels, without a network."""
    batches = small_batches(files, learn.preprocessing, torch.float32)
    return list(itertools.chain.from_iterable(batch.pixels for batch in batches))


def timed(work: Callable[[], Any]) -> float:
    """Seconds of some work."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def ways(learn: Any, pixels: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Other ways from pixels to maps."""
    network = Explainer(learn).network
    weight = learn.module.head.weight.detach()
    batches = [pixels[start : start + 4] for start in range(0, len(pixels), 4)]

    def over(size: int = 0, dtype: torch.dtype = torch.float32, body: Any = None) -> Callable[[], Any]:
        used = network.body if body is None else body

        def work(batch: np.ndarray) -> Any:
            images = network.input_of(batch).to(dtype)
            if size:
                images = torch.nn.functional.interpolate(images, (size, size), mode="area")
            if body is None and dtype == torch.float32:
                return attribution.class_map(network, images, weight)[0]
            with torch.inference_mode():
                return used(images)

        return lambda: list(on_all_cores(work, iter(batches), CPU))

    seen = [network.see(network.input_of(batch)).maps.half().numpy() for batch in batches]
    half = copy.deepcopy(network.body).to(torch.bfloat16)
    scripted = torch.jit.freeze(
        torch.jit.trace(copy.deepcopy(network.body), torch.zeros(4, 3, 224, 224), check_trace=False)
    )
    return {
        "maps, float32, 4 images a batch and a core (what is used)": over(),
        "network alone, bfloat16": over(dtype=torch.bfloat16, body=half),
        "network alone, traced and frozen": over(body=torch.jit.optimize_for_inference(scripted)),
        "maps at 160 px": over(160),
        "maps at 128 px": over(128),
        f"product alone, of maps kept as float16 ({sum(each.nbytes for each in seen) >> 20} MB)": lambda: [
            np.einsum("nchw,kc->nkhw", each.astype(np.float32), weight.numpy()) for each in seen
        ],
    }


def main() -> None:
    """Alternate the arms, print each run's medians."""
    options = parser(__doc__, n=500, runs=3).parse_args()
    ds = bw.Dataset.from_folder(bears_copy())
    learn = bw.Learner(ds).fine_tune(4, progress=False)
    files = list(itertools.islice(itertools.cycle([ds.path_of(each) for each in ds.table.id]), options.n))
    arms: dict[str, Callable[[], Any]] = {
        "ours, all classes": lambda: ours(learn, files),
        "features of the quick mode": lambda: features(learn, files),
        "decoding alone": lambda: decoding(learn, files),
    }
    try:
        import pytorch_grad_cam  # noqa: F401 - is it there?

        arms["grad-cam, one class"] = lambda: grad_cam(learn, files)
    except ModuleNotFoundError:
        pass
    times: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(options.runs):
        for name, work in arms.items():
            times[name].append(timed(work))
    rows = [
        [name, *(f"{each:.2f}" for each in some), f"{1000 * median(some) / options.n:.1f}"]
        for name, some in times.items()
    ]
    title = f"Maps of {options.n} images, {torch.get_num_threads()} threads"
    print_table(
        title, ["what", *(f"run {number + 1}, s" for number in range(options.runs)), "ms an image"], rows
    )
    pixels = np.stack(decoding(learn, files))
    tried = [
        [name, f"{median(timed(work) for _ in range(options.runs)):.2f}"]
        for name, work in ways(learn, pixels).items()
    ]
    print_table("From pixels in memory, median", ["way", "s"], tried)


if __name__ == "__main__":
    main()
