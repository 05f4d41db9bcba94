"""Attention rollout: how a transformer's attention carries the patches of an image to what its head reads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from torch import nn

_LEAST = 1e-6  # share of the strongest gradient from which on a token counts as read


class Rollout:
    """The attention of a transformer of patches, where it can be read.

    That is where each layer attends over the same tokens, which are a square of patches and a few more before them
    (class token, registers), as in ViT, DeiT, BEiT, EVA and DINO; not in windows, or over fewer and fewer tokens.

    Args:
        body: Normalized images (n, bands, h, w) → features (n, d).
        images: Some to try it on.

    Attributes:
        side: Patches to a side; 0 where the attention cannot be read.
    """

    def __init__(self, body: nn.Module, images: torch.Tensor) -> None:
        self._body, self.side = body, 0
        layers, read = self._watched(images)
        tokens = layers[0].shape[-1] if layers else 0
        if any(each.shape != (len(images), tokens, tokens) for each in layers) or read is None:
            return
        before = _tokens_before(body, tokens)
        side = math.isqrt(max(0, tokens - before))
        whole = bool(read[before:].all()) or not bool(read[before:].any())
        if side > 1 and before + side**2 == tokens and whole and bool(read.any()):
            self.side, self._before, self._read = side, before, read.float() / read.sum()

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Maps (n, side, side) of normalized images: the share of each patch in what the head reads, 0 to 1.

        Heads are averaged, and half of each layer's attention is the residual connection that passes it by; the
        layers are multiplied. What is left to 1 belongs to the tokens that are no patches. It is the row of the class
        token; of networks that average their patches, the mean of the rows of these. Source: Abnar & Zuidema,
        "Quantifying Attention Flow in Transformers", ACL 2020.
        """
        with torch.inference_mode(), _Attention() as attention:
            self._body(images)
        shares = self._read.expand(len(images), 1, -1)
        for each in reversed(attention.layers):
            shares = shares / 2 + shares @ each / 2
        return shares[:, 0, self._before :].reshape(-1, self.side, self.side)

    def _watched(self, images: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor | None]:
        """The attention of each layer, and which tokens (t,) the features are made of after the last one."""
        with torch.enable_grad(), _Attention(leaves=True) as attention:
            features = self._body(images)
        if not attention.layers or features.grad_fn is None:
            return [], None
        generator = torch.Generator().manual_seed(0)
        weights = torch.randn(features.shape, generator=generator).to(features)
        (slopes,) = torch.autograd.grad((features * weights).sum(), attention.last, allow_unused=True)
        if slopes is None:
            return [], None
        others = [axis for axis in range(slopes.ndim) if axis != attention.tokens_at]
        strength = slopes.abs().sum(others)
        return attention.layers, strength > _LEAST * strength.max()


def _tokens_before(body: nn.Module, tokens: int) -> int:
    """Tokens before the patches: as the network says, or what is left beside a square."""
    said = [getattr(each, "num_prefix_tokens", None) for each in body.modules()]
    return next((each for each in said if isinstance(each, int)), tokens - math.isqrt(tokens) ** 2)


class _Attention(TorchFunctionMode):
    """Notes the attention of each layer, averaged over its heads.

    PyTorch has two functions that attend without telling what to; the one can be asked, for the other it is computed.

    Args:
        leaves: What comes out takes gradients, and what made it does not.

    Attributes:
        layers: (n, tokens, tokens) of each layer, in order; of others another shape.
        last: What came out of the last one.
        tokens_at: Which axis of it are the tokens.
    """

    def __init__(self, *, leaves: bool = False) -> None:
        super().__init__()
        self._leaves = leaves
        self.layers: list[torch.Tensor] = []
        self.last = torch.empty(0)
        self.tokens_at = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is functional.scaled_dot_product_attention:
            layer = _weights(*args[:2], **{key: kwargs[key] for key in kwargs if key in _CHANGES})
            return self._note(func(*args, **kwargs), layer, -2)
        if func is functional.multi_head_attention_forward:
            out, layer = func(*args, **{**kwargs, "need_weights": True, "average_attn_weights": True})
            return self._note(out, layer, 0), None
        return func(*args, **kwargs)

    def _note(self, out: torch.Tensor, layer: torch.Tensor, tokens_at: int) -> torch.Tensor:
        self.layers.append(layer.detach())
        if self._leaves:
            out = out.detach().requires_grad_()
        self.last, self.tokens_at = out, tokens_at % out.ndim
        return out


_CHANGES = ("attn_mask", "is_causal", "scale")


def _weights(
    query: torch.Tensor,
    key: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    is_causal: bool = False,  # noqa: FBT001, FBT002 - as PyTorch names it
    scale: float | None = None,
) -> torch.Tensor:
    """Attention (n, tokens, tokens) of queries and keys (n, heads, tokens, d); empty where it is another kind."""
    if query.ndim != 4 or query.shape != key.shape or is_causal:
        return query.new_empty(0)
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if attn_mask is not None:
        scores = (
            scores.masked_fill(~attn_mask, -torch.inf)
            if attn_mask.dtype == torch.bool
            else scores + attn_mask
        )
    return scores.softmax(-1).mean(1)
