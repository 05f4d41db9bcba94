"""The network: body and head, where its weights come from, and the copy that is quick in evaluation."""

from __future__ import annotations

import pytest
import timm
import torch
from timm.layers import StdConv2d
from torch import nn

from bearwidgets.errors import BadInputError
from bearwidgets.learn.network.model import Classifier, create_body, fingerprint, for_inference, width
from bearwidgets.learn.network.network_heads import mlp_head


def shaken(body: nn.Module) -> nn.Module:
    """Give the batch norms statistics other than those of a new network."""
    generator = torch.Generator().manual_seed(1)
    for module in body.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.weight.data, module.bias.data):
                tensor.add_(torch.randn(tensor.shape, generator=generator) * 0.1)
            module.running_var.mul_(torch.rand(module.running_var.shape, generator=generator) + 0.5)
    return body.eval()


def norms(body: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in body.modules())


def outputs(
    first: nn.Module, second: nn.Module, size: int, bands: int = 3
) -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.randn(2, bands, size, size, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        return first(images), second(images)


@pytest.mark.parametrize("bands", [1, 3, 5])
@pytest.mark.parametrize("arch", ["efficientnet_lite0", "torchvision/resnet18", "mobilenet_v3_small"])
def test_folded_networks_say_the_same_for_any_bands(arch, bands):
    body = shaken(create_body(arch, None, 64, 0, in_chans=bands)[0])
    before = fingerprint(body)
    fast = for_inference(body, torch.float32, 64, bands)
    assert norms(body) > 0
    assert norms(fast) == 0
    plain, folded = outputs(body, fast, 64, bands)
    torch.testing.assert_close(folded, plain, rtol=1e-3, atol=1e-4 * float(plain.abs().max()))
    assert fingerprint(body) == before


class Misleading(nn.Module):
    """Its norm stands after one convolution but is applied to the other."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3)
        self.second = nn.Conv2d(8, 8, 3)
        self.norm = nn.BatchNorm2d(8)

    def forward(self, images):
        return self.second(torch.relu(self.norm(self.first(images)))).mean((2, 3))


class Standardised(nn.Sequential):
    """A convolution whose weights are not used as they are."""

    def __init__(self):
        super().__init__(StdConv2d(3, 8, 3), nn.BatchNorm2d(8), nn.AdaptiveAvgPool2d(1), nn.Flatten())


@pytest.mark.parametrize("kind", [Misleading, Standardised])
def test_where_folding_would_change_the_result_the_body_is_left_as_it_is(kind):
    body = shaken(kind())
    fast = for_inference(body, torch.float32, 32)
    assert norms(fast) == 1
    plain, folded = outputs(body, fast, 32)
    torch.testing.assert_close(folded, plain)


def test_offline_weights_are_the_default_of_lite0_and_of_no_other():
    *_, source, preprocessing = create_body("efficientnet_lite0", "auto", 64, 0)
    assert source.weights == "ImageNet, offline"
    assert (preprocessing.mean, preprocessing.std) == ((0.5,) * 3, (0.5,) * 3)
    with pytest.raises(BadInputError, match="No offline weights for 'resnet18'"):
        create_body("resnet18", "offline", 64, 0)


def test_other_words_for_weights_are_refused_with_those_that_are_allowed():
    with pytest.raises(FileNotFoundError, match=r"No weights file at 'imagenet'.*'auto'.*weights='offline'"):
        create_body("test_resnet", "imagenet", 64, 0)
    for strange in (True, 1, b"auto"):
        with pytest.raises(BadInputError, match=r"weights is .*'auto', weights='offline'"):
            create_body("test_resnet", strange, 64, 0)


def test_a_head_stands_behind_the_body():
    body, features, *_ = create_body("test_resnet", None, 64, 0)
    images = torch.rand(2, 3, 64, 64)
    plain = Classifier(body, features, 5).eval()
    with torch.no_grad():
        torch.testing.assert_close(plain(images), plain.head(body(images)))
        assert Classifier(body, features, 5, mlp_head(features, 5)).eval()(images).shape == (2, 5)
        whole = Classifier(body, features, features, nn.Identity()).eval()
        torch.testing.assert_close(whole(images), body(images))
    assert plain.splits
    assert Classifier(body, features, 5, mlp_head(features, 5)).splits
    assert not whole.splits


@pytest.mark.parametrize(("arch", "features"), [("resnet18", 512), ("mobilenetv3_small_050", 1024)])
def test_a_body_that_timm_made_says_its_features_too(arch, features):
    assert width(timm.create_model(arch, num_classes=0)) == features


def test_weights_from_a_file(tmp_path):
    trained = timm.create_model("test_resnet", num_classes=5)
    torch.save(trained.state_dict(), tmp_path / "own.pth")
    body, _, source, _ = create_body("test_resnet", tmp_path / "own.pth", 64, 0)
    assert source.weights == "own.pth"
    assert torch.equal(body.state_dict()["conv1.0.weight"], trained.state_dict()["conv1.0.weight"])
