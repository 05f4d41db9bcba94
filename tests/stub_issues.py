"""Issues that are written down: queues of a Cleaner without any check."""

from __future__ import annotations

import pandas as pd


class StubIssues:
    """Queues from `{name: [(id, score, group, keeper), …]}`; those in `certain` are facts."""

    def __init__(self, certain=(), **queues):
        self.certain, self.lists = certain, queues

    def queues(self):
        return [
            (name, name.replace("_", " ").capitalize(), len(rows), name in self.certain)
            for name, rows in self.lists.items()
        ]

    def queue(self, name):
        frame = pd.DataFrame(self.lists[name], columns=["id", "score", "group", "keeper"]).set_index("id")
        return frame.assign(why=f"It is in {name}.")
