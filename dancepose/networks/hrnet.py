"""HRNet of any width (Sun et al. 2019), with the places where the pose paper changes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from dancepose.layers.attention import Attention
from dancepose.layers.background import BackgroundBlock
from dancepose.layers.residual import BasicBlock, Bottleneck, normalised
from dancepose.layers.stem import CHANNELS, ConvStem, PyramidStem

Block = Callable[[int], nn.Module]
STEMS: dict[str, type[nn.Module]] = {"conv": ConvStem, "pyramid": PyramidStem}
CONTEXTS = ("basic", "background")
PLACEMENTS = ("module", "block")
MULTIPLE = 32  # the coarsest branch: height and width of the input must be divisible by it


@dataclass(frozen=True)
class Depth:
    """How many layers an HRNet has.

    Attributes:
        layer1: number and channels of the bottlenecks between stem and branches, of a stem of 64.
        modules: of stages 2, 3 and 4.
        blocks: in each branch of each module, and at each further scale of a head.
    """

    layer1: tuple[int, int]
    modules: tuple[int, int, int]
    blocks: int


DEPTHS = {
    "full": Depth((4, 64), (1, 4, 3), 4),
    "small": Depth((1, 32), (1, 1, 1), 2),  # of HRNet-W18-Small, versions 1 and 2, for classification
    "small_v2": Depth((2, 64), (1, 3, 2), 2),
}


class HRNet(nn.Module):
    """Stem to 1/4, bottlenecks, then stages 2, 3, 4 of modules with branches at 1/4, 1/8, 1/16, 1/32.

    With the defaults it is the published network, its parameters under the published names (those of the stem
    below `stem.`).

    Args:
        width: C; the branches have C, 2C, 4C, 8C channels.
        stem: `conv`, or `pyramid` (`PyramidStem`).
        context: what the branches below 1/4 are built of: `basic` blocks or `background` (`BackgroundBlock`).
        global_norm: of the background blocks: `batch`, `layer` or `none`.
        attention: made for each place with its number of channels.
        placement: `module`, one attention at the end of each branch of each module, before the exchange (26
            in all at full depth); or `block`, one on the residual path of each block of the branches.
        depth: one of `DEPTHS`.
        stem_width: channels of the stem; the bottlenecks behind it have channels in proportion.

    Raises:
        ValueError: an unknown name for stem, context, norm, placement or depth.
    """

    def __init__(
        self,
        width: int = 32,
        stem: str = "conv",
        context: str = "basic",
        global_norm: str = "layer",
        attention: Attention = nn.Identity,
        placement: str = "module",
        depth: str = "full",
        stem_width: int = CHANNELS,
    ) -> None:
        super().__init__()
        for value, known in ((stem, STEMS), (context, CONTEXTS), (placement, PLACEMENTS), (depth, DEPTHS)):
            if value not in known:
                raise ValueError(f"'{value}': choose one of {', '.join(known)}")
        in_block = attention if placement == "block" else nn.Identity
        in_module = attention if placement == "module" else nn.Identity
        fine: Block = partial(BasicBlock, attention=in_block)
        coarse = fine
        if context == "background":
            coarse = partial(BackgroundBlock, attention=in_block, global_norm=global_norm)
        channels = [width * 2**i for i in range(4)]

        shape = DEPTHS[depth]

        def stage(branches: int, modules: int, last: int) -> nn.Sequential:
            blocks = [fine] + [coarse] * (branches - 1)
            outputs = [branches] * (modules - 1) + [last]
            return nn.Sequential(
                *(ExchangeModule(channels[:branches], blocks, in_module, n, shape.blocks) for n in outputs)
            )

        self.stem = STEMS[stem](stem_width)
        bottlenecks, published = shape.layer1
        inner = max(1, published * stem_width // CHANNELS)
        expanded = inner * Bottleneck.expansion
        self.layer1 = nn.Sequential(
            Bottleneck(stem_width, inner), *(Bottleneck(expanded, inner) for _ in range(bottlenecks - 1))
        )
        self.transition1 = Transition([expanded], channels[:2])
        self.stage2 = stage(2, shape.modules[0], last=2)
        self.transition2 = Transition(channels[:2], channels[:3])
        self.stage3 = stage(3, shape.modules[1], last=3)
        self.transition3 = Transition(channels[:3], channels)
        self.stage4 = stage(4, shape.modules[2], last=1)  # only the 1/4 branch is read in the end

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, C, H / 4, W / 4); H and W must be multiples of 32."""
        x = self.layer1(self.stem(images))
        branches = self.stage2(self.transition1([x]))
        branches = self.stage3(self.transition2(branches))
        branches = self.stage4(self.transition3(branches))
        return branches[0]


