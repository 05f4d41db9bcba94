"""Open damaged and made-up image files of all formats in all the ways that the package opens one.

    python tests/campaigns/fuzz_images.py [--runs 5000] [--seconds 900] [--seed 0]

Each file is a good one of some format in which bytes were changed, numbers were replaced by very small or large ones,
parts were cut out, doubled or taken from another file, or that says it is very large. Right is: either an image or an
`ImageError` with a reason comes of it, no call takes more than 5 s of processor time, memory grows by less than 1 GB,
and no process ends.
"""

from __future__ import annotations

import io
import json
import random
import re
import resource
import shutil
import signal
import struct
import tempfile
import time
import warnings
import zlib
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import common
import numpy as np
import tifffile
from common import Tally, child
from made_data import packed, scene
from PIL import Image, features

from bearwidgets.data.cache.thumbs import make_thumbnail
from bearwidgets.data.formats.bands import open_bands
from bearwidgets.data.formats.images import check_image, open_image
from bearwidgets.data.image_stats.pixel_stats import measure
from bearwidgets.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 5.0  # of processor time, for one call
MEMORY = 2**30  # bytes
BATCH = 40  # files that one process opens
ALARM = 120  # s after which a process is ended
LARGE_SHARE = 0.02  # of the files: each takes seconds
LARGE = (
    (30_000, 2_900),
    (65_535, 1_300),
    (1, 65_535),
    (65_535, 1),
    (9_000, 9_000),
    (89_478_485, 1),
    (2**31 - 1, 9),
)
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x0555555)


def rle_bmp(width: int = 40, height: int = 30) -> bytes:
    """A BMP of 256 colors in runs."""
    body = (bytes([width, 7]) + b"\0\0") * height + b"\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    palette = bytes(range(256)) * 4
    start = 14 + 40 + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + head + palette + body


def npy(values: np.ndarray) -> bytes:
    """A NumPy file."""
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def tiff(values: np.ndarray, **options: Any) -> bytes:
    """A TIFF of many bands."""
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **options)
    return stream.getvalue()


def good_files() -> dict[str, bytes]:
    """One small file for each way of each format."""
    photo = scene(3, (96, 72))
    gray, deep = photo.convert("L"), Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 16)
    clear = photo.convert("RGBA")
    clear.putalpha(gray)
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = {"save_all": True, "append_images": [photo.rotate(90 * n, expand=False) for n in range(1, 4)]}
    bands = np.random.default_rng(0).integers(0, 65535, (30, 40, 5), dtype=np.uint16)
    files = {
        "JPEG": packed(photo, "JPEG", exif=exif.tobytes()),
        "JPEG progressive": packed(photo, "JPEG", progressive=True),
        "JPEG CMYK": packed(photo.convert("CMYK"), "JPEG"),
        "PNG": packed(photo, "PNG", exif=exif.tobytes()),
        "PNG palette": packed(photo.quantize(16), "PNG", transparency=3),
        "PNG RGBA": packed(clear, "PNG"),
        "PNG 16 bits": packed(deep, "PNG"),
        "PNG animated": packed(photo, "PNG", **frames),
        "GIF": packed(photo, "GIF", transparency=0, comment=b"words"),
        "GIF animated": packed(photo, "GIF", **frames),
        "WebP": packed(photo, "WEBP", exif=exif.tobytes()),
        "WebP lossless": packed(clear, "WEBP", lossless=True),
        "WebP animated": packed(photo, "WEBP", **frames),
        "BMP": packed(photo, "BMP"),
        "BMP 1 bit": packed(photo.convert("1"), "BMP"),
        "BMP in runs": rle_bmp(),
        "TIFF LZW": packed(photo, "TIFF", compression="tiff_lzw"),
        "TIFF JPEG": packed(photo, "TIFF", compression="jpeg"),
        "TIFF floats": packed(Image.fromarray(np.asarray(gray, np.float32)), "TIFF"),
        "TIFF bands": tiff(bands, photometric="minisblack", planarconfig="contig", compression="zlib"),
        "TIFF pages": tiff(np.moveaxis(bands, -1, 0), photometric="minisblack", tile=(16, 16)),
        "PPM": packed(photo, "PPM"),
        "PGM 16 bits": packed(deep, "PPM"),
        "PPM odd": b"P6 30 20 100\n" + bytes(range(90)) * 20,
        "PPM plain": b"P3 # words\n4 3 255\n" + b"1 2 3 \n" * 12,
        "JPEG 2000": packed(photo, "JPEG2000"),
        "JPEG 2000 code": packed(gray, "JPEG2000", no_jp2=True),
        "NumPy": npy(bands[..., :3]),
        "NumPy floats": npy(bands.astype(np.float64)),
    }
    if features.check("avif"):
        files["AVIF"] = packed(clear, "AVIF", speed=10)
        files["AVIF animated"] = packed(photo, "AVIF", speed=10, **frames)
    return files


