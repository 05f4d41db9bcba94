"""All checks on features: seconds and peak memory, what they find of what was planted, cleanlab beside them.

    python tests/benchmarks/feature_checks.py speed [--n 50000] [--threads 2] [--peer]
    python tests/benchmarks/feature_checks.py outliers --bears F.npz --cifar F.npz [--off-topic F.npz] [--ablate]
    python tests/benchmarks/feature_checks.py planted

`speed` makes n × 1,280 features of 40 classes with clusters in them, and labels, predictions and properties. The
.npz files of `outliers` hold `x` (n, 1280), `path` and, but for --off-topic, `label`: features of the offline body,
of ../shared/data.
Run by a Python that has cleanlab[datalab] as well, each table has its rows too; bearwidgets itself does not need it.
"""

from __future__ import annotations

import importlib.util
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from common import parser, peak, print_table, shared
from sklearn.metrics import average_precision_score, roc_auc_score

from bearwidgets.learn.head.imagenet import head_of
from bearwidgets.learn.network.bodies import OFFLINE_ARCH
from bearwidgets.review.checks import drift, imbalance, outliers, spurious, weak_groups
from bearwidgets.review.neighbors import distances_from, nearest

if TYPE_CHECKING:
    import argparse

WIDTH = 1280


class HalfFeatures(dict[str, np.ndarray]):
    """Features by id as a learner keeps them."""

    def array(self, ids: list[str]) -> np.ndarray:
        """(n, 1280) float32."""
        return np.stack([self[each] for each in ids]).astype(np.float32)


def made(n: int, seed: int = 0) -> SimpleNamespace:
    """Inputs of made features: 40 classes of five clusters, above 0 as those of a network are."""
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 40, n)
    cluster = target * 5 + rng.integers(0, 5, n)
    middles = np.repeat(rng.normal(size=(40, WIDTH)), 5, axis=0) + 0.7 * rng.normal(size=(200, WIDTH))
    features = np.empty((n, WIDTH), np.float32)
    for start in range(0, n, 4096):
        part = slice(start, start + 4096)
        rows = middles[cluster[part]] + rng.standard_normal((len(cluster[part]), WIDTH), dtype=np.float32)
        features[part] = np.maximum(rows, 0)
    ids = np.arange(n).astype(str)
    label = np.char.add("c", target.astype(str))
    predicted = np.where(rng.random(n) < np.where(cluster % 50 == 0, 0.5, 0.92), label, "other")
    table = pd.DataFrame({"id": ids, "path": np.char.add(label, np.char.add("/", ids)), "label": label})
    review = pd.DataFrame({"label": label, "predicted": predicted}, index=ids)
    stats = pd.DataFrame({name: rng.random(n) for name in spurious.PROPERTIES})
    judged = SimpleNamespace(table=review)
    return SimpleNamespace(
        table=table, features=features, image_stats=stats, review=judged, threshold=None, imagenet=None
    )


def timed(name: str, run: Any, rows: list[list[Any]]) -> Any:
    began, worked = time.perf_counter(), time.process_time()
    result = run()
    wall, cpu = time.perf_counter() - began, time.process_time() - worked
    rows.append([name, f"{wall:.1f} s", f"{cpu:.1f} s", f"{peak():,.0f} MiB"])
    print(*rows[-1], flush=True)
    return result


