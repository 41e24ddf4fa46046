"""`dancepose-evaluate`: a run, a checkpoint (`network_scoring`), files of predictions (`file_scoring`)."""

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from factories import make_coco, make_labelme
from running import SMALL, run_task

from dancepose.data.coco_results import write_coco_results
from dancepose.data.prediction_writer import write_predictions
from dancepose.data.readers.coco import read_coco
from dancepose.data.readers.labelme import read_labelme
from dancepose.errors import ConfigError, DataError
from dancepose.evaluate import READ_BY, evaluate
from dancepose.inference.pipeline import Pipeline
from dancepose.inference.pose import PosePredictor
from dancepose.paths import config_dir
from dancepose.records import Person
from dancepose.skeleton import load_skeleton
from dancepose.sweeps.answers import with_samples
from dancepose.sweeps.jobs import read_jobs
from dancepose.train import train

MPII15, COCO17 = load_skeleton("mpii15"), load_skeleton("coco17")


@pytest.fixture(scope="module")
def labelme(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("labelme")
    make_labelme(root, frames=6)
    make_labelme(root, frames=4, people=1, folder="alone", seed=1)
    return root


@pytest.fixture(scope="module")
def finished(labelme, tmp_path_factory) -> Path:
    """A run of one epoch; without a threshold it finds people, wherever they are."""
    run = tmp_path_factory.mktemp("runs") / "finished"
    small = [*SMALL, "model=higherhrnet", "model.codec.detection_threshold=0", "trainer.max_epochs=1"]
    small += ["trainer.precision=32-true", "inference.flip=true", "data.val=3", "data.test=4"]
    run_task(train, "train", run, *small, f"data.root={labelme}")
    return run


def score(folder: Path, *overrides: str, part: str = "test") -> dict:
    """Evaluate into a folder and return the JSON that it leaves."""
    run_task(evaluate, "evaluate", folder, *overrides)
    assert [p.stem for p in folder.glob("*.json") if p.stem in ("train", "val", "test", "all")] == [part]
    return json.loads((folder / f"{part}.json").read_text())


def truth_as_predictions(path: Path, root: Path, names: int | None = None, split: str | None = None) -> Path:
    """Write the labels themselves as predictions, of the first pictures."""
    frames, _ = read_labelme(root, MPII15)
    people = [(f.name, [Person(p.keypoints, scores=np.ones(15)) for p in f.people]) for f in frames[:names]]
    write_predictions(path, people, MPII15, split)
    return path


def test_a_run_scores_what_its_training_scored(finished, tmp_path):
    mine = json.loads((finished / "test.json").read_text())
    result = score(tmp_path, f"run={finished}", "device=cpu")
    assert result.pop("source") == str(finished / "checkpoints" / "best.ckpt")
    mine.pop("source")
    assert {key: result[key] for key in mine} == mine
    assert result["images"] == 4 and result["flip"] is True and result["scales"] == [1.0]
    assert result["split"] == json.loads((finished / "metrics.json").read_text())["split"]
    row = result["rows"]["mAP"]
    assert sum(row["head_size_rules"].values()) == pytest.approx(1)
    assert row["counts"]["images"] == 4 and row["counts"]["people"] >= 4 and row["counts"]["predictions"] > 4
    assert list(row["columns"])[:7] == ["Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"]
    predictions = (tmp_path / "predictions.json").read_text()
    assert predictions == (finished / "predictions.json").read_text()
    assert (tmp_path / "per_image.npz").read_bytes() == (finished / "per_image.npz").read_bytes()
    assert (tmp_path / "pictures" / "test_frames.jpg").stat().st_size > 1000


def test_another_part_checkpoint_flip_and_scales(finished, tmp_path):
    keys = [f"run={finished}", "part=val", "which=last", "scales=[1.0,0.5]", "batch_size=1", "workers=0"]
    result = score(tmp_path / "flip", *keys, "flip=true", "coco=true", "pictures=0", part="val")
    assert result["images"] == 3 and (result["flip"], result["scales"]) == (True, [1.0, 0.5])
    assert result["source"].endswith("last.ckpt")
    upright = score(tmp_path / "upright", *keys, "flip=false", part="val")
    assert upright["flip"] is False
    found = [(tmp_path / name / "predictions.json").read_text() for name in ("flip", "upright")]
    assert found[0] != found[1]
    results = json.loads((tmp_path / "flip" / "coco_results.json").read_text())
    people = [len(image["people"]) for image in json.loads(found[0])["images"]]
    assert len(results) == sum(people) and {r["image_id"] for r in results} == {1, 2, 3}
    assert not (tmp_path / "flip" / "pictures").exists()
    assert not (tmp_path / "upright" / "coco_results.json").exists()


def test_scaled_passes_are_padded_alike_in_training_evaluation_and_prediction(labelme, tmp_path, monkeypatch):
    """Their network sees the padding, too: attention and background blocks pool over the whole map."""
    padded, forward = set(), PosePredictor._forward

    def watched(predictor, images):
        padded.add(tuple(images.shape[2:]))
        return forward(predictor, images)

    monkeypatch.setattr(PosePredictor, "_forward", watched)
    settings = [
        "data.pad_multiple=96",
        "data.resize=long",
        "inference.scales=[1.0,0.5]",
        "trainer.max_epochs=1",
    ]
    run = tmp_path / "run"
    run_task(train, "train", run, *SMALL, f"data.root={labelme}", *settings)
    assert padded == {(96, 96)}, "the half of 96 is padded to 96 again, not to 64"
    padded.clear()
    score(tmp_path / "again", f"run={run}", "pictures=0")
    assert padded == {(96, 96)}
    padded.clear()
    Pipeline.from_run(run, device="cpu")(np.zeros((96, 128, 3), np.uint8))
    assert padded == {(96, 96)}


def test_the_checkpoint_is_the_one_that_the_training_tested(finished, tmp_path):
    """Of a run with which=last its last one, or what the remedy of a comparison writes is of another test."""
    run = Path(shutil.copytree(finished, tmp_path / "run"))
    config = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump(config | {"which": "last"}))
    other = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    other["state_dict"] = {name: torch.zeros_like(value) for name, value in other["state_dict"].items()}
    torch.save(other, run / "checkpoints" / "best.ckpt")
    kept = (run / "per_image.npz").read_bytes()
    (run / "per_image.npz").unlink()
    (left_out,) = with_samples(read_jobs([run])[0], poses=True)[1]
    program, *overrides = shlex.split(left_out.cause.partition("write it by ")[2])
    assert program == "dancepose-evaluate" and overrides[1] == f"hydra.run.dir={run}"
    run_task(evaluate, "evaluate", run, overrides[0])
    assert (run / "per_image.npz").read_bytes() == kept
    assert with_samples(read_jobs([run])[0], poses=True)[1] == []
    result = score(tmp_path / "best", f"run={run}", "which=best")
    assert result["source"] == str(run / "checkpoints" / "best.ckpt")
    del config["which"]  # as of a run of before there was the key
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    assert score(tmp_path / "old", f"run={run}")["source"] == result["source"]


