"""Perceptual hashes of small grey pictures: alike for pictures that look alike."""

from __future__ import annotations

import numpy as np
from scipy.fft import dctn


def waves(pictures: np.ndarray, n: int) -> np.ndarray:
    """The lowest `n` × `n` waves of pictures, by a cosine transform.

    Args:
        pictures: (m, side, side).
        n: How many waves in each direction, the mean among them.

    Returns:
        (m, n, n) float32; the mirror image of a picture has the same ones, those of odd columns negative.
    """
    return dctn(pictures.astype(np.float32), axes=(1, 2), norm="ortho")[:, :n, :n]


def perceptual_hash(pictures: np.ndarray) -> np.ndarray:
    """64 bits for each picture: which of the lowest 8 × 8 waves are above their median (pHash; Zauner, 2010).

    Args:
        pictures: (m, side, side).

    Returns:
        (m,) uint64; pictures of the same look differ in some 10 bits at most.
    """
    low = waves(pictures, 8).reshape(len(pictures), 64)
    return _packed(low > np.median(low[:, 1:], axis=1, keepdims=True))


def difference_hash(pictures: np.ndarray) -> np.ndarray:
    """64 bits for each picture: where brightness rises from left to right on a grid of 8 × 9 points (dHash).

    Args:
        pictures: (m, side, side), side at least 9.

    Returns:
        (m,) uint64.
    """
    m, side = len(pictures), pictures.shape[1]
    at = [np.linspace(0, side - 1, n).round().astype(int) for n in (8, 9)]
    points = pictures.reshape(m, side, side)[:, at[0]][:, :, at[1]].astype(np.int16)
    return _packed((points[:, :, 1:] > points[:, :, :-1]).reshape(m, 64))


def bits_apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """In how many bits hashes differ (Hamming distance), int."""
    both = np.bitwise_xor(a, b).reshape(-1, 1).view(np.uint8)
    return np.unpackbits(both, axis=1).sum(1, dtype=np.int64)


def _packed(bits: np.ndarray) -> np.ndarray:
    """(m, 64) bool → (m,) uint64."""
    return np.packbits(bits, axis=1).view(np.uint64).reshape(len(bits))
