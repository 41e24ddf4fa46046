"""`FrameDataModule`: what the data modules of poses and of motions share."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from lightning.pytorch import LightningDataModule

from dancepose.data.batches import device_batch
from dancepose.data.collection import PoseData
from dancepose.data.dataset import PoseLoader, prepare_worker
from dancepose.data.hashes import label_hashes
from dancepose.data.left_out import beside_figures
from dancepose.data.part_counts import told_leaks
from dancepose.data.parts import check_number, part_configs
from dancepose.data.picture_cache import PictureCache, check_cache
from dancepose.data.problems import Problems
from dancepose.data.sampler import EvaluationSampler, TrainSampler
from dancepose.data.split_file import PARTS
from dancepose.data.synthetic.cache import draw_scenes, scene_folder
from dancepose.records import Frame
from dancepose.skeleton import Skeleton

MANY = 100_000  # frames, of which each has its own hash: ten seconds and 4 MB
OF_STAGE = {"train": ("train",), "validate": ("val",), "test": ("test",)}  # all else looks at all parts


class FrameDataModule(LightningDataModule):
    """Frames divided into parts, and loaders whose batches are dealt out to devices and steps.

    Nothing here draws from the global random generators, and nothing depends on the number of workers.

    Args:
        seed: of the run.
        batch_size: of all devices and accumulated steps together.
        test_batch_size: of each device in evaluation; None: its share of `batch_size`.
        workers: data worker processes of each device.
        cache: `ram` keeps decoded training pictures in memory; None reads them anew for each sample.

    Attributes:
        data: the frames; a subclass makes it with `read`.
    """

    data: PoseData

    def __init__(
        self, seed: int, batch_size: int, test_batch_size: int | None, workers: int, cache: str | None = None
    ):
        super().__init__()
        check_number("data.batch_size", batch_size, 1)
        check_number("data.workers", workers, 0)
        self.seed, self.workers = seed, workers
        self.batch_size, self.test_batch_size = batch_size, test_batch_size
        self._pictures = PictureCache() if check_cache(cache) else None
        self._checked: set[str] = set()

    @staticmethod
    def read(
        kind: str,
        root: str | None,
        own: Mapping[str, Any],
        parts: Mapping[str, Mapping[str, Any]] | None,
        scenes: Mapping[str, Any] | None,
        skeleton: Skeleton,
        **divided: Any,
    ) -> PoseData:
        """Return the frames of a configuration; the files are read, and drawn, on first use.

        Args:
            kind: of the data, or `mix` with `parts`.
            root: see `PartConfig`.
            own: the other keys of `PartConfig`, for one data set.
            parts: with `kind=mix`: name -> the keys of `PartConfig`.
            scenes: the keys of `SceneSet`, for data that are drawn.
            skeleton: the run's.
            divided: how `PoseData` divides them.
        """
        prepare = None
        if scenes is not None:
            home = scene_folder(scenes, root, kind=kind)
            root, prepare = str(home), partial(draw_scenes, scenes, home)
        configs = part_configs(kind, root, own, parts)
        return PoseData(configs, skeleton, kind == "mix", prepare=prepare, **divided)

    def frames(self, part: str) -> list[Frame]:
        """Return the frames of `train`, `val` or `test`, as labelled; the files are read on first use."""
        return self.data.frames(part)

    @property
    def problems(self) -> Problems:
        """What the readers and the splits found wrong."""
        return self.data.problems

    def figure_notes(self, part: str) -> list[str]:
        """Return what stands beside figures of a part: whence groups and, of the test, its pictures are.

        Args:
            part: train, val or test.
        """
        notes, _ = beside_figures(self.data.loaded, self.data.mixed)
        return [*notes, *(self.division if part == "test" else ())]

    @property
    def division(self) -> list[str]:
        """What divides data that have official lists, in words; it is kept in the run's metrics.json."""
        known = self.data.divided_by
        official = any(one.official for one in self.data.loaded)
        if known is not None and official:
            return list(known)
        return beside_figures(self.data.loaded, self.data.mixed)[1]

    @property
    def kept(self) -> dict[str, Any]:
        """What the run's metrics.json keeps of the data for those who go on with it."""
        masked = {one.name: dict(one.never_labelled) for one in self.data.loaded if one.never_labelled}
        return {"division": self.division, "never_labelled": masked}

    @property
    def leaks(self) -> list[str]:
        """What is trained on, though a split file beside the data sets it apart for the test; a line each."""
        return [] if self.data.overfit else told_leaks(self.data.loaded, self.data.mixed)

    @property
    def split(self) -> dict[str, Any]:
        """The split as a split file has it."""
        return self.data.split

    @property
    def label_hashes(self) -> dict[str, str]:
        """Name -> digits that stand for its labels, of all frames in use; empty where they are very many."""
        used = {frame.name: frame for part in PARTS for frame in self.frames(part)}
        return label_hashes(used.values()) if len(used) <= MANY else {}

    @property
    def split_hash(self) -> str:
        """16 hexadecimal digits: which frames are in which part."""
        return self.data.split_hash

    @property
    def data_hash(self) -> str:
        """16 hexadecimal digits: names and annotations of all frames that are used."""
        return self.data.data_hash

    def _refuse_unusable(self, stage: str | None, pictures: bool = True) -> tuple[str, ...]:
        """Refuse broken annotations and, of the parts that a stage uses, broken pictures; each once.

        Returns:
            The parts.

        Raises:
            DataError: names the first few.
        """
        parts = OF_STAGE.get(str(stage), PARTS)
        unseen = [part for part in parts if pictures and part not in self._checked]
        self.data.unusable(*unseen).raise_fatal()
        self._checked.update(unseen)
        return parts

    def _device_batch(self) -> int:
        """Return the batch of one device and one step: the global one by devices x accumulation."""
        return device_batch(self.batch_size, self.trainer)

    @property
    def evaluation_batch(self) -> int:
        """How many samples at most a device is given at once in evaluation."""
        return self.test_batch_size or self._device_batch()

    def _rank(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def _train_loader(self, dataset: Any, sampler: TrainSampler) -> PoseLoader:
        """Return training batches in the sampler's order; the last incomplete batch is left out.

        Raises:
            ConfigError: the pictures are to be kept in memory and do not fit.
        """
        if self._pictures is not None:
            self._pictures.fill(dataset.pictured, self.trainer.num_devices if self.trainer else 1)
            dataset.read = self._pictures.read
        return PoseLoader(
            dataset,
            self._device_batch(),
            sampler=sampler,
            drop_last=True,
            collate_fn=dataset.collate,
            **self._loader_options(),
        )

    def _evaluation_loader(
        self, dataset: Any, sizes: Sequence[tuple[int, int]], collate: Callable[[list[Any]], Any]
    ) -> PoseLoader:
        """Return each sample exactly once over all processes, those of one size together."""
        sampler = EvaluationSampler(sizes, self.evaluation_batch, *self._rank())
        return PoseLoader(dataset, batch_sampler=sampler, collate_fn=collate, **self._loader_options())

    def _loader_options(self) -> dict[str, Any]:
        return {
            "num_workers": self.workers,
            "persistent_workers": self.workers > 0,
            "worker_init_fn": prepare_worker,
            "pin_memory": torch.cuda.is_available(),
            "generator": torch.Generator().manual_seed(self.seed),  # else a loader draws from the global one
        }
