"""Drawn bears for the sample set: grizzlies, black bears and teddies that differ as real ones do, with overlaps.

A bear is a pile of blobs in its own coordinates: x to the right, y down, the ground at y = 1, about two units high.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bearwidgets.data.samples.drawing import INK, WHITE, Brush, Color, blend, pick

BEARS = ("black", "grizzly", "teddy")


@dataclass(frozen=True)
class Look:
    """What one bear looks like; sizes are relative to the bear's own units."""

    kind: str
    fur: Color
    muzzle: Color
    lining: Color
    hump: float
    ear: float
    snout: float
    frost: float
    shag: float
    eye: float
    claws: float
    chest: Color | None = None
    bow: Color | None = None
    stitches: bool = False


def sample_look(kind: str, rng: np.random.Generator) -> Look:
    """A bear of a kind of `BEARS`; the kinds overlap in color and in every single trait."""
    return {"grizzly": _grizzly, "black": _black, "teddy": _teddy}[kind](rng)


def _grizzly(rng: np.random.Generator) -> Look:
    if rng.random() < 0.11:
        fur = pick(rng, [(58, 42, 34), (48, 38, 34)])
    else:
        fur = pick(rng, [(132, 86, 48), (112, 74, 44), (150, 104, 62), (172, 128, 82)])
    return Look(
        kind="grizzly",
        fur=fur,
        muzzle=blend(fur, (205, 170, 125), rng.uniform(0.1, 0.5)),
        lining=blend(fur, (60, 40, 30), 0.6),
        hump=rng.uniform(0.55, 1.0) if rng.random() < 0.85 else rng.uniform(0.1, 0.4),
        ear=rng.uniform(0.13, 0.18),
        snout=rng.uniform(0.9, 1.2),
        frost=max(0.0, rng.normal(0.5, 0.3)),
        shag=rng.uniform(0.07, 0.13),
        eye=rng.uniform(0.036, 0.048),
        claws=rng.uniform(0.5, 1.0),
    )


def _black(rng: np.random.Generator) -> Look:
    if rng.random() < 0.17:
        fur = pick(rng, [(104, 66, 42), (84, 56, 40), (128, 80, 48)])
    else:
        fur = pick(rng, [(40, 38, 42), (52, 48, 50), (34, 34, 42)])
    tan = rng.uniform(0.45, 0.9) if rng.random() < 0.8 else 0.1
    return Look(
        kind="black",
        fur=fur,
        muzzle=blend(fur, (188, 142, 96), tan),
        lining=blend(fur, (90, 70, 64), 0.5),
        hump=rng.uniform(0.0, 0.3),
        ear=rng.uniform(0.165, 0.22),
        snout=rng.uniform(0.95, 1.25),
        frost=0.15 * rng.random(),
        shag=rng.uniform(0.04, 0.08),
        eye=rng.uniform(0.04, 0.052),
        claws=rng.uniform(0.0, 0.4),
        chest=(216, 204, 184) if rng.random() < 0.22 else None,
    )


def _teddy(rng: np.random.Generator) -> Look:
    odd = rng.random()
    if odd < 0.26:
        fur = pick(rng, [(112, 74, 46), (134, 90, 54), (60, 48, 46), (46, 44, 50)])
    elif odd < 0.75:
        fur = pick(rng, [(198, 148, 88), (176, 124, 72), (222, 190, 142)])
    else:
        fur = pick(rng, [(226, 160, 176), (150, 176, 206), (168, 166, 170), (236, 226, 208), (168, 196, 152)])
    pale = blend(fur, (250, 236, 212), rng.uniform(0.25, 0.75))
    bows: list[Color] = [(196, 42, 52), (52, 92, 176), (236, 190, 64), (92, 150, 92), (150, 84, 160)]
    return Look(
        kind="teddy",
        fur=fur,
        muzzle=pale,
        lining=blend(pale, (230, 150, 140), 0.35 * rng.random()),
        hump=0.0,
        ear=rng.uniform(0.19, 0.27),
        snout=rng.uniform(0.55, 0.8),
        frost=0.0,
        shag=rng.uniform(0.015, 0.05),
        eye=rng.uniform(0.05, 0.075),
        claws=0.0,
        chest=pale if rng.random() < 0.45 else None,
        bow=pick(rng, bows) if rng.random() < 0.62 else None,
        stitches=bool(rng.random() < 0.65),
    )


