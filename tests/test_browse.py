import json
import re

import cv2
import numpy as np
import pytest
from factories import labelme_shape, make_actions, make_archive, make_labelme
from running import command, run_task

from dancepose.browse import browse, keypoint_counts, keypoint_table
from dancepose.errors import ConfigError, DataError
from dancepose.inference.drawing import LEFT, RIGHT
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton

SMALL = ["data.size=64", "data.batch_size=2", "data.workers=0", "data.val=2", "data.test=1", "data=dance"]


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    """Leave out the figure of statistics, which takes seconds, where it is not what is tested."""
    if request.node.originalname not in ("test_statistics", "test_real_photographs", "test_real_frames"):
        monkeypatch.setattr("dancepose.data.statistics_figure.draw_statistics", lambda *args: b"no figure")


@pytest.fixture
def data(tmp_path):
    root = tmp_path / "data"
    return root, make_labelme(root, frames=8, people=2)


def show(tmp_path, *overrides, config=SMALL):
    run_dir = tmp_path / "run"
    run_task(browse, "browse", run_dir, f"data.root={tmp_path / 'data'}", *config, *overrides)
    return run_dir, json.loads((run_dir / "browse.json").read_text())


def picture(path):
    return cv2.imread(str(path))[..., ::-1]


def near(image, colour):
    return np.abs(image.astype(int) - colour).max(axis=2) < 40  # JPEG


def test_training_samples(tmp_path, data):
    run_dir, listing = show(tmp_path, "count=3", "epochs=2")
    assert listing["split"] | {"hash": ""} == {"hash": "", "train": 5, "val": 2, "test": 1}
    assert len(listing["split"]["hash"]) == 16
    drawn = [shown["frame"] for shown in listing["pictures"]]
    assert len(set(drawn)) == 3 and set(drawn) < {frame.name for frame in data[1]}
    for shown in listing["pictures"]:
        sheet = picture(run_dir / shown["file"])
        assert sheet.shape[1] == 3 * 368 + 8, "labels and two epochs side by side"
        assert sheet.shape[0] > 3 * 360, "people and two scales of heatmaps below each other"
        people = sheet[:400]
        assert near(people, LEFT).any() and near(people, RIGHT).any()
        first, second = sheet[40:390, 376:736], sheet[40:390, 744:1104]
        assert np.abs(first.astype(int) - second).mean() > 5, "another epoch, another sample"
    overview = picture(run_dir / "pictures" / "train.jpg")
    assert overview.shape[1] == 2 * 368 + 8
    assert sorted(p.name for p in (run_dir / "pictures").iterdir()) == [
        "statistics.png",
        "train.jpg",
        *(f"train_{i:03d}.jpg" for i in range(3)),
    ]


def test_listing(tmp_path, data):
    frames = data[1]
    listing = show(tmp_path, "count=0")[1]
    assert listing["skeleton"] == "mpii15" and listing["pictures"] == []
    assert sum(row["people"] for row in listing["counts"]) == 16
    total = {
        k: sum(part[k]["annotated"] for part in listing["keypoints"].values())
        for k in ("left_knee", "pelvis")
    }
    assert total == {"left_knee": 16, "pelvis": 16}
    occluded = sum(c["occluded"] for part in listing["keypoints"].values() for c in part.values())
    assert occluded == sum((p.keypoints[:, 2] == 1).sum() for f in frames for p in f.people) == 16
    assert listing["keypoints"]["train"]["left_knee"]["labelled"] == 1.0
    assert listing["problems"] == {"counts": {}, "all": []}


