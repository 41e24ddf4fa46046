"""ResNet (He et al. 2016), with attention in its blocks or on its last feature map."""

from collections.abc import Callable

from torch import Tensor, nn

from dancepose.errors import ConfigError
from dancepose.layers.attention import Attention
from dancepose.layers.init import starts_small
from dancepose.layers.residual import BasicBlock, Bottleneck, normalised

# depth -> block, and blocks in each of the four stages
DEPTHS: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
}
PLACEMENTS = ("final", "block")


class ResNet(nn.Module):
    """Images to one vector of features each, or to the logits of a classifier.

    7x7 convolution of stride 2, 3x3 max pool of stride 2, four stages at 1/4, 1/8, 1/16 and 1/32, and the
    mean over what is left of the image. Names are those of the public ImageNet weights.

    Args:
        depth: 18, 34, 50 or 101.
        width: channels of the first convolution; the stages have width, 2, 4 and 8 times as many, from 50
            layers on 4 times that. 64 as published.
        attention: channels -> module.
        placement: `final`, on the last feature map (motion paper, section 3), or `block`, on the residual
            path of every block before the shortcut is added (Woo et al. 2018).
        dropout: probability of dropping an activation between the third and the fourth stage, in training.
        classes: logits of a last linear layer; None for the features themselves.

    Attributes:
        features: length of the vector of features.

    Raises:
        ConfigError: an unknown depth or placement.
    """

    def __init__(
        self,
        depth: int = 50,
        width: int = 64,
        attention: Attention = nn.Identity,
        placement: str = "final",
        dropout: float = 0.0,
        classes: int | None = None,
    ) -> None:
        super().__init__()
        if depth not in DEPTHS:
            raise ConfigError(f"model.depth={depth}: choose one of {', '.join(map(str, DEPTHS))}")
        if placement not in PLACEMENTS:
            raise ConfigError(f"model.attention_placement={placement}: choose one of {', '.join(PLACEMENTS)}")
        block, counts = DEPTHS[depth]
        in_block: Attention = attention if placement == "block" else nn.Identity
        self.features = 8 * width * block.expansion
        self.conv1, self.bn1, self.relu = normalised(3, width, 7, stride=2)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        stages, inputs = [], width
        for number, count in enumerate(counts):
            channels = width * 2**number
            stages.append(_stage(block, count, inputs, channels, in_block, stride=1 if number == 0 else 2))
            inputs = channels * block.expansion
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.dropout = nn.Dropout(dropout)
        self.attention = attention(self.features) if placement == "final" else nn.Identity()
        self.fc = nn.Identity() if classes is None else starts_small(nn.Linear(self.features, classes))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) normalised -> (B, features), or (B, classes)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        x = self.layer3(self.layer2(self.layer1(x)))
        x = self.attention(self.layer4(self.dropout(x)))  # (B, features, H / 32, W / 32)
        return self.fc(x.mean((2, 3)))


def _stage(
    block: Callable[..., nn.Module], count: int, inputs: int, channels: int, attention: Attention, stride: int
) -> nn.Sequential:
    outputs = channels * block.expansion  # type: ignore[attr-defined]
    first = block(inputs=inputs, channels=channels, attention=attention, stride=stride)
    rest = (block(inputs=outputs, channels=channels, attention=attention) for _ in range(count - 1))
    return nn.Sequential(first, *rest)