def test_a_run_whose_data_moved(finished, labelme, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["data"]["root"] = "gone"
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(DataError, match=r"gone is no folder(.|\n)* root="):
        score(tmp_path / "no", f"run={run}")
    result = score(tmp_path / "out", f"run={run}", f"root={labelme}")
    assert result["rows"] == json.loads((finished / "test.json").read_text())["rows"]


def test_the_memory_format_of_the_run_is_kept(finished, tmp_path, monkeypatch):
    from dancepose.inference import pose

    seen = []
    original = pose.PosePredictor.__init__

    def spy(self, *args, **kwargs):
        seen.append(kwargs["channels_last"])
        original(self, *args, **kwargs)

    monkeypatch.setattr(pose.PosePredictor, "__init__", spy)
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    config = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump(config | {"channels_last": False}))
    score(tmp_path / "a", f"run={run}")
    score(tmp_path / "b", f"run={finished}")
    assert seen == [False, True]


def test_a_checkpoint_on_data_of_its_own(finished, labelme, tmp_path):
    keys = [f"ckpt={finished / 'checkpoints' / 'last.ckpt'}", "data=dance", f"data.root={labelme}"]
    keys += ["data.workers=0", "data.test=4"]
    result = score(tmp_path, *keys, "flip=false")
    assert result["images"] == 4 and result["flip"] is False and result["data"] == f"dance {labelme}"
    with pytest.raises(ConfigError, match="ckpt= needs the data"):
        score(tmp_path, keys[0])


