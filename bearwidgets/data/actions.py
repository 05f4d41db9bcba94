"""The names of the actions, here once for every room: what a decision says, and what a button or key does."""

from __future__ import annotations

from typing import NamedTuple

KEEP, DELETE, RELABEL, UNSURE = "keep", "delete", "relabel", "unsure"
CLEAR = "clear"  # withdraws the decision
ACCEPT = "accept"  # takes what the view proposes
REMARK = "remark"  # tags and note of an item, which are no decision

LABEL, IMAGE, DUPLICATE = "label", "image", "duplicate"
# what a keep can say: the label is right, the image is fine, it is no duplicate
ABOUT = (LABEL, IMAGE, DUPLICATE)

ACTIONS = (KEEP, DELETE, RELABEL, UNSURE)  # what a decision in force says
RECORDED = (*ACTIONS, CLEAR)  # what the journal takes
MARKS = (*RECORDED, ACCEPT)  # what a view takes
CHANGING = (DELETE, RELABEL)  # what changes files when it is applied
LEFT_OUT = (DELETE, UNSURE)  # what keeps an item out of the training

_SIGNS = {KEEP: "✓", DELETE: "✕", RELABEL: "→", UNSURE: "?"}
_FINE = {LABEL: "label is right", IMAGE: "image is fine", DUPLICATE: "keep"}


def verb(action: str, label: str | None = None, about: str | None = None) -> str:
    """What a decision is called in a sentence; `about` is what a keep says is fine. The views say the same.

    Example:
        >>> verb("relabel", "teddy"), verb("keep", about="label")
        ('relabel to teddy', 'label is right')
    """
    if action == RELABEL:
        return f"relabel to {label}"
    return _FINE.get(about or "", action) if action == KEEP else action


def badge(action: str, label: str | None = None, about: str | None = None) -> str:
    """The sign and the word of a decision on a tile.

    Example:
        >>> badge("relabel", "teddy"), badge("delete")
        ('→ teddy', '✕ delete')
    """
    return f"{_SIGNS[action]} {label or verb(action, label, about)}"


def answers_of(action: str) -> tuple[str, ...]:
    """What an action answers where nothing else is said, some of `ABOUT`."""
    return (LABEL,) if action in (KEEP, RELABEL) else ()


class Choice(NamedTuple):
    """What is chosen for an item.

    Attributes:
        action: One of `MARKS`.
        label: The new label of a relabel, else None.
        about: What a keep says is fine, some of `ABOUT`; the label if nothing is said.
    """

    action: str
    label: str | None = None
    about: tuple[str, ...] = ()
