"""What Hydra and OmegaConf say of a wrong command line, in our words and with a suggestion."""

import re
import sys
from pathlib import Path
from typing import NoReturn

from dancepose.composed_keys import (
    chosen_keys,
    experiments_with,
    groups,
    hydra_keys,
    known_keys,
    options_with,
)
from dancepose.errors import ConfigError, did_you_mean, without_frame
from dancepose.override_errors import foreign_character, mapping_key, not_parsed
from dancepose.paths import config_dir


def translate(error: Exception, config_name: str) -> str:
    """Turn Hydra's and OmegaConf's words for a wrong key or option into ours, with a suggestion.

    Args:
        error: what they raise.
        config_name: the entry point's config, `train` for instance.
    """
    text = without_frame(error)
    if error.__cause__ is not None and str(error.__cause__) not in text:
        text += f"\n{error.__cause__}"
    if (refused := getattr(error, "override", None)) is not None:  # of Hydra's OverrideParseException
        if refused.startswith("-"):  # with a space in it argparse takes it for an override
            return _no_flag(refused, sys.argv[1:], config_name)
        if told := mapping_key(refused) or foreign_character(refused, str(error)):
            return told
        lines = [line for line in text.splitlines() if not line.startswith(("Error parsing", "See http"))]
        # a caret points at a column of a line that is not shown
        return not_parsed(refused, " ".join(line for line in lines if line.strip(" ^")))
    if match := re.search(r"Could not override '([^']+)'", text):
        key = match[1]
        from dancepose.config_keys import suggest_key

        if key.startswith("hydra."):
            hint = suggest_key(key, hydra_keys(config_name, sys.argv[1:]))
            return f"unknown key {key}: Hydra has nothing of this name, with what is chosen of it.{hint}"
        if "/" in key:
            return _no_group(key)
        known = chosen_keys(config_name, sys.argv[1:])
        if group := _not_chosen(key, known, sys.argv[1:]):
            options = sorted(path.stem for path in (config_dir() / group).glob("[!_]*.yaml"))
            ways = " or ".join(f"{group}={option}" for option in options)
            own = _own_key(key, known, config_name)
            return f"{key}: nothing is chosen of {group} yet: give {ways}{own}"
        if any(a.startswith(f"{key}={{") for a in sys.argv[1:]):  # Hydra would merge it, and adds no keys
            there = ", ".join(name.removeprefix(f"{key}.") for name in known if name.startswith(f"{key}."))
            return (
                f"{key}: {_choice(key, sys.argv[1:])} has a mapping there, of {there}. To give another in "
                f"its place, say '~{key}' '+{key}={{...}}'; to add an entry, +{key}.<name>=<value>"
            )
        if key in known or key in known_keys(config_name):
            return f"{key}: {_choice(key, sys.argv[1:])} has no such key{_elsewhere(key, config_name)}"
        if there := _elsewhere(key, config_name):
            return f"{key}: {_choice(key, sys.argv[1:])} has no such key{there}"
        hint = suggest_key(key, [*known, *(group for group in groups() if "/" not in group)])
        return f"unknown key {key}: there is nothing of this name in the configuration.{hint}"
    if match := re.search(
        r"Could not find '([^']+)/([^'/]+)'.*?Available options in '[^']+':\n(.*)", text, re.S
    ):
        group = match[1].partition("/")[0]
        if file := next((a for a in sys.argv[1:] if a.startswith(f"{group}=") and _is_file(a)), None):
            value = file.partition("=")[2]
            return (
                f"{file}: an option is named, not given as a file. Put the file into a folder {group}/ of a "
                f"folder of your own, and say --config-dir <that folder> {group}={Path(value).stem}"
            )
        options = re.findall(r"^\s+([^\s_]\S*)$", match[3], re.M)  # `_base` is a part of others
        if extra := _missing_extra(match[1], match[2]):
            return extra
        return (
            f"{match[1]}={match[2]}: there is no such option.{did_you_mean(match[2], options)} "
            f"There are: {', '.join(options)}."
        )
    return text


def _no_group(group: str) -> str:
    """Return what to say of a group within another that nothing is chosen of."""
    if (config_dir() / group).is_dir():
        return f"{group}: {_choice(group.partition('/')[0], sys.argv[1:])} has no such group"
    return f"unknown group {group}: there is none of this name.{did_you_mean(group, groups())}"