@pytest.mark.parametrize("part", ["val", "test"])
def test_evaluation_samples_lie_where_the_geometry_puts_them(tmp_path, data, part):
    run_dir, listing = show(tmp_path, f"part={part}", "count=1")
    (shown,) = listing["pictures"]
    sheet = picture(run_dir / shown["file"])
    assert sheet.shape[1] == 4 * 368 + 8, "labels, input and two scales in a row"
    # 160 x 128 becomes 80 x 64, padded to 128 x 64: the input's people take up 5/8 of its width
    original, fed = near(sheet[30:400, 8:368], LEFT), near(sheet[30:400, 376:736], LEFT)
    spread = [np.argwhere(m)[:, 1].max() for m in (original, fed)]
    assert spread[1] / spread[0] == pytest.approx(80 / 128, abs=0.03)


def relabel(root, *shapes, **flags):
    """Add shapes and picture flags to every label file."""
    for path in root.glob("*.json"):
        content = json.loads(path.read_text())
        content["shapes"] += shapes
        content["flags"] |= flags
        path.write_text(json.dumps(content))


def masked(before, after, x):
    """Where a panel of a sheet was hatched: (180, 360) bool, and the mean change of colour there."""
    panel = [sheet[38:218, x : x + 360].astype(int) for sheet in (before, after)]
    change = np.abs(panel[1] - panel[0]).max(axis=2) > 40
    return change, (panel[1] - panel[0])[change].mean(axis=0) if change.any() else np.zeros(3)


def test_what_is_not_in_the_loss_is_hatched(tmp_path, data):
    """An ignore region over the left quarter of a picture; then one of which not all people are labelled."""

    def sheet():
        run_dir, listing = show(tmp_path, "part=test", "count=1")
        return picture(run_dir / listing["pictures"][0]["file"])

    plain = sheet()
    relabel(data[0], labelme_shape("ignore", [[0, 0], [40, 127]], "rectangle"))
    ignoring = sheet()
    for x in (744, 1112):  # the heatmaps of both scales
        hatched, change = masked(plain, ignoring, x)
        assert hatched.any(), "no mask is drawn"
        # 160 x 128 becomes 80 x 64, padded to 128 x 64: the region is columns 0 to 20 of 128, in whole cells
        columns = np.flatnonzero(hatched.any(axis=0)) * 128 / 360
        assert columns.min() < 1 and 20 <= columns.max() <= 24
        assert hatched.any(axis=1).all() and change[2] > change[1] + 40, "magenta, from top to bottom"
    for x in (8, 376):  # the picture and the input show people, not masks
        assert not masked(plain, ignoring, x)[0].any()

    relabel(data[0], complete=False)
    incomplete = sheet()
    for x in (744, 1112):  # the padding is far from everybody, and no ignore region
        shares = [masked(plain, after, x)[0][:, 320:].mean() for after in (ignoring, incomplete)]
        assert shares[0] == 0 and shares[1] > 0.1


def test_the_same_seed_shows_the_same(tmp_path, data):
    def once(*overrides):
        run_dir, listing = show(tmp_path, "count=2", "epochs=1", *overrides)
        return [s["frame"] for s in listing["pictures"]], picture(run_dir / "pictures" / "train.jpg")

    names, sheet = once()
    again, same = once()
    assert names == again and np.array_equal(sheet, same)
    other = once("seed=5")
    assert other[0] != names or not np.array_equal(other[1], sheet)


def test_more_pictures_than_there_are(tmp_path, data):
    assert len(show(tmp_path, "part=test", "count=99")[1]["pictures"]) == 1


def cut(path, keep=-500):
    """Leave only the beginning of a file."""
    path.write_bytes(path.read_bytes()[:keep])


def spoil(root):
    """Damage a folder of eight pictures in every way that stops a training, and in one that does not."""
    cut(root / "frame_001.jpg")
    (root / "frame_002.jpg").unlink()
    label = json.loads((root / "frame_003.json").read_text())
    label["shapes"][0]["label"] = "left_kneee"
    (root / "frame_003.json").write_text(json.dumps(label))
    cut(root / "frame_004.json")
    (root / "frame_005.json").write_bytes(b'{"shapes": "\xff\xfe"}')
    (root / "frame_006.json").write_text('{"shapes": [{"label": "pelvis", "points": 3}]}')
    (root / "frame_007.json").write_text("[]")