def test_predictions_of_a_run_score_the_same(finished, labelme, tmp_path):
    mine = json.loads((finished / "test.json").read_text())
    result = score(tmp_path, f"gt={labelme}", f"pred={finished / 'predictions.json'}", part="all")
    for label in ("mAP", "OKS"):
        for field in ("columns", "joints", "truth", "counts", "head_size_rules"):
            assert result["rows"][label][field] == mine["rows"][label][field]
    assert result["split"] == mine["split"] and result["part"] == "all"
    assert (tmp_path / "pictures" / "all_frames.jpg").is_file()


def test_exact_predictions_without_pictures(labelme, tmp_path, caplog):
    root = tmp_path / "labels"
    shutil.copytree(labelme, root, ignore=shutil.ignore_patterns("*.jpg"))
    pred = truth_as_predictions(tmp_path / "p.json", labelme)
    with caplog.at_level("INFO"):
        result = score(tmp_path / "out", f"gt={root}", f"pred={pred}", part="all")
    assert "10 of 10 pictures are not there" in caplog.text and "test part" not in caplog.text
    rows = result["rows"]
    assert rows["mAP"]["columns"]["mAP"] == 100 and rows["OKS"]["columns"]["AP"] == pytest.approx(100)
    assert not any("of the truth's" in note for note in rows["mAP"]["notes"])
    assert [result[key] for key in ("flip", "scales", "precision", "geometry")] == [None] * 4
    for label in ("PCK@0.2", "PCKh@0.5"):
        assert any("not of the heatmaps' maxima" in note for note in rows[label]["notes"])
    assert [p.name for p in (tmp_path / "out" / "pictures").iterdir()] == ["all_curves.png"]


def test_pictures_that_the_file_leaves_out_are_told(labelme, tmp_path):
    """Of a part of a split only what it names counts; any other file speaks of the whole truth."""
    part = truth_as_predictions(tmp_path / "part.json", labelme, names=7, split="0123456789abcdef")
    result = score(tmp_path / "part", f"gt={labelme}", f"pred={part}", part="all")
    assert result["images"] == 7 and result["pictures_of_truth"] == 10
    assert result["rows"]["mAP"]["columns"]["mAP"] == 100
    for row in result["rows"].values():
        assert any("scored on the 7 of the truth's 10 pictures" in note for note in row["notes"])
    foreign = truth_as_predictions(tmp_path / "foreign.json", labelme, names=7)
    result = score(tmp_path / "foreign", f"gt={labelme}", f"pred={foreign}", part="all")
    assert result["images"] == result["pictures_of_truth"] == 10
    columns = result["rows"]["mAP"]["columns"]
    assert 0 < columns["mAP"] < 100  # nobody was found in the three that it leaves out
    for row in result["rows"].values():
        assert any("3 of the truth's 10 pictures" in note for note in row["notes"])
    empty = truth_as_predictions(tmp_path / "e.json", labelme, names=0)
    result = score(tmp_path / "empty", f"gt={labelme}", f"pred={empty}", part="all")
    assert result["images"] == 10 and result["rows"]["mAP"]["columns"]["mAP"] == 0
    empty = truth_as_predictions(tmp_path / "e.json", labelme, names=0, split="0123456789abcdef")
    with pytest.raises(DataError, match="speaks of none"):
        score(tmp_path / "none", f"gt={labelme}", f"pred={empty}")


def test_predictions_of_other_pictures_of_the_same_names(finished, labelme, tmp_path, caplog):
    other = tmp_path / "other"
    make_labelme(other, frames=6, seed=7)
    make_labelme(other, frames=4, people=1, folder="alone", seed=8)
    keys = [f"gt={other}", f"pred={finished / 'predictions.json'}", "pictures=0"]
    result = score(tmp_path / "out", *keys, part="all")
    told = "of 4 of 4 pictures the labels are not those"
    assert any(text.startswith(told) for text in caplog.messages)
    assert any(note.startswith(told) for note in result["rows"]["mAP"]["notes"])
    make_labelme(other, frames=6, seed=7, size=(170, 128))
    make_labelme(other, frames=4, people=1, folder="alone", seed=8, size=(170, 128))
    with pytest.raises(DataError, match="was 160 x 128 pixels when it was predicted, in the truth it is 170"):
        score(tmp_path / "no", *keys)


