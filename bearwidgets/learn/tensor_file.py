"""Files of tensors with a JSON text and a checksum over both, as safetensors; nothing in them is ever executed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import torch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHECKSUM = "checksum"  # its name in the header, where files of older versions have none


def fingerprint(tensors: Mapping[str, torch.Tensor], text: str = "") -> str:
    """Hex hash of tensors under their names, after a text: of equal ones in the same order it is equal."""
    digest = hashlib.blake2b(text.encode(), digest_size=12)
    for name, tensor in tensors.items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def packed(
    tensors: Mapping[str, torch.Tensor], key: str, text: str
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and header as `safetensors.torch.save` takes them, with the text under `key`."""
    plain = {
        name: tensors[name].detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name in sorted(tensors)
    }
    return plain, {key: text, CHECKSUM: fingerprint(plain, text)}


def read(path: Path, key: str) -> tuple[Any, dict[str, torch.Tensor]]:
    """The JSON value under `key` (None where there is none) and the tensors of a file.

    Raises:
        ValueError: it is no such file, or damaged; the message is the reason.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            header = file.metadata() or {}
            # Copies: the others are the mapped file, which Windows lets nobody replace while they are there.
            tensors = {name: file.get_tensor(name).clone() for name in sorted(file.keys())}
        text = header.get(key, "null")
        value = json.loads(text)
    except (safetensors.SafetensorError, ValueError, OSError, RecursionError) as error:
        raise ValueError(reason(error)) from error
    if CHECKSUM in header and header[CHECKSUM] != fingerprint(tensors, text):
        raise ValueError("its checksum is that of other contents")
    return value, tensors


def reason(error: Exception) -> str:
    """What went wrong, in one line."""
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return words.splitlines()[0][:160].rstrip(".")