COUNTS = {"annotation broken": 4, "unknown label": 1, "image missing": 1, "image broken": 1}
REFUSAL = r"refuse to start: annotation broken 4, image missing 1, image broken 1\. Mend the files"


def test_everything_is_written_and_then_the_refusal_told(tmp_path, data, caplog):
    spoil(data[0])
    with caplog.at_level("INFO"), pytest.raises(DataError, match=REFUSAL):
        show(tmp_path, "count=9", "data.val=none", "data.test=none")
    listing = json.loads((tmp_path / "run" / "browse.json").read_text())
    assert listing["problems"]["counts"] == COUNTS
    assert all(
        {"kind", "file", "field", "detail", "count"} <= set(problem) for problem in listing["problems"]["all"]
    )
    broken = [p for p in listing["problems"]["all"] if p["kind"] == "annotation broken"]
    assert [p["file"][-14:] for p in broken] == [f"frame_00{number}.json" for number in (4, 5, 6, 7)]
    assert broken[2]["field"] == "shapes[0].points" and "must hold a mapping" in broken[3]["detail"]
    assert [shown["frame"] for shown in listing["pictures"]] == ["frame_000.jpg", "frame_003.jpg"]
    for shown in listing["pictures"]:
        assert picture(tmp_path / "run" / shown["file"]).std() > 20
    found = ", ".join(f"{kind} {count}" for kind, count in COUNTS.items())
    assert f"problems: {found}" in caplog.text, "the summary agrees with the list below it"
    assert "2 pictures, statistics.png and browse.json written" in caplog.text


def test_an_image_that_is_broken_behind_its_header(tmp_path):
    make_labelme(tmp_path / "data", frames=8, suffix=".png")
    path = tmp_path / "data" / "frame_003.png"
    content = bytearray(path.read_bytes())
    content[100:-100] = bytes(len(content) - 200)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"refuse to start: image broken 1\."):
        show(tmp_path, "count=8", "data.val=none", "data.test=none")
    listing = json.loads((tmp_path / "run" / "browse.json").read_text())
    assert listing["problems"]["counts"] == {"image broken": 1} and len(listing["pictures"]) == 7


def test_what_a_training_would_not_look_at_is_no_refusal(tmp_path, data):
    """A picture of no part of the split may be missing."""
    (data[0] / "frame_007.jpg").unlink()
    split = tmp_path / "s.json"
    split.write_text(json.dumps({"train": [f"frame_00{number}.jpg" for number in range(5)]}))
    listing = show(tmp_path, "count=1", f"data.split={split}")[1]
    assert listing["problems"]["counts"] == {"in no part of the split": 3, "image missing": 1}


def test_pictures_of_too_few_people_are_no_problem(tmp_path, data, caplog):
    make_labelme(data[0], frames=3, people=1, folder="alone")
    with caplog.at_level("INFO"):
        listing = show(tmp_path, "count=0", "data.min_people=2")[1]
    assert listing["problems"] == {"counts": {}, "all": []} and listing["left_out"] == 3
    assert "left out by data.min_people=2: 3 pictures\nproblems: none" in caplog.text
    assert "no problems found" not in caplog.text, "said once"


def test_statistics(tmp_path, data):
    run_dir, listing = show(tmp_path, "count=0")
    found = listing["statistics"]
    assert [found[part]["people"] for part in ("train", "val", "test")] == [10, 4, 2]
    assert found["train"]["people_per_picture"] == {"counts": [0, 0, 5], "mean": 2.0}
    # 160 x 128 becomes 80 x 64
    sizes = found["train"]["person_size"]
    assert sizes["input"]["most"] == pytest.approx(sizes["pixels"]["most"] / 2, abs=1e-3)
    assert picture(run_dir / "pictures" / "statistics.png").shape[1] == 1500


