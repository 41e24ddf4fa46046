from hydra import compose, initialize_config_dir

from dancepose.benchmark import PARTS
from dancepose.benchmarks.settings import PARTS_OF, UNTOLD, settings, told
from dancepose.paths import config_dir
from dancepose.targets import plain


def composed(*overrides: str) -> dict:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return plain(compose("benchmark", ["data.root=here", *overrides]))


def test_each_setting_is_one_and_its_parts_are():
    config = composed()
    assert set(PARTS_OF) | set(UNTOLD) | {"parts", "rounds"} == set(config)
    assert all(set(parts) <= set(PARTS) for parts in PARTS_OF.values())


def test_what_matters_to_the_parts_is_kept_with_its_defaults():
    config = composed("model.width=48", "size=256")
    assert set(settings(config, ["score"])) == {"parts", "rounds", "groups", "skeleton"}
    networks = settings(config, ["network"])
    assert (networks["size"], networks["model"]["width"], networks["model"]["depth"]) == (256, 48, "full")
    assert networks["skeleton"] == "mpii15" and "data" not in networks and "motions" not in networks
    motions = settings(config, ["motion"])["motions"]
    assert motions["image"]["depth"] == 50 and motions["image"]["attention"]["order"] == "cbam1"
    assert settings(config, ["data"])["data"]["root"] == "here"


def test_settings_are_text_without_what_is_null():
    assert told({"size": 512, "maps": None}) == "size: 512"
    nested = {"_target_": "x", "width": 8, "weights": None, "head": {"strides": [4, 2]}}
    lines = ["model: {width: 8}", "model.head: {strides: [4, 2]}", "batches: [1, 2]"]
    assert told({"model": nested, "batches": [1, 2]}).splitlines() == lines
    networks = {"networks": {"plain": {}, "all": {"stem": "pyramid", "attention": {"order": "cbam0"}}}}
    lines = ["networks.plain: {}", "networks.all: {stem: pyramid}", "networks.all.attention: {order: cbam0}"]
    assert told(networks).splitlines() == lines


def test_the_data_are_read_by_one_worker_unasked():
    assert (composed()["data"]["workers"], composed()["data"]["batch_size"]) == (1, 8)
    assert composed("data=dance_synthetic", "data.workers=0")["data"]["workers"] == 0
