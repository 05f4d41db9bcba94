"""Maps by gradients and by covering: Grad-CAM, integrated gradients, occlusion, for one image and some classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from bearwidgets.learn.explain.feature_maps import channels_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bearwidgets.learn.explain.feature_maps import Network

STEPS = 32
"""Points between the baseline and the image at which integrated gradients are taken."""
PATCHES = 7
"""Patches to a side that occlusion covers one after the other."""
_BATCH = 8


def class_map(network: Network, images: torch.Tensor, weight: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The exact class maps of images whose features are the mean of maps, under a linear head.

    The logit of a class is the sum of its map and the bias of the head: mean and linear layer may change places.
    Source: Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016.

    Args:
        network: One with `is_mean`.
        images: Normalized (n, bands, h, w).
        weight: Of the head, (classes, channels).

    Returns:
        Maps (n, classes, rows, columns), float32, and logits (n, classes) of the same pass.
    """
    seen = network.see(images)
    with torch.inference_mode():
        maps = torch.einsum("nchw,kc->nkhw", seen.maps, weight) / (seen.maps.shape[2] * seen.maps.shape[3])
    return maps.cpu().numpy(), seen.logits.cpu().numpy()


def grad_cam(network: Network, image: torch.Tensor, classes: Sequence[int]) -> np.ndarray:
    """Grad-CAM (classes, rows, columns) of one normalized image (1, bands, h, w): signed, nothing is cut off.

    Each channel of the last maps counts by the mean gradient of the logit with respect to it. Where the features are
    the mean of the maps and the head is linear, this is the exact class map. Source: Selvaraju et al., "Grad-CAM",
    ICCV 2017; without its last step, which drops what speaks against the class.
    """
    logits, leaves = network.from_maps(image)
    found = []
    for cls in classes:
        gradients = torch.autograd.grad(logits[0, cls], [leaf for leaf, _ in leaves], retain_graph=True)
        cams = []
        for (leaf, last), gradient in zip(leaves, gradients, strict=True):
            maps, slopes = channels_first(leaf.detach(), last)[0], channels_first(gradient, last)[0]
            cams.append((slopes.mean((1, 2))[:, None, None] * maps).sum(0))
        found.append(torch.stack(cams).sum(0))
    return torch.stack(found).cpu().numpy()


def integrated_gradients(
    network: Network, image: torch.Tensor, classes: Sequence[int], steps: int = STEPS
) -> np.ndarray:
    """Integrated gradients (classes, h, w) of one normalized image (1, bands, h, w), summed over the bands.

    The way goes from an image of the mean color (0 after the normalization) to this one, at the points of
    Gauss–Legendre. A map sums to the logit of the image less that of the mean color, up to the error of the steps.
    Source: Sundararajan, Taly & Yan, "Axiomatic Attribution for Deep Networks", ICML 2017.
    """
    points, weights = np.polynomial.legendre.leggauss(steps)
    shares = torch.from_numpy(((points + 1) / 2).astype(np.float32)).to(image.device)
    parts = torch.from_numpy((weights / 2).astype(np.float32)).to(image.device)
    total = torch.zeros(len(classes), *image.shape[1:], device=image.device)
    for share, part in zip(shares.split(_BATCH), parts.split(_BATCH), strict=True):
        way = (share[:, None, None, None] * image).requires_grad_()
        with torch.enable_grad():
            logits = network.logits(way)
            for row, cls in enumerate(classes):
                (slopes,) = torch.autograd.grad(
                    logits[:, cls].sum(), way, retain_graph=row + 1 < len(classes)
                )
                total[row] += (part[:, None, None, None] * slopes).sum(0)
    return (total * image).sum(1).cpu().numpy()


def occlusion(network: Network, image: torch.Tensor, patches: int = PATCHES) -> np.ndarray:
    """How far each logit falls where a patch is covered by the mean color: (classes, rows, columns).

    Patches do not overlap; those at the right and the lower edge may be smaller. Source: Zeiler & Fergus,
    "Visualizing and Understanding Convolutional Networks", ECCV 2014.
    """
    side = -(-image.shape[-1] // patches)
    n = -(-image.shape[-1] // side)
    corners = [(row * side, column * side) for row in range(n) for column in range(n)]
    falls = []
    with torch.inference_mode():
        whole = network.logits(image)[0]
        for start in range(0, len(corners), _BATCH):
            some = corners[start : start + _BATCH]
            covered = image.repeat(len(some), 1, 1, 1)
            for each, (top, left) in zip(covered, some, strict=True):
                each[:, top : top + side, left : left + side] = 0
            falls.append(whole - network.logits(covered))
    return torch.cat(falls).T.reshape(-1, n, n).cpu().numpy()


def summed_in_cells(values: np.ndarray, cells: int) -> np.ndarray:
    """Values (classes, h, w) summed in `cells` × `cells` parts of about the same size."""
    for axis in (1, 2):
        edges = np.linspace(0, values.shape[axis], cells, endpoint=False).astype(int)
        values = np.add.reduceat(values, edges, axis=axis)
    return values
