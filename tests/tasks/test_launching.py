"""How a launcher makes a job ready."""

import threading
from types import SimpleNamespace

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import HydraContext, RunMode

from dancepose.paths import config_dir
from dancepose.resolvers import register
from dancepose.tasks import launching, pool, slurm
from dancepose.tasks.launching import prepare


def test_the_task_sees_the_job_by_its_number_and_overrides(tmp_path):
    register()
    seen = []

    def task(cfg):
        seen.append((cfg.seed, HydraConfig.get().job.num, HydraConfig.get().runtime.output_dir))
        return "looked at"

    given = [f"output={tmp_path}", "sweep=mine"]
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        loader = GlobalHydra.instance().hydra.config_loader
        config = loader.load_configuration("train", given, RunMode.MULTIRUN)
        context = HydraContext(
            config_loader=loader,
            callbacks=SimpleNamespace(on_job_start=lambda **_: None, on_job_end=lambda **_: None),
        )
        launcher = SimpleNamespace(hydra_context=context, context=context, config=config, task=task)
        made = prepare(launcher, 3, [*given, "seed=7"])
    ((seed, number, folder),) = seen
    assert made.return_value == "looked at" and (seed, number) == (7, 3)
    assert folder.startswith(str(tmp_path / "sweeps" / "mine" / "seed-7_"))


@pytest.mark.parametrize("launcher", [pool, slurm])
def test_a_dry_run_goes_through_the_jobs_in_their_order_without_threads(launcher, monkeypatch):
    seen = []

    def look(plugin, number, overrides):
        seen.append((number, *overrides, threading.current_thread() is threading.main_thread()))
        return number

    monkeypatch.setattr(launching, "prepare", look)
    for name in ("setup_globals", "configure_log"):
        monkeypatch.setattr(launcher, name, lambda *_: None)
    hydra = SimpleNamespace(hydra_logging=None, verbose=False)
    plugin = SimpleNamespace(config=SimpleNamespace(hydra=hydra, dry_run=True), settings={})
    assert launcher.launch(plugin, [["seed=5"], ["seed=6"]], 3) == [3, 4]
    assert seen == [(3, "seed=5", True), (4, "seed=6", True)]
