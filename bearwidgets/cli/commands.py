"""What each command does: the same way as in the notebook, with words or JSON at its end."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearwidgets.cli.say import say, say_json
from bearwidgets.errors import BadInputError
from bearwidgets.figures import counted, percent
from bearwidgets.safe_text import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from bearwidgets.data.dataset import Dataset
    from bearwidgets.review.checks.issues import Issues
    from bearwidgets.review.review import Review

OK, FAILED, USAGE = 0, 1, 2


_OF_TABLE = ("root", "path", "label", "split", "suffix")


def _dataset(options: Any) -> Dataset:
    from bearwidgets import Journal

    ds = _read(options)
    if (ds.workspace / "journal.jsonl").is_file():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is in the notes
            journal = Journal.open(ds)
        for note in journal.notes:
            say(f"bearwidgets: {note}", error=True)
        if journal.recovered:
            return ds.reread()
    return ds


def _read(options: Any) -> Dataset:
    """The data of a folder, or of a CSV file."""
    from bearwidgets import Dataset
    from bearwidgets.data.workspace import resolved

    shared = {name: getattr(options, name) for name in ("groups", "follow_links", "max_pixels", "workspace")}
    table = {name: getattr(options, name) for name in _OF_TABLE if getattr(options, name) is not None}
    if resolved(options.folder).is_file():
        return Dataset.from_csv(options.folder, **table, **shared)
    if table:
        raise BadInputError(
            f"--{next(iter(table))} is of a table of labels, and {options.folder!r} is no file."
        )
    return Dataset.from_folder(options.folder, **shared)


def _print(options: Any, machine: dict[str, Any], *words: object) -> None:
    """Print for a program or for a person."""
    say_json(machine) if options.json else say(*words)


def trained(ds: Dataset, *, quiet: bool, fit: Callable[..., Any] | None = None, **options: Any) -> Any:
    """A learner on the data, trained by `fit` or else quickly; a training that was stopped ends the command."""
    from bearwidgets import Learner

    learn = Learner(ds, **options)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Interrupted")
        try:
            return fit(learn, progress=not quiet) if fit else learn.fine_tune(progress=not quiet)
        except UserWarning:  # half a training is not to be saved or reported as a whole one
            raise KeyboardInterrupt from None


def review_first(issues: Issues, n: int) -> str:
    """The images to look at first for a terminal, one a line: its label, what is proposed, and why."""
    from bearwidgets.review.checks.triage import TITLE, proposed

    every = issues.triage
    rows = [("", "image", "label", "proposed", "why")]
    for number, (_, row) in enumerate(every.head(n).iterrows(), 1):
        words = [visible(each) for each in (row.label, proposed(row), row.why)]
        rows.append((str(number), _end_of(row.path), *words))
    if not len(every):
        return f"\n{TITLE}: no check found an image to look at."
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([f"\n{TITLE}: {len(rows) - 1:,} of {counted(len(every), 'image')}", *lines])


def _end_of(path: str, most: int = 60) -> str:
    """A path as a terminal may show it, of a long one the end."""
    plain = visible(path)
    return plain if len(plain) <= most else f"…{plain[1 - most :]}"


def check(options: Any) -> int:
    """Run all checks, on the predictions of a quickly trained head too."""
    from bearwidgets import Review, find_issues
    from bearwidgets.data.output import check_output
    from bearwidgets.data.problems import problem_lines
    from bearwidgets.review.checks.issues import REPORTS, TABLES

    for path, endings in ((options.report, REPORTS), (options.out, TABLES)):
        if path:
            check_output(path, endings)
    ds = _dataset(options)
    review: Review | None = None
    words: list[object] = [ds]
    try:
        review = Review(trained(ds, quiet=options.json))
    except BadInputError as error:  # the images can be checked all the same
        words.append(f"not trained: {error}")
    issues = find_issues(ds if review is None else review, progress=not options.json)
    written = [str(issues.report(options.report, top=options.top))] if options.report else []
    written += [str(issues.save(options.out))] if options.out else []
    late = issues.problems[~issues.problems["path"].isin(ds.problems["path"])]
    words += [f"found later: {line}" for line in problem_lines(late)]
    machine: dict[str, Any] = {
        "items": len(ds),
        "problems": issues.problems.to_dict("records"),
        "certain": issues.certain,
        "summary": issues.summary.reset_index().to_dict("records"),
        "left_out": issues.left_out,
        "findings": issues.findings,
        "triage": issues.triage.head(options.top).reset_index().to_dict("records"),
        "written": written,
    }
    words += ["", issues]
    if review is not None:
        top = review.suspects(options.top)
        machine |= {"provenance": review.provenance, "made_by": review.provenance}
        machine["suspects"] = top.reset_index().to_dict("records")
        words.append(f"Labels and features: {review.provenance}.")
    words.append(review_first(issues, options.top))
    words += [f"written: {path}" for path in written]
    words.append(f"\n{issues.certain} certain issues." if issues.certain else "\nNothing certain was found.")
    _print(options, machine, *words)
    return FAILED if issues.certain else OK


def train(options: Any) -> int:
    """Train, in several processes where asked for; save, measure and say so."""
    from bearwidgets import Journal
    from bearwidgets.data.output import check_output
    from bearwidgets.learn.provenance import as_mode
    from bearwidgets.learn.saved.bundle import ENDINGS

    for path, endings in ((options.save, ENDINGS), (options.export, (".onnx",))):
        if path:
            check_output(path, endings)
    given = ("lr", "batch_size", "augment", "precision", "checkpoint", "log")
    recipe = {name: getattr(options, name) for name in given if getattr(options, name) is not None}
    options.mode = as_mode(options.mode)
    if options.mode == "quick" and (recipe or options.devices > 1):
        name = next(iter(recipe), "devices").replace("_", "-")
        raise BadInputError(
            f"--{name} is of the full mode: add --mode full. The quick mode needs none of it."
        )
    ds = _dataset(options)
    if options.cleaned:
        ds = ds.cleaned(Journal.open(ds))
    learn = trained(
        ds,
        quiet=options.json,
        fit=partial(_fit, options, recipe),
        arch=options.arch,
        quality=options.quality,
        weights=None if options.weights == "none" else options.weights,
        size=options.size,
        seed=options.seed,
        resize=options.resize,
        in_chans=options.in_chans,
    )
    if learn.fabric is not None and not learn.fabric.is_global_zero:
        return OK
    return _report(options, learn)


def _fit(options: Any, recipe: dict[str, Any], learn: Any, *, progress: bool) -> Any:
    """Train as the options say; `recipe` holds those of the full mode that were given."""
    if options.devices > 1:  # once all is checked that may be wrong: each process would say it from here on
        from bearwidgets.learn.training.launch import launch
        from bearwidgets.learn.training.recipe import make_recipe

        make_recipe({name: value for name, value in recipe.items() if name != "lr"})
        learn.fabric = launch(options.devices, recipe.get("precision", "auto"))
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
        words.append(f"error {percent(scores['error_rate'], 1)} on {scores['n']} held-out images")
    if "error_rate_corrected" in scores:
        words.append(f"on their corrected labels {percent(scores['error_rate_corrected'], 1)}")
    words += [f"saved to {path}" for path in (saved, exported) if path]
    _print(options, {**scores, "saved": saved, "exported": exported}, *words)
    return OK


def apply(options: Any) -> int:
    """Carry out the decisions in the journal, or say what would be done."""
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
    if options.accept_damage:
        journal.accept_damage()
    receipt = journal.apply()
    done = [f"{receipt.summary()}."]
    if receipt.round:
        machine["round"] = receipt.round
        done.append(f"To undo it: bearwidgets rollback {options.folder} --round {receipt.round}")
    _print(options, machine, *done)
    return OK


def rollback(options: Any) -> int:
    """Put the files of a round back."""
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


def export(options: Any) -> int:
    """Write the cleaned data somewhere else."""
    from bearwidgets import Journal
    from bearwidgets.clean import export as exports

    ds = _dataset(options)
    result = exports.export(ds, Journal.open(ds), Path(options.to), options.form)
    _print(
        options,
        {"written": str(result.path), "items": result.items, "form": options.form},
        f"{counted(result.items, 'image')} written to {result.path}",
    )
    return OK
