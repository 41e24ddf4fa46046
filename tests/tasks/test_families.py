import pytest

from dancepose.data.datamodules import PoseDataModule
from dancepose.data.motion_datamodule import MotionDataModule
from dancepose.errors import ConfigError
from dancepose.tasks.families import FAMILIES, family_of
from dancepose.tasks.family import Family
from dancepose.tasks.motion_family import MotionFamily
from dancepose.tasks.pose_family import PoseFamily

MODULES = {"pose": PoseDataModule, "motion": MotionDataModule}


def config(network: str, **more) -> dict:
    model = {"network": network, **more.pop("model", {})}
    return {"model": model, "which": "best", "objective": None, "callbacks": {}, **more}


@pytest.mark.parametrize(
    ("network", "family"),
    [
        ("pose", PoseFamily),
        *((name, MotionFamily) for name in ("motion", "motion_1d", "motion_str", "motion_qes")),
    ],
)
def test_a_network_is_of_one_family(network, family):
    assert type(family_of(config(network))) is family


def test_an_unknown_network_is_told():
    with pytest.raises(ConfigError, match=r"model\.network=motoin"):
        family_of(config("motoin"))


@pytest.mark.parametrize("name", FAMILIES)
def test_data_of_the_other_family_are_refused(name):
    family: Family = FAMILIES[name]()
    other = next(other for other in FAMILIES if other != name)
    for own, module in MODULES.items():
        node = {"_target_": f"{module.__module__}.{module.__qualname__}"}
        given = config("pose" if name == "pose" else "motion", data=node)
        if own == name:
            family.check_data(given)
        else:
            with pytest.raises(ConfigError, match=f"are for {other}s: give data="):
                family.check_data(given)


@pytest.mark.parametrize("name", FAMILIES)
def test_only_metrics_of_the_own_validation_decide(name):
    family = FAMILIES[name]()
    own, other = ("val/mAP", "val/accuracy") if name == "pose" else ("val/accuracy", "val/mAP")
    base = config("pose" if name == "pose" else "motion", skeleton=_skeleton())
    family.check_metric_names({**base, "objective": own})
    for wrong, words in (
        (other, "there is no such metric"),
        (own.replace("val", "test"), "by the test part"),
    ):
        with pytest.raises(ConfigError, match=words):
            family.check_metric_names({**base, "objective": wrong})
    with pytest.raises(ConfigError, match="which=lats.*last"):
        family.check_metric_names({**base, "which": "lats"})


def _skeleton() -> dict:
    from dancepose.skeleton import load_skeleton

    return load_skeleton("common13").to_dict()