def _part(
    brush: Brush, look: Look, at: tuple[float, float], radius: tuple[float, float], **more: float
) -> None:
    """One furry part in the bear's own color; `dim` puts it into the shadow."""
    fur = blend(look.fur, (0, 0, 0), more.get("dim", 0.0))
    frost = (blend(look.fur, (232, 204, 156), 0.42), min(0.8, look.frost * more.get("frost", 0.3)))
    count = int(20 + radius[0] * radius[1] * min(1100.0, 0.021 * brush.unit**2))
    depth, tilt = more.get("depth", 0.42), more.get("tilt", 0.0)
    brush.blob(at, radius, fur, tilt=tilt, shag=look.shag, depth=depth, fur=count, tips=frost)


def draw_bear(brush: Brush, look: Look, pose: str) -> None:
    """Draw the bear in the pose "sitting", "standing", "walking" or "head"."""
    {"sitting": _sitting, "standing": _standing, "walking": _walking, "head": _portrait}[pose](brush, look)


def _sitting(brush: Brush, look: Look) -> None:
    turn = brush.rng.uniform(-0.1, 0.1)
    sway = brush.rng.uniform(-8, 8)
    _hump(brush, look, turn)
    _part(brush, look, (0, 0.36), (0.56, 0.62))
    _belly(brush, look)
    for side in (-1, 1):
        _part(brush, look, (0.52 * side, 0.3), (0.17, 0.4), tilt=side * (-22 + sway))
    for side in (-1, 1):
        _part(brush, look, (0.46 * side, 0.8), (0.25, 0.24), tilt=12 * side)
        _paw(brush, look, (0.47 * side, 0.83), 0.19)
    _front_head(brush, look, (0.5 * turn, -0.42), turn)


def _standing(brush: Brush, look: Look) -> None:
    turn = brush.rng.uniform(-0.1, 0.1)
    lift = brush.rng.uniform(-25, 40)
    _hump(brush, look, turn)
    for side in (-1, 1):
        _part(brush, look, (0.27 * side, 0.78), (0.21, 0.36), dim=0.1)
        _part(brush, look, (0.31 * side, 0.96), (0.24, 0.11))
        _claws(brush, look, (0.31 * side, 1.0))
    _part(brush, look, (0, 0.3), (0.48, 0.6))
    _belly(brush, look)
    for side in (-1, 1):
        _part(brush, look, (0.5 * side, 0.14), (0.15, 0.38), tilt=-side * (20 + lift))
    _front_head(brush, look, (0.5 * turn, -0.5), turn)


def _walking(brush: Brush, look: Look) -> None:
    step = brush.rng.uniform(-0.12, 0.12)
    drop = brush.rng.uniform(-0.12, 0.22)
    for at in ((-0.5 - step, 0.6), (0.62 + step, 0.6)):
        _part(brush, look, at, (0.16, 0.4), dim=0.35)
    _part(brush, look, (-0.95, 0.0), (0.1, 0.09))
    if look.hump:
        _part(
            brush, look, (0.36, -0.08 - 0.2 * look.hump), (0.36, 0.14 + 0.2 * look.hump), frost=0.9, depth=0.3
        )
    _part(brush, look, (0.1, 0.14), (0.78, 0.42))
    _part(brush, look, (-0.42, 0.13), (0.48, 0.45), depth=0.3)
    _part(brush, look, (0.42, 0.1), (0.42, 0.42), frost=0.6, depth=0.25)
    for at in ((-0.62 + step, 0.64), (0.48 - step, 0.64)):
        _part(brush, look, at, (0.18, 0.4))
        _part(brush, look, (at[0] + 0.06, 0.96), (0.2, 0.1))
        _claws(brush, look, (at[0] + 0.14, 1.0))
    _part(brush, look, (0.75, -0.05 + 0.5 * drop), (0.34, 0.3), tilt=-20, depth=0.3)
    if look.stitches:
        _seam(brush, look, [(-0.7, 0.2), (-0.3, 0.3), (0.1, 0.32)])
    _side_head(brush, look, (1.02, -0.2 + drop))
    if look.bow:
        _bow(brush, look.bow, (0.76, 0.12 + drop))