def test_coco_truth_and_results(tmp_path):
    make_coco(tmp_path, frames=3)
    path = tmp_path / "annotations.json"
    frames, _ = read_coco(path, COCO17, tmp_path)
    people = {f.name: [Person(p.keypoints, scores=np.full(17, 0.5)) for p in f.people] for f in frames}
    people[frames[0].name] = []
    write_coco_results(tmp_path / "r.json", people, frames)
    keys = [f"gt={path}", f"pred={tmp_path / 'r.json'}"]
    result = score(tmp_path / "out", *keys, "skeleton=coco17", part="all")
    row = result["rows"]["mAP"]
    assert row["columns"]["Head"] is None and row["columns"]["mAP"] == pytest.approx(200 / 3)
    assert result["images"] == 3  # results leave out pictures without people, and speak of all
    assert (tmp_path / "out" / "pictures" / "all_frames.jpg").is_file()
    with pytest.raises(ConfigError, match="give skeleton="):
        score(tmp_path / "no", *keys)
    (tmp_path / "r.json").write_text("[]")
    assert score(tmp_path / "none", *keys, "skeleton=coco17", part="all")["images"] == 3


def test_posetracks_variant(labelme, tmp_path):
    pred = truth_as_predictions(tmp_path / "p.json", labelme)
    keys = [f"gt={labelme}", f"pred={pred}", "protocol=posetrack", "pictures=0"]
    result = score(tmp_path / "out", *keys, part="all")
    assert result["rows"]["mAP"]["metric"] == "PoseTrack mAP"
    assert result["rows"]["mAP"]["columns"]["mAP"] == 100


def test_frames_that_were_not_predicted_are_not_reported(labelme, tmp_path):
    from dancepose.tasks.evaluation import PoseEvaluation
    from dancepose.tasks.report import write_report

    frames, _ = read_labelme(labelme, MPII15)
    evaluation = PoseEvaluation(MPII15)
    evaluation.update([f.people for f in frames[:2]], frames[:2])
    write_report(
        tmp_path,
        "test",
        evaluation.compute(),
        evaluation.gather_predictions(),
        frames,
        MPII15,
        {},
        pictures=1,
    )
    assert json.loads((tmp_path / "test.json").read_text())["images"] == 2


WAYS = "give one of: run="


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], WAYS),
        (["run=a", "ckpt=b"], WAYS),
        (["gt=a"], WAYS),
        (["pred=a"], WAYS),
        (["run=a", "pred=b"], WAYS),
        (["run=a", "protocol=posetrak"], "protocol=posetrak: .*'posetrack'"),
        (["run=a", "part=tets"], "part=tets: .*train, val, test.*'test'"),
        (["run=a", "which=bset"], "which=bset.*best"),
        (["run=a", "precision=16"], "precision=16: .*32-true"),
        (["run=a", "device=gpu"], "device=gpu: .*auto, cpu, cuda"),
        (["run=a", "device=meta"], "device=meta: .*auto, cpu, cuda"),
        (["run=a", "scales=2"], r"scales=2: .*list"),
        (["run=a", "scales=[]"], r"scales=\[\]: .*1 among"),
        (["run=a", "scales=[1,-1]"], r"scales=\[1, -1\]: .*positive"),
        (["run=a", "coco=yes please"], "coco="),
        (["run=a", "pictures=-1"], "pictures=-1"),
        (["run=a", "scales=[0.5]"], r"scales=\[0\.5\]: .*1 among"),
        (["run=a", "scales=[1,x]"], r"scales=.*x.*list"),
        (["run=a", "flip=maybe"], "flip=.?maybe.*: .*true or false"),
        (["run=a", "batch_size=0"], "batch_size=0"),
        (["run=a", "workers=-1"], "workers=-1"),
        (["run=a", "pictures=many"], "pictures=.?many"),
        (["run=nowhere"], "nowhere is no run directory"),
        (["ckpt=nowhere"], "nowhere is no file"),
        (["gt=a", "pred=nowhere"], "pred: nowhere is no file"),
        (["ckpt=a", "root=b"], r"with ckpt= nothing reads root \(only with run= or sweep=\): leave it out"),
        (["ckpt=a", "which=last"], "with ckpt= nothing reads which"),
        (["ckpt=a", "trust=[my.]"], "with ckpt= nothing reads trust"),
        (["ckpt=a", "skeleton=coco17"], r"with ckpt= nothing reads skeleton \(only with gt=\)"),
        (["run=a", "skeleton=coco17"], "with run= nothing reads skeleton"),
        (["gt=a", "pred=b", "part=test"], r"with gt= nothing reads part \(only with run= or ckpt=\)"),
        (["gt=a", "pred=b", "which=best"], "with gt= nothing reads which"),
        (["gt=a", "pred=b", "root=c"], "with gt= nothing reads root"),
        (["gt=a", "pred=b", "flip=true", "workers=1"], "nothing reads flip .*, workers .*: leave them out"),
        (["gt=a", "pred=b", "scales=[1.0]"], "with gt= nothing reads scales"),
        (["gt=a", "pred=b", "precision=32-true"], "with gt= nothing reads precision"),
        (["gt=a", "pred=b", "batch_size=2"], "with gt= nothing reads batch_size"),
        (["gt=a", "pred=b", "device=cpu"], "with gt= nothing reads device"),
        (["gt=a", "pred=b", "data=dance", "data.root=c"], "with gt= nothing reads data"),
    ],
)
def test_wrong_values_are_refused_at_the_top(tmp_path, monkeypatch, overrides, message):
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        Path(name).touch()
    with pytest.raises(ConfigError, match=message):
        score(tmp_path, *overrides)


