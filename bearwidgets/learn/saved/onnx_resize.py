"""`transforms.Resize` as an ONNX graph, so that an exported network resizes images itself.

It takes Pillow's two steps: means of whole blocks of pixels where an image shrinks by four or more, then the operator
Resize with antialias, whose kernels are Pillow's. All sizes are computed while the network runs, so height and width
stay free. Lengths and places are tensors (2,), of rows and columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bearwidgets.errors import BadInputError

if TYPE_CHECKING:
    from bearwidgets.data.augment.transforms import Resize

OPSET = 18  # the first one whose Resize has antialias
REDUCING_GAP = 2  # what `Resize` gives Pillow: the kernel is left to shrink at least so many times
KERNELS = {  # interpolation → px of the output that a kernel sees to either side, attributes of the operator
    "bilinear": (1, {"mode": "linear"}),
    "bicubic": (2, {"mode": "cubic", "cubic_coeff_a": -0.5}),
}
FIXED_POINT = 2**24
FLOAT, UINT8, INT32, INT64, DOUBLE = 1, 2, 6, 7, 11  # ONNX's numbers for these types
# the operator rounds its size down: an exact product must not end just below a whole number
NUDGE = 1.0000005


class _Nodes:
    """The nodes of a graph; called with an operator and its inputs, it adds one and gives the name of the result."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def __call__(self, operator: str, *inputs: str | list[int] | list[float], **attributes: Any) -> str:
        from onnx import helper

        names = [each if isinstance(each, str) else self._constant(each) for each in inputs]
        self.made.append(helper.make_node(operator, names, [f"resize/{len(self.made)}"], **attributes))
        return self.made[-1].output[0]

    def _constant(self, values: list[int] | list[float]) -> str:
        from onnx import numpy_helper

        kind = np.float32 if isinstance(values[0], float) else np.int64
        return self("Constant", value=numpy_helper.from_array(np.array(values, kind)))


def resize_model(resize: Resize, bands: int, source: str, target: str, *, photo: bool) -> Any:
    """An ONNX model from images (n, height, width, bands) to values (n, bands, size, size), float32.

    The input is uint8 for photos, each step then rounds, as Pillow does, and values are from 0 to 255; else float32.
    """
    from onnx import helper

    if resize.interpolation not in KERNELS:
        raise BadInputError(
            f"ONNX cannot resize with {resize.interpolation!r}; allowed are {' and '.join(map(repr, KERNELS))}."
        )
    op = _Nodes()
    image = op("Transpose", source, perm=[0, 3, 1, 2])
    start, shown, inner = _frame(op, op("Shape", image, start=2), resize)
    image, start, shown = _shrink(op, image, start, shown, inner, resize, photo=photo)
    image = _resample(op, image, start, shown, inner, resize)
    if resize.method == "pad":
        rest = op("Sub", [resize.size, resize.size], inner)
        before = op("Div", rest, [2])
        image = op("Pad", image, op("Concat", [0, 0], before, [0, 0], op("Sub", rest, before), axis=0))
    op.made.append(helper.make_node("Cast", [image], [target], to=FLOAT))
    kind = UINT8 if photo else FLOAT
    graph = helper.make_graph(
        op.made,
        "resize",
        [helper.make_tensor_value_info(source, kind, ["n", "height", "width", bands])],
        [helper.make_tensor_value_info(target, FLOAT, ["n", bands, resize.size, resize.size])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])


def _frame(op: _Nodes, sides: str, resize: Resize) -> tuple[str, str, str]:
    """Where the shown part of an image begins, how long it is, and how many px of the output it fills."""
    start, square = op("Identity", [0, 0]), op("Identity", [resize.size, resize.size])
    if resize.method == "squish":
        return start, sides, square
    if resize.method == "crop":
        shown = op("Expand", op("ReduceMin", sides), [2])
        return op("Div", op("Sub", sides, shown), [2]), shown, square
    exact = op("Cast", sides, to=DOUBLE)
    scale = op("Div", op("Cast", square, to=DOUBLE), op("ReduceMax", exact))
    inner = op("Cast", op("Round", op("Mul", exact, scale)), to=INT64)
    return start, sides, op("Max", inner, [1])


