"""`PoseDataModule`: the data of one run in Lightning."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch

from dancepose.checks import one_of
from dancepose.codecs.base import Codec
from dancepose.data.dataset import EvaluationDataset, PoseDataset, PoseLoader, collate_evaluation
from dancepose.data.frame_datamodule import FrameDataModule
from dancepose.data.parts import check_number
from dancepose.data.problems import Problems
from dancepose.data.sampler import TrainSampler
from dancepose.data.splits import Amount
from dancepose.data.transforms import Augmentation, TestTransform, TrainTransform, Transform
from dancepose.errors import ConfigError, DataError
from dancepose.inference.geometry import TestGeometry
from dancepose.skeleton import Skeleton


class PoseDataModule(FrameDataModule):
    """Pictures with labelled people, from one data set or several.

    Args:
        skeleton: the run's.
        codec: makes the targets; `codec.skeleton` is the run's.
        seed: of the run: order and augmentation of the training samples.
        kind: one of `readers.READERS`, or `mix` with `parts`.
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
        min_people: frames with fewer labelled people are not used.
        limit: use at most so many frames of each part, or part -> number.
        overfit: train, validate and test on the same frames (the training part), every sample as the test
            shows it: tags learnt by heart belong to a place in the picture, and a centred crop moves them.
        batch_size: of all devices and accumulated steps together.
        workers: data worker processes of each device.
        cache: see `FrameDataModule`.
        size: side of the square training crop in pixels.
        test_size: pixels of the resized side at test time; None: `size`.
        test_batch_size: images of each device in evaluation; None: its share of `batch_size`.
        resize: which side of a picture becomes `test_size`, `short` or `long`.
        pad_multiple: the sides of a test input are padded to multiples of so many pixels.
        augmentation: the keys of `Augmentation`; its `scale_type` None follows `resize`.
        scenes: the keys of `SceneSet`: the data are drawn into `root` (None: a folder of the cache), unless
            they are there.
    """

    feeds: ClassVar[str] = "pose"

    def __init__(
        self,
        skeleton: Skeleton,
        codec: Codec,
        seed: int = 0,
        kind: str = "dance",
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
        min_people: int = 0,
        limit: int | Mapping[str, int] | None = None,
        overfit: bool = False,
        batch_size: int = 48,
        workers: int = 2,
        cache: str | None = None,
        size: int = 512,
        test_size: int | None = None,
        test_batch_size: int | None = None,
        resize: Literal["short", "long"] = "short",
        pad_multiple: int = 64,
        augmentation: Mapping[str, Any] | None = None,
        scenes: Mapping[str, Any] | None = None,
    ):
        super().__init__(seed, batch_size, test_batch_size, workers, cache)
        self.skeleton, self.codec, self.size = skeleton, codec, size
        check_number("data.size", size, 32, multiple=32)
        check_number("data.min_people", min_people, 0)
        for name, value in (("test_size", test_size), ("test_batch_size", test_batch_size)):
            if value is not None:
                check_number(f"data.{name}", value, 1)
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
        self.data = self.read(
            kind,
            root,
            own,
            parts,
            scenes,
            skeleton,
            val=val,
            test=test,
            split_seed=split_seed,
            min_people=min_people,
            limit=limit,
            overfit=overfit,
        )
        one_of("data.resize", resize, ("short", "long"))
        check_number("data.pad_multiple", pad_multiple, 32, multiple=32)
        self.geometry = TestGeometry(test_size or size, resize, pad_multiple)
        recipe = dict(augmentation or {})
        if recipe.get("scale_type") is None:
            recipe["scale_type"] = resize
        self.augmentation = Augmentation.from_dict(recipe)
        self.overfit = overfit
        if overfit and (resize, test_size or size, pad_multiple) != ("long", size, size):
            raise ConfigError(
                "data.overfit trains on the inputs of the test, so these have to be the training square: "
                f"data.resize=long data.test_size={size} data.pad_multiple={size}"
            )

    def counts(self) -> list[dict[str, Any]]:
        """Return what each part of each data set holds: images, people, keypoints and so on."""
        return self.data.counts()

    def summary(self, problems: Problems | None = None) -> str:
        """Return the counts as a table, the split's hash, and the number of problems of each kind."""
        return self.data.summary(problems)

    def setup(self, stage: str | None = None) -> None:
        """Read the data and look at the header of every image that the stage uses.

        Args:
            stage: `train`, `validate` and `test` look at their part, all else at all parts: a picture that
                the test at the end of a training lacks is better missed before.

        Raises:
            DataError: annotations are broken, or images missing, broken, or of another size than labelled;
                names the first few; or the training part labels no keypoint of the skeleton.
            ConfigError: the batch cannot be divided, or the training part is empty or smaller than a batch.
        """
        if stage == "fit" and self._device_batch() == 1 and self.size < 64:
            # the deepest maps are of one pixel: one value a channel has no variance to be divided by
            raise ConfigError(
                f"data.size={self.size} with one picture a step: raise data.size to 64 or data.batch_size"
            )
        self._refuse_unusable(stage)
        for part in ("val", "test") if stage in ("fit", None) else ():
            EvaluationDataset(self.frames(part), self.geometry).input_sizes()  # before hours of training
        if stage == "fit":
            self._check_training_part()

    def _check_training_part(self) -> None:
        """Refuse a part from which nothing can be learnt, or that is smaller than a batch."""
        count = len(self.frames("train"))
        if not count and self.data.without_keypoints:
            raise DataError(
                "nobody in the training part has keypoints, so that there are no poses to learn; "
                f"pictures left out for want of them: {self.data.without_keypoints}"
            )
        if not count:
            few = f": {self.data.left_out} have fewer people than data.min_people={self.data.min_people}"
            raise ConfigError(f"there is no training picture{few if self.data.left_out else ''}")
        if len(self.data.unlabelled("train")) == len(self.skeleton):
            raise DataError(
                f"none of the {count} training pictures labels a keypoint of skeleton {self.skeleton.name} "
                f"({', '.join(self.skeleton.keypoints[:3])}, ...): give skeleton=<that of the labels>"
            )
        if count < self.batch_size:
            raise ConfigError(
                f"data.batch_size={self.batch_size} is more than the {count} training images: lower it"
            )

    def train_dataset(self) -> PoseDataset:
        """Return the training samples."""
        transform: Transform
        if self.overfit:
            transform = TestTransform(self.geometry)
        else:
            transform = TrainTransform(self.size, self.augmentation, self.skeleton)
        return PoseDataset(self.frames("train"), transform, self.codec, self.seed)

    def train_dataloader(self) -> PoseLoader:
        """Return shuffled, augmented training batches; the last incomplete batch is left out."""
        rank, world_size = self._rank()
        sampler = TrainSampler(
            [len(loaded.parts["train"]) for loaded in self.data.loaded],
            [loaded.config.weight for loaded in self.data.loaded],
            self.batch_size,
            self.seed,
            rank,
            world_size,
        )
        return self._train_loader(self.train_dataset(), sampler)

    def evaluation_dataloader(self, part: str) -> PoseLoader:
        """Return the whole pictures of a part in the test-time geometry, each exactly once."""
        dataset = EvaluationDataset(self.frames(part), self.geometry)
        return self._evaluation_loader(dataset, dataset.input_sizes(), collate_evaluation)

    def val_dataloader(self) -> PoseLoader | list:
        """Return the validation pictures; an empty list without a validation part."""
        return self.evaluation_dataloader("val") if self.frames("val") else []

    def test_dataloader(self) -> PoseLoader | list:
        """Return the test pictures; an empty list without a test part."""
        return self.evaluation_dataloader("test") if self.frames("test") else []

    def transfer_batch_to_device(
        self, batch: dict[str, Any], device: torch.device, dataloader_idx: int
    ) -> dict[str, Any]:
        """Move what the network needs; frames and matrices stay where they are used."""
        kept = {name: batch[name] for name in ("frame", "matrix") if name in batch}
        moved = {name: value for name, value in batch.items() if name not in kept}
        return super().transfer_batch_to_device(moved, device, dataloader_idx) | kept

    def on_after_batch_transfer(self, batch: dict[str, Any], dataloader_idx: int) -> dict[str, Any]:
        """Make `targets` and `weights` of a training batch, on its device."""
        if "packed" in batch:
            batch["targets"], batch["weights"] = self.codec.unpack(batch.pop("packed"))
        return batch
