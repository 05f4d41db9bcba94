"""The command line: the same way from folder to clean folder, without a notebook."""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearwidgets.errors import BadInputError, BearwidgetsError
from bearwidgets.learn.training.launch import speaks
from bearwidgets.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from bearwidgets.data.dataset import Dataset

OK, FAILED, USAGE = 0, 1, 2
NOTEBOOK = "01_clean_your_bears.ipynb"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives 0, 1 (failed; of `check`: found something certain) or 2 (usage; of `check`: failed)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, io.TextIOWrapper
        ):  # a path or an arrow that the terminal cannot show is no failure
            stream.reconfigure(errors="backslashreplace")
    parser = _parser()
    options = parser.parse_args(arguments)
    options.arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return options.run(options)
    except BearwidgetsError as error:
        return _ended(str(error), options.failed)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - Python flushes it once more at its end
        return OK
    except KeyboardInterrupt:
        return _ended("stopped", options.failed)


def _ended(why: str, status: int) -> int:
    if speaks():
        print(f"bearwidgets: {why}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("bearwidgets", description="Train on a folder of images and clean it.")
    parser.add_argument("--version", action="version", version=f"bearwidgets {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    demo = _command(
        commands, "demo", _demo, "the whole path on the sample bears, or on your images", "--no-lab"
    )
    demo.add_argument("--data", metavar="FOLDER", help="your own folder of images, one folder per class")
    demo.add_argument("--no-lab", action="store_true", help="stop before JupyterLab is opened")

    check = _command(
        commands,
        "check",
        _check,
        "run all checks: wrong labels, copies, strangers, bad pictures; exit status 1 where something certain was "
        "found, 2 where it failed",
        "bears --report bears.html",
    )
    check.set_defaults(failed=USAGE)  # so that a script can tell a failure from a finding
    _add_folder(check)
    check.add_argument(
        "--top",
        type=_positive,
        default=20,
        metavar="N",
        help="how many suspects to list, and of each queue to show (default: 20)",
    )
    check.add_argument(
        "--report", metavar="FILE", help="write a page of HTML with the pictures of each queue"
    )
    check.add_argument("--out", metavar="FILE", help="write the scores of all items: .csv or .parquet")
    _add_json(check)

    train = _command(
        commands, "train", _train, "train and measure; save the learner", "bears --save bears.bw"
    )
    _add_folder(train)
    _add_training(train)
    _add_json(train)

    apply = _command(
        commands, "apply", _apply, "carry out the decisions: deletes to the trash, relabels moved", "bears"
    )
    _add_folder(apply)
    apply.add_argument("--dry-run", action="store_true", help="only say what would be done")
    _add_json(apply)

    rollback = _command(commands, "rollback", _rollback, "put the files of a round back", "bears --round 1")
    _add_folder(rollback)
    rollback.add_argument("--round", type=_positive, metavar="N", help="which round (default: the last)")
    _add_json(rollback)

    export = _command(
        commands, "export", _export, "write the cleaned data somewhere else", "bears --to clean --as folder"
    )
    _add_folder(export)
    export.add_argument("--to", required=True, metavar="PATH", help="a new folder, or a new file")
    export.add_argument(
        "--as",
        dest="form",
        choices=("folder", "csv", "fastai", "fastclass"),
        default="folder",
        help="folder: copies by class; csv: path, label, split; fastai: cleaned.csv of fastai v1 (name, label); "
        "fastclass: report of fastclass (file, class) (default: folder)",
    )
    _add_json(export)
    return parser


def _command(
    commands: Any, name: str, run: Callable[[Any], int], what: str, example: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=f"example: bearwidgets {name} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run, failed=FAILED)
    return command


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def _add_folder(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", metavar="FOLDER", help="the data: one folder per class")
    command.add_argument(
        "--workspace", metavar="FOLDER", help="journal and manifest (default: FOLDER/.bearwidgets)"
    )


def _add_training(train: argparse.ArgumentParser) -> None:
    say = train.add_argument
    say("--save", metavar="FILE", help="where to save the learner")
    say("--export", metavar="FILE", help="where to write it as ONNX (pip install 'bearwidgets[export]')")
    say(
        "--arch",
        default="efficientnet_lite0",
        help="any timm or torchvision name (default: efficientnet_lite0)",
    )
    say("--weights", default="auto", help="auto, offline, none, or a file of tensors (default: auto)")
    say("--size", type=_positive, default=224, help="side of the network's pictures, px (default: 224)")
    say(
        "--resize", choices=("squish", "crop", "pad"), default="squish", help="how a picture becomes a square"
    )
    say("--in-chans", type=_positive, default=3, metavar="N", help="bands of the images (default: 3)")
    say("--seed", type=int, default=0, help="of everything random (default: 0)")
    say(
        "--mode",
        choices=("quick", "full", "cached", "exact"),
        default="quick",
        metavar="{quick,full}",
        help="quick: fit a head on the features of the frozen body; full: train all layers after that "
        "(default: quick)",
    )
    say("--cleaned", action="store_true", help="take the decisions in the journal into account")

    full = train.add_argument_group("the full mode", "with --weights none it trains from scratch")
    say = full.add_argument
    say("--epochs", type=int, default=4, help="passes over the training split (default: 4)")
    say("--lr", type=float, help="highest rate (default: that of Learner.fine_tune)")
    say("--batch-size", type=_positive, metavar="N", help="pictures a step (default: 64)")
    say("--augment", metavar="PRESET", help="none, light, standard, strong, … (default: light)")
    say("--precision", choices=("auto", "bf16", "32"), help="of the arithmetic (default: auto)")
    say("--checkpoint", metavar="FILE", help="kept current; a training that was cut off goes on from it")
    say(
        "--log", action="append", choices=("tensorboard", "mlflow", "csv"), help="write logs; may be repeated"
    )
    say("--devices", type=_positive, default=1, metavar="N", help="processes: GPUs, or parts of the CPU")


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON instead of words")


def _dataset(options: Any) -> Dataset:
    from bearwidgets import Dataset, Journal

    ds = Dataset.from_folder(options.folder, workspace=options.workspace)
    if (ds.workspace / "journal.jsonl").is_file():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is in the notes
            journal = Journal.open(ds)
        for note in journal.notes:
            print(f"bearwidgets: {note}", file=sys.stderr)
        if journal.recovered:
            return ds.reread()
    return ds


def _print(options: Any, machine: dict[str, Any], *words: object) -> None:
    """Print for a program or for a person."""
    print(json.dumps(machine, ensure_ascii=False) if options.json else "\n".join(map(str, words)))


def _trained(
    ds: Dataset, *, quiet: bool, fit: Callable[..., Any] | None = None, fabric: Any = None, **options: Any
) -> Any:
    from bearwidgets import Learner

    learn = Learner(ds, **options)
    learn.fabric = fabric
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Stopped by hand")
        try:
            return fit(learn, progress=not quiet) if fit else learn.fine_tune(progress=not quiet)
        except UserWarning:  # half a training is not to be saved or reported as a whole one
            raise KeyboardInterrupt from None


def _suspects(table: pd.DataFrame) -> str:
    shown = table.assign(rank=range(1, len(table) + 1))[
        ["rank", "path", "label", "suggested", "confidence", "loss", "label_issue"]
    ]
    shown["path"] = [_shown(each, 60) for each in shown["path"]]
    return shown.to_string(index=False, float_format=lambda value: f"{value:.2f}")


def _shown(text: str, most: int | None = None) -> str:
    """A name or a reason as a terminal may show it: nothing that steers it, and of a long one the end."""
    plain = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return plain if most is None or len(plain) <= most else f"…{plain[1 - most :]}"


def _check(options: Any) -> int:
    from bearwidgets import Review, find_issues
    from bearwidgets.files import check_output
    from bearwidgets.review.checks.issues import REPORTS, TABLES

    for path, endings in ((options.report, REPORTS), (options.out, TABLES)):
        if path:
            check_output(path, endings)
    ds = _dataset(options)
    review, note = None, []
    try:
        review = Review(_trained(ds, quiet=options.json))
    except BadInputError as error:  # the pictures can be checked all the same
        note = [f"not trained: {error}"]
    issues = find_issues(ds if review is None else review)
    written = [str(issues.report(options.report, top=options.top))] if options.report else []
    written += [str(issues.save(options.out))] if options.out else []
    machine: dict[str, Any] = {
        "items": len(ds),
        "problems": issues.problems.to_dict("records"),
        "certain": issues.certain,
        "summary": issues.summary.reset_index().to_dict("records"),
        "left_out": issues.left_out,
        "written": written,
    }
    words = [
        ds,
        *note,
        *(_shown(f"not used: {path}: {reason}") for path, reason in issues.problems.to_numpy()),
    ]
    words += ["", issues]
    if review is not None:
        top = review.suspects(options.top)
        machine |= {"made_by": review.made_by, "suspects": top.reset_index().to_dict("records")}
        words.append(f"\nThe {len(top)} most suspect labels ({review.made_by}):\n{_suspects(top)}")
    words += [f"written: {path}" for path in written]
    words.append(f"\n{issues.certain} certain issues." if issues.certain else "\nNothing certain was found.")
    _print(options, _without_nan(machine), *words)
    return FAILED if issues.certain else OK


def _without_nan(value: Any) -> Any:
    """The same as strict JSON has it: null for what is no number."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 - NaN


def _train(options: Any) -> int:
    from bearwidgets import Journal
    from bearwidgets.learn.provenance import as_mode

    given = ("lr", "batch_size", "augment", "precision", "checkpoint", "log")
    recipe = {name: getattr(options, name) for name in given if getattr(options, name) is not None}
    options.mode = as_mode(options.mode)
    if options.mode == "quick" and (recipe or options.devices > 1):
        name = next(iter(recipe), "devices").replace("_", "-")
        raise BadInputError(
            f"--{name} is of the full mode: add --mode full. The quick mode needs none of it."
        )
    fabric = None
    if options.devices > 1:
        from bearwidgets.learn.training.launch import launch

        command = [sys.executable, "-m", "bearwidgets.cli", *options.arguments]
        fabric = launch(options.devices, recipe.get("precision", "auto"), command)
    ds = _dataset(options)
    if options.cleaned:
        ds = ds.cleaned(Journal.open(ds))
    learn = _trained(
        ds,
        quiet=options.json,
        fit=partial(_fit, options, recipe),
        fabric=fabric,
        arch=options.arch,
        weights=None if options.weights == "none" else options.weights,
        size=options.size,
        seed=options.seed,
        resize=options.resize,
        in_chans=options.in_chans,
    )
    if fabric is not None and not fabric.is_global_zero:
        return OK
    return _report(options, learn)


def _fit(options: Any, recipe: dict[str, Any], learn: Any, *, progress: bool) -> Any:
    """Train as the options say; `recipe` holds those of the full mode that were given."""
    recipe = dict(recipe)
    rate = [recipe.pop("lr")] if "lr" in recipe else []
    if options.mode == "full" and options.weights == "none":
        return learn.fit_from_scratch(options.epochs, *rate, progress=progress, **recipe)
    return learn.fine_tune(options.epochs, *rate, mode=options.mode, progress=progress, **recipe)


def _report(options: Any, learn: Any) -> int:
    """Save, measure, and say so."""
    split = learn.ds.table.split
    saved = str(learn.save(options.save)) if options.save else None
    exported = str(learn.export_onnx(options.export)) if options.export else None
    scores = learn.evaluate("valid") if (split == "valid").any() else {"provenance": learn.provenance}
    words = [learn.history.to_string(index=False), learn.provenance]
    if "n" in scores:
        words.append(f"error {scores['error_rate']:.1%} on {scores['n']} held-out images")
    if "error_rate_corrected" in scores:
        words.append(f"on their corrected labels {scores['error_rate_corrected']:.1%}")
    words += [f"saved to {path}" for path in (saved, exported) if path]
    _print(options, {**scores, "saved": saved, "exported": exported}, *words)
    return OK


def _apply(options: Any) -> int:
    from bearwidgets import Journal

    journal = Journal.open(_dataset(options))
    plan = journal.plan()
    machine: dict[str, Any] = {
        "counts": plan.counts,
        "moves": plan.moves.to_dict("records"),
        "problems": plan.problems.to_dict("records"),
    }
    if options.dry_run:
        _print(options, machine, plan)
        return OK if plan.ok else FAILED
    if plan.ok and not len(plan.moves):
        _print(options, machine, "Nothing to do: no decision to delete or relabel is pending.")
        return OK
    receipt = journal.apply()
    done = f"{receipt.summary()}."
    back = f"To undo it: bearwidgets rollback {options.folder} --round {receipt.round}"
    _print(options, {**machine, "round": receipt.round}, done, back)
    return OK


def _rollback(options: Any) -> int:
    from bearwidgets import Journal

    journal = Journal.open(_dataset(options))
    receipt = journal.rollback(options.round)
    _print(
        options,
        {"round": receipt.round, "counts": receipt.counts, "notes": list(receipt.notes)},
        f"{receipt.summary()}.",
        *receipt.notes,
    )
    return OK


def _export(options: Any) -> int:
    from bearwidgets import Journal
    from bearwidgets.clean.export import export

    ds = _dataset(options)
    result = export(ds, Journal.open(ds), Path(options.to), options.form)
    _print(
        options,
        {"written": str(result.path), "items": result.items, "form": options.form},
        f"{result.items} items written to {result.path}",
    )
    return OK


def _demo(options: Any) -> int:
    from bearwidgets import Dataset, Review, sample_bears

    began = time.monotonic()
    if options.data:
        folder = Path(options.data)
    else:
        print("Drawing the sample bears …", flush=True)
        folder = sample_bears("bears")
    ds = Dataset.from_folder(folder)
    print(ds, flush=True)
    learn = _trained(ds, quiet=False)
    review = Review(learn)
    top = review.suspects(20)
    print(f"\nThe {len(top)} most suspect labels:\n{_suspects(top)}")
    if (ds.table.split == "valid").any():
        scores = learn.evaluate("valid")
        print(f"\nHeld-out error {scores['error_rate']:.1%} on {scores['n']} images; {scores['provenance']}.")
    print(f"Done in {time.monotonic() - began:.1f} s.")
    return OK if options.no_lab else _open_lab(folder)


def _open_lab(folder: Path) -> int:
    lab = shutil.which(
        "jupyter-lab", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    )
    notebook = Path("notebooks") / NOTEBOOK
    if lab is None or not notebook.is_file():
        print(
            f"To go on: open notebooks/{NOTEBOOK} of the repository in JupyterLab (pip install 'bearwidgets[lab]')."
        )
        return FAILED
    environment = {**os.environ, "BEARWIDGETS_DATA": str(folder.resolve())}
    return subprocess.call([lab, str(notebook)], env=environment)  # noqa: S603 - found beside our own Python


if __name__ == "__main__":
    raise SystemExit(main())