def speed(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    evidence = made(options.n)
    size = evidence.features.nbytes / 2**20
    rows = [[f"before: features {size:,.0f} MiB", "", "", f"{peak():,.0f} MiB"]]
    checks = {
        "off_topic": outliers.off_topic,
        "class_imbalance": imbalance.class_imbalance,
        "weak_groups": weak_groups.weak_groups,
        "spurious_correlation": spurious.spurious_correlation,
        "order_drift": drift.drift_in_order,
    }
    evidence.neighbors = timed("neighbors", lambda: nearest(evidence.features), rows)
    for name, run in checks.items():
        found = timed(name, lambda run=run: run(evidence), rows)
        rows[-1].append(f"{int(found.flag.sum()):,}")
        print(name, found.note, flush=True)
    total = [sum(float(row[column][:-2]) for row in rows[1:]) for column in (1, 2)]
    rows.append(["all", f"{total[0]:.1f} s", f"{total[1]:.1f} s", f"{peak():,.0f} MiB"])
    store = HalfFeatures(zip(evidence.table.id, evidence.features.astype(np.float16), strict=True))
    timed("similar to one", lambda: distances_from("0", evidence.table.id.tolist(), store), rows)
    if options.peer and importlib.util.find_spec("cleanlab"):
        peer_issues = ("outlier", "near_duplicate", "non_iid", "class_imbalance")
        timed("cleanlab: " + ", ".join(peer_issues), lambda: datalab(evidence, peer_issues), rows)
    header = ["check", "wall", "processor", "peak", "flagged"]
    rows = [row + [""] * (5 - len(row)) for row in rows]
    print_table(f"{options.n:,} × {WIDTH}, {options.threads} threads", header, rows)


def datalab(evidence: SimpleNamespace, names: tuple[str, ...]) -> pd.DataFrame:
    """Table of issues of cleanlab's Datalab on the same features."""
    from cleanlab import Datalab

    lab = Datalab(data={"label": list(evidence.table.label)}, label_name="label", verbosity=0)
    lab.find_issues(features=evidence.features, issue_types={name: {} for name in names})
    return lab.get_issues()


def outlier_sets(options: argparse.Namespace) -> Any:
    """Name, features, labels and which items are off topic."""
    if options.bears:
        data = np.load(options.bears)
        verdicts = pd.read_csv(shared("bears").parent / "bears-verdicts.csv")
        bad = np.isin(data["path"], verdicts.file[verdicts.verdict == "delete"])
        yield "bears, verdict delete", data["x"], data["label"], bad
    if not options.cifar:
        return
    data = np.load(options.cifar)
    table = pd.read_csv(shared("cifar10n") / "labels.csv").set_index("path")
    given, clean = (table[column].reindex(data["path"]).to_numpy() for column in ("aggregate", "clean"))
    if options.off_topic:
        off_topic = np.load(options.off_topic)["x"]
        for seed in range(2):
            rng = np.random.default_rng(seed)
            x = np.concatenate([data["x"], off_topic[rng.choice(len(off_topic), 60, replace=False)]])
            label = np.append(given, rng.choice(np.unique(given), 60))
            yield f"cifar, 60 bears ({seed})", x, label, np.arange(len(x)) >= len(given)
    for seed in range(2 if options.bears else 0):
        rng = np.random.default_rng(seed)
        bears, strangers = np.load(options.bears), data["x"][rng.choice(len(given), 24, replace=False)]
        x = np.concatenate([bears["x"], strangers])
        label = np.append(bears["label"], rng.choice(np.unique(bears["label"]), 24))
        yield f"bears, 24 of cifar ({seed})", x, label, np.arange(len(x)) >= len(bears["x"])
    for name in np.unique(clean)[:: 1 if options.ablate else 3]:
        rng = np.random.default_rng(0)
        n = 54 * len(clean) // 6000
        few = rng.choice(np.flatnonzero(clean == name), n, replace=False)
        keep = np.sort(np.concatenate([np.flatnonzero(clean != name), few]))
        bad, label = clean[keep] == name, clean[keep].copy()
        label[bad] = rng.choice(np.setdiff1d(np.unique(clean), [name]), n)
        yield f"cifar, {n} of {name}", data["x"][keep], label, bad


def candidates(x: np.ndarray, label: np.ndarray, *, ablate: bool) -> dict[str, np.ndarray]:
    """Scores (n,) by name: ours, and with `ablate` the other ways that were weighed."""
    near, target = nearest(x), pd.factorize(label)[0]
    alone = outliers.distance_ratio(near.index, near.similarity, target)
    distances = outliers.imagenet_distances(head_of(OFFLINE_ARCH), x, target)
    found = {"ours": outliers.with_imagenet(alone, distances), "neighbors alone": alone}
    if not ablate:
        return found
    for k in (5, 10, 20, 50):
        index, distance = near.index[:, :k], 1 - near.similarity[:, :k]
        mean = distance.mean(1)
        usual = pd.Series(mean).groupby(target).median().to_numpy()
        found |= {
            f"mean of {k}": mean,
            f"the {k}th": distance[:, -1],
            f"mean of {k} / own class": mean / usual[target],
            f"mean of {k} / classes around": mean / usual[target[index]].mean(1),
            f"local outlier factor, {k}": mean / np.maximum(mean[index].mean(1), 1e-6),
        }
    return found


def outlier_tables(options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    rows = []
    for name, x, label, bad in outlier_sets(options):
        for kind, score in candidates(x, label, ablate=options.ablate).items():
            odd = outliers.outlier_score(score)[0] >= 0.5
            rows.append([name, kind, *figures(score, bad), *flagged(odd, bad)])
        if importlib.util.find_spec("cleanlab"):
            evidence = SimpleNamespace(table=pd.DataFrame({"label": label}), features=x)
            peer = datalab(evidence, ("outlier",))
            suspect, odd = 1 - peer.outlier_score.to_numpy(), peer.is_outlier_issue.to_numpy()
            rows.append([name, "cleanlab", *figures(suspect, bad), *flagged(odd, bad)])
        print(*rows[-2:], sep="\n", flush=True)
    header = ["data", "score", "average precision", "AUC", "among the first 50"]
    print_table("Off topic", [*header, "flagged", "precision", "recall"], rows)


def figures(score: np.ndarray, bad: np.ndarray) -> list[str]:
    first = bad[np.argsort(-score, kind="stable")[:50]].sum()
    scores = average_precision_score(bad, score), roc_auc_score(bad, score)
    return [*(f"{each:.3f}" for each in scores), f"{first} of {bad.sum()}"]


def flagged(flag: np.ndarray, bad: np.ndarray) -> list[str]:
    hits = (flag & bad).sum()
    return [f"{flag.sum()}", f"{hits / max(flag.sum(), 1):.2f}", f"{hits / bad.sum():.2f}"]


def planted(options: argparse.Namespace) -> None:
    """How often each check speaks where something was planted, and where nothing was: 20 made sets each."""
    torch.set_num_threads(options.threads)
    rows: dict[str, list[int]] = {}
    peer = importlib.util.find_spec("cleanlab") is not None
    for seed in range(20):
        for is_planted in (False, True):
            rng = np.random.default_rng(seed)
            x, target, right, looks = planted_set(rng, is_planted=is_planted)
            weak = weak_groups.find_weak_groups(x, right).weak.any()
            skill = spurious.property_skill(looks, target)
            moved = drift.order_drift(nearest(x, 10).index, target)
            said = {
                "weak_groups": weak,
                "spurious_correlation": skill is not None and skill.gives_away,
                "order_drift": moved.p < 0.01,
            }
            if peer:
                evidence = SimpleNamespace(table=pd.DataFrame({"label": target.astype(str)}), features=x)
                theirs = datalab(evidence, ("non_iid",)).is_non_iid_issue
                said["order_drift, cleanlab non_iid"] = bool(theirs.any())
            for name, value in said.items():
                rows.setdefault(name, [0, 0])[is_planted] += int(value)
    table = [[name, f"{hits} of 20", f"{false} of 20"] for name, (false, hits) in rows.items()]
    print_table("Planted in made sets of 1,000", ["check", "found", "found where nothing is"], table)


def planted_set(rng: np.random.Generator, *, is_planted: bool) -> tuple[np.ndarray, ...]:
    """Features, class numbers, predictions that are right, and a property; sorted by class, as folders are."""
    n, d = 1000, 64
    target = np.sort(rng.integers(0, 5, n))
    cluster = target * 3 + rng.integers(0, 3, n)
    x = rng.normal(size=(15, d))[cluster] + 0.7 * rng.normal(size=(n, d))
    chance, looks = np.full(n, 0.9), rng.random(n)
    if is_planted:
        chance[cluster == 4] = 0.6
        looks += 0.5 * (target == 1) + 1.0 * (target == 2)
        x += 1.5 * np.linspace(0, 1, n)[:, None] * rng.normal(size=d)
    return x.astype(np.float32), target, rng.random(n) < chance, looks


def main() -> None:
    run = {"speed": speed, "outliers": outlier_tables, "planted": planted}
    options = parser(__doc__, n=50_000, threads=torch.get_num_threads(), bears="", cifar="", off_topic="")
    options.add_argument("what", choices=run)
    options.add_argument("--peer", action="store_true", help="time cleanlab too: minutes at 50,000")
    options.add_argument("--ablate", action="store_true", help="the other scores that were weighed")
    given = options.parse_args()
    run[given.what](given)


if __name__ == "__main__":
    main()
