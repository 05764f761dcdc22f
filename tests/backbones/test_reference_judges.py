"""The reference judges give what the published scripts' own calls give, on weights drawn by seed.

The files have the published keys. What a judge leaves aside (classifiers, projection heads) is a stub in them.
"""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional as F
from torchvision import models
from torchvision import transforms as T
from torchvision.models.feature_extraction import create_feature_extractor

from eegbench import backbones
from eegbench.backbones import published
from eegbench.backbones.published import LocalWeights
from eegbench.backbones.reference import eml_net, judges
from eegbench.backbones.reference.judges import ReferenceJudge
from eegbench.errors import InputError, MissingError

State = dict[str, torch.Tensor]
BILINEAR = T.InterpolationMode.BILINEAR
IMAGENET = T.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
OPENAI = T.Normalize(mean=[0.48145466, 0.4578275, 0.40821073], std=[0.26862954, 0.26130258, 0.27577711])
TOLERANCE = 1e-5  # relative to the largest value: other batch sizes and layouts sum in another order


def fill(state: State) -> State:
    """Each tensor drawn from a generator seeded by its name, so large that signals keep their size."""
    drawn = {}
    for name, tensor in state.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        values = torch.from_numpy(rng.standard_normal(tuple(tensor.shape)).astype(np.float32))
        if not tensor.is_floating_point():
            drawn[name] = torch.zeros_like(tensor)
        elif name.endswith("running_var"):
            drawn[name] = 1 + 0.1 * values.abs()
        elif tensor.ndim >= 2:
            drawn[name] = values * (2 / tensor[0].numel()) ** 0.5
        else:
            drawn[name] = (1 if name.endswith("weight") else 0) + 0.1 * values
    return drawn


