"""Several processes for one training: started, watched and ended together; out of reach of other machines.

The process that asks for several becomes their keeper: it runs its own command again, once for each of them, and
waits until they are done. They find each other through a file in a temporary folder, and talk over the loopback
device alone. When one of them ends badly the keeper ends the others; without the keeper they end by themselves.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearwidgets.errors import BadInputError, TrainingError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from lightning_fabric import Fabric

TOGETHER = (
    "BEARWIDGETS_TOGETHER"  # names the folder through which the processes of one training find each other
)
MOST = 8
PRECISIONS = ("auto", "bf16", "32")
FAILED = 1
GRACE = 5.0  # s that a process has to end by itself
PATIENCE = 2.0  # s in which the process that failed first, or the keeper, says so
FOREVER = timedelta(days=365)  # one that waits is ended by the keeper, not by the clock


def launch(devices: int, precision: str = "auto", command: Sequence[str] | None = None) -> Fabric:
    """Train in several processes: GPUs where there are any (NCCL), else processes on the CPU (gloo).

    Call it first thing in a script, and give the result to the learner: `learn.fabric = launch(2)`. The whole script
    then runs in each of the processes. Only the first one prints, logs, evaluates and saves; the process that was
    started by hand never comes back from here, but ends when they have.

    Args:
        devices: how many, 1 to 8.
        precision: "auto", "bf16" or "32", as in `Recipe`.
        command: what to run again, if it is not the command of this process.

    Returns:
        Fabric, connected.

    Raises:
        BadInputError: a number of devices that is not allowed, or that this machine does not have; no command to
            run again, as in a notebook.
        SystemExit: in the process that was started by hand, with the exit code of the others.

    Example:
        >>> learn = bw.Learner(ds)  # doctest: +SKIP
        >>> learn.fabric = launch(2)  # doctest: +SKIP
        >>> learn.fine_tune(4, mode="full")  # doctest: +SKIP
    """
    if not isinstance(devices, int) or isinstance(devices, bool) or not 1 <= devices <= MOST:
        raise BadInputError(f"devices is {devices!r}; allowed is a whole number from 1 to {MOST}.")
    if precision not in PRECISIONS:
        raise BadInputError(unknown_name("precision", precision, PRECISIONS))
    if devices == 1:
        return _alone(precision)
    if TOGETHER in os.environ:
        return _join(Path(os.environ[TOGETHER]), devices, precision)
    if command is None:
        if not hasattr(sys.modules["__main__"], "__file__"):
            raise BadInputError(
                "Several processes run the whole script again, which a notebook or a prompt cannot do. Put the "
                "training into a script, or run `bearwidgets train FOLDER --mode full --devices 2`."
            )
        command = [sys.executable, *sys.orig_argv[1:]]
    raise SystemExit(_keep(devices, command))


def _alone(precision: str) -> Fabric:
    import torch

    from bearwidgets.learn.training.fabric import make_fabric

    return make_fabric(torch.device("cuda" if torch.cuda.is_available() else "cpu"), precision)


def speaks() -> bool:
    """Whether this process is to say what ended it; of several that end together only the first one is."""
    return TOGETHER not in os.environ or _claim(Path(os.environ[TOGETHER]))


def _claim(folder: Path) -> bool:
    try:
        (folder / "ended").touch(exist_ok=False)
    except OSError:  # another one did, or the keeper has cleared up already
        return False
    return True


def _keep(devices: int, command: Sequence[str]) -> int:
    """Start the processes, wait for them, and leave none behind; gives the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="bearwidgets-"))
    members: list[subprocess.Popen] = []
    try:
        for rank in range(devices):
            members.append(_start(rank, devices, command, folder))  # noqa: PERF401 - kept if one cannot be started
        return _watch(members, folder)
    finally:
        _claim(folder)  # those that are ended from here need not say so
        _end(members)
        shutil.rmtree(folder, ignore_errors=True)


def _start(rank: int, devices: int, command: Sequence[str], folder: Path) -> subprocess.Popen:
    environment = {**os.environ, TOGETHER: str(folder), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(devices)}
    environment.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # it warns that all parameters are used
    if rank:
        environment["PYTHONWARNINGS"] = "ignore"  # the first process has the same ones
    return subprocess.Popen(  # noqa: S603 - the command of this process
        command,
        stdin=subprocess.PIPE,  # closed by the system when the keeper is gone
        stdout=subprocess.DEVNULL if rank else None,
        env=environment,
        start_new_session=True,  # Ctrl-C reaches the keeper, which passes it on
    )


