import pytest
import yaml

from dancepose.errors import ConfigError
from dancepose.paths import config_dir
from dancepose.tasks.prediction_keys import NEEDS, OVER_TIME, check_keys
from dancepose.tasks.prediction_outputs import Outputs


@pytest.fixture
def shipped():
    return yaml.safe_load((config_dir() / "predict.yaml").read_text())


def test_the_shipped_values_count_as_not_given(shipped):
    check_keys(shipped, video=False)
    check_keys(shipped, video=True)
    assert {*OVER_TIME} <= {*shipped} and {*NEEDS} <= {*OVER_TIME}


def test_what_nothing_reads_is_refused_and_what_is_read_is_not(shipped):
    full = {"smooth": True, "smooth_beta": 1.0, "track_gap": 2.0, "action_smooth": 0.5, "motion": "run"}
    check_keys(shipped | full, video=True)
    for key in ("smooth", "smooth_beta", "track_gap", "action_smooth"):
        with pytest.raises(ConfigError, match=f"^{key}=.* is for a video"):
            check_keys(shipped | {key: full[key]}, video=False)
    with pytest.raises(ConfigError, match=r"^action_smooth=0\.5 needs motion="):
        check_keys(shipped | full | {"motion": None}, video=True)
    with pytest.raises(ConfigError, match=r"^draw_min_score=0\.3 needs draw=true"):
        check_keys(shipped | {"draw_min_score": 0.3, "draw": False}, video=True)
    assert shipped["draw_min_score"] == Outputs.draw_min_score
