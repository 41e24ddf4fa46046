"""Which keys an entry point's config has: with what a command line chooses, and with each option."""

from collections.abc import Sequence
from pathlib import Path

from dancepose.paths import config_dir
from dancepose.resume import OVERRIDE, flag_values, split_flags


def groups() -> list[str]:
    """Return the groups of options as they are written: `model`, `model/attention`, and Hydra's."""
    folders = (path for path in config_dir().rglob("*") if path.is_dir())
    return [*sorted(path.relative_to(config_dir()).as_posix() for path in folders), "hydra/sweeper"]


def known_keys(config_name: str, overrides: Sequence[str] = (), with_hydra: bool = False) -> list[str]:
    """Return the dotted keys of a config: what a misspelt key is compared with.

    Args:
        config_name: the entry point's config.
        overrides: choices.
        with_hydra: Hydra's own keys are among them.

    Raises:
        HydraException: the overrides do not compose.
    """
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    from dancepose.config_keys import dotted_keys

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        composed = compose(config_name, [*overrides], return_hydra_config=with_hydra)
    values = OmegaConf.to_container(composed, resolve=False)
    return list(dotted_keys(values))  # type: ignore[arg-type]


def chosen_keys(config_name: str, argv: list[str]) -> list[str]:
    """Return the dotted keys of a config with the options that a command line chooses, as far as there are.

    Args:
        config_name: the entry point's config.
        argv: the command line, without the program; of what a sweep varies the first option counts.
    """
    from hydra.core.override_parser.types import Quote, QuotedString
    from hydra.errors import HydraException

    flags, overrides = split_flags(argv)
    own = [Path(folder).resolve() for folder in flag_values(flags, ("--config-dir", "-cd"))]
    paths = [QuotedString(f"file://{folder}", Quote.single).with_quotes() for folder in own]
    chosen = [f"hydra.searchpath=[{','.join(paths)}]"] if paths else []
    for argument in overrides:
        match = OVERRIDE.fullmatch(argument)
        if match and match["group"].split("/")[0] != "hydra":
            varied = "," in argument and not (match["value"] or "").startswith("[")
            if any((folder / match["group"]).is_dir() for folder in (config_dir(), *own)):
                chosen.append(argument.partition(",")[0] if varied else argument)
    try:
        return known_keys(config_name, chosen)
    except HydraException:  # an option that is not there is another mistake, told once this one is mended
        return known_keys(config_name)


def hydra_keys(config_name: str, argv: list[str]) -> list[str]:
    """Return the dotted keys of Hydra itself, with the launcher and sweeper that a command line chooses."""
    chosen = [argument for argument in argv if argument.startswith("hydra/")]
    known = known_keys(config_name, chosen, with_hydra=True)
    return [key for key in known if key.startswith("hydra.")]


def options_with(key: str, config_name: str) -> list[str]:
    """Return the options of a key's groups that have the key, as they are typed: `model=motion`.

    Args:
        key: in dotted form, `model.attention.order`; its innermost group that has an option counts.
        config_name: the entry point's config.
    """
    from hydra.errors import HydraException

    parts = key.split(".")
    for group in ("/".join(parts[:n]) for n in range(len(parts) - 1, 0, -1)):
        found = []
        for path in sorted((config_dir() / group).glob("[!_]*.yaml")):
            try:
                if key in known_keys(config_name, [f"{group}={path.stem}"]):
                    found.append(f"{group}={path.stem}")
            except HydraException:  # this entry point has no such group
                continue
        if found:
            return found
    return []


def experiments_with(options: Sequence[str]) -> list[str]:
    """Return the names of the experiments that choose one of some options, `model=motion` for instance."""
    import yaml

    names = []
    for path in sorted((config_dir() / "experiment").glob("*.yaml")):
        defaults = yaml.safe_load(path.read_text(encoding="utf-8")).get("defaults", [])
        chosen = {
            f"{group.removeprefix('override ').lstrip('/')}={option}"
            for entry in defaults
            if isinstance(entry, dict)
            for group, option in entry.items()
        }
        if chosen & set(options):
            names.append(path.stem)
    return names
