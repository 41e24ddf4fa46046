"""`ModelCard`: what an exported model is and where it comes from; plain JSON inside the file itself."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dancepose import __version__
from dancepose.errors import CheckpointError

ENTRY = "dancepose"  # the card's name among the metadata of a safetensors or ONNX file
KINDS = ("pose", "motion")


@dataclass(frozen=True)
class ModelCard:
    """The card of an exported model.

    Attributes:
        kind: `pose` or `motion`.
        config: what `build.build` takes: model, skeleton, seed, classes, and how the training tested.
        source: name of the run directory, or of the checkpoint.
        checkpoint: name of the checkpoint file.
        hash: of the run's configuration, data and version; None where the run does not say.
        data: hash of the data that it was trained on; None likewise.
        split: hash of their split; None likewise.
        metrics: what the run measured, by name.
        graph: of an ONNX file, how it was made: `flip`, `multiple` of the input's sides.
        version: of dancepose, which wrote the file.
    """

    kind: str
    config: dict[str, Any]
    source: str
    checkpoint: str
    hash: str | None = None
    data: str | None = None
    split: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    graph: dict[str, Any] = field(default_factory=dict)
    version: str = __version__

    def to_json(self) -> str:
        """Return the card as the text that a file keeps under `ENTRY`."""
        return json.dumps(asdict(self), sort_keys=True)


def read_card(metadata: Mapping[str, str] | None, path: Any) -> ModelCard:
    """Read the card among a file's metadata.

    Args:
        metadata: of the file, text by name.
        path: of the file, for messages.

    Raises:
        CheckpointError: there is no card, or it is broken.
    """
    text = (metadata or {}).get(ENTRY)
    if text is None:
        if str(path).endswith(".onnx"):
            remedy = "Write one of a run: dancepose-export run=<run> format=onnx"
        else:
            remedy = f"To start a training from bare weights (safetensors), give model.weights={path}"
        raise CheckpointError(
            f"{path} was not written by dancepose-export: it lacks the model's card. {remedy}"
        )
    try:
        card = ModelCard(**json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path}: its card cannot be read: {error}") from None
    if card.kind not in KINDS or not isinstance(card.config, dict) or not isinstance(card.graph, dict):
        raise CheckpointError(f"{path}: its card is none of a model: kind {card.kind!r}")
    return card
