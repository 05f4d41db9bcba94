"""Statistics of one image's pixels: light, contrast, blur, information, color, bars along the edges, a small copy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from bearwidgets.data.formats.images import known_format, open_image
from bearwidgets.data.formats.limits import its_own_trouble

SIDE = 256
"""Length in px of the short side at which they are taken; smaller images are taken as they are."""

_MOST = 2**20  # px at which they are taken, however long and thin the image is

SMALL = 32
"""Side in px of the small gray copy."""

NAMES = (
    "brightness", "p1", "p5", "p50", "p95", "p99", "contrast", "blur", "entropy", "colorfulness", "chroma",
    "bar_left", "bar_top", "bar_right", "bar_bottom",
)  # fmt: skip
"""What `PixelStats.stats` holds, in this order; `image_stats.table.image_stats_of` says what each means."""

_LEVELS = np.arange(256)
_QUANTILES = (0.01, 0.05, 0.5, 0.95, 0.99)
_EDGES = 0.05  # the part of the pixels with the steepest edges, at which blur is measured
_SHARPEST = 0.75  # quantile of the edges: the subject is in focus where a quarter of them is
_STEEP = 4.0  # squared gray levels a px; below, it is the rounding to whole levels that would be measured
_FEWEST = 16  # edges
_WIDEST = 8.0  # px; wider edges are too flat to be measured
_STEP = 24  # gray levels that can be seen: between a bar and the image, or anything at all
_FLAT = 10  # gray levels within which a bar is of one tone, as JPEG leaves it


@dataclass(frozen=True)
class PixelStats:
    """What the pixels of one image say: (15,) float32, see `NAMES`, and all of it in gray at (32, 32) uint8."""

    stats: np.ndarray
    small: np.ndarray
    format: str
    frames: int


@its_own_trouble
def measure(data: bytes) -> PixelStats:
    """Decode the bytes of an image once, a large JPEG at a part of its size, and measure it.

    Raises:
        ImageError: It cannot be used as an image.
    """
    image = open_image(data, at_least=SIDE)
    gray = image.convert("L")
    scale = min(SIDE / min(gray.size), (_MOST / (gray.width * gray.height)) ** 0.5)
    if scale < 1:
        size = (max(1, round(gray.width * scale)), max(1, round(gray.height * scale)))
        gray = gray.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)
    pixels = np.asarray(gray)
    counts = np.array(gray.histogram(), dtype=np.float64)
    values = [*_light(counts), blur_px(pixels), _entropy(counts), *_color(image), *bars(pixels)]
    small = np.asarray(gray.resize((SMALL, SMALL), Image.Resampling.BOX))
    found = known_format(data)
    n_frames = found.n_frames(data) if found.n_frames else 1
    return PixelStats(np.array(values, np.float32), small, found.name, n_frames)


def _light(counts: np.ndarray) -> tuple[float, ...]:
    """Mean and quantiles of the brightness, 0 to 1, and how far the 1st and the 99th percentile are apart."""
    shares = counts.cumsum() / counts.sum()
    low, *middle, high = np.searchsorted(shares, _QUANTILES).clip(0, 255) / 255
    mean = float(counts @ _LEVELS / counts.sum() / 255)
    return mean, low, *middle, high, high - low


def _entropy(counts: np.ndarray) -> float:
    """Entropy of the gray levels in bits, 0 to 8 (Shannon, 1948)."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log2(shares)).sum())


