"""The data module: configuration, parts, checks before training, batches, and its life inside the trainer."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from factories import PointsCodec, make_coco, make_labelme
from hydra import compose, initialize_config_dir
from lightning.pytorch import LightningModule, Trainer
from omegaconf import OmegaConf

from dancepose.data.datamodules import PoseDataModule
from dancepose.data.problems import Problems
from dancepose.data.readers import READERS, Reader
from dancepose.data.readers.request import Reading
from dancepose.errors import ConfigError, DataError
from dancepose.inference.geometry import apply_matrix
from dancepose.paths import PACKAGE
from dancepose.records import Frame
from dancepose.skeleton import load_skeleton

MPII15 = load_skeleton("mpii15")
CONF = PACKAGE.parent / "conf"
OVERFIT = {"overfit": True, "resize": "long", "pad_multiple": 64}
PUBLIC = {"rotation": 30, "scale": [0.75, 1.5], "translation": 40, "flip": 0.5}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("dance")
    make_labelme(root, frames=20, size=(80, 64))
    return root


def module(root: Path | None, /, **changes) -> PoseDataModule:
    values = {"root": None if root is None else str(root), "batch_size": 4, "workers": 0, "size": 64}
    values |= {"augmentation": PUBLIC, "seed": 0, **changes}
    return PoseDataModule(MPII15, PointsCodec(MPII15), **values)


class Task(LightningModule):
    """Remembers what it is given."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 1, 1)
        self.trained: list = []
        self.seen: dict[str, list] = {"val": [], "test": []}

    def training_step(self, batch, batch_idx):
        self.trained.append((self.current_epoch, batch["index"].tolist(), int(batch["image"].sum())))
        return self.layer(batch["image"].float()).mean()

    def validation_step(self, batch, batch_idx):
        self.seen["val"] += [frame.name for frame in batch["frame"]]

    def test_step(self, batch, batch_idx):
        assert batch["image"].dtype == torch.uint8 and batch["matrix"].shape[1:] == (2, 3)
        self.seen["test"] += [frame.name for frame in batch["frame"]]

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 1e-6)