def enlarged(data: bytes, rng: random.Random) -> bytes:
    """The file where its head says that the image is a large one, as a bomb's does."""
    width, height = rng.choice(LARGE)
    places = {
        b"\x89PNG": (16, ">II", (width, height)),
        b"GIF8": (6, "<HH", (width, height)),
        b"BM": (18, "<II", (width, height)),
        b"RIFF": (24 if data[12:16] == b"VP8X" else 26, "<HH", (width, height)),
        b"\xff\xd8": (max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2")) + 5, ">HH", (height, width)),
        b"\xff\x4f": (8, ">II", (width, height)),
        b"\0\0\0\x0cjP": (data.find(b"ihdr") + 4, ">II", (height, width)),
        b"II*": (data.find(b"\0\1\3\0\1\0\0\0") + 8, "<HxxxxxxxxxxH", (width, height)),
    }
    if data[:1] == b"P":
        return re.sub(rb"\d+ \d+\s", b"%d %d " % (width, height), data, count=1)
    if data[1:6] == b"NUMPY":
        return data.replace(b"(30, 40", b"(%d, %d" % (height, width))
    start = next((each for each in places if data.startswith(each)), b"")
    if not start and b"ispe" in data:
        at, form, sides = data.find(b"ispe") + 8, ">II", (width, height)
    elif start:
        at, form, sides = places[start]
    else:
        return data
    most = 256 ** (struct.calcsize(form[:2])) - 1
    changed = bytearray(data)
    values = struct.pack(form, *(min(side, most) for side in sides))
    changed[at : at + len(values)] = values
    if data[:4] == b"\0\0\0\x0c":
        at = data.find(b"\xff\x51") + 6
        changed[at : at + 8] = struct.pack(">II", *(min(side, most) for side in (width, height)))
    return bytes(changed)


def with_sums(data: bytes) -> bytes:
    """A PNG whose chunks have the right checksums again; other files as they are."""
    if not data.startswith(b"\x89PNG"):
        return data
    parts, at = [data[:8]], 8
    while at + 12 <= len(data):
        body = data[at + 4 : at + 8 + int.from_bytes(data[at : at + 4], "big")]
        parts.append(data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body)))
        at += 8 + len(body)
    return b"".join(parts)


