"""What makes training quick on a processor; nothing here changes a result beyond rounding."""

from __future__ import annotations

import contextlib
import ctypes
import platform
import threading
from types import MethodType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Generator

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4  # mallopt(3)
_lock = threading.Lock()
_users = 0


@contextlib.contextmanager
def fast_training(model: nn.Module, device: torch.device) -> Generator[None]:
    """Train quicker on a CPU: see `keep_memory` and `depthwise_in_float32`. Does nothing on other devices."""
    if device.type != "cpu":
        yield
        return
    with keep_memory(), depthwise_in_float32(model):
        yield


@contextlib.contextmanager
def depthwise_in_float32(model: nn.Module) -> Generator[None]:
    """Leave depthwise convolutions out of the mixed precision.

    Their backward pass in bfloat16 falls back to a slow kernel on x86 (oneDNN): three times the time of the same in
    float32, while all other layers are quicker in bfloat16.
    """
    changed = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1 and "forward" not in vars(module):
            # bound to the module, so that a copy made meanwhile (to evaluate with) uses its own weights
            module.forward = MethodType(_outside_autocast, module)
            changed.append(module)
    try:
        yield
    finally:
        for module in changed:
            del module.forward


def _outside_autocast(module: nn.Module, images: torch.Tensor) -> torch.Tensor:
    forward = type(module).forward
    if not torch.is_autocast_enabled("cpu"):
        return forward(module, images)
    with torch.autocast("cpu", enabled=False):
        return forward(module, images.float())


@contextlib.contextmanager
def keep_memory() -> Generator[None]:
    """Keep freed memory in the process for a while instead of handing it back to the system after every layer.

    A step of a convolutional network allocates and frees gigabytes in large blocks, which glibc takes from the system
    and gives back each time; writing to fresh pages costs as much as the arithmetic. Other C libraries are let be.
    """
    global _users  # noqa: PLW0603 - the allocator is one for the whole process
    library = _glibc()
    if library is None:
        yield
        return
    with _lock:
        _users += 1
        if _users == 1:
            library.mallopt(_MMAP_MAX, 0)
            library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if (
                not _users
            ):  # near to where glibc's own adjustment ends up; its start values are not to be had back
                library.mallopt(_MMAP_MAX, 65536)
                library.mallopt(_MMAP_THRESHOLD, 2**25)
                library.mallopt(_TRIM_THRESHOLD, 2**26)
                library.malloc_trim(0)


def _glibc() -> Any:
    if platform.libc_ver()[0] != "glibc":
        return None
    try:
        library = ctypes.CDLL("libc.so.6")
        library.mallopt, library.malloc_trim  # noqa: B018 - they raise where they are not there
    except (OSError, AttributeError):
        return None
    return library
