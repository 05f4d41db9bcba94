"""Pretrained weights from the caches of timm and torchvision, or from where those two download them.

Without a network, `huggingface_hub` tries for a minute and `torch.hub` for as long as the system lets it; so the host
is asked once, with a time limit, before either of them starts. What was downloaded is read as tensors only.
"""

from __future__ import annotations

import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from bearwidgets.errors import BadInputError
from bearwidgets.learn.network.libraries import timm
from bearwidgets.learn.network.weights import CHOICES, read_content, tensors_in

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 5.0
_HUB_FILES = ("model.safetensors", "pytorch_model.bin")


def timm_content(name: str) -> tuple[dict[str, Any], str]:
    """What timm's file of pretrained weights holds, for timm to sort out, and the tag of the weights."""
    config = timm.get_pretrained_cfg(name)
    if config is None or not config.has_weights:
        raise BadInputError(f"timm has no pretrained weights for {name!r}. Allowed: {CHOICES}.")
    if repository := config.hf_hub_id:
        files = (config.hf_hub_filename,) if config.hf_hub_filename else _HUB_FILES
        path = _have(name, lambda: _from_hub(repository, files))
    else:
        path = _have(name, lambda: _from_url(str(config.url), check_hash=False))
    return read_content(path), config.tag or "pretrained"


def torchvision_tensors(name: str) -> tuple[dict[str, torch.Tensor], str]:
    """Tensors of torchvision's default weights of a model, and the name of the weights."""
    from torchvision.models import get_model_weights

    weights = get_model_weights(name).DEFAULT  # ty: ignore[missing-attribute]
    path = _have(f"torchvision/{name}", lambda: _from_url(weights.url, check_hash=True))
    return tensors_in(read_content(path), path.name), weights.name


def _have(name: str, fetch: Callable[[], Path]) -> Path:
    try:
        return fetch()
    except Exception as error:  # each library and each network has errors of its own
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise BadInputError(
            f"No pretrained weights for {name!r} could be had: none are cached, and the download failed ({reason}). "
            f"Allowed: {CHOICES}."
        ) from error


def _from_hub(repository: str, files: tuple[str, ...]) -> Path:
    import huggingface_hub
    from huggingface_hub.utils import EntryNotFoundError, LocalEntryNotFoundError, get_session

    repository, _, tag = repository.partition("@")
    revision = tag or None
    for file in files:
        cached = huggingface_hub.try_to_load_from_cache(repository, file, revision=revision)
        if isinstance(cached, str):
            return Path(cached)
    host = huggingface_hub.constants.ENDPOINT
    _ask(host, lambda: get_session().head(host, timeout=SECONDS).status_code)
    for file in files:
        try:
            return Path(huggingface_hub.hf_hub_download(repository, file, revision=revision))
        except LocalEntryNotFoundError:  # no connection, though it is a kind of the other
            raise
        except EntryNotFoundError:
            continue
    raise FileNotFoundError(f"{repository} on {host} has no {' or '.join(files)}")


def _from_url(url: str, *, check_hash: bool) -> Path:
    """The file at `url`, in the cache of `torch.hub`; its name may hold the start of its hash."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / urllib.parse.urlsplit(url).path.rpartition("/")[2]
    if path.is_file():
        return path
    host = urllib.parse.urlunsplit((*urllib.parse.urlsplit(url)[:2], "/", "", ""))
    _ask(host, lambda: _status(host))
    path.parent.mkdir(parents=True, exist_ok=True)
    found = torch.hub.HASH_REGEX.search(path.name) if check_hash else None
    torch.hub.download_url_to_file(url, str(path), found.group(1) if found else None)
    return path


def _status(host: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(host, method="HEAD"), timeout=SECONDS) as answer:  # noqa: S310 - torch.hub's own URLs
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def _ask(host: str, status: Callable[[], int]) -> None:
    """Raise unless `host` answers, in time, with anything but a fault of its own.

    In a thread, because looking up a name has no time limit.
    """
    answers: list[int | Exception] = []

    def ask() -> None:
        try:
            answers.append(status())
        except Exception as error:  # noqa: BLE001 - raised below
            answers.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(SECONDS + 1)
    if not answers:
        raise TimeoutError(f"{host} did not answer within {SECONDS:g} s")
    if isinstance(answers[0], Exception):
        raise ConnectionError(f"{host}: {answers[0]}") from answers[0]
    if answers[0] >= 500:
        raise ConnectionError(f"{host} answers with the status {answers[0]}")
