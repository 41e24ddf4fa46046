import hashlib
from pathlib import Path

import torch

from dancepose.build import build
from dancepose.inference.geometry import TestGeometry
from dancepose.inference.pipeline import Pipeline
from dancepose.inference.pose import PosePredictor
from dancepose.inference.video_pipeline import VideoOptions
from dancepose.tasks.provenance import provenance


def test_it_names_networks_by_path_and_content_and_says_how_they_were_asked(tmp_path: Path, caplog):
    config = {"model": {"width": 4, "depth": "small"}, "skeleton": "mpii15", "test": {"test_size": 64}}
    model = build(config)
    state = {f"network.{name}": value for name, value in model.network.state_dict().items()}
    path = tmp_path / "run" / "checkpoints" / "last.ckpt"
    path.parent.mkdir(parents=True)
    torch.save({"dancepose": model.config | {"test": config["test"]}, "state_dict": state}, path)
    asked = {"device": "cpu", "precision": "32-true", "flip": True, "size": 96, "tile": 300}
    told = provenance(Pipeline.from_run(tmp_path / "run", min_score=0.25, **asked))
    assert "has no best checkpoint" in caplog.text, "another than what was asked for is no secret"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    assert told["pose"] == {"file": str(path), "sha256": digest} and told["motion"] is None
    wanted = {"test_size": 96, "flip": True, "scales": [1.0], "precision": "32-true", "device": "cpu"}
    wanted |= {"tile": 300, "min_score": 0.25, "min_size": 0, "batch_size": 2}
    assert {key: told[key] for key in wanted} == wanted and told["version"]


def test_networks_that_are_from_no_file():
    model = build({"model": {"width": 4, "depth": "small"}, "skeleton": "mpii15"})
    pose = PosePredictor(model, TestGeometry(64), scales=[1, 0.5], device="cpu", dtype=torch.bfloat16)
    told = provenance(Pipeline(pose))
    assert told["pose"] is None and told["scales"] == [1.0, 0.5] and told["precision"] == "bf16-mixed"
    assert told["tile"] is None and "smooth" not in told


def test_of_a_video_what_is_done_over_time_is_among_it():
    model = build({"model": {"width": 4, "depth": "small"}, "skeleton": "mpii15"})
    pipeline = Pipeline(PosePredictor(model, TestGeometry(64), device="cpu"))
    told = provenance(pipeline, VideoOptions(track_gap=0.5, smooth=True, action_smooth=0.25))
    wanted = {"track": True, "track_gap": 0.5, "smooth": True, "action_smooth": 0.25, "smooth_beta": 2.0}
    assert {key: told[key] for key in wanted} == wanted
