"""`MotionDataModule`: people and what they do, for the motion classifier, in Lightning."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from dancepose.checks import at_least
from dancepose.data.dataset import PoseLoader
from dancepose.data.frame_datamodule import FrameDataModule
from dancepose.data.motion_dataset import MotionDataset
from dancepose.data.motion_people import HOLDOUT, MotionPeople
from dancepose.data.motion_samples import MotionSample
from dancepose.data.parts import check_number
from dancepose.data.person_crop import PersonTransform
from dancepose.data.pose_filling import PoseFiller
from dancepose.data.problems import Problems
from dancepose.data.sampler import TrainSampler
from dancepose.data.splits import Amount
from dancepose.data.transforms import Augmentation
from dancepose.encoders import Encoder
from dancepose.errors import ConfigError
from dancepose.skeleton import Skeleton


class MotionDataModule(FrameDataModule):
    """People whose action is labelled, each one sample; over time, each window of a person's clip.

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
        limit: use at most so many frames of each part, or part -> number; over time whole clips, see `pick`.
        holdout: share of the training part that no sampler trains on; `confusion` measures on it.
        sampler: `none`, `balanced` or `confusion`, see `ClassWeights`.
        step: of a network over time: pictures from one window to the next; None: the window's length.
        batch_size: of all devices and accumulated steps together.
        workers: data worker processes of each device.
        cache: see `FrameDataModule`.
        size: side of the person's crop in pixels, the network's input.
        resize: what the side of the person's square becomes, of which the crop is the middle.
        margin: around the person, share of its extent on each side; see `person_square`.
        test_batch_size: samples of each device in evaluation; None: its share of `batch_size`.
        target: what is told apart: `action`; or `source`, to see how far the data's sources give themselves
            away.
        pose_run: directory of a pose run that finds the keypoints of people who have none, see `PoseFiller`.
        pose_all: have it find those of all people, in place of labelled keypoints and boxes: what a
            classifier will get that runs behind this network; `in_boxes`: crops stay the labels'.
        test_without: keypoints that are taken away from the people of the test part: what a classifier is
            worth behind a network that does not know them.
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
        limit: int | Mapping[str, int] | None = None,
        holdout: float = 0.1,
        sampler: str = "none",
        step: int | None = None,
        batch_size: int = 64,
        workers: int = 2,
        cache: str | None = None,
        size: int = 224,
        resize: int = 256,
        margin: float = 0.15,
        test_batch_size: int | None = None,
        target: str = "action",
        pose_run: str | None = None,
        pose_all: bool | Literal["in_boxes"] = False,
        test_without: list[str] | None = None,
        augmentation: Mapping[str, Any] | None = None,
        scenes: Mapping[str, Any] | None = None,
    ):
        super().__init__(seed, batch_size, test_batch_size, workers, cache)
        self.skeleton, self.encoder, self.images = skeleton, encoder, images
        check_number("data.size", size, 32)
        check_number("data.resize", resize, size)
        at_least("data.margin", margin, 0)
        for name, value in (("step", step), ("test_batch_size", test_batch_size)):
            if value is not None:
                check_number(f"data.{name}", value, 1)
        if pose_all and pose_run is None:
            raise ConfigError("data.pose_all: which network finds the poses? Give data.pose_run=<run>")
        if step is not None and encoder.frames is None:
            raise ConfigError(f"data.step={step} is for networks over time, model=motion_1d; leave it out")
        self.size, self.resize, self.margin = size, resize, margin
        self.sampler, self.pose_run = sampler, pose_run
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
        divided = {"val": val, "test": test, "split_seed": split_seed, "limit": limit}
        self.data = self.read(kind, root, own, parts, scenes, skeleton, **divided)
        self.data.posed, self.data.whole_clips = False, encoder.frames is not None
        self.data.title = "action_labelme" if kind == "dance" else None  # as the option of `data` is called
        self.augmentation = Augmentation.from_dict(augmentation or {})
        filler = None if pose_run is None else PoseFiller(pose_run, skeleton, workers, pose_all)
        self.data.made_with = "" if filler is None else f"{filler.digest} {pose_all}"
        self.people = MotionPeople(
            self.data, encoder, self.step, holdout, sampler, known_actions, filler, target, test_without or ()
        )
        self._train_sampler: TrainSampler | None = None

    def samples(self, part: str) -> list[MotionSample]:
        """Return the samples of `train`, `holdout`, `val` or `test`."""
        return self.people.samples(part)

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that are told apart; the files are read on first use."""
        return self.people.actions

    def learn_recall(self, recall: Sequence[float | None]) -> dict[str, float]:
        """Take the recall on the held-out part in; the next epoch is drawn by it.

        Args:
            recall: of each class, 0 to 1; None for a class that the part lacks.

        Returns:
            Class -> share of the next epoch.
        """
        self.people.weights.update(recall)
        self._weigh()
        return dict(zip(self.actions, self.people.weights.shares().tolist(), strict=True))

    def _weigh(self) -> None:
        if self._train_sampler is not None:
            self._train_sampler.weights = tuple(self.people.group_weights())

    def state_dict(self) -> dict[str, Any]:
        """Return what the sampler has learnt; the trainer puts it into the checkpoint."""
        return {"weights": self.people.weights.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back."""
        self.people.weights.load_state_dict(state_dict["weights"])
        self._weigh()

    def summary(self, problems: Problems | None = None) -> str:
        """Return counts, table 1 of the paper, the split's hash, and what is held out of training."""
        return "\n".join(filter(None, [self.data.summary(problems, self.people.table()), self.people.told()]))

    def setup(self, stage: str | None = None) -> None:
        """Read the data and look at the header of every image that the stage uses.

        Args:
            stage: `train`, `validate` and `test` look at their part, all else at all parts.

        Raises:
            DataError: annotations are broken, or images missing, broken, or of another size than labelled;
                or nobody has keypoints, and the network needs them; or a class has nothing to train on.
            ConfigError: the batch cannot be divided, or is larger than the training part; or keypoints are
                taken away that nobody looks at.
        """
        if stage == "fit":
            self._device_batch()
        parts = self._refuse_unusable(stage, self.images or self.pose_run is not None)
        self.people.check_taken_away(parts)
        if self.images:
            self.people.check_pictures(parts)
        if stage == "fit":
            self.people.check_training(self.batch_size)
        if not (self.images and self.pose_run):  # a pose run that finds nobody leaves the pictures to look at
            for part in parts:
                self.people.check_keypoints(part)

    def dataset(self, part: str, augmented: bool = True) -> MotionDataset:
        """Return the samples of a part; of them only those of `train` are ever augmented."""
        recipe = self.augmentation if augmented and part == "train" else Augmentation()
        transform = PersonTransform(self.size, self.resize, recipe, self.skeleton.flip_index)
        return MotionDataset(self.samples(part), self.encoder, self.images, transform, self.margin, self.seed)

    def train_dataloader(self) -> PoseLoader:
        """Return shuffled, augmented training batches; the last incomplete batch is left out."""
        sizes = [len(group) for group in self.people.groups]
        weights = self.people.group_weights()
        self._train_sampler = TrainSampler(sizes, weights, self.batch_size, self.seed, *self._rank())
        return self._train_loader(self.dataset("train"), self._train_sampler)

    def evaluation_dataloader(self, part: str) -> PoseLoader:
        """Return the samples of a part as they are, each exactly once over all processes."""
        dataset = self.dataset(part, augmented=False)
        return self._evaluation_loader(dataset, [(self.size, self.size)] * len(dataset), dataset.collate)

    @property
    def validation_parts(self) -> list[str]:
        """The parts that are validated: `val` if there is one, `holdout` if the sampler measures on it."""
        parts = ["val"] if self.samples("val") else []
        return [*parts, HOLDOUT] if self.sampler == "confusion" else parts

    def val_dataloader(self) -> list[PoseLoader]:
        """Return a loader for each of `validation_parts`."""
        return [self.evaluation_dataloader(part) for part in self.validation_parts]

    def test_dataloader(self) -> PoseLoader | list:
        """Return the test samples; an empty list without a test part."""
        return self.evaluation_dataloader("test") if self.samples("test") else []
