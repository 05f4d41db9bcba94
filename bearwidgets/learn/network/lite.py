"""EfficientNet-Lite0 and Lite2 without classifiers, as timm builds them: the same names and numbers, to the last bit.

They are here because timm takes longer to load than all the rest of a quick training. Architecture: Tan & Le,
"EfficientNet", ICML 2019, in the Lite variant of TensorFlow's repository `tpu` (no squeeze, ReLU6, "SAME" padding).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

MEAN = STD = (0.5, 0.5, 0.5)
INTERPOLATION = "bicubic"
FEATURES = 1280
_STEM = 32
_STAGES = (  # kernel, stride of the first block, growth inside of a block
    (3, 1, 1),
    (3, 2, 6),
    (5, 2, 6),
    (3, 2, 6),
    (5, 1, 6),
    (5, 2, 6),
    (3, 1, 6),
)
LITE0, LITE2 = "tf_efficientnet_lite0", "tf_efficientnet_lite2"
_BLOCKS = {LITE0: (1, 2, 2, 3, 3, 4, 1), LITE2: (1, 3, 3, 4, 4, 5, 1)}  # of each stage
_CHANNELS = {LITE0: (16, 24, 40, 80, 112, 192, 320), LITE2: (16, 24, 48, 88, 120, 208, 352)}
SIZES = {LITE0: 224, LITE2: 260}
"""Side of the images that the weights were made for, px."""
BOTH = "efficientnet_lite0+efficientnet_lite2"
"""The name of the two side by side."""


class EfficientNetLite(nn.Module):
    """Normalized images (n, 3, h, w) → features (n, 1280); random weights. `name` is `LITE0` or `LITE2`."""

    def __init__(self, name: str = LITE0) -> None:
        super().__init__()
        self.conv_stem = _convolution(3, _STEM, 3, stride=2)
        self.bn1 = _norm(_STEM)
        stages, channels = [], _STEM
        for n, out, (kernel, stride, growth) in zip(_BLOCKS[name], _CHANNELS[name], _STAGES, strict=True):
            blocks = []
            for number in range(n):
                blocks.append(_block(channels, out, kernel, stride if number == 0 else 1, growth))
                channels = out
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.conv_head = _convolution(channels, FEATURES, 1)
        self.bn2 = _norm(FEATURES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features (n, 1280)."""
        values = self.blocks(_relu6(self.bn1(self.conv_stem(images))))
        return functional.adaptive_avg_pool2d(_relu6(self.bn2(self.conv_head(values))), 1).flatten(1)

    def group_matcher(self, *, coarse: bool = False) -> dict[str, Any]:
        """Which parameters belong to which depth, as timm's `group_parameters` reads it."""
        stage = r"^blocks\.(\d+)" if coarse else r"^blocks\.(\d+)\.(\d+)"
        return {"stem": r"^conv_stem|bn1", "blocks": [(stage, None), (r"conv_head|bn2", (99999,))]}


class LitePair(nn.Module):
    """Two of them on the same images: features (n, 2560), those of the first before those of the second."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features (n, 2560)."""
        return torch.cat([self.first(images), self.second(images)], 1)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


def _relu6(values: torch.Tensor) -> torch.Tensor:
    return functional.relu6(values, inplace=True)


class _PaddedConvolution(nn.Conv2d):
    """TensorFlow's "SAME" padding where the stride is 2: as much as needed, the odd one at the end."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - as its base has it
        (height, width), kernel, stride = input.shape[-2:], self.kernel_size[0], self.stride[0]
        down, across = ((-(-side // stride) - 1) * stride + kernel - side for side in (height, width))
        down, across = max(down, 0), max(across, 0)
        padding = (across // 2, across - across // 2, down // 2, down - down // 2)
        return super().forward(functional.pad(input, padding))


def _convolution(channels: int, out: int, kernel: int, *, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    if stride == 1:
        return nn.Conv2d(channels, out, kernel, padding=kernel // 2, groups=groups, bias=False)
    return _PaddedConvolution(channels, out, kernel, stride, groups=groups, bias=False)


class _Separable(nn.Module):
    """A convolution of each channel, then one of 1 × 1: the first block."""

    def __init__(self, channels: int, out: int, kernel: int) -> None:
        super().__init__()
        self.conv_dw = _convolution(channels, channels, kernel, groups=channels)
        self.bn1 = _norm(channels)
        self.conv_pw = _convolution(channels, out, 1)
        self.bn2 = _norm(out)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.bn2(self.conv_pw(_relu6(self.bn1(self.conv_dw(values)))))


class _Inverted(nn.Module):
    """Many channels inside, few outside; what comes in is added where it fits."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, growth: int) -> None:
        super().__init__()
        inside = channels * growth
        self.conv_pw = _convolution(channels, inside, 1)
        self.bn1 = _norm(inside)
        self.conv_dw = _convolution(inside, inside, kernel, stride=stride, groups=inside)
        self.bn2 = _norm(inside)
        self.conv_pwl = _convolution(inside, out, 1)
        self.bn3 = _norm(out)
        self.adds = stride == 1 and channels == out

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        inside = _relu6(self.bn1(self.conv_pw(values)))
        inside = _relu6(self.bn2(self.conv_dw(inside)))
        result = self.bn3(self.conv_pwl(inside))
        return result + values if self.adds else result


def _block(channels: int, out: int, kernel: int, stride: int, growth: int) -> nn.Module:
    if growth == 1:
        return _Separable(channels, out, kernel)
    return _Inverted(channels, out, kernel, stride, growth)
