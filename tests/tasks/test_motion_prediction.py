import numpy as np
import pytest
import torch
from factories import make_actions

from dancepose.build import build
from dancepose.data.motion_dataset import MotionDataset
from dancepose.data.motion_samples import frame_samples
from dancepose.data.person_crop import PersonTransform
from dancepose.data.sampler import SampleKey
from dancepose.data.transforms import Augmentation
from dancepose.inference.actions import predict
from dancepose.skeleton import load_skeleton
from dancepose.tasks.motion_evaluation import MotionEvaluation
from dancepose.tasks.motion_prediction import crop_of, describe_network, said

CLASSES = ("wave", "walk", "other")
SKELETON = load_skeleton("openpose18")


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    root = tmp_path_factory.mktemp("actions")
    made = make_actions(root, clips=3, length=2)
    for frame in made:
        frame.image = root / frame.name
    return made


PLAIN = Augmentation()


def dataset(frames, model, images: bool, recipe: Augmentation = PLAIN) -> MotionDataset:
    transform = PersonTransform(32, 36, recipe, SKELETON.flip_index)
    return MotionDataset(frame_samples(frames, CLASSES), model.encoder, images, transform, 0.15, seed=0)


def made(**node):
    plain = {"network": "motion", "depth": 18, "width": 4, **node}
    return build({"model": plain, "skeleton": "openpose18", "classes": list(CLASSES), "seed": 0})


def qes():
    model = build({"model": {"network": "motion_qes"}, "skeleton": "openpose18", "classes": list(CLASSES)})
    return model


class TestDataset:
    def test_a_batch_holds_what_the_network_takes(self, frames):
        model = made()
        data = dataset(frames, model, images=True)
        batch = data.collate([data[i] for i in range(len(data))])
        assert batch["image"].shape == (12, 3, 32, 32) and batch["image"].dtype == torch.uint8
        assert batch["features"].shape == (12, model.encoder.features.dimension)
        assert batch["label"].tolist() == [sample.label for sample in data.samples]
        assert {*model.network.inputs, "label", "index"} == batch.keys()
        assert data.collate([])["label"].shape == (0,)

    def test_what_is_random_depends_on_seed_epoch_and_sample_alone(self, frames):
        data = dataset(frames, made(), True, Augmentation(rotation=15, flip=0.5))
        first, again, later = (data[SampleKey(epoch, 3)] for epoch in (0, 0, 1))
        assert (
            torch.equal(first["image"], again["image"]) and (first["keypoints"] == again["keypoints"]).all()
        )
        assert not torch.equal(first["image"], later["image"])

    def test_a_mirror_is_one_of_picture_and_features_alike(self, frames):
        model = made()
        plain, mirrored = (
            data.collate([data[i] for i in range(len(data))])
            for data in (dataset(frames, model, True, Augmentation(flip=flip)) for flip in (0.0, 1.0))
        )
        features = model.encoder.features.flip(plain["features"].numpy())
        np.testing.assert_allclose(mirrored["features"].numpy(), features, atol=1e-5)
        assert np.abs(plain["features"].numpy() - features).max(axis=1).min() > 0.1, "nobody is symmetric"
        turned = plain["image"].flip(-1).float()
        assert (mirrored["image"] - turned).abs().mean() < 0.5, "but for the interpolation's rounding"
        assert (plain["image"] - turned).abs().mean() > 5

    def test_heights_of_boxes_follow_the_scale_that_is_drawn(self, frames):
        """A person's box and its extent stay in one relation, whatever the augmentation."""
        for recipe in (Augmentation(), Augmentation(scale=(0.5, 0.9))):
            sample = dataset(frames, made(), False, recipe)[SampleKey(0, 0)]
            assert np.ptp(sample["keypoints"][0, :, 1]) == pytest.approx(sample["box_height"][0], rel=1e-6)

    def test_a_person_without_a_picture_has_its_keypoints_alone(self, frames):
        frame = type(frames[0])(**{**vars(frames[0]), "image": None, "size": (0, 0)})
        data = dataset([frame], made(), False)
        picture, keypoints = data.picture(0)
        assert picture is None and keypoints.shape == (len(SKELETON), 3)
        assert crop_of(data, np.array([0]), SKELETON)(0) is None


class TestWords:
    def test_logits_and_batch_on_the_device(self, frames):
        model = made(branches=["keypoints"])
        data = dataset(frames, model, images=False)
        batch = data.collate([data[i] for i in range(3)])
        logits, moved, rejected = predict(model.network.eval(), batch, "cpu", None)
        assert torch.equal(logits, model.network(features=batch["features"])) and rejected is None
        assert moved.keys() == batch.keys() and not model.network.rejects

    def test_rejected_samples_are_counted_and_change_no_figure(self, frames):
        model = qes()
        data = dataset(frames, model, images=False)
        batch = data.collate([data[i] for i in range(len(data))])
        model.network.fit(batch["torso_frame"].numpy(), batch["label"].numpy())
        model.network.reject_membership = 1.0  # nobody is that sure
        logits, moved, rejected = predict(model.network.eval(), batch, "cpu", None)
        assert model.network.rejects and rejected.all()
        counted = {}
        for given in (None, rejected):
            evaluation = MotionEvaluation(CLASSES, rejects=True)
            evaluation.step(logits, moved, given)
            counted[given is None] = evaluation.compute()
        assert counted[False]["scalars"]["rejected"] == 1
        assert counted[False]["scores"].accuracy == counted[True]["scores"].accuracy
        about = describe_network(model.config["model"], counted[False])
        assert about["rejected"] == 1 and "QES" in about["difference_from_paper"]

    def test_said_keeps_to_the_samples_that_were_asked_about(self, frames):
        samples = frame_samples(frames, CLASSES)
        index, probabilities = np.array([4, 1]), np.eye(3, dtype=np.float32)[:2]
        words = said(samples, CLASSES, index, probabilities)
        assert words.ids == [samples[4].id, samples[1].id] and words.clips == ["clip_1", "clip_0"]
        assert words.labels.tolist() == [samples[4].label, samples[1].label]

    def test_the_crop_of_a_sample_is_what_the_network_is_fed(self, frames):
        data = dataset(frames, made(), images=True)
        drawn = crop_of(data, np.array([5, 2]), SKELETON)(0)
        plain, _ = data.picture(5)
        assert drawn.shape == plain.shape and (drawn != plain).any()
        assert (drawn == plain).mean() > 0.2  # people are drawn over, the ground is the picture's


class TestEvaluation:
    def test_figures_are_those_of_all_batches(self):
        evaluation = MotionEvaluation(CLASSES)
        logits = torch.tensor([[4.0, 0, 0], [0, 4.0, 0], [4.0, 0, 0]])
        labels, index = torch.tensor([0, 1, 2]), torch.tensor([2, 0, 1])
        for part in (slice(0, 2), slice(2, 3)):
            evaluation.step(logits[part], {"label": labels[part], "index": index[part]})
        scalars = evaluation.compute()["scalars"]
        assert scalars["accuracy"] == pytest.approx(2 / 3) and scalars["accuracy_other"] == 0
        loss = torch.nn.functional.cross_entropy(logits, labels)
        assert scalars["loss"] == pytest.approx(float(loss)) and "rejected" not in scalars
        order, probabilities = evaluation.gather_probabilities()
        assert order.tolist() == [0, 1, 2]
        assert np.allclose(probabilities, logits.softmax(1)[[1, 2, 0]])
        evaluation.reset()
        assert evaluation.gather_probabilities()[1].shape == (0, 3)