@pytest.fixture(scope="module")
def images() -> Any:
    """Three pictures, not square, with coarse and fine structure."""
    rng = np.random.default_rng(0)
    coarse = [Image.fromarray(rng.integers(0, 256, (6, 7, 3), np.uint8)).resize((70, 60), 3) for _ in range(3)]
    return np.stack([np.asarray(picture) for picture in coarse])


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, State], Path]:
    """Puts a state where a published file is looked for."""
    monkeypatch.setenv("EEGBENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("EEGBENCH_CACHE", str(tmp_path / "cache"))

    def put(name: str, state: State) -> Path:
        path = published.places(name)[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".safetensors":
            save_file(state, path)
        else:
            torch.save(state, path)
        return path

    return put


def judge(name: str, base: int = 512) -> ReferenceJudge:
    return ReferenceJudge(name, base, "cpu", allow_unverified=True)


def base(images: Any, size: int = 512) -> torch.Tensor:
    """The common first step of the published scripts."""
    resize = T.Resize((size, size), interpolation=BILINEAR)
    return torch.stack([resize(T.functional.to_tensor(Image.fromarray(image))) for image in images])


def agree(got: Any, wanted: torch.Tensor) -> None:
    rows = wanted.flatten(1).numpy()
    np.testing.assert_allclose(got.reshape(len(got), -1), rows, rtol=0, atol=TOLERANCE * np.abs(rows).max())
    assert np.ptp(rows, axis=0).max() > 1e-3 * np.abs(rows).max(), "all images look alike to these weights"


TORCHVISION: dict[str, tuple[str, Callable[[], Any], int, dict[str, str], str]] = {
    "alexnet": (
        "alexnet", models.alexnet, 256, {"features.4": "alexnet2", "features.11": "alexnet5"}, "classifier.",
    ),
    "inception_v3": (
        "inception_v3", lambda: models.inception_v3(init_weights=False, transform_input=True), 342,
        {"avgpool": "inception"}, "AuxLogits.",
    ),
    "efficientnet_b1": ("efficientnet_b1", models.efficientnet_b1, 255, {"avgpool": "effnet"}, "classifier."),
    "swav": ("swav", models.resnet50, 224, {"avgpool": "swav"}, "fc."),
}  # fmt: skip


@pytest.mark.parametrize("size", [512, 256])
@pytest.mark.parametrize("name", TORCHVISION)
@torch.no_grad()
def test_features_are_those_of_the_published_scripts(
    name: str, size: int, images: Any, given: Callable[[str, State], Path]
) -> None:
    file, build, side, nodes, unused = TORCHVISION[name]
    network = build()
    network.load_state_dict(fill(network.state_dict()))
    state = {k: torch.zeros(1) if k.startswith(unused) else v for k, v in network.state_dict().items()}
    if name == "swav":
        state = {f"module.{k}": v for k, v in state.items() if not k.startswith("fc.")}
        state["module.prototypes.weight"] = torch.zeros(1)
    given(file, state)
    prepare = T.Compose([T.Resize(side, interpolation=BILINEAR), IMAGENET])
    expected = create_feature_extractor(network.eval(), list(nodes), suppress_diff_warning=True)(
        prepare(base(images, size))
    )
    got = judge(name, size).embed(images)
    assert got.keys() == set(nodes.values())
    for node, feature in nodes.items():
        agree(got[feature], expected[node])


@torch.no_grad()
def test_clip_is_the_visual_tower_with_quick_gelu(
    images: Any, given: Callable[[str, State], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 224, "layers": 2, "width": 64, "patch_size": 32},
        "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1},
    }
    whole = open_clip.CLIP(**small, quick_gelu=True).eval()
    whole.load_state_dict(fill(whole.state_dict()))
    given("clip_vit_l_14", {k: v.contiguous() for k, v in whole.state_dict().items()})
    monkeypatch.setattr(open_clip, "get_model_config", lambda _: dict(small))  # ViT-L/14 is 1.2 GB
    prepare = T.Compose([T.Resize(224, interpolation=BILINEAR), OPENAI])
    agree(judge("clip_vit_l_14").embed(images)["clip"], whole.encode_image(prepare(base(images))))


def test_open_clip_still_says_that_openais_weights_want_quick_gelu() -> None:
    assert open_clip.get_pretrained_cfg("ViT-L-14", "openai")["quick_gelu"] is True
    assert open_clip.get_model_config("ViT-L-14")["vision_cfg"] == {
        "image_size": 224, "layers": 24, "width": 1024, "patch_size": 14,
    }  # fmt: skip


@torch.no_grad()
def test_n_way_sees_uint8_through_the_weights_own_transform(
    images: Any, given: Callable[[str, State], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(**_: Any) -> Any:
        return models.VisionTransformer(224, 32, num_layers=2, num_heads=2, hidden_dim=32, mlp_dim=32, num_classes=60)

    network = build().eval()
    network.load_state_dict(fill(network.state_dict()))
    given("vit_b_16", network.state_dict())
    monkeypatch.setattr(models, "vit_b_16", build)  # ViT-B/16 is 350 MB
    transform = models.ViT_B_16_Weights.IMAGENET1K_V1.transforms()
    seen = [Image.fromarray((255 * x).round().byte().permute(1, 2, 0).numpy()) for x in base(images)]
    expected = network(torch.stack([transform(picture) for picture in seen])).softmax(1)
    agree(judge("vit_b_16").embed(images)["probabilities_vit_b_16"], expected)


EML_STREAM = {"conv1.weight": (64, 3, 7, 7), "output4.0.weight": (1, 2048, 3, 3), "combined.0.weight": (1, 5, 3, 3)}
EML_DECODER = {"img_model.0.0.weight": (1, 1, 3, 3), "pla_model.4.0.bias": (1,), "combined.0.weight": (1, 10, 3, 3)}


def test_eml_net_has_the_published_keys() -> None:
    with torch.device("meta"):
        network = eml_net.EmlNet()
    for part, keys in (("imagenet", EML_STREAM), ("places", EML_STREAM), ("decoder", EML_DECODER)):
        state = network.get_submodule(part).state_dict()
        assert {key: tuple(state[key].shape) for key in keys} == keys
        assert not any(key.startswith(("fc.", "avgpool.")) for key in state)


@torch.no_grad()
def test_eml_net_is_what_its_parts_say(images: Any) -> None:
    """The same network written once more, as functions of its published tensors."""
    network = eml_net.EmlNet().eval()
    network.load_state_dict(fill(network.state_dict()))
    x = torch.rand(2, 3, eml_net.HEIGHT, eml_net.WIDTH, generator=torch.Generator().manual_seed(0))

    def read(state: State, stem: str, maps: torch.Tensor, end: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        maps = F.conv2d(maps, state[f"{stem}.0.weight"], state[f"{stem}.0.bias"], padding=1)
        mean, var, weight, bias = (state[f"{stem}.1.{k}"] for k in ("running_mean", "running_var", "weight", "bias"))
        return end(F.batch_norm(maps, mean, var, weight, bias))

    taps = []
    for stream in (network.imagenet, network.places):
        state = stream.state_dict()
        nodes = {"relu": "0", **{f"layer{i}": str(i) for i in range(1, 5)}}
        plain = models.resnet50()
        plain.load_state_dict(
            {k: v for k, v in state.items() if not k.startswith(("output", "combined"))}, strict=False
        )
        depths = create_feature_extractor(plain.eval(), nodes)(x)
        taps.append([read(state, f"output{i}", depths[str(i)], F.relu) for i in range(5)])
    state = network.decoder.state_dict()
    joined = [
        F.interpolate(read(state, f"{model}.{i}", tap, F.relu), x.shape[-2:])
        for model, stream_taps in zip(("img_model", "pla_model"), taps, strict=True)
        for i, tap in enumerate(stream_taps)
    ]
    expected = read(state, "combined", torch.cat(joined, 1), torch.sigmoid)[:, 0]
    agree(network(x).numpy(), expected)


def test_maps_are_blurred_stretched_and_cut_off() -> None:
    spike = torch.zeros(2, 60, 80)
    spike[0, 30, 40] = 1
    one, flat = eml_net.finish(spike)
    assert one.dtype == np.uint8 and one.max() == one[30, 40] == 255 and one[0, 0] == 0
    assert one[30, 45] == int(255 * np.exp(-0.5))  # one deviation away, truncated
    assert not flat.any()


def test_weights_of_another_network_are_refused(given: Callable[[str, State], Path], images: Any) -> None:
    given("swav", {"conv1.weight": torch.zeros(3)})
    with pytest.raises(InputError, match=r"swav_800ep_pretrain\.pth\.tar: not the weights of ResNet"):
        judge("swav").embed(images)


def test_a_suite_without_weights_says_what_is_missing(given: Callable[[str, State], Path], tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_HOME", str(tmp_path / "none"))
        suite = backbones.suite("reference", "sal512", features={"alexnet2", "pixels425"})
    assert [found.name for found in suite.judges] == ["pixels"]
    assert suite.missing.keys() == {"alexnet2", "alexnet5"} and "weights fetch alexnet" in suite.missing["alexnet2"]


def test_torch_fidelitys_network_is_never_handed_the_file(
    given: Callable[[str, State], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It unpickles what it is given: that must be tensors that were read as such before."""
    extractor = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    path = given("fidelity_inception", {"a": torch.ones(1)})
    seen = {}

    def build(*_: Any, feature_extractor_weights_path: Any) -> Any:
        seen["state"] = torch.load(feature_extractor_weights_path, weights_only=True)
        return torch.nn.Identity()

    monkeypatch.setattr(extractor, "FeatureExtractorInceptionV3", build)
    judges.JUDGES["fidelity_inception"].load({"fidelity_inception": path}, "cpu")
    assert torch.equal(seen["state"]["a"], torch.ones(1))


def test_unverified_weights_mark_their_judge(given: Callable[[str, State], Path], monkeypatch: Any) -> None:
    path = given("swav", {})
    monkeypatch.setattr(published, "require", lambda *_, **__: LocalWeights(path, "0" * 64, verified=False))
    assert judge("swav").verified is False


def test_a_missing_file_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("EEGBENCH_WEIGHTS", raising=False)
    with pytest.raises(MissingError, match="swav_800ep_pretrain"):
        judge("swav")


def test_half_precision_is_near_and_has_a_name_of_its_own(given: Callable[[str, State], Path], images: Any) -> None:
    network = models.resnet50()
    given("swav", {k: v for k, v in fill(network.state_dict()).items() if not k.startswith("fc.")})
    whole, half = judge("swav"), ReferenceJudge("swav", 512, "cpu", half=True)
    one, two = whole.embed(images)["swav"], half.embed(images)["swav"]
    assert (whole.variant, half.variant) == ("", "half") and whole.name != half.name
    assert two.dtype == np.float32 and (one != two).any()
    assert np.abs(one - two).max() < 0.05 * np.abs(one).max()
