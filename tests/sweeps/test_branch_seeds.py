import json

import numpy as np
import pytest
from test_branches import job, sweep_of_three

from dancepose.metrics.samples import MotionSamples
from dancepose.sweeps.branch_seeds import over_seeds
from dancepose.sweeps.branches import LATE, ORDER, compare_branches


def right(sweep, number) -> np.ndarray:
    samples = MotionSamples.load(sweep / str(number) / "per_sample.npz")
    return samples.predicted == samples.labels


def test_one_table_over_the_seeds_of_equal_settings(tmp_path):
    for seed, image in enumerate([0.6, 0.5, 0.65]):
        sweep_of_three(tmp_path, seed, 3 * seed)
        job(tmp_path, 9 + seed, ["image"], image, seed, overrides=["data.size=64"])
    blocks = [block for block in compare_branches(tmp_path) if not block.settings]
    table, other = over_seeds(compare_branches(tmp_path))
    assert [row.system for row in other.rows] == ["image alone"] and other.rows[0].behind is None
    assert other.table().startswith("data.size=64 seeds 0, 1, 2, 40 test samples\n")
    assert table.seeds == (0, 1, 2) and [row.system for row in table.rows] == list(ORDER)
    late = [next(row for row in block.rows if row.system == LATE).accuracy.estimate for block in blocks]
    found = {row.system: row for row in table.rows}
    assert found[LATE].accuracy.mean == pytest.approx(np.mean(late))
    assert found[LATE].accuracy.std == pytest.approx(np.std(late, ddof=1)) and np.std(late) > 0
    lead = found[LATE].behind
    assert lead.over_seeds.estimate == pytest.approx(0.9 - np.mean(late))
    assert lead.over_seeds.low <= lead.over_seeds.estimate <= lead.over_seeds.high
    # of other clips, too: wider
    assert lead.over_both.low < lead.over_seeds.low and lead.over_both.high > lead.over_seeds.high
    assert found["learned fusion"].behind is None
    text = table.table()
    assert text.startswith("seeds 0, 1, 2, 40 test samples\n")
    for population in (
        "other clips like these, and these 3 runs",
        "other seeds on these very clips",
        "other seeds and other clips like these",
    ):
        assert population in text
    assert json.loads(json.dumps(table.to_dict()))["seeds"] == [0, 1, 2]


def test_of_two_seeds_there_is_a_mean_and_the_reason_for_no_interval(tmp_path):
    sweep_of_three(tmp_path)
    sweep_of_three(tmp_path, seed=1, start=3)
    (table,) = over_seeds(compare_branches(tmp_path))
    assert "no interval: 2 paired seeds, at least 3 are needed" in table.table()


def test_seeds_are_paired_and_what_one_lacks_is_told(tmp_path):
    for seed in range(3):
        sweep_of_three(tmp_path, seed, 3 * seed)
    (tmp_path / "4" / "metrics.json").write_text('{"status": "failed"}')  # image alone of seed 1
    (table,) = over_seeds(compare_branches(tmp_path))
    image = next(row for row in table.rows if row.system == "image alone")
    pairs = [right(tmp_path, fusion).mean() - right(tmp_path, fusion - 1).mean() for fusion in (2, 8)]
    assert image.accuracy.seeds == (0, 2) and image.behind.over_seeds.estimate == pytest.approx(
        np.mean(pairs)
    )
    assert f"not of all seeds: image alone (0, 2), {LATE} (0, 2)" in table.table().splitlines()


def test_one_seed_or_other_samples_make_no_table(tmp_path):
    sweep_of_three(tmp_path)
    job(tmp_path, 3, ["image"], 0.5, seed=1, overrides=["data.size=64"])
    assert over_seeds(compare_branches(tmp_path)) == []
    job(tmp_path, 4, ["image"], 0.5, seed=2, name="t")
    assert over_seeds(compare_branches(tmp_path)) == [], "tested on other samples than seed 0"
