"""Activation maps and gates: the same places for all attentions, and what the pictures show."""

import cv2
import numpy as np
import pytest
import torch

from dancepose.build import build
from dancepose.errors import ConfigError
from dancepose.inference import activation
from dancepose.inference.activation import cut_cells, draw_activations, pose_activations, recorded
from dancepose.inference.geometry import TestGeometry
from dancepose.layers.attention import SpatialGate
from dancepose.motion_model import example_inputs

IMAGE = np.random.default_rng(0).integers(0, 256, (90, 60, 3), dtype=np.uint8)


def pose(order):
    node = {"network": "pose", "width": 8, "depth": "small", "attention": {"order": order}}
    return build({"model": node, "skeleton": "mpii15", "seed": 0}).network.eval()


def motion(order, **keys):
    node = {
        "network": "motion",
        "branches": ["image"],
        "depth": 50,
        "width": 8,
        "attention": {"order": order},
    }
    return build({"model": node | keys, "skeleton": "openpose18", "seed": 0, "classes": ["a", "b"]})


@pytest.mark.parametrize("order", ["none", "cbam0", "cbam1", "cbam2"])
def test_every_attention_has_maps_at_the_same_places_and_its_own_gates(order):
    found, shown = pose_activations(pose(order), TestGeometry(64, "long", 64), IMAGE)
    assert shown.shape == (64, 43, 3)
    assert list(found.maps) == ["1/4", "stage 2", "stage 3", "what the head reads"]
    assert {value.shape for value in found.maps.values()} == {(1, 16, 11)}  # without the padding
    assert all(value.max() > 0 for value in found.maps.values())
    gates = 0 if order == "none" else 2 + 3 + 4  # one on each branch of each module
    assert len(found.spatial) == len(found.channel) == gates
    for name, value in found.spatial.items():
        assert 0 <= value.min() and value.max() <= found.scales[name] == 2.0  # starts near the identity
    picture = draw_activations(shown, found, title=order, tile=100)
    assert picture.dtype == np.uint8 and picture.shape[2] == 3


@pytest.mark.parametrize("cells, stride", [(16, 4), (2, 32)])
def test_coarse_maps_lie_where_they_belong(cells, stride):
    """A ramp over a padded input of 64 pixels, cut to the picture's 43, is the same ramp over the picture."""
    centres = stride * np.arange(cells) + (stride - 1) / 2
    cut = cut_cells(np.broadcast_to(centres, (1, 3, cells)).astype(np.float32), 2, 43 / 64)
    assert cut.shape == (1, 3, -(-43 // stride))
    drawn = cv2.resize(cut[0], (43, 3), interpolation=cv2.INTER_LINEAR)[0]
    wanted = np.clip(np.arange(43), centres[0], centres[-1])
    inside = slice(stride // 2, 43 - stride // 2)  # beyond the outermost centres a drawn map is constant
    assert np.abs(drawn - wanted)[inside].max() < stride / 8
    whole = cut_cells(np.ones((1, 3, cells), np.float32), 2, 1.0)
    assert whole.shape == (1, 3, cells)


def test_a_map_is_the_squared_features_and_a_gate_what_the_module_gave():
    network = pose("cbam1").eval()
    pixels = torch.from_numpy(IMAGE[:64, :32]).permute(2, 0, 1)[None]
    last = [module for module in network.modules() if isinstance(module, SpatialGate)][-1]
    seen = []
    handle = last.register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.inference_mode(), recorded(network) as found:
        features = network.backbone(network.pixels(pixels))
        network.backbone(network.pixels(pixels.flip(-1)))  # of a flip test: not what is recorded
    handle.remove()
    wanted = features.square().sum(1).numpy()
    np.testing.assert_allclose(found.maps["what the head reads"], wanted, rtol=1e-5)
    np.testing.assert_array_equal(list(found.spatial.values())[-1], seen[0][:, 0].numpy())
    assert not any(module._forward_hooks for module in network.modules())


def look(model, side=64):
    inputs = example_inputs(model.network, model.encoder, 18, side, batch=2)
    if "image" in inputs:
        inputs["image"] = torch.full_like(inputs["image"], 100, dtype=torch.uint8)
    with torch.inference_mode(), recorded(model.network.eval()) as found:
        model.network(**inputs)
    return found


def test_the_image_branch_of_a_classifier():
    found, without = look(motion("cbam1")), look(motion("none"))
    assert found.images.shape == (2, 64, 64, 3) and (found.images == 100).all()
    assert found.maps["layer 4"].shape == found.maps["what is averaged"].shape == (2, 2, 2)
    assert found.maps.keys() == without.maps.keys()
    (gate,) = found.channel.values()
    assert gate.shape == (2, 8 * 8 * 4) and len(found.spatial) == 1 and not without.spatial
    picture = draw_activations(found.images[1], found, index=1, tile=100)
    assert picture.size > draw_activations(without.images[1], without, tile=100).size  # tiles of gates


def told(found, image, monkeypatch):
    captions = []
    monkeypatch.setattr(activation, "contact_sheet", lambda pictures, texts, **_: captions.extend(texts))
    draw_activations(image, found, tile=60)
    return captions


def test_captions_say_which_gates_of_how_many_are_drawn(monkeypatch):
    found, shown = pose_activations(pose("cbam1"), TestGeometry(64, "long", 64), IMAGE)
    captions = told(found, shown, monkeypatch)
    assert captions[0] == "picture\nspatial gates 2 to 9 of 9"
    gates = [text for text in captions if text.startswith("spatial gate ")]
    assert [text.split("\n")[0] for text in gates] == [f"spatial gate {n} of 9" for n in range(2, 10)]
    values = list(found.spatial.values())[-1]
    assert gates[-1].endswith(f"{values.min():.2f} to {values.max():.2f}, mean {values.mean():.2f}")
    assert captions[-1] == "channel gates 2 to 9 of 9\nsorted, the last is the darkest"
    classifier = look(motion("cbam1"))
    captions = told(classifier, classifier.images[0], monkeypatch)
    assert captions[0] == "picture" and captions[-1] == "channel gate 1 of 1\nsorted"


def test_a_network_without_pictures_is_refused():
    with pytest.raises(ConfigError, match="image branch"):
        look(motion("none", branches=["keypoints"]))
