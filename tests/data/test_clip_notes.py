"""Labelme files that are frames of videos: which clips they become, and where doubts are told."""

import numpy as np
import pytest
from factories import blank_picture

from dancepose.data.clip_notes import SERIES, told_clips
from dancepose.data.collection import PoseData
from dancepose.data.motion_samples import window_samples
from dancepose.data.parts import PartConfig
from dancepose.data.readers.labelme import write_labelme
from dancepose.files import by_number
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton

SKELETON = load_skeleton("mpii15")
VIDEOS, LENGTH = 6, 12
FOLDERS, FLAT = "v{video}/f{number}.jpg", "v{video}_{number:04d}.jpg"


def labelled(root, pattern):
    """Frames of videos, each with one person, who has a number in all of them."""
    for video in range(VIDEOS):
        keypoints = np.full((len(SKELETON), 3), [9.0 + video, 9, 2])
        person = Person(keypoints, id=0, action=("wave", "walk")[video % 2])
        for number in range(LENGTH):
            image = root / pattern.format(video=video, number=number)
            image.parent.mkdir(parents=True, exist_ok=True)
            blank_picture(image, (32, 24))
            frame = Frame(image, (32, 24), [person], SKELETON.name)
            write_labelme(frame, SKELETON, image.with_suffix(".json"))
    return root


def read(root, clip, split=None):
    config = PartConfig.from_dict({"kind": "dance", "root": str(root), "clip": clip, "split": split}, "data")
    made = PoseData({"dance": config}, SKELETON)
    return made, [frame for part in ("train", "val", "test") for frame in made.frames(part)]


@pytest.mark.parametrize(
    ("pattern", "clip"), [(FOLDERS, "folder"), (FLAT, "^(.*?)_?[0-9]+[.]"), (FLAT, "(v[0-9]+)_")]
)
def test_frames_of_a_video_are_a_clip_in_the_order_of_time(tmp_path, pattern, clip):
    made, frames = read(labelled(tmp_path, pattern), clip)
    assert {frame.clip for frame in frames} == {f"v{video}" for video in range(VIDEOS)}
    assert len({frame.clip for frame in made.frames("test")}) * LENGTH == len(made.frames("test")) > 0
    windows = window_samples(frames, ("wave", "walk"), LENGTH, LENGTH)
    assert len(windows) == VIDEOS
    names = [frame.name for frame, _ in windows[0].steps]
    assert names == [pattern.format(video=windows[0].clip[1:], number=n) for n in range(LENGTH)], (
        "f2 before f10"
    )
    assert made.loaded[0].empty == ()


@pytest.mark.parametrize(
    ("pattern", "clip", "told"),
    [
        (
            FOLDERS,
            None,
            "names that run on (v0/f0.jpg, v0/f1.jpg, ...): if they are frames of videos, data.clip=folder",
        ),
        (FLAT, None, "data.clip='\"^(.*?)_?[0-9]+[.]\"' keeps each video in one part"),
        (FLAT, "folder", "data.clip=folder makes one clip of all 72 pictures"),
        (FLAT, "(.*)[.]jpg", "data.clip=(.*)[.]jpg makes a clip of each of 72 pictures"),
        (FLAT, "(scene.*)_", "data.clip=(scene.*)_ fits no picture's name, v0_0000.jpg say"),
        (FLAT, "(v[1-5])_", "data.clip=(v[1-5])_ does not fit 12 of 72 pictures' names, v0_0000.jpg say"),
    ],
)
def test_a_doubtful_clip_is_told_in_one_sentence(tmp_path, pattern, clip, told):
    made, _ = read(labelled(tmp_path, pattern), clip)
    (note,) = (line for line in made.loaded[0].empty if "part is empty" not in line)
    assert told in note and note in made.summary() and "\n" not in note


def frames_of(*names):
    return [Frame(None, (9, 9), [], "mpii15", name) for name in names]


def test_photographs_are_no_video():
    numbers = np.random.default_rng(0).choice(10**6, 50, replace=False)
    assert told_clips(frames_of(*(f"coco_{n:012d}.jpg" for n in numbers)), None, 0, "data") == []
    assert told_clips(frames_of(*(f"a{n}.jpg" for n in range(SERIES - 1))), None, 0, "data") == []
    assert told_clips(frames_of("alone.jpg"), "folder", 0, "data") == []
    every_fifth = frames_of(*(f"a{5 * n}.jpg" for n in range(SERIES)))
    assert len(told_clips(every_fifth, None, 0, "data")) == 1
    assert sorted(["a/f10.jpg", "a/f9.jpg", "a/f.jpg"], key=by_number) == ["a/f9.jpg", "a/f10.jpg", "a/f.jpg"]


def test_who_gives_a_split_is_told_nothing(tmp_path):
    root = labelled(tmp_path, FLAT)
    names = [FLAT.format(video=v, number=n) for v in range(VIDEOS) for n in range(LENGTH)]
    (root / "split.json").write_text(f'{{"train": {names[12:]}, "test": {names[:12]}}}'.replace("'", '"'))
    assert read(root, None, "split.json")[0].loaded[0].empty == ()


def test_several_pictures_in_folders_below_those_of_classes_are_told():
    """A few frames of each video, at uneven steps, are no series; but a folder holds them together."""
    numbers = (3, 17, 20, 41, 90)
    videos = frames_of(*(f"wave/wave_{v:03d}/{n}.jpg" for v in range(12) for n in numbers))
    alone = frames_of("wave/alone.jpg", "walk/1.jpg", "walk/2.jpg", "walk/one/3.jpg")
    (told,) = told_clips([*videos, *alone], None, 1, "data")
    assert told.startswith("60 of 64 pictures lie in 12 folders below those of the classes (wave/wave_000)")
    assert "data.clip=folder keeps it in one part; now each picture is drawn alone" in told
    assert told_clips(alone, None, 1, "data") == [], "one picture in a folder is no video"


def test_a_training_of_folders_of_classes_tells_of_folders_that_may_be_videos(tmp_path):
    for name in [f"{c}/{c}_{v}/{n}.jpg" for c in ("wave", "walk") for v in range(3) for n in (1, 5, 6)]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        blank_picture(tmp_path / name, (32, 24))
    values = {"kind": "action_folder", "root": str(tmp_path)}

    def summary(**more):
        made = PoseData({"a": PartConfig.from_dict(values | more, "data")}, SKELETON)
        made.posed = False
        return made.summary()

    words = "18 of 18 pictures lie in 6 folders below those of the classes (walk/walk_0)"
    assert words in summary() and words not in summary(clip="folder")