def test_what_was_not_given_is_not_refused(labelme, tmp_path):
    """Defaults of keys that the way does not read are no wish of the user, nor is null."""
    pred = truth_as_predictions(tmp_path / "p.json", labelme)
    keys = ["root=null", "+flip=null", "output=x", "hydra.run.dir=x"]
    assert score(tmp_path, f"gt={labelme}", f"pred={pred}", *keys, part="all")["images"] == 10


def test_every_key_has_its_ways():
    keys = yaml.safe_load((config_dir() / "evaluate.yaml").read_text())
    groups = {name for node in keys.pop("defaults") if isinstance(node, dict) for name in node} - {"hydra"}
    assert READ_BY.keys() == keys.keys() | groups


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_that_is_not_there(tmp_path, monkeypatch, device):
    monkeypatch.chdir(tmp_path)
    Path("a").touch()
    with pytest.raises(ConfigError, match=rf"device={device}: .*no GPU.*device=cpu"):
        score(tmp_path, "run=a", f"device={device}")


def test_the_readme_s_predictions_are_read_and_scored(tmp_path):
    """The example of the form of `predictions.json`, against a truth that has the same people."""
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    example = next(code for code in re.findall(r"```json\n(.*?)```", readme, re.S) if '"people"' in code)
    (tmp_path / "predictions.json").write_text(example)
    content = json.loads(example)
    skeleton = load_skeleton(content["skeleton"])
    images, annotations = [], []
    for number, image in enumerate(content["images"], start=1):
        images.append({"id": number, "file_name": image["image"], "width": 200, "height": 300})
        for person in image["people"]:
            rows = [[x, y, 2 * (score > 0)] for x, y, score in person["keypoints"]]
            keypoints, box = sum(rows, []), [60, 0, 80, 300]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": 1, "bbox": box}
            )
            annotations[-1] |= {"keypoints": keypoints, "area": 9000, "iscrowd": 0, "num_keypoints": 14}
    categories = [{"id": 1, "name": "person", "keypoints": list(skeleton.keypoints)}]
    truth = {"images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    files = (f"gt={tmp_path / 'truth.json'}", f"pred={tmp_path / 'predictions.json'}")
    run_task(evaluate, "evaluate", tmp_path / "out", *files, "pictures=0")
    rows = json.loads((tmp_path / "out" / "all.json").read_text())["rows"]
    assert rows["mAP"]["columns"]["mAP"] == rows["OKS"]["columns"]["AP"] == 100
    assert rows["mAP"]["counts"]["predictions"] == len(annotations) == 1
