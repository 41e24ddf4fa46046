"""Keys of `conf/model/attention/*.yaml`, and the attention that they make.

To add an attention: its class in a file of its own in `dancepose/layers`, one line in `ATTENTIONS`, and a
YAML file in `conf/model/attention`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

from torch import nn

from dancepose.checks import at_least, one_of
from dancepose.errors import ConfigError
from dancepose.layers.attention import CBAM, SPATIAL_NORMS, Attention

# order -> class with CBAM's arguments; nn.Identity takes any
ATTENTIONS: dict[str, Callable[..., nn.Module]] = {
    "none": nn.Identity,
    "cbam0": CBAM,
    "cbam1": CBAM,
    "cbam2": CBAM,
}


@dataclass(frozen=True)
class AttentionConfig:
    """Keys of `conf/model/attention/*.yaml`; see `CBAM`. `gate_scale` None: 2 at placement module, else 1."""

    order: str = "none"
    reduction: int = 16
    kernel: int = 7
    spatial_norm: str = "none"
    gate_scale: float | None = None

    def __post_init__(self) -> None:
        one_of("model.attention.order", self.order, ATTENTIONS)
        one_of("model.attention.spatial_norm", self.spatial_norm, SPATIAL_NORMS)
        at_least("model.attention.reduction", self.reduction, 1)
        at_least("model.attention.kernel", self.kernel, 1)
        if self.kernel % 2 == 0:
            raise ConfigError(f"model.attention.kernel={self.kernel}: it must be odd, to have a centre")
        if self.gate_scale is not None and self.gate_scale <= 0:
            raise ConfigError(f"model.attention.gate_scale={self.gate_scale}: it must be above 0, or null")

    def make(self, scale: float = 1.0, dim: int = 2) -> Attention:
        """Return what makes the attention of a number of channels.

        Args:
            scale: of the gates, where the configuration does not say.
            dim: 2 for maps, 1 for sequences.
        """
        settings = asdict(self)
        if self.gate_scale is None:
            settings["gate_scale"] = scale
        return partial(ATTENTIONS[self.order], **settings, dim=dim)
