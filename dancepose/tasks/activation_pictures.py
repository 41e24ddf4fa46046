"""`ActivationWriter`: pictures of activation maps and gates, of `dancepose-predict activation=true`."""

from pathlib import Path

import numpy as np

from dancepose.errors import ConfigError
from dancepose.inference.actions import ActionPredictor, ActionSample
from dancepose.inference.activation import draw_activations, pose_activations, recorded
from dancepose.inference.drawing import write_image
from dancepose.inference.interface import Prediction
from dancepose.inference.onnx_run import OnnxActionNetwork
from dancepose.inference.pipeline import Pipeline
from dancepose.inference.pose import PosePredictor
from dancepose.tasks.output_paths import OutputPaths
from dancepose.tasks.prediction_outputs import told_person


class ActivationWriter:
    """Writes what the networks did with a picture: of poses as a whole, of a classifier for each person.

    The networks run once more for it, the pose network without mirror image, scales and tiles; so it is for
    a few pictures.

    Args:
        pipeline: of the networks.
        paths: `activation/<picture>.jpg` and `<picture>_person_<number>.jpg` are written below its folder.

    Raises:
        ConfigError: a network is in an ONNX file, whose features nobody sees.
    """

    def __init__(self, pipeline: Pipeline, paths: OutputPaths) -> None:
        if not isinstance(pipeline.pose, PosePredictor):
            raise ConfigError("activation=true needs a network of PyTorch: give the run or its safetensors")
        self._pose, self._paths = pipeline.pose, paths
        self._action: ActionPredictor | None = None
        if (action := pipeline.action) is not None and action.looks:
            if isinstance(action.model.network, OnnxActionNetwork):
                raise ConfigError(
                    "activation=true needs a classifier of PyTorch: give motion= the run or its safetensors"
                )
            self._action = action.copied()  # the pipeline's own is asked in another thread meanwhile

    def write(self, prediction: Prediction) -> None:
        """Write the pictures of a prediction that has its pixels.

        Raises:
            ConfigError: a file would replace a picture that was given.
            DanceposeError: a file cannot be written.
        """
        assert prediction.picture is not None
        frame = prediction.frame
        path = self._paths.drawn("activation", frame.name)
        network, geometry = self._pose.network.eval(), self._pose.geometry
        found, shown = pose_activations(network, geometry, prediction.picture)
        self._write(path, draw_activations(shown, found, title=frame.name))
        for number, person in enumerate(frame.people if self._action is not None else ()):
            assert self._action is not None
            with recorded(self._action.model.network) as found:
                self._action([ActionSample([person], frame.size, prediction.picture)])
            if found.images is None:  # too little is seen of the person to ask
                continue
            drawn = draw_activations(found.images[0], found, title=told_person(number, person))
            self._write(self._paths.person("activation", frame.name, number), drawn)

    def _write(self, path: Path, drawn: np.ndarray) -> None:
        self._paths.originals.check(path)
        write_image(path, drawn)
