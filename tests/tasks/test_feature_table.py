import numpy as np
import pytest
from factories import stick_rows

from dancepose.data.motion_samples import MotionSample
from dancepose.encoders import FrameEncoder, ImageOnly, SequenceEncoder
from dancepose.features import KeypointFeatures
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton
from dancepose.tasks import feature_table as module
from dancepose.tasks.feature_table import feature_table

SKELETON = load_skeleton("openpose18")
FEATURES = KeypointFeatures(SKELETON)


def samples(count: int = 30) -> list[MotionSample]:
    """People of two classes, who differ by how high their left wrist is, and of none of the third."""
    rows = np.concatenate([stick_rows(count), np.full((count, 18, 1), 2.0)], axis=2)
    wrist, label = SKELETON.index("left_wrist"), np.arange(count) % 2
    rows[:, wrist, 1] = np.where(label == 1, -500, 500) + np.arange(count)
    frame = Frame(None, (9, 9), [], "openpose18")
    return [MotionSample(str(i), None, int(label[i]), ((frame, Person(rows[i])),)) for i in range(count)]


@pytest.mark.parametrize("at_once", [4096, 7])
def test_shares_are_those_of_the_definition(monkeypatch, at_once):
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    made = samples()
    table = feature_table(FrameEncoder(FEATURES), made, ("down", "up", "none"))
    values = FEATURES(np.stack([s.middle[1].keypoints for s in made])).astype(np.float64)
    label = np.array([s.label for s in made])
    means = np.stack([values[label == c].mean(0) for c in (0, 1)])
    np.testing.assert_allclose(table.mean, values.mean(0), atol=1e-9)
    np.testing.assert_allclose(table.std, values.std(0), atol=1e-6)
    np.testing.assert_allclose(table.class_means[:2], means, atol=1e-9)
    assert np.isnan(table.class_means[2]).all() and table.names == FEATURES.names
    varies = values.var(0) > 1e-6
    wanted = means[label].var(0)[varies] / values.var(0)[varies]
    np.testing.assert_allclose(table.between[varies], wanted, atol=1e-6)
    assert np.isnan(table.between[values.std(0) == 0]).all()
    name, share = next(iter(table.most_telling().items()))
    assert "left_wrist" in name and share > 0.9 and len(table.most_telling()) == 5
    assert table.rows()[1][0] == name and len(table.rows()) == 1 + FEATURES.dimension


def test_a_window_counts_by_its_middle_and_pictures_alone_have_no_features():
    made = samples()
    windows = [MotionSample(s.id, None, s.label, (made[0].middle, s.middle)) for s in made]
    one = feature_table(FrameEncoder(FEATURES), made, ("down", "up"))
    other = feature_table(SequenceEncoder(FEATURES, 2), windows, ("down", "up"))
    assert one.rows() == other.rows()
    assert feature_table(ImageOnly(), made, ("down", "up")) is None
    assert feature_table(FrameEncoder(FEATURES), [], ("down", "up")) is None
