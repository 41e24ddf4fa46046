"""`MotionDataModule`: people and what they do, for the motion classifier, in Lightning."""

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

import torch
from lightning.pytorch import LightningDataModule

from dancepose.checks import at_least, one_of
from dancepose.data.actions import class_names
from dancepose.data.batches import device_batch
from dancepose.data.class_weights import SAMPLERS, ClassWeights
from dancepose.data.collection import PoseData
from dancepose.data.dataset import PoseLoader, prepare_worker
from dancepose.data.images import refuse_without_pictures
from dancepose.data.motion_dataset import MotionDataset
from dancepose.data.motion_samples import MotionSample, frame_samples, hold_out, window_samples
from dancepose.data.parts import check_number, part_configs
from dancepose.data.pose_filling import PoseFiller
from dancepose.data.person_crop import PersonTransform
from dancepose.data.problems import Problems
from dancepose.data.sampler import EvaluationSampler, TrainSampler
from dancepose.data.splits import PARTS, Amount
from dancepose.data.synthetic.cache import draw_scenes, scene_folder
from dancepose.data.transforms import Augmentation
from dancepose.encoders import Encoder
from dancepose.errors import ConfigError, DataError
from dancepose.records import Frame
from dancepose.skeleton import Skeleton

HOLDOUT = "holdout"  # the name of the part that samplers measure on


