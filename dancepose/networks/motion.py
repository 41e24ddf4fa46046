"""The dance motion classifier: keypoint branch, image branch and their fusion (motion paper, section 3)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dancepose.errors import ConfigError
from dancepose.layers.init import starts_small
from dancepose.layers.pixels import PixelNorm
from dancepose.networks.action import ActionNetwork, dense
from dancepose.networks.resnet import ResNet

WIDTH = 512  # of what each branch gives
KEYPOINT_LAYERS = (256, 512, 512, 512, WIDTH)
FUSION_LAYERS = (512, 512, 256, 256)
LITERAL = 18  # neurons of the paper's "first layer"
ENTRIES = {"keypoints": "features", "image": "image"}  # branch -> the entry of a batch that it takes


class KeypointBranch(nn.Module):
    """Features of the keypoints -> 256, 512, 512, 512, 512, each with ReLU and dropout.

    Args:
        dimension: F, the number of features.
        dropout: probability of dropping a neuron in training.
        literal_first_layer: put a layer of 18 neurons in front. The paper's "first layer" has as many as its
            18 features, which is the input itself unless it is taken by the letter.
    """

    def __init__(self, dimension: int, dropout: float = 0.5, literal_first_layer: bool = False) -> None:
        super().__init__()
        first = (LITERAL,) if literal_first_layer else ()
        self.layers = dense((dimension, *first, *KEYPOINT_LAYERS), dropout)

    def forward(self, features: Tensor) -> Tensor:
        """(B, F) -> (B, 512)."""
        return self.layers(features)


class ImageBranch(nn.Module):
    """Crop of a person -> ResNet, mean over the image, linear layer to 512, ReLU.

    Args:
        resnet: images to features.
    """

    def __init__(self, resnet: ResNet) -> None:
        super().__init__()
        self.pixels = PixelNorm()
        self.resnet = resnet
        self.project = nn.Sequential(nn.Linear(resnet.features, WIDTH), nn.ReLU(inplace=True))

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W), uint8 RGB or normalised -> (B, 512)."""
        return self.project(self.resnet(self.pixels(image)))


class MotionNetwork(ActionNetwork):
    """One branch with a linear classifier, or two whose outputs are fused.

    Args:
        classes: number of actions.
        branches: `keypoints` (see `KeypointBranch`), `image` (`ImageBranch`) or both, in the order in which
            they are fused.
        dropout: between the layers of the fusion.
        staged: give each of two branches a classifier of its own, to train them by before the fusion.

    Raises:
        ConfigError: no branch, an unknown one, or `staged` with one branch.
    """

    def __init__(
        self,
        classes: int,
        branches: Mapping[str, nn.Module],
        dropout: float = 0.5,
        staged: bool = False,
    ) -> None:
        super().__init__()
        if not branches or not branches.keys() <= ENTRIES.keys():
            raise ConfigError(f"model.branches={list(branches)}: choose of {', '.join(ENTRIES)}")
        fused = len(branches) > 1
        if staged and not fused:
            raise ConfigError(
                "staged: one branch alone has no fusion to train after it. Give staged=False, or two branches"
            )
        self.staged = staged
        self.inputs = tuple(ENTRIES[name] for name in branches)
        self.branches = nn.ModuleDict(branches)
        own = branches if staged or not fused else ()
        self.heads = nn.ModuleDict({name: starts_small(nn.Linear(WIDTH, classes)) for name in own})
        self.fusion = None
        if fused:
            layers = dense((len(branches) * WIDTH, *FUSION_LAYERS), dropout)
            self.fusion = nn.Sequential(*layers, starts_small(nn.Linear(FUSION_LAYERS[-1], classes)))
        self._frozen = False

    def forward(self, features: Tensor | None = None, image: Tensor | None = None) -> Tensor:
        """Return the logits (B, classes).

        Args:
            features: (B, F) features of the keypoints.
            image: (B, 3, H, W) crops of people, RGB: uint8, or floats normalised as `PixelNorm` does.
        """
        embedded = self._embed(features=features, image=image)
        if self.fusion is None:
            ((name, only),) = embedded.items()
            return self.heads[name](only)
        return self.fusion(torch.cat(list(embedded.values()), 1))

    def branch_logits(self, features: Tensor | None = None, image: Tensor | None = None) -> dict[str, Tensor]:
        """Return branch -> logits (B, classes) of its own classifier.

        Raises:
            ValueError: the branches have none (two of them, and not `staged`).
        """
        if not self.heads:
            raise ValueError("the branches have no classifiers of their own: model.fusion_training=joint")
        embedded = self._embed(features=features, image=image)
        return {name: self.heads[name](value) for name, value in embedded.items()}

    def freeze_branches(self) -> None:
        """Stop the training of branches and their classifiers; the fusion goes on.

        Their parameters need no gradient from now on, and their batch norms and dropout stay in evaluation
        mode, whatever `train` is told.
        """
        self._frozen = True
        for parameter in [*self.branches.parameters(), *self.heads.parameters()]:
            parameter.requires_grad_(False)
            parameter.grad = None  # or an optimizer would make one last step with it
        self.train(self.training)

    def train(self, mode: bool = True) -> "MotionNetwork":
        """Switch to training mode, frozen branches excepted."""
        super().train(mode)
        if self._frozen:
            self.branches.eval()
        return self

    def _embed(self, **inputs: Any) -> dict[str, Tensor]:
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self._frozen):
            return {name: branch(inputs[ENTRIES[name]]) for name, branch in self.branches.items()}
