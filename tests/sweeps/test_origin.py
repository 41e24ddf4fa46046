"""Where the figures of a comparison come from: `origin` and `provenance`."""

import json
import shlex
from dataclasses import replace

from comparisons import compare_sweeps, made_up
from run_directories import motion_sweep, pose_job

from dancepose.sweeps.origin import Made, origin_of
from dancepose.sweeps.provenance import command, provenance


def test_the_block_names_code_data_split_test_part_and_command(tmp_path):
    config = {"data": {"kind": "actions", "root": "my/clips"}}
    motion_sweep(tmp_path / "s", {"none": 0.7, "cbam1": 0.8}, commit="0123abcd", config=config)
    comparison = replace(
        compare_sweeps(tmp_path / "s"),
        made=Made("2026-03-01 12:30 UTC", "0.1.0, commit 4567cdef", {"by": ["model/attention"], "seed": 3}),
    )
    told = dict(provenance(comparison))
    assert told["sweeps"] == f"{tmp_path / 's'} (4 runs compared)"
    assert told["trained by"] == "dancepose 0.1.0, commit 0123abcd"
    assert told["data"] == f"actions my/clips (labels {'d' * 16})" and told["split"] == "5" * 16
    assert told["test part"] == "60 samples of 12 clips"
    assert told["bootstrap"] == "200 resamples of the 12 clips, each whole, 95 % intervals"
    assert told["compared"] == "2026-03-01 12:30 UTC, by dancepose 0.1.0, commit 4567cdef"
    assert told["command"] == "dancepose-compare 'by=[model/attention]' seed=3"
    json.dumps(comparison.to_dict(), allow_nan=False)
    assert comparison.to_dict()["tables"][0]["origin"]["groups"] == 12


def test_images_and_samples_are_not_said_to_be_whole(tmp_path):
    for method in ("ae", "paf"):
        pose_job(tmp_path / method, [f"model/codec={method}"])
    told = dict(provenance(compare_sweeps(tmp_path, against="ae")))
    assert told["bootstrap"] == "200 resamples of the 20 images, 95 % intervals"


def test_tables_of_other_test_parts_are_told_one_by_one(tmp_path):
    for size in (8, 16):
        config, more = {"data": {"size": size}}, {"overrides": [f"data.size={size}"]}
        motion_sweep(tmp_path / str(size), {"none": 0.7, "a": 0.8}, samples=10 * size, config=config, **more)
    comparison = compare_sweeps(tmp_path, by=["model/attention"], split=["data.size"])
    told = dict(provenance(comparison))
    assert told["test part"] == "data.size=8: 80 samples of 12 clips; data.size=16: 160 samples of 12 clips"
    assert told["split"] == "5" * 16 and told["data"].startswith("not named by the runs (labels")


def test_images_stand_for_themselves(tmp_path):
    for method in ("ae", "paf"):
        pose_job(tmp_path / method, [f"model/codec={method}"])
    (table,) = compare_sweeps(tmp_path, against="ae").tables
    assert table.origin.words == "20 images" and table.origin.groups == 20


def test_what_differs_and_is_allowed_to_is_told(tmp_path):
    comparison = made_up(tmp_path, seeds=1)
    jobs = [job for arm in comparison.tables[0].group.arms.values() for job in arm.jobs]
    jobs[0].identity["version"] = "0.2.0"
    assert origin_of(jobs, 5, "samples", 5, "samples").versions == ("0.2.0", "0.1.0")


def test_the_command_can_be_typed_again():
    options = {
        "sweeps": ["a b/c,d", "e"],
        "only": {"model/attention": ["none", "it's"]},
        "allow": [],
        "x": None,
    }
    words = shlex.split(command({**options, "x": None, "level": 0.95}))
    assert words[1:] == [r"sweeps=['a b/c,d',e]", r"only={model/attention: [none,'it\'s']}", "level=0.95"]
