import re

from hypothesis import given
from hypothesis import strategies as st

from dancepose.sweeps.names import job_name, key_of, lasting, place, sweep_name

JOB = ["experiment=motion_paper", "model/attention=cbam0", "seed=3", "data.root=/some/where", "logger=wandb"]


def test_a_job_is_named_after_what_varies():
    name = job_name(JOB, ["model/attention", "seed"])
    assert re.fullmatch(r"attention-cbam0_seed-3_[0-9a-f]{8}", name)
    whole = job_name(JOB)
    assert whole.startswith("experiment-motion_paper_attention-cbam0_seed-3_")
    assert whole[-8:] == name[-8:], "the digits stand for all overrides, whatever is told"


def test_what_only_starts_a_run_makes_no_other_job():
    starters = ["output=x", "name=y", "rerun=failed", "dry_run=true", "sweep=a", "logger=csv", "+trust=[a.]"]
    starters += ["logger.wandb.offline=true", "reuse=true"]
    assert job_name([*reversed(JOB), *starters], ["seed"]) == job_name(JOB, ["seed"])
    assert job_name([*JOB, "objective=val/loss"])[-8:] != job_name(JOB)[-8:]
    assert lasting(["resume=a", "~callbacks.ema", "+trainer.x=1"]) == ["~callbacks.ema", "+trainer.x=1"]


def test_keys_are_as_long_as_they_must_be():
    name = job_name(["optimizer.lr=1e-3", "lr_find.low=-1", "a.b.lr=[x,y]", "a.lr=null", "model/attention=n"])
    assert name.startswith("optimizer-lr-1e-3_low-minus1_b-lr-x-y_a-lr-null_attention-n_")
    assert job_name(["a.b=1e+30"]).startswith("b-1e30_") and job_name(["a.b=1e-30"]).startswith("b-1e-30_")
    assert key_of("+model/attention=cbam1") == "model/attention"


KEY = st.lists(st.text("abcxyz_", min_size=1, max_size=20), min_size=1, max_size=4).map("/".join)


@given(st.lists(st.tuples(KEY, st.text(max_size=80)).map("=".join), max_size=6))
def test_names_fit_every_file_system_and_shell(overrides):
    name = job_name(overrides)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) and len(name) <= 255
    assert name[-8:] == job_name(overrides[::-1])[-8:]


def test_a_sweep_that_grows_keeps_the_folders_of_its_jobs(tmp_path):
    one = place(tmp_path, ["model=hrnet", "seed=0"], ["seed"])
    assert one.startswith("seed-0_")
    (tmp_path / one).mkdir()
    assert place(tmp_path, ["model=hrnet", "seed=0"], ["seed", "model"]) == one
    assert place(tmp_path, ["model=hrnet", "seed=1"], ["seed", "model"]).startswith("model-hrnet_seed-1_")


def test_the_same_command_is_the_same_sweep():
    params = {"model.branches": "[a],[b]"}
    name = sweep_name("motion_paper", ["seed=0,1", "model=motion"], params)
    assert re.fullmatch(r"motion_paper-[0-9a-f]{8}", name)
    again = sweep_name(
        "motion_paper", ["model=motion", "rerun=all", "seed=0,1"], {"model.branches": "[a],[b]"}
    )
    assert again == name
    assert sweep_name("motion_paper", ["seed=0,1,2", "model=motion"], {"model.branches": "[a],[b]"}) != name
    assert sweep_name("motion_paper", ["seed=0,1", "model=motion"], None) != name


def test_where_data_lie_and_who_reads_them_makes_no_other_job(tmp_path):
    """A sweep that is launched again on another machine goes on with the jobs that are there."""
    first = place(tmp_path, [*JOB, "data.workers=2"], ["model/attention", "seed"])
    assert first.startswith("attention-cbam0_seed-3_")
    (tmp_path / first).mkdir()
    elsewhere = [o for o in JOB if not o.startswith("data.root")]
    for more in (["data.root=/else/where"], ["data.workers=8", "data.root=/x"], []):
        assert place(tmp_path, [*elsewhere, *more], ["seed"]) == first
    assert place(tmp_path, [*JOB, "data.size=64"], ["seed"]) != first


def test_a_sweep_over_such_a_key_tells_its_jobs_apart(tmp_path):
    jobs = [["seed=0", f"data.workers={number}"] for number in (0, 2)]
    names = [place(tmp_path, job, ["data.workers"]) for job in jobs]
    assert [name.rpartition("_")[0] for name in names] == ["workers-0", "workers-2"]
    assert len({name[-8:] for name in names}) == 2
    for name in names:
        (tmp_path / name).mkdir()
    assert [place(tmp_path, job, ["seed"]) for job in jobs] == names, "and finds them again"
    assert place(tmp_path, ["seed=0", "data.workers=4"], ["seed"]) not in names
    (tmp_path / job_name(["seed=0"])).mkdir()
    assert place(tmp_path, jobs[0], ["data.workers", "seed"]) == names[0]


def test_other_data_are_another_sweep_and_other_workers_are_not():
    name = sweep_name("motion_paper", ["seed=0,1", "data.root=a", "data.workers=2"], None)
    assert sweep_name("motion_paper", ["seed=0,1", "data.root=a", "data.workers=4"], None) == name
    assert sweep_name("motion_paper", ["seed=0,1", "data.root=a"], {"data.workers": 4}) == name
    assert sweep_name("motion_paper", ["seed=0,1", "data.root=b", "data.workers=2"], None) != name
    both = sweep_name("motion_paper", ["seed=0,1", "data.root=a"], {"data.workers": "0,1"}, ["data.workers"])
    assert both != name
