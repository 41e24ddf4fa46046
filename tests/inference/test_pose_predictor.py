"""The predictor with an oracle in place of the network; see `oracle`."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from oracle import SKELETON, as_outputs, predictor_for, ramp, somebody
from torch import nn

from dancepose.build import build
from dancepose.codecs.associative_embedding import AssociativeEmbedding
from dancepose.codecs.base import Codec, Found, OutputSpec
from dancepose.errors import ConfigError, DataError
from dancepose.inference.geometry import TestGeometry, apply_matrix
from dancepose.inference.pose import PosePredictor, to_original
from dancepose.records import Frame, Person


class Centroids(Codec):
    """Heatmaps of one person, read by their centre of mass: no quantisation, what is off is geometry."""

    def __init__(self, strides=(4, 2)):
        self.skeleton = SKELETON
        self.strides = strides

    @property
    def outputs(self):
        return [OutputSpec(stride, len(SKELETON)) for stride in self.strides]

    def encode(self, frame, size):
        targets = {}
        for i, stride in enumerate(self.strides):
            x, y = np.arange(size[0] // stride), np.arange(size[1] // stride)
            cells = (frame.people[0].keypoints[:, :2] - (stride - 1) / 2) / stride
            along_x = np.exp(-((x - cells[:, :1]) ** 2) / 8)
            along_y = np.exp(-((y - cells[:, 1:]) ** 2) / 8)
            targets[f"heatmaps_{i}"] = along_y[:, :, None] * along_x[:, None, :]
        return targets, {}

    def loss(self, outputs, targets, weights):
        raise NotImplementedError

    def flip(self, outputs):
        return [output.flip(-1)[:, SKELETON.flip_index] for output in outputs]

    def merge(self, outputs):
        merged = []
        for scale in zip(*outputs, strict=True):
            size = scale[0].shape[-2:]
            resized = [
                nn.functional.interpolate(o, size, mode="bilinear", align_corners=False) for o in scale
            ]
            merged.append(torch.stack(resized).mean(dim=0))
        return merged

    def find(self, outputs):
        mean = []
        for output, stride in zip(outputs, self.strides, strict=True):
            mass = output.double().clamp(min=0)
            y, x = torch.arange(mass.shape[2]), torch.arange(mass.shape[3])
            total = mass.sum(dim=(2, 3))
            cells = torch.stack([(mass.sum(2) * x).sum(2) / total, (mass.sum(3) * y).sum(2) / total], dim=-1)
            mean.append(cells * stride + (stride - 1) / 2)
        places = torch.stack(mean).mean(dim=0).numpy()
        visible = np.full((*places.shape[:2], 1), 2.0)
        return [Found([Person(k, np.ones(len(k)))]) for k in np.concatenate([places, visible], axis=2)]

    def peaks(self, outputs):
        raise NotImplementedError

    def heatmaps(self, outputs):
        raise NotImplementedError


PASSES = [(False, (1.0,)), (True, (1.0,)), (False, (1.0, 0.5, 2.0)), (True, (0.75, 1.0, 1.3))]


@pytest.mark.parametrize(("flip", "scales"), PASSES)
@pytest.mark.parametrize("resize", ["short", "long"])
def test_coordinates_come_back_exactly(flip, scales, resize):
    rng = np.random.default_rng(1)
    sizes = [(320, 240), (301, 407), (500, 333), (160, 160)]
    truth = {i: (size, [somebody(*size, rng)]) for i, size in enumerate(sizes)}
    predictor = predictor_for(Centroids(), truth, TestGeometry(256, resize), flip, scales)
    people = predictor([ramp(*size, i) for i, size in enumerate(sizes)])
    for (size, true), found in zip(truth.values(), people, strict=True):
        assert len(found) == 1
        assert np.abs(found[0].keypoints - true[0]).max() < 0.01, size


@pytest.mark.parametrize(("flip", "scales"), PASSES)
def test_people_of_associative_embedding_come_back(flip, scales):
    rng = np.random.default_rng(2)
    size = (400, 300)
    true = [somebody(*size, rng, low, low + 0.4) for low in (0.08, 0.5)]
    codec, geometry = AssociativeEmbedding(SKELETON), TestGeometry(256)
    predictor = predictor_for(codec, {0: (size, true)}, geometry, flip, scales)
    found = predictor([ramp(*size, 0)])[0]
    assert len(found) == 2
    # the codec's own error: the same people encoded and decoded without any geometry
    plan = geometry.plan(*size)
    inverse = np.linalg.inv(np.vstack([plan.matrix, [0, 0, 1]]))[:2]
    inputs = [Person(np.column_stack([apply_matrix(inverse, k[:, :2]), k[:, 2]])) for k in true]
    maps = [m[None] for m in as_outputs(codec, Frame("", plan.size, inputs, SKELETON.name), plan.size)]
    direct = to_original(codec.decode(maps)[0], plan.matrix)
    own = max(error(direct, k) for k in true)
    # maps of other scales are blunter or finer than the first, so merging them moves a peak within its cell
    own += 0.1 * plan.matrix[0, 0] if len(scales) > 1 else 0
    assert max(error(found, k) for k in true) <= own + 0.01


def error(people, keypoints):
    return min(np.abs(person.keypoints[:, :2] - keypoints[:, :2]).max() for person in people)


def test_people_come_back_in_order_and_sizes_go_together():
    rng = np.random.default_rng(3)
    sizes = [(320, 240), (240, 320), (320, 240), (324, 240), (240, 320), (320, 240)]
    truth = {i: (size, [somebody(*size, rng)]) for i, size in enumerate(sizes)}
    predictor = predictor_for(Centroids(), truth, TestGeometry(128), batch_size=3)
    people = predictor([ramp(*size, i) for i, size in enumerate(sizes)])
    for (_, true), found in zip(truth.values(), people, strict=True):
        assert np.abs(found[0].keypoints - true[0]).max() < 0.01
    shapes = sorted(shape for shape, _ in predictor.network.seen)
    assert shapes == [(1, 3, 128, 192), (2, 3, 192, 128), (3, 3, 128, 192)]
    assert predictor([]) == []


def test_a_made_batch_goes_the_same_way():
    rng = np.random.default_rng(4)
    truth = {0: ((320, 240), [somebody(320, 240, rng)])}
    geometry = TestGeometry(128)
    predictor = predictor_for(Centroids(), truth, geometry, True, (1.0, 0.5))
    image = ramp(320, 240, 0)
    padded, matrix = geometry.warp(image)
    batch = torch.from_numpy(padded).permute(2, 0, 1)[None]
    people = to_original(predictor.codec.decode(predictor.predict_maps(batch))[0], matrix)
    assert np.array_equal(people[0].keypoints, predictor([image])[0][0].keypoints)


def test_passes():
    truth = {0: ((128, 128), [somebody(128, 128, np.random.default_rng(5))])}
    predictor = predictor_for(Centroids(), truth, TestGeometry(128), True, (0.3, 1, 2))
    maps = predictor.predict_maps(torch.from_numpy(ramp(128, 128, 0)).permute(2, 0, 1)[None])
    sides = [shape[-1] for shape, _ in predictor.network.seen]
    assert sides == [128, 128, 64, 64, 256, 256], "scale 1 first, each also mirrored, padded to the multiple"
    assert [tuple(m.shape) for m in maps] == [(1, 15, 32, 32), (1, 15, 64, 64)], "the maps of scale 1"
    assert not maps[0].requires_grad


def test_scales_are_checked():
    for scales in ([0.5, 2.0], [1.0, 0.0], [1.0, -1.0], []):
        with pytest.raises(ConfigError, match="1 among them"):
            predictor_for(Centroids(), {}, TestGeometry(128), scales=scales)


def test_wrong_images():
    predictor = predictor_for(Centroids(), {}, TestGeometry(128))
    with pytest.raises(TypeError, match="uint8"):
        predictor.predict_maps(torch.zeros(1, 3, 128, 128))
    with pytest.raises(DataError, match="uint8"):
        predictor([np.zeros((64, 64, 3))])


class Tiny(nn.Module):
    """A real, if small, network: remembers in what mode and precision it ran."""

    def __init__(self, fail=False):
        super().__init__()
        self.first = nn.Conv2d(3, 15, 3, stride=4, padding=1)
        self.drop = nn.Dropout(0.5)
        self.norm = nn.BatchNorm2d(15)
        self.fail = fail
        self.ran = []

    def forward(self, images):
        if self.fail:
            raise RuntimeError("broken")
        maps = self.first(images.float() / 255)
        self.ran.append((self.training, self.norm.training, maps.dtype))
        return [self.norm(self.drop(maps))]


def tiny(network, **more):
    return PosePredictor(SimpleNamespace(codec=Centroids((4,)), network=network), TestGeometry(64), **more)


@pytest.mark.parametrize("fail", [False, True])
def test_modules_keep_their_modes(fail):
    network = Tiny(fail)
    network.train()
    network.norm.eval()  # frozen, say
    before = network.norm.running_mean.clone()
    images = torch.zeros(2, 3, 64, 64, dtype=torch.uint8)
    predictor = tiny(network)
    if fail:
        with pytest.raises(RuntimeError, match="broken"):
            predictor.predict_maps(images)
    else:
        predictor.predict_maps(images)
        assert network.ran == [(False, False, torch.float32)]
    assert network.training and network.first.training and network.drop.training
    assert not network.norm.training
    assert torch.equal(network.norm.running_mean, before)


def test_precision_and_memory_format():
    network = Tiny()
    images = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    predictor = tiny(network, dtype=torch.bfloat16)
    maps = predictor.predict_maps(images)
    assert network.ran[-1][2] == torch.bfloat16 and maps[0].dtype == torch.float32
    assert network.first.weight.is_contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):  # as a trainer of mixed precision calls it
        tiny(network).predict_maps(images)
    assert network.ran[-1][2] == torch.bfloat16
    tiny(network).predict_maps(images)
    assert network.ran[-1][2] == torch.float32
    plain = Tiny()
    tiny(plain, channels_last=False)
    assert plain.first.weight.is_contiguous()
    oracle = predictor_for(
        Centroids(), {0: ((64, 64), [somebody(64, 64, np.random.default_rng(0))])}, TestGeometry(64)
    )
    oracle([ramp(64, 64, 0)])
    assert oracle.network.seen[0][1], "inputs are channels_last too"


def test_to_original():
    keypoints = np.array([[10.0, 20.0, 2.0], [0.0, 0.0, 0.0], [30.0, 5.0, 1.0]])
    person = Person(keypoints, np.array([0.5, 0, 0.7]), 0.4, box=np.array([10.0, 20.0, 8.0, 6.0]), id=3)
    matrix = np.array([[2.0, 0.0, 0.5], [0.0, 3.0, 1.0]])
    (moved,) = to_original([person], matrix)
    assert moved.keypoints.tolist() == [[20.5, 61, 2], [0, 0, 0], [60.5, 16, 1]]
    assert moved.box.tolist() == [20.5, 61, 16, 18]
    assert moved.score == 0.4 and moved.id == 3 and moved.scores is person.scores
    assert keypoints[0, 0] == 10.0 and person.box[2] == 8.0
    assert to_original([], matrix) == []


@pytest.fixture(scope="module")
def model():
    improved = {"width": 8, "stem": "pyramid", "context": "background", "attention": {"order": "cbam0"}}
    return build({"skeleton": "mpii15", "model": improved})


def noise(width, height, seed):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.slow
def test_a_real_network_in_batches_and_alone(model):
    images = torch.from_numpy(np.stack([noise(128, 64, seed) for seed in range(3)])).permute(0, 3, 1, 2)
    predictor = PosePredictor(model, TestGeometry(64), flip=True, scales=(1.0, 2.0))
    together = predictor.predict_maps(images)
    for index in range(3):
        alone = predictor.predict_maps(images[index : index + 1])
        for one, many in zip(alone, together, strict=True):
            assert torch.allclose(one[0], many[index], rtol=0, atol=1e-4 * many.abs().max())
    assert len(predictor([noise(96, 64, 0), noise(64, 96, 1)])) == 2
    assert model.network.training, "and the network is left in the mode it was in"


def test_the_flip_test_sees_a_picture_and_its_mirror_image_alike(model):
    image = torch.from_numpy(noise(128, 64, 3)).permute(2, 0, 1)[None]
    predictor = PosePredictor(model, TestGeometry(64), flip=True, scales=(1.0, 0.5))
    codec = model.codec
    upright = codec.heatmaps(predictor.predict_maps(image))
    mirrored = codec.heatmaps(predictor.predict_maps(image.flip(-1)))
    turned = mirrored.flip(-1)[:, torch.from_numpy(SKELETON.flip_index)]
    assert torch.allclose(upright, turned, rtol=0, atol=1e-4 * upright.abs().max())
    single = codec.heatmaps(PosePredictor(model, TestGeometry(64)).predict_maps(image))
    assert not torch.allclose(upright, single, rtol=0, atol=1e-2 * upright.abs().max())
