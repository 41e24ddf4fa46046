"""The keys of `dancepose-predict` that only some of its uses read: none is passed over in silence."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from dancepose.errors import ConfigError
from dancepose.inference.video_pipeline import VideoOptions
from dancepose.tasks.prediction_outputs import Outputs

OVER_TIME = ("track_gap", "smooth", "smooth_cutoff", "smooth_beta", "action_smooth")
# key -> the one without which nothing reads it, and that one's value
NEEDS = {
    "track_gap": ("track", "true"),
    "smooth_cutoff": ("smooth", "true"),
    "smooth_beta": ("smooth", "true"),
    "action_smooth": ("motion", "<run>"),
}


def check_keys(cfg: Mapping[str, Any], video: bool) -> None:
    """Refuse a key that was given and that nothing will read.

    Args:
        cfg: the keys of conf/predict.yaml.
        video: the source is a video or a camera.

    Raises:
        ConfigError: names the key, and what it is for.
    """
    usual = asdict(VideoOptions())
    given = [key for key in OVER_TIME if cfg[key] != usual[key]]
    for key in given:
        told = f"{key}={str(cfg[key]).lower()}"
        if not video:
            raise ConfigError(f"{told} is for a video: leave it out, these are pictures")
        needed, value = NEEDS.get(key, ("", ""))
        if needed and not cfg[needed]:
            raise ConfigError(f"{told} needs {needed}={value}: without it nothing reads {key}")
    if cfg["draw_min_score"] != Outputs.draw_min_score and not cfg["draw"]:
        raise ConfigError(f"draw_min_score={cfg['draw_min_score']} needs draw=true: nothing is drawn without")
    if video and cfg["activation"]:
        raise ConfigError("activation=true is for pictures: give one, or leave it out")