def _shrink(
    op: _Nodes, image: str, start: str, shown: str, inner: str, resize: Resize, *, photo: bool
) -> tuple[str, str, str]:
    """The image as means of blocks, and start and length of the shown part in blocks, float32."""
    sides = op("Shape", image, start=2)
    block = op("Max", op("Div", shown, op("Mul", inner, [REDUCING_GAP])), [1])
    if resize.method == "crop":  # the blocks begin where the kernel, whose reach goes beyond the square, does
        reach = op("Mul", _ratio(op, shown, inner), [KERNELS[resize.interpolation][0] - 0.5])
        end, floats = op("Add", start, shown), op("Cast", start, to=FLOAT)
        first = op("Max", op("Cast", op("Floor", op("Sub", floats, reach)), to=INT64), [0])
        last = op("Cast", op("Ceil", op("Add", op("Cast", end, to=FLOAT), reach)), to=INT64)
        single = op("Equal", block, [1])
        first = op("Where", single, [0], first)
        first = op(
            "Where", op("Equal", shown, inner), start, first
        )  # the operator copies what keeps its size
        last = op("Where", single, sides, op("Min", last, sides))
        image = op("Slice", image, first, last, [2, 3])
        start, sides = op("Sub", start, first), op("Sub", last, first)
    blocks = op("Div", op("Sub", op("Add", sides, block), [1]), block)
    lacking = op("Sub", op("Mul", blocks, block), sides)
    filled = op("Pad", image, op("Concat", [0] * 6, lacking, axis=0), mode="edge")
    pairs = op("Gather", op("Concat", blocks, block, axis=0), [0, 2, 1, 3])
    cut = op("Reshape", filled, op("Concat", op("Shape", image, end=2), pairs, axis=0))
    if photo:  # Pillow divides by a block's size in whole numbers
        sums = op("Cast", op("ReduceSum", op("Cast", cut, to=INT32), [3, 5], keepdims=0), to=INT64)
        count = op("ReduceProd", block)
        sums = op("Mul", op("Add", sums, op("Div", count, [2])), op("Div", [FIXED_POINT], count))
        means = op("Cast", op("Div", sums, [FIXED_POINT]), to=UINT8)
    else:
        means = op("ReduceMean", cut, [3, 5], keepdims=0)
    return means, _ratio(op, start, block), _ratio(op, shown, block)


def _resample(op: _Nodes, image: str, start: str, shown: str, inner: str, resize: Resize) -> str:
    """The shown part, given in blocks, at `inner` px."""
    inner = op("Cast", inner, to=FLOAT)
    scale = op("Mul", op("Div", inner, shown), [NUDGE])
    kernel = {"antialias": 1, "exclude_outside": 1, **KERNELS[resize.interpolation][1]}
    if resize.method != "crop":
        scales = op("Concat", [1.0, 1.0], scale, axis=0)
        return op("Resize", image, "", scales, coordinate_transformation_mode="half_pixel", **kernel)
    # all of the image is resized, from the corner of the square on; the first px of the result are the square
    beyond = op("Cast", op("Greater", inner, shown), to=INT64)  # what is enlarged asks for half a px outside
    image = op("Pad", image, op("Concat", [0, 0], beyond, [0, 0], beyond, axis=0), mode="edge")
    start = op("Add", start, op("Cast", beyond, to=FLOAT))
    sides = op("Cast", op("Shape", image, start=2), to=FLOAT)
    steps = op("Sub", op("Floor", op("Mul", sides, scale)), [1.0])
    within = op("Max", op("Sub", sides, [1.0]), [1.0])
    center = op("Sub", op("Add", start, op("Div", [0.5], scale)), [0.5])
    begin = op("Div", center, within)
    end = op("Add", begin, op("Div", op("Div", steps, scale), within))
    roi = op("Concat", [0.0, 0.0], begin, [1.0, 1.0], end, axis=0)
    scales = op("Concat", [1.0, 1.0], scale, axis=0)
    image = op("Resize", image, roi, scales, coordinate_transformation_mode="tf_crop_and_resize", **kernel)
    return op("Slice", image, [0, 0], [resize.size, resize.size], [2, 3])


def _ratio(op: _Nodes, above: str, below: str) -> str:
    """The quotient of whole numbers, float32."""
    return op("Div", op("Cast", above, to=FLOAT), op("Cast", below, to=FLOAT))
