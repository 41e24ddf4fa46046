"""What an entry point's shipped configuration composes to for the choices of a command line."""

import functools
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from omegaconf import OmegaConf

from dancepose.key_comments import GLOBAL_GROUPS


def compose_reference(
    config_name: str, choices: Mapping[str, Any], searchpath: Sequence[str] = ()
) -> dict[str, Any]:
    """Compose the entry point's config with the same group choices and nothing else.

    What is unknown to it is a key that no shipped file, and no file of the user's chosen groups, declares.
    """
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.types import Quote, QuotedString

    paths = [QuotedString(path, Quote.single).with_quotes() for path in searchpath]
    overrides = [f"hydra.searchpath=[{','.join(paths)}]"] if paths else []
    for group, choice in choices.items():
        if choice is None or group.split("/")[0] == "hydra" or group in GLOBAL_GROUPS or "@" in group:
            continue
        overrides.append(f"{group}={choice}")
    places = GlobalHydra.instance().config_loader().get_search_path().get_path()
    # a copy, for what is kept must stay as it is
    return deepcopy(_composed(config_name, tuple(overrides), tuple(str(place.path) for place in places)))


@functools.lru_cache(maxsize=64)
def _composed(config_name: str, overrides: tuple[str, ...], places: tuple[str, ...]) -> dict[str, Any]:
    """Compose from the folders that Hydra was given; once, for the jobs of a sweep choose much the same.

    Args:
        config_name: the entry point's config.
        overrides: of the command line.
        places: the folders; Hydra knows them by itself, so that they only tell one result from another.
    """
    from hydra import compose

    return OmegaConf.to_container(compose(config_name, overrides=list(overrides)), resolve=False)  # type: ignore[return-value]
