"""`MotionPeople`: the samples of a motion run, part by part and class by class."""

from collections.abc import Sequence
from functools import cached_property

from dancepose.checks import one_of
from dancepose.data.actions import action_counts, action_table, class_counts, class_names
from dancepose.data.class_weights import SAMPLERS, ClassWeights
from dancepose.data.collection import PoseData
from dancepose.data.held_out import check_held_out, told_held_out
from dancepose.data.images import refuse_without_pictures
from dancepose.data.keypoint_mask import check_keypoints, without_keypoints
from dancepose.data.loaded_part import leaving_out
from dancepose.data.motion_samples import TARGETS, MotionSample, frame_samples, hold_out, window_samples
from dancepose.data.parts import told_places
from dancepose.data.pose_filling import PoseFiller
from dancepose.data.split_file import PARTS
from dancepose.encoders import Encoder
from dancepose.errors import ConfigError, DataError
from dancepose.records import Frame

HOLDOUT = "holdout"  # the name of the part that samplers measure on


class MotionPeople:
    """People whose action is labelled, each one sample; over time, each window of a person's clip.

    Args:
        data: the frames.
        encoder: says whether a sample is a picture or a window, and whether keypoints are needed.
        step: pictures from one window to the next.
        holdout: share of the training part that is not trained on.
        sampler: one of `SAMPLERS`.
        known_actions: the actions that a trained network tells apart; None: those of the data.
        filler: finds the keypoints of people who have none.
        target: what is asked of each sample, one of `TARGETS`.
        test_without: keypoints that are taken away from the people of the test part.

    Raises:
        ConfigError: a value is impossible, or values do not go together; names the key.
    """

    def __init__(
        self,
        data: PoseData,
        encoder: Encoder,
        step: int,
        holdout: float,
        sampler: str,
        known_actions: Sequence[str] | None = None,
        filler: PoseFiller | None = None,
        target: str = "action",
        test_without: Sequence[str] = (),
    ):
        if not 0 <= holdout < 1:
            raise ConfigError(f"data.holdout={holdout}: it must be from 0 to below 1")
        one_of("data.sampler", sampler, SAMPLERS)
        one_of("data.target", target, TARGETS)
        if sampler == "confusion" and not holdout:
            raise ConfigError("data.sampler=confusion measures on a part that is held out: data.holdout=0.1")
        check_keypoints(test_without, data.skeleton, "data.test_without")
        self.data, self.encoder, self.step = data, encoder, step
        self.holdout, self.sampler, self.test_without = holdout, sampler, tuple(test_without)
        self._known = None if known_actions is None else tuple(known_actions)
        self._filler, self.target = filler, target
        self._filled: dict[int, tuple[Frame, Frame]] = {}  # by id of the frame as it was read, which stays
        self._samples: dict[str, list[MotionSample]] = {}  # by part, made on first use

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """The actions that are told apart; the files are read on first use.

        Raises:
            DataError: the data name fewer than two, or one that the trained network does not know.
        """
        frames = [frame for part in PARTS for frame in self.data.frames(part)]
        names = self._named(frames)
        if self.target == "source" and "" in names:
            raise DataError("data.target=source: not every sample names its 'source' in the data")
        if self._known is not None:
            done = {TARGETS[self.target](frame, person) for frame in frames for person in frame.people}
            if unknown := sorted(name for name in done if name and name not in self._known):
                raise DataError(
                    f"the data show {', '.join(unknown)}, and the network tells apart "
                    f"{', '.join(self._known)}: give other data, or say with data.labels what is what"
                )
            return self._known
        if len(names) < 2:
            where = told_places(self.data.configs.values())
            raise DataError(f"{where} name {len(names)} {self.target}s, and a classifier needs two at least")
        return names

    def _named(self, frames: Sequence[Frame]) -> tuple[str, ...]:
        """Return what frames name that may be told apart, in their order."""
        if self.target == "action":
            return class_names(frames)
        answers = (TARGETS[self.target](frame, person) for frame in frames for person in frame.people)
        return tuple(dict.fromkeys(answer for answer in answers if answer is not None))

    def table(self) -> str:
        """Return how many samples and clips of each class each part holds, as text; over time, windows."""
        parts = {part: self.data.frames(part) for part in PARTS}
        if self.encoder.frames is None:
            frames = [frame for found in parts.values() for frame in found]
            counts = action_counts(parts, self._named(frames), TARGETS[self.target])
            return action_table(counts, any(frame.clip is not None for frame in frames))
        samples = {part: self.samples(part) for part in PARTS}
        samples["train"] = [*samples["train"], *self.samples(HOLDOUT)]
        found = {p: [(self.actions[s.label], str(s.clip)) for s in own] for p, own in samples.items()}
        return action_table(class_counts(found, self.actions), unit="windows")

    def samples(self, part: str) -> list[MotionSample]:
        """Return the samples of `train`, `holdout`, `val` or `test`; those of train by data set and class."""
        if part not in self._samples:
            if part == "train":
                self._samples[part] = [sample for group in self.groups for sample in group]
            else:
                self._samples[part] = self._cut(self._posed(self.frames(part)), self.taken_away(part))
        return self._samples[part]

    def frames(self, part: str) -> list[Frame]:
        """Return the frames of `train` without those held out, of `holdout`, `val` or `test`."""
        if part == "train":
            return self._divided[0]
        return self._divided[1] if part == HOLDOUT else self.data.frames(part)

    def taken_away(self, part: str) -> tuple[str, ...]:
        """Return the keypoints that people of a part are without, though the data or a pose run know them."""
        return self.test_without if part == "test" else ()

    @cached_property
    def _divided(self) -> tuple[list[Frame], list[Frame]]:
        """The training frames that are trained on, and those held out."""
        return hold_out(self.data.frames("train"), self.holdout, self.data.split_seed)

    @cached_property
    def groups(self) -> list[list[MotionSample]]:
        """The training samples of each data set and class."""
        kept = {id(frame) for frame in self._divided[0]}
        groups = []
        for loaded in self.data.loaded:
            samples = self._cut(self._posed([f for f in loaded.parts["train"] if id(f) in kept]))
            groups += [[s for s in samples if s.label == c] for c in range(len(self.actions))]
        return groups

    def _posed(self, frames: Sequence[Frame]) -> list[Frame]:
        """Return frames with the keypoints that the pose run finds."""
        if self._filler is None:
            return list(frames)
        new = [frame for frame in frames if id(frame) not in self._filled]
        self._filled |= {id(pair[0]): pair for pair in zip(new, self._filler.fill(new), strict=True)}
        return [self._filled[id(frame)][1] for frame in frames]

    def _cut(self, frames: Sequence[Frame], unseen: Sequence[str] = ()) -> list[MotionSample]:
        frames = without_keypoints(frames, unseen, self.data.skeleton)
        if self.encoder.frames is None:
            return frame_samples(frames, self.actions, self.target)
        return window_samples(frames, self.actions, self.encoder.frames, self.step, self.target)

    @cached_property
    def weights(self) -> ClassWeights:
        """How often the samples of each class come up."""
        count, mixed = len(self.actions), [one.config.weight for one in self.data.loaded]
        parts = [zip(mixed, self.groups[c::count], strict=True) for c in range(count)]
        return ClassWeights(self.sampler, [sum(w * len(group) for w, group in part) for part in parts])

    def group_weights(self) -> list[float]:
        """Return how often samples of each of `groups` come up: by data set times by class."""
        per_class = self.weights.per_sample()
        return [loaded.config.weight * float(weight) for loaded in self.data.loaded for weight in per_class]

    def check_pictures(self, parts: Sequence[str]) -> None:
        """Refuse parts whose people have no pictures.

        Raises:
            DataError: names the data and the remedy.
        """
        frames = [frame for part in parts for frame in self.data.frames(part)]
        refuse_without_pictures(frames, told_places(self.data.configs.values()), "the image branch")

    def check_taken_away(self, parts: Sequence[str]) -> None:
        """Refuse to take keypoints away from a network that looks at none.

        Raises:
            ConfigError: names the key.
        """
        if not self.encoder.inputs and any(self.taken_away(part) for part in parts):
            raise ConfigError(
                f"data.test_without={list(self.test_without)}: the network looks at the picture alone "
                "(model.branches=[image]), and at no keypoints: leave it out"
            )

    def check_keypoints(self, part: str) -> None:
        """Refuse a part in which nobody has the keypoints that the network needs.

        Raises:
            DataError: names the remedies.
        """
        samples = self.samples(part)
        if not self.encoder.inputs or not samples or not all(sample.is_blind for sample in samples):
            return
        alone = "; or look at the picture alone (model.branches=[image])"
        alone *= "features" in self.encoder.inputs  # else the network has no branches
        if not all(sample.has_pictures for sample in samples):
            remedy = (
                "give data whose coordinates are numbers and whose confidences are above 0; there are no "
                "pictures to find keypoints in"
            )
        elif self._filler is not None:
            remedy = f"that of data.pose_run finds nobody in their pictures: give another{alone}"
        else:
            remedy = f"data.pose_run=<run directory> has a trained pose network find them{alone}"
        raise DataError(
            f"{told_places(self.data.configs.values())}: none of the {len(samples)} people of the {part} "
            f"part has keypoints in skeleton {self.data.skeleton.name}, and the network needs them: {remedy}"
        )

    def check_training(self, batch_size: int) -> None:
        """Refuse a part from which a class cannot be learnt, or that is smaller than a batch.

        Raises:
            DataError: a class has no sample.
            ConfigError: the batch is larger than the part, or the sampler has nothing to measure on.
        """
        # as labelled: a pose run looks through all pictures, and changes no number of samples
        learnt, held = (self._cut(frames) for frames in self._divided)
        there = {sample.label for sample in learnt}
        if lacking := [name for label, name in enumerate(self.actions) if label not in there]:
            way = f"leave what is of them out of the data: a {self.target} that only tests cannot be learnt"
            if self.target == "action":
                overrides = leaving_out(self.data.loaded, lacking, self.data.mixed)
                way = f"leave them out of all parts: {' '.join(overrides)}"
            raise DataError(
                f"the training part has no sample of {', '.join(lacking)}: give more of them, another split "
                f"(data.split), or {way}"
            )
        if self.sampler == "confusion":
            check_held_out(held, self.actions)
        if len(learnt) < batch_size:
            raise ConfigError(
                f"data.batch_size={batch_size} is more than the {len(learnt)} training samples: lower it"
            )

    def told(self) -> str:
        """Say what is held out of training; empty where nothing is."""
        if not self.holdout:
            return ""
        unit = "samples" if self.encoder.frames is None else "windows"
        counts = told_held_out(self.samples(HOLDOUT), self.samples("train"), self.actions, unit, self.sampler)
        return f"held out of training (data.holdout={self.holdout}): {counts}"
