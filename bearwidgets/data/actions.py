"""The names of the actions, here once for every room: what a decision says, and what a button or key does."""

from __future__ import annotations

KEEP, DELETE, RELABEL, UNSURE = "keep", "delete", "relabel", "unsure"
CLEAR = "clear"  # withdraws the decision
ACCEPT = "accept"  # takes what the view proposes

ACTIONS = (KEEP, DELETE, RELABEL, UNSURE)  # what a decision in force says
RECORDED = (*ACTIONS, CLEAR)  # what the journal takes
MARKS = (*RECORDED, ACCEPT)  # what a view takes
CHANGING = (DELETE, RELABEL)  # what changes files when it is applied
LEFT_OUT = (DELETE, UNSURE)  # what keeps an item out of the training
