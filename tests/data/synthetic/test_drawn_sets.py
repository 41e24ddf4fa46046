"""Data sets of drawn scenes on disk: formats, determinism, reuse, interruption."""

import errno
import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import pytest

from dancepose.data.images import read_image
from dancepose.data.readers import READERS
from dancepose.data.readers.request import Request
from dancepose.data.synthetic import dataset, staging
from dancepose.data.synthetic.cache import draw_scenes, read_scenes, scene_folder
from dancepose.data.synthetic.cast import Cast
from dancepose.data.synthetic.dataset import sampled_frames, write_scenes
from dancepose.data.synthetic.scene_set import PARTS, SceneSet
from dancepose.errors import ConfigError, DanceposeError, DataError
from dancepose.skeleton import load_skeleton

SMALL = SceneSet(train=3, val=1, test=2, difficulty="easy", seed=3)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return write_scenes(SMALL, tmp_path_factory.mktemp("scenes") / "set", workers=1)


def files(root):
    return {p.relative_to(root): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_labelme_files_are_read_as_any_other(drawn):
    skeleton = load_skeleton("mpii15")
    frames, problems, _ = READERS["dance"].read(Request(drawn, skeleton))[:3]
    records = {frame.name: frame for frame in sampled_frames(SMALL, drawn, 100)}
    assert problems.counts() == {} and {f.name for f in frames} == {n for n, f in records.items() if f.people}
    for frame in frames:
        assert read_image(frame.image).shape == (480, 640, 3) and frame.complete
        for person, record in zip(frame.people, records[frame.name].people, strict=True):
            assert person.keypoints == pytest.approx(record.keypoints, abs=0.01)
            assert person.action == record.action
    split = json.loads((drawn / "split.json").read_text())
    assert [len(split[part]) for part in ("train", "val", "test")] == [3, 1, 2]


def test_the_coco_file_holds_the_same_people(drawn, tmp_path):
    root = write_scenes(replace(SMALL, format="coco"), tmp_path / "coco", workers=1)
    skeleton = load_skeleton("mpii15")
    frames, problems, _ = READERS["coco"].read(Request(root, skeleton, root / "annotations.json"))[:3]
    labelme = READERS["dance"].read(Request(drawn, skeleton)).frames
    assert problems.counts() == {} and [f.name for f in frames] == [f.name for f in labelme]
    for a, b in zip(frames, labelme, strict=True):
        assert a.keypoint_array() == pytest.approx(b.keypoint_array(), abs=0.02)
        assert len(a.ignore) == len(b.ignore)


def test_actions_of_clips(tmp_path):
    scenes = replace(SMALL, format="actions", frames=3, skeleton="openpose18")
    root = write_scenes(scenes, tmp_path / "actions", workers=1)
    content = json.loads((root / "actions.json").read_text())
    assert content["skeleton"] == "openpose18" and len(content["classes"]) == 6
    clips = {}
    for sample in content["samples"]:
        assert sample["label"] in content["classes"] and (root / sample["image"]).is_file()
        assert np.shape(sample["keypoints"]) == (18, 3) and len(sample["box"]) == 4
        clips.setdefault(sample["clip"], set()).add(sample["image"])
    assert set(clips) <= set(scenes.scene_names()), "a clip is a video, not one of its people"
    for clip, images in clips.items():
        assert images <= {f"{clip}_{i:03d}.jpg" for i in range(3)}
    people = {(s["clip"], s["person"]) for s in content["samples"]}
    labels = {(s["clip"], s["person"], s["label"]) for s in content["samples"]}
    assert len(labels) == len(people) > len(clips)  # one person, one action
    assert sum(map(len, clips.values())) > 12  # nobody is labelled in a picture that everybody has left
    split = json.loads((root / "split.json").read_text())
    assert split["by"] == "clip" and {c for part in ("train", "val", "test") for c in split[part]} == set(
        clips
    )

    asked = Request(root, load_skeleton("openpose18"), root / "actions.json")
    frames, problems, _ = READERS["action"].read(asked)[:3]
    assert not len(problems.without("class without samples"))
    records = {frame.name: frame for frame in sampled_frames(scenes, root, 100)}
    assert {f.name for f in frames} == {name for name, frame in records.items() if frame.people}
    for frame in frames:
        assert frame.clip == frame.name[:-8]
        for person, record in zip(frame.people, records[frame.name].people, strict=True):
            np.testing.assert_array_equal(person.keypoints, record.keypoints)
            assert (person.id, person.action) == (record.id, record.action)


def test_mpii_files_are_read_as_the_official_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("DANCEPOSE_CACHE", str(tmp_path / "cache"))
    scenes = replace(SMALL, format="mpii", skeleton="mpii16", frames=2)
    root = write_scenes(scenes, tmp_path / "mpii", workers=1)
    assert {p.name for p in root.glob("*.mat")} == {"mpii_human_pose_v1_u12_1.mat", "groups_v12.mat"}
    asked = Request(root, load_skeleton("mpii16"), root / "mpii_human_pose_v1_u12_1.mat")
    reading = READERS["mpii"].read(asked)
    records = {frame.name.removeprefix("images/"): frame for frame in sampled_frames(scenes, root, 100)}
    assert {f.name for f in reading.frames} <= {name for name, frame in records.items() if frame.people}
    assert reading.frames and not reading.problems
    for frame in reading.frames:
        assert read_image(frame.image).shape == (480, 640, 3) and frame.clip == frame.name[:-8]
        for person, record in zip(frame.people, records[frame.name].people, strict=True):
            np.testing.assert_allclose(person.keypoints[:, :2], record.keypoints[:, :2], atol=1e-9)
            told = record.keypoints[[*range(8), *range(10, 16)], 2]
            np.testing.assert_array_equal(person.keypoints[[*range(8), *range(10, 16)], 2], told)
        for group in frame.groups:
            assert len(group.members) > 1 and group.scale > 0
    assert {name[:4] for name in reading.test} <= {"test"}


def test_the_files_do_not_depend_on_the_number_of_processes(tmp_path, monkeypatch):
    # a seed of which the hard scenes have all that depends on chance
    scenes = SceneSet(train=2, val=1, test=1, difficulty="hard", seed=6, frames=2)
    draw, found, had = dataset.draw_scene, [], set()
    monkeypatch.setattr(dataset, "draw_scene", lambda *a: found.append(draw(*a)) or found[-1])
    for name, paint in (("poster", staging.poster), ("crowd", staging.crowd)):
        monkeypatch.setattr(staging, name, lambda *a, name=name, paint=paint: had.add(name) or paint(*a))
    one, two = (files(write_scenes(scenes, tmp_path / f"{n}", workers=n)) for n in (1, 2))
    assert one == two and len(one) > 16
    assert len(found) == 4 and had == {"poster", "crowd"}
    for occurs in (
        lambda scene: scene.mirror is not None,
        lambda scene: scene.props[0],
        lambda scene: scene.effects.motion[0],
        lambda scene: scene.effects.spots,
        lambda scene: scene.backdrop.thickness > 0.1,
    ):
        assert any(map(occurs, found))


def test_of_few_scenes_each_process_has_its_part(tmp_path, monkeypatch, caplog):
    class Pool:
        def __init__(self, workers, **more):
            self.workers, self._processes = workers, {}

        def __enter__(self):
            return self

        def __exit__(self, *arguments):
            pass

        def map(self, draw, names, chunksize):
            shares.append(-(-len(names) // chunksize))
            return map(draw, names)

    shares = []
    caplog.set_level("INFO")
    monkeypatch.setattr(dataset, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(dataset, "draw_one", lambda scenes, root, name: 1)
    for count in (4, 6, 100):
        names = SceneSet(count, 0, 0).scene_names()
        dataset._draw_all(SceneSet(), tmp_path, names, 2)
    assert shares == [2, 2, 25]
    progress = [line.split("  ")[:2] for line in caplog.messages]
    assert progress == [["drawing pictures", f"{count}/{count}"] for count in (4, 6, 100)]


def test_a_whole_set_is_left_as_it_is(drawn, monkeypatch):
    monkeypatch.setattr(dataset, "draw_scene", None)
    assert write_scenes(SMALL, drawn) == drawn


def test_an_interrupted_set_is_gone_on_with(drawn, tmp_path, monkeypatch):
    draw, drawn_scenes = dataset.draw_scene, []

    def stops(*arguments):
        if len(drawn_scenes) == 2:
            raise KeyboardInterrupt
        drawn_scenes.append(1)
        return draw(*arguments)

    monkeypatch.setattr(dataset, "draw_scene", stops)
    with pytest.raises(KeyboardInterrupt):
        write_scenes(SMALL, tmp_path / "set", workers=1)
    assert not (tmp_path / "set" / "split.json").exists()
    monkeypatch.setattr(dataset, "draw_scene", lambda *a: drawn_scenes.append(1) or draw(*a))
    write_scenes(SMALL, tmp_path / "set", workers=1)
    assert len(drawn_scenes) == 6 and files(tmp_path / "set") == files(drawn)


def test_the_sheet_shows_every_clip_by_its_middle(tmp_path):
    scenes = SceneSet(3, 1, 0, frames=5)
    for scene in scenes.scene_names():
        frames = [{"image": f"{name}.jpg", "people": []} for name in scenes.frame_names(scene)]
        (tmp_path / ".records").mkdir(exist_ok=True)
        (tmp_path / ".records" / f"{scene}.json").write_text(json.dumps({"frames": frames}))

    def shown(count):
        return [frame.name[:-4] for frame in sampled_frames(scenes, tmp_path, count)]

    middle = ["train_00000_002", "train_00001_002", "train_00002_002", "val_00000_002"]
    assert shown(4) == middle and shown(2) == middle[:2]
    assert shown(7) == [f"{scene}_{i:03d}" for scene in scenes.scene_names() for i in (1, 3)][:7]
    assert len(shown(100)) == 20


def test_a_folder_that_holds_something_else_is_refused(drawn, tmp_path):
    shutil.copytree(drawn, tmp_path / "set")
    with pytest.raises(
        DataError, match=rf"another drawn data set \(there seed={SMALL.seed}, not 4\): give another"
    ):
        write_scenes(replace(SMALL, seed=4), tmp_path / "set")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(DataError, match="is not empty and no drawn data set"):
        write_scenes(SMALL, tmp_path / "mine")
    photo = tmp_path / "mine" / "photo.jpg"
    with pytest.raises(DataError, match=r"photo\.jpg is a file: give a folder to draw into, root=<folder>"):
        write_scenes(SMALL, photo)
    with pytest.raises(
        DanceposeError, match=r"cannot be written: Not a directory\. Draw elsewhere: data\.root="
    ):
        draw_scenes({"format": "labelme"}, photo / "set")


def test_a_folder_that_may_not_be_looked_into_is_told(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(dataset, "is_whole", refuse)
    with pytest.raises(DanceposeError, match=r"cannot be written: Permission denied\. Draw elsewhere: root="):
        write_scenes(SMALL, tmp_path)


def test_on_a_full_disk_the_key_of_the_folder_is_named_and_it_goes_on_when_there_is_room(
    drawn, tmp_path, monkeypatch
):
    sync, room = os.fsync, iter(range(9))

    def full(handle):
        if next(room, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    root = tmp_path / "set"
    with monkeypatch.context() as patch, pytest.raises(DanceposeError) as told:
        patch.setattr(os, "fsync", full)
        write_scenes(SMALL, root, workers=1)
    assert "cannot be written: No space left on device. Make room there" in str(told.value)
    assert str(told.value).endswith("draw elsewhere: root=<folder>") and "hydra.run.dir" not in str(
        told.value
    )
    assert 0 < len(list((root / ".records").iterdir())) < 6
    assert files(write_scenes(SMALL, root, workers=1)) == files(drawn)


def test_a_whole_set_is_used_where_nothing_may_be_written(drawn, monkeypatch):
    monkeypatch.setattr(dataset, "_locked", None)
    assert write_scenes(SMALL, drawn) == drawn


@pytest.mark.slow
def test_the_workers_end_with_the_process_that_is_killed(tmp_path):
    code = (
        "from pathlib import Path\n"
        "from dancepose.data.synthetic.dataset import write_scenes\n"
        "from dancepose.data.synthetic.scene_set import SceneSet\n"
        "if __name__ == '__main__':\n"
        "    write_scenes(SceneSet(train=5000, difficulty='easy'), Path('set'), workers=2)\n"
    )
    (tmp_path / "draw.py").write_text(code)
    process = subprocess.Popen([sys.executable, "draw.py"], cwd=tmp_path)
    record = tmp_path / "set" / ".records"
    for _ in range(600):
        if record.is_dir() and any(record.iterdir()):
            break
        time.sleep(0.1)
    process.kill()
    process.wait()
    time.sleep(3)  # the pictures at hand
    count = len(list(record.iterdir()))
    time.sleep(2)
    assert 0 < count == len(list(record.iterdir())) < 5000


def test_a_process_waits_for_another_that_draws_into_the_folder_and_goes_on_when_it_was_killed(
    tmp_path, caplog
):
    caplog.set_level("INFO")
    root = tmp_path / "set"
    root.mkdir()
    code = (
        "from filelock import FileLock\n"
        "lock = FileLock('set/.lock')\n"
        "lock.acquire()\n"
        "print('held', flush=True)\n"
        "input()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout.readline().strip() == b"held"
    waiting = threading.Thread(target=write_scenes, args=(replace(SMALL, train=1, val=0, test=0), root, 1))
    waiting.start()
    waiting.join(1)
    assert waiting.is_alive() and not (root / ".manifest.json").exists()
    other.kill()
    other.communicate()
    waiting.join(30)
    assert not waiting.is_alive() and (root / "split.json").is_file()
    assert caplog.text.count("another process draws there; waiting for it") == 1


def test_a_worker_that_is_killed_is_one_clear_error(tmp_path, monkeypatch):
    class Pool:
        def __init__(self, *arguments, **more):
            raise BrokenProcessPool

    monkeypatch.setattr(dataset, "ProcessPoolExecutor", Pool)
    with pytest.raises(DanceposeError, match=r"a drawing process was killed.*workers=1"):
        write_scenes(SMALL, tmp_path / "set", workers=2)


@pytest.mark.parametrize(
    ("kind", "format", "read"), [("dance", "coco", "labelme"), ("action", "labelme", "actions")]
)
def test_a_training_does_not_draw_what_it_cannot_read(kind, format, read):
    with pytest.raises(ConfigError, match=rf"data\.scenes\.format={format}: data\.kind={kind} reads {read}"):
        scene_folder({"format": format}, None, kind=kind)
    assert read in scene_folder({"format": read}, None, kind=kind).name


def test_the_rate_counts_in_clips_alone():
    assert SceneSet(rate=5).hash == SceneSet(rate=10.0).hash
    assert (
        SceneSet(rate=5, frames=2).hash
        == SceneSet(rate=5.0, frames=2).hash
        != SceneSet(rate=6, frames=2).hash
    )


def test_nobody_of_the_test_part_is_in_the_training_part():
    casts = [dataset.draw_cast(0, part, 450) for part in PARTS]
    assert [len(cast) for cast in casts] == [450, 60, 120]
    people = [pickle.dumps(own) for cast in casts for one in cast.values() for own in one]
    assert len(set(people)) == len(people)  # neither a body nor an outfit is there twice


def test_the_identities_of_the_training_part_grow_with_its_scenes():
    few, many = Cast(0, "train", 400), dataset.draw_cast(0, "train", 3000)
    assert len(dataset.draw_cast(0, "train", 50)) == 400 and len(many) == len(set(many)) == 3000
    assert few[7][0] == many[7][0] and many[2999][0] != many[7][0]
    assert len(dataset.draw_cast(0, "test", 3000)) == len(dataset.draw_cast(0, "test")) == 120
    with pytest.raises(KeyError):
        many[3000]


def test_nothing_that_is_drawn_is_in_two_parts(tmp_path, monkeypatch):
    draw, seen = dataset.draw_scene, []

    def kept(*arguments):
        seen.append(draw(*arguments))
        return seen[-1]

    monkeypatch.setattr(dataset, "draw_scene", kept)
    write_scenes(SceneSet(2, 2, 2, "medium", frames=2), tmp_path / "set", workers=1)  # dances move
    homes = {}
    for number, scene in enumerate(seen):
        things = [("backdrop", scene.backdrop.image.tobytes()), ("camera", pickle.dumps(scene.camera))]
        for actor in scene.actors:
            things += [("body", actor.body), ("outfit", pickle.dumps(actor.outfit))]
            things += [("place", actor.place.tobytes()), ("yaw", actor.yaw)]
            things += [("pose", pickle.dumps(actor.motion.pose(at))) for at in (0.1, 1.0, 5.0)]
        for thing in things:
            homes.setdefault(thing, set()).add(PARTS[number // 2])
    assert len(seen) == 6 and all(len(parts) == 1 for parts in homes.values())
    for kind in ("backdrop", "camera", "body", "outfit", "place", "yaw", "pose"):
        assert {part for (own, _), parts in homes.items() if own == kind for part in parts} == {*PARTS}


@pytest.mark.parametrize(
    "values, words",
    [
        ({"difficulty": "middling"}, "data.scenes.difficulty=middling"),
        ({"format": "voc"}, "format=voc"),
        ({"train": -1}, "train=-1"),
        ({"train": 0, "val": 0, "test": 0}, "nothing to draw"),
        ({"rate": 0.0}, "rate=0.0"),
        ({"skeleton": "h36m"}, "h36m"),
        ({"trian": 5}, "data.scenes.trian"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_wrong_values_are_refused(values, words):
    with pytest.raises(ConfigError, match=words):
        read_scenes(values, "data.scenes")


def test_the_cache_folder_is_the_users_choice_and_one_for_each_set(monkeypatch, tmp_path):
    monkeypatch.setenv("DANCEPOSE_CACHE", str(tmp_path))
    folders = [scene_folder({"seed": seed}, None) for seed in (0, 1, 0)]
    assert folders[0] == folders[2] != folders[1] and folders[0].parent == tmp_path / "scenes"


def test_a_folder_that_is_named_holds_drawn_scenes_or_nothing(drawn, tmp_path):
    (tmp_path / "empty").mkdir()
    assert scene_folder({}, str(tmp_path / "empty")) == tmp_path / "empty"
    assert scene_folder({}, str(drawn)) == drawn
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.jpg").write_bytes(b"")
    for name, kind, format in (("mine", "dance", "labelme"), ("nowhere", "action", "actions")):
        words = "holds no drawn scenes" if name == "mine" else "is no folder of drawn scenes"
        with pytest.raises(ConfigError, match=f"{words}.* data={kind} data.root="):
            scene_folder({"format": format}, str(tmp_path / name), kind=kind)
