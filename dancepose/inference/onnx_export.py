"""Networks as ONNX graphs of any batch, those of poses of any size, with the search for peaks inside."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dancepose.build import Model, MotionModel
from dancepose.codecs.base import Codec
from dancepose.errors import ConfigError
from dancepose.files import write_bytes
from dancepose.inference.extras import need_export
from dancepose.inference.geometry import round_up
from dancepose.model_card import ENTRY, ModelCard
from dancepose.motion_model import example_inputs
from dancepose.networks.hrnet import MULTIPLE
from dancepose.quiet import quiet

log = logging.getLogger(__name__)

OPSET = 18
TRIED = (2, 2 * MULTIPLE, 3 * MULTIPLE)  # batch, height, width of the input that is traced; any will do
LIMIT = 2**31 - 2**20  # bytes of a protobuf message, with room for all but the weights


class PoseGraph(nn.Module):
    """Pictures to what a codec condenses their maps to, the passes of a flip test merged.

    Args:
        network: pictures to maps.
        codec: of the network.
        flip: also run the mirror image.
    """

    def __init__(self, network: nn.Module, codec: Codec, flip: bool) -> None:
        super().__init__()
        self.network, self.codec, self.flip = network, codec, flip

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) uint8 RGB -> the tensors of `Codec.condense`, in its order."""
        return tuple(self.condensed(image).values())

    def condensed(self, image: Tensor) -> dict[str, Tensor]:
        """Return them by name."""
        if not self.flip:
            return self.codec.condense(self.codec.merge([self.network(image)]))
        count = image.shape[0]  # both go through the network together: it stands in the graph once
        maps = self.network(torch.cat([image, image.flip(-1)]))
        mirrored = self.codec.flip([m[count:] for m in maps])
        return self.codec.condense(self.codec.merge([[m[:count] for m in maps], mirrored]))


def export_pose(model: Model, card: ModelCard, path: Path, flip: bool = False) -> ModelCard:
    """Write a pose network as an ONNX file, with its card.

    The graph takes `image` (B, 3, H, W) uint8 RGB, H and W multiples of 32, and gives what `Codec.condense`
    makes: peaks, found by max-pooling and top-k, and the few cells that the codec may fill in with.

    Args:
        model: its network is put into evaluation mode, on the CPU, in place.
        card: of the model; that of the file says also how the graph was made.
        path: of the file, written whole or not at all.
        flip: have the mirror image looked at, too, inside the graph.

    Returns:
        The card as it stands in the file.

    Raises:
        ConfigError: the extra `export` is not installed, or the network cannot be exported.
    """
    graph = PoseGraph(model.network.cpu().eval(), model.codec, flip)
    batch, height, width = TRIED
    multiple = round_up(max(output.stride for output in model.codec.outputs), MULTIPLE)
    image = torch.zeros(batch, 3, height, width, dtype=torch.uint8)
    with torch.inference_mode():
        names = list(graph.condensed(image))
    dim = torch.export.Dim
    free = {0: dim("batch"), 2: multiple * dim("height"), 3: multiple * dim("width")}
    card = replace(card, graph={"flip": flip, "multiple": multiple})
    _write(graph, {"image": image}, names, {"image": free}, card, path)
    return card


def export_motion(model: MotionModel, card: ModelCard, path: Path, side: int) -> ModelCard:
    """Write a motion classifier as an ONNX file, with its card.

    The graph takes the network's inputs by name, for any batch, and gives `logits` (B, classes).

    Args:
        model: its network is put into evaluation mode, on the CPU, in place.
        card: of the model.
        path: of the file, written whole or not at all.
        side: of the picture that the network takes, in pixels.

    Raises:
        ConfigError: the extra `export` is not installed, or the network cannot be exported.
    """
    network = model.network.cpu().eval()
    inputs = example_inputs(network, model.encoder, len(model.skeleton), side, batch=2)
    if "image" in inputs:
        inputs["image"] = inputs["image"].to(torch.uint8)
    free = {name: {0: torch.export.Dim("batch")} for name in inputs}
    card = replace(card, graph={"side": side})
    _write(network, inputs, ["logits"], free, card, path)
    return card


def _write(
    graph: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: list[str],
    free: Mapping[str, Any],
    card: ModelCard,
    path: Path,
) -> None:
    need_export()
    if (size := 4 * sum(p.numel() for p in graph.parameters())) > LIMIT:
        raise ConfigError(f"the network has {size / 2**30:.1f} GiB of weights: an ONNX file holds 2")
    log.info("tracing the network and translating it into a graph: this may take some minutes")
    # which tells of packages that are not installed, and warns of what it does itself
    with quiet("torch.onnx", "onnxscript", "onnx_ir"), torch.no_grad():
        try:
            program = torch.onnx.export(
                graph,
                kwargs=dict(inputs),
                input_names=list(inputs),
                output_names=outputs,
                dynamic_shapes=dict(free),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            reason = " ".join(str(error).split())[:400]
            raise ConfigError(f"format=onnx: the network cannot be exported: {reason}") from error
    assert program is not None
    proto = program.model_proto
    _forget_origins(proto)
    proto.producer_name, proto.producer_version = "dancepose", card.version
    proto.metadata_props.add(key=ENTRY, value=card.to_json())
    log.info("writing the graph")
    write_bytes(path, proto.SerializeToString())


def _forget_origins(proto: Any) -> None:
    """Take out what the exporter notes of each node: source lines with paths of this machine."""
    del proto.metadata_props[:]
    for graph in (proto.graph, *proto.functions):
        for part in ("node", "value_info", "input", "output", "initializer"):
            for entry in getattr(graph, part, ()):
                if hasattr(entry, "metadata_props"):
                    del entry.metadata_props[:]
                if part in ("node", "initializer"):
                    entry.doc_string = ""
        if hasattr(graph, "metadata_props"):
            del graph.metadata_props[:]
