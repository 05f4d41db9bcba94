"""What travels between Python and the page: one dataclass per message; the front end's types.js comes from these.

Python owns order, labels, decisions and files; the page asks by op and is told of news by events. A request has a
number and is answered under it; images travel beside a reply as binary buffers.
"""

# The annotations are read while the program runs, by `parse` and by frontend/scripts/write_types.py.
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from typing_extensions import dataclass_transform

from bearwidgets.data.actions import ABOUT, ACTIONS, MARKS, RECORDED
from bearwidgets.data.cache.thumbs import SIZES

SORTS = ("label_issue", "loss", "margin", "confidence", "path", "label", "decided", "queue")
DECISIONS = ("pending", "undecided", *ACTIONS)
PAGE = 256
SHOWN = 200

# An annotated text is one of the names, an annotated number is in the range.
Action = Annotated[str, MARKS]
Sort = Annotated[str, "one of State.sorts"]
Number = Annotated[int, range(2**53 + 1)]
Range = Annotated[tuple[Number, Number], "half open"]  # what Board.ids_at takes
Run = tuple[int, int]
Curve = list[tuple[float, float | None, float | None]]
DecidedAction = Annotated[str, ACTIONS]
About = Annotated[str, ABOUT]


@dataclass_transform(frozen_default=True)
class Message:
    """The base of all of them; makes each a frozen dataclass."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        dataclass(frozen=True)(cls)


# ---------------------------------------------------------------- what replies and events are made of


class Decision(Message):
    """A decision on an item."""

    action: DecidedAction
    label: str | None = None  # the new label; null unless the action is relabel
    about: About | None = None  # what a keep says is fine; null unless the action is keep


class Group(Message):
    """What an item says of the group it belongs to."""

    number: int
    at: int  # place in the group, as far as the view shows it
    shown: int  # how many of it the view shows, all side by side
    size: int  # how many it has
    keeper: bool  # the one that is proposed to stay
    differs: bool  # labels in the group contradict each other
    copies: bool  # one of the group is enough, and proposed to stay
    proposal: Decision | None = None  # what keeping the proposed one of the group decides here


class Item(Message):
    """One tile."""

    i: int  # position in the view
    id: str
    path: str
    label: str
    split: str
    predicted: str | None
    confidence: float | None
    loss: float | None
    label_issue: float | None  # 0 (sound) to 1 (suspect)
    suggested: str | None
    second: str | None  # the second suggestion
    why: str  # why it is shown, one sentence or ""
    group: Group | None
    decision: Decision | None
    proposal: Decision | None  # what "accept" decides; null where there is nothing to accept
    stale: bool  # it trains otherwise now than in the training that made the scores
    tags: list[str] = field(default_factory=list)
    note: str = ""
    buffer: int | None = None  # which of the reply's buffers is its image
    error: str | None = None  # why it has no image


class RangeFilter(Message):
    """Only items whose value lies in here, both ends included; null leaves an end open."""

    name: str  # one of what "ranges" lists
    low: float | None = None
    high: float | None = None


class Filter(Message):
    """Which items are shown; null and "" show all."""

    label: str | None = None  # the given label
    predicted: str | None = None  # the predicted one
    split: str | None = None  # train, valid or test
    decision: Annotated[str, DECISIONS] | None = None  # pending (any), undecided, or one of the actions
    text: str = ""  # part of the path, small and capital letters alike
    ranges: list[RangeFilter] = field(default_factory=list)
    tag: str | None = None


class ViewSpec(Message):
    """Which items are shown, and in which order."""

    sort: Sort  # a score, path, label, decided (the newest decision first), or queue: the order of the queue
    descending: bool = True  # from the highest on
    filter: Filter = field(default_factory=Filter)
    queue: str | None = None  # only what a queue lists, groups side by side
    similar: str | None = (
        None  # only this item and those that look most like it; queue and filter do not count
    )


class SelectRequest(Message):
    """What is selected in a page."""

    revision: Number
    ranges: list[Range]
    by: str = ""  # the page, which need not be told


class FollowRequest(Message):
    """Show here what another view shows, or what is selected in any."""

    what: Literal["selected", "shown"]


class SavedView(Message):
    """A view under a name."""

    name: str
    view: ViewSpec


class SortChoice(Message):
    """An order that can be chosen."""

    name: str
    title: str
    descending: bool  # whether it begins with the highest, unless the person turns it around


class Queue(Message):
    """One list of suspects."""

    name: str
    title: str
    certain: bool  # a fact, not a guess
    total: int  # images
    undecided: int  # images without an answer to what is asked here, in problems that are left
    groups: int
    problems: int  # a group of copies is one, else each image
    left: (
        int  # problems that are not solved: of a group of copies more than one stays, an image has no answer
    )
    accept: str = ""  # what Enter does here, in words; "" nothing
    keep: str = ""  # what K says here, in words
    finding: str = ""  # a sentence where this is about the whole set and no list to work through


class Yield(Message):
    """What the decisions in the shown queue brought, and what may be left to find."""

    decided: int
    recent: int
    recent_changed: int
    left: int
    errors: float | None
    low: int | None
    high: int | None
    hint: str  # one sentence where it is time to stop, or ""


class ErrorRates(Message):
    """Errors on the evaluation split of `n` items."""

    error_rate: float
    n: int
    error_rate_corrected: float | None = None  # on the labels as they are corrected


class Phase(Message):
    """One part of a job."""

    name: str  # what a person reads
    done: int = 0
    total: int | None = None  # null where that is not known yet
    state: Literal["waiting", "running", "done", "failed"] = "waiting"


class JobState(Message):
    """Where a job in the background stands."""

    state: Literal["idle", "running", "stopping", "done", "stopped", "failed"] = "idle"
    kind: Literal["retrain", "open", "find", "check"] = (
        "retrain"  # open: the first work on a folder; find: the queues anew; check: whether to believe a map
    )
    phases: list[Phase] = field(default_factory=list)  # all parts, as far as they are known, in their order
    step: int = 0  # steps of the present stage that are done, of `total`
    total: int = 0
    seconds_left: float | None = None  # estimate for the present stage
    message: str = ""  # the present stage, or how it ended, in words
    curve: Curve = field(default_factory=list)  # epoch or step, training loss, error on the evaluation split
    before: ErrorRates | None = None  # the learner before
    after: ErrorRates | None = None  # the learner after
    error: str | None = None  # one sentence, if it failed


class Counts(Message):
    """Items by label, by split, and by the action of the decision in force."""

    label: dict[str, int]
    split: dict[str, int]
    action: dict[str, int]


class Can(Message):
    """What would do something now."""

    undo: bool
    redo: bool
    scores: bool
    retrain: bool
    apply: bool
    rollback: bool


class State(Message):
    """What a view shows around the grid."""

    revision: int  # grows with each new order; places in the view are only good for one revision
    total: int  # items in the view
    items: int  # items in the data set
    classes: list[str]
    digits: list[str]  # the classes on the keys 1 to 9
    counts: Counts
    seen: int  # items that were looked at
    marked: int  # decisions in force
    view: ViewSpec
    queues: list[Queue]
    runs: list[Run]  # pairs of how many items stand together and how often in a row; empty where nothing does
    can: Can
    stale: bool  # the scores were made before decisions that change the training
    job: JobState
    ready: str  # a sentence where suspects were found but not shown, for the person is at work in this order; or ""
    title: str
    provenance: str  # where the scores come from, in words
    model: str  # the same in short, with its error: "Quick model · 5.0 % error"; "" without scores
    is_trained: bool  # the scores come from a trained model
    exam_marks: int  # decisions on the evaluation split: proposed corrections
    note: str | None  # one sentence on the data set, if there is something to say
    keep: str = ""  # what K says in this view, in words
    asks: About | None = None  # what K answers in this view; null where each image has a question of its own
    accept: str = ""  # what Enter does in this view, in words; "" nothing
    changes: int = 0  # items that would train otherwise now than in the training that made the scores
    to_apply: int = 0  # decisions that an apply would carry out
    outdated: bool = False  # the queues were found before files moved or the learner changed
    sorts: list[SortChoice] = field(default_factory=list)  # all orders that can be chosen now
    tags: dict[str, int] = field(default_factory=dict)  # how many items have each
    saved: list[SavedView] = field(default_factory=list)
    selected: int = 0  # items that are selected here, or in a view that follows


class LinkReply(Message):
    """What the views that follow each other have in common, as it concerns this one."""

    state: State
    ranges: list[Range]  # the places here of what is selected
    selected: int  # how many are selected in all
    where: str  # in which view that was done
    offer: str  # what another view shows and this one does not, in a sentence; or ""


class HistoryEntry(Message):
    """A decision that was made on an item and not undone."""

    time: str  # as the clock of the kernel's machine shows it
    by: str  # "you", or the name of another person
    action: Annotated[str, RECORDED]
    label: str | None
    about: About | None = None  # as in Decision


class PendingItem(Message):
    """An item with a decision in force."""

    id: str
    path: str
    action: DecidedAction
    label: str
    new_label: str | None
    split: str


class PendingGroup(Message):
    """How many decisions are alike."""

    action: DecidedAction
    label: str
    new_label: str | None
    count: int


class PlannedMove(Message):
    """What an apply would do with a file; no target for one that goes to the trash."""

    id: str
    path: str
    action: DecidedAction
    target: str | None
    label: str  # as it is
    new_label: str | None  # null for a delete
    split: str


class PlanProblem(Message):
    """A file that would be left out, and why."""

    path: str
    reason: str


class Round(Message):
    """A round that was applied."""

    round: int
    time: str  # as the clock of the kernel's machine shows it
    counts: dict[str, int]
    rolled_back: bool


# ---------------------------------------------------------------- requests and their replies


class Nothing(Message):
    """There is nothing more to say."""


class StateReply(Message):
    """The new state."""

    state: State


class PageRequest(Message):
    """Items from `start` to before `stop`, at most 256."""

    revision: Number
    start: Number
    stop: Number
    px: Annotated[int, range(min(SIZES), max(SIZES) + 1)]  # longest side of the images
    images: bool = True  # false leaves the images out


class PageReply(Message):
    """The items; fewer where the view ends. Their images are the buffers."""

    revision: int
    start: int
    items: list[Item]


class ItemRequest(Message):
    """About one item, by its id."""

    item: str


class LocateReply(Message):
    """Its place, null where the view does not show it or has none."""

    index: int | None


class NextRequest(Message):
    """The next place after `start` that has no answer yet, or the one before it."""

    revision: Number
    start: Number
    back: bool = False


class MarkRequest(Message):
    """Decide on items, as one act: by places of a revision, or by ids. Keep answers what the view asks."""

    action: Action
    label: str | None = None  # the new label of a relabel
    ids: list[str] | None = None
    ranges: list[Range] = field(default_factory=list)
    revision: Number = 0


class RangesRequest(Message):
    """These places in the view: they were on the screen."""

    revision: Number
    ranges: list[Range]


class ResolveGroupRequest(RangesRequest):
    """Keep one of each group that the ranges touch and delete the others, as one act."""

    keepers: bool = True  # the proposed ones stay; else those in the ranges


class TagRequest(Message):
    """Give a tag to items, or take it away, as one act: by places of a revision, or by ids."""

    tag: str
    on: bool = True
    ids: list[str] | None = None
    ranges: list[Range] = field(default_factory=list)
    revision: Number = 0


class NoteRequest(Message):
    """The note of an item from now on; "" for none."""

    item: str
    text: str


class SuggestionsRequest(Message):
    """What in the view is undecided and would be changed by accepting it, of one pair of labels or of all."""

    revision: Number
    at_least: float  # 0 to 1: the confidence of the model, or the score of the queue
    label: str | None = None
    becomes: str | None = None  # a label, or "delete"


class SuggestedPair(Message):
    """How many suggestions are alike."""

    label: str
    becomes: str
    count: int


class SuggestionsReply(Message):
    """The suggestions with at least this confidence."""

    ranges: list[Range]  # where they are in the view
    count: int
    pairs: list[SuggestedPair]  # the most frequent first
    thresholds: list[float]  # those to choose from that leave any


class ValueRange(Message):
    """How the values of the items in the view are spread, whatever the range filters say."""

    name: str
    title: str
    unit: str
    low: float
    high: float
    counts: list[int]  # in 20 steps of equal width from low to high


class RangesReply(Message):
    """Every value that is known of some items in the view."""

    ranges: list[ValueRange]


class SaveViewRequest(Message):
    """Keep the view as it is now under a name, or forget the one of that name."""

    name: str


class MarkReply(Message):
    """What an act changed."""

    changed: int
    ids: list[str]  # those that changed, the first 200
    state: State


class StepReply(MarkReply):
    """What an undo or redo changed."""

    index: int | None  # the first place in the view that changed
    what: str  # what was undone or redone, in words: "delete black/26.jpg (other view)"


class FullReply(Message):
    """All about one item. Its image is the buffer."""

    id: str
    path: str
    width: int
    height: int
    bytes: int  # size of the file
    mime: str  # of the buffer
    label: str
    predicted: str | None
    suggested: str | None
    probabilities: list[tuple[str, float]]  # the most probable classes
    looks_like: str  # among the classes of ImageNet, "sloth bear (93 %)"; "" where that is not known
    decision: Decision | None
    proposal: Decision | None
    history: list[HistoryEntry]  # what was decided on it and not undone, the newest last


class YieldReply(Message):
    """The figures; null where nothing is decided yet."""

    figures: Yield | None


class PendingReply(Message):
    """All decisions in groups, and the 200 newest."""

    groups: list[PendingGroup]
    items: list[PendingItem]
    total: int


class PlanReply(Message):
    """A plan."""

    counts: dict[str, int]
    held_out: dict[str, int]  # those of them that are not in train, which ApplyRequest can leave out
    moves: list[PlannedMove]  # the first 200 of train, then the first 200 of those held out
    total: int
    problems: list[PlanProblem]  # the first 200
    problems_total: int
    token: str  # give it to apply, which does only what was shown
    ok: bool  # whether there is anything to apply


class ApplyRequest(Message):
    """Carry out the plan that was shown."""

    token: str
    held_out: bool = True  # false leaves the evaluation splits as they are; their decisions stay pending


class RoundsReply(Message):
    """The rounds, oldest first."""

    rounds: list[Round]


class RollbackRequest(Message):
    """Put the files of a round back."""

    round: Annotated[int, range(1, 10**9 + 1)]


class RoundReply(Message):
    """A round was applied or rolled back."""

    round: int
    counts: dict[str, int]
    state: State
    message: str


class ExplainRequest(Message):
    """What the network looked at in one image."""

    item: str
    method: str | None = None  # null: the one that fits the network best
    label: str | None = None  # a class of which there is to be a map in any case
    image: bool = True  # false leaves the image out


class ClassMap(Message):
    """The numbers beside the map of a class."""

    name: str
    probability: float
    logit: float
    sum: float  # of the map
    constant: float | None  # what belongs to no place; null where the map is no share of the logit


class ExplainReply(Message):
    """Maps of some classes.

    The first buffer holds them, float32 (classes, rows, columns), row by row; the second is the image.
    """

    item: str
    path: str
    label: str
    method: str
    methods: list[str]  # those that can be chosen
    about: str  # what the map is, in a sentence
    exact: bool  # map and constant sum to the logit exactly
    maps: list[ClassMap]  # the most probable class first
    others: list[str]  # classes without a map here
    rows: int
    columns: int
    seen: tuple[
        float, float, float, float
    ]  # left, top, right, bottom of what the network saw: shares of the image
    size: int  # px of a side of the square that it saw


class ItemsReply(Message):
    """The ids of what is to be explained, in order."""

    ids: list[str]


class CheckMapRequest(Message):
    """Measure in the background whether to believe the map of a class; a CurveEvent tells."""

    item: str
    label: str
    method: str | None = None


class MatrixRequest(Message):
    """The confusion matrix; of another part, or by other labels, if one is named."""

    part: str | None = None
    labels: str | None = None
    everything: bool = False  # no longer only what another view is filtered to


class ClassGroup(Message):
    """Classes that can be shown as one."""

    name: str
    members: list[int]  # numbers of classes
    pinned: bool  # it stays when groups are found anew


class Difference(Message):
    """What a matrix is compared with; its buffers come after those of the matrix: before, marked, p."""

    paired: bool  # the same images were compared
    level: float  # share of false marks that is expected at most
    changed: int  # marked cells


class MatrixReply(Message):
    """A confusion matrix.

    Its buffers tell of the cells that are not empty: their places (cells,) int32, row · classes + column, where rows
    are actual and columns predicted; their counts (cells,) int32; how many of their labels are expected to be wrong
    (cells,) float32, empty where that is not known; and of a comparison the counts before (cells,) int32, what
    differs by more than chance (cells,) uint8, and the p values (cells,) float32.
    """

    classes: list[str]
    part: str  # what is counted: a split, or one label of several
    parts: list[str]  # those to choose from
    part_title: str  # what they are
    labels: str  # which labels count, in words
    kind: str  # which labels count
    kinds: list[str]  # those to choose from
    total: int
    accuracy: float | None
    orders: dict[str, list[int]]  # numbers of the classes in each order that can be chosen
    groups: list[ClassGroup]  # found in the confusion itself, or by a person
    grid: bool  # a grid of the images stands below it
    images: bool  # cells can be opened
    difference: Difference | None = None
    limited: str = ""  # which images are counted, where another view is filtered, in words
    limit: int = 0  # which filter that is


class Cells(Message):
    """The cells in which these rows and columns meet."""

    actual: list[str]
    predicted: list[str]


class CellsRequest(Message):
    """Show the images of some cells in the grid."""

    blocks: list[Cells]


class MatrixLinkReply(Message):
    """Which cells hold what is selected, or shown, in another view; the buffer is int32: row, column, how many."""

    selected: int  # images; 0 where what counts is what is shown
    shown: int
    where: str  # in which view
    limit: int  # as in a `MatrixReply`: another one needs another matrix


class ScoresReply(Message):
    """Precision, recall and F1 of each class with their intervals, in words."""

    columns: list[str]
    rows: list[list[str]]


class GroupRequest(Message):
    """Rename or pin a group of classes."""

    name: str
    rename: str | None = None
    pinned: bool | None = None


class ModuleReply(Message):
    """The code of a part that a view shows when it is wanted: a grid below it, or maps over its images."""

    code: str


class ChartLine(Message):
    """One curve of a chart."""

    name: str
    points: list[tuple[float, float]]


class Chart(Message):
    """Curves on two axes."""

    title: str
    x: str  # what the horizontal axis shows
    y: str
    lines: list[ChartLine]
    log: bool = False  # the horizontal axis is logarithmic


class MonitorState(Message):
    """A learner's trainings as curves."""

    state: Literal["empty", "running", "stopping", "done", "stopped", "failed"]
    message: str  # what is to be known, in sentences, or ""
    stage: str  # of what runs
    step: int  # steps of the stage that are done, of `total`
    total: int
    seconds_left: float | None
    charts: list[Chart]
    phases: list[tuple[float, str]]  # where on the axis of epochs each phase of a training began
    search: Chart | None  # the loss over rates, the last time that a rate was looked for
    suggested: dict[str, float]  # rates that the search suggests
    rate: float | None  # the chosen one


