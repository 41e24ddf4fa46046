import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from dancepose.errors import DataError
from dancepose.metrics.samples import MotionSamples
from dancepose.sweeps.branch_seeds import over_seeds
from dancepose.sweeps.branches import LATE, ORDER, RefusedBlock, compare_branches

CLASSES = ("wave", "walk")


def job(
    sweep: Path, number: int, branches: list[str], right: float, seed: int = 0, status: str = "done", **more
):
    """Leave what a job leaves: so large a share of 40 samples in 10 clips is right."""
    run = sweep / str(number)
    run.mkdir(parents=True)
    config = {"model": {"branches": branches}, "seed": seed}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    (run / "overrides.yaml").write_text(
        yaml.safe_dump([f"model.branches={branches}", *more.get("overrides", [])])
    )
    (run / "metrics.json").write_text(json.dumps({"status": status, **more.get("metrics", {})}))
    labels = np.arange(40) % 2
    hit = np.random.default_rng(number).permutation(40) < round(40 * right)
    sure = np.where(hit, 0.9, 0.4)  # of the label
    probabilities = np.stack([np.where(labels == c, sure, 1 - sure) for c in range(2)], axis=1)
    ids = [f"{more.get('name', 's')}{i}" for i in range(40)]
    clips = [f"c{i // 4}" for i in range(40)]
    clips = clips if more.get("in_clips", True) else [None] * 40
    MotionSamples(ids, clips, labels, probabilities, CLASSES).save(run / "per_sample.npz")


def sweep_of_three(folder: Path, seed: int = 0, start: int = 0) -> None:
    job(folder, start, ["keypoints"], 0.7, seed)
    job(folder, start + 1, ["image"], 0.6, seed)
    job(folder, start + 2, ["keypoints", "image"], 0.9, seed)


def test_four_systems_with_intervals(tmp_path):
    sweep_of_three(tmp_path)
    (block,) = compare_branches(tmp_path)
    assert [row.system for row in block.rows] == list(ORDER) and block.samples == 40
    accuracies = {row.system: row.accuracy.estimate for row in block.rows}
    assert accuracies["keypoints alone"] == 0.7 and accuracies["learned fusion"] == 0.9
    for row in block.rows:
        assert row.accuracy.low <= row.accuracy.estimate <= row.accuracy.high
        assert (row.behind is None) == (row.system == "learned fusion")
        if row.behind is not None:
            assert row.behind.estimate == pytest.approx(0.9 - accuracies[row.system])
    # where one branch is wrong by a little and the other right by much, the mean is right
    kp, image = (MotionSamples.load(tmp_path / n / "per_sample.npz") for n in "01")
    either = (kp.predicted == kp.labels) | (image.predicted == image.labels)
    assert accuracies[LATE] == pytest.approx(either.mean())
    text = block.table()
    assert "seed 0, 40 test samples" in text and "other clips like these" in text and "70.0" in text
    made = "95 %, BCa bootstrap over 10 clips, for other clips like these"
    assert text.splitlines()[-1] == f"intervals of accuracy and macro-F1 and the differences: {made}"
    assert json.loads(json.dumps(block.to_dict()))["rows"][3]["behind"] is None


def test_each_way_of_making_intervals_says_of_which_columns_it_is(tmp_path):
    job(tmp_path, 0, ["keypoints"], 0.7, in_clips=False)
    job(tmp_path, 1, ["keypoints", "image"], 0.9, in_clips=False)
    (block,) = compare_branches(tmp_path)
    made = {"accuracy": "Wilson", "macro-F1 and the differences": "BCa bootstrap over 40 samples"}
    assert block.table().splitlines()[-2:] == [
        f"intervals of {columns}: 95 %, {how}, for other samples like these" for columns, how in made.items()
    ]


def test_what_must_stand_beside_an_interval_stands_below_the_table(tmp_path):
    job(tmp_path, 0, ["keypoints"], 0.9)
    job(tmp_path, 1, ["keypoints", "image"], 0.9)
    one, other = (np.load(tmp_path / n / "per_sample.npz") for n in "01")
    np.savez(tmp_path / "1" / "per_sample.npz", **{**other, "probabilities": one["probabilities"]})
    (block,) = compare_branches(tmp_path)
    note = block.rows[0].behind.note
    assert note and block.table().splitlines()[-1] == f"note: the difference of keypoints alone: {note}"


def test_each_seed_and_setting_is_a_block_of_its_own(tmp_path):
    sweep_of_three(tmp_path)
    sweep_of_three(tmp_path, seed=1, start=3)
    job(tmp_path, 7, ["image"], 0.5, overrides=["data.size=64"])
    blocks = compare_branches(tmp_path)
    assert [block.title for block in blocks] == ["seed 0", "seed 1", "seed 0 data.size=64"]
    assert [len(block.rows) for block in blocks] == [4, 4, 1] and blocks[2].rows[0].behind is None


def test_jobs_that_are_not_done_are_left_out(tmp_path):
    job(tmp_path, 0, ["image"], 0.5, status="failed")
    assert compare_branches(tmp_path) == []


def test_what_lacks_a_job_is_told_below_the_table(tmp_path):
    job(tmp_path, 0, ["keypoints"], 0.7, status="failed")
    job(tmp_path, 1, ["image"], 0.6)
    job(tmp_path, 2, ["keypoints", "image"], 0.9)
    (block,) = compare_branches(tmp_path)
    told = f"not compared, for no finished job tells: keypoints alone, {LATE}"
    assert told in block.table().splitlines()


def test_other_samples_are_refused(tmp_path):
    job(tmp_path, 0, ["image"], 0.5)
    job(tmp_path, 1, ["keypoints"], 0.5, name="t")
    with pytest.raises(DataError, match="different samples"):
        compare_branches(tmp_path)


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        ({"commit": "b"}, "different versions of dancepose: .*commit a of .*, commit b of "),
        ({"split": "s2"}, "different splits: s1 of .*s2 of "),
        ({"data": "d2"}, "different data: d1 of .*d2 of "),
        ({"metrics": {"test/accuracy": 0.5}}, "gives accuracy 0.9, metrics.json 0.5"),
    ],
)
def test_what_a_comparison_refuses_stands_in_place_of_its_block(metrics, told, tmp_path):
    """Another block is compared all the same."""
    known = {"version": "0.1.0", "commit": "a", "split": "s1", "data": "d1"}
    job(tmp_path, 0, ["keypoints"], 0.7, metrics=known)
    job(tmp_path, 1, ["keypoints", "image"], 0.9, metrics=known | metrics)
    job(tmp_path, 2, ["image"], 0.6, seed=1, metrics=known)
    refused, block = compare_branches(tmp_path)
    assert isinstance(refused, RefusedBlock) and re.search(told, refused.table())
    assert refused.table().startswith("seed 0: not compared") and refused.to_dict()["title"] == "seed 0"
    assert [row.system for row in block.rows] == ["image alone"]
    assert over_seeds([refused, block]) == []


def test_seeds_of_other_versions_are_not_pooled(tmp_path):
    for seed, commit in enumerate("aab"):
        job(tmp_path, seed, ["image"], 0.6, seed=seed, metrics={"version": "0.1.0", "commit": commit})
    (table,) = over_seeds(compare_branches(tmp_path))
    assert table.seeds == (0, 1)


def test_a_broken_config_is_told(tmp_path):
    job(tmp_path, 0, ["image"], 0.5)
    (tmp_path / "0" / "config.yaml").write_text("a: [")
    with pytest.raises(DataError, match=r"config\.yaml is no valid YAML"):
        compare_branches(tmp_path)