def _portrait(brush: Brush, look: Look) -> None:
    turn = brush.rng.uniform(-0.16, 0.16)
    if look.hump:
        _part(brush, look, (-turn, -0.05 - 0.15 * look.hump), (0.72, 0.5), frost=0.8)
    _part(brush, look, (0, 0.55), (0.78, 0.6), dim=0.12, frost=0.6)
    _front_head(brush, look, (0, -0.12), turn)


def _hump(brush: Brush, look: Look, turn: float) -> None:
    if look.hump:
        place = (-turn, -0.12 - 0.2 * look.hump)
        _part(brush, look, place, (0.46 + 0.12 * look.hump, 0.34), dim=0.1, frost=0.9)


def _belly(brush: Brush, look: Look) -> None:
    if look.chest and look.kind == "teddy":
        brush.blob((0, 0.42), (0.36, 0.42), look.chest, shag=look.shag, depth=0.25, fur=90)
    elif look.chest:
        brush.blob((0, 0.06), (0.22, 0.07), look.chest, shag=0.3, fur=12)
    if look.stitches:
        _seam(brush, look, [(0.0, 0.12), (0.02, 0.4), (0.0, 0.74)])


def _seam(brush: Brush, look: Look, points: list[tuple[float, float]]) -> None:
    thread = blend(look.fur, INK, 0.7) if sum(look.fur) > 330 else blend(look.fur, WHITE, 0.55)
    brush.line(points, thread, 0.016)
    ends = np.array(points)
    along = np.linspace(0, len(points) - 1, 8)
    xs, ys = (np.interp(along, np.arange(len(points)), ends[:, axis]) for axis in (0, 1))
    steep = abs(ends[-1, 1] - ends[0, 1]) > abs(ends[-1, 0] - ends[0, 0])
    dx, dy = (0.05, 0.012) if steep else (0.012, 0.05)
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        brush.line([(x - dx, y - dy), (x + dx, y + dy)], thread, 0.018)


def _paw(brush: Brush, look: Look, at: tuple[float, float], size: float) -> None:
    x, y = at
    if look.kind == "teddy":
        brush.blob(at, (size * 0.8, size * 0.8), look.muzzle, fur=14)
        return
    pad = blend(look.lining, INK, 0.45)
    brush.dot((x, y + 0.03), (size * 0.55, size * 0.4), pad)
    for toe in (-1.5, -0.5, 0.5, 1.5):
        place = (x + toe * size * 0.36, y - size * (0.62 - 0.12 * abs(toe)))
        brush.dot(place, (size * 0.15, size * 0.17), pad)


def _claws(brush: Brush, look: Look, at: tuple[float, float]) -> None:
    if look.claws < 0.15:
        return
    for toe in (-0.09, -0.03, 0.03, 0.09):
        x = at[0] + toe
        brush.line([(x, at[1] - 0.03), (x + 0.01, at[1] + 0.06 * look.claws)], (214, 200, 172), 0.02)


