"""Associative embedding (Newell et al. 2017): a heatmap and a tag for each keypoint."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from dancepose.codecs.ae_condensing import condense_maps, decode_condensed
from dancepose.codecs.ae_decoding import Decoded, MapDecoder
from dancepose.codecs.ae_encoding import MapEncoder
from dancepose.codecs.ae_grouping import Grouping, PublishedGrouping
from dancepose.codecs.ae_maps import merge_passes, mirror, without_nan
from dancepose.codecs.base import Codec, Found, OutputSpec, Reading
from dancepose.codecs.heatmap import resize, to_pixels
from dancepose.codecs.losses import heatmap_loss, tag_loss
from dancepose.records import VISIBLE, Frame, Person
from dancepose.skeleton import Skeleton


class AssociativeEmbedding(Codec):
    """Heatmaps at every scale, tags at the first; people are keypoints with equal tags.

    Outputs: 2K channels at `strides[0]`, K heatmaps and then K tags; K heatmaps at every further stride.
    After `merge` of n passes the first has K + n K channels, for the tags of the passes are stacked.

    Targets of `encode`, in which h and w are the input's height and width over the stride and i the scale:

    - `heatmaps_i` (K, h, w) float32: Gaussians of all people.
    - `joints` (max_people, K) int64: k * h * w + y * w + x, the place of keypoint k of each person in the tag
      maps (i = 0), or -1. Of more people than fit, those with the largest keypoint boxes (by diagonal, of the
      keypoints inside the picture) are kept; the heatmaps show all.

    Weights of `encode`:

    - `mask_i` (h, w) bool: cells that count, see `loss_mask`.
    - `labelled` (K,) bool: keypoints that the frame's source labels.

    A keypoint outside the map is no target.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        strides: Sequence[int] = (4, 2),
        sigma: float = 2.0,
        normalized: bool = False,
        max_people: int = 30,
        nms_kernel: int = 5,
        detection_threshold: float = 0.1,
        tag_threshold: float = 1.0,
        refine: bool = True,
        adjust: bool = True,
        exact: bool = False,
        push_weight: float = 1e-3,
        pull_weight: float = 1e-3,
        subcell: str = "parabola",
        refine_threshold: float = 0.02,
        person_evidence: float = 0.75,
        split_evidence: float = 6.0,
    ):
        """Set the codec up.

        Args:
            skeleton: the keypoints.
            strides: of the head's scales, that with the tags first.
            sigma: of the Gaussians, in cells, at every scale.
            normalized: peaks of 1 / (2 pi sigma^2) instead of 1 (pose paper, eq. 2). The decoder scales them
                back, so that all thresholds mean the same.
            max_people: people in a frame, in training and in decoding; also candidates of each keypoint.
            nms_kernel: side of the square with one peak, in cells of the finest map; odd.
            detection_threshold: least heat of a peak that is a candidate.
            tag_threshold: tags farther apart than this are two people.
            refine: fill in the missing keypoints of people by heat and tag, see `MapDecoder`.
            adjust: move each peak from its cell's centre towards its higher neighbours.
            exact: the published code to the letter: its grouping, its filling in, its quarter-cell step, and
                its coordinates: targets sit in the middle of the cell that truncating pixel / stride gives,
                and decoded cell i is pixel stride * (i + 0.5), or stride * i without `adjust`. Otherwise
                targets sit at the keypoint, between cells, and coordinates are those of `heatmap.py`.
            push_weight: of the loss between people.
            pull_weight: of the loss within people.
            subcell: how to adjust: `parabola` or `quarter`, see `subcell_offsets`.
            refine_threshold: least heat of a filled-in keypoint: about that of a trained network's
                background, so that a keypoint that shows nowhere is left out rather than put anywhere.
            person_evidence: see `Grouping`.
            split_evidence: see `Grouping`.

        Raises:
            ValueError: a value is out of range.
        """
        if not strides or min(strides) < 1:
            raise ValueError(f"strides {list(strides)}: at least one is needed, each at least 1")
        if nms_kernel < 1 or nms_kernel % 2 == 0:
            raise ValueError(f"nms_kernel={nms_kernel}: it must be odd, to have a centre")
        for name, value in (("sigma", sigma), ("tag_threshold", tag_threshold), ("max_people", max_people)):
            if not 0 < value < math.inf:
                raise ValueError(f"{name}={value}: it must be above 0")
        others = {"detection_threshold": detection_threshold, "refine_threshold": refine_threshold}
        others |= {"person_evidence": person_evidence, "split_evidence": split_evidence}
        for name, value in (others | {"push_weight": push_weight, "pull_weight": pull_weight}).items():
            if not 0 <= value < math.inf:
                raise ValueError(f"{name}={value}: it must be at least 0")
        if subcell not in ("parabola", "quarter"):
            raise ValueError(f"subcell={subcell}: choose parabola or quarter")
        self.skeleton = skeleton
        self.strides = tuple(strides)
        self.sigma = float(sigma)
        self.peak = 1 / (2 * math.pi * sigma**2) if normalized else 1.0
        self.max_people = max_people
        self.exact = exact
        self.push_weight = push_weight
        self.pull_weight = pull_weight
        self.encoder = MapEncoder(skeleton, self.strides, self.sigma, self.peak, max_people, exact)
        order = skeleton.order_index
        group: Grouping | PublishedGrouping
        if exact:
            group, subcell = PublishedGrouping(order, tag_threshold, max_people), "published"
        else:
            group = Grouping(order, tag_threshold, max_people, person_evidence, split_evidence)
        self.decoder = MapDecoder(
            group,
            candidates=max_people,
            nms_kernel=nms_kernel,
            detection_threshold=detection_threshold,
            refine_threshold=refine_threshold,
            refine=refine,
            adjust=subcell if adjust else None,
            exact=exact,
        )

    @property
    def outputs(self) -> list[OutputSpec]:
        """2K channels at the first stride, K at the others."""
        count = len(self.skeleton)
        return [OutputSpec(s, count if i else 2 * count) for i, s in enumerate(self.strides)]

    def encode(
        self, frame: Frame, size: tuple[int, int]
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Make heatmaps, places of the tags, and masks; see the class and `MapEncoder`."""
        return self.encoder.encode(frame, size)

    def pack(self, frame: Frame, size: tuple[int, int]) -> dict[str, np.ndarray]:
        """Make them with the heatmaps as the cells that are not 0."""
        return self.encoder.pack(frame, size)

    def stack(self, packed: list[dict[str, np.ndarray]]) -> dict[str, Tensor]:
        """Join the cells of all samples into one list."""
        return self.encoder.stack(packed)

    def unpack(self, batch: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Draw the heatmaps on the batch's device."""
        return self.encoder.unpack(batch)

    def loss(
        self, outputs: list[Tensor], targets: dict[str, Tensor], weights: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return `heatmap_i` of each scale, `pull` and `push`: means over the batch."""
        count = len(self.skeleton)
        losses: dict[str, Tensor] = {}
        with torch.autocast(outputs[0].device.type, enabled=False):
            for index, output in enumerate(outputs):
                target, mask = targets[f"heatmaps_{index}"], weights[f"mask_{index}"]
                scores = heatmap_loss(output[:, :count].float(), target, mask, weights["labelled"])
                losses[f"heatmap_{index}"] = scores.mean()
            pull, push = tag_loss(outputs[0][:, count:].float(), targets["joints"])
            losses["pull"] = self.pull_weight * pull.mean()
            losses["push"] = self.push_weight * push.mean()
        return losses

    def flip(self, outputs: list[Tensor]) -> list[Tensor]:
        """Mirror the maps and exchange left and right channels, in heatmaps and tags alike."""
        return [mirror(output, self.skeleton.flip_index) for output in outputs]

    def merge(self, outputs: list[list[Tensor]]) -> list[Tensor]:
        """Average the heatmaps of the passes and stack their tags."""
        return [merge_passes(scale, len(self.skeleton)) for scale in zip(*outputs, strict=True)]

    @torch.no_grad()
    def find(self, outputs: list[Tensor]) -> list[Found]:
        """Find the people in each image, best first; in `exact` mode in the order in which they began."""
        return self._found(self.decoder(*self._maps(outputs)))

    @torch.no_grad()
    def condense(self, outputs: list[Tensor]) -> dict[str, Tensor]:
        """Reduce merged maps to peaks and to the cells that may be filled in; see `condense_maps`.

        Filling in by the published rule (`exact` with `refine`) looks at every cell: there it is the maps.
        """
        if self.exact and self.decoder.refine:
            return super().condense(outputs)
        return condense_maps(self.decoder, *self._maps(outputs))

    def find_condensed(self, condensed: Mapping[str, np.ndarray]) -> list[Found]:
        """Find the people as `find` does, from the arrays of `condense`."""
        if self.exact and self.decoder.refine:
            return super().find_condensed(condensed)
        return self._found(decode_condensed(self.decoder, condensed))

    @torch.no_grad()
    def peaks(self, outputs: list[Tensor]) -> np.ndarray:
        """Return (B, K, 3) x, y in input pixels and heat of the maximum of each merged heatmap."""
        return self._peaks(self.heatmaps(outputs))

    @torch.no_grad()
    def read(self, outputs: list[Tensor]) -> Reading:
        """Return people, peaks and heatmaps; the maps are merged once."""
        heat, tags = self._maps(outputs)
        found = self._found(self.decoder(heat, tags))
        return Reading([one.people for one in found], self._peaks(heat), heat)

    @torch.no_grad()
    def heatmaps(self, outputs: list[Tensor]) -> Tensor:
        """Return (B, K, h, w): mean of the heatmaps of all scales at the finest, without NaN and infinity."""
        size = tuple(outputs[int(np.argmin(self.strides))].shape[-2:])
        maps = [resize(output[:, : len(self.skeleton)].float(), size) for output in outputs]
        heat = sum(maps[1:], start=maps[0])
        if (scale := 1 / (len(maps) * self.peak)) != 1:
            heat = heat * scale
        return without_nan(heat, 0.0)

    def _maps(self, outputs: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return heatmaps (B, K, h, w) and tags (B, T, K, h, w) at the finest scale."""
        heat = self.heatmaps(outputs)
        tags = resize(outputs[0][:, len(self.skeleton) :].float(), tuple(heat.shape[-2:]))
        tags = without_nan(tags, math.inf).unflatten(1, (-1, len(self.skeleton)))
        return heat, tags  # infinity is at no distance from anybody

    def _peaks(self, heat: Tensor) -> np.ndarray:
        found = self.decoder.highest(heat)
        found[..., :2] = self._to_pixels(found[..., :2])
        return found

    def _found(self, decoded: list[Decoded]) -> list[Found]:
        return [
            Found([self._person(k, s) for k, s in zip(one.keypoints, one.scores, strict=True)], one.beyond)
            for one in decoded
        ]

    def _to_pixels(self, cells: np.ndarray) -> np.ndarray:
        stride = min(self.strides)
        return cells * stride if self.exact else to_pixels(cells, stride)

    def _person(self, keypoints: np.ndarray, score: float) -> Person:
        present = keypoints[:, 2] > 0
        record = np.zeros((len(keypoints), 3))
        record[present, :2] = self._to_pixels(keypoints[present, :2].astype(np.float64))
        record[present, 2] = VISIBLE
        return Person(record, scores=keypoints[:, 2].astype(np.float64), score=float(score))
