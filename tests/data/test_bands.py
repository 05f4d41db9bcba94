"""Images of any number of bands: arrays, TIFFs of all layouts, photos; and files that mean harm."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import sys
import zlib
from types import ModuleType

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from made_data import packed
from PIL import Image

from bearwidgets.data.cache.thumbs import make_thumbnail
from bearwidgets.data.dataset import Dataset
from bearwidgets.data.formats import rasters
from bearwidgets.data.formats.bands import image_of_array, open_bands
from bearwidgets.data.formats.images import check_image, open_image
from bearwidgets.data.formats.rasters import as_floats
from bearwidgets.errors import BadInputError, ImageError

HEIGHT, WIDTH = 12, 20


def values(bands: int, dtype="uint8") -> np.ndarray:
    """Some values (h, w, bands) over the whole range of the type."""
    generator = np.random.default_rng(bands)
    if np.dtype(dtype).kind == "f":
        return generator.normal(size=(HEIGHT, WIDTH, bands)).astype(dtype)
    bounds = np.iinfo(dtype)
    return generator.integers(bounds.min, bounds.max, (HEIGHT, WIDTH, bands), dtype=dtype, endpoint=True)


def npy(array: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **options)
    return stream.getvalue()


def tiff(array: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **{"photometric": "minisblack", **options})
    return stream.getvalue()


def reason(data: bytes, in_chans: int, open=open_bands) -> str:  # noqa: A002
    with pytest.raises(ImageError) as caught:
        open(data, in_chans) if open is open_bands else open(data)
    return str(caught.value)


LAYOUTS = {
    "npy": npy,
    "npy, bands first": lambda array: npy(np.ascontiguousarray(np.moveaxis(array, -1, 0))),
    "npy, first axis fastest": lambda array: npy(np.asfortranarray(array)),
    "npy, other byte order": lambda array: npy(array.astype(array.dtype.newbyteorder(">"))),
    "npy, version 2": lambda array: npy(array, version=(2, 0)),
    "interleaved": lambda array: tiff(array, planarconfig="contig"),
    "planar": lambda array: tiff(np.moveaxis(array, -1, 0), planarconfig="separate"),
    "planar, deflated": lambda array: tiff(np.moveaxis(array, -1, 0), planarconfig="separate", compression=8),
    "tiled, deflated": lambda array: tiff(array, planarconfig="contig", tile=(16, 16), compression="zlib"),
    "predicted": lambda array: tiff(array, planarconfig="contig", compression="zlib", predictor=2),
    "strips of one row": lambda array: tiff(array, planarconfig="contig", rowsperstrip=1),
    "big": lambda array: tiff(array, planarconfig="contig", bigtiff=True),
    "big-endian": lambda array: tiff(array, planarconfig="contig", byteorder=">"),
    "pages": lambda array: tiff(np.ascontiguousarray(np.moveaxis(array, -1, 0))),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bands", [2, 4, 5, 11])
def test_every_layout_gives_the_same_bands(tmp_path, layout, bands):
    array = values(bands, "uint16")
    path = tmp_path / "x.bin"
    path.write_bytes(LAYOUTS[layout](array))
    for source in (path, str(path), path.read_bytes()):
        image = open_bands(source, bands)
        assert (image.dtype, image.shape) == (np.float32, (HEIGHT, WIDTH, bands))
        assert image.flags.c_contiguous
        np.testing.assert_array_equal(image, array.astype(np.float32) / np.float32(65535))
    assert check_image(path.read_bytes()) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int8", "int16", "float32", "float64"])
@pytest.mark.parametrize("layout", ["npy", "interleaved", "planar", "pages"])
def test_whole_numbers_are_scaled_by_their_type_and_floats_kept(dtype, layout):
    array = values(6, dtype)
    image = open_bands(LAYOUTS[layout](array), 6)
    scale = 1 if array.dtype.kind == "f" else np.iinfo(dtype).max
    np.testing.assert_allclose(image, array / scale, rtol=1e-6)


def test_scales_by_hand():
    assert as_floats(np.array([[[0, 51, 255]]], np.uint8)).ravel().tolist() == [0, np.float32(0.2), 1]
    assert as_floats(np.array([[[-32767, 0, 32767]]], np.int16)).ravel().tolist() == [-1, 0, 1]
    assert as_floats(np.array([[[False, True]]])).ravel().tolist() == [0, 1]
    few = as_floats(
        np.array([[[0, 1, 255]]], np.int64)
    ).ravel()  # a small part of the range is not rounded away
    assert few[2] / few[1] == pytest.approx(255)


def test_what_is_no_number_becomes_the_mean_of_its_band():
    array = np.zeros((2, 2, 4), np.float32)
    array[..., 0] = [[1, 3], [np.nan, np.inf]]
    array[..., 1] = [[5, -np.inf], [7, 9]]
    array[..., 2] = np.nan
    image = as_floats(array)
    assert image[..., 0].tolist() == [[1, 3], [2, 2]]
    assert image[..., 1].tolist() == [[5, 7], [7, 9]]
    assert not image[..., 2].any()
    huge = as_floats(np.array([[[1e300], [2.0]]]))
    assert huge.ravel().tolist() == [2, 2]
    assert "not one of its values" in reason(npy(np.full((4, 5), np.nan)), 1)


@given(arrays.arrays(np.float64, (3, 4, 2), elements=st.floats(allow_nan=True, allow_infinity=True)))
@settings(max_examples=60, deadline=None)
def test_floats_that_come_out_are_always_finite(array):
    try:
        image = as_floats(array)
    except ImageError:
        assert not np.isfinite(array.astype(np.float32)).any()
    else:
        assert np.isfinite(image).all()


def test_bytes_of_one_and_three_bands_are_pillow_images():
    gray, colors = values(1), values(3)
    for data in (npy(gray[..., 0]), npy(gray), tiff(gray[..., 0])):
        image = open_bands(data, 1)
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), gray[..., 0])
    for data in (npy(colors), tiff(colors, photometric="rgb"), tiff(colors, planarconfig="contig")):
        image = open_bands(data, 3)
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image), colors)
    assert open_bands(npy(values(3, "float32")), 3).dtype == np.float32


def test_deep_grey_is_not_cut_to_eight_bits():
    deep = values(1, "uint16")[..., 0]
    wanted = deep.astype(np.float32) / np.float32(65535)
    for data in (
        packed(Image.fromarray(deep), "PNG"),
        packed(Image.fromarray(deep), "TIFF"),
        packed(Image.fromarray(deep), "TIFF", compression="tiff_lzw"),
        npy(deep),
    ):
        image = open_bands(data, 1)
        assert image.shape == (HEIGHT, WIDTH, 1)
        np.testing.assert_array_equal(image[..., 0], wanted)
    floats = values(1, "float32")[..., 0]
    np.testing.assert_array_equal(open_bands(packed(Image.fromarray(floats), "TIFF"), 1)[..., 0], floats)
    signed = values(1, "int16")[..., 0]
    np.testing.assert_array_equal(open_bands(tiff(signed), 1)[..., 0], signed / np.float32(32767))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_photos_are_what_they_always_were(kind):
    data = packed(Image.fromarray(values(3)), kind)
    plain = open_image(data)
    assert np.array_equal(np.asarray(open_bands(data, 3)), np.asarray(plain))
    gray = open_bands(data, 1)
    assert gray.mode == "L"
    assert np.array_equal(np.asarray(gray), np.asarray(plain.convert("L")))


def test_photos_are_turned_and_large_ones_drafted():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = packed(Image.new("RGB", (800, 400), "red"), "JPEG", exif=exif.tobytes())
    assert open_bands(data, 3).size == (400, 800)
    assert open_bands(data, 3, at_least=100).size == (100, 200)
    assert open_bands(data, 1, at_least=100).size == (100, 200)
    deep = Image.fromarray(values(1, "uint16")[..., 0])
    assert open_bands(packed(deep, "PNG", exif=exif.tobytes()), 1).shape == (WIDTH, HEIGHT, 1)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("mode", "bands"), [("RGBA", 4), ("LA", 2)])
def test_other_modes_of_pillow_give_their_own_bands(kind, mode, bands):
    image = Image.fromarray(values(4), "RGBA").convert(mode)
    opened = open_bands(packed(image, kind), bands)
    np.testing.assert_array_equal(opened, np.asarray(image) / np.float32(255))


def test_pages_that_pillow_wrote():
    pages = [Image.fromarray(values(13, "uint16")[..., band]) for band in range(13)]
    data = packed(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(open_bands(data, 13), values(13, "uint16") / np.float32(65535))
    preview = Image.fromarray(np.zeros((3, 4), np.uint16))
    data = packed(pages[0], "TIFF", save_all=True, append_images=[preview, pages[1]])
    np.testing.assert_array_equal(open_bands(data, 2), values(13, "uint16")[..., :2] / np.float32(65535))


@pytest.mark.parametrize("dtype", ["uint16", "int16"])  # Pillow reads the one, tifffile the other
def test_reduced_copies_are_no_bands(dtype):
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as file:
        for band in range(3):
            file.write(values(3, dtype)[..., band], contiguous=False)
            file.write(np.full((HEIGHT, WIDTH), 7, dtype), subfiletype=1)
    image = open_bands(stream.getvalue(), 3)
    np.testing.assert_array_equal(image, values(3, dtype) / np.float32(np.iinfo(dtype).max))


def test_colors_multiplied_by_alpha_are_not_divided_again():
    array = values(4)
    data = tiff(array, photometric="rgb", extrasamples=["assocalpha"])
    np.testing.assert_array_equal(open_bands(data, 4), array / np.float32(255))


def test_a_set_is_read_again_once_a_missing_package_is_there(tmp_path, make_images, monkeypatch):
    root = make_images(tmp_path / "set", {"a": 2, "b": 2})
    (root / "a" / "many.tif").write_bytes(patched(LAYOUTS["planar"](values(5, "uint16")), 259, 5))  # LZW
    os.utime(root / "a" / "many.tif", (10**9, 10**9))  # old enough to be remembered
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "imagecodecs", None)
        (reason,) = Dataset.from_folder(root).problems["reason"]
        assert "pip install imagecodecs" in reason
    monkeypatch.setitem(sys.modules, "imagecodecs", ModuleType("imagecodecs"))
    assert len(Dataset.from_folder(root)) == 5


@pytest.mark.parametrize(
    ("data", "in_chans", "found"),
    [
        (npy(values(5)), 3, 5),
        (npy(values(5)), 1, 5),
        (npy(values(3)), 5, 3),
        (npy(values(1)[..., 0]), 3, 1),
        (LAYOUTS["planar"](values(13)), 12, 13),
        (tiff(values(5), photometric="rgb"), 3, 5),
        (LAYOUTS["pages"](values(5, "uint16")), 4, 5),
        (packed(Image.fromarray(values(3)), "PNG"), 5, 3),
        (packed(Image.fromarray(values(3)), "JPEG"), 4, 3),
        (packed(Image.fromarray(values(1)[..., 0]), "PNG"), 2, 1),
        (packed(Image.fromarray(values(3)).convert("P"), "GIF"), 4, 3),
    ],
)
def test_other_bands_than_asked_for_are_named(data, in_chans, found):
    words = reason(data, in_chans)
    assert f"it has {found} band" in words
    assert f"in_chans={in_chans} is asked for" in words


@pytest.mark.parametrize("in_chans", [0, -1, 2.0, "3", True, None])
def test_an_odd_number_of_bands_is_refused(in_chans):
    with pytest.raises(BadInputError, match="in_chans is"):
        open_bands(npy(values(3)), in_chans)


@pytest.mark.parametrize(
    "shape", [(), (7,), (4, 5, 4), (5, 5, 5), (6, 3, 6), (2, 3, 4, 5), (1,) * 20, (20, 12, 13)[::-1]]
)
def test_shapes_that_are_no_image_or_several_are_refused(shape):
    array = np.zeros(shape, np.uint8)
    if shape == (13, 12, 20):
        assert "(13, 12, 20)" in reason(npy(array), 13)
    for look in (open_image, check_image):
        assert "is no image; allowed are" in reason(npy(array), 3, look)


def test_bands_may_come_first_or_last():
    assert check_image(npy(np.zeros((5, 20, 30), np.uint8))) == (30, 20)
    assert check_image(npy(np.zeros((20, 30, 5), np.uint8))) == (30, 20)
    assert check_image(npy(np.zeros((20, 30), np.uint8))) == (30, 20)
    assert image_of_array(np.ones((5, 20, 30)), 5).shape == (20, 30, 5)
    assert image_of_array(np.ones((20, 30), np.uint8), 1).mode == "L"
    with pytest.raises(ImageError, match="Python objects"):
        image_of_array(np.array([[None]]), 1)


class Harm:
    """Leaves a trace if it is ever unpickled."""

    def __reduce__(self):
        return exec, ("import sys; sys.modules['harm_was_done'] = sys",)


def header(text: str, version: bytes = b"\x01\x00") -> bytes:
    body = text.encode().ljust(118) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(body)) + body


def described(descr: str, shape: str, data: bytes = b"\0" * 100) -> bytes:
    return header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}") + data


HOSTILE = {
    "objects": (npy(np.array([[Harm(), 1], [2, 3]], dtype=object), allow_pickle=True), "Python objects"),
    "a pickle with the name of an array": (pickle.dumps(Harm()), "not an image"),
    "objects by header": (described("'|O'", "(4, 5)"), "Python objects"),
    "objects in a record": (described("[('a', '|O')]", "(4, 5)"), "Python objects"),
    "records": (described("[('a', '<f4')]", "(4, 5)"), "of type"),
    "texts": (npy(np.full((4, 5), "abc")), "of type <U3"),
    "times": (npy(np.zeros((4, 5), "datetime64[s]")), "of type datetime64"),
    "complex": (npy(np.zeros((4, 5), complex)), "of type complex128"),
    "huge": (described("'<f4'", "(1000000, 1000000)"), "too large"),
    "huge, many bands": (described("'|u1'", "(8000, 8000, 7000)"), "too large"),
    "more than any number": (described("'<f4'", f"({10**30}, {10**30})"), "too large"),
    "negative": (described("'<f4'", "(-4, -5)"), "there is no image"),
    "empty": (described("'<f4'", "(0, 5)"), "there is no image"),
    "no bands": (described("'<f4'", "(4, 5, 0)"), "there is no image"),
    "cut off": (npy(values(5))[:-1], "cut off"),
    "only a header": (described("'<f4'", "(10, 10)", b""), "cut off"),
    "code in the header": (header("__import__('os').system('false')"), "broken NumPy"),
    "deep nesting": (header("(" * 110), "broken NumPy"),
    "floats for a shape": (described("'<f4'", "(4.0, 5.0)"), "broken NumPy"),
    "no type": (described("'nonsense'", "(4, 5)"), "broken NumPy"),
    "of the future": (header("{}", b"\x09\x00"), "broken NumPy"),
    "an endless header": (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{", "broken NumPy"),
    "an archive": (b"PK\x03\x04" + b"\0" * 40, "ZIP"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_arrays_are_refused_unread(tmp_path, case):
    data, words = HOSTILE[case]
    path = tmp_path / "x.npy"
    path.write_bytes(data)
    for source in (data, path):
        with pytest.raises(ImageError, match=words):
            open_bands(source, 5)
        with pytest.raises(ImageError, match=words):
            open_image(source)
    with pytest.raises(ImageError, match=words):
        check_image(data)
    assert "harm_was_done" not in sys.modules


def test_the_limit_counts_px():
    data = npy(values(5))
    assert open_bands(data, 5, max_pixels=HEIGHT * WIDTH).shape == (HEIGHT, WIDTH, 5)
    for data in (npy(values(5)), LAYOUTS["planar"](values(5)), LAYOUTS["pages"](values(5, "uint16"))):
        with pytest.raises(ImageError, match="too large: 20 x 12 px"):
            open_bands(data, 5, max_pixels=HEIGHT * WIDTH - 1)


def entry_of(data: bytes, tag: int) -> int:
    """Where the entry of a tag lies in the first directory of a little-endian TIFF."""
    start = struct.unpack_from("<I", data, 4)[0]
    (count,) = struct.unpack_from("<H", data, start)
    entries = range(start + 2, start + 2 + 12 * count, 12)
    return next(entry for entry in entries if struct.unpack_from("<H", data, entry) == (tag,))


def number_in(data: bytes, tag: int) -> int:
    """Where the first of several numbers of a tag lies."""
    return struct.unpack_from("<I", data, entry_of(data, tag) + 8)[0]


def patched(data: bytes, tag: int, value: int) -> bytes:
    """The TIFF with another number in a tag."""
    entry = entry_of(data, tag)
    changed = bytearray(data)
    kind = struct.unpack_from("<H", data, entry + 2)
    struct.pack_into("<H" if kind == (3,) else "<I", changed, entry + 8, value)
    return bytes(changed)


def test_a_strip_that_inflates_without_end_is_refused():
    data = LAYOUTS["planar, deflated"](values(5))
    bomb = zlib.compress(bytes(2**26), 9)
    changed = bytearray(data + bomb)
    for tag, value in ((273, len(data)), (279, len(bomb))):  # where the first plane lies, and its bytes
        struct.pack_into("<I", changed, number_in(data, tag), value)
    assert "more than the image" in reason(bytes(changed), 5)


@pytest.mark.parametrize(
    ("tag", "value", "words"),
    [
        (256, 2**31, "too large"),
        (257, 0, "no image"),
        (277, 60000, "broken"),
        (259, 50001, "compressed by method 50001"),
        (259, 5, "imagecodecs"),
        (322, 2**30, "too large|broken"),
    ],
)
def test_hostile_tags_are_refused(tag, value, words):
    data = patched(LAYOUTS["tiled, deflated"](values(5)), tag, value)
    for look in (lambda data: open_bands(data, 5), check_image):
        with pytest.raises(ImageError, match=words):
            look(data)


def test_directories_in_a_circle_end():
    data = tiff(np.moveaxis(values(2, "uint16"), -1, 0))
    first = struct.unpack_from("<I", data, 4)[0]
    second_link = first + 2 + 12 * struct.unpack_from("<H", data, first)[0]
    second = struct.unpack_from("<I", data, second_link)[0]
    changed = bytearray(data)
    struct.pack_into("<I", changed, second + 2 + 12 * struct.unpack_from("<H", data, second)[0], first)
    assert check_image(bytes(changed)) == (WIDTH, HEIGHT)


def test_a_page_with_a_depth_is_refused():
    data = bytearray(LAYOUTS["tiled, deflated"](values(5)))
    # In place of "software": a depth, which Pillow does not know and which makes the page many times larger.
    struct.pack_into("<HHII", data, entry_of(bytes(data), 305), 32997, 4, 1, 9)
    assert "without a depth" in reason(bytes(data), 5)


def test_complex_and_odd_tiffs_are_refused():
    assert "of an odd type" in reason(tiff(values(1, "float32")[..., 0].astype(np.complex64)), 1)


@pytest.mark.parametrize("layout", ["npy", "interleaved", "planar, deflated", "tiled, deflated", "pages"])
@given(damage=st.binary(min_size=1, max_size=8), place=st.floats(0, 1), cut=st.floats(0.05, 1))
@settings(max_examples=50, deadline=None)
def test_damage_never_raises_anything_but_image_error(layout, damage, place, cut):
    data = LAYOUTS[layout](values(5, "uint16"))
    at = int(place * len(data))
    data = (data[:at] + damage + data[at + len(damage) :])[: int(len(data) * cut)]
    for look in (open_image, check_image, lambda data: open_bands(data, 5), lambda data: open_bands(data, 3)):
        with contextlib.suppress(ImageError):
            look(data)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_cut_off_files_are_seen_without_decoding(layout, share):
    data = LAYOUTS[layout](values(5, "uint16"))
    with pytest.raises(ImageError):
        check_image(data[: int(len(data) * share)])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_turns_arrays_of_bands_as_it_turns_photos(orientation):
    tag = (274, "H", 1, orientation, True)
    photo = open_image(tiff(values(3), photometric="rgb", extratags=[tag]))
    for array in (values(5), np.moveaxis(values(5), -1, 0)):
        planar = "contig" if array.shape[-1] == 5 else "separate"
        array[..., :3] = values(3) if planar == "contig" else array[..., :3]
        data = tiff(array, planarconfig=planar, extratags=[tag])
        turned = open_bands(data, 5)
        assert turned.shape[1::-1] == photo.size == check_image(data)
        if planar == "contig":
            np.testing.assert_array_equal((turned[..., :3] * 255).round(), np.asarray(photo))


def test_planar_photos_of_sixteen_bits_are_not_mixed_up():
    array = values(3, "uint16")
    data = tiff(np.moveaxis(array, -1, 0), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(open_bands(data, 3), array / np.float32(65535))


def test_the_view_stretches_the_first_three_bands():
    array = np.zeros((100, 100, 5), np.float32)
    array[..., 0] = np.linspace(-7, 7, 100)[:, None]
    array[..., 1] = 3.5
    array[..., 2] = np.linspace(0, 1e6, 100)[None, :]
    array[0, 0] = np.nan
    pixels = np.asarray(open_image(npy(array)))
    assert pixels.shape == (100, 100, 3)
    assert (pixels[0, 1:, 0] == 0).all()
    assert (pixels[-1, :, 0] == 255).all()
    assert abs(int(pixels[50, 5, 0]) - 128) < 3
    assert (pixels[..., 1] <= 1).all()
    assert (pixels[1:, -1, 2] == 255).all()
    low, high = np.percentile(np.linspace(-7, 7, 100), (2, 98))
    assert pixels[25, 5, 0] == round(255 * (array[25, 5, 0] - low) / (high - low))


def test_the_view_of_deep_pages_is_stretched():
    pixels = np.asarray(open_image(LAYOUTS["pages"](values(5, "uint16") // 16)))
    assert pixels.max() == 255
    assert (pixels[..., 0] != pixels[..., 1]).any()


def test_the_view_of_one_or_two_bands_is_grey_and_of_bytes_as_it_is():
    for bands in (1, 2):
        pixels = np.asarray(open_image(npy(values(bands, "uint16"))))
        assert (pixels == pixels[..., :1]).all()
    np.testing.assert_array_equal(np.asarray(open_image(npy(values(3)))), values(3))
    np.testing.assert_array_equal(np.asarray(open_image(npy(values(1))))[..., 1], values(1)[..., 0])


def test_a_set_of_five_bands_from_folder_to_thumbnails(tmp_path):
    generator = np.random.default_rng(0)
    for name in ("wheat", "maize"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(6):
            shape = (24 + number, 40, 5) if name == "wheat" else (5, 30, 20)
            np.save(
                tmp_path / "set" / name / f"{number}.npy", generator.normal(size=shape).astype(np.float32)
            )
    (tmp_path / "set" / "maize" / "many.tif").write_bytes(LAYOUTS["planar"](values(5)))
    (tmp_path / "set" / "maize" / "broken.npy").write_bytes(npy(values(5))[:-9])
    (tmp_path / "set" / "maize" / "labels.npy").write_bytes(npy(np.arange(9)))
    (tmp_path / "set" / "loose.npy").write_bytes(npy(values(5)))
    ds = Dataset.from_folder(tmp_path / "set")
    assert len(ds) == 13
    assert dict(zip(ds.problems["path"], ds.problems["reason"].str[:7], strict=True)) == {
        "loose.npy": "lies in",
        "maize/broken.npy": "cut off",
        "maize/labels.npy": "an arra",
    }
    sizes = ds.table.set_index("path")[["width", "height"]].apply(tuple, axis=1).to_dict()
    assert sizes["wheat/3.npy"] == (40, 27)
    assert sizes["maize/0.npy"] == (20, 30)
    assert sizes["maize/many.tif"] == (WIDTH, HEIGHT)
    for id_, size in zip(
        ds.table["id"], zip(ds.table["width"], ds.table["height"], strict=True), strict=True
    ):
        assert open_bands(ds.path_of(id_), 5).shape == (size[1], size[0], 5)
        thumbnail = Image.open(io.BytesIO(make_thumbnail(ds.path_of(id_), 160)))
        assert (thumbnail.mode, thumbnail.size) == ("RGB", size)
        assert np.asarray(thumbnail).std() > 20
    listed = Dataset.from_df(ds.table[["path", "label"]], root=ds.root)
    assert listed.table.equals(ds.table)


def test_a_shape_of_other_than_whole_numbers_is_refused():
    good = npy(np.zeros((10, 30), np.uint8))
    data = good.replace(b"(10, 30)", b"(True, 30)")[:128] + good[128:]
    assert "its shape is (True, 30)" in reason(data, 1)
    with pytest.raises(ImageError):
        check_image(data)


def test_a_view_is_made_strip_by_strip(monkeypatch):
    array = values(5, "float32")
    array[3, 4, 0] = np.nan
    whole = open_image(npy(array))
    monkeypatch.setattr(rasters, "_STRIP", 7)
    assert open_image(npy(array)).tobytes() == whole.tobytes()