class Transition(nn.ModuleList):
    """Leads the branches of one stage to those of the next, which has one more, at half the size of the last.

    Args:
        inputs: channels of the branches that come in.
        outputs: channels of the branches that go out.
    """

    def __init__(self, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        layers: list[nn.Module] = []
        for i, channels in enumerate(outputs):
            if i >= len(inputs):  # the second Sequential is that of the published names
                layers.append(nn.Sequential(normalised(inputs[-1], channels, 3, stride=2)))
            elif channels != inputs[i]:
                layers.append(normalised(inputs[i], channels, 3))
            else:
                layers.append(nn.Identity())
        super().__init__(layers)

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        """Each new branch starts from the coarsest one that came in."""
        return [layer(branches[min(i, len(branches) - 1)]) for i, layer in enumerate(self)]


class ExchangeModule(nn.Module):
    """Parallel branches of some blocks each, then the exchange: every output is a sum over all branches.

    Args:
        channels: of each branch, from fine to coarse.
        blocks: what each branch is built of.
        attention: stands at the end of each branch, before the exchange.
        outputs: how many branches go out, the finest first.
        depth: blocks in each branch.
    """

    def __init__(
        self,
        channels: Sequence[int],
        blocks: Sequence[Block],
        attention: Attention,
        outputs: int,
        depth: int = 4,
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(block(c) for _ in range(depth)))
            for block, c in zip(blocks, channels, strict=True)
        )
        self.attentions = nn.ModuleList(attention(c) for c in channels)
        self.fuse_layers = nn.ModuleList(Exchange(channels, target) for target in range(outputs))

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        """[(B, C_i, H_i, W_i)] of each branch -> the same of the branches that go out."""
        branches = [
            attention(branch(x))
            for attention, branch, x in zip(self.attentions, self.branches, branches, strict=True)
        ]
        return [exchange(branches) for exchange in self.fuse_layers]


class Exchange(nn.ModuleList):
    """ReLU of the sum of all branches, each brought to the size and width of one of them.

    Args:
        channels: of each branch, from fine to coarse.
        target: index of the branch that goes out.
    """

    def __init__(self, channels: Sequence[int], target: int) -> None:
        super().__init__(_path(channels, source, target) for source in range(len(channels)))

    def forward(self, branches: list[Tensor]) -> Tensor:
        """[(B, C_i, H_i, W_i)] of each branch -> (B, C, H, W) of the target."""
        terms = [path(x) for path, x in zip(self, branches, strict=True)]
        total = terms[0] + terms[1]  # a tensor of its own; the further ones are added in place
        for term in terms[2:]:
            total = total.add_(term) if total.dtype == term.dtype else total + term
        return F.relu(total, inplace=True)


def _path(channels: Sequence[int], source: int, target: int) -> nn.Module:
    """Bring one branch to the size and width of another: up by 1x1 and nearest, down by 3x3 of stride 2."""
    if source == target:
        return nn.Identity()
    if source > target:
        up = normalised(channels[source], channels[target], 1, relu=False)
        return up.append(nn.Upsample(scale_factor=2.0 ** (source - target), mode="nearest"))
    steps = [normalised(channels[source], channels[source], 3, stride=2) for _ in range(target - source - 1)]
    return nn.Sequential(*steps, normalised(channels[source], channels[target], 3, stride=2, relu=False))