class MonitorReply(Message):
    """What a monitor shows."""

    monitor: MonitorState


class RateRequest(Message):
    """Train at this rate the next time that the monitor's `fit` is called."""

    rate: float


class MapColoring(Message):
    """Something that the points can be colored by."""

    name: str
    title: str
    scale: bool  # numbers from low to high; else one of some names


class MapReply(Message):
    """The points. Their positions are the buffer: float32, three numbers each, NaN where one has no place."""

    revision: int  # grows with other images; numbers of points are only good for one revision
    total: int  # points, those without a place too
    by: str  # what near means here, in words
    note: str  # one sentence on what is not on the map, and why; or ""
    selected: list[Range]
    grid: bool  # a grid of the images stands below it


class MapPairsReply(Message):
    """The pairs. Their buffers are int32: near, mid-near and far ones, -1 where there is none."""

    revision: int
    ready: bool  # false: they are being looked for, and an event tells when they are there
    near: int  # how many of each there are of a point, in the order of the buffers
    mid: int
    far: int
    note: str  # why there are none, or ""


class MapColorRequest(Message):
    """What one coloring says of each point."""

    revision: Number
    name: str


class MapColorReply(Message):
    """The values are the buffer: int32 places in `names`, -1 for none; of a scale float32, NaN for none."""

    revision: int
    coloring: MapColoring
    colorings: list[MapColoring]  # those to choose from
    names: list[str]
    low: float  # of a scale: where its colors begin and end
    high: float