def _missing_extra(group: str, option: str) -> str:
    """Return which extra an option of Hydra's needs that is not installed; else nothing."""
    from dancepose.tasks.extras import check_extras

    try:
        check_extras({group: option})
    except ConfigError as error:
        return str(error)
    return ""


def check_flags(argv: list[str], config_name: str) -> None:
    """Refuse what argparse would with a page of usage: `--pose x`, as other programs take their options.

    Args:
        argv: the command line, without the program.
        config_name: the entry point's config.

    Raises:
        ConfigError: names the flag, and what is meant instead.
    """
    from hydra._internal.utils import get_args_parser

    def refuse(message: str) -> NoReturn:
        flag = message.removeprefix("unrecognized arguments: ").split()[0]
        if flag == message.split()[0]:  # one of Hydra's own, without its value
            raise ConfigError(
                f"{message.removeprefix('argument ')}. --hydra-help shows what Hydra's flags take"
            )
        raise ConfigError(_no_flag(flag, argv, config_name))

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    parser.parse_args(argv)


def _no_flag(flag: str, argv: list[str], config_name: str) -> str:
    """Return what to say of an unknown flag: the override it is meant for, if its name is that of a key."""
    from dancepose.config_keys import suggest_key

    name, equals, value = flag.partition("=")
    key = name.lstrip("-").replace("-", "_")
    follows = argv[argv.index(flag) + 1 :][:1] if flag in argv else []
    if not equals:
        value = follows[0] if follows and not follows[0].startswith("-") and "=" not in follows[0] else "..."
    told = "options are given as key=value, without dashes"
    known = chosen_keys(config_name, argv)
    if key in known or (config_dir() / key).is_dir():
        return f"{name}: {told}: did you mean {key}={value}? --help shows them"
    return f"{name}: {told}; --help shows them.{suggest_key(key, known)}"


def _is_file(argument: str) -> bool:
    """Say whether an argument names a file where an option is asked for: `skeleton=my/skeleton.yaml`."""
    value = argument.partition("=")[2]
    return value.endswith((".yaml", ".yml")) or "/" in value


def _own_key(key: str, known: list[str], config_name: str) -> str:
    """Return `; or root=... (what it is)` if the last word of a key is one at the top, else nothing."""
    own = key.rpartition(".")[2]
    if own not in known:
        return ""
    from dancepose.key_comments import key_comments

    comment = key_comments(config_name, {}).get(own)
    return f"; or {own}=...{f' ({comment})' if comment else ''}"


def _elsewhere(key: str, config_name: str) -> str:
    """Return `; it is a key of model=motion` and who chooses it, if other options have the key."""
    options = options_with(key, config_name)
    if not options:
        return ""
    recipes = "experiment:" in (config_dir() / f"{config_name}.yaml").read_text(encoding="utf-8")
    experiments = experiments_with(options) if recipes else []
    also = f" (chosen by experiment={', '.join(experiments)})" if experiments else ""
    return f"; it is a key of {', '.join(options)}{also}"


def _not_chosen(key: str, known: list[str], argv: list[str]) -> str:
    """Return the group of a dotted key if neither default nor command line chooses an option of it."""
    group = key.partition(".")[0]
    chosen = any(name.startswith(f"{group}.") for name in known)
    chosen |= any(argument.lstrip("+").startswith(f"{group}=") for argument in argv)
    return "" if chosen or not (config_dir() / group).is_dir() else group


def _choice(key: str, argv: list[str]) -> str:
    """Return in words which option of a key's group was chosen: `optimizer=sgd` for `optimizer.betas`."""
    parts = key.split(".")
    groups = ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]
    for group in groups:
        for argument in reversed(argv):
            if argument.startswith(f"{group}="):
                return argument
    known = [group for group in groups if (config_dir() / group).is_dir()]
    return f"the chosen option of {known[0]}" if known else "the configuration"


def no_option(argv: list[str]) -> str:
    """Return what to say of `group=null` or `=x`, which Hydra refuses without naming it; empty if none is."""
    for argument in argv:
        group, _, value = argument.lstrip("+").partition("=")
        if not group:
            return not_parsed(argument, "")
        if (config_dir() / group).is_dir() and re.fullmatch(
            r"null|true|false|[-+.\de]+", value.strip(), re.I
        ):
            none = (config_dir() / group / "none.yaml").is_file()
            instead = f"{group}=none" if none else f"leave it out, or ~{group}"
            return f"{argument}: the name of an option of {group} is needed; to have none: {instead}"
    return ""