class MotionDataModule(LightningDataModule):
    """People whose action is labelled, each one sample; over time, each window of a person's clip.

    Nothing here draws from the global random generators, and nothing depends on the number of workers.

    Args:
        skeleton: the run's.
        encoder: keypoints -> the network's inputs.
        images: whether the network looks at pictures.
        known_actions: the actions that a trained network tells apart, in its order; None: those of the data.
        seed: of the run: order and augmentation of the training samples.
        kind: of the data, or `mix` with `parts`.
        root: see `PartConfig`.
        annotations: see `PartConfig`.
        split: see `PartConfig`.
        clip: see `PartConfig`.
        labels: see `PartConfig`.
        classes: see `PartConfig`.
        source_skeleton: see `PartConfig`.
        own_split: see `PartConfig`.
        split_by: see `PartConfig`.
        gap: see `PartConfig`.
        train_sources: see `PartConfig`.
        test_sources: see `PartConfig`.
        parts: with `kind=mix`: name -> the keys of `PartConfig`.
        val: how much of train validates where the split file has no val: a fraction, a count, or `none`.
        test: how much of everything tests where there is no split file: likewise.
        split_seed: of what the split draws; not `seed`, so that runs of several seeds share one test part.
        limit: use at most so many frames of each part.
        holdout: share of the training part that no sampler trains on; `confusion` measures on it.
        sampler: `none`, `balanced` or `confusion`, see `ClassWeights`.
        step: of a network over time: pictures from one window to the next; None: the window's length.
        batch_size: of all devices and accumulated steps together.
        workers: data worker processes of each device.
        size: side of the person's crop in pixels, the network's input.
        resize: what the side of the person's square becomes, of which the crop is the middle.
        margin: around the person's keypoints, share of their extent on each side.
        test_batch_size: samples of each device in evaluation; None: its share of `batch_size`.
        pose_run: directory of a pose run that finds the keypoints of people who have none, see `PoseFiller`.
        augmentation: the keys of `Augmentation`.
        scenes: the keys of `SceneSet`: the data are drawn into `root` (None: a folder of the cache), unless
            they are there.
    """

    feeds: ClassVar[str] = "motion"

    def __init__(
        self,
        skeleton: Skeleton,
        encoder: Encoder,
        images: bool = True,
        known_actions: Sequence[str] | None = None,
        seed: int = 0,
        kind: str = "action",
        root: str | None = None,
        annotations: str | None = None,
        split: str | None = None,
        clip: str | None = None,
        labels: Mapping[str, str | None] | None = None,
        classes: list[str] | str | None = None,
        source_skeleton: str | None = None,
        own_split: Mapping[str, Any] | None = None,
        split_by: str = "clip",
        gap: int = 0,
        train_sources: list[str] | None = None,
        test_sources: list[str] | None = None,
        parts: Mapping[str, Mapping[str, Any]] | None = None,
        val: Amount = 0.1,
        test: Amount = 0.1,
        split_seed: int = 0,
        limit: int | None = None,
        holdout: float = 0.1,
        sampler: str = "none",
        step: int | None = None,
        batch_size: int = 64,
        workers: int = 2,
        size: int = 224,
        resize: int = 256,
        margin: float = 0.15,
        test_batch_size: int | None = None,
        pose_run: str | None = None,
        augmentation: Mapping[str, Any] | None = None,
        scenes: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        self.skeleton, self.encoder, self.images, self.seed = skeleton, encoder, images, seed
        self._known = None if known_actions is None else tuple(known_actions)
        check_number("data.batch_size", batch_size, 1)
        check_number("data.workers", workers, 0)
        check_number("data.size", size, 32)
        check_number("data.resize", resize, size)
        at_least("data.margin", margin, 0)
        for name, value in (("limit", limit), ("step", step), ("test_batch_size", test_batch_size)):
            if value is not None:
                check_number(f"data.{name}", value, 1)
        if not 0 <= holdout < 1:
            raise ConfigError(f"data.holdout={holdout}: it must be from 0 to below 1")
        one_of("data.sampler", sampler, SAMPLERS)
        if sampler == "confusion" and not holdout:
            raise ConfigError("data.sampler=confusion measures on a part that is held out: data.holdout=0.1")
        if step is not None and encoder.frames is None:
            raise ConfigError(f"data.step={step} is for networks over time, model=motion_1d; leave it out")
        self.batch_size, self.test_batch_size, self.workers = batch_size, test_batch_size, workers
        self.size, self.resize, self.margin = size, resize, margin
        self.sampler, self.holdout, self.split_seed = sampler, holdout, split_seed
        self.step = step or encoder.frames or 1
        own = {
            "annotations": annotations,
            "split": split,
            "clip": clip,
            "labels": labels,
            "classes": classes,
            "source_skeleton": source_skeleton,
            "own_split": own_split,
            "split_by": split_by,
            "gap": gap,
            "train_sources": train_sources,
            "test_sources": test_sources,
        }
        prepare = None
        if scenes is not None:
            home = scene_folder(scenes, root, kind=kind)
            root, prepare = str(home), partial(draw_scenes, scenes, home)
        configs = part_configs(kind, root, own, parts)
        self.data = PoseData(
            configs, skeleton, kind == "mix", val, test, split_seed, limit=limit, prepare=prepare
        )
        self.data.posed = False
        self.augmentation = Augmentation.from_dict(augmentation or {})
        self._checked: set[str] = set()
        self._filler = None if pose_run is None else PoseFiller(pose_run, skeleton, workers)
        self._filled: dict[int, Frame] = {}  # by id of the frame as it was read
        self._train_sampler: TrainSampler | None = None
        self._restored: dict[str, Any] | None = None

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """The actions that are told apart; the files are read on first use.

        Raises:
            DataError: the data name fewer than two, or one that the trained network does not know.
        """
        names = class_names(frame for part in PARTS for frame in self.data.frames(part))
        if self._known is not None:
            done = {person.action for part in PARTS for frame in self.frames(part) for person in frame.people}
            if unknown := sorted(done - {*self._known, None}):
                raise DataError(
                    f"the data show {', '.join(unknown)}, and the network tells apart "
                    f"{', '.join(self._known)}: give other data, or say with data.labels what is what"
                )
            return self._known
        if len(names) < 2:
            told = f"only one, {names[0]}" if names else "none"
            raise DataError(f"a motion classifier needs at least two actions, and the data name {told}")
        return names

    def frames(self, part: str) -> list[Frame]:
        """Return the frames of `train` (those held out included), `val` or `test`, as they are labelled."""
        return self.data.frames(part)

    def samples(self, part: str) -> list[MotionSample]:
        """Return the samples of `train`, `holdout`, `val` or `test`; those of train by data set and class."""
        if part == "train":
            return [sample for group in self._groups for sample in group]
        return self._cut(self._divided[1] if part == HOLDOUT else self.frames(part))

    @cached_property
    def _divided(self) -> tuple[list[Frame], list[Frame]]:
        """The training frames that are trained on, and those held out."""
        return hold_out(self.frames("train"), self.holdout, self.split_seed)

    @cached_property
    def _groups(self) -> list[list[MotionSample]]:
        """The training samples of each data set and class."""
        kept = {id(frame) for frame in self._divided[0]}
        groups = []
        for loaded in self.data.loaded:
            samples = self._cut([frame for frame in loaded.parts["train"] if id(frame) in kept])
            groups += [[s for s in samples if s.label == c] for c in range(len(self.actions))]
        return groups

    def _posed(self, frames: Sequence[Frame]) -> list[Frame]:
        """Return frames with the keypoints that the pose run finds."""
        if self._filler is None:
            return list(frames)
        new = [frame for frame in frames if id(frame) not in self._filled]
        self._filled |= {id(frame): filled for frame, filled in zip(new, self._filler.fill(new), strict=True)}
        return [self._filled[id(frame)] for frame in frames]

    def _cut(self, frames: Sequence[Frame]) -> list[MotionSample]:
        frames = self._posed(frames)
        if self.encoder.frames is None:
            return frame_samples(frames, self.actions)
        return window_samples(frames, self.actions, self.encoder.frames, self.step)

    @cached_property
    def weights(self) -> ClassWeights:
        """How often the samples of each class come up."""
        counts = [sum(len(g) for g in self._groups[c :: len(self.actions)]) for c in range(len(self.actions))]
        weights = ClassWeights(self.sampler, counts)
        if self._restored is not None:
            weights.load_state_dict(self._restored)
        return weights

    def learn_recall(self, recall: Sequence[float | None]) -> dict[str, float]:
        """Take the recall on the held-out part in; the next epoch is drawn by it.

        Args:
            recall: of each class, 0 to 1; None for a class that the part lacks.

        Returns:
            Class -> share of the next epoch.
        """
        self.weights.update(recall)
        self._weigh()
        return dict(zip(self.actions, self.weights.shares().tolist(), strict=True))

    def _weigh(self) -> None:
        if self._train_sampler is not None:
            per_class = self.weights.per_sample()
            self._train_sampler.weights = tuple(
                loaded.config.weight * float(weight) for loaded in self.data.loaded for weight in per_class
            )

    def state_dict(self) -> dict[str, Any]:
        """Return what the sampler has learnt; the trainer puts it into the checkpoint."""
        return {"weights": self.weights.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back."""
        self._restored = state_dict["weights"]
        self.weights.load_state_dict(self._restored)
        self._weigh()

    @property
    def problems(self) -> Problems:
        """What the readers and the splits found wrong."""
        return self.data.problems

    @property
    def split(self) -> dict[str, Any]:
        """The split as a split file has it."""
        return self.data.split

    @property
    def split_hash(self) -> str:
        """16 hexadecimal digits: which frames are in which part."""
        return self.data.split_hash

    @property
    def data_hash(self) -> str:
        """16 hexadecimal digits: names and annotations of all frames that are used."""
        return self.data.data_hash

    def summary(self, problems: Problems | None = None) -> str:
        """Return counts, table 1 of the paper, the split's hash, and what is held out of training."""
        lines = [self.data.summary(problems)]
        if self.holdout:
            held, left = len(self.samples(HOLDOUT)), len(self.samples("train"))
            use = "the sampler measures on them" if self.sampler == "confusion" else "for any sampler alike"
            lines.append(
                f"held out of training (data.holdout={self.holdout}): {held} samples, {left} left; {use}"
            )
        return "\n".join(lines)

    def setup(self, stage: str | None = None) -> None:
        """Read the data and look at the header of every image that the stage uses.

        Args:
            stage: `train`, `validate` and `test` look at their part, all else at all parts.

        Raises:
            DataError: annotations are broken, or images missing, broken, or of another size than labelled;
                or nobody has keypoints, and the network needs them; or a class has nothing to train on.
            ConfigError: the batch cannot be divided, or is larger than the training part.
        """
        if stage == "fit":
            self._device_batch()
        parts = {"train": ("train",), "validate": ("val",), "test": ("test",)}.get(str(stage), PARTS)
        unseen = [part for part in parts if self.images and part not in self._checked]
        self.data.unusable(*unseen).raise_fatal()
        self._checked.update(unseen)
        if self.images:
            where = ", ".join(f"data.{'root' if c.annotations is None else 'annotations'}="
                              f"{c.annotations or c.root}" for c in self.data.configs.values())
            refuse_without_pictures([f for part in parts for f in self.frames(part)], where, "the image branch")
        for part in parts:
            self._check_keypoints(part)
        if stage == "fit":
            self._check_training_part()

    def _check_keypoints(self, part: str) -> None:
        samples = self.samples(part)
        if self.encoder.inputs and samples and not any(s.keypoints[..., 2].any() for s in samples):
            raise DataError(
                f"none of the {len(samples)} people of the {part} part has keypoints in skeleton "
                f"{self.skeleton.name}, and the network needs them: data.pose_run=<run directory> has a "
                "trained pose network find them; or look at the picture alone (model.branches=[image])"
            )

    def _check_training_part(self) -> None:
        """Refuse a part from which a class cannot be learnt, or that is smaller than a batch."""
        counts = self.weights.counts
        if lacking := [name for name, count in zip(self.actions, counts, strict=True) if not count]:
            raise DataError(
                f"the training part has no sample of {', '.join(lacking)}: give more of them, another split "
                "(data.split), or classes without it"
            )
        if sum(counts) < self.batch_size:
            raise ConfigError(
                f"data.batch_size={self.batch_size} is more than the {sum(counts)} training samples: lower it"
            )

    def _device_batch(self) -> int:
        """Return the batch of one device and one step: the global one by devices x accumulation."""
        return device_batch(self.batch_size, self.trainer)

    @property
    def evaluation_batch(self) -> int:
        """How many samples at most a device is given at once in evaluation."""
        return self.test_batch_size or self._device_batch()

    def _rank(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def dataset(self, part: str) -> MotionDataset:
        """Return the samples of a part; only those of `train` are augmented."""
        recipe = self.augmentation if part == "train" else Augmentation()
        transform = PersonTransform(self.size, self.resize, recipe, self.skeleton.flip_index)
        return MotionDataset(self.samples(part), self.encoder, self.images, transform, self.margin, self.seed)

    def train_dataloader(self) -> PoseLoader:
        """Return shuffled, augmented training batches; the last incomplete batch is left out."""
        rank, world_size = self._rank()
        sizes = [len(group) for group in self._groups]
        self._train_sampler = TrainSampler(
            sizes, [1.0] * len(sizes), self.batch_size, self.seed, rank, world_size
        )
        self._weigh()
        dataset = self.dataset("train")
        return PoseLoader(
            dataset,
            self._device_batch(),
            sampler=self._train_sampler,
            drop_last=True,
            collate_fn=dataset.collate,
            **self._loader_options(),
        )

    def evaluation_dataloader(self, part: str) -> PoseLoader:
        """Return the samples of a part, each exactly once over all processes."""
        dataset = self.dataset(part)
        sizes = [(self.size, self.size)] * len(dataset)
        sampler = EvaluationSampler(sizes, self.evaluation_batch, *self._rank())
        return PoseLoader(
            dataset, batch_sampler=sampler, collate_fn=dataset.collate, **self._loader_options()
        )

    @property
    def validation_parts(self) -> list[str]:
        """The parts of the validation: `val` where there is one, `holdout` where the sampler measures on it."""
        parts = ["val"] if self.samples("val") else []
        return [*parts, HOLDOUT] if self.sampler == "confusion" else parts

    def val_dataloader(self) -> list[PoseLoader]:
        """Return a loader for each of `validation_parts`."""
        return [self.evaluation_dataloader(part) for part in self.validation_parts]

    def test_dataloader(self) -> PoseLoader | list:
        """Return the test samples; an empty list without a test part."""
        return self.evaluation_dataloader("test") if self.samples("test") else []

    def _loader_options(self) -> dict[str, Any]:
        return {
            "num_workers": self.workers,
            "persistent_workers": self.workers > 0,
            "worker_init_fn": prepare_worker,
            "pin_memory": torch.cuda.is_available(),
            "generator": torch.Generator().manual_seed(self.seed),  # else a loader draws from the global one
        }
