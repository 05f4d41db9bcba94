"""Lightning Fabric for one device, or for several processes that cannot be reached from other machines."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.strategies import DDPStrategy
from timm.layers import convert_sync_batchnorm
from torch import nn

from bearwidgets.errors import BadInputError, TrainingError, check_whole, unknown_name
from bearwidgets.learn.network.model import fast_precision

if TYPE_CHECKING:
    from collections.abc import Generator

RENDEZVOUS = "BEARWIDGETS_RENDEZVOUS"  # names the folder through which the processes find each other
FIRST = "BEARWIDGETS_FIRST_PROCESS"  # its number; the others end with it
MOST = 8
PRECISIONS = ("auto", "bf16", "32")
GRACE = 10.0  # s that the other processes have to end once the first one has


def make_fabric(device: torch.device, precision: str, **processes: Any) -> Fabric:
    """Fabric for one device in the asked-for precision; `processes` for several (devices, strategy)."""
    if precision == "auto":
        precision = "bf16" if fast_precision(device) == torch.bfloat16 else "32"
    names: dict[str, Any] = {"bf16": "bf16-mixed", "32": "32-true"}
    with _no_chatter():
        return Fabric(accelerator=device.type, precision=names[precision], **(processes or {"devices": 1}))


@contextmanager
def _no_chatter() -> Generator[None]:
    """Fabric tells on a log that everybody sees which precision it uses; the recipe says it already."""
    chatter = logging.getLogger("lightning_fabric.utilities.rank_zero")
    level = chatter.level
    chatter.setLevel(logging.WARNING)
    try:
        yield
    finally:
        chatter.setLevel(level)


def reduce(fabric: Fabric, tensor: torch.Tensor, how: Literal["mean", "sum"] = "mean") -> torch.Tensor:
    """The mean or the sum of a tensor over all processes."""
    found = fabric.all_reduce(tensor, reduce_op=how)
    assert isinstance(found, torch.Tensor)  # noqa: S101 - what a tensor comes to
    return found


@contextmanager
def shared_batch_norms(model: nn.Module, fabric: Fabric) -> Generator[None]:
    """For the length of a block, normalize by the batches of all GPUs together, with torch's own layer for that.

    On a CPU, for which torch has no such layer, and with one process, nothing is done.
    """
    if fabric.world_size == 1 or fabric.device.type != "cuda":
        yield
        return
    norms = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d))
    ]
    convert_sync_batchnorm(model)
    try:
        yield
    finally:
        for parent, name, norm in norms:
            parent.add_module(name, norm)


class _FileRendezvous(DDPStrategy):
    """Processes that find each other through a file: torch's own store would listen on all network devices."""

    def setup_environment(self) -> None:
        folder, rank, world = Path(os.environ[RENDEZVOUS]), os.environ["LOCAL_RANK"], os.environ["WORLD_SIZE"]
        loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
        os.environ.update(GLOO_SOCKET_IFNAME=loopback, NCCL_SOCKET_IFNAME=loopback)
        store = torch.distributed.FileStore(str(folder / "store"), int(world))
        backend = "nccl" if torch.cuda.is_available() else "gloo"
        torch.distributed.init_process_group(backend, store=store, rank=int(rank), world_size=int(world))
        super().setup_environment()


def launch(devices: int, precision: str = "auto") -> Fabric:
    """Train in several processes: GPUs where there are any (NCCL), else processes on the CPU (gloo).

    Call it in a script, and give the result to the learner: `learn.fabric = launch(2)`. The script runs again from
    its start in each further process, so print only where `fabric.is_global_zero`. Each process trains on its share
    of every batch; the first one evaluates, logs and saves. Batch norms see the batches of all GPUs together; on a
    CPU each process normalizes by its own share. While they train, each process listens on ports of the loopback
    device, as gloo and NCCL do: other machines cannot reach them, other users of this machine could connect. The
    network has to use the same parameters at each step.

    Args:
        devices: how many, 1 to 8.
        precision: "auto", "bf16" or "32", as in `Recipe`.

    Returns:
        Fabric, connected.

    Raises:
        BadInputError: a number of devices that is not allowed, or that this machine does not have; more than one on
            Windows; no script that could run again, as in a notebook.

    Example:
        >>> fabric = launch(1)
        >>> fabric.world_size
        1
    """
    check_whole("devices", devices, 1, MOST)
    if precision not in PRECISIONS:
        raise BadInputError(unknown_name("precision", precision, PRECISIONS))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if devices == 1:
        return make_fabric(device, precision)
    if sys.platform == "win32":  # no NCCL, and gloo says "unsupported gloo device"
        raise BadInputError(
            f"devices is {devices}, but on Windows PyTorch's processes cannot talk to each other. Train in one, or "
            "in the Windows Subsystem for Linux."
        )
    if not hasattr(sys.modules["__main__"], "__file__"):
        raise BadInputError(
            "Several processes run the whole script again, which a notebook or a prompt cannot do. Put the training "
            "into a script, or run `bearwidgets train FOLDER --mode full --devices 2`."
        )
    if torch.distributed.is_initialized():
        raise BadInputError(f"launch({devices}) was called twice; call it once, and keep what it gives.")
    if device.type == "cuda" and devices > torch.cuda.device_count():
        raise BadInputError(
            f"devices is {devices}, but this machine has {torch.cuda.device_count()} GPUs; give at most that many, "
            "or set CUDA_VISIBLE_DEVICES='' to train on the CPU."
        )
    if RENDEZVOUS in os.environ:
        warnings.simplefilter("ignore")  # the first process has the same ones
        threading.Thread(target=_end_with, args=(int(os.environ[FIRST]),), daemon=True).start()
    else:
        os.environ[FIRST] = str(os.getpid())
        os.environ[RENDEZVOUS] = tempfile.mkdtemp(prefix="bearwidgets-")
    # The graph is the same at each step: a parameter that a network does not use is known from the first step on,
    # has no gradient and stays as it is, as with one process.
    strategy = _FileRendezvous(static_graph=True)
    fabric = make_fabric(
        device, precision, devices=devices, strategy=strategy, plugins=[LightningEnvironment()]
    )
    if "LOCAL_RANK" not in os.environ:
        atexit.register(_end, strategy)
    fabric.launch()
    return fabric


def _end_with(first: int) -> None:
    """End this process when the first one is gone, however that ended."""
    while os.getppid() == first:
        time.sleep(1)
    shutil.rmtree(os.environ[RENDEZVOUS], ignore_errors=True)
    os._exit(1)


def _end(strategy: DDPStrategy) -> None:
    """Leave no process and no folder behind, whatever ended the first process."""
    for process in getattr(strategy.launcher, "procs", []):
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
    shutil.rmtree(os.environ[RENDEZVOUS], ignore_errors=True)


def check_alike(fabric: Fabric, plan: dict[str, str]) -> None:
    """Refuse a training that is another one than that of the first process; the error says what differs."""
    first = fabric.broadcast(plan)
    others = [name for name, value in plan.items() if first.get(name) != value]
    if others:
        raise TrainingError(
            f"The processes of this training do not agree on: {', '.join(others)}. Were images added or removed "
            "while they were started? Start it again."
        )
