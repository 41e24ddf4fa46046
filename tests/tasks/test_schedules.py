import math

import pytest
import torch
from hydra import compose, initialize_config_dir

from dancepose.errors import ConfigError
from dancepose.paths import config_dir
from dancepose.targets import instantiate
from dancepose.tasks.schedules import cosine, go_on_at, multistep

NAMES = sorted(p.stem for p in (config_dir() / "scheduler").glob("*.yaml"))


def rates(make, epochs, per_epoch=10):
    """The rate of every step of a training that starts at 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer, epochs=epochs, steps_per_epoch=per_epoch)
    seen = []
    for _ in range(epochs * per_epoch):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


def shipped(name):
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        cfg = compose("train", overrides=["data.root=x", f"scheduler={name}"])
    return instantiate(cfg.scheduler)


def test_a_schedule_that_goes_on_at_another_step_has_the_rate_of_that_step():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2.0)
    schedule = multistep(optimizer, epochs=4, steps_per_epoch=10, milestones=[2], gamma=0.1)
    go_on_at(schedule, 25)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.2) == schedule.get_last_lr()[0]
    go_on_at(schedule, 18)
    rates_after = []
    for _ in range(3):
        rates_after.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates_after == pytest.approx([2.0, 2.0, 0.2])


def test_the_shipped_ones():
    assert NAMES == ["cosine", "multistep", "none", "paper_doubling", "paper_halving", "paper_tenths"]


@pytest.mark.parametrize("name, factor", [("paper_halving", 0.5), ("paper_doubling", 2.0)])
def test_the_papers_rounds(name, factor):
    seen = rates(shipped(name), epochs=200)
    assert seen[999] == 1 and seen[1000] == factor
    assert seen[1599] == factor and seen[1600] == factor**2 == seen[-1]


def test_the_motion_papers_thirds():
    seen = rates(shipped("paper_tenths"), epochs=30)
    changes = [i for i in range(1, 300) if seen[i] != seen[i - 1]]
    assert changes == [100, 200] and seen[-1] == pytest.approx(0.01)


def test_milestones_as_shares_of_the_training():
    from functools import partial

    seen = rates(partial(multistep, milestones=[0.75, 0.9], gamma=0.1), epochs=20)
    changes = [i for i in range(1, 200) if seen[i] != seen[i - 1]]
    assert changes == [150, 180] and seen[-1] == pytest.approx(0.01)


def test_cosine_falls_from_the_end_of_the_warm_up():
    from functools import partial

    seen = rates(partial(cosine, warmup=1, final_ratio=0.1), epochs=10)
    assert seen[0] < 0.2 and seen[:10] == sorted(seen[:10]) and max(seen) <= 1
    assert seen[10:] == sorted(seen[10:], reverse=True)
    assert seen[55] == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi * 0.5)) / 2, rel=0.02)
    assert seen[-1] == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(
    "make", [{"milestones": milestones, "gamma": 0.1} for milestones in ([5, 3], [-1], [0.66, 1.0])], ids=str
)
def test_wrong_milestones_are_refused(make):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    with pytest.raises(ConfigError, match="scheduler.milestones"):
        multistep(optimizer, epochs=10, steps_per_epoch=1, **make)


def test_a_warm_up_longer_than_the_training_is_cut_to_half_of_it(caplog):
    from functools import partial

    seen = rates(partial(cosine, warmup=1), epochs=1)
    assert seen[:5] == sorted(seen[:5]) and seen[5:] == sorted(seen[5:], reverse=True) and seen[-1] < 0.2
    assert "scheduler.warmup" in caplog.text
