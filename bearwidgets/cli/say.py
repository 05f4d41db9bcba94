"""The edge to the terminal: whatever is printed goes through here, so that no name can steer a terminal."""

from __future__ import annotations

import json
import sys
from typing import Any

from bearwidgets.safe_text import as_json, visible


def say(*words: object, error: bool = False) -> None:
    """Print each of the words on lines of its own, with what cannot be seen spelled out."""
    lines = "\n".join(map(str, words)).split("\n")
    print("\n".join(map(visible, lines)), file=sys.stderr if error else sys.stdout, flush=True)


def say_json(machine: dict[str, Any]) -> None:
    """Print for a program: JSON in ASCII, which is the same whatever the encoding of the output."""
    print(json.dumps(as_json(machine)).replace("\x7f", "\\u007f"))
