"""What travels between Python and the page: one dataclass per message; the front end's types.js comes from these.

Python owns order, labels, decisions and files; the page asks by op and is told of news by events. A request has a
number and is answered under it; images travel beside a reply as binary buffers.
"""

# The annotations are read while the program runs, by `parse` and by frontend/scripts/write_types.py.
from dataclasses import dataclass, field
from typing import Annotated, Literal

from bearwidgets.data.actions import ACTIONS, MARKS, RECORDED
from bearwidgets.data.cache.thumbs import SIZES
from bearwidgets.widgets.parse import Between, OneOf, Span

SORTS = ("label_issue", "loss", "margin", "confidence", "path", "label", "decided", "queue")
DECISIONS = ("pending", "undecided", *ACTIONS)
PAGE = 256
SHOWN = 200

Action = Annotated[str, OneOf(MARKS)]
Sort = Annotated[str, OneOf(SORTS)]
Range = Annotated[tuple[int, int], Span()]
Run = tuple[int, int]
Revision = Annotated[int, Between(0, 2**53)]
DecidedAction = Annotated[str, OneOf(ACTIONS)]


# ---------------------------------------------------------------- what replies and events are made of


@dataclass(frozen=True)
class Decision:
    """A decision on an item.

    Attributes:
        label: the new label; null unless the action is relabel
    """

    action: DecidedAction
    label: str | None = None


@dataclass(frozen=True)
class Group:
    """What an item says of the group it belongs to.

    Attributes:
        at: place in the group, as far as the view shows it
        shown: how many of it the view shows, all side by side
        size: how many it has
        keeper: the one that is proposed to stay
        differs: labels in the group contradict each other
        copies: one of the group is enough, and proposed to stay
        proposal: what keeping the proposed one of the group decides here; null where nothing changes
    """

    number: int
    at: int
    shown: int
    size: int
    keeper: bool
    differs: bool
    copies: bool
    proposal: Decision | None = None


@dataclass(frozen=True)
class Item:
    """One tile.

    Attributes:
        i: position in the view
        label_issue: 0 (sound) to 1 (suspect)
        second: the second suggestion
        why: why it is shown, one sentence or ""
        proposal: what "accept" decides; null where there is nothing to accept
        stale: it trains otherwise now than in the training that made the scores
        buffer: which of the reply's buffers is its image
        error: why it has no image
    """

    i: int
    id: str
    path: str
    label: str
    split: str
    predicted: str | None
    confidence: float | None
    loss: float | None
    label_issue: float | None
    suggested: str | None
    second: str | None
    why: str
    group: Group | None
    decision: Decision | None
    proposal: Decision | None
    stale: bool
    buffer: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Filter:
    """Which items are shown; null and "" show all.

    Attributes:
        label: the given label
        predicted: the predicted one
        split: train, valid or test
        decision: pending (any), undecided, or one of the actions
        text: part of the path, small and capital letters alike
    """

    label: str | None = None
    predicted: str | None = None
    split: str | None = None
    decision: Annotated[str, OneOf(DECISIONS)] | None = None
    text: str = ""


@dataclass(frozen=True)
class ViewSpec:
    """Which items are shown, and in which order.

    Attributes:
        sort: a score, path, label, decided (the newest decision first), or queue: the order of the queue
        descending: from the highest on
        queue: only what a queue lists, groups side by side
    """

    sort: Sort
    descending: bool = True
    filter: Filter = field(default_factory=Filter)
    queue: str | None = None


@dataclass(frozen=True)
class Queue:
    """One list of suspects.

    Attributes:
        certain: a fact, not a guess
    """

    name: str
    title: str
    certain: bool
    total: int
    undecided: int
    groups: int


@dataclass(frozen=True)
class Yield:
    """What the decisions in the shown queue brought, and what may be left to find.

    Attributes:
        hint: one sentence where going on hardly pays, or ""
    """

    decided: int
    recent: int
    recent_changed: int
    left: int
    errors: float | None
    low: int | None
    high: int | None
    hint: str


@dataclass(frozen=True)
class ErrorRates:
    """Errors on the evaluation split of `n` items.

    Attributes:
        error_rate_corrected: on the labels as they are corrected
    """

    error_rate: float
    n: int
    error_rate_corrected: float | None = None


@dataclass(frozen=True)
class JobState:
    """Where a training stands.

    Attributes:
        step: steps of the present stage that are done, of `total`
        seconds_left: estimate for the present stage
        message: the present stage, or how it ended, in words
        curve: points (epoch or step, training loss, error on the evaluation split)
        before: the learner before
        after: the learner after
        error: one sentence, if it failed
    """

    state: Literal["idle", "running", "stopping", "done", "stopped", "failed"] = "idle"
    step: int = 0
    total: int = 0
    seconds_left: float | None = None
    message: str = ""
    curve: list[tuple[float, float | None, float | None]] = field(default_factory=list)
    before: ErrorRates | None = None
    after: ErrorRates | None = None
    error: str | None = None


