"""What associative embedding does to its maps before anything is decoded; K heatmaps, then tags."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dancepose.codecs.heatmap import resize


def mirror(output: Tensor, flip_index: np.ndarray) -> Tensor:
    """Mirror maps and exchange left and right channels, in heatmaps and tags alike.

    Args:
        output: (B, n K, h, w).
        flip_index: (K,) the keypoint that each becomes under a mirror.

    Returns:
        (B, n K, h, w).
    """
    index = torch.as_tensor(flip_index, device=output.device)
    blocks = output.flip(-1).unflatten(1, (-1, len(flip_index)))
    return blocks.index_select(2, index).flatten(1, 2)


def merge_passes(outputs: Sequence[Tensor], keypoints: int) -> Tensor:
    """Average the heatmaps of the passes at one scale, and stack their tags.

    Args:
        outputs: of each pass, (B, K + T, h, w); brought to the size of the first.
        keypoints: K.

    Returns:
        (B, K + n T, h, w) float32 for n passes.
    """
    size = tuple(outputs[0].shape[-2:])
    maps = [resize(output.float(), size) for output in outputs]
    heat = torch.stack([m[:, :keypoints] for m in maps]).mean(dim=0)
    return torch.cat([heat, *(m[:, keypoints:] for m in maps)], dim=1)


def without_nan(maps: Tensor, instead: float) -> Tensor:
    """Put `instead` in the place of NaN and infinity, which a network that diverged gives."""
    if not torch.compiler.is_compiling() and maps.sum().isfinite():  # an exported graph does not branch
        return maps
    return torch.where(maps.isfinite(), maps, instead)
