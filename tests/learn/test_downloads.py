"""Downloads: from real servers on this machine, from the cache, and given up soon where nobody answers."""

from __future__ import annotations

import hashlib
import http.server
import socket
import threading
import time

import pytest
import safetensors.torch
import timm
import torch
import torchvision
from huggingface_hub import constants

from bearwidgets.errors import BadInputError
from bearwidgets.learn.network import downloads, weights
from bearwidgets.learn.network.model import create_body, fingerprint


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` (path → bytes) and notes what it was asked; `status` instead of the root, if that is set."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked, self.status = {}, [], 200
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, *, body):
        self.server.asked.append(f"{self.command} {self.path}")
        data = self.server.files.get(self.path)
        self.send_response(self.server.status if self.path == "/" else 404 if data is None else 200)
        self.send_header("Content-Length", str(len(data or b"")))
        self.send_header("ETag", f'"{hashlib.sha256(data or b"").hexdigest()}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        if data is None:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        if body:
            self.wfile.write(data or b"")

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def silent():
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """`hub(url)` makes `url` the hub of this process, with an empty cache of its own."""

    def at(url):
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(constants, "ENDPOINT", url)
        template = f"{url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    return at


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_weights_come_from_the_hub_once_and_from_the_cache_afterwards(server, hub, tmp_path, name):
    trained = timm.create_model("test_resnet").state_dict()
    path = f"/timm/test_resnet.r160_in1k/resolve/main/{name}"
    torch.save(trained, tmp_path / name)
    pickled = (tmp_path / name).read_bytes()
    server.files[path] = pickled if name.endswith("bin") else safetensors.torch.save(trained)
    hub(server.url)
    body, _, source, _ = create_body("test_resnet", "auto", 64, 0)
    assert source.weights == "r160_in1k, timm"
    assert all(torch.equal(tensor, trained[key]) for key, tensor in body.state_dict().items())
    assert "state_dict" not in body.pretrained_cfg
    assert server.asked.count(f"GET {path}") == 1
    asked = len(server.asked)
    again, *_ = create_body("test_resnet", "auto", 64, 1)
    assert fingerprint(again) == fingerprint(body)
    gray, *_ = create_body("test_resnet", "auto", 64, 0, in_chans=1)
    assert torch.equal(gray.conv1[0].weight, trained["conv1.0.weight"].sum(1, keepdim=True))
    assert len(server.asked) == asked


def test_a_transformer_gets_its_positions_for_the_size(server, hub):
    trained = timm.create_model("test_vit").state_dict()
    server.files["/timm/test_vit.r160_in1k/resolve/main/model.safetensors"] = safetensors.torch.save(trained)
    hub(server.url)
    body, *_ = create_body("test_vit", "auto", 64, 0)
    assert body.pos_embed.shape != trained["pos_embed"].shape
    assert torch.equal(body.blocks[0].attn.qkv.weight, trained["blocks.0.attn.qkv.weight"])


def test_a_hub_without_the_file_is_named_and_one_out_of_order_is_not_asked_again(server, hub):
    hub(server.url)
    with pytest.raises(BadInputError, match=r"could be had.*has no model.safetensors or pytorch_model.bin"):
        create_body("test_resnet", "auto", 64, 0)
    server.status, server.asked = 503, []
    with pytest.raises(BadInputError, match="status 503"):
        create_body("test_resnet", "auto", 64, 0)
    assert server.asked == ["HEAD /"]


@pytest.mark.parametrize(("kind", "reason"), [("silent", ""), ("closed", "refused")])
def test_a_hub_that_says_nothing_or_is_not_there_is_given_up(silent, hub, monkeypatch, kind, reason):
    monkeypatch.setattr(downloads, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"http://127.0.0.1:{listener.getsockname()[1]}"
    hub(silent if kind == "silent" else closed)
    start = time.perf_counter()
    message = rf"'test_resnet' could be had.*{reason}.*weights='offline'.*weights=None"
    with pytest.raises(BadInputError, match=message):
        create_body("test_resnet", "auto", 64, 0)
    assert time.perf_counter() - start < 9, "huggingface_hub and torch wait for ten seconds and longer"


@pytest.fixture
def squeezenet(server, tmp_path, monkeypatch):
    """Weights of squeezenet1_1 on the server, where torchvision is told that they are; gives the tensors."""
    torch.manual_seed(0)
    trained = torchvision.models.squeezenet1_1().state_dict()
    torch.save(trained, tmp_path / "weights.pth")
    data = (tmp_path / "weights.pth").read_bytes()
    path = f"/models/squeezenet-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    server.files[path] = data
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(torchvision.models.SqueezeNet1_1_Weights.DEFAULT.value, "url", server.url + path)
    return trained


def test_torchvisions_weights_are_downloaded_once_and_checked(server, squeezenet, tmp_path):
    body, _, source, _ = create_body("squeezenet1_1", "auto", 64, 0)
    assert source.weights == "IMAGENET1K_V1, torchvision"
    assert all(torch.equal(tensor, squeezenet[name]) for name, tensor in body.state_dict().items())
    asked = len(server.asked)
    again, *_ = create_body("squeezenet1_1", "auto", 64, 1)
    assert fingerprint(again) == fingerprint(body)
    assert len(server.asked) == asked
    assert [each.suffix for each in (tmp_path / "home/hub/checkpoints").iterdir()] == [".pth"]


def test_a_download_of_other_bytes_is_refused_and_not_kept(server, squeezenet, tmp_path):
    server.files = dict.fromkeys(server.files, b"other bytes")
    with pytest.raises(BadInputError, match=r"could be had.*hash.*weights='offline'"):
        create_body("squeezenet1_1", "auto", 64, 0)
    assert not list((tmp_path / "home/hub/checkpoints").iterdir())


@pytest.mark.parametrize(("status", "reason"), [(503, "status 503"), (404, "404")])
def test_a_server_without_the_file_or_out_of_order_is_named(server, squeezenet, status, reason):
    server.files, server.status = {}, status
    with pytest.raises(BadInputError, match=rf"could be had.*{reason}"):
        create_body("squeezenet1_1", "auto", 64, 0)


def test_a_server_that_says_nothing_is_given_up(silent, squeezenet, monkeypatch):
    monkeypatch.setattr(downloads, "SECONDS", 0.2)
    weights = torchvision.models.SqueezeNet1_1_Weights.DEFAULT.value
    monkeypatch.setattr(weights, "url", f"{silent}/models/other-00000000.pth")
    start = time.perf_counter()
    with pytest.raises(BadInputError, match="could be had"):
        create_body("squeezenet1_1", "auto", 64, 0)
    assert time.perf_counter() - start < 9, "huggingface_hub and torch wait for ten seconds and longer"


def test_a_name_that_is_looked_up_for_ever_is_given_up(monkeypatch):
    monkeypatch.setattr(downloads, "SECONDS", 0.0)
    done = threading.Event()
    try:
        with pytest.raises(TimeoutError, match=r"https://example\.org did not answer"):
            downloads._ask("https://example.org", lambda: done.wait(60))
    finally:
        done.set()


def test_an_architecture_without_weights_says_so():
    with pytest.raises(BadInputError, match="timm has no pretrained weights for 'regnetz_b16_evos'"):
        create_body("regnetz_b16_evos", "auto", 64, 0)


@pytest.mark.parametrize("arch", weights.OFFLINE)
def test_an_offline_network_is_downloaded_where_its_package_is_missing(monkeypatch, arch):
    monkeypatch.setitem(weights.OFFLINE, arch, weights.OFFLINE[arch]._replace(package="no-such-package==1"))
    trained = timm.create_model(arch).state_dict()
    monkeypatch.setattr(downloads, "timm_content", lambda name: (trained, f"tag of {name}"))
    body, _, source, _ = create_body(arch.removeprefix("tf_"), "auto", 64, 0)
    assert source.weights == f"tag of {arch}, timm"
    assert torch.equal(body.conv_stem.weight, trained["conv_stem.weight"])
    with pytest.raises(FileNotFoundError, match="pip install"):
        create_body(arch, "offline", 64, 0)
