"""From the sampler to the batches: how often each class comes up in an epoch."""

import json
from collections import Counter
from pathlib import Path

import pytest
from factories import make_actions, make_labelme

from dancepose.data.motion_datamodule import MotionDataModule
from dancepose.data.motion_people import HOLDOUT
from dancepose.data.transforms import Augmentation
from dancepose.encoders import FrameEncoder, ImageOnly
from dancepose.errors import ConfigError
from dancepose.features import KeypointFeatures
from dancepose.skeleton import load_skeleton


@pytest.fixture(scope="module")
def rare(tmp_path_factory) -> Path:
    """24 clips of one picture of one person; every third walks, the others wave."""
    root = tmp_path_factory.mktemp("rare")
    make_actions(root, clips=24, length=1, people=1)
    content = json.loads((root / "actions.json").read_text())
    for sample in content["samples"]:
        sample["label"] = "walk" if sample["label"] == "walk" else "wave"
    content["classes"] = ["wave", "walk"]
    (root / "actions.json").write_text(json.dumps(content))
    return root


def module(root: Path, sampler: str) -> MotionDataModule:
    fixed = {"val": "none", "test": "none", "holdout": 0.25, "batch_size": 1, "workers": 0}
    made = MotionDataModule(
        load_skeleton("openpose18"), ImageOnly(), images=False, root=str(root), sampler=sampler, **fixed
    )
    made.setup("fit")
    return made


def epoch(loader) -> list[int]:
    """Return how many samples of each class the batches of an epoch hold."""
    counts = Counter(int(label) for batch in loader for label in batch["label"])
    return [counts[label] for label in range(2)]


@pytest.mark.parametrize(("sampler", "expected"), [("none", [12, 6]), ("balanced", [9, 9])])
def test_batches_hold_the_classes_as_the_sampler_says(rare, sampler, expected):
    made = module(rare, sampler)
    assert epoch(made.train_dataloader()) == expected
    assert len(made.samples(HOLDOUT)) == 6, "held out for every sampler alike"


def test_what_is_mistaken_comes_up_more_often_in_the_next_epoch(rare):
    made = module(rare, "confusion")
    loader = made.train_dataloader()
    assert epoch(loader) == [9, 9], "nothing is known yet"
    shares = made.learn_recall([0.9, 0.4])  # (1 / n) (1.1 - recall): 0.2 to 0.7
    assert shares == pytest.approx({"wave": 0.2 / 0.9, "walk": 0.7 / 0.9})
    assert epoch(loader) == [4, 14]
    state = made.state_dict()
    resumed = module(rare, "confusion")
    resumed.load_state_dict(state)  # before the loader is made, as the trainer does
    assert epoch(resumed.train_dataloader()) == [4, 14]
    later = module(rare, "confusion")
    loader = later.train_dataloader()
    later.load_state_dict(state)
    assert epoch(loader) == [4, 14]


def test_in_a_mix_shares_and_balance_follow_the_weights_of_the_data_sets(rare, tmp_path):
    """Two data sets, of which one comes up three times as often; each has its own share of classes."""
    parts = {}
    for name, weight, labels in (("a", 1.0, ["wave"]), ("b", 3.0, ["walk", "walk", "walk", "wave"])):
        make_actions(tmp_path / name, clips=12, length=1, people=1)
        content = json.loads((tmp_path / name / "actions.json").read_text())
        for number, sample in enumerate(content["samples"]):
            sample["label"] = labels[number % len(labels)]
        content["classes"] = ["wave", "walk"]
        (tmp_path / name / "actions.json").write_text(json.dumps(content))
        parts[name] = {"kind": "action", "root": str(tmp_path / name), "weight": weight}
    fixed = {"val": "none", "test": "none", "holdout": 0, "batch_size": 1, "workers": 0}
    drawn = {}
    for sampler in ("none", "balanced"):
        made = MotionDataModule(
            load_skeleton("openpose18"),
            ImageOnly(),
            kind="mix",
            parts=parts,
            images=False,
            sampler=sampler,
            **fixed,
        )
        made.setup("fit")
        counts = epoch(made.train_dataloader())
        drawn[sampler] = [count / sum(counts) for count in counts]
        assert made.people.weights.shares() == pytest.approx(drawn[sampler], abs=0.05)
    # 12 wave, and three times 9 walk and 3 wave
    assert drawn["none"] == pytest.approx([21 / 48, 27 / 48], abs=0.05)
    assert drawn["balanced"] == pytest.approx([0.5, 0.5], abs=0.05)


def test_training_samples_are_scored_as_they_are(rare):
    """An evaluation of the training part is of its people, not of turned and mirrored ones."""
    made = module(rare, "none")
    made.augmentation = Augmentation(rotation=15, flip=0.5)
    dataset = made.evaluation_dataloader("train").dataset
    assert dataset.transform.recipe == Augmentation() != made.dataset("train").transform.recipe


@pytest.mark.parametrize("wrong", ["data.batch_size=999", "data.sampler=confusion"])
def test_what_is_refused_is_refused_before_poses_are_looked_for(tmp_path, wrong):
    """A pose run looks through all pictures, and changes neither classes nor the number of samples."""
    make_actions(tmp_path, clips=3, length=2)  # of each action a single clip, of which nothing is held out

    class Found(Exception):
        pass

    class Filler:
        def fill(self, frames):
            raise Found

    skeleton = load_skeleton("openpose18")
    fixed = {"val": "none", "test": "none", "workers": 0, "batch_size": 1, "images": False}
    keys = {"data.batch_size=999": {"batch_size": 999}, "data.sampler=confusion": {"sampler": "confusion"}}

    def setup(**changes):
        encoder = FrameEncoder(KeypointFeatures(skeleton))
        made = MotionDataModule(skeleton, encoder, root=str(tmp_path), **{**fixed, **changes})
        made.people._filler = Filler()
        made.setup("fit")

    with pytest.raises(ConfigError, match=wrong):
        setup(**keys[wrong])
    with pytest.raises(Found):
        setup()


def test_labelme_data_are_called_as_their_option_of_data(tmp_path):
    make_labelme(tmp_path, frames=4)
    keys = {"val": "none", "test": "none", "images": False}
    alone = MotionDataModule(
        load_skeleton("openpose18"), ImageOnly(), kind="dance", root=str(tmp_path), **keys
    )
    parts = {"dance": {"kind": "dance", "root": str(tmp_path)}}  # the user's word
    mixed = MotionDataModule(load_skeleton("openpose18"), ImageOnly(), kind="mix", parts=parts, **keys)
    assert {row["data"] for row in alone.data.counts()} == {"action_labelme"}
    assert {row["data"] for row in mixed.data.counts()} == {"dance"}
    assert alone.data.summary().splitlines()[1].startswith("action_labelme  train")
