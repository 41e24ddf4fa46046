"""What Hydra does at each start and need not: reading YAML in Python, importing plugins to print a text."""

import functools
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

SHOWING = ("-h", "--help", "--cfg", "-c")  # flags after which only a text is printed
# with these the plugins have a say in what is printed
PLUGGED = ("hydra", "--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn")


def shows_only(argv: Sequence[str]) -> bool:
    """Tell whether a command line asks for a text alone.

    Args:
        argv: the command line, without the program.
    """
    return any(argument.partition("=")[0] in SHOWING for argument in argv)


@contextmanager
def without_plugins(argv: Sequence[str]) -> Iterator[None]:
    """Keep Hydra from importing installed launchers and sweepers where only a text is printed.

    Args:
        argv: the command line, without the program.
    """
    plugged = any(word in argument for argument in argv for word in PLUGGED)
    hidden = shows_only(argv) and not plugged and "hydra_plugins" not in sys.modules
    if hidden:
        sys.modules["hydra_plugins"] = None  # type: ignore[assignment]  # an import of it is an ImportError
    try:
        yield
    finally:
        if hidden:
            del sys.modules["hydra_plugins"]


def compose_once() -> None:
    """Keep Hydra from composing all to learn its mode where the command line says it, as that of a job does.

    May be called again.
    """
    from hydra._internal.hydra import Hydra
    from hydra.types import RunMode

    original = getattr(Hydra.get_mode, "__wrapped__", Hydra.get_mode)

    @functools.wraps(original)
    def get_mode(self: Hydra, config_name: str | None, overrides: list[str]) -> Any:
        said = [override for override in overrides if override.startswith("hydra.mode=")]
        return RunMode.RUN if said[-1:] == ["hydra.mode=RUN"] else original(self, config_name, overrides)

    Hydra.get_mode = get_mode  # type: ignore[method-assign]


def read_yaml_in_c() -> None:
    """Let OmegaConf read YAML with libyaml, where PyYAML was built with it; may be called again."""
    import omegaconf._utils as utils
    import yaml

    if yaml.__with_libyaml__ and hasattr(utils, "get_yaml_loader"):
        original = getattr(utils.get_yaml_loader, "__wrapped__", utils.get_yaml_loader)
        utils.get_yaml_loader = functools.wraps(original)(functools.cache(lambda: in_c(original())))


def in_c(loader: type) -> type:
    """Return a loader of YAML like another one, but with the parser of libyaml, which is faster."""
    import yaml
    from yaml.cyaml import CParser  # type: ignore[attr-defined]

    def start(self: Any, stream: Any) -> None:
        CParser.__init__(self, stream)
        yaml.constructor.SafeConstructor.__init__(self)
        yaml.resolver.Resolver.__init__(self)

    return type(f"{loader.__name__}InC", (CParser, loader), {"__init__": start})
