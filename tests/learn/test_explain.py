"""What the network looked at: maps that sum to the logit, the same as captum's, and whether to believe them."""

from __future__ import annotations

import captum.attr
import numpy as np
import pytest
import timm
import torch
import torchvision
from made_data import TINY, write_images
from PIL import Image
from torch import nn

from bearwidgets.data.dataset import Dataset
from bearwidgets.errors import BadInputError, ImageError
from bearwidgets.learn.explain import attribution
from bearwidgets.learn.explain.explainer import Explainer, seen_part
from bearwidgets.learn.explain.faithfulness import LEVELS, check_map
from bearwidgets.learn.explain.feature_maps import Network
from bearwidgets.learn.folds.cross_validation import cross_validate
from bearwidgets.learn.input.preprocessing import Preprocessing
from bearwidgets.learn.learner import Learner
from bearwidgets.learn.network.model import create_body, for_inference

SIZE = 96
SMALL = {**TINY, "size": SIZE}


def end_of(steps):
    """What a generator returns, and how many steps it told."""
    n = 0
    while True:
        try:
            next(steps)
            n += 1
        except StopIteration as end:
            return end.value, n


def sums_to_the_logit(learn, path):
    """Whether map and constant sum to what the plain module says, and the probabilities to what `predict` does."""
    found = Explainer(learn).explain(path)
    assert (found.method, found.shown.tolist()) == ("class_map", list(range(len(learn.classes))))
    pixels = learn.preprocessing.resizer(learn.preprocessing.open(path))[None].copy()
    with torch.inference_mode():
        images = learn.preprocessing.normalize(pixels, torch.device("cpu"))
        logits = learn.module.eval()(images)[0].numpy()
    np.testing.assert_allclose(found.maps.sum((1, 2)) + found.constants, found.logits, atol=1e-4)
    np.testing.assert_allclose(found.logits, logits, atol=1e-4)
    told = list(learn.predict(path).probabilities.values())
    np.testing.assert_allclose(found.probabilities, told, atol=5e-3)
    return found


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A learner of the quick mode, for tests that only read it."""
    folder = write_images(tmp_path_factory.mktemp("quick") / "images", {"black": 6, "grizzly": 6, "teddy": 6})
    return Learner(Dataset.from_folder(folder, valid_pct=0.25), **SMALL).fine_tune(progress=False)


@pytest.fixture
def path(quick):
    return quick.ds.path_of(quick.ds.table.id.iloc[0])


@pytest.mark.trains
@pytest.mark.parametrize(
    ("size", "options"), [(64, {"in_chans": 1}), (100, {"resize": "crop"}), (160, {"resize": "pad"})]
)
def test_a_quick_head_sums_to_the_logit(ds, paths, size, options):
    learn = Learner(ds, **{**TINY, "size": size}, **options).fine_tune(progress=False)
    found = sums_to_the_logit(learn, paths[0])
    assert found.maps.shape[1:] == (-(-size // 32),) * 2


@pytest.mark.trains
def test_the_offline_network_and_a_fully_trained_one_sum_to_the_logit(ds, paths):
    learn = Learner(ds, size=SIZE).fine_tune(progress=False)
    quick = sums_to_the_logit(learn, paths[0])
    explainer = Explainer(learn)
    assert explainer.methods[0] == "class_map"
    learn.fine_tune(1, mode="full", progress=False)
    full = sums_to_the_logit(learn, paths[0])
    assert not np.allclose(quick.maps, full.maps)
    np.testing.assert_allclose(explainer.explain(paths[0]).maps, full.maps, err_msg="it follows the training")


@pytest.mark.trains
def test_many_at_once_are_as_one_by_one_and_a_broken_file_keeps_its_place(quick, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    files = [quick.ds.path_of(each) for each in quick.ds.table.id]
    files.insert(3, broken)
    explainer = Explainer(quick)
    found = list(explainer.explain_many(files))
    assert [isinstance(each, ImageError) for each in found] == [path == broken for path in files]
    for path, each in zip(files, found, strict=True):
        if path != broken:
            one = explainer.explain(path)
            np.testing.assert_allclose(each.maps, one.maps, atol=1e-4)
            np.testing.assert_allclose(each.logits, one.logits, atol=1e-4)
    with pytest.raises(ImageError):
        explainer.explain(broken)


@pytest.mark.trains
def test_why_one_class_and_not_another_is_one_map_less_the_other(quick, path):
    found = Explainer(quick).explain(path)
    why = found.difference("black", "teddy")
    np.testing.assert_allclose(why, found.map("black") - found.map("teddy"))
    constants = dict(zip(found.classes, found.constants, strict=True))
    apart = found.logits[0] - found.logits[2]
    assert why.sum() + constants["black"] - constants["teddy"] == pytest.approx(apart, abs=1e-4)


# ---------------------------------------------------------------- networks of other kinds


def network_of(body, head, size=64):
    return Network(body.eval(), head.eval(), Preprocessing(size, (0.5,) * 3, (0.25,) * 3))


def convolutions(out=12):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 6, 5, 4, 2), nn.ReLU(), nn.Conv2d(6, out, 3, 2, 1), nn.ReLU())


class Pooled(nn.Module):
    """Convolutions and one of several ways to take the mean."""

    def __init__(self, way):
        super().__init__()
        self.layers, self.way = convolutions(), way
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, images):
        maps = self.layers(images)
        if self.way == "module":
            return self.pool(maps).flatten(1)
        if self.way == "mean":
            return maps.mean((-2, -1))
        if self.way == "whole window":
            return nn.functional.avg_pool2d(maps, maps.shape[-1])[:, :, 0, 0]
        if self.way == "channels last":
            return maps.permute(0, 2, 3, 1).mean((1, 2))
        gate = maps.mean((2, 3), keepdim=True).sigmoid()  # squeeze and excitation
        return (maps * gate).mean((2, 3))


class Normed(nn.Module):
    """A norm after the mean, as ConvNeXt has it; or no mean at all, as VGG."""

    def __init__(self, *, flat):
        super().__init__()
        self.layers, self.flat, self.norm = convolutions(), flat, nn.LayerNorm(12)

    def forward(self, images):
        maps = self.layers(images)
        return maps.flatten(1) if self.flat else self.norm(maps.mean((2, 3)))


@pytest.mark.parametrize("way", ["module", "mean", "whole window", "channels last", "gated"])
def test_a_mean_is_found_however_it_is_taken(way):
    network = network_of(Pooled(way), nn.Linear(12, 3))
    images = torch.rand(2, 3, 64, 64)
    maps, logits = attribution.class_map(network, images, network.head.weight)
    assert network.is_mean
    assert maps.shape == (2, 3, 8, 8)
    np.testing.assert_allclose(maps.sum((2, 3)) + network.head.bias.detach().numpy(), logits, atol=1e-5)
    cams = attribution.grad_cam(network, images[:1], [0, 2])
    np.testing.assert_allclose(cams, maps[0, [0, 2]], atol=1e-5, err_msg="Grad-CAM is the class map here")


@pytest.mark.parametrize("flat", [False, True])
def test_what_is_more_than_a_mean_gets_grad_cam(flat):
    network = network_of(Normed(flat=flat), nn.Linear(768 if flat else 12, 3))
    assert (network.is_mean, network.has_maps) == (False, True)
    assert attribution.grad_cam(network, torch.rand(1, 3, 64, 64), [1]).shape == (1, 8, 8)


@pytest.mark.parametrize(
    ("arch", "is_mean"),
    [
        *(
            (each, True)
            for each in ("test_nfnet", "test_efficientnet", "test_maxvit", "torchvision/squeezenet1_1")
        ),
        *((each, False) for each in ("test_convnext", "test_mambaout")),
    ],
)
def test_networks_of_libraries(arch, is_mean):
    body, width, _, preprocessing = create_body(arch, None, 96, 0)
    network = Network(for_inference(body, torch.float32, 96), nn.Linear(width, 3), preprocessing)
    images = torch.rand(1, 3, 96, 96)
    cam = attribution.grad_cam(network, images, [1])
    assert (network.has_maps, network.is_mean) == (True, is_mean)
    assert cam.shape[1] >= 3
    if is_mean:
        maps, _ = attribution.class_map(network, images, network.head.weight.detach())
        np.testing.assert_allclose(cam[0], maps[0, 1], atol=1e-6)


@pytest.mark.trains
def test_two_networks_side_by_side_and_fastais_head_get_grad_cam(ds, paths):
    for options in ({"quality": "best", "size": 64}, {**SMALL, "head": "mlp"}):
        learn = Learner(ds, **options)
        learn.fine_tune(1, progress=False, **({"mode": "full"} if "head" in options else {}))
        explainer = Explainer(learn)
        assert explainer.methods == ["grad_cam", "occlusion", "integrated_gradients"]
        found = explainer.explain(paths[0])
        assert found.constants is None
        assert np.isfinite(found.maps).all()
        np.testing.assert_allclose(
            found.probabilities, list(learn.predict(paths[0]).probabilities.values()), atol=5e-3
        )
        with pytest.raises(BadInputError, match="more than a mean and a linear layer"):
            explainer.explain(paths[0], method="class_map")


@pytest.mark.trains
def test_a_transformer_is_occluded_and_its_attention_can_be_read(ds, paths):
    learn = Learner(ds, "test_vit", weights=None, size=64).fine_tune(progress=False)
    explainer = Explainer(learn)
    assert explainer.methods == ["occlusion", "attention_rollout", "integrated_gradients"]
    assert explainer.explain(paths[0]).maps.shape == (3, 7, 7)
    found = explainer.explain(paths[0], method="attention_rollout")
    assert found.maps.shape == (3, 4, 4)
    assert not found.difference("black", "teddy").any()
    curve, _ = end_of(explainer.curve(paths[0], "black", method="attention_rollout"))
    assert "black" in curve.verdict or "map" in curve.verdict
    with pytest.raises(BadInputError, match="no maps of features at its end, as transformers have none"):
        explainer.explain(paths[0], method="grad_cam")


def rollout_of(arch, size=64, **own):
    """Rollout of a network with random weights, its timm body, and an image."""
    body = timm.create_model(arch, num_classes=0, **own).eval()
    network = Network(body, nn.Linear(4, 3), Preprocessing(size, (0.5,) * 3, (0.5,) * 3))
    return network, body, torch.rand(1, 3, size, size)


@pytest.mark.parametrize("pooling", ["token", "avg"])
def test_rollout_is_the_product_of_the_attention_of_all_layers(pooling):
    network, body, image = rollout_of("test_vit", img_size=64, global_pool=pooling)
    inputs, hooks = [], []
    for block in body.blocks:
        block.attn.fused_attn = False
        hooks.append(block.attn.attn_drop.register_forward_hook(lambda *got: inputs.append(got[2][0])))
    with torch.no_grad():
        body(image)
    for hook in hooks:
        hook.remove()
    for block in body.blocks:
        block.attn.fused_attn = True
    product = np.eye(17)
    for heads in inputs:
        product = (0.5 * heads.mean(0).numpy() + 0.5 * np.eye(17)) @ product
    row = product[0] if pooling == "token" else product[1:].mean(0)
    ours = network.rollout(image)[0].numpy()
    np.testing.assert_allclose(ours, row[1:].reshape(4, 4), atol=1e-6)
    np.testing.assert_allclose(ours.sum(), 1 - row[0], atol=1e-6)
    assert np.ptp(ours) > 1e-4


def test_rollout_of_torchvisions_transformer():
    torch.manual_seed(3)
    body = torchvision.models.VisionTransformer(64, 16, 2, 2, 32, 64).eval()
    body.heads = nn.Identity()
    network = Network(body, nn.Linear(32, 3), Preprocessing(64, (0.5,) * 3, (0.5,) * 3))
    image = torch.rand(1, 3, 64, 64)
    ours = network.rollout(image)[0]
    product, seen = torch.eye(17), []
    with torch.no_grad():
        tokens = torch.cat([body.class_token, body._process_input(image)], 1) + body.encoder.pos_embedding
        for layer in body.encoder.layers:
            normed = layer.ln_1(tokens)
            seen.append(layer.self_attention(normed, normed, normed, need_weights=True)[1][0])
            tokens = layer(tokens)
    for each in seen:
        product = (each + torch.eye(17)) / 2 @ product
    np.testing.assert_allclose(ours, product[0, 1:].reshape(4, 4), atol=1e-6)


@pytest.mark.parametrize(
    ("arch", "size", "readable"),
    [
        ("test_vit2", 64, True),
        ("test_vit3", 64, False),
        ("swin_tiny_patch4_window7_224", 224, False),
        ("levit_128s", 224, False),
        ("test_resnet", 64, False),
        ("mixer_s32_224", 224, False),
    ],
)
def test_whose_attention_can_be_read(arch, size, readable):
    network, *_ = rollout_of(arch, size, **({"img_size": 64} if "vit" in arch and size == 64 else {}))
    assert network.attends == readable


def test_a_network_without_attention_has_no_rollout(quick):
    with pytest.raises(BadInputError, match="attention of this network cannot be read"):
        Explainer(quick).check_method("attention_rollout")


@pytest.mark.trains
def test_a_network_of_ones_own_without_a_linear_layer_is_exact_too(ds, paths):
    module = nn.Sequential(convolutions(3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    learn = Learner.from_module(module, ds, size=64).fine_tune(1, mode="full", progress=False)
    sums_to_the_logit(learn, paths[0])


# ---------------------------------------------------------------- the same as captum


@pytest.fixture
def model():
    """A module whole, the same for us, and an image."""
    torch.manual_seed(1)
    layers, head = convolutions(), nn.Sequential(nn.Linear(12, 6), nn.Tanh(), nn.Linear(6, 3))
    body = nn.Sequential(layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return (
        nn.Sequential(layers, *list(body)[1:], head).eval(),
        network_of(body, head),
        torch.rand(1, 3, 64, 64),
    )


def test_grad_cam_is_captums(model):
    whole, network, image = model
    theirs = captum.attr.LayerGradCam(whole, whole[0]).attribute(image, target=1)
    ours = attribution.grad_cam(network, image, [1])
    np.testing.assert_allclose(ours[0], theirs[0, 0].detach().numpy(), rtol=1e-4, atol=1e-7)


def test_integrated_gradients_are_captums_and_complete(model):
    whole, network, image = model
    theirs = captum.attr.IntegratedGradients(whole).attribute(image, target=2, n_steps=32)
    ours = attribution.integrated_gradients(network, image, [0, 2], steps=32)
    np.testing.assert_allclose(ours[1], theirs[0].sum(0).detach().numpy(), rtol=1e-3, atol=1e-6)
    with torch.inference_mode():
        logits = (whole(image) - whole(torch.zeros_like(image)))[0].numpy()
    np.testing.assert_allclose(ours.sum((1, 2)), logits[[0, 2]], atol=1e-3)
    np.testing.assert_allclose(attribution.summed_in_cells(ours, 28).sum((1, 2)), ours.sum((1, 2)), atol=1e-5)


@pytest.mark.parametrize("patches", [4, 7])
def test_occlusion_is_captums(model, patches):
    whole, network, image = model
    side = -(-64 // patches)
    window = (3, side, side)
    theirs = captum.attr.Occlusion(whole).attribute(image, window, strides=window, target=0)[0, 0].numpy()
    ours = attribution.occlusion(network, image, patches)
    assert ours.shape == (3, -(-64 // side), -(-64 // side))
    np.testing.assert_allclose(ours[0], theirs[::side, ::side], atol=1e-5)


# ---------------------------------------------------------------- whether to believe it


class Corner(nn.Module):
    """Its logit of class 1 is how bright the upper left quarter is; `reach` 0 looks at nothing."""

    def __init__(self, reach=20.0):
        super().__init__()
        self.reach = nn.Parameter(torch.tensor(reach))

    def forward(self, images):
        bright = images[:, :, :32, :32].mean((1, 2, 3)) * self.reach
        return torch.stack([torch.zeros_like(bright), bright - self.reach / 2], 1)


def verdict(values, reach=20.0, classes=slice(None)):
    class Some(Corner):
        def forward(self, images):
            return super().forward(images)[:, classes]

    network = network_of(Some(reach), nn.Identity())
    curve, steps = end_of(
        check_map(network, torch.ones(1, 3, 64, 64), values, 1 if classes == slice(None) else 0, "teddy")
    )
    assert steps == 12
    return curve


def test_a_right_map_is_believed_and_a_wrong_one_is_not():
    right = np.zeros((8, 8), np.float32)
    right[:4, :4] = 1
    good, bad, half = verdict(right), verdict(-right), verdict(np.zeros((8, 8), np.float32))
    assert good.verdict.startswith("You can believe this map")
    assert bad.verdict.startswith("Do not rely on this map")
    assert not half.verdict.startswith("You can believe")
    assert good.deletion_area < good.random_areas.min() < good.random_areas.max() < good.insertion_area
    assert good.deletion.shape == good.insertion.shape == good.random.shape[1:] == (LEVELS + 1,)
    assert good.deletion[0] == good.insertion[-1] == good.random[0, 0] > 0.99
    assert good.deletion[-1] == good.insertion[0] == good.random[0, -1] < 0.01
    assert good.insertion[4] > 0.9 > good.random[:, 6].mean()


@pytest.mark.parametrize("options", [{"reach": 0.0}, {"classes": slice(1, 2)}])
def test_a_probability_that_never_changes_says_nothing(options):
    assert "This test says nothing" in verdict(np.eye(8, dtype=np.float32), **options).verdict


@pytest.mark.trains
@pytest.mark.parametrize("method", ["class_map", "integrated_gradients"])
def test_the_curve_of_a_learner(quick, path, method):
    curve, steps = end_of(Explainer(quick).curve(path, "black", method=method))
    assert steps == 12
    assert curve.deletion[0] == pytest.approx(quick.predict(path).probabilities["black"], abs=5e-3)
    assert repr(curve) == f"Curve('black': {curve.verdict})"


# ---------------------------------------------------------------- bad input


@pytest.mark.trains
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"method": "gradcam"},
            "No method 'gradcam'; known are class_map, grad_cam, .* Did you mean 'grad_cam'",
        ),
        ({"method": 3}, "No method '3'"),
        (
            {"classes": ["grizly"]},
            "No class 'grizly' in this learner; known are black, .* Did you mean 'grizzly'",
        ),
    ],
)
def test_refuses(quick, path, options, sentence):
    with pytest.raises(BadInputError, match=sentence):
        Explainer(quick).explain(path, **options)


@pytest.mark.trains
def test_refuses_what_is_no_trained_learner(quick, ds):
    with pytest.raises(BadInputError, match="not trained yet"):
        Explainer(Learner(ds, **SMALL))
    with pytest.raises(BadInputError, match="str has no single network"):
        Explainer("learner")
    folds = cross_validate(ds, 2, progress=False, **SMALL)
    with pytest.raises(BadInputError, match="take one of its `learners`"):
        Explainer(folds)
    found = Explainer(folds.learners[0]).explain(ds.path_of(ds.table.id[0]))
    with pytest.raises(BadInputError, match="No class 'polar' in this learner"):
        found.map("polar")


@pytest.mark.trains
def test_numbers_that_are_not_finite_are_told(ds, paths):
    learn = Learner(ds, **SMALL).fine_tune(progress=False)
    learn.module.head.weight.data[:] = np.nan
    with pytest.raises(BadInputError, match="not finite for this image"):
        Explainer(learn).explain(paths[0])


@pytest.mark.trains
def test_only_the_most_probable_of_many_classes_and_those_asked_for(quick, path, monkeypatch):
    monkeypatch.setattr("bearwidgets.learn.explain.explainer.MOST_CLASSES", 1)
    explainer = Explainer(quick)
    best = int(explainer.explain(path).logits.argmax())
    assert explainer.explain(path).shown.tolist() == [best]
    other = quick.classes[(best + 1) % 3]
    found = explainer.explain(path, classes=[other])
    assert found.shown.tolist() == [quick.classes.index(other)]
    with pytest.raises(BadInputError, match="with a map here"):
        found.map(quick.classes[best])


@pytest.mark.parametrize(
    ("resize", "part"),
    [("squish", (0, 0, 1, 1)), ("crop", (0.25, 0, 0.75, 1)), ("pad", (0, -0.5, 1, 1.5))],
)
def test_the_map_lies_on_what_the_network_saw(resize, part):
    preprocessing = Preprocessing(32, (0.5,) * 3, (0.25,) * 3, resize=resize)
    assert seen_part(preprocessing, 200, 100) == part
    image = Image.new("RGB", (200, 100))
    image.paste("white", (100, 0, 200, 50))  # the upper right quarter
    bright = preprocessing.resizer(image)[..., 0] > 128
    rows, columns = np.flatnonzero(bright.any(1)), np.flatnonzero(bright.any(0))
    left, top, right, bottom = part
    seen_x = [(left + (right - left) * edge / 32) for edge in (columns[0], columns[-1] + 1)]
    seen_y = [(top + (bottom - top) * edge / 32) for edge in (rows[0], rows[-1] + 1)]
    assert seen_x == pytest.approx([0.5, min(1.0, right)], abs=0.05)
    assert seen_y == pytest.approx([0.0, 0.5], abs=0.05)