class MapItemsRequest(Message):
    """Some images of the map, at most 256, by their numbers."""

    revision: Number
    numbers: list[Number]
    px: Annotated[int, range(min(SIZES), max(SIZES) + 1)]  # longest side


class MapItem(Message):
    """What a point stands for."""

    number: int
    id: str
    path: str
    label: str
    predicted: str | None
    confidence: float | None
    why: str  # why it is suspect, one sentence or ""
    decision: Decision | None
    buffer: int | None = None  # which of the reply's buffers is its image, a JPEG
    error: str | None = None  # why it has no image


class MapItemsReply(Message):
    """The images that were asked for, in that order."""

    revision: int
    items: list[MapItem]


class MapSelectRequest(Message):
    """These points are selected; their images are shown in the grid, unless there are none."""

    revision: Number
    ranges: list[Range]
    by: str = ""  # the page, which need not be told


class MapOpenRequest(Message):
    """Select one point, and show its image and the nearest ones in the grid."""

    revision: Number
    number: Number
    by: str = ""


class MapLinkReply(Message):
    """What is selected in the map or a view that follows it, and what another view was made to show."""

    revision: int
    selected: list[Range]  # points
    shown: list[Range]
    where: str  # in which view they are shown


class LayerInfo(Message):
    """A layer of a network."""

    name: str
    channels: int
    map: tuple[int, int]  # height and width of what it gives
    field: tuple[int, int]  # height and width in px of what one unit sees
    kernels: bool  # its kernels can be shown as images


