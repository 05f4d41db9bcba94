"""Saved learners: bit for bit the same, a metadata that says what is known, and nothing that could be executed."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import struct
import zipfile
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_data import CLASSES, TINY, Bomb

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, BearwidgetsError, MissingFileError, WorkspaceError
from bearwidgets.learn.learner import Learner
from bearwidgets.learn.network.bodies import OWN, BodySource, Origin
from bearwidgets.learn.provenance import Provenance
from bearwidgets.learn.saved import bundle, metadata_schema
from bearwidgets.learn.saved.metadata import FORMAT, HEADS, check_classes, data_hash, model_card
from bearwidgets.learn.saved.metadata_schema import LATER, SCHEMA, check_metadata
from bearwidgets.review.review import Review
from bearwidgets.safe_text import as_json

if TYPE_CHECKING:
    from pathlib import Path

FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory) -> Path:
    """Its file; tests change copies."""
    return trained.save(tmp_path_factory.mktemp("saved") / "bears.bw")


@pytest.fixture
def path(saved, tmp_path) -> Path:
    (tmp_path / "bears.bw").write_bytes(saved.read_bytes())
    return tmp_path / "bears.bw"


def parts(path: Path) -> tuple[dict, dict]:
    """Card and tensors as they lie in the file."""
    with safetensors.safe_open(path, "pt") as file:
        return json.loads(file.metadata()[bundle.KEY]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def rewritten(path: Path, tensors: dict[str, torch.Tensor | None] | None = None, **changes: object) -> Path:
    """The same file with other metadata or tensors; None takes one out."""
    metadata, held = parts(path)
    held = {name: tensor for name, tensor in {**held, **(tensors or {})}.items() if tensor is not None}
    safetensors.torch.save_file(held, path, {bundle.KEY: json.dumps({**metadata, **changes})})
    return path


@pytest.mark.parametrize(
    ("mode", "arch", "options"),
    [
        ("quick", "test_resnet", {}),
        ("full", "test_vit", {"resize": "crop"}),
        ("full", "test_resnet", {"head": "mlp", "resize": "pad", "normalize": "data"}),
        ("full", "test_efficientnet", {"in_chans": 1}),
        ("quick", "torchvision/mobilenet_v3_small", {}),
    ],
)
def test_a_round_trip_gives_the_same_bits(ds, tmp_path, mode, arch, options, monkeypatch):
    learn = Learner(ds, arch=arch, weights=None, size=64, **options)
    learn.fine_tune(1, mode=mode, progress=False)
    path = learn.save(tmp_path / "bears.bw")
    monkeypatch.setenv("BEARWIDGETS_CACHE", str(tmp_path / "another"))  # so that nothing comes from the cache
    loaded = Learner.load(path, ds)
    assert (loaded.predictions()[1] == learn.predictions()[1]).all()
    image = ds.path_of(ds.table.id[0])
    assert loaded.predict(image) == learn.predict(image)
    assert (loaded.classes, loaded.provenance, loaded.mode) == (learn.classes, learn.made_by, mode)
    assert loaded.preprocessing == learn.preprocessing
    assert loaded.evaluate("valid") == learn.evaluate("valid")


def test_a_module_of_ones_own_comes_back_into_its_module(ds, tmp_path):
    def network():
        return torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 3)
        )

    learn = Learner.from_module(network(), ds, size=32).fine_tune(1, mode="full", progress=False)
    path = learn.save(tmp_path / "own.bw")
    with pytest.raises(BadInputError, match=r"a module of one's own.*`Learner.load\(path, module=module\)`"):
        Learner.load(path)
    loaded = Learner.load(path, ds, module=network())
    assert (loaded.predictions()[1] == learn.predictions()[1]).all()
    with pytest.raises(BadInputError, match="belong to another architecture"):
        Learner.load(path, module=torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 3)))


def test_a_loaded_learner_predicts_without_data_and_says_what_it_cannot(trained, saved):
    loaded = Learner.load(saved)
    assert loaded.predict(trained.ds.path_of(trained.ds.table.id[0])).label == "black"
    acts = (loaded.predictions, loaded.evaluate, loaded.fine_tune, lambda: Review(loaded))
    for act in acts:
        with pytest.raises(BadInputError, match="data set"):
            act()
    with pytest.raises(MissingFileError, match=r"none\.bw"):
        Learner.load(saved.with_name("none.bw"))
    with pytest.raises(MissingFileError, match=saved.parent.name):
        Learner.load(saved.parent)


@pytest.mark.parametrize(
    ("mistake", "sentence"),
    [
        (lambda learn: learn.save(None), "None is no path"),
        (lambda learn: learn.export_onnx(None), "None is no path"),
        (lambda learn: learn.transfer("bears"), "ds is 'bears'; a Dataset is needed"),
        (lambda learn: learn.predictions("bears"), "ds is 'bears'; a Dataset is needed"),
        (lambda learn: learn.lr_find("1e-3"), "start_lr is '1e-3' and end_lr is"),
    ],
)
def test_a_mistake_ends_in_a_sentence(trained, mistake, sentence):
    with pytest.raises(BadInputError, match=sentence):
        mistake(trained)


def test_saving_replaces_the_old_file_or_keeps_it_and_leaves_nothing_else(trained, tmp_path, monkeypatch):
    (tmp_path / "bears.bw").write_text("old")

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("bearwidgets.files.os.fsync", full)
        with pytest.raises(WorkspaceError, match=r"is full. The learner was not written"):
            trained.save(tmp_path / "bears.bw")
    assert (tmp_path / "bears.bw").read_text() == "old"
    with pytest.raises(WorkspaceError, match="there is no folder"):
        trained.save(tmp_path / "no" / "such" / "folder.bw")
    trained.save(tmp_path / "bears.bw")
    assert Learner.load(tmp_path / "bears.bw").classes == trained.classes
    assert [each.name for each in tmp_path.iterdir()] == ["bears.bw"]
    (tmp_path / "plain").touch()
    assert (tmp_path / "bears.bw").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_weights_that_are_no_numbers_are_not_saved(path, tmp_path):
    learn, path = Learner.load(path), tmp_path / "new.bw"
    with torch.no_grad():
        learn.module.head.bias[1] = float("nan")
    with pytest.raises(BadInputError, match=r"not finite \(in 'head.bias'\).*Nothing was saved"):
        learn.save(path)
    assert not path.exists()


def test_foreign_files_are_refused_by_name_and_not_executed(tmp_path):
    path, mark = tmp_path / "bears.bw", tmp_path / "mark"
    torch.save(Bomb(mark), tmp_path / "torch")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(Bomb(mark)))
    for data, word in [
        (b"", ""),
        (b"\0" * 100, ""),
        (b"{}", ""),
        (b"\n <!doctype html>", "web page"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 99, "HDF5"),
        (pickle.dumps(Bomb(mark)), "pickle"),
        ((tmp_path / "torch").read_bytes(), "torch.save"),
        ((tmp_path / "zip").read_bytes(), "zip"),
    ]:
        path.write_bytes(data)
        with pytest.raises(BadInputError, match=f"not a file that `learn.save` wrote.*{word}"):
            Learner.load(path)
    assert not mark.exists()


@pytest.mark.parametrize("length", [2**63, 2**40, 10**9, 100_000_001])
def test_a_header_that_claims_to_be_giant_is_refused(tmp_path, length):
    path = tmp_path / "bears.bw"
    path.write_bytes(struct.pack("<Q", length) + b'{"a":')
    with pytest.raises(BadInputError, match="broken"):
        Learner.load(path)


def refusal(act) -> str | None:
    """What an act is refused with, if it is; any other error passes."""
    try:
        act()
    except BearwidgetsError as error:
        return str(error)
    return None


def read_all(path: Path) -> None:
    bundle.load(path)
    model_card(bundle.read(path)[0]).encode()


def check_and_show(metadata: dict) -> None:
    model_card(check_metadata(json.loads(json.dumps(metadata)), "bears.bw")).encode()


@given(st.data())
@FUZZ
def test_a_damaged_file_is_refused_or_as_it_was(saved, tmp_path_factory, data):
    whole = saved.read_bytes()
    path = tmp_path_factory.mktemp("damaged") / "bears.bw"
    header = struct.unpack("<Q", whole[:8])[0] + 8
    place = data.draw(st.integers(0, header - 1) | st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        path.write_bytes(whole[:place])
    else:
        changed = bytearray(whole)
        changed[place] = data.draw(st.integers(0, 255))
        path.write_bytes(bytes(changed))
    said = refusal(lambda: read_all(path))
    if said is None:
        assert set(bundle.read(path)[1]) == set(parts(saved)[1])
    else:
        assert 20 < len(said) < 1000
        assert said.isprintable()


@given(st.sampled_from([*SCHEMA, "format"]), st.text(max_size=6), JSON)
@FUZZ
def test_metadata_with_anything_in_any_entry_or_inside_it_are_refused_or_readable(saved, name, key, value):
    metadata = parts(saved)[0]
    entries = [value]
    if isinstance(table := metadata[name], dict):
        entries += [{**table, each: value} for each in (*table, key)]
    if name == "history":
        entries += [[{**table[0], each: value}] for each in (*table[0], key)]
    for entry in entries:
        said = refusal(lambda entry=entry: check_and_show({**metadata, name: entry}))
        assert said is None or ("bears.bw" in said and said.isprintable())


@pytest.mark.parametrize(
    "metadata", [None, "5", "{}", "not json", '{"format": "x"}', '{"format": true}', "[1]", "NaN"]
)
def test_tensors_without_metadata_of_ours_are_refused(tmp_path, metadata):
    header = None if metadata is None else {bundle.KEY: metadata}
    safetensors.torch.save_file({"a": torch.zeros(2)}, tmp_path / "a.bw", header)
    with pytest.raises(BadInputError, match=r"no bearwidgets metadata|not a file"):
        Learner.load(tmp_path / "a.bw")


def test_metadata_nested_without_end_is_refused(tmp_path):
    for metadata in ("[" * 100_000, '{"format": 2, "classes": ' + "[" * 900 + "]" * 900 + "}"):
        safetensors.torch.save_file({"a": torch.zeros(2)}, tmp_path / "a.bw", {bundle.KEY: metadata})
        with pytest.raises(BadInputError):
            Learner.load(tmp_path / "a.bw")


@pytest.mark.parametrize("key", [name for name in SCHEMA if name not in LATER])
def test_metadata_that_lacks_something_is_refused(saved, key):
    metadata = parts(saved)[0]
    del metadata[key]
    with pytest.raises(BadInputError, match=f"lacks {key}: the file was changed"):
        check_metadata(metadata, "bears.bw")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": []}, r"'\[\]' for classes; allowed is a list of different names"),
        ({"classes": ["a", "a", "b"]}, "for classes"),
        ({"classes": ["a", "b", "\ud800"]}, "for classes"),
        ({"classes": {"a": 1}}, "for classes"),
        ({"size": 10**6}, "for size; allowed is a whole number from 32 to 8192"),
        ({"size": True}, "for size"),
        ({"size": 64}, "two sizes, 64 and 32 px"),
        ({"seed": -1}, "for seed"),
        ({"provenance": {"mode": "magic"}}, "for provenance; allowed is .*'quick' or 'full'"),
        ({"provenance": {"mode": "quick"}}, "for provenance"),
        ({"provenance": {"mode": "full", "epoch": "1"}}, "for provenance"),
        ({"provenance": "words"}, "for provenance"),
        ({"head": ["linear"]}, "for head"),
        ({"preprocessing": {"size": 32}}, r"bears\.bw: The preprocessing in the metadata is damaged"),
        ({"metrics": {"valid": {"n": 0, "error_rate": 0}}}, "for metrics"),
        ({"metrics": {"valid": {"n": 5, "error_rate": 7}}}, "for metrics"),
        ({"metrics": {"last_epoch": {"valid_error": "much"}}}, "for metrics"),
        ({"data": {"hash": "x", "items": {"train": {"a": -1}}}}, "for data"),
        ({"history": [{"epoch": [1]}]}, "for history"),
    ],
)
def test_entries_that_cannot_be_are_refused(saved, changes, message):
    with pytest.raises(BadInputError, match=message):
        check_metadata({**parts(saved)[0], **changes}, "bears.bw")


UNKNOWN = (
    "resnet_of_tomorrow",
    "hf-hub:timm/resnet18",
    "local-dir:/etc",
    "../x",
    "torchvision/os",
    "resnet18.none",
)
NEWER = {"format": FORMAT + 1, "classes": None}


@pytest.mark.parametrize(
    ("changes", "tensors", "message"),
    [
        *(
            ({"timm": name}, {}, rf"the architecture '{re.escape(name)}', unknown to timm")
            for name in UNKNOWN
        ),
        ({**NEWER, "version": "9.9"}, {}, r"written by bearwidgets 9.9, a newer one; update"),
        ({**NEWER, "version": "9\x1b[31m\n"}, {}, r"by bearwidgets of unknown version, a newer one"),
        ({"classes": ["a", "b"]}, {}, r"has float32 \(3, \d+\) where float32 \(2, \d+\) is needed"),
        ({"timm": "test_efficientnet"}, {}, r"lacks \d+ of \d+ tensors .*architecture than its metadata say"),
        ({"head": "mlp"}, {}, r"lacks .* tensors"),
        (
            {},
            {"head.weight": torch.tensor([[torch.inf] + [0.0] * 95] * 3)},
            r"not finite \(in 'head.weight'\)",
        ),
        ({}, {"head.weight": torch.zeros(3, 96).double()}, r"has float64 .* where float32"),
        ({}, {"head.weight": torch.zeros(3, 96, dtype=torch.int8)}, r"has int8 .* where float32"),
        ({}, {"head.weight": torch.zeros(3, 95)}, r"has float32 \(3, 95\) where float32"),
        ({}, {"head.weight": None}, r"lacks 1 of \d+ tensors \(first: 'head.weight'\)"),
        ({}, {"body.extra": torch.zeros(3)}, r"has 1 tensors too many \(first: 'body.extra'\)"),
    ],
)
def test_a_changed_file_is_refused(path, changes, tensors, message):
    with pytest.raises(BadInputError, match=message):
        Learner.load(rewritten(path, tensors, **changes))


def test_a_far_larger_architecture_is_refused_before_it_is_made(path, monkeypatch):
    monkeypatch.setattr(bundle.bodies, "empty_body", lambda *_, **__: pytest.fail("it was made"))
    for name in ("vit_giant_patch14_clip_224", "torchvision/vit_h_14"):
        with pytest.raises(BadInputError, match=f"far too small for '{name}'"):
            Learner.load(rewritten(path, timm=name))


def test_a_file_of_format_1_still_loads(path, trained):
    metadata, tensors = parts(path)
    kept = ("arch", "timm", "weights", "classes", "size", "seed")
    old = {"format": 1, "version": "0.1.0", **{name: metadata[name] for name in kept}}
    old |= {"mode": "cached", "made_by": "features and a linear head"}
    old |= {name: metadata["preprocessing"][name] for name in ("mean", "std", "interpolation")}
    safetensors.torch.save_file(tensors, path, {bundle.KEY: json.dumps(old)})
    loaded = Learner.load(path, trained.ds)
    assert (loaded.predictions()[1] == trained.predictions()[1]).all()
    assert loaded.preprocessing == trained.preprocessing
    assert "Not noted" in loaded.card
    del old["std"]
    safetensors.torch.save_file(tensors, path, {bundle.KEY: json.dumps(old)})
    with pytest.raises(BadInputError, match="lacks"):
        Learner.load(path)


@pytest.mark.parametrize(("old_mode", "mode"), [("cached", "quick"), ("exact", "full")])
def test_a_file_with_the_old_words_for_modes_and_provenance_still_loads(path, trained, old_mode, mode):
    metadata, tensors = parts(path)
    del metadata["provenance"]
    metadata |= {"format": 2, "mode": old_mode, "made_by": f"{old_mode} mode: at 32 px"}
    safetensors.torch.save_file(tensors, path, {bundle.KEY: json.dumps(metadata)})
    loaded = Learner.load(path, trained.ds)
    assert (loaded.mode, loaded.provenance) == (mode, f"{old_mode} mode: at 32 px")
    assert (loaded.predictions()[1] == trained.predictions()[1]).all()
    again = Learner.load(loaded.save(path))
    assert (again.mode, again.provenance) == (loaded.mode, loaded.provenance)


def test_a_file_from_before_the_second_head_loads_and_its_reader_asks_for_an_update(
    path, trained, monkeypatch
):
    provenance = parts(path)[0]["provenance"]
    assert provenance.pop("second_strength") is None
    loaded = Learner.load(rewritten(path, format=3, provenance=provenance), trained.ds)
    assert loaded.provenance == trained.provenance
    newer = loaded.save(path)
    monkeypatch.setattr(metadata_schema, "FORMAT", 3)
    with pytest.raises(BadInputError, match="a newer one; update bearwidgets"):
        Learner.load(newer)


def test_what_older_readers_refuse_has_a_format_number_of_its_own():
    said = (
        "mode arch weights size strength second_strength stage epoch epochs stopped_early best_loss words; "
        "linear mlp none mean own"
    )
    now = "; ".join([" ".join(each.name for each in fields(Provenance)), " ".join(HEADS)])
    assert {now: FORMAT} == {said: 4}, "with another field or head goes another number"


@pytest.mark.parametrize("place", ["tensors", "text"])
def test_flipped_bits_are_refused(path, place):
    data = bytearray(path.read_bytes())
    at = -5 if place == "tensors" else data.index(b"black")
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadInputError, match=r"bears\.bw .*broken \(its checksum is that of other contents\)"):
        Learner.load(path)


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png", "learner.onnx"])
def test_a_name_of_another_format_is_not_written_over(trained, tmp_path, name):
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(BadInputError, match=r"does not say in which format; allowed are \.bw and \.safeten"):
        trained.save(tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["photo", "photo.bw"])
def test_an_image_is_not_written_over_whatever_its_name(trained, tmp_path, name):
    image = trained.ds.path_of(trained.ds.table.id[0])
    shutil.copy(image, tmp_path / name)
    with pytest.raises(BadInputError, match="is an image, which is not written over"):
        trained.save(tmp_path / name)


def test_classes_with_any_characters_survive_and_metrics_stand_on_the_card(make_images, tmp_path):
    names = {"ours brun é": 4, "熊": 4, 'a "b" & <c>': 4}
    ds = Dataset.from_folder(make_images(tmp_path / "odd", names))
    learn = Learner(ds, **TINY, metrics=["f1", "calibration"]).fine_tune(progress=False)
    assert Learner.load(learn.save(tmp_path / "odd.bw")).classes == sorted(names)
    assert np.isfinite(learn.predictions()[1]).all()
    assert re.search(r"\| f1 \| [\d.]+ \|", learn.card)
    assert "calibration): not measured" not in learn.card


def test_the_card_says_what_the_learner_knows(trained, saved):
    metadata, _ = bundle.read(saved)
    scores = trained.evaluate("valid")
    assert metadata["classes"] == CLASSES
    assert metadata["preprocessing"] == as_json(trained.preprocessing.as_metadata())
    assert metadata["versions"]["torch"] == torch.__version__
    assert metadata["data"] == {
        "hash": data_hash(trained.ds.table),
        "exam": trained.ds.exam.hash,
        "items": {split: dict.fromkeys(CLASSES, n) for split, n in (("train", 6), ("valid", 2))},
    }
    assert metadata["metrics"]["valid"] == as_json(scores)
    assert metadata["metrics"]["last_epoch"] == metadata["history"][-1]
    assert metadata["history"][0]["valid_error"] == scores["error_rate"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["created"])
    assert metadata["licence"] == "No foreign weights: trained from random ones."
    assert "3 classes" in metadata["intended_use"]


def test_the_hash_of_data_sees_contents_labels_and_splits_alone(trained):
    table = trained.ds.table
    one = data_hash(table)
    assert data_hash(table.sample(frac=1, random_state=0).assign(path="elsewhere")) == one
    for column in ("content", "label", "split"):
        assert data_hash(table.assign(**{column: ["x", *table[column][1:]]})) != one


def test_a_learner_without_its_data_saves_what_it_was_told(saved, trained, tmp_path):
    metadata = bundle.read(saved)[0]
    again = bundle.read(Learner.load(saved).save(tmp_path / "again.bw"))[0]
    for name in ("data", "metrics", "history", "provenance", "versions", "preprocessing"):
        assert again[name] == metadata[name], name
    further = Learner.load(saved, trained.ds).fine_tune(1, mode="full", progress=False)
    assert bundle.read(further.save(tmp_path / "more.bw"))[0]["metrics"] != metadata["metrics"]


def test_figures_on_other_pictures_do_not_take_the_place_of_the_exam(saved, make_images, tmp_path):
    folder = make_images(tmp_path / "other", dict.fromkeys(CLASSES, 8), seed=9)
    other = Dataset.from_folder(folder, valid_pct=0.5)
    other.freeze_exam()
    loaded = Learner.load(saved, other)
    assert loaded.evaluate("valid")["n"] == 12
    assert bundle.read(loaded.save(tmp_path / "again.bw"))[0]["metrics"]["valid"]["n"] == 6


def test_the_model_card_reads_well(trained):
    text = trained.card
    right = {name: each["accuracy"] for name, each in trained.evaluate("valid")["per_class"].items()}
    assert text.startswith("# Image classifier: black, grizzly, teddy\n")
    assert "On n = 6 images of the evaluation split" in text
    assert f"| black | 2 | {100 * right['black']:.1f} % | " in text
    assert "Fewer than 20 images were counted of black, grizzly, teddy" in text
    assert "calibration): not measured" in text
    assert "| black | 6 | 2 |" in text
    assert "| all | 18 | 6 |" in text
    assert re.sub(r"([\\_])", "", trained.provenance).split(":")[0] in text


def test_wilsons_interval_by_hand(saved):
    metadata = bundle.read(saved)[0]
    per_class = {"black": {"n": 50, "accuracy": 1.0}}
    metadata["metrics"]["valid"] = {"n": 100, "error_rate": 0.1, "per_class": per_class}
    text = model_card(metadata)
    assert "10 wrong, an error rate of 10.0 % (95 % interval 5.5–17.4 %)" in text
    assert "| black | 50 | 100.0 % | 92.9–100.0 % |" in text
    assert "| teddy | 0 | not measured |" in text


def test_the_model_card_says_what_was_not_measured(saved, images, tmp_path):
    metadata = bundle.read(saved)[0]
    metadata["metrics"]["valid"] = None
    text = model_card(metadata)
    assert "on the evaluation split, at the end of training" in text
    assert "Per class: not measured" in text
    learn = Learner(Dataset.from_folder(images, valid_pct=0), **TINY).fine_tune(progress=False)
    assert "Not measured: there are no figures" in learn.card
    assert "Not measured: there are no figures" in Learner.load(learn.save(tmp_path / "a.bw")).card


def test_hostile_words_mean_nothing_in_the_model_card(saved):
    metadata = bundle.read(saved)[0]
    evil = "<script>alert(1)</script>|x\n\n# [a](javascript:b) `c` **d** ![e](f)"
    metadata |= {"classes": [evil, "b", "c"], "licence": evil, "arch": evil}
    metadata["provenance"] = {"mode": "full", "words": evil}
    metadata["data"] = {"hash": evil, "exam": evil, "items": {evil: {evil: 1}}}
    text = model_card(check_metadata(json.loads(json.dumps(metadata)), "x"))
    assert "<" not in text
    assert not re.search(r"(?<!\\)\]\(|(?<!\\)`|(?<!\\)\*", text)
    assert len([line for line in text.splitlines() if line.startswith("# ")]) == 1
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")


@pytest.mark.parametrize(
    ("source", "weights", "license_note"),
    [
        (("tf_efficientnet_lite0", Origin.OFFLINE, "", "Apache-2.0"), "ImageNet, offline", "(Apache-2.0)"),
        (("resnet18", Origin.TIMM, "a1_in1k", "mit"), "a1_in1k, timm", "license by timm: mit"),
        (("resnet18", Origin.TIMM, "a1_in1k"), "a1_in1k, timm", "license by timm: not stated"),
        (("torchvision/resnet18", Origin.TORCHVISION, "V1"), "V1, torchvision", "states no license"),
        (("resnet18", Origin.FILE, "mine.pth"), "mine.pth", "'mine.pth', whose license is not known"),
        (("resnet18", Origin.RANDOM, "", None, (5,)), "random, then 5 classes", "No foreign weights"),
        ((OWN, Origin.OWN), "a module of one's own", "network of one's own"),
        (("resnet18", Origin.NOTED, "words", "As noted."), "words", "As noted."),
    ],
)
def test_words_on_weights_and_license_are_made_of_fields(source, weights, license_note):
    assert BodySource(*source).weights == weights
    assert license_note in BodySource(*source).license_note


def test_a_source_is_saved_as_fields_and_older_files_have_their_words(path):
    loaded = Learner.load(path)
    loaded.source = loaded.source.then(5)
    assert Learner.load(loaded.save(path)).source == loaded.source
    metadata, tensors = parts(path)
    del metadata["source"]
    metadata["licence"] = "As noted."
    safetensors.torch.save_file(tensors, path, {bundle.KEY: json.dumps(metadata)})
    source = Learner.load(path).source
    assert (source.origin, source.weights) == (Origin.NOTED, "random, then 5 classes")
    assert source.license_note == "As noted."


def test_classes_that_differ_are_named(ds, make_images, images):
    assert check_classes(["teddy", "black", "grizzly"], ds) is None
    notice = check_classes([*ds.classes, "polar"], ds, source="bears.bw")
    assert notice == "bears.bw also knows 'polar'; these data have none of it."
    message = r"does not know 'grizzly', which.*It knows 'polar', of which.*transfer\(ds\)"
    with pytest.raises(BadInputError, match=message):
        check_classes(["black", "polar", "teddy"], ds)
    make_images(images, {f"class {number:02}": 1 for number in range(30)}, seed=5)
    with pytest.raises(BadInputError, match=r"'class 19' and 10 more, which the data have\. Make a learner"):
        check_classes(ds.classes, Dataset.from_folder(images))


def test_loading_with_other_data_says_so(saved, images, make_images):
    make_images(images, {"polar": 2}, seed=5)
    with pytest.raises(BadInputError, match=r"bears\.bw does not know 'polar'.*`learn.transfer\(ds\)`"):
        Learner.load(saved, Dataset.from_folder(images))
