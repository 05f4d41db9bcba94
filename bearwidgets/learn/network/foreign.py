"""Networks made elsewhere: any module that gives logits, taken as body and head."""

from __future__ import annotations

import copy

import torch
from torch import nn

from bearwidgets.errors import BadInputError
from bearwidgets.learn.network.bodies import noted
from bearwidgets.learn.network.model import Classifier, check_input
from bearwidgets.learn.network.network_heads import alike, noise, take_off_head


def split_module(module: nn.Module, n_classes: int, size: int, in_chans: int = 3) -> Classifier:
    """A classifier out of any network that takes images to logits (n, n_classes); the network itself stays as it is.

    Its last linear layer becomes the head, if an image of noise proves that nothing but this layer stands between
    features and logits. Else the whole is the body, and `splits` is False. What gives no such logits is refused.
    """
    if not isinstance(module, nn.Module):
        raise BadInputError(f"{type(module).__name__} is no network; allowed is a torch.nn.Module.")
    check_input(size, in_chans)
    module = getattr(module, "_orig_mod", module)  # what torch.compile was given
    try:
        body = copy.deepcopy(module.module if isinstance(module, nn.DataParallel) else module)
    except Exception as error:  # what a foreign module holds may refuse in any way
        raise BadInputError(
            f"The module cannot be copied ({error}); give one that copy.deepcopy takes."
        ) from error
    body = body.float().eval()
    device = next(body.parameters(), torch.zeros(1)).device
    images = noise(2, in_chans, size).to(device)
    # some give more than logits in training mode
    _logits(copy.deepcopy(body).train(), images, n_classes, 0)
    logits = _logits(body, images, n_classes, 0)
    head = take_off_head(body, images, n_classes)
    features = head.in_features if head is not None else n_classes
    body = noted(body, features, in_chans, size)
    network = Classifier(body, features, n_classes, nn.Identity() if head is None else head).eval()
    if not alike(_logits(network, images, n_classes, 1), logits):
        raise BadInputError(
            "The module gives other logits each time, even in evaluation mode; make it deterministic after .eval()."
        )
    return network


def _logits(module: nn.Module, images: torch.Tensor, n_classes: int, seed: int) -> torch.Tensor:
    """What the module gives for images, if these are logits; `seed` is for what is random inside it."""
    shape = tuple(images.shape)
    mode = "training" if module.training else "evaluation"
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.default_generator.manual_seed(seed)
            logits = module(images)
    except Exception as error:  # a foreign module raises what it likes
        raise BadInputError(
            f"The module cannot work on images of shape {shape} ({error}) in {mode} mode; give the size and the "
            "in_chans it was made for."
        ) from error
    if not isinstance(logits, torch.Tensor):
        raise BadInputError(
            f"The module gives a {type(logits).__name__} in {mode} mode; allowed is one tensor of logits "
            f"(n, {n_classes}). Switch its further outputs off (as `aux_logits=False` does), or put it into a module "
            "that returns the logits alone."
        )
    if logits.shape != (len(images), n_classes):
        raise BadInputError(
            f"The module gives a tensor of shape {tuple(logits.shape)} for {shape}; for {n_classes} classes it has "
            f"to be {(len(images), n_classes)}. Give its last layer as many outputs as there are classes."
        )
    if not torch.isfinite(logits).all():
        raise BadInputError(
            "The module gives numbers that are not finite for images of noise; check its weights."
        )
    if n_classes > 1 and (logits >= 0).all() and torch.allclose(logits.sum(1), torch.ones(1).to(logits)):
        raise BadInputError(
            "The module gives probabilities; logits are needed. Take the softmax at its end away: it is part of the "
            "loss."
        )
    return logits
