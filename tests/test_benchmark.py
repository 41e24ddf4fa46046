import json
from pathlib import Path

import pytest
import torch
from factories import make_labelme
from joblib import cpu_count
from running import run_task

from dancepose.benchmark import benchmark
from dancepose.data.synthetic.scene_set import SceneSet
from dancepose.errors import ConfigError, DataError

TINY = [
    "rounds=1",
    "size=64",
    "batches=[1]",
    "model.width=8",
    "model.depth=small",
    "samples=4",
    "groups=8",
    "device=cpu",
]
TINY += ["data.size=64", "data.batch_size=2", "data.workers=0", "data.val=none", "data.test=none"]


def measure(tmp_path: Path, *overrides: str) -> dict[str, dict]:
    """Run and return the rows of the report by name."""
    run_task(benchmark, "benchmark", tmp_path / "run", *TINY, *overrides)
    report = json.loads((tmp_path / "run" / "benchmark.json").read_text())
    assert report["machine"]["torch"] and (tmp_path / "run" / "benchmark.txt").read_text().strip()
    return {row["name"]: row for row in report["rows"]}


TWO_NETWORKS = [f"~networks.{name}" for name in ("pyramid_stem", "background", "attention")]
ONE_NETWORK = [*TWO_NETWORKS, "~networks.all", "model.stem_width=8"]


@pytest.fixture
def small_yardstick(monkeypatch):
    """An eighth of its side: in full it takes longer than a tiny network, in bf16 by far."""
    monkeypatch.setattr("dancepose.benchmarks.networks.SIDE", 8)


def test_a_tiny_network_in_both_layouts_alone_and_in_twos(tmp_path, small_yardstick):
    """What is counted is twice as much for two pictures as for one, whatever layout they lie in."""
    rows = measure(tmp_path, "parts=[network]", "precisions=[fp32]", *ONE_NETWORK, "batches=[1,2]")
    layouts = ("contiguous", "channels_last")
    kinds = ("higherhrnet, forward", "higherhrnet, training step")
    for kind in kinds:
        ones, twos = (
            [rows[f"fp32 {layout}, batch {batch}: {kind}"]["figures"] for layout in layouts]
            for batch in (1, 2)
        )
        for one, two, layout in zip(ones, twos, layouts, strict=True):
            assert (one["shape"], two["shape"]) == ("1x3x64x64", "2x3x64x64")
            assert (one["width"], one["depth"], one["threads"]) == (8, "small", torch.get_num_threads())
            assert one["layout"] == two["layout"] == layout
            assert two["GFLOP"] == 2 * one["GFLOP"] == 2 * ones[0]["GFLOP"] > 0
            if kind != kinds[0]:
                assert 1.8 < two["kept MiB"] / one["kept MiB"] <= 2
    yardstick = rows["fp32 contiguous, batch 4: yardstick"]["figures"]
    assert (yardstick["shape"], yardstick["layout"]) == ("4x256x8x8", "channels_last")
    assert "width" not in yardstick and len(rows) == 2 * (1 + 2 * len(kinds))
    told = (tmp_path / "run" / "benchmark.txt").read_text()
    assert f"throughout: threads {torch.get_num_threads()}\n" in told
    settings = json.loads((tmp_path / "run" / "benchmark.json").read_text())["settings"]
    assert settings["model"]["width"] == 8 and settings["batches"] == [1, 2] and "motions" not in settings
    assert "\nsize: 64\n" in told


def test_a_tiny_network_in_bf16_keeps_less(tmp_path, small_yardstick):
    rows = measure(tmp_path, "parts=[network]", "layouts=[channels_last]", *ONE_NETWORK, "batches=[2]")
    whole, half = (
        rows[f"{precision} channels_last, batch 2: higherhrnet, training step"]["figures"]
        for precision in ("fp32", "bf16")
    )
    assert 0.5 < half["kept MiB"] / whole["kept MiB"] < 0.9 and half["GFLOP"] == whole["GFLOP"]


@pytest.mark.slow
def test_a_compiled_network(tmp_path, small_yardstick):
    layouts = "layouts=[channels_last,compiled]"
    rows = measure(tmp_path, "parts=[network]", "precisions=[fp32]", *ONE_NETWORK, layouts)
    eager, compiled = (
        rows[f"fp32 {layout}, batch 1: higherhrnet, training step"]["figures"]
        for layout in ("channels_last", "compiled")
    )
    assert compiled["layout"] == "compiled" and compiled["GFLOP"] == eager["GFLOP"]


@pytest.mark.slow
def test_networks_are_told_as_shares_of_the_yardstick_and_of_the_first(tmp_path):
    rows = measure(tmp_path, "parts=[network]", "precisions=[fp32]", *TWO_NETWORKS)
    assert [row["figures"]["layout"] for name, row in rows.items() if name.endswith("all, forward")] == [
        "contiguous",
        "channels_last",
    ]
    yardstick = rows["fp32 channels_last, batch 4: yardstick"]
    assert yardstick["figures"]["GFLOP"] == pytest.approx(19.327, abs=1e-3)
    first = rows["fp32 channels_last, batch 1: higherhrnet, training step"]
    every = rows["fp32 channels_last, batch 1: all, training step"]
    assert first["figures"]["time / first"] == 1
    assert every["figures"]["time / first"] == pytest.approx(every["median_ms"] / first["median_ms"])
    assert every["figures"]["GFLOP"] > first["figures"]["GFLOP"]
    assert every["figures"]["kept MiB"] > first["figures"]["kept MiB"] > 0
    forward = rows["fp32 channels_last, batch 1: higherhrnet, forward"]
    assert 2.5 < first["figures"]["GFLOP"] / forward["figures"]["GFLOP"] < 3.1
    assert forward["figures"]["of yardstick"].endswith("%")


