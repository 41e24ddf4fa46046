"""What the picture of a Labelme file is called: `labelme_image`."""

import json
import os
from pathlib import Path

import pytest
from factories import blank_picture, labelme_point, write_labelme_json

from dancepose.data.prediction_reader import read_predictions
from dancepose.data.readers.labelme import read_labelme
from dancepose.data.readers.labelme_image import picture_name
from dancepose.skeleton import load_skeleton

SKELETON = load_skeleton("mpii15")


@pytest.mark.parametrize(
    ("image", "file", "name"),
    [
        ("set/a.jpg", "set/a.json", "a.jpg"),
        ("set/below/a.jpg", "set/a.json", "below/a.jpg"),
        ("set/below/../a.jpg", "set/other.json", "a.jpg"),
        ("photos/a.jpg", "set/a.json", "a.jpg"),
        ("set/../photos/a.JPG", "set/below/a.json", "below/a.JPG"),
        ("photos/a.png", "set/a.png.json", "a.png"),  # the second of two pictures called a
        ("photos/v1.2.jpg", "set/v1.2.json", "v1.2.jpg"),
        ("photos/a.png", "set/a.jpg.json", "a.jpg.png"),
        ("photos/a.jpg.jpg", "set/a.jpg.json", "a.jpg.jpg"),  # as prediction calls it
    ],
)
def test_a_picture_elsewhere_is_called_as_its_file(image, file, name):
    assert picture_name(Path(image), Path(file), Path("set")) == name


def label(folder: Path, file: str, picture: Path) -> None:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    shapes = [labelme_point(name, 2, 3) for name in ("left_wrist", "right_wrist", "left_hip", "right_hip")]
    write_labelme_json(path, shapes, os.path.relpath(picture, path.parent), (12, 8))


def test_predictions_are_scored_by_the_corrected_files_of_the_same_command(tmp_path: Path):
    """Labelme files lie as the pictures below the source, and predictions name the pictures so."""
    for name in ("a.jpg", "deep/b.jpg"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        blank_picture(tmp_path / "photos" / name)
        label(tmp_path / "labelme", str(Path(name).with_suffix(".json")), tmp_path / "photos" / name)
    frames, problems = read_labelme(tmp_path / "labelme", SKELETON)
    content = {"skeleton": "mpii15", "images": [{"image": n, "people": []} for n in ("a.jpg", "deep/b.jpg")]}
    (tmp_path / "predictions.json").write_text(json.dumps(content))
    people = read_predictions(tmp_path / "predictions.json", SKELETON).people(frames)
    assert people == {"a.jpg": [], "deep/b.jpg": []}
    assert not list(problems.of("duplicate image"))


def test_a_picture_elsewhere_that_two_files_label_is_taken_once(tmp_path: Path):
    blank_picture(tmp_path / "a.jpg")
    label(tmp_path / "set", "a.json", tmp_path / "a.jpg")
    label(tmp_path / "set", "copy/a.json", tmp_path / "a.jpg")
    frames, problems = read_labelme(tmp_path / "set", SKELETON)
    assert [frame.name for frame in frames] == ["a.jpg"]
    assert "duplicate image" in problems.report(3)
