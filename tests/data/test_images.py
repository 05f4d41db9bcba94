"""Opening image files of unknown origin."""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_data import packed
from PIL import Image, JpegImagePlugin, PngImagePlugin, features

from bearwidgets.data.formats import limits, modes, structure
from bearwidgets.data.formats.bands import open_bands
from bearwidgets.data.formats.images import check_image, open_image
from bearwidgets.data.formats.limits import MAX_PIXELS, Room
from bearwidgets.errors import ImageError

KINDS = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", *["AVIF"] * features.check("avif")]


def halves(size=(60, 40), mode="RGB") -> Image.Image:
    """A red left half, a blue right half."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, size[0], size[1]))
    return image.convert(mode)


def reason(data: bytes) -> str:
    with pytest.raises(ImageError) as caught:
        open_image(data)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["photo.jpg?v=2", "index.php", "photo.JPG", "photo", "photo.svg"])
def test_content_decides_and_not_the_name(tmp_path, kind, name):
    path = tmp_path / name
    try:
        path.write_bytes(packed(halves(), kind))
    except OSError:
        pytest.skip("this file system does not allow the name")
    image = open_image(path)
    assert (image.mode, image.size, check_image(path.read_bytes())) == ("RGB", (60, 40), (60, 40))
    red, _, blue = image.getpixel((50, 20))
    assert blue > 200
    assert red < 60


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no list of open and mapped files here")
@pytest.mark.parametrize("kind", [*KINDS, "NPY"])
def test_a_file_whose_image_is_in_use_can_be_moved(tmp_path, kind):
    """Windows moves no file that is open or mapped."""
    path = tmp_path / "image"
    if kind == "NPY":
        with path.open("wb") as file:
            np.save(file, np.asarray(halves()))
    else:
        path.write_bytes(packed(halves(), kind))
    opened, bands = open_image(path), open_bands(path, 3)
    open_files = {each.resolve() for each in Path("/proc/self/fd").iterdir()}
    assert path not in open_files
    assert str(path) not in Path("/proc/self/maps").read_text()
    assert (opened.size, bands is None) == ((60, 40), False)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty file (0 bytes)"),
        (b"\0" * 5000, "only zero bytes"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "a web page (HTML)"),
        (b"\xef\xbb\xbf\n <html lang='en'>", "a web page (HTML)"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<svg/>", "SVG"),
        (b"<!-- <html> --><!DOCTYPE svg><svg><title>a</title></svg>", "SVG"),
        (b"<html><body><svg width='24'/></body></html>", "a web page (HTML)"),
        (b"<!-- <svg> --> <!doctype html><svg/>", "a web page (HTML)"),
        (b"<?xml version='1.0'?><!DOCTYPE html PUBLIC '-'><html><svg/>", "a web page (HTML)"),
        (b"<div class='logo'><svg/></div>", "a web page (HTML)"),
        (b"<!-- only a long comment", "a web page (HTML)"),
        (b"<!-- made by hand --><rss/>", "text, not an image"),
        (b"%PDF-1.7", "PDF"),
        (b'{"error": "not found"}', "JSON"),
        ("name,label\nBär,1\n".encode(), "text, not an image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x18ftyphevc\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf", "HEIC"),
        (b"\0\0\0\x18ftypavis\0\0\0\0avifmif1", "AVIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0miafavif", "AVIF"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "raw photo"),
        (b"\xff\x0a\xfa\x1f", "JPEG XL"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "video"),
        (b"\x93NUMPY\1\0\0\0", "broken NumPy array"),
        (b"\x93SQUID\1\0\0\0", "unknown kind"),
        (b"\xff\xd8\xff", "broken JPEG"),
        (b"BM and more text", "broken BMP"),
    ],
)
def test_other_files_are_refused_with_a_reason(data, words):
    assert words in reason(data)
    with pytest.raises(ImageError):
        check_image(data)


def test_missing_file_and_folder_are_image_errors(tmp_path):
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(ImageError, match="cannot be read"):
            open_image(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_truncated_files_are_seen_without_decoding(kind, share):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    data = packed(Image.fromarray(noise), kind)
    check_image(data)
    with pytest.raises(ImageError):
        check_image(data[: int(len(data) * share)])


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}])
@pytest.mark.parametrize("share", [0.2, 0.9])
def test_a_cut_webp_is_called_cut_off(options, share):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = packed(Image.fromarray(pixels), "WEBP", **options)
    for read in (open_image, check_image):
        with pytest.raises(ImageError, match="cut off"):
            read(data[: int(len(data) * share)])


def test_the_end_of_an_exif_thumbnail_does_not_pass_for_the_end_of_the_image():
    data = packed(halves((300, 300)), "JPEG")
    thumbnail = packed(halves((16, 16)), "JPEG")
    segment = b"Exif\0\0" + thumbnail
    whole = data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]
    assert check_image(whole) == (300, 300)
    with pytest.raises(ImageError, match="cut off"):
        check_image(whole[:-40])


def test_rubbish_after_the_end_is_no_damage():
    for kind in ("JPEG", "PNG", "WEBP"):
        data = packed(halves(), kind) + b"trailing" * 100
        assert check_image(data) == (60, 40)
        assert open_image(data).size == (60, 40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns(kind, orientation):
    upright = halves((64, 32))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = packed(stored, kind, exif=exif.tobytes() if kind != "TIFF" else exif)
    image = open_image(data)
    assert image.size == check_image(data) == (64, 32)
    assert image.getpixel((4, 16))[0] > 200
    assert image.getpixel((60, 16))[2] > 200
    assert 0x0112 not in image.getexif()


def orientation_block(value: bytes, kind: int) -> bytes:
    """An EXIF block whose orientation is such a value of such a type."""
    entry = struct.pack("<HHI4s", 0x0112, kind, 2 if kind == 2 else 1, value)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 1) + entry + b"\0\0\0\0"


@pytest.mark.parametrize(
    "block",
    [
        *(orientation_block(struct.pack("<H", number), 3) for number in (0, 9, 99, 65535)),
        orientation_block(b"6", 2),  # a text
        b"Exif\0\0",
        b"Exif\0\0rubbish",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
    ],
)
def test_an_orientation_that_is_none_turns_nothing(block):
    for kind in ("JPEG", "PNG", "WEBP"):
        data = packed(halves(), kind, exif=block)
        assert open_image(data).size == check_image(data) == (60, 40)


def test_no_metadata_comes_along():
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8825)[1] = "N"
    for at_least in (None, 10):
        image = open_image(packed(halves(), "JPEG", exif=exif.tobytes(), comment=b"mine"), at_least=at_least)
        assert image.info == {}
        assert len(image.getexif()) == 0
        assert b"Maker" not in packed(image, "JPEG")


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("1", "PNG"),
        ("L", "PNG"),
        ("L", "JPEG"),
        ("P", "PNG"),
        ("P", "GIF"),
        ("LA", "PNG"),
        ("RGBA", "PNG"),
        ("RGBA", "WEBP"),
        ("CMYK", "JPEG"),
        ("CMYK", "TIFF"),
        ("YCbCr", "JPEG"),
        ("I;16", "PNG"),
        ("I;16", "TIFF"),
        ("F", "TIFF"),
        ("I", "TIFF"),
    ],
)
def test_every_mode_becomes_rgb(mode, kind):
    image = open_image(packed(halves().convert(mode), kind))
    assert (image.mode, image.size) == ("RGB", (60, 40))


def test_transparent_parts_are_white():
    clear = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    assert open_image(packed(clear, "PNG")).getpixel((0, 0)) == (255, 255, 255)
    assert open_image(packed(Image.new("LA", (8, 8), (0, 0)), "PNG")).getpixel((0, 0)) == (255, 255, 255)
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    assert open_image(packed(palette, "PNG", transparency=0)).getpixel((0, 0)) == (255, 255, 255)
    assert open_image(packed(palette, "GIF", transparency=0)).getpixel((0, 0)) == (255, 255, 255)
    keyed = Image.new("RGB", (8, 8), (1, 2, 3))
    assert open_image(packed(keyed, "PNG", transparency=(1, 2, 3))).getpixel((0, 0)) == (255, 255, 255)


def test_sixteen_bits_are_scaled_and_not_cut():
    ramp = np.array([[0, 32768, 65535]], dtype=np.uint16)
    for kind in ("PNG", "TIFF"):
        levels = np.asarray(open_image(packed(Image.fromarray(ramp), kind)))[0, :, 0]
        assert levels.tolist() == [0, 128, 255]


def test_floats_are_shown_whatever_their_range():
    for values, wanted in [
        ([0, 0.5, 1], [0, 128, 255]),
        ([-1, 0, 1], [0, 128, 255]),
        ([np.nan, 0, 1], [0, 0, 255]),
        ([0, 128, 255], [0, 128, 255]),
        ([-5, -5, -5], [0, 0, 0]),
    ]:
        data = packed(Image.fromarray(np.array([values], dtype=np.float32)), "TIFF")
        assert np.asarray(open_image(data))[0, :, 0].tolist() == wanted


def test_a_moving_gif_gives_its_first_frame():
    frames = [Image.new("RGB", (10, 10), color) for color in ("lime", "red")]
    data = packed(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert open_image(data).getpixel((5, 5)) == (0, 255, 0)


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(9_460, 9_460), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_bombs_are_refused_before_decoding_and_without_a_warning(size):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "too large" in reason(png_header(*size))


def test_the_limit_can_be_set():
    data = packed(halves(), "PNG")
    assert open_image(data, max_pixels=2400).size == (60, 40)
    with pytest.raises(ImageError, match="too large: 60 x 40 px"):
        open_image(data, max_pixels=2399)
    assert MAX_PIXELS < 90_000_000


def test_draft_decoding_is_never_smaller_than_asked():
    data = packed(halves((1200, 800)), "JPEG")
    assert open_image(data).size == (1200, 800)
    assert open_image(data, at_least=100).size == (150, 100)
    assert open_image(data, at_least=101).size == (300, 200)
    assert open_image(data, at_least=800).size == (1200, 800)
    assert open_image(data, at_least=9000).size == (1200, 800)
    assert open_image(packed(halves((1200, 800)), "PNG"), at_least=100).size == (1200, 800)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12),
    st.floats(0, 1),
)
def test_damage_never_raises_anything_but_image_error(kind, damage, cut):
    data = bytearray(packed(halves((32, 24)), kind))
    for place, value in damage:
        data[int(place * (len(data) - 1))] = value
    data = bytes(data[: int(len(data) * max(cut, 0.3))])
    for read in (open_image, check_image):
        try:
            read(data)
        except ImageError as error:
            assert str(error)  # noqa: PT017 - either outcome is right, but a refusal has a reason


@given(st.binary(max_size=64))
def test_any_bytes_are_an_image_or_have_a_reason(data):
    with pytest.raises(ImageError):
        open_image(data)


# ---------------------------------------------------------------- a file whose pixels are all there


def noise(size=(64, 48)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 30}])
def test_a_jpeg_without_its_end_marker_is_read_and_one_without_its_last_pixels_is_not(options):
    data = packed(noise(), "JPEG", **options)
    assert check_image(data[:-2]) == (64, 48)
    assert open_image(data[:-2]).tobytes() == open_image(data).tobytes()
    for lost in (6, 60, 600):
        assert "cut off" in reason(data[:-lost])
        with pytest.raises(ImageError, match="cut off"):
            check_image(data[:-lost])


def test_an_end_that_holds_no_pixels_may_be_missing():
    exif = Image.Exif()
    exif[0x010F] = "Maker" * 50
    for data in (
        packed(noise(), "PNG")[:-12],
        packed(noise(), "GIF")[:-1],
        packed(noise(), "WEBP", exif=exif.tobytes())[:-30],
    ):
        assert check_image(data) == open_image(data).size == (64, 48)


def test_texts_that_are_too_long_for_pillow_are_left_out():
    texts = PngImagePlugin.PngInfo()
    texts.add_text("long", "x" * 2**21, zip=True)
    data = packed(noise(), "PNG", pnginfo=texts)
    with pytest.raises(ValueError, match="too large"):
        Image.open(io.BytesIO(data)).load()
    assert check_image(data) == (64, 48)
    assert open_image(data).tobytes() == noise().tobytes()
    words = packed(halves(), "GIF", comment=b"words " * 40_000)
    (short,) = structure.gif_variants(words)
    assert len(short) < 5_000
    assert open_image(words).tobytes() == open_image(short).tobytes()


def test_frames_of_a_gif_are_counted_to_a_limit():
    frames = [Image.new("L", (8, 8), level) for level in range(30)]
    data = packed(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (structure.gif_frames(data), structure.gif_frames(data, 7)) == (30, 7)


# ---------------------------------------------------------------- deep gray


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_deep_gray_is_scaled_by_the_bits_in_use(kind, bits):
    top = 2**bits - 1
    values = np.array([[0, top // 2, top * 7 // 8]], dtype=np.uint16)
    levels = np.asarray(open_image(packed(Image.fromarray(values), kind)))[0, :, 0]
    assert levels.tolist() == pytest.approx([0, 127.5, 223], abs=1)


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_hot_pixels_do_not_darken_deep_gray(bits):
    top = 2**bits - 1
    values = np.full((64, 64), top // 2, dtype=np.uint16)
    values[0, :4] = 65535  # of 4,096 px
    for kind in ("PNG", "TIFF"):
        levels = np.asarray(open_image(packed(Image.fromarray(values), kind)))[..., 0]
        assert (levels[0, 0], levels[9, 9]) == (255, pytest.approx(127, abs=1))
    values[0, :5] = 65535  # more than a thousandth are no hot pixels
    levels = np.asarray(open_image(packed(Image.fromarray(values), "PNG")))[..., 0]
    assert levels[9, 9] == pytest.approx(top / 2 / 257, abs=1)


@pytest.mark.parametrize(("greatest", "level"), [(1.0, 128), (1.04, 128), (2.0, 1)])
def test_floats_a_little_above_one_are_from_0_to_1(greatest, level):
    values = np.full((8, 8), 0.5, dtype=np.float32)
    values[0, 0] = greatest
    shown = np.asarray(open_image(packed(Image.fromarray(values), "TIFF")))[..., 0]
    assert shown[4, 4] == pytest.approx(level, abs=1)


def test_few_bright_values_on_black_are_not_all_white():
    values = np.zeros((64, 64), dtype=np.uint16)
    values[0, :4] = 1, 60, 120, 200
    shown = np.asarray(open_image(packed(Image.fromarray(values), "PNG")))[..., 0]
    assert shown[0, :4].tolist() == [1, 60, 120, 200]


# ---------------------------------------------------------------- bounds


def dib(width, height, body, compression=1) -> bytes:
    start = 54 + 1024
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, len(body), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + head + bytes(range(256)) * 4 + body


def claiming_tiff(n_entries=2000) -> bytes:
    """Every entry of its directory says that it holds all of the file."""
    n_bytes = 8 + 2 + 12 * n_entries + 4
    entries = b"".join(struct.pack("<HHII", 40_000 + n, 1, n_bytes, 0) for n in range(n_entries))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", n_entries) + entries + bytes(4)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (dib(70_000, 1, b"\x10\1\0\1"), "the limit for a side is 65,535"),
        (dib(60_000, 1_000, b"\x10\1\0\1"), "slow to read"),
        (b"P3 3000 3000 255\n" + b"1 2 3\n" * 50, "slow to read"),
        (b"P5 9000 9000 1000\n" + bytes(500), "slow to read"),
        (b"P6 " + b"# words\n" * 1000, "broken PPM"),
        (claiming_tiff(), "whose entries say that they hold"),
    ],
)
def test_small_files_that_take_minutes_or_gigabytes_are_refused(data, words):
    for read in (open_image, check_image):
        with pytest.raises(ImageError, match=words):
            read(data)


def test_a_jpeg_of_thousands_of_scans_is_refused():
    data = packed(Image.new("L", (8000, 6000)), "JPEG", progressive=True)
    scan = data.rindex(b"\xff\xda")
    many = data[:-2] + data[scan:-2] * 100 + data[-2:]
    assert check_image(data) == (8000, 6000)
    with pytest.raises(ImageError, match="scans") as caught:
        check_image(many)
    assert caught.value.kind == "refused"


def test_scans_are_counted_up_to_the_end_of_the_image():
    data = packed(noise(), "JPEG", progressive=True)
    n_scans = structure.jpeg_scans(data)
    assert 5 < n_scans < 15
    assert structure.jpeg_scans(data + b"\xff\xda" * 1000) == n_scans  # as the video of a motion photo
    scan = data.rindex(b"\xff\xda")
    for hidden in (b"\xff\xfe\0\4\xff\xd9", b"\xff\x01\xff\xff"):  # an end in a comment; no length
        assert structure.jpeg_scans(data[:scan] + hidden + data[scan:-2] * 100 + data[-2:]) == n_scans + 99


def test_an_exif_block_that_would_take_gigabytes_turns_nothing():
    n = 4000
    entries = b"".join(struct.pack("<HHII", 1000 + each, 1, 60_000, 8) for each in range(n))
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", n) + entries
    data = packed(halves(), "JPEG", exif=b"Exif\0\0" + block.ljust(60_000, b"\0"))
    assert len(structure.jpeg_variants(data)[0]) < 2_000
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow warns of every entry that it tries
        assert open_image(data).size == check_image(data) == (60, 40)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "I;16", "F", "CMYK"])
def test_a_large_image_is_converted_strip_by_strip_and_shrunk(monkeypatch, mode):
    image = noise((300, 200)).convert("L" if mode in {"I;16", "F"} else "RGB").convert(mode)
    data = packed(image, "TIFF" if mode in {"F", "CMYK"} else "PNG")
    whole = open_image(data, at_least=10)
    assert whole.size == (300, 200)
    monkeypatch.setattr(modes, "_STRIP", 2_000)
    assert open_image(data).tobytes() == whole.tobytes()
    small = open_image(data, at_least=20)
    assert small.size == (60, 40)
    assert small.tobytes() == whole.reduce(5).tobytes()


def test_threads_share_the_room_for_bytes(monkeypatch):
    room, most, held = Room(10 * 2**20), [], []
    lock = threading.Lock()

    def work(n_bytes):
        with room.take(n_bytes), lock:
            held.append(n_bytes)
            most.append(room.n_bytes - room._free)
        return n_bytes

    sizes = [3 * 2**20, 4 * 2**20, 9 * 2**20, 50 * 2**20] * 5
    threads = [threading.Thread(target=work, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(held) == sorted(sizes)
    assert max(most) <= room.n_bytes
    assert room._free == room.n_bytes

    monkeypatch.setattr(limits, "_BYTES_A_PIXEL", 1e-5)
    with pytest.raises(ImageError, match="GB of memory") as caught:
        open_image(packed(halves(), "PNG"))
    assert caught.value.kind == "refused"


@pytest.mark.parametrize(
    "error",
    [
        IndexError("x"),
        TypeError("x"),
        MemoryError(),
        SyntaxError("x"),
        struct.error("x"),
        RecursionError("x"),
    ],
)
@pytest.mark.parametrize("place", ["jpeg_is_whole", "jpeg_variants"])
def test_whatever_a_file_raises_becomes_its_reason(monkeypatch, error, place):
    def broken(*_):
        raise error

    data = packed(halves(), "JPEG")[:-2]
    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", broken)
    monkeypatch.setattr(structure, place, broken)
    for read in (open_image, check_image):
        with pytest.raises(ImageError, match=r"broken|memory|cut off"):
            read(data)
