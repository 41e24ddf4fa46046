"""What a seed draws is pinned: a change of it has to raise `VERSION`.

`python tests/data/synthetic/test_version.py` renews the file that pins it.
"""

import base64
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from dancepose.data.images import read_image
from dancepose.data.synthetic.dataset import sampled_frames, write_scenes
from dancepose.data.synthetic.scene_set import VERSION, SceneSet
from dancepose.data.synthetic.staging import DIFFICULTIES

PINNED = Path(__file__).with_name("drawn.json")
SETS = {
    **{name: SceneSet(2, 0, 1, name, "coco", seed=5) for name in DIFFICULTIES},
    "clip": SceneSet(0, 0, 1, "medium", "actions", "openpose18", seed=6, frames=3, rate=5.0),
}
BLOCK = 32  # pixels of a picture to one of its thumbnail
RENEW = f"python {Path(__file__).relative_to(Path(__file__).parents[3])}"
CHANGED = (
    f"what a seed draws has changed: raise VERSION in dancepose/data/synthetic/scene_set.py, then {RENEW}"
)


def draw(name: str, root: Path) -> dict[str, dict]:
    """Picture -> its people, their keypoints in whole pixels, and its thumbnail."""
    frames = sampled_frames(SETS[name], write_scenes(SETS[name], root, workers=1), 100)
    found = {}
    for frame in frames:
        picture = read_image(frame.image).astype(float)
        height, width = picture.shape[0] // BLOCK, picture.shape[1] // BLOCK
        small = picture.reshape(height, BLOCK, width, BLOCK, 3).mean((1, 3)).round().astype(np.uint8)
        found[frame.name] = {
            "keypoints": [person.keypoints.round().astype(int).ravel().tolist() for person in frame.people],
            "actions": [person.action for person in frame.people],
            "thumbnail": base64.b64encode(small.tobytes()).decode(),
        }
    return found


def alike(one: dict, other: dict) -> bool:
    """Whether two pictures are the same but for the rounding of another machine."""
    if one["actions"] != other["actions"]:
        return False
    a, b = (np.array(each["keypoints"]).reshape(-1, 3) for each in (one, other))
    small, smaller = (
        np.frombuffer(base64.b64decode(each["thumbnail"]), np.uint8).astype(int) for each in (one, other)
    )
    moved = np.abs(a[:, :2] - b[:, :2]) > 1
    return not moved.any() and (a[:, 2] != b[:, 2]).mean() < 0.03 and np.abs(small - smaller).max() <= 2


@pytest.mark.parametrize("name", SETS)
def test_what_a_seed_draws_is_what_its_version_says(name, tmp_path):
    pinned = json.loads(PINNED.read_text())
    assert pinned["version"] == VERSION, f"{PINNED.name} is of version {pinned['version']}: {RENEW}"
    drawn = draw(name, tmp_path / "set")
    assert set(drawn) == set(pinned["pictures"][name]), CHANGED
    assert all(alike(drawn[frame], pinned["pictures"][name][frame]) for frame in drawn), CHANGED


def test_a_change_of_keypoints_people_or_colours_is_noticed(tmp_path):
    one = next(iter(draw("easy", tmp_path / "set").values()))
    assert alike(one, one)
    points = np.array(one["keypoints"])
    moved = points + 3 * (np.arange(points.shape[1]) == 0)
    assert not alike(one, {**one, "keypoints": moved.tolist()})
    assert not alike(one, {**one, "actions": one["actions"][1:]})
    small = np.frombuffer(base64.b64decode(one["thumbnail"]), np.uint8) // 8 * 8
    assert not alike(one, {**one, "thumbnail": base64.b64encode(small.tobytes()).decode()})


def renew() -> str:
    """Pin what is drawn now; return an error, if any."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = {name: draw(name, Path(folder) / name) for name in SETS}
    if PINNED.exists():
        pinned = json.loads(PINNED.read_text())
        if pinned["version"] == VERSION and pinned["pictures"] != pictures:
            return f"what a seed draws has changed, VERSION = {VERSION} has not: raise it first"
    PINNED.write_text(json.dumps({"version": VERSION, "pictures": pictures}) + "\n")
    return ""


if __name__ == "__main__":
    sys.exit(renew())