def test_the_data_pipeline_has_a_breakdown(tmp_path):
    make_labelme(tmp_path / "data", frames=4, people=2, size=(80, 64))
    rows = measure(tmp_path, "parts=[data]", f"data.root={tmp_path / 'data'}")
    assert list(rows) == [
        "loader, 0 workers, batch 2",
        "read and decode the file",
        "transform",
        "channels first",
        "pack the targets",
        "join the batch",
        "draw the maps",
        "of the transform, seeding",
        "all of it, undivided",
    ]
    assert all(row["figures"]["samples/s"] > 0 for row in rows.values())


def test_without_pictures_the_data_part_is_left_out_with_a_word(tmp_path, caplog):
    assert set(measure(tmp_path, "parts=[data,score]")) == {"MPII mAP", "OKS AP", "per image"}
    assert "give data.root" in caplog.text
    with pytest.raises(ConfigError, match="nothing was measured.*data.root"):
        measure(tmp_path, "parts=[data]")


def test_decode_finds_the_people_in_both_modes(tmp_path):
    rows = measure(tmp_path, "parts=[decode]", "size=256")
    assert rows["1 made-up people, default"]["figures"]["people found"] == "1"
    assert rows["10 made-up people, default"]["figures"]["people found"] == "10"
    assert rows["10 made-up people, exact"]["figures"]["exact / this"] == 1


@pytest.mark.shared
@pytest.mark.slow
def test_decode_of_saved_maps(tmp_path, shared):
    rows = measure(tmp_path, "parts=[decode]", f"maps={shared / 'golden'}")
    assert rows["ae_parse_30, default"]["figures"]["people found"] == "30"


def test_scoring(tmp_path):
    rows = measure(tmp_path, "parts=[score]")
    figures = rows["MPII mAP"]["figures"]
    assert (figures["groups"], figures["people"]) == (8, 20) and figures["predicted"] > 8


@pytest.mark.slow
def test_drawing(tmp_path, monkeypatch):
    monkeypatch.setattr("dancepose.benchmarks.scenes.SCENES", SceneSet(train=40, val=2, test=2))
    rows = measure(tmp_path, "parts=[draw]")
    assert list(rows) == ["easy scene", "medium scene", "hard scene", "medium set of 44, once"]
    assert rows["medium set of 44, once"]["figures"]["processes"] == cpu_count()
    assert rows["hard scene"]["figures"]["people"] > rows["easy scene"]["figures"]["people"] >= 1


@pytest.mark.parametrize(
    "overrides, error, match",
    [
        (["parts=[netwrk]"], ConfigError, "parts.*network"),
        (["parts=decode"], ConfigError, "parts='decode'.*list"),
        (["precisions=[fp8]"], ConfigError, "precisions"),
        (["parts=[network]", "layouts=[nhwc]"], ConfigError, "layouts.*channels_last"),
        (["rounds=0"], ConfigError, "rounds"),
        (["threads=0"], ConfigError, "threads"),
        (["parts=[decode]", "maps=/nowhere"], DataError, "maps=/nowhere"),
        (["parts=[network]", "+networks.odd={stemm: conv}"], ConfigError, "stemm"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_wrong_values_are_refused(tmp_path, overrides, error, match):
    with pytest.raises(error, match=match):
        measure(tmp_path, *overrides)


def test_broken_maps_are_named(tmp_path):
    (tmp_path / "ae_parse_1.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="ae_parse_1.npz"):
        measure(tmp_path, "parts=[decode]", f"maps={tmp_path}")


def test_comparisons_are_timed_and_their_claims_counted(tmp_path, monkeypatch):
    monkeypatch.setattr("dancepose.sweeps.simulation.PILOT", 3)
    rows = measure(tmp_path, "parts=[compare,claims]", "jobs=16", "studies=2")
    assert rows["three metrics, in clips"]["figures"] == {"runs": 16, "samples": 350}
    told = rows["5 seeds, 1 pairs, 1000 images"]["figures"]
    assert told == {"claimed in vain": "0.00%", "95 % bound": "<= 77.64%", "studies": 2}
    assert "found" in rows["8 seeds, 3 pairs, 1000 images, true difference 2 sd"]["figures"]


@pytest.mark.slow
def test_an_exported_network_beside_its_own(tmp_path):
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    rows = measure(tmp_path, "parts=[export]", "model/head=single", *ONE_NETWORK)
    assert list(rows) == ["higherhrnet, PyTorch", "higherhrnet, onnxruntime"]
    assert rows["higherhrnet, PyTorch"]["figures"]["speed"] == 1.0
    assert rows["higherhrnet, onnxruntime"]["figures"]["speed"] > 0
