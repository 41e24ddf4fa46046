"""What `debug=overfit` sets, for every optimizer, and what its score means."""

import pytest
from hydra import compose, initialize_config_dir

from dancepose.paths import config_dir
from dancepose.tasks.outcome import judge_overfit
from dancepose.tasks.run_directory import RunDirectory


@pytest.mark.parametrize(
    "values, words",
    [
        ({"test/mAP": 95.2}, ["mAP 95.2", "go on with a real training", "says nothing"]),
        ({"test/mAP": 31.0}, ["mAP 31.0", "train longer", "resume=", "labels"]),
        ({"test/mAP": float("nan")}, ["no score"]),
        ({}, ["no score"]),
    ],
)
def test_the_last_line_of_an_overfit_run_says_what_its_score_means(values, words, tmp_path):
    told = judge_overfit(values, RunDirectory(tmp_path))
    assert all(word in told for word in words), told


@pytest.mark.parametrize(
    "overrides, target, eps",
    [
        ([], "Adam", 1e-15),
        (["experiment=pose_paper"], "Adam", 1e-15),
        (["optimizer=sgd"], "SGD", None),
        (["optimizer=adamw"], "AdamW", 1e-8),
    ],
)
def test_overfit_comes_with_an_optimizer_that_another_choice_replaces(overrides, target, eps):
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        cfg = compose("train", overrides=["debug=overfit", "data.root=x", "name=x", *overrides])
    assert cfg.optimizer._target_ == f"torch.optim.{target}" and cfg.optimizer.get("eps") == eps
    assert (cfg.model.init, cfg.trainer.max_epochs, cfg.trainer.check_val_every_n_epoch) == (
        "kaiming",
        300,
        20,
    )