def mutated(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """The file with some of it changed, most often near its start, where its sizes are."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        size = max(1, len(changed))
        place = rng.randrange(min(size, rng.choice((64, 256, size))))
        match rng.randrange(7):
            case 0:
                changed[place : place + 1] = bytes([rng.randrange(256)])
            case 1:
                changed[place : place + 1] = bytes([data[place % len(data)] ^ 1 << rng.randrange(8)])
            case 2 | 3:
                n_bytes, order = rng.choice((2, 4)), rng.choice(("little", "big"))
                number = rng.choice(EXTREMES) & (256**n_bytes - 1)
                changed[place : place + n_bytes] = number.to_bytes(n_bytes, order)
            case 4:
                del changed[place : place + rng.choice((1, 4, 64, size))]
            case 5:
                part = bytes(changed[place : place + rng.randrange(1, 200)])
                changed[place:place] = part * rng.choice((1, 1, 50))
            case 6:
                at = rng.randrange(len(other))
                changed[place : place + 64] = other[at : at + rng.randrange(1, 200)]
    return with_sums(bytes(changed)) if rng.random() < 0.7 else bytes(changed)


def ways(data: bytes, path: Path) -> dict[str, Callable[[], object]]:
    """All the ways in which a file is opened."""
    return {
        "check": lambda: check_image(data),
        "open": lambda: open_image(data),
        "open small": lambda: open_image(data, at_least=224),
        "bands 1": lambda: open_bands(data, 1, at_least=224),
        "bands 5": lambda: open_bands(data, 5),
        "measure": lambda: measure(data),
        "thumbnail": lambda: make_thumbnail(path, 160),
    }


class Outcome(NamedTuple):
    """What goes wrong with a file ("" if nothing does), the longest call in s, the growth of memory in MB."""

    problem: str
    seconds: float
    memory: int


def try_all(data: bytes, path: Path) -> Outcome:
    """Open a file in all ways."""
    path.write_bytes(data)
    problem, longest, first = "", 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for way, call in ways(data, path).items():
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        try:
            call()
        except ImageError as error:
            if not str(error):
                problem = f"{way}: refused without a reason"
        except Exception as error:  # noqa: BLE001 - what is looked for
            problem = f"{way}: {type(error).__name__}: {error}"[:300]
        took, now = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        longest = max(longest, took)
        if took > SECONDS:
            problem = f"{way}: {took:.1f} s"
        if (now - before) * 1024 > MEMORY:
            problem = f"{way}: {(now - before) >> 10} MB"
    return Outcome(problem, longest, (now - first) >> 10)


def fuzz(runs: int, seconds: float, seed: int = 0) -> Tally:
    """Open so many files, or as many as the time allows; those that go wrong are kept in the folder of the report."""
    tally, files, rng = Tally("damaged images"), good_files(), random.Random(seed)  # noqa: S311 - no secret
    names, began, slowest, largest = sorted(files), time.monotonic(), (0.0, ""), (0, "")
    kept = Path(tempfile.mkdtemp(prefix="bearwidgets-fuzz-"))
    for batch in count():
        n = min(BATCH, runs - batch * BATCH)
        if n <= 0 or time.monotonic() - began > seconds:
            break
        kinds = [names[(batch * BATCH + number) % len(names)] for number in range(n)]
        cases = [
            with_sums(enlarged(files[kind], rng))
            if rng.random() < LARGE_SHARE
            else mutated(files[kind], files[rng.choice(names)], rng)
            for kind in kinds
        ]
        for kind, data, (problem, took, memory) in zip(
            kinds, cases, in_a_process(cases, kept / "case"), strict=True
        ):
            slowest, largest = max(slowest, (took, kind)), max(largest, (memory, kind))
            name = kept / f"{tally.runs.total()}-{kind.replace(' ', '-')}"
            if problem:
                name.write_bytes(data)
            tally.take(kind, f"{problem} ({name})" if problem else "")
    if not tally.failures:
        shutil.rmtree(kept)
    print(f"longest call {slowest[0]:.2f} s ({slowest[1]}), most memory {largest[0]} MB ({largest[1]})")
    return tally


def in_a_process(cases: list[bytes], path: Path) -> list[Outcome]:
    """The outcome of each case, found in a process of its own; where one ends it, the rest go into another."""
    done = path.with_suffix(".done")

    def work() -> None:
        signal.alarm(ALARM)  # nothing handles it, so it ends even a decoder that never returns
        warnings.simplefilter("ignore")
        with done.open("a") as log:
            for data in cases:
                log.write(json.dumps(try_all(data, path)) + "\n")
                log.flush()

    done.write_text("")
    status, said = child(work)
    outcomes = [Outcome(*json.loads(line)) for line in done.read_text().splitlines()]
    if status == 0:
        return outcomes
    outcomes.append(Outcome(f"the process ended with {status} {str(said)[-200:] if said else ''}", ALARM, 0))
    rest = cases[len(outcomes) :]
    return outcomes + (in_a_process(rest, path) if rest else [])


def main() -> int:
    """Run from the command line."""
    options = common.options(__doc__, runs=5000, seconds=900.0, seed=0)
    return fuzz(options.runs, options.seconds, options.seed).report()


if __name__ == "__main__":
    raise SystemExit(main())