class LayersReply(Message):
    """All layers that are known by now, and where the look at the images stands."""

    layers: list[LayerInfo]
    job: JobState
    note: str  # which images were looked at, in a sentence
    size: int  # side of the images as the network sees them, px


class ChannelsRequest(Message):
    """Channels of a layer from `start` to before `stop`, at most 64; of one image its maps."""

    layer: str
    start: Number
    stop: Number
    show: Annotated[str, ("patches", "kernels", "maps")] = "patches"
    image: str | None = None  # whose maps


class Channel(Message):
    """What one channel responds to; its image is a buffer of the reply."""

    number: int
    value: float | None  # the highest response, null before there is any
    buffer: int | None


class ChannelsReply(Message):
    """The channels; fewer where the layer ends."""

    layer: str
    channels: list[Channel]
    done: int  # images that were looked at by then


class ChannelRequest(Message):
    """One channel in full."""

    layer: str
    channel: Number


class Patch(Message):
    """A place in an image that excites a channel; the patch and the whole image are buffers of the reply."""

    id: str
    path: str
    label: str
    value: float
    box: tuple[int, int, int, int]  # left, top, right, bottom in px of the image as the network sees it
    center: tuple[float, float]  # x, y of the unit's own place


class ChannelReply(Message):
    """The places, the strongest first; two buffers each: the patch, the whole image."""

    layer: str
    channel: int
    patches: list[Patch]


