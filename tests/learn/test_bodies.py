"""Bodies of both libraries: names, what comes out of them, sizes, bands, poolings, and what their weights expect."""

from __future__ import annotations

import pytest
import timm
import torch
import torchvision
from timm.models import adapt_input_conv
from torch import nn

from bearwidgets.errors import BadInputError
from bearwidgets.learn.network import bodies
from bearwidgets.learn.network.groups import layer_groups
from bearwidgets.learn.network.model import Classifier, create_body, fingerprint, width

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:timm")

OF_TIMM = [
    *("resnet18", "convnext_atto", "vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "efficientnet_b0"),
    *("mobilenetv3_small_050", "regnety_002", "densenet121", "mixer_s32_224", "ghostnet_050", "levit_128s"),
    *("mobilevit_xxs", "repvgg_a0", "test_resnet", "resnetv2_50"),
]
OF_TORCHVISION = [
    *("squeezenet1_1", "googlenet", "alexnet", "shufflenet_v2_x1_0", "mnasnet1_0", "swin_v2_t"),
    *(
        "mobilenet_v3_small",
        "regnet_y_400mf",
        "vit_b_32",
        "torchvision/resnet18",
        "torchvision/efficientnet_b0",
    ),
    *("torchvision/densenet121", "torchvision/convnext_tiny"),
]


@pytest.mark.parametrize("arch", [*OF_TIMM, *OF_TORCHVISION])
def test_any_name_gives_features_and_three_groups(arch):
    body, features, source, preprocessing = create_body(arch, None, 64, 0)
    with torch.no_grad():
        values = body(torch.rand(2, 3, 64, 64))
    assert values.shape == (2, features)
    assert width(body) == features
    assert values.std(1).min() > 0
    assert not body.training
    assert source.arch.startswith("torchvision/") == (arch in OF_TORCHVISION)
    assert (preprocessing.size, len(preprocessing.mean), len(preprocessing.std)) == (64, 3, 3)
    body.load_state_dict(dict(body.state_dict()))  # a table that knows of tensors alone, as files do
    network = Classifier(body, features, 3)
    groups = layer_groups(network)
    assert len(groups) == 3
    assert all(groups)
    parameters = [id(each) for group in groups for each in group]
    assert len(parameters) == len(set(parameters))
    assert set(parameters) == {id(each) for each in network.parameters()}
    assert list(map(id, groups[-1])) == list(map(id, network.head.parameters()))


def test_a_body_of_torchvision_is_its_network_without_the_last_layer():
    torch.manual_seed(0)
    whole = torchvision.models.mobilenet_v3_small().eval()
    body = bodies.empty_body("torchvision/mobilenet_v3_small", 64)
    body.load_state_dict(whole.state_dict(), strict=False)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(whole.classifier[-1](body(images)), whole(images))


@pytest.mark.parametrize(
    ("arch", "full"),
    [
        ("resnet18", "resnet18"),
        ("efficientnet_lite0", "tf_efficientnet_lite0"),
        ("test_resnet.r160_in1k", "test_resnet.r160_in1k"),
        ("googlenet", "torchvision/googlenet"),
        ("torchvision/resnet18", "torchvision/resnet18"),
    ],
)
def test_timm_comes_first_and_torchvision_where_it_alone_has_the_name(arch, full):
    assert bodies.resolve_arch(arch) == full


@pytest.mark.parametrize(
    ("arch", "near"),
    [
        ("resnet81", "'resnet18'"),
        ("efficientnet_lit0", "'efficientnet_lite0'"),
        ("resnet18.a1_in1", "'a1_in1k'"),
        ("squezenet1_1", "'squeezenet1_1'"),
        ("torchvision/resnet81", "'resnet18'"),
        *((each, "arch") for each in ("zzzzzzzzzz", "", "torchvision/", None, 18)),
    ],
)
def test_what_is_no_name_is_refused_with_near_misses_of_both(arch, near):
    with pytest.raises(BadInputError, match=rf"(?s){near}"):
        bodies.resolve_arch(arch)


@pytest.mark.parametrize(
    ("arch", "mean", "std", "interpolation", "size"),
    [
        ("torchvision/resnet18", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bilinear", 224),
        ("torchvision/swin_t", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bicubic", 224),
        ("torchvision/efficientnet_b2", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), "bicubic", 288),
        ("torchvision/googlenet", (0.5,) * 3, (0.5,) * 3, "bilinear", 224),
        ("tf_efficientnet_lite0", (0.5,) * 3, (0.5,) * 3, "bicubic", 224),
        ("test_resnet", (0.5,) * 3, (0.5,) * 3, "bilinear", 160),
    ],
)
def test_pictures_are_prepared_as_the_weights_expect(arch, mean, std, interpolation, size):
    body = timm.create_model(arch) if "/" not in arch else nn.Identity()
    found = bodies.preprocessing_for(arch, body, 64)
    assert (found.size, found.mean, found.std, found.interpolation) == (64, mean, std, interpolation)
    assert bodies.native_size(arch) == size


def test_googlenet_with_its_change_of_the_input_says_what_ours_says_without():
    torch.manual_seed(0)
    theirs = torchvision.models.googlenet(aux_logits=False, transform_input=True, init_weights=True).eval()
    theirs.fc = nn.Identity()
    body, _, _, ours = create_body("googlenet", None, 64, 0)
    body.load_state_dict(theirs.state_dict())
    images = torch.rand(2, 3, 64, 64)
    bands = [torch.tensor(each)[:, None, None] for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    own = [torch.tensor(each)[:, None, None] for each in (ours.mean, ours.std)]
    with torch.no_grad():
        wanted, got = theirs((images - bands[0]) / bands[1]), body((images - own[0]) / own[1])
    torch.testing.assert_close(got, wanted, rtol=1e-3, atol=1e-4 * float(wanted.abs().max()))


@pytest.mark.parametrize("in_chans", [1, 5])
@pytest.mark.parametrize("arch", ["test_resnet", "test_vit", "squeezenet1_1", "mobilenet_v3_small"])
def test_any_number_of_bands(arch, in_chans):
    body, features, _, preprocessing = create_body(arch, None, 64, 0, in_chans=in_chans)
    with torch.no_grad():
        assert body(torch.rand(1, in_chans, 64, 64)).shape == (1, features)
    assert len(preprocessing.mean) == len(preprocessing.std) == preprocessing.in_chans == in_chans
    again = create_body(arch, None, 64, 0, in_chans=in_chans)[0]
    assert fingerprint(again) == fingerprint(body)


def test_one_band_has_the_mean_of_three_and_five_repeat_them():
    gray = bodies.preprocessing_for("torchvision/resnet18", nn.Identity(), 64, 1)
    assert (gray.mean, gray.std) == (pytest.approx((0.449,)), pytest.approx((0.226,)))
    five = bodies.preprocessing_for("torchvision/resnet18", nn.Identity(), 64, 5)
    assert five.mean == (0.485, 0.456, 0.406, 0.485, 0.456)


def test_random_first_layers_for_other_bands_let_as_much_through():
    three, eight = (create_body("squeezenet1_1", None, 64, 0, in_chans=bands)[0] for bands in (3, 8))
    outputs = []
    for body, bands in ((three, 3), (eight, 8)):
        images = torch.randn(4, bands, 64, 64, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            outputs.append(float(body.features[0](images).std()))
    assert outputs[1] == pytest.approx(outputs[0], rel=0.1)


@pytest.mark.parametrize("in_chans", [1, 5])
@pytest.mark.parametrize(
    ("arch", "layer"), [("test_resnet", "conv1.0.weight"), ("squeezenet1_1", "features.0.weight")]
)
def test_weights_of_a_file_are_adapted_to_the_bands_by_timms_rule(tmp_path, arch, layer, in_chans):
    three = create_body(arch, None, 64, 0)[0].state_dict()
    torch.save(three, tmp_path / "three.pth")
    network, _, source, _ = create_body(arch, tmp_path / "three.pth", 64, 1, in_chans=in_chans)
    assert source.weights == "three.pth"
    body = network.state_dict()
    assert torch.equal(body[layer], adapt_input_conv(in_chans, three[layer]))
    assert all(torch.equal(body[name], three[name]) for name in three if name != layer)


@pytest.mark.parametrize("arch", ["test_resnet", "squeezenet1_1"])
def test_weights_that_have_the_bands_load_as_they_are(tmp_path, arch):
    five = create_body(arch, None, 64, 0, in_chans=5)[0]
    torch.save(five.state_dict(), tmp_path / "five.pth")
    body = create_body(arch, tmp_path / "five.pth", 64, 1, in_chans=5)[0]
    assert fingerprint(body) == fingerprint(five)
    with pytest.raises(BadInputError, match="number of bands"):
        create_body(arch, tmp_path / "five.pth", 64, 1)


def test_the_offline_weights_are_adapted_too():
    gray, *_ = create_body("efficientnet_lite0", "auto", 64, 0, in_chans=1)
    three, *_ = create_body("efficientnet_lite0", "auto", 64, 0)
    torch.testing.assert_close(gray.conv_stem.weight, three.conv_stem.weight.sum(1, keepdim=True))


@pytest.mark.parametrize("arch", ["test_resnet", "efficientnet_b0", "densenet121"])
def test_mean_and_maximum_pooled_are_twice_the_features(arch):
    body, features, *_ = create_body(arch, None, 64, 0, pool="catavgmax")
    plain, half, *_ = create_body(arch, None, 64, 0)
    assert features == 2 * half
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        both, mean = body(images), plain(images)
    torch.testing.assert_close(both[:, :half], mean)
    assert (both[:, half:] >= mean - 1e-6).all()


@pytest.mark.parametrize(
    ("arch", "size", "pool"),
    [
        *(("inception_v3", 64, "avg"), ("crossvit_tiny_240", 100, "avg"), ("maxvit_t", 64, "avg")),
        *((arch, 64, "catavgmax") for arch in ("test_vit", "convnext_atto", "mobilenetv3_small_050")),
        ("squeezenet1_1", 64, "catavgmax"),
    ],
)
def test_a_size_or_pooling_that_does_not_suit_is_refused_with_what_does(arch, size, pool):
    what = f"{size} px" if pool == "avg" else f"64 px, pool='{pool}'"
    with pytest.raises(BadInputError, match=rf"cannot be had for {what} \(.+\).*It was made for \d\d\d px"):
        create_body(arch, None, size, 0, pool=pool)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("size", each) for each in (16, 0, -5, 64.0, "64", None)),
        *(("in_chans", each) for each in (0, -1, 3.0, "3", None)),
        ("pool", "catavgmx"),
    ],
)
def test_odd_options_are_refused(name, value):
    with pytest.raises(BadInputError, match=rf"{name} is|Did you mean 'catavgmax'"):
        create_body("test_resnet", None, **{"size": 64, "seed": 0, name: value})


@pytest.mark.parametrize("arch", ["test_resnet", "squeezenet1_1"])
def test_random_weights_depend_on_the_seed_alone_and_leave_the_global_generator(arch):
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    first, second, other = (fingerprint(create_body(arch, None, 64, seed)[0]) for seed in (0, 0, 1))
    assert first == second != other
    assert torch.equal(torch.random.get_rng_state(), state)
