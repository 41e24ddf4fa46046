"""What the files of `conf/model` say of themselves."""

import yaml

from dancepose.paths import config_dir


def shipped_models() -> list[str]:
    """The names of all shipped models."""
    return sorted(path.stem for path in (config_dir() / "model").glob("*.yaml"))


def written(model: str) -> dict:
    """What the file of a shipped model says, without the files that it starts from."""
    return yaml.safe_load((config_dir() / f"model/{model}.yaml").read_text())


def network_of(model: str) -> str:
    """The `model.network` of a shipped model, of another's where it is another with a few keys changed."""
    node = written(model)
    return node["network"] if "network" in node else network_of(node["defaults"][0])
