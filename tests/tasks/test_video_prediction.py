"""A video predicted by Python: what is counted is what was written."""

import json

import pytest
from moving import COUNT, moving_pipeline, moving_video

from dancepose.inference.video import VideoReader
from dancepose.inference.video_pipeline import VideoOptions
from dancepose.tasks.prediction_outputs import Outputs
from dancepose.tasks.video_prediction import predict_frames


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return moving_video(tmp_path_factory.mktemp("moving") / "clip.avi")


@pytest.mark.parametrize("draw", [False, True])
def test_the_tally_is_of_what_was_written(video, draw, tmp_path):
    with VideoReader(video) as reader:
        tally = predict_frames(moving_pipeline(), reader, tmp_path, Outputs(draw=draw), VideoOptions())
    assert (tally.pictures, tally.people) == (COUNT, 2 * COUNT)
    told = json.loads((tmp_path / "summary.json").read_text())
    assert told["pictures"] == COUNT and told["tracks"] == 2 and told["status"] == "done"
    written = json.loads((tmp_path / "predictions.json").read_text())["images"]
    assert sum(len(image["people"]) for image in written) == tally.people
    assert [path.name for path in tmp_path.glob("*.mp4")] == ["clip.mp4"] * draw
