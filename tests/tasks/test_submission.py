"""`dancepose-evaluate submit=true`: predictions of the official test as MPII's toolkit takes them."""

from pathlib import Path

import numpy as np
import pytest
from mpii_files import image, person, write_mpii
from running import run_task
from scipy.io import loadmat

from dancepose.data.prediction_writer import write_predictions
from dancepose.data.readers.mpii import FILE, GROUPS_FILE
from dancepose.data.readers.mpii_truth import read_mpii_test
from dancepose.errors import ConfigError, DataError
from dancepose.evaluate import evaluate
from dancepose.records import Person
from dancepose.skeleton import load_skeleton
from dancepose.tasks.submission import write_submission

MPII16 = load_skeleton("mpii16")
PRED = "pred_keypoints_mpii_multi.mat"
# of each image: for training?, people, single_person, groups of groups_v12.mat
IMAGES = [
    (0, 4, [], [[3, 4], [1, 2]]),
    (1, 2, [], [[1, 2]]),
    (0, 3, [3], [[1, 2], [3]]),
    (0, 1, [1], [[1]]),
    (0, 2, [], []),
    (0, 5, [2], [[2, 4], [5], [1, 3]]),
    (0, 2, [], [[], [1, 2]]),
    (1, 1, [], []),
    (0, 2, [], [[1], [2]]),
]


def multi_person_groups(train: bool) -> list[tuple[int, list[int]]]:
    """Go through images and groups one by one, as the toolkit's function does; numbers from 0 and from 1."""
    found = []
    for number, (of_train, _, single, groups) in enumerate(IMAGES):
        if bool(of_train) == train:
            for group in groups:
                if group and not set(group) & set(single):  # MATLAB takes `if []` for false
                    found.append((number, group))
    return found


def place(number: int) -> float:
    return 300.0 * number


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DANCEPOSE_CACHE", str(tmp_path / "cache"))
    bare = [[person(place(j), annopoints=None) for j in range(1, row[1] + 1)] for row in IMAGES]
    bare[1] = [person(place(j)) for j in (1, 2)]
    (tmp_path / "mpii").mkdir()
    return write_mpii(
        tmp_path / "mpii",
        [image(f"{i}.jpg", people) for i, people in enumerate(bare)],
        [row[0] for row in IMAGES],
        single=[np.array(row[2]) if row[2] else None for row in IMAGES],
        groups=[[np.array(group) for group in row[3]] if row[3] else None for row in IMAGES],
        pictures=False,
    )


def somebody(number: int) -> Person:
    """Stands where the image's person of this number, from 1, stands."""
    points = np.column_stack([place(number) + np.arange(16), 20.0 + np.arange(16), np.full(16, 2)])
    return Person(points, scores=np.full(16, number / 10), score=number / 10)


def submit(root: Path, folder: Path, pred: Path, *overrides: str) -> list[tuple[str, list[int]]]:
    """Return the name of each entry and whom it has, by their scores."""
    run_task(evaluate, "evaluate", folder, f"gt={root / FILE}", f"pred={pred}", "submit=true", *overrides)
    assert {path.name for path in folder.iterdir() if path.is_file()} & {PRED, "all.json"} == {PRED}
    saved = loadmat(folder / PRED, simplify_cells=True)["pred"]
    return [
        (entry["image"]["name"], [round(10 * p["score"]) for p in np.atleast_1d(entry["annorect"])])
        for entry in saved
    ]


def test_an_entry_for_each_test_group_in_the_official_order(root, tmp_path, caplog):
    """Of every picture, those of the training too, all people were found; each group takes its own."""
    everybody = [(f"{i}.jpg", [somebody(j) for j in range(1, row[1] + 1)]) for i, row in enumerate(IMAGES)]
    write_predictions(tmp_path / "p.json", everybody, MPII16)
    found = submit(root, tmp_path / "out", tmp_path / "p.json", f"groups={root / GROUPS_FILE}")
    official = multi_person_groups(train=False)
    assert [name for name, _ in found] == [f"{i}.jpg" for i, _ in official]
    for (_, whom), (number, group) in zip(found, official, strict=True):
        near = [j for j in range(1, IMAGES[number][1] + 1) if min(group) <= j <= max(group)]
        assert whom == near  # between two members, too
    assert "4 pictures that" in caplog.text and "no group in the test: left out" in caplog.text
    assert "nobody is submitted" not in caplog.text


def test_places_know_of_all_members(root):
    """In the test all of them are truth: where one has no `objpos` all people found are of the group."""
    reading, known = read_mpii_test(root / FILE, MPII16, None, "gt")
    assert [frame.id for frame in reading.frames] == [1, 3, 6, 7, 9] and known >= {1, 9, "1.jpg"}
    group = reading.frames[0].groups[1]
    assert group.box.tolist() == [307, 34, 607, 34] and group.scale == 0.25 and group.members == []
    people = [person(10.0, annopoints=None, objpos=None), person(60.0, annopoints=None)]
    write_mpii(root, [image("a.jpg", people)], [0], groups=[[np.array([1, 2])]], pictures=False)
    (frame,) = read_mpii_test(root / FILE, MPII16, None, "gt")[0].frames
    assert frame.groups[0].box is None


def test_pictures_that_predictions_are_silent_about_have_nobody(root, tmp_path, caplog):
    write_predictions(tmp_path / "p.json", [("8.jpg", [somebody(2)])], MPII16)
    found = submit(root, tmp_path / "out", tmp_path / "p.json")
    assert [whom for _, whom in found] == [[]] * (len(found) - 1) + [[2]]
    assert "of 4 of the test's 5 pictures" in caplog.text
    told = f"of {len(found) - 1} of the {len(found)} groups nobody is submitted: nobody was found near their"
    assert told in caplog.text
    again = submit(
        root, tmp_path / "again", tmp_path / "out" / PRED
    )  # entries of the toolkit, by their order
    assert again == found


def test_what_cannot_be_submitted_is_refused(root, tmp_path):
    pred = tmp_path / "p.json"
    write_predictions(pred, [("1.jpg", [somebody(1)])], MPII16)
    with pytest.raises(DataError, match="speaks of none of the truth's 5 pictures"):
        submit(root, tmp_path / "no", pred)
    with pytest.raises(
        ConfigError, match="with submit=true nothing is scored and nothing reads mat, pictures"
    ):
        submit(root, tmp_path / "no", pred, "mat=true", "pictures=0")
    for name in (FILE, GROUPS_FILE):
        (tmp_path / "mpii" / name).rename(tmp_path / name)
    with pytest.raises(DataError, match=r"groups=.*groups_v12.mat is no file: give MPII's groups_v12.mat"):
        submit(tmp_path, tmp_path / "no", pred, f"groups={root / GROUPS_FILE}")
    (tmp_path / GROUPS_FILE).unlink()
    with pytest.raises(DataError, match=r"groups=.*groups_v12.mat is no file: give MPII's groups_v12.mat"):
        submit(tmp_path, tmp_path / "no", pred)
    run = (evaluate, "evaluate", tmp_path / "no", f"gt={tmp_path / 'p.json'}", f"pred={pred}", "submit=true")
    with pytest.raises(ConfigError, match="submit=true needs MPII's own .mat file with RELEASE"):
        run_task(*run)


def test_a_file_without_release_is_refused(tmp_path):
    (tmp_path / "truth.mat").write_bytes(b"no .mat at all")
    with pytest.raises((ConfigError, DataError), match="truth.mat"):
        write_submission(tmp_path, tmp_path / "predictions.json", tmp_path / "truth.mat", None, MPII16)
    assert not (tmp_path / PRED).exists()
