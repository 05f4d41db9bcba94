"""What the training loss tells of rate and length: the rules of the diagnosis that read the losses of the steps.

All losses are mean log-losses in nats and are read against that of blind guessing, the entropy of the classes'
shares: a network that has learned nothing but these shares costs as much.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri, stdtrit

from bearwidgets.learn.diagnosis.evidence import Finding, numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from bearwidgets.learn.diagnosis.evidence import TrainingEvidence

CERTAIN = 0.01  # how often noise alone may look so; strict, as the losses of steps are not quite independent
FITTED = 0.3  # of blind guessing's loss; label smoothing of 0.1 alone leaves up to 0.27 of it (three classes)
FALL = 0.05  # of blind guessing's loss: a fall for which more epochs are worth their time
RISE = 0.1  # of blind guessing's loss: a rise within a phase, where training is to bring it down
LEAP = 1.5  # times blind guessing: wrong and sure of it
MOVED = 0.1  # of blind guessing's loss: less than this in a whole phase is standing still
# sum of rates: a tenth of a usual weight, and Adam moves none by much more than the rate in a step
REACH = 0.01
STEPS_TO_JUDGE = 20  # with fewer, standing still cannot be told from noise
FEW_STEPS = 50  # Adam's average of squares looks back twice as far: a descent that has hardly begun
# a deviation from a median is known as well as a usual one from so large a part of the numbers
EFFICIENCY = 0.37
# steps, at least, whose median is a level: the last batch of an epoch may be tiny, its loss a stray
BLOCK = 4
MOST_BLOCKS = 8  # in a phase; more would leave each of them noisy


def rate_too_high(evidence: TrainingEvidence) -> Iterator[Finding]:
    """The last phase meets a loss that is not finite, ends above an earlier level, or leaps far above blind guessing.

    It ends above: the median loss of the last block of steps is higher than the lowest one of a block before it, or
    than the first step, by more than `RISE` of blind guessing. It leaps: a block is `LEAP` times as high as blind
    guessing, or as the first step where that is higher, and the phase does not end fitted; a bump on the way to a
    good end is common and harmless at the high rates of one-cycle (Smith, 2018). Both must be beyond noise (see
    `_levels`).
    """
    phase, blind = last_phase(evidence.steps), evidence.blind
    loss, rate = numbers(phase, "loss"), numbers(phase, "lr")
    advice = "Train again with a tenth of that rate, or with the one that `learn.lr_find()` suggests."
    broken = ~np.isfinite(loss)
    if broken.any():
        step, at = int(phase.step.iloc[broken.argmax()]), float(rate[broken.argmax()])
        sentence = f"The training loss was not finite at step {step}: the learning rate {at:.2g} is too high."
        yield Finding("rate_too_high", sentence, {"step": step, "lr": at}, advice)
        return
    if len(loss) <= BLOCK or not blind:
        return
    levels, noise = _levels(loss)
    rises = levels[-1] - levels[:-1] > np.maximum(RISE * blind, np.hypot(noise[:-1], noise[-1]))
    top, ground = int(levels.argmax()), max(blind, loss[0])
    leaps = levels[top] - ground > max((LEAP - 1) * ground, noise[top]) and levels[-1] > FITTED * blind
    if leaps or rises.any():
        place = top if leaps else len(levels) - 1
        low, high = float(levels[:place].min()), float(levels[place])
        sentence = (
            f"The training loss rose to {high:.2f}, from as low as {low:.2f} (guessing costs {blind:.2f}): "
            f"a learning rate of up to {rate.max():.2g} is too high."
        )
        figure = {"low": low, "high": high, "blind_guessing": blind, "lr": float(rate.max())}
        yield Finding("rate_too_high", sentence, figure, advice)


def rate_too_low(evidence: TrainingEvidence) -> Iterator[Finding]:
    """The loss stands still through the whole last phase, far from fitted, and the rates were too small to get far.

    That it stands still is known, not only not refuted: the change along the least-squares line through the losses,
    with twice its standard error added, is below `MOVED` of blind guessing. Adam moves no weight by much more than
    the rate in a step (Kingma & Ba, 2015, section 2.1), so the sum of rates bounds how far weights came; above
    `REACH` they did move, and what they met is a plateau. So it is where the loss had fallen before this phase.
    """
    phase, blind = last_phase(evidence.steps), evidence.blind
    loss, rate = numbers(phase, "loss"), numbers(phase, "lr")
    if len(loss) < STEPS_TO_JUDGE or not blind or rate.sum() > REACH:
        return
    change, error = _change(loss)
    stands = abs(change) + 2 * error < MOVED * blind and loss.mean() > FITTED * blind
    first = numbers(evidence.steps, "loss")[:BLOCK]
    fell_before = first.mean() - loss.mean() > MOVED * blind + 2 * _noise(loss) / math.sqrt(len(first))
    if stands and not fell_before:
        start, end = float(loss.mean() - change / 2), float(loss.mean() + change / 2)
        sentence = (
            f"The training loss hardly moved in {len(loss)} steps: {start:.2f} to {end:.2f} (guessing costs "
            f"{blind:.2f}): the learning rate {rate.max():.2g} is too low."
        )
        figure = {"start": start, "end": end, "blind_guessing": blind, "steps": len(loss)}
        advice = "Train again with ten times that rate, or with the one that `learn.lr_find()` suggests."
        yield Finding("rate_too_low", sentence, {**figure, "lr": float(rate.max())}, advice)


def loss_not_down(evidence: TrainingEvidence) -> Iterator[Finding]:
    """Under-fit: the training images are not learned yet, and more epochs would help.

    Training and validation loss are both above `FITTED` of blind guessing. The training loss fell by more than `FALL`
    of it to the very end: over the later half of the last phase, or all of it where there were fewer than `FEW_STEPS`
    steps, by a t-test of the slope of the least-squares line (a bend counts as noise there, which makes the test
    stricter). And the validation loss came down as much over the later half of its epochs, to its lowest there, so
    that it is no learning by rote; a single epoch needs no such proof, for all its batches are new.
    """
    phase, blind = last_phase(evidence.steps), evidence.blind
    loss, valid_loss = numbers(phase, "loss"), numbers(evidence.trained, "valid_loss")
    if len(loss) < BLOCK or not np.isfinite(loss).all() or not blind:
        return
    end, back = float(np.median(_blocks(loss)[-1])), max(1, len(last_phase(evidence.trained, "epoch")) // 2)
    if np.nanmin([end, *valid_loss[-1:]]) <= FITTED * blind:
        return
    half = valid_loss[-1 - back :]
    if len(half) > 1 and not (half[0] - half[-1] > FALL * blind and half[-1] == half.min()):
        return
    steps = len(evidence.steps)
    later = loss if steps < FEW_STEPS else loss[-max(len(loss) // 2, 2 * BLOCK) :]
    change, error = _change(later)
    if -change > max(FALL * blind, stdtrit(len(later) - 2, 1 - CERTAIN) * error):
        which = f"in only {len(later)} steps" if steps < FEW_STEPS else f"in the last {len(later)} steps"
        sentence = (
            f"The training loss was still falling at the end: by {-change:.2f} {which}, to {end:.2f} (guessing "
            f"costs {blind:.2f})."
        )
        figure = {"fall": -change, "steps": len(later), "end": end, "blind_guessing": blind}
        advice = "Train for more epochs; if that ends too high, use the rate of `learn.lr_find()` or a larger body."
        yield Finding("under_fit", sentence, figure, advice)


def last_phase(table: pd.DataFrame, count: str = "step") -> pd.DataFrame:
    """The rows of the last phase: from where the stage is a new one, or its count begins anew."""
    begins = (table.stage != table.stage.shift()) | (numbers(table, count) <= numbers(table.shift(), count))
    return table[begins.cumsum() == begins.sum()]


def _blocks(loss: np.ndarray) -> list[np.ndarray]:
    return np.array_split(loss, max(1, min(MOST_BLOCKS, len(loss) // BLOCK)))


def _levels(loss: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first loss and the medians of blocks after it, (1 + blocks,); and by how much noise may raise each.

    The noise of a single loss comes from the median difference of neighbors, which neither a trend nor a few leaps
    disturb; a median's variance is pi / 2 times a mean's. Bounds are those of t-tests, Bonferroni over the blocks.
    """
    blocks = _blocks(loss[1:])
    spread = [1.0, *(math.sqrt(math.pi / 2 / len(block)) for block in blocks)]
    bound = stdtrit(EFFICIENCY * (len(loss) - 1), 1 - CERTAIN / len(blocks))
    return np.array([loss[0], *map(np.median, blocks)]), bound * _noise(loss) * np.array(spread)


def _noise(loss: np.ndarray) -> float:
    """Standard deviation of single losses, from the median difference of neighbors."""
    return float(np.median(np.abs(np.diff(loss))) / (math.sqrt(2) * ndtri(0.75)))


def _change(loss: np.ndarray) -> tuple[float, float]:
    """Change from the first to the last along the least-squares line, and its standard error."""
    at = np.arange(len(loss)) - (len(loss) - 1) / 2
    slope = float(at @ loss / (at @ at))
    left = loss - loss.mean() - slope * at
    error = math.sqrt(float(left @ left) / (len(loss) - 2) / float(at @ at))
    return slope * (len(loss) - 1), error * (len(loss) - 1)