def trainer(tmp_path: Path, **changes) -> Trainer:
    values = {
        "default_root_dir": tmp_path,
        "accelerator": "cpu",
        "devices": 1,
        "max_epochs": 2,
        "use_distributed_sampler": False,
        "num_sanity_val_steps": 0,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return Trainer(**values | changes)


# configuration


def shipped(*overrides: str) -> dict:
    """What `data=...` composes to, without the rest of the configuration."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose(overrides=[f"+{overrides[0]}", *overrides[1:]])
    return OmegaConf.to_container(cfg.data, resolve=True)


def made(values: dict) -> PoseDataModule:
    assert values.pop("_target_") == "dancepose.data.datamodules.PoseDataModule"
    return PoseDataModule(MPII15, PointsCodec(MPII15), **values)


def test_dance_config_makes_a_module(root: Path):
    values = shipped("data=dance", f"data.root={root}")
    assert values["augmentation"]["rotation"] == 30 and values["batch_size"] == 48
    data = made(values | {"batch_size": 4})
    data.setup("fit")
    assert len(data.frames("train")) + len(data.frames("val")) + len(data.frames("test")) == 20
    assert data.augmentation.scale_type == "short" and data.geometry.size == 512


def test_coco_config_makes_a_module(tmp_path: Path):
    make_coco(tmp_path, frames=5)
    values = shipped(
        "data=coco", f"data.root={tmp_path}", "data.annotations=annotations.json", "data.resize=long"
    )
    data = made(values)
    assert len(data.frames("train")) == 3 and data.augmentation.scale_type == "long"


def test_mix_config_makes_a_module(tmp_path: Path):
    make_labelme(tmp_path / "a", frames=4)
    make_coco(tmp_path / "b", frames=5)
    other = "{kind: coco, root: b, annotations: annotations.json, weight: 2}"
    parts = f"{{mine: {{kind: dance, root: a}}, other: {other}}}"
    data = made(shipped("data=mix", f"data.root={tmp_path}", f"data.parts={parts}"))
    assert {frame.source for frame in data.frames("train")} == {"mine", "other"}


def test_augmentation_none_is_no_augmentation(root: Path):
    data = made(shipped("data=dance", f"data.root={root}", "data/augmentation=none"))
    assert data.augmentation == type(data.augmentation)()


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("dance", {"root"}),
        ("coco", {"root", "annotations"}),
        ("mpii", {"root"}),
        *((kind, set()) for kind in ("mix", "action", "action_synthetic", "dance_synthetic")),
    ],
)
def test_mandatory_keys(kind: str, missing: set):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose(overrides=[f"+data={kind}", "+skeleton=mpii15"])
    assert OmegaConf.missing_keys(cfg) == {f"data.{key}" for key in missing}


def test_config_files_are_short():
    for path in (CONF / "data").rglob("*.yaml"):
        assert len(path.read_text().splitlines()) < 40 and path.read_text().startswith("# "), path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"root": None}, r"data\.root is not set"),
        ({"kind": "dnace"}, r"data\.kind=dnace.*Did you mean 'dance'"),
        ({"kind": "coco"}, r"data\.annotations is not set"),
        ({"annotations": "a.json"}, r"data\.annotations belongs to kind=coco"),
        ({"clip": "video"}, r"data\.clip=video.*\( \)"),
        ({"clip": "("}, r"data\.clip=\( is no regular expression"),
        ({"kind": "mix", "root": None}, r"data\.parts is empty"),
        ({"kind": "mix", "parts": {"a": {"root": "x"}}}, r"data\.parts\.a\.kind"),
        ({"kind": "mix", "parts": {"a": {"kind": "dance"}}}, r"data\.parts\.a\.root is not set"),
        ({"kind": "mix", "parts": {"a": {"kind": "dance", "rooot": "."}}}, r"data\.parts\.a\.rooot.*'root'"),
        ({"kind": "mix", "parts": {"a": {"knid": "dance", "root": "."}}}, r"data\.parts\.a\.knid.*'kind'"),
        ({"kind": "mix", "parts": {"a": 3}}, r"data\.parts\.a=3"),
        (
            {"kind": "mix", "parts": {"a": {"kind": "dance", "root": "x", "wieght": 1}}},
            "Did you mean 'weight'",
        ),
        (
            {"kind": "mix", "parts": {"a": {"kind": "dance", "root": "x", "weight": 0}}},
            r"data\.parts\.a\.weight=0",
        ),
        ({"kind": "mix", "split": "s.json", "parts": {"a": {}}}, r"data\.parts\.<name>\.split"),
        ({"parts": {"a": {}}}, r"data\.parts belongs to data=mix"),
        ({"batch_size": 0}, r"data\.batch_size=0"),
        ({"batch_size": 4.0}, r"data\.batch_size=4\.0"),
        ({"workers": -1}, r"data\.workers=-1"),
        ({"size": 500}, r"data\.size=500.*multiple of 32.*512"),
        ({"limit": 0}, r"data\.limit=0"),
        ({"limit": {"train": 0}}, r"data\.limit\.train=0"),
        ({"limit": {"trian": 4}}, "Did you mean 'train'"),
        ({"resize": "width"}, "resize"),
        ({"augmentation": {"rotaton": 1}}, "Did you mean 'rotation'"),
    ],
)
def test_wrong_values_name_the_key(root: Path, changes: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        module(root, **changes)


def test_a_reader_in_the_table_is_a_kind_of_its_own(tmp_path: Path, monkeypatch):
    def read(asked):
        assert (asked.annotations, asked.key) == (None, "data")
        names = [f"{i}.jpg" for i in range(4)]
        frames = [Frame(asked.root / name, (8, 8), [], asked.skeleton.name, name) for name in names]
        return Reading(frames, Problems())

    monkeypatch.setitem(READERS, "mine", Reader(read, "the folder of mine"))
    data = module(tmp_path, kind="mine", val=1, test=1)
    assert [len(data.frames(part)) for part in ("train", "val", "test")] == [2, 1, 1]
    with pytest.raises(ConfigError, match=r"data\.root is not set: give the folder of mine"):
        module(None, kind="mine")
    with pytest.raises(ConfigError, match=r"data\.annotations belongs to kind=coco"):
        module(tmp_path, kind="mine", annotations="a.json")


def test_folder_that_is_not_there_names_the_key(tmp_path: Path):
    with pytest.raises(
        DataError, match=r"data\.root=.*gone is no folder: give the folder with pictures and Labelme"
    ):
        module(tmp_path / "gone").setup("fit")


# parts and counts


def test_split_val_and_test_are_drawn_or_from_the_file(root: Path, tmp_path: Path):
    data = module(root)
    assert [len(data.frames(part)) for part in ("train", "val", "test")] == [16, 2, 2]
    (tmp_path / "split.json").write_text(json.dumps(data.split))
    again = module(root, split=str(tmp_path / "split.json"), split_seed=5)
    assert again.split["val"] == data.split["val"] and again.split_hash == data.split_hash
    assert module(root, val="none").frames("val") == []
    assert module(root, split_seed=1).split_hash != data.split_hash
    assert module(root, seed=1).split_hash == data.split_hash  # runs of several seeds share one split


def test_split_file_is_found_from_the_data_folder(tmp_path: Path):
    make_labelme(tmp_path / "data", frames=6)
    (tmp_path / "data" / "split.json").write_text(
        json.dumps({"train": ["frame_001.jpg"], "val": ["frame_003.jpg"]})
    )
    data = module(tmp_path / "data", split="split.json")
    assert [f.name for f in data.frames("train")] == ["frame_001.jpg"] and data.frames("test") == []
    assert data.problems.counts() == {"in no part of the split": 4}
    assert "not used" not in data.summary()
    unnamed = module(tmp_path / "data").summary()
    assert f"not used: {tmp_path / 'data' / 'split.json'}; to divide by it: data.split=split.json" in unnamed


def test_clips_stay_together(tmp_path: Path):
    for video in ("v1", "v2", "v3", "v4"):
        make_labelme(tmp_path, frames=3, folder=video, size=(64, 48))
    for rule in ("folder", "^(v.)/"):
        data = module(tmp_path, clip=rule, val=3, test=3)
        homes = [{f.clip for f in data.frames(part)} for part in ("train", "val", "test")]
        assert [len(h) for h in homes] == [2, 1, 1] and len(set.union(*homes)) == 4


def test_limit_min_people_and_overfit(tmp_path: Path):
    make_labelme(tmp_path, frames=6, people=2, size=(64, 48))
    make_labelme(tmp_path, frames=4, people=1, folder="one", size=(64, 48))
    assert len(module(tmp_path, val="none", test="none").frames("train")) == 10
    data = module(tmp_path, min_people=2, limit=3, **OVERFIT)
    names = [[f.name for f in data.frames(part)] for part in ("train", "val", "test")]
    assert names[0] == names[1] == names[2] and len(names[0]) == 3
    assert all(len(f.people) == 2 for f in data.frames("train"))
    assert len(data.problems) == 0, "the user's own choice is no problem of the data"
    assert "left out by data.min_people=2: 4 pictures" in data.summary().splitlines()


def test_overfit_trains_on_the_very_inputs_of_the_test(tmp_path: Path):
    make_labelme(tmp_path, frames=4, size=(80, 50))
    data = module(tmp_path, **OVERFIT)
    trained, tested = data.train_dataset(), data.evaluation_dataloader("test").dataset
    for index in range(4):
        sample, test = trained[index], tested[index]
        assert sample["image"].shape == (3, 64, 64) and torch.equal(sample["image"], test["image"])
        picture, crop = data.frames("train")[index], trained.crop((1, index))[1]
        for person, seen in zip(picture.people, crop.people, strict=True):
            back = apply_matrix(test["matrix"], seen.keypoints[seen.present, :2])
            np.testing.assert_allclose(back, person.keypoints[person.present, :2], atol=1e-9)


@pytest.mark.parametrize("change", [{"resize": "short"}, {"test_size": 32}, {"pad_multiple": 32}])
def test_overfit_wants_test_inputs_of_the_training_square(root: Path, change: dict):
    with pytest.raises(ConfigError, match="data.resize=long data.test_size=64 data.pad_multiple=64"):
        module(root, **(OVERFIT | change))


def test_mixed_parts_keep_their_names_masks_and_weights(tmp_path: Path):
    make_labelme(tmp_path / "a", frames=6, size=(64, 48))
    make_coco(tmp_path / "b", frames=6, size=(64, 48))
    parts = {
        "a": {"kind": "dance", "root": str(tmp_path / "a")},
        "b": {
            "kind": "coco",
            "root": "b",
            "annotations": "annotations.json",
            "weight": 3.0,
            "clip": "(frame_00)",
        },
    }
    data = module(tmp_path, kind="mix", parts=parts, val="none", test="none", batch_size=12)
    frames = data.frames("train")
    assert frames[0].name == "a/frame_000.jpg" and frames[6].name == "b/frame_000.jpg"
    assert frames[0].clip is None and frames[6].clip == "b/frame_00"
    assert frames[0].labelled.all() and not frames[6].labelled.all()
    (batch,) = data.train_dataloader()
    batch = data.on_after_batch_transfer(batch, 0)
    assert (batch["index"] >= 6).sum() == 9  # three of four
    assert torch.equal(batch["weights"]["labelled"].mean(1) == 1, batch["index"] < 6)
    rows = data.counts()
    assert [(row["data"], row["part"], row["images"], row["people"]) for row in rows if row["images"]] == [
        ("a", "train", 6, 12),
        ("b", "train", 6, 12),
    ]


def test_summary_and_hashes(root: Path):
    data = module(root)
    text = data.summary()
    assert f"split {data.split_hash}" in text and "problems: none" in text and "people" in text
    assert data.data_hash == module(root, seed=3, split_seed=2).data_hash and len(data.data_hash) == 16
    assert data.data_hash != module(root, limit=2).data_hash


# checks before training


def test_images_are_checked_before_training(tmp_path: Path):
    make_labelme(tmp_path, frames=8, size=(64, 48))
    (tmp_path / "frame_001.jpg").unlink()
    (tmp_path / "frame_002.jpg").write_bytes((tmp_path / "frame_002.jpg").read_bytes()[:-100])
    path = tmp_path / "frame_003.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"imageWidth": 640}))
    with pytest.raises(DataError) as error:
        module(tmp_path).setup("fit")
    text = str(error.value)
    assert "image missing: 1" in text and "frame_001.json imagePath" in text
    assert "image broken: 1" in text and "frame_002.jpg is broken: the file is cut off" in text
    assert "size differs: 1" in text and "is 64 x 48, its labels say 640 x 48" in text
    assert module(tmp_path).problems.counts() == {
        "image missing": 1
    }  # readable all the same: to list problems


@pytest.mark.parametrize("stage", ["fit", "validate", "test", "train"])
def test_broken_annotations_are_refused_in_one_error(tmp_path: Path, stage: str):
    make_labelme(tmp_path, frames=12, size=(64, 48))
    for number in range(4):
        (tmp_path / f"frame_00{number}.json").write_text("{")
    (tmp_path / "frame_008.jpg").unlink()
    (tmp_path / "s.json").write_text(
        json.dumps({part: [f"frame_00{i}.jpg"] for part, i in (("train", 9), ("val", 8), ("test", 7))})
    )
    with pytest.raises(DataError) as error:
        module(tmp_path, split="s.json").setup(stage)
    text = str(error.value)
    assert "annotation broken: 4" in text and "frame_002.json is no whole JSON" in text
    assert "... and 1 more" in text and "frame_003" not in text
    assert ("image missing: 1" in text) == (stage in ("fit", "validate"))


def test_a_part_that_lost_all_its_annotations_is_refused_with_the_list(tmp_path: Path):
    make_labelme(tmp_path, frames=4, size=(64, 48))
    (tmp_path / "frame_003.json").write_text("{")
    (tmp_path / "s.json").write_text(json.dumps({"train": ["frame_000.jpg"], "test": ["frame_003.jpg"]}))
    with pytest.raises(DataError, match=r"(?s)names in 'test'.*annotation broken: 1.*frame_003\.json"):
        module(tmp_path, split="s.json").setup("fit")


def test_only_images_of_the_split_are_checked(tmp_path: Path):
    make_labelme(tmp_path, frames=6, size=(64, 48))
    (tmp_path / "frame_005.jpg").unlink()
    (tmp_path / "s.json").write_text(json.dumps({"train": [f"frame_00{i}.jpg" for i in range(5)]}))
    module(tmp_path, split="s.json").setup("fit")


def test_fewer_images_than_a_batch(root: Path):
    with pytest.raises(ConfigError, match=r"data\.batch_size=48 is more than the 16 training images"):
        module(root, batch_size=48).setup("fit")
    module(root, batch_size=48).setup("test")  # evaluation takes any number
    with pytest.raises(
        ConfigError, match=r"no training picture: 20 have fewer people than data\.min_people=9"
    ):
        module(root, batch_size=48, min_people=9).setup("fit")


def test_one_small_picture_a_step_is_refused(root: Path):
    """The deepest maps would be of one pixel, whose variance is nothing."""
    with pytest.raises(
        ConfigError, match=r"data\.size=32 with one picture a step: raise data\.size to 64 or"
    ):
        module(root, size=32, batch_size=1).setup("fit")
    module(root, size=32, batch_size=2).setup("fit")


@pytest.mark.parametrize("part", ["val", "test"])
def test_a_picture_too_narrow_to_be_tested_is_found_before_training(tmp_path: Path, part: str):
    make_labelme(tmp_path, frames=8, size=(64, 48))
    make_labelme(tmp_path, frames=1, size=(480, 48), folder="strip")
    names = {"train": [f"frame_00{i}.jpg" for i in range(8)], part: ["strip/frame_000.jpg"]}
    (tmp_path / "s.json").write_text(json.dumps({"val": [], "test": [], **names}))
    with pytest.raises(DataError, match=r"strip/frame_000\.jpg: .*480 x 48.*resize=long"):
        module(tmp_path, split="s.json", test_size=4096).setup("fit")
    module(tmp_path, split="s.json", test_size=4096, resize="long").setup("fit")


# in the trainer


def test_fit_and_test_see_each_picture_as_they_should(root: Path, tmp_path: Path):
    data, task = module(root, workers=2), Task()
    run = trainer(tmp_path)
    run.fit(task, datamodule=data)
    run.test(task, datamodule=data, verbose=False)
    for epoch in (0, 1):
        indices = [i for e, batch, _ in task.trained if e == epoch for i in batch]
        assert sorted(indices) == list(range(16))  # set_epoch has been called: see below
    assert task.trained[0][1:] != task.trained[4][1:]
    names = [f.name for f in data.frames("val")]
    assert sorted(task.seen["val"]) == sorted(names * 2)
    assert sorted(task.seen["test"]) == sorted(f.name for f in data.frames("test"))
    other = Task()
    trainer(tmp_path).fit(other, datamodule=module(root, workers=0))
    assert other.trained == task.trained


def test_the_last_incomplete_batch_is_left_out(root: Path, tmp_path: Path):
    task = Task()
    trainer(tmp_path, max_epochs=1).fit(task, datamodule=module(root, batch_size=5))
    assert [len(batch) for _, batch, _ in task.trained] == [5, 5, 5]


def test_resume_sees_the_same_batches(root: Path, tmp_path: Path):
    whole = Task()
    trainer(tmp_path, max_epochs=3).fit(whole, datamodule=module(root))
    run = trainer(tmp_path, max_epochs=1)
    run.fit(Task(), datamodule=module(root))
    run.save_checkpoint(tmp_path / "a.ckpt")
    rest = Task()
    trainer(tmp_path, max_epochs=3).fit(
        rest, datamodule=module(root), ckpt_path=tmp_path / "a.ckpt", weights_only=True
    )
    assert rest.trained == whole.trained[4:]


def test_batches_are_divided_by_accumulation(root: Path, tmp_path: Path):
    task = Task()
    trainer(tmp_path, max_epochs=1, accumulate_grad_batches=2).fit(
        task, datamodule=module(root, batch_size=8)
    )
    whole = Task()
    trainer(tmp_path, max_epochs=1).fit(whole, datamodule=module(root, batch_size=8))
    halves = [batch for _, batch, _ in task.trained]
    assert [len(batch) for batch in halves] == [4, 4, 4, 4]
    assert [sorted(a + b) for a, b in zip(halves[::2], halves[1::2], strict=True)] == [
        sorted(batch) for _, batch, _ in whole.trained
    ]
    with pytest.raises(ConfigError, match=r"data\.batch_size=4 .* multiple of 1 devices x 3 steps .* 3 is"):
        trainer(tmp_path, accumulate_grad_batches=3).fit(Task(), datamodule=module(root))


def test_no_validation_part_and_no_test_part(root: Path, tmp_path: Path):
    task, data = Task(), module(root, val="none", test="none")
    run = trainer(tmp_path, max_epochs=1)
    run.fit(task, datamodule=data)
    run.test(task, datamodule=data, verbose=False)
    assert len(task.trained) == 5 and task.seen == {"val": [], "test": []}


def test_lightning_may_replace_the_sampler(root: Path, tmp_path: Path):
    task = Task()
    trainer(tmp_path, max_epochs=2, overfit_batches=2).fit(task, datamodule=module(root))
    assert len(task.trained) == 4 and task.trained[0][1] == task.trained[2][1]


def test_global_generators_are_left_alone(root: Path):
    state = torch.get_rng_state()
    data = module(root, workers=1)
    next(iter(data.train_dataloader()))
    next(iter(data.evaluation_dataloader("test")))
    assert torch.equal(torch.get_rng_state(), state)


def test_evaluation_without_a_trainer(root: Path):
    data = module(root, test_batch_size=3, test_size=96)
    data.setup("evaluate")
    batches = list(data.evaluation_dataloader("train"))
    assert [len(batch["frame"]) for batch in batches] == [3] * 5 + [1]
    assert batches[0]["image"].shape == (3, 3, 128, 128)
    everything = sorted(i for batch in batches for i in batch["index"].tolist())
    assert everything == list(range(16))


def test_results_do_not_depend_on_what_shares_a_batch(tmp_path: Path):
    make_labelme(tmp_path / "a", frames=3, size=(64, 48))
    make_labelme(tmp_path / "b", frames=3, size=(48, 160))
    images = {}
    for batch_size in (1, 4):
        data = module(tmp_path, val="none", test="none", test_batch_size=batch_size)
        for batch in data.evaluation_dataloader("train"):
            for image, frame in zip(batch["image"], batch["frame"], strict=True):
                images.setdefault(frame.name, []).append(image)
    assert len(images) == 6 and all(torch.equal(one, two) for one, two in images.values())


class Rank:
    """As much of a trainer as the data module looks at."""

    accumulate_grad_batches = 1

    def __init__(self, rank: int):
        self.global_rank, self.world_size = rank, 2


def test_two_processes_share_the_data(root: Path):
    whole = [batch["index"].tolist() for batch in module(root).train_dataloader()]
    shares = []
    for rank in (0, 1):
        data = module(root)
        data.trainer = Rank(rank)
        shares.append([batch["index"].tolist() for batch in data.train_dataloader()])
        frames = [frame.name for batch in data.evaluation_dataloader("val") for frame in batch["frame"]]
        assert frames == [data.frames("val")[rank].name]
    assert [sorted(a + b) for a, b in zip(*shares, strict=True)] == [sorted(batch) for batch in whole]
    data = module(root, batch_size=5)
    data.trainer = Rank(0)
    with pytest.raises(ConfigError, match=r"2 devices"):
        data.setup("fit")


# real data


@pytest.mark.shared
def test_real_scenes_and_people(shared: Path):
    root = shared / "data"
    data = module(root / "scenes_labelme", split="../scenes_split.json")
    data.setup("fit")
    assert [len(data.frames(part)) for part in ("train", "val", "test")] == [49, 6, 30]
    batch = data.on_after_batch_transfer(next(iter(data.train_dataloader())), 0)
    assert batch["image"].shape == (4, 3, 64, 64) and batch["targets"]["points"].isfinite().all()
    overfit = module(root / "scenes_labelme", min_people=2, limit=20, **OVERFIT)
    assert len(overfit.frames("test")) == 20
    parts = {
        "scenes": {"kind": "dance", "root": "scenes_labelme", "split": "../scenes_split.json"},
        "people": {
            "kind": "coco",
            "root": "people_coco",
            "annotations": "annotations.json",
            "split": "split.json",
        },
    }
    mixed = module(root, kind="mix", parts=parts, val="none")
    assert [len(mixed.frames(part)) for part in ("train", "val", "test")] == [3655, 0, 430]