GRID_REQUESTS = {
    "hello": (Nothing, StateReply),
    "view": (ViewSpec, StateReply),
    "page": (PageRequest, PageReply),
    "locate": (ItemRequest, LocateReply),
    "next": (NextRequest, LocateReply),
    "mark": (MarkRequest, MarkReply),
    "resolve_group": (ResolveGroupRequest, MarkReply),
    "undo": (Nothing, StepReply),
    "undo_harmful": (Nothing, MarkReply),
    "redo": (Nothing, StepReply),
    "full": (ItemRequest, FullReply),
    "seen": (RangesRequest, StateReply),
    "select": (SelectRequest, Nothing),
    "link": (Nothing, LinkReply),
    "follow": (FollowRequest, StateReply),
    "yield": (Nothing, YieldReply),
    "pending": (Nothing, PendingReply),
    "plan": (Nothing, PlanReply),
    "apply": (ApplyRequest, RoundReply),
    "rounds": (Nothing, RoundsReply),
    "rollback": (RollbackRequest, RoundReply),
    "retrain": (Nothing, Nothing),
    "stop": (Nothing, Nothing),
    "tag": (TagRequest, MarkReply),
    "note": (NoteRequest, MarkReply),
    "ranges": (Nothing, RangesReply),
    "suggestions": (SuggestionsRequest, SuggestionsReply),
    "save_view": (SaveViewRequest, StateReply),
    "drop_view": (SaveViewRequest, StateReply),
    "explain": (ExplainRequest, ExplainReply),
    "explain_module": (Nothing, ModuleReply),
}
MATRIX_REQUESTS = {
    "matrix": (MatrixRequest, MatrixReply),
    "cells": (CellsRequest, Nothing),
    "matrix_link": (Nothing, MatrixLinkReply),
    "scores": (Nothing, ScoresReply),
    "group": (GroupRequest, Nothing),
    "module": (Nothing, ModuleReply),
}
MONITOR_REQUESTS = {
    "monitor": (Nothing, MonitorReply),
    "stop": (Nothing, Nothing),
    "find_rate": (Nothing, Nothing),
    "rate": (RateRequest, MonitorReply),
}
MAP_REQUESTS = {
    "map": (Nothing, MapReply),
    "map_pairs": (Nothing, MapPairsReply),
    "map_color": (MapColorRequest, MapColorReply),
    "map_items": (MapItemsRequest, MapItemsReply),
    "map_select": (MapSelectRequest, Nothing),
    "map_open": (MapOpenRequest, Nothing),
    "map_link": (Nothing, MapLinkReply),
}
EXPLAIN_REQUESTS = {
    "items": (Nothing, ItemsReply),
    "check_map": (CheckMapRequest, Nothing),
}
LAYERS_REQUESTS = {
    "layers": (Nothing, LayersReply),
    "look": (Nothing, Nothing),
    "stop": (Nothing, Nothing),
    "channels": (ChannelsRequest, ChannelsReply),
    "channel": (ChannelRequest, ChannelReply),
}
REQUESTS = (
    GRID_REQUESTS | MATRIX_REQUESTS | MONITOR_REQUESTS | MAP_REQUESTS | EXPLAIN_REQUESTS | LAYERS_REQUESTS
)