@dataclass(frozen=True)
class Counts:
    """Items by label, by split, and by the action of the decision in force."""

    label: dict[str, int]
    split: dict[str, int]
    action: dict[str, int]


@dataclass(frozen=True)
class Can:
    """What would do something now."""

    undo: bool
    redo: bool
    scores: bool
    retrain: bool
    apply: bool
    rollback: bool


@dataclass(frozen=True)
class State:
    """What a view shows around the grid.

    Attributes:
        revision: grows with each new order; places in the view are only good for one revision
        total: items in the view
        items: items in the data set
        seen: items that were looked at
        marked: decisions in force
        runs: pairs of how many items stand together and how often in a row; empty where nothing does
        stale: the scores were made before decisions that change the training
        provenance: where the scores come from, in words
        is_trained: the scores come from a trained model
        exam_marks: decisions on the evaluation split: proposed corrections
        note: one sentence on the data set, if there is something to say
    """

    revision: int
    total: int
    items: int
    classes: list[str]
    counts: Counts
    seen: int
    marked: int
    view: ViewSpec
    queues: list[Queue]
    runs: list[Run]
    can: Can
    stale: bool
    job: JobState
    title: str
    provenance: str
    is_trained: bool
    exam_marks: int
    note: str | None


@dataclass(frozen=True)
class HistoryEntry:
    """A decision that was made on an item and not undone; `time` is UTC, ISO 8601."""

    time: str
    by: str
    action: Annotated[str, OneOf(RECORDED)]
    label: str | None


@dataclass(frozen=True)
class PendingItem:
    """An item with a decision in force."""

    id: str
    path: str
    action: DecidedAction
    label: str
    new_label: str | None
    split: str


@dataclass(frozen=True)
class PendingGroup:
    """How many decisions are alike."""

    action: DecidedAction
    label: str
    new_label: str | None
    count: int


@dataclass(frozen=True)
class PlannedMove:
    """What an apply would do with a file; no target for one that goes to the trash."""

    path: str
    action: DecidedAction
    target: str | None


