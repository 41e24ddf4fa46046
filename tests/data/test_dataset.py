"""Data sets: samples are the same whatever the workers, their number, the order and the epochs before."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import PointsCodec, make_labelme
from torch.utils.data import DataLoader

from dancepose.data.dataset import (
    EvaluationDataset,
    PoseDataset,
    PoseLoader,
    as_key,
    collate_evaluation,
    prepare_worker,
    to_channels_first,
)
from dancepose.data.readers.labelme import read_labelme
from dancepose.data.sampler import EvaluationSampler, SampleKey, TrainSampler
from dancepose.data.transforms import Augmentation, TrainTransform
from dancepose.errors import DataError
from dancepose.inference.geometry import TestGeometry
from dancepose.skeleton import load_skeleton

MPII15 = load_skeleton("mpii15")
RECIPE = Augmentation(30, (0.75, 1.5), "short", 10, 0.5, brightness=0.3, blur=0.5)


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    root = tmp_path_factory.mktemp("dance")
    make_labelme(root, frames=6)
    return read_labelme(root, MPII15)[0]


def dataset(frames, seed: int = 0, recipe: Augmentation = RECIPE) -> PoseDataset:
    return PoseDataset(frames, TrainTransform(64, recipe, MPII15), PointsCodec(MPII15), seed)


def batches(frames, workers: int, epochs, seed: int = 0) -> list[dict]:
    sampler = TrainSampler([len(frames)], [1.0], 2, seed)
    loader = PoseLoader(
        dataset(frames, seed),
        2,
        sampler=sampler,
        num_workers=workers,
        persistent_workers=workers > 0,
        worker_init_fn=prepare_worker,
    )
    found = []
    for epoch in epochs:
        sampler.set_epoch(epoch)
        found += list(loader)
    return found


def assert_equal(first: list[dict], second: list[dict]) -> None:
    assert len(first) == len(second) > 0
    for one, two in zip(first, second, strict=True):
        assert torch.equal(one["index"], two["index"]) and torch.equal(one["image"], two["image"])
        np.testing.assert_array_equal(one["packed"]["targets/points"], two["packed"]["targets/points"])


def test_a_sample_is_what_the_contract_says(frames):
    sample = dataset(frames)[SampleKey(0, 3)]
    assert sample["image"].dtype == torch.uint8 and sample["image"].shape == (3, 64, 64)
    assert sample["image"].is_contiguous() and sample["index"] == 3
    packed = sample["packed"]
    assert packed["targets/points"].dtype == np.float32 and packed["weights/labelled"].shape == (15,)


def test_keys_of_all_kinds(frames):
    data = dataset(frames)
    assert as_key(3) == as_key((0, 3)) == as_key(SampleKey(0, 3)) == (0, 3, 0)
    same = [data[key]["image"] for key in (3, (0, 3), SampleKey(0, 3), np.int64(3))]
    assert all(torch.equal(image, same[0]) for image in same)


def test_the_crop_is_what_the_network_is_fed(frames):
    data = dataset(frames)
    crop, frame = data.crop((2, 1))
    sample = data[(2, 1)]
    np.testing.assert_array_equal(sample["image"].permute(1, 2, 0).numpy(), crop)
    np.testing.assert_allclose(
        sample["packed"]["targets/points"][: len(frame.people)], frame.keypoint_array(), rtol=1e-6
    )


def test_crops_differ_by_epoch_seed_name_and_occurrence(frames):
    data = dataset(frames)
    renamed = dataset([replace(frame, name="x" + frame.name) for frame in frames])
    crops = [
        data.crop(SampleKey(0, 0))[0],
        data.crop(SampleKey(1, 0))[0],
        data.crop(SampleKey(0, 0, 1))[0],
        dataset(frames, seed=1).crop(SampleKey(0, 0))[0],
        renamed.crop(SampleKey(0, 0))[0],
    ]
    assert len({crop.tobytes() for crop in crops}) == 5


def test_workers_and_their_number_do_not_matter(frames):
    alone = batches(frames, 0, [0, 1])
    assert_equal(alone, batches(frames, 1, [0, 1]))
    assert_equal(alone, batches(frames, 2, [0, 1]))
    with pytest.raises(AssertionError):  # two epochs are not alike: the comparison can fail
        assert_equal(alone[:3], alone[3:])


def test_going_on_is_the_same_as_never_having_stopped(frames):
    undisturbed = batches(frames, 2, range(4))
    assert_equal(undisturbed[6:], batches(frames, 2, [2, 3]))


def test_a_sample_does_not_depend_on_its_neighbours(frames):
    whole, alone = dataset(frames), dataset(frames[4:5])
    assert torch.equal(whole[(5, 4)]["image"], alone[(5, 0)]["image"])


def test_global_generators_are_neither_read_nor_moved(frames):
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = dataset(frames)[(0, 0)]["image"]
    assert torch.equal(torch.get_rng_state(), states[0]) and (np.random.get_state()[1] == states[1]).all()
    torch.manual_seed(7)
    np.random.seed(7)
    assert torch.equal(dataset(frames)[(0, 0)]["image"], first)


def test_channels_first_is_a_transposed_copy():
    image = np.random.default_rng(0).integers(0, 255, (6, 9, 3), dtype=np.uint8)
    planes = to_channels_first(image)
    np.testing.assert_array_equal(planes.numpy(), image.transpose(2, 0, 1))
    assert planes.is_contiguous()


def test_evaluation_samples_find_back_to_the_picture(frames):
    data = EvaluationDataset(frames, TestGeometry(96, "short"))
    sample = data[SampleKey(0, 2)]
    assert sample["frame"] is frames[2] and sample["index"] == 2 and sample["image"].dtype == torch.uint8
    assert tuple(sample["image"].shape[:0:-1]) == data.input_sizes()[2] == (128, 128)
    matrix = sample["matrix"]
    assert matrix.shape == (2, 3) and matrix.dtype == np.float64
    # the head of the first person: red, where the matrix says
    x, y = np.linalg.solve(matrix[:, :2], frames[2].people[0].keypoints[0, :2] - matrix[:, 2])
    red, green, blue = sample["image"][:, round(y), round(x)].tolist()
    assert red > 150 and red > 2 * green and red > 2 * blue


def test_collate_pads_right_and_bottom():
    def sample(height: int, width: int, index: int) -> dict:
        image = torch.full((3, height, width), 9, dtype=torch.uint8)
        return {"image": image, "matrix": np.eye(2, 3) * index, "frame": f"f{index}", "index": index}

    batch = collate_evaluation([sample(64, 128, 0), sample(128, 64, 1)])
    assert batch["image"].shape == (2, 3, 128, 128) and batch["frame"] == ["f0", "f1"]
    assert (batch["image"][0, :, :64] == 9).all() and (batch["image"][0, :, 64:] == 0).all()
    assert (batch["image"][1, :, :, :64] == 9).all() and (batch["image"][1, :, :, 64:] == 0).all()
    assert batch["matrix"].dtype == torch.float64 and batch["index"].tolist() == [0, 1]


def test_evaluation_loader_with_workers(frames):
    data = EvaluationDataset(frames, TestGeometry(64))
    loader = DataLoader(
        data,
        batch_sampler=EvaluationSampler(data.input_sizes(), 4),
        collate_fn=collate_evaluation,
        num_workers=2,
        worker_init_fn=prepare_worker,
    )
    names = [frame.name for batch in loader for frame in batch["frame"]]
    assert sorted(names) == [frame.name for frame in frames]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_image_is_named(frames, tmp_path: Path, workers: int):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(frames[0].image.read_bytes()[:2000])
    damaged = [replace(frames[0], image=broken), *frames[1:]]
    with pytest.raises(DataError, match=r"broken\.jpg.*broken.*2000 bytes") as error:
        batches(damaged, workers, [0])
    assert "Traceback" not in str(error.value) and str(error.value).startswith("image ")


def test_samples_of_a_real_codec(frames):
    from dancepose.codecs.associative_embedding import AssociativeEmbedding

    data = PoseDataset(frames, TrainTransform(64, RECIPE, MPII15), AssociativeEmbedding(MPII15), 0)
    for workers in (0, 1):
        sampler = TrainSampler([6], [1.0], 3, 0)
        for keys, batch in zip(
            (list(sampler)[:3], list(sampler)[3:]),
            DataLoader(data, 3, sampler=sampler, num_workers=workers, collate_fn=data.collate),
            strict=True,
        ):
            targets, weights = data.codec.unpack(batch["packed"])
            for n, key in enumerate(keys):  # a batch of drawn targets holds what each frame is encoded to
                frame = data.crop(key)[1]
                encoded = data.codec.encode(frame, frame.size)
                for made, wanted in zip((targets, weights), encoded, strict=True):
                    assert made.keys() == wanted.keys()
                    for name, array in wanted.items():
                        np.testing.assert_array_equal(made[name][n].numpy(), array)
