"""What a network looked at, as messages: for the view of its own and for the zoom of a Cleaner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bearwidgets.data.cache.thumbs import make_thumbnail
from bearwidgets.errors import BadInputError, ImageError
from bearwidgets.widgets import protocol

if TYPE_CHECKING:
    from bearwidgets.data.dataset import Dataset
    from bearwidgets.learn.explain.explainer import Explainer, Explanation

IMAGE_PX = 960
NO_NETWORK = (
    "There is no network to look into: these predictions were given, or there are none. Use a trained bw.Learner, or "
    "a Review or Cleaner made from one."
)
ABOUT = {
    "class_map": "Exact: what each place of the image adds to the logit of the class, or takes from it.",
    "grad_cam": "Grad-CAM: where a change in the last maps of features would change the logit most. It is no sum.",
    "integrated_gradients": "Integrated gradients: what each place adds on the way from the mean color to the image.",
    "occlusion": "Occlusion: how far the logit falls where the place is covered by the mean color.",
    "attention_rollout": "Attention rollout: how much of each patch the attention carries to the head. The "
    "map is the same for each class.",
}


class Explaining:
    """The explainer of the learner that is asked, kept as long as it is the same."""

    def __init__(self) -> None:
        self._explainer: Explainer | None = None

    def of(self, learn: Any) -> Explainer:
        """The explainer of a learner.

        Raises:
            BadInputError: What has no network, or is not trained.
        """
        if learn is None:
            raise BadInputError(NO_NETWORK)
        from bearwidgets.learn.explain.explainer import Explainer  # torch

        if self._explainer is None or self._explainer.learn is not learn:
            self._explainer = Explainer(learn)
        return self._explainer

    def reply(
        self, learn: Any, ds: Dataset, request: protocol.ExplainRequest, label: str
    ) -> tuple[protocol.ExplainReply, list[bytes]]:
        """The maps of one item that has this label, and its image if that is asked for.

        Raises:
            ImageError: It cannot be opened.
            BadInputError: As `Explainer.explain`.
        """
        from bearwidgets.learn.explain.explainer import seen_part

        explainer, item = self.of(learn), ds.table.iloc[ds.index_of(request.item)]
        asked = [name for name in (label, request.label) if name in learn.classes or name == request.label]
        path = ds.path_of(request.item)
        try:
            found = explainer.explain(path, method=request.method, classes=[name for name in asked if name])
            image = [make_thumbnail(path, IMAGE_PX)] if request.image else []
        except ImageError as error:
            raise ImageError(f"{item.path!r} {error}.") from error
        order = np.argsort(-found.logits[found.shown], kind="stable")
        preprocessing = learn.preprocessing
        shown = {found.classes[each] for each in found.shown}
        reply = protocol.ExplainReply(
            item=request.item,
            path=item.path,
            label=label,
            method=found.method,
            methods=explainer.methods,
            about=ABOUT[found.method],
            exact=found.method == "class_map",
            maps=[_numbers(found, row) for row in order.tolist()],
            others=[name for name in found.classes if name not in shown],
            rows=found.maps.shape[1],
            columns=found.maps.shape[2],
            seen=seen_part(preprocessing, int(item.width), int(item.height)),
            size=preprocessing.size,
        )
        return reply, [np.ascontiguousarray(found.maps[order], "<f4").tobytes(), *image]


def _numbers(found: Explanation, row: int) -> protocol.ClassMap:
    cls = int(found.shown[row])
    return protocol.ClassMap(
        found.classes[cls],
        float(found.probabilities[cls]),
        float(found.logits[cls]),
        float(found.maps[row].sum()),
        None if found.constants is None else float(found.constants[row]),
    )
