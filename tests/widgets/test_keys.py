"""Keys of one's own, and the classes on the digits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from made_data import write_images
from stub_issues import StubIssues

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError
from bearwidgets.widgets.cleaner.cleaner import Cleaner
from bearwidgets.widgets.cleaner.keys import ACTS, DIGITS, PRESETS, own_keys

KEYMAP = Path(__file__).parents[2] / "bearwidgets/frontend/src/cleaner/keymap.js"


def cleaner_of(tmp_path, classes, **options):
    """A Cleaner of two images of each class."""
    write_images(tmp_path / "data", dict.fromkeys(classes, 2))
    return Cleaner(Dataset.from_folder(tmp_path / "data"), **options)


def digits(cleaner):
    """The classes on the keys 1 to 9."""
    return cleaner._session.state().digits


def test_the_page_knows_every_act():
    acts = KEYMAP.read_text("utf-8").split("const ACTS = {")[1].split("};")[0]
    named = {
        each for pair in re.findall(r'"([a-z]+)"|^  ([a-z]+):', acts, re.MULTILINE) for each in pair if each
    }
    assert set(ACTS) <= named


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_made_of_acts(preset):
    assert own_keys(preset, []) == PRESETS[preset]
    assert set(PRESETS[preset].values()) <= {*ACTS, *"123456789"}


def test_keys_reach_the_view(tmp_path):
    cleaner = cleaner_of(
        tmp_path, ["black", "teddy"], keys={"d": "delete", "t": "teddy", "Ctrl+Enter": "accept"}
    )
    assert cleaner.get_state("own_keys")["own_keys"] == {"d": "delete", "t": "teddy", "Ctrl+Enter": "accept"}
    cleaner.set_state({"own_keys": {"d": "keep"}})
    assert cleaner.own_keys["d"] == "delete", "a page does not change them"


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ("vim", "preset of keys"),
        ({"d": "erase"}, "act of a key"),
        ({"": "delete"}, "is no key"),
        ({3: "delete"}, "is no key"),
        (["d"], "allowed is the name of a preset"),
    ],
)
def test_wrong_keys_are_refused(keys, sentence):
    with pytest.raises(BadInputError, match=sentence):
        own_keys(keys, ["black"])


def test_a_new_class_comes_at_the_end_and_moves_no_digit(tmp_path):
    cleaner = cleaner_of(tmp_path, ["grizzly", "teddy"])
    assert digits(cleaner) == ["grizzly", "teddy"]
    cleaner.mark([cleaner.ds.table.id[0]], "relabel", "black", new_class=True)
    assert digits(cleaner) == ["grizzly", "teddy", "black"]
    cleaner.apply()
    assert digits(cleaner) == ["grizzly", "teddy", "black"], "also once it is a class of the data"


def test_many_classes_the_digits_are_those_of_the_queue(tmp_path):
    names = [f"class {number:02}" for number in range(12)]
    write_images(tmp_path / "data", dict.fromkeys(names, 2))
    ds = Dataset.from_folder(tmp_path / "data")
    ids = ds.table.id[ds.table.label == "class 11"]
    cleaner = Cleaner(ds, issues=StubIssues(odd=[(each, 1.0, -1, False) for each in ids]))
    assert len(digits(cleaner)) == DIGITS
    cleaner.show(queue="odd")
    assert digits(cleaner)[0] == "class 11"
    cleaner.mark(list(ids), "relabel", "class 10")
    assert digits(cleaner)[0] == "class 11", "they stay as long as the session lasts"