def _front_head(brush: Brush, look: Look, at: tuple[float, float], turn: float) -> None:
    x, y = at
    teddy = look.kind == "teddy"
    wide = 0.47 if look.kind != "black" else 0.42
    for side in (-1, 1):
        ear = (x + side * wide * 0.8, y - (0.3 if teddy else 0.34))
        brush.blob(ear, (look.ear, look.ear * 1.05), look.fur, shag=look.shag, fur=14)
        brush.blob((ear[0], ear[1] + 0.02), (look.ear * 0.58, look.ear * 0.6), look.lining, fur=6)
    _part(brush, look, (x, y), (wide, 0.42), frost=0.4)
    if not teddy:
        for side in (-1, 1):
            _part(brush, look, (x + side * wide * 0.62, y + 0.14), (0.22, 0.22), frost=0.5, depth=0.22)
    middle = x + turn
    low = y + 0.15
    brush.blob(
        (middle, low),
        (0.2 if not teddy else 0.23, 0.19 * look.snout**0.5),
        look.muzzle,
        shag=look.shag / 2,
        fur=30,
    )
    if not teddy:
        brush.blob((middle - turn * 0.3, low - 0.16), (0.1, 0.16), blend(look.fur, look.muzzle, 0.45), fur=14)
    _nose(brush, (middle + turn * 0.4, low - 0.07), 0.085 if not teddy else 0.075)
    mouth = middle + turn * 0.4
    brush.line([(mouth, low - 0.02), (mouth, low + 0.06)], INK, 0.018)
    for side in (-1, 1):
        smile = [(0.0, 0.055), (0.035, 0.085), (0.08, 0.08), (0.11, 0.05)]
        brush.line([(mouth + side * dx, low + dy) for dx, dy in smile], INK, 0.018)
    apart = 0.17 if teddy else 0.155
    for side in (-1, 1):
        _eye(brush, look, (middle - turn * 0.35 + side * apart, y - 0.07))
    if look.stitches:
        _seam(brush, look, [(x + turn * 0.5, y - 0.38), (x + turn * 0.6, y - 0.2)])
    if look.bow:
        _bow(brush, look.bow, (x, y + 0.47))


def _side_head(brush: Brush, look: Look, at: tuple[float, float]) -> None:
    x, y = at
    low = 0.1 if look.kind != "black" else 0.06
    brush.blob(
        (x + 0.06, y - 0.26), (look.ear * 0.8, look.ear), blend(look.fur, (0, 0, 0), 0.3), shag=look.shag
    )
    _part(brush, look, (x, y), (0.32, 0.29), frost=0.4)
    brush.blob((x - 0.12, y - 0.25), (look.ear * 0.8, look.ear), look.fur, shag=look.shag, fur=12)
    brush.blob((x - 0.12, y - 0.23), (look.ear * 0.45, look.ear * 0.55), look.lining, fur=4)
    reach = 0.25 * look.snout
    brush.blob((x + 0.26, y + low), (reach, 0.145), look.muzzle, tilt=10, shag=look.shag / 2, fur=30)
    _part(brush, look, (x + 0.08, y), (0.24, 0.22), frost=0.4, depth=0.2)
    _nose(brush, (x + 0.24 + reach, y + low - 0.01), 0.065)
    brush.line([(x + 0.2 + reach, y + low + 0.08), (x + 0.2, y + low + 0.1)], INK, 0.016)
    _eye(brush, look, (x + 0.17, y - 0.06))


def _nose(brush: Brush, at: tuple[float, float], size: float) -> None:
    x, y = at
    brush.dot((x, y), (size, size * 0.72), INK)
    brush.dot((x - size * 0.25, y - size * 0.3), (size * 0.34, size * 0.17), (150, 146, 150))


def _eye(brush: Brush, look: Look, at: tuple[float, float]) -> None:
    x, y = at
    size = look.eye
    if look.kind != "teddy":
        brush.dot((x, y), (size * 1.35, size * 1.2), blend(look.fur, (0, 0, 0), 0.45))
    brush.dot((x, y), (size, size), INK)
    brush.dot((x, y + size * 0.3), (size * 0.62, size * 0.45), (84, 52, 32))
    brush.dot((x - size * 0.3, y - size * 0.38), (size * 0.36, size * 0.36), WHITE)


def _bow(brush: Brush, color: Color, at: tuple[float, float]) -> None:
    x, y = at
    for side in (-1, 1):
        brush.blob((x + side * 0.17, y), (0.16, 0.11), color, tilt=side * 14)
        brush.line([(x, y), (x + side * 0.24, y + 0.03)], blend(color, INK, 0.4), 0.02)
    brush.blob((x, y), (0.065, 0.075), blend(color, WHITE, 0.12))
