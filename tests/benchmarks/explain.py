"""Exact class maps of 500 images beside Grad-CAM of `grad-cam` on the same network, images and threads.

    python tests/benchmarks/explain.py [--n 500] [--peer 100] [--runs 3]

The images are the 480 bears at 224 px, the first of them twice where more are asked for; the network is the offline
EfficientNet-Lite0 after `fine_tune` in the quick mode. Every arm begins at the files: decode, resize, network, maps.
Ours gives the maps of all classes; Grad-CAM those of one class an image, of the first `--peer` images, in batches of
4 with the threads that torch takes. "Features" is the same way through files and network that a training in the
quick mode goes, nothing cached; what ours takes beyond it is the price of the maps. Where other programs use the
processor too, its own time ("cpu") says more than the clock. grad-cam (`pip install grad-cam`) is left out where it
is not installed. Below the arms: what else was tried to be faster, each on the pixels of 64 images, decoded before.
"""

from __future__ import annotations

import contextlib
import copy
import functools
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


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of some work by the clock, and of processor time."""
    began, used = time.monotonic(), time.process_time()
    work()
    return time.monotonic() - began, time.process_time() - used


def ways(learn: Any, pixels: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Other ways from pixels to maps."""
    network = Explainer(learn).network
    weight = learn.module.head.weight.detach()
    batches = [pixels[start : start + 4] for start in range(0, len(pixels), 4)]

    def over(
        size: int = 0, dtype: torch.dtype = torch.float32, body: Any = None, some: Any = batches
    ) -> Callable[[], Any]:
        used = network.body if body is None else body

        def work(batch: np.ndarray) -> Any:
            images = network.input_of(batch).to(dtype)
            if size:
                images = torch.nn.functional.interpolate(images, (size, size), mode="area")
            if body is None and dtype == torch.float32:
                return attribution.class_map(network, images, weight)[0]
            with torch.inference_mode():
                return used(images)

        return lambda: list(on_all_cores(work, iter(some), CPU))

    seen = [network.see(network.input_of(batch)).maps.half().numpy() for batch in batches]
    few = [pixels[:4], pixels[4:8]]
    half = copy.deepcopy(network.body).to(torch.bfloat16)
    scripted = torch.jit.freeze(
        torch.jit.trace(copy.deepcopy(network.body), torch.zeros(4, 3, 224, 224), check_trace=False)
    )
    return {
        "maps, float32, 4 images a batch and a core (what is used)": over(),
        "network alone, bfloat16, 8 images": over(dtype=torch.bfloat16, body=half, some=few),
        "network alone, traced and frozen": over(body=torch.jit.optimize_for_inference(scripted)),
        "maps at 160 px": over(160),
        "maps at 128 px": over(128),
        f"product alone, of maps kept as float16 ({sum(each.nbytes for each in seen) >> 20} MB)": lambda: [
            np.einsum("nchw,kc->nkhw", each.astype(np.float32), weight.numpy()) for each in seen
        ],
    }


def main() -> None:
    """Alternate the arms, print each run's medians."""
    options = parser(__doc__, n=500, peer=100, runs=3).parse_args()
    ds = bw.Dataset.from_folder(bears_copy())
    learn = bw.Learner(ds).fine_tune(4, progress=False)
    files = list(itertools.islice(itertools.cycle([ds.path_of(each) for each in ds.table.id]), options.n))
    arms: dict[str, tuple[Callable[..., Any], list[Path]]] = {
        "ours, all classes": (ours, files),
        "features of the quick mode": (features, files),
        "decoding alone": (decoding, files),
    }
    with contextlib.suppress(ModuleNotFoundError):
        import pytorch_grad_cam  # noqa: F401 - is it there?

        arms["grad-cam, one class"] = grad_cam, files[: options.peer]
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    for _ in range(options.runs):
        for name, (work, some) in arms.items():
            times[name].append(timed(functools.partial(work, learn, some)))
    rows = []
    for name, (_, some) in arms.items():
        wall, cpu = (median(each) / len(some) * 1000 for each in zip(*times[name], strict=True))
        clock = ", ".join(f"{each:.1f}" for each, _ in times[name])
        rows.append([name, len(some), clock, f"{wall:.1f}", f"{cpu:.1f}"])
    header = ["what", "images", "each run, s", "ms an image", "cpu ms an image"]
    print_table(f"Maps, {torch.get_num_threads()} threads", header, rows)
    pixels = np.stack(decoding(learn, files[:64]))
    tried = []
    for name, work in ways(learn, pixels).items():
        n = 8 if "8 images" in name else len(pixels)
        wall, cpu = (
            median(each) / n * 1000 for each in zip(*[timed(work) for _ in range(options.runs)], strict=True)
        )
        tried.append([name, f"{wall:.1f}", f"{cpu:.1f}"])
    print_table("From pixels in memory", ["way", "ms an image", "cpu ms an image"], tried)


if __name__ == "__main__":
    main()