def _color(image: Image.Image) -> tuple[float, float]:
    """Colorfulness (Hasler and Süsstrunk, 2003; 0 is gray, 109 extremely colorful), and chroma.

    Chroma says how far the most colorful hundredth of the image is from gray, 0 to 1.
    """
    crowd = image.width * image.height // _MOST  # of a long and thin image
    tiny = np.asarray(image.reduce(max(1, min(image.size) // SMALL, crowd)), dtype=np.float32).reshape(-1, 3)
    red, green, blue = np.ascontiguousarray(tiny.T)
    first, second = red - green, (red + green) / 2 - blue
    spread = np.hypot(first.std(), second.std())
    colorfulness = spread + 0.3 * np.hypot(first.mean(), second.mean())
    farthest = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    rank = int(0.99 * (len(farthest) - 1))
    return float(colorfulness), float(np.partition(farthest, rank)[rank]) / 255


def blur_px(pixels: np.ndarray) -> float:
    """Width (standard deviation, px) of the sharpest quarter of the steepest edges of (height, width) uint8.

    An edge that is blurred with deviation σ loses the factor R of its slope when it is blurred once more with
    deviation 1, and σ = 1 / sqrt(R² - 1), whatever its contrast (Zhuo and Sim, 2011, Defocus map estimation from a
    single image). Edges are chosen by the slope after that blur, and the slopes of the flat parts are taken off
    before, so that noise does not pass for sharpness. Every other line and column is measured.

    Returns:
        0 to 8; NaN for an empty image, or one below 8 px.
    """
    if min(pixels.shape) < 8:
        return float("nan")
    wide = pixels.astype(np.uint16)
    softened = _slope(_binomial(_binomial(wide).T).T) / 256**2
    slope = _slope(wide[2:-2, 2:-2])
    n = len(softened)
    quarter, last = n // 4, n - 1 - int(n * _EDGES)
    limits = np.partition(softened, [quarter, last])
    edges = softened >= max(limits[last], _STEEP)
    if edges.sum() < _FEWEST:  # smooth all over: empty, or there is something to see but no edge of it
        return _WIDEST if int(pixels.max()) - int(pixels.min()) >= _STEP else float("nan")
    flat = softened <= limits[quarter]
    noise, soft_noise = slope[flat].mean(), softened[flat].mean()
    ratio = np.maximum(slope[edges] - noise, 0) / np.maximum(softened[edges] - soft_noise, 1.0)
    rank = int(_SHARPEST * (len(ratio) - 1))
    sharp = float(np.partition(ratio, rank)[rank])
    return min(_WIDEST, float(1 / np.sqrt(max(sharp - 1, 1e-9))))


def _binomial(pixels: np.ndarray) -> np.ndarray:
    """16 times the blur of deviation 1 px down the columns, in whole numbers; four rows fewer."""
    near, middle = pixels[1:-3] + pixels[3:-1], pixels[2:-2]
    return pixels[:-4] + pixels[4:] + (near << 2) + (middle << 2) + (middle << 1)


def _slope(pixels: np.ndarray) -> np.ndarray:
    """Squared length of the gradient at every other line and column, flat."""
    across = pixels[1:-1:2, 2::2].astype(np.float32) - pixels[1:-1:2, :-2:2]
    down = pixels[2::2, 1:-1:2].astype(np.float32) - pixels[:-2:2, 1:-1:2]
    return ((across * across + down * down) / 4).ravel()


def bars(pixels: np.ndarray) -> tuple[float, float, float, float]:
    """Width of the bars of one tone along the left, top, right and bottom edge, as shares of width and height.

    A bar ends at a step that runs along most of the edge; a plain background has no such step and is no bar. Words
    that stand in a bar do not end it, as long as they fill less than a third of each line.
    """
    lines = (pixels.T, pixels, pixels.T[::-1], pixels[::-1])
    left, top, right, bottom = (_bar(each) for each in lines)
    return left, top, right, bottom


def _bar(lines: np.ndarray) -> float:
    """Share of the lines, from the first on, that are a bar."""
    most = len(lines) * 2 // 5
    if most < 2:
        return 0.0
    tone = int(np.partition(lines[0], len(lines[0]) // 2)[len(lines[0]) // 2])
    if not _of_tone(lines[:2], tone).all():  # most images end here
        return 0.0
    same = _of_tone(lines[: most + 2], tone)
    n = int(same.argmin())
    if n == 0 or n > most:
        return 0.0
    beyond = lines[n + 1].astype(np.int16)  # the line before it may be a mixture of both
    return n / len(lines) if (np.abs(beyond - tone) >= _STEP).mean() >= 0.6 else 0.0


def _of_tone(lines: np.ndarray, tone: int) -> np.ndarray:
    """Which lines are of one tone for two thirds of their length."""
    return (np.abs(lines.astype(np.int16) - tone) <= _FLAT).mean(1) >= 2 / 3