# ---------------------------------------------------------------- events: what Python says unasked


class StateEvent(Message):
    """Something around the grid changed."""

    state: State
    event: Literal["state"] = "state"


class ItemsEvent(Message):
    """These items changed; null: any may have."""

    ids: list[str] | None
    event: Literal["items"] = "items"


class JobEvent(Message):
    """The job goes on, or ended."""

    job: JobState
    event: Literal["job"] = "job"


class MatrixEvent(Message):
    """The confusion matrix changed; it can be asked for."""

    event: Literal["matrix"] = "matrix"


class LinkEvent(Message):
    """Something else is selected or shown in one of the views that follow each other; it can be asked for."""

    by: str  # the page where that was done; "" for none
    event: Literal["link"] = "link"


class MonitorEvent(Message):
    """A training went on, or ended."""

    monitor: MonitorState
    event: Literal["monitor"] = "monitor"


class MapEvent(Message):
    """Something about the map changed: ask for it."""

    what: Literal["points", "pairs", "colors"]
    event: Literal["map"] = "map"


class CurveEvent(Message):
    """How the probability of a class falls or rises with the patches that its map marks, beside random ones."""

    item: str
    label: str
    method: str
    shares: list[float]  # of the patches
    deletion: list[float]  # with so many covered
    insertion: list[float]  # with only so many shown
    random: list[float]  # the mean of random orders
    verdict: str  # whether to believe the map, in a sentence
    event: Literal["curve"] = "curve"


KernelEvent = (
    StateEvent | ItemsEvent | JobEvent | MatrixEvent | MonitorEvent | MapEvent | CurveEvent | LinkEvent
)