def _watch(members: Sequence[subprocess.Popen], folder: Path) -> int:
    """Wait until all are done, or until one has failed."""
    deadline = None
    while True:
        codes = [member.poll() for member in members]
        if all(code == 0 for code in codes):
            return 0
        failed = next(((rank, code) for rank, code in enumerate(codes) if code), None)
        if failed is not None:
            rank, code = failed
            if code < 0 and _claim(folder):
                print(  # noqa: T201 - nobody else can say it
                    f"bearwidgets: process {rank + 1} of {len(members)} was ended by the system with signal {-code}"
                    f"{' (out of memory?)' if code == -9 else ''}; the others were stopped.",
                    file=sys.stderr,
                )
            return max(code, FAILED)
        if (folder / "ended").exists():  # one has said that it failed, and may hang on its way out
            deadline = deadline or time.monotonic() + GRACE
            if time.monotonic() > deadline:
                return FAILED
        time.sleep(0.05)


def _end(members: Sequence[subprocess.Popen]) -> None:
    """End what still runs: ask, then wait a moment, then kill."""
    try:
        for member in members:
            member.terminate()
        deadline = time.monotonic() + GRACE
        for member in members:
            with contextlib.suppress(subprocess.TimeoutExpired):
                member.wait(max(0.0, deadline - time.monotonic()))
    finally:
        for member in members:
            member.kill()
            member.wait()


def _join(folder: Path, devices: int, precision: str) -> Fabric:
    """Connect this process with the others."""
    rank, world = int(os.environ["LOCAL_RANK"]), int(os.environ["WORLD_SIZE"])
    threading.Thread(target=_end_with_keeper, daemon=True).start()
    sys.excepthook = _Hook(sys.excepthook)

    import torch
    from lightning_fabric.plugins.environments import LightningEnvironment
    from lightning_fabric.strategies import DDPStrategy

    from bearwidgets.learn.training.fabric import make_fabric

    on_gpu, group = torch.cuda.is_available(), torch.distributed
    if on_gpu and devices > torch.cuda.device_count():
        raise BadInputError(
            f"devices is {devices}, but this machine has {torch.cuda.device_count()} GPUs; give at most that many, "
            "or set CUDA_VISIBLE_DEVICES='' to train on the CPU."
        )
    if devices != world or group.is_initialized():
        raise BadInputError(f"launch({devices}) was called twice; call it once, and keep what it gives.")
    signal.signal(signal.SIGTERM, _interrupt)
    atexit.register(signal.signal, signal.SIGTERM, signal.SIG_DFL)  # nothing is left to interrupt
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), "lo")
    os.environ.update(GLOO_SOCKET_IFNAME=loopback, NCCL_SOCKET_IFNAME=loopback)
    # A store in a file: torch's own, which Fabric would take, listens on all network devices.
    store = group.FileStore(str(folder / "store"), world)
    store.set_timeout(FOREVER)
    backend = "nccl" if on_gpu else "gloo"
    group.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=FOREVER)
    # As one process has it: a parameter that a network does not use, and so has no gradient, stays as it is.
    strategy = DDPStrategy(find_unused_parameters=True, timeout=FOREVER)
    several = {"devices": world, "strategy": strategy, "plugins": [LightningEnvironment()]}
    fabric = make_fabric(torch.device("cuda" if on_gpu else "cpu"), precision, **several)
    fabric.launch()
    return fabric


def _end_with_keeper() -> None:
    """End this process when the keeper is gone, however that ended: its end of the pipe is closed then."""
    with contextlib.suppress(OSError):
        os.read(0, 1)
    os._exit(FAILED)


def _interrupt(*_: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
    raise KeyboardInterrupt


class _Hook:
    """Shows what ended this process, unless another one failed before: then this is only an echo of that."""

    def __init__(self, show: Any) -> None:
        self._show = show

    def __call__(
        self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # A connection that broke is seen sooner than why it broke.
        deadline = time.monotonic() + PATIENCE
        ended = Path(os.environ[TOGETHER]) / "ended"
        while not ended.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        if speaks():
            self._show(kind, error, traceback)


def check_alike(fabric: Fabric, plan: dict[str, str]) -> None:
    """See to it that all processes are about to do the same training.

    Raises:
        TrainingError: this one is about to do another than the first one; the message says what differs.
    """
    first = fabric.broadcast(plan)
    others = [name for name, value in plan.items() if first.get(name) != value]
    if others:
        raise TrainingError(
            f"The processes of this training do not agree on: {', '.join(others)}. Were images added or removed "
            "while they were started? Start it again."
        )
