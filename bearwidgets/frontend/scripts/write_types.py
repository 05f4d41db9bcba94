"""Writes src/shared/types.js from the messages in widgets/protocol.py; with --fresh it only compares."""

# ruff: noqa: INP001 - a script, no part of the package
from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from bearwidgets.widgets import protocol
from bearwidgets.widgets.parse import UNIONS, has_default, hints

TARGET = Path(__file__).parents[1] / "src" / "shared" / "types.js"
ALIASES = {name: vars(protocol)[name] for name in ("Action", "Sort", "Range", "Run", "KernelEvent")}
PLAIN = {bool: "boolean", int: "number", float: "number", str: "string", NoneType: "null"}
HEAD = """\
// Written from bearwidgets/widgets/protocol.py by `python bearwidgets/frontend/scripts/write_types.py`. Types only.
"""
TAIL = """\
/** @typedef {{kind: "reply", id: number, ok: boolean, result?: any, error?: string}} Reply */
/** @typedef {DataView|ArrayBuffer|Uint8Array} Buffer */
/**
 * @typedef {object} Model what anywidget hands to `render`
 * @property {(name: string) => any} get
 * @property {(name: string, value: unknown) => void} set
 * @property {() => void} save_changes
 * @property {(content: unknown) => void} send
 * @property {(name: string, callback: (...args: any[]) => void) => void} on
 * @property {(name: string, callback: (...args: any[]) => void) => void} off
 * @property {{kernel?: unknown}} [widget_manager]
 */

export {};
"""


def script_type(kind: Any, *, by_name: bool = True) -> str:
    """The type as JSDoc has it."""
    origin, inside = get_origin(kind), get_args(kind)
    name = next((name for name, alias in ALIASES.items() if kind == alias), None)
    if name and by_name:
        return name
    if origin is Literal or (origin is Annotated and isinstance(inside[1], tuple)):
        return "|".join(f'"{each}"' for each in (inside if origin is Literal else inside[1]))
    if origin is Annotated:
        return script_type(inside[0], by_name=by_name)
    if not inside:
        return PLAIN.get(kind) or kind.__name__
    return _made_of(kind, [script_type(each) for each in inside])


def _made_of(kind: Any, parts: list[str]) -> str:
    """A type that is made of others."""
    if get_origin(kind) in UNIONS:
        return "|".join(parts)
    if get_origin(kind) is list:
        return f"({parts[0]})[]" if "|" in parts[0] else f"{parts[0]}[]"
    return f"[{', '.join(parts)}]" if get_origin(kind) is tuple else f"Record<string, {parts[1]}>"


def typedef(cls: type) -> str:
    """The JSDoc of one message, with what the comments say of the fields."""
    text = inspect.getdoc(cls) or ""
    sources = [inspect.getsource(each) for each in reversed(cls.__mro__[:-2])]  # without Message and object
    said = dict(re.findall(r"^    (\w+): .*  # (.+)$", "".join(sources), re.MULTILINE))
    lines = [f" * {line}".rstrip() for line in text.split("\n")]
    for field in dataclasses.fields(cls):  # ty: ignore[invalid-argument-type]
        optional = has_default(field) and cls.__name__.endswith(
            ("Request", "Decision")
        )  # what the page makes itself
        name = f"[{field.name}]" if optional else field.name
        kind = script_type(hints(cls)[field.name])
        lines.append(f" * @property {{{kind}}} {name} {said.get(field.name, '')}".rstrip())
    return "\n".join(["/**", f" * @typedef {{object}} {cls.__name__}", *lines, " */"])


def types() -> str:
    """The whole file."""
    aliases = [
        f"/** @typedef {{{script_type(kind, by_name=False)}}} {name} */" for name, kind in ALIASES.items()
    ]
    messages = [
        each
        for each in vars(protocol).values()
        if dataclasses.is_dataclass(each) and each.__module__ == protocol.__name__
    ]
    ops = [
        f" * @property {{{{request: {request.__name__}, reply: {reply.__name__}}}}} {op}"
        for op, (request, reply) in protocol.REQUESTS.items()
    ]
    table = ["/**", " * @typedef {object} Ops what each op takes and gives", *ops, " */"]
    return "\n".join([HEAD, *aliases, *map(typedef, messages), *table, TAIL])


def main() -> int:
    """Write the file, or say that it is stale."""
    if "--fresh" not in sys.argv:
        TARGET.write_text(types(), encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != types():
        print(f"{TARGET} is stale: run 'python {Path(__file__).name}' and commit the result.")  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