def test_out_and_another_head(tmp_path, data):
    out = tmp_path / "elsewhere"
    run_task(
        browse,
        "browse",
        tmp_path / "run",
        f"data.root={data[0]}",
        *SMALL,
        f"out={out}",
        "count=1",
        "epochs=1",
        "model/head=single",
        "skeleton=coco17",
    )
    assert json.loads((out / "browse.json").read_text())["skeleton"] == "coco17"
    assert picture(out / "pictures" / "train_000.jpg").shape[1] == 3 * 368 + 8, "one scale"


def test_refusals(tmp_path, data):
    for override, words in [
        ("part=validation", "part"),
        ("count=-1", "count"),
        ("epochs=0", "epochs"),
        ("model.codec.sigma=0", "sigma"),
        ("+model.codec.sigmaa=1", "sigma"),
        ("+counts=1", "count"),
    ]:
        with pytest.raises(ConfigError, match=words):
            show(tmp_path, override)
    with pytest.raises(DataError, match="data.root"):
        show(tmp_path, "data=dance", "data.root=nowhere")


def test_command(tmp_path, data):
    done = command("browse", f"data.root={data[0]}", *SMALL, "count=1", "epochs=1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (run_dir,) = (tmp_path / "outputs" / "browse").iterdir()
    assert (run_dir / "pictures" / "train.jpg").is_file() and (run_dir / "browse.json").is_file()
    assert "left_knee" in done.stdout and "split" in done.stdout and "problems: none" in done.stdout
    place = run_dir.relative_to(tmp_path)
    assert done.stdout.endswith(f"\n1 picture, statistics.png and browse.json written to {place}\n")


@pytest.mark.slow
def test_command_ends_with_status_1_where_training_would_refuse(tmp_path, data):
    spoil(data[0])
    overrides = [f"data.root={data[0]}", *SMALL, "data.val=none", "data.test=none", "count=1", "epochs=1"]
    done = command("browse", *overrides, cwd=tmp_path)
    assert done.returncode == 1 and re.fullmatch(rf"error: .*{REFUSAL}.*\n", done.stderr)
    (run_dir,) = (tmp_path / "outputs" / "browse").iterdir()
    assert (run_dir / "pictures" / "train.jpg").is_file() and (run_dir / "browse.json").is_file()


def test_actions(tmp_path, caplog):
    """Boxes, names and keypoints where there are; a picture without keypoints as it is labelled, once."""
    root = tmp_path / "data"
    make_actions(root, clips=6, people=1)
    content = json.loads((root / "actions.json").read_text())
    for sample in content["samples"][:2]:
        sample |= {"keypoints": None, "box": None}
    (root / "actions.json").write_text(json.dumps(content))
    keys = [
        "data=action_poses",
        "skeleton=openpose18",
        "count=99",
        "epochs=2",
        "data.val=none",
        "data.test=4",
    ]
    with caplog.at_level("INFO"):
        run_dir, listing = show(tmp_path, *keys, config=[key for key in SMALL if "val" not in key])
    assert re.search(r"samples \(clips\) .*\nwave  +2 \(1\)  0 \(0\)  2 \(1\)\n", caplog.text)
    assert "without keypoints (a training of poses leaves them out): 2 pictures" in caplog.text
    assert listing["without_keypoints"] == 2
    assert listing["statistics"]["train"]["actions"]["walk"]["clips"] == 1
    blank = {sample["image"] for sample in content["samples"][:2]}
    for shown in listing["pictures"]:
        sheet = picture(run_dir / shown["file"])
        panels = 1 if shown["frame"] in blank else 3
        assert sheet.shape[1] == panels * 368 + 8


def test_skeletons_are_shown_as_motion_networks_have_them_and_each_class_first(tmp_path):
    """A clip of each class is held out of the few that train; nothing of it could be shown."""
    make_archive(tmp_path / "mine.npz", ["other", "other", "other", "wave"], blocks=3, length=4)
    run_dir = tmp_path / "run"
    keys = ["data=skeletons", f"data.annotations={tmp_path / 'mine.npz'}"]
    for seed in range(3):
        run_task(browse, "browse", run_dir, *keys, "count=2", "epochs=1", f"seed={seed}")
        listing = json.loads((run_dir / "browse.json").read_text())
        assert [shown["file"] for shown in listing["pictures"]] == [
            f"pictures/train_00{i}.jpg" for i in (0, 1)
        ]
    assert listing["skeleton"] == "common13"
    assert all(counts["annotated"] for counts in listing["keypoints"]["train"].values())
    run_task(browse, "browse", run_dir, *keys, "count=0", "skeleton=mpii15")
    assert json.loads((run_dir / "browse.json").read_text())["skeleton"] == "mpii15"


def test_keypoint_counts_of_partial_labels():
    skeleton = load_skeleton("mpii15")
    keypoints = np.zeros((15, 3))
    keypoints[:4, 2] = [2, 1, 2, 0]
    labelled = np.arange(15) < 6
    frames = [
        Frame("a.jpg", (10, 10), [Person(keypoints), Person(keypoints)], "mpii15", labelled=labelled),
        Frame("b.jpg", (10, 10), [], "mpii15"),
    ]
    counts = keypoint_counts(frames, skeleton)
    assert counts["head_top"] == {"annotated": 2, "occluded": 0, "labelled": 1.0}
    assert counts["upper_neck"] == {"annotated": 2, "occluded": 2, "labelled": 1.0}
    assert counts["right_ankle"] == {"annotated": 0, "occluded": 0, "labelled": 0.5}
    nothing = keypoint_counts([], skeleton)
    table = keypoint_table({"train": counts, "val": nothing})
    assert "train" in table and "val" not in table and "2 (2)  100%" in table
    assert keypoint_table({"train": nothing, "val": nothing}) == "no keypoint is annotated"


def test_real_photographs(tmp_path, shared):
    run_dir = tmp_path / "run"
    root = shared / "data" / "scenes_labelme"
    split = shared / "data" / "scenes_split.json"
    overrides = [
        "data=dance",
        f"data.root={root}",
        f"data.split={split}",
        "data.workers=0",
        "count=2",
        "epochs=1",
        "data.size=128",
    ]
    run_task(browse, "browse", run_dir, *overrides)
    listing = json.loads((run_dir / "browse.json").read_text())
    assert listing["split"]["test"] == 30 and sum(row["images"] for row in listing["counts"]) == 85
    assert listing["keypoints"]["test"]["head_top"]["labelled"] < 0.5
    assert listing["problems"]["counts"]["unknown label"] == 6
    assert picture(run_dir / "pictures" / "train.jpg").std() > 20


def test_real_frames(tmp_path, shared):
    """Frames of video without boxes and keypoints: actions alone."""
    run_dir = tmp_path / "run"
    keys = ["data=action", f"data.root={shared / 'data' / 'actions'}", "skeleton=openpose18", "count=3"]
    run_task(browse, "browse", run_dir, *keys)
    listing = json.loads((run_dir / "browse.json").read_text())
    assert listing["problems"]["counts"] == {} and listing["without_keypoints"] == 595
    actions = {part: numbers["actions"] for part, numbers in listing["statistics"].items()}
    for name, total in {"wave": 210, "walk": 205, "other": 180}.items():
        found = [actions[part][name]["samples"] for part in ("train", "val", "test")]
        assert sum(found) == total and min(found) >= 15
    assert picture(run_dir / "pictures" / "train.jpg").std() > 20
    statistics = picture(run_dir / "pictures" / "statistics.png")
    assert statistics.shape[1] == 1500 and statistics.shape[0] < 800, (
        "no rows for keypoints that are not there"
    )