@dataclass(frozen=True)
class PlanProblem:
    """A file that would be left out, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Round:
    """A round that was applied; `time` is UTC, ISO 8601."""

    round: int
    time: str
    counts: dict[str, int]
    rolled_back: bool


# ---------------------------------------------------------------- requests and their replies


@dataclass(frozen=True)
class NoReply:
    """Done; there is nothing to say."""


@dataclass(frozen=True)
class StateReply:
    """The new state."""

    state: State


@dataclass(frozen=True)
class HelloRequest:
    """A view begins, or asks for everything anew."""


@dataclass(frozen=True)
class HelloReply:
    """The state, and which keys do what."""

    state: State
    keys: dict[str, str]


@dataclass(frozen=True)
class PageRequest:
    """Items from `start` to before `stop`, at most 256.

    Attributes:
        px: longest side of the images
        images: false leaves the images out
    """

    revision: Revision
    start: Annotated[int, Between(0, 2**53)]
    stop: Annotated[int, Between(0, 2**53)]
    px: Annotated[int, Between(min(SIZES), max(SIZES))]
    images: bool = True


@dataclass(frozen=True)
class PageReply:
    """The items; fewer where the view ends. Their images are the buffers."""

    revision: int
    start: int
    items: list[Item]


@dataclass(frozen=True)
class LocateRequest:
    """Where an item stands in the view."""

    item: str


@dataclass(frozen=True)
class LocateReply:
    """Its place, null where the view does not show it."""

    index: int | None


@dataclass(frozen=True)
class MarkRequest:
    """Decide on items, as one act: by places of a revision, or by ids.

    Attributes:
        label: the new label of a relabel
    """

    action: Action
    label: str | None = None
    ids: list[str] | None = None
    ranges: list[Range] = field(default_factory=list)
    revision: Revision = 0


@dataclass(frozen=True)
class ResolveGroupRequest:
    """Keep one of each group that the ranges touch and delete the others, as one act.

    Attributes:
        keepers: the proposed ones stay; else those in the ranges
    """

    revision: Revision
    ranges: list[Range]
    keepers: bool = True


@dataclass(frozen=True)
class MarkReply:
    """What an act changed.

    Attributes:
        ids: those that changed, the first 200
    """

    changed: int
    ids: list[str]
    state: State


@dataclass(frozen=True)
class UndoRequest:
    """Take the newest act back."""


@dataclass(frozen=True)
class RedoRequest:
    """Do again what was undone last."""


@dataclass(frozen=True)
class StepReply:
    """What an undo or redo changed.

    Attributes:
        ids: those that changed, the first 200
        index: the first place in the view that changed
        what: what was undone or redone, in words
    """

    changed: int
    ids: list[str]
    index: int | None
    what: str
    state: State


@dataclass(frozen=True)
class FullRequest:
    """One item with a large image."""

    item: str


@dataclass(frozen=True)
class FullReply:
    """All about one item. Its image is the buffer.

    Attributes:
        bytes: size of the file
        mime: of the buffer
        probabilities: the most probable classes
        history: what was decided on it and not undone, the newest last
    """

    id: str
    path: str
    width: int
    height: int
    bytes: int
    mime: str
    label: str
    predicted: str | None
    suggested: str | None
    probabilities: list[tuple[str, float]]
    decision: Decision | None
    proposal: Decision | None
    history: list[HistoryEntry]


@dataclass(frozen=True)
class SeenRequest:
    """These were on the screen."""

    revision: Revision
    ranges: list[Range]


@dataclass(frozen=True)
class SelectRequest:
    """These are selected in the view."""

    revision: Revision
    ranges: list[Range]


@dataclass(frozen=True)
class YieldRequest:
    """What the decisions in the shown queue brought; asked for in a pause, as the estimate takes a moment."""


@dataclass(frozen=True)
class YieldReply:
    """The figures; null where nothing is decided yet."""

    figures: Yield | None


@dataclass(frozen=True)
class PendingRequest:
    """What is decided and not yet applied."""


@dataclass(frozen=True)
class PendingReply:
    """All decisions in groups, and the 200 newest."""

    groups: list[PendingGroup]
    items: list[PendingItem]
    total: int


@dataclass(frozen=True)
class PlanRequest:
    """What an apply would do now."""


@dataclass(frozen=True)
class PlanReply:
    """A plan.

    Attributes:
        moves: the first 200
        problems: the first 200
        token: give it to apply, which does only what was shown
        ok: whether there is anything to apply
    """

    counts: dict[str, int]
    moves: list[PlannedMove]
    total: int
    problems: list[PlanProblem]
    token: str
    ok: bool


@dataclass(frozen=True)
class ApplyRequest:
    """Carry out the plan that was shown."""

    token: str


@dataclass(frozen=True)
class RoundsRequest:
    """The rounds that were applied."""


@dataclass(frozen=True)
class RoundsReply:
    """The rounds, oldest first."""

    rounds: list[Round]


@dataclass(frozen=True)
class RollbackRequest:
    """Put the files of a round back."""

    round: Annotated[int, Between(1, 10**9)]


@dataclass(frozen=True)
class RoundReply:
    """A round was applied or rolled back."""

    round: int
    counts: dict[str, int]
    state: State
    message: str


@dataclass(frozen=True)
class RetrainRequest:
    """Start a training on the data with the decisions taken into account."""


@dataclass(frozen=True)
class StopRequest:
    """Stop the training at its next step."""


@dataclass(frozen=True)
class MatrixRequest:
    """The confusion matrix; of another split, if one is named."""

    split: str | None = None


@dataclass(frozen=True)
class MatrixReply:
    """A confusion matrix.

    Attributes:
        counts: rows actual, columns predicted
        splits: those to choose from
        grid: a grid of the images stands below it
    """

    classes: list[str]
    counts: list[list[int]]
    split: str
    splits: list[str]
    total: int
    accuracy: float | None
    grid: bool


@dataclass(frozen=True)
class CellRequest:
    """Show the images of one cell in the grid."""

    actual: str
    predicted: str


GRID_REQUESTS = {
    "hello": (HelloRequest, HelloReply),
    "view": (ViewSpec, StateReply),
    "page": (PageRequest, PageReply),
    "locate": (LocateRequest, LocateReply),
    "mark": (MarkRequest, MarkReply),
    "resolve_group": (ResolveGroupRequest, MarkReply),
    "undo": (UndoRequest, StepReply),
    "redo": (RedoRequest, StepReply),
    "full": (FullRequest, FullReply),
    "seen": (SeenRequest, StateReply),
    "select": (SelectRequest, NoReply),
    "yield": (YieldRequest, YieldReply),
    "pending": (PendingRequest, PendingReply),
    "plan": (PlanRequest, PlanReply),
    "apply": (ApplyRequest, RoundReply),
    "rounds": (RoundsRequest, RoundsReply),
    "rollback": (RollbackRequest, RoundReply),
    "retrain": (RetrainRequest, NoReply),
    "stop": (StopRequest, NoReply),
}
MATRIX_REQUESTS = {
    "matrix": (MatrixRequest, MatrixReply),
    "cell": (CellRequest, NoReply),
}
REQUESTS = GRID_REQUESTS | MATRIX_REQUESTS


# ---------------------------------------------------------------- events: what Python says unasked


@dataclass(frozen=True)
class StateEvent:
    """Something around the grid changed."""

    state: State
    event: Literal["state"] = "state"


@dataclass(frozen=True)
class ItemsEvent:
    """These items changed; null: any may have."""

    ids: list[str] | None
    event: Literal["items"] = "items"


@dataclass(frozen=True)
class JobEvent:
    """The training goes on, or ended."""

    job: JobState
    event: Literal["job"] = "job"


@dataclass(frozen=True)
class MatrixEvent:
    """The confusion matrix changed."""

    matrix: MatrixReply
    event: Literal["matrix"] = "matrix"


KernelEvent = StateEvent | ItemsEvent | JobEvent | MatrixEvent
