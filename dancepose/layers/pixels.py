"""What networks do to pictures before their first convolution."""

import torch
from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB in 0 .. 1
IMAGENET_STD = (0.229, 0.224, 0.225)


class PixelNorm(nn.Module):
    """Normalise bytes by the ImageNet mean and deviation; floats pass, for they are normalised already."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        # not in the state dict: they are no weights
        self.register_buffer("mean", 255 * torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) RGB, uint8 or normalised -> (B, 3, H, W) normalised."""
        return (images - self.mean) / self.std if images.dtype == torch.uint8 else images
