"""`resume=<run directory>` on the command line: the overrides that a run saved, without trusting them."""

import re
from pathlib import Path

from dancepose.errors import ConfigError
from dancepose.paths import config_dir

OVERRIDE = re.compile(r"(?:\+\+?|~)?(?P<group>[A-Za-z_][\w./-]*)(?P<package>@[\w./@-]*)?(?:=(?P<value>.*))?")
RESERVED = ("hydra", "trust", "resume")  # what starts a run, and the user alone decides
RESUME = re.compile(r"(?:\+\+?)?resume=(.*)", re.S)
ALONE = "hydra.mode=RUN"
TRUST = re.compile(r"(?:\+\+?)?trust=")
FLAGS_WITH_VALUE = (
    *("--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd"),
    *("--package", "-p", "--cfg", "-c", "--experimental-rerun"),
)
INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")  # may follow --info


def resume_overrides(argv: list[str]) -> list[str]:
    """Expand `resume=<run directory>` into the overrides of that run, in front of those given beside it.

    What was expanded already stays as it is: a DDP child is started with its parent's arguments.

    Args:
        argv: the command line, without the program.

    Returns:
        Flags, then the run's overrides, those given beside `resume=`, that it is one run (unless the flags
        ask for several), and the run directory itself.

    Raises:
        ConfigError: the folder is no run directory, or its overrides are not what a run saves.
    """
    given = [match[1] for a in argv if (match := RESUME.fullmatch(a))]
    if not given or given[-1] in ("", "null"):
        return argv
    from hydra.core.override_parser.types import Quote, QuotedString

    run_dir = Path(_unquoted(given[-1])).resolve()
    saved = _read_overrides(run_dir, given[-1])
    flags, mine = split_flags(argv)
    if mine[: len(saved)] == saved:
        mine = mine[len(saved) :]
    mine = [a for a in mine if not RESUME.fullmatch(a) and not a.startswith(("hydra.run.dir=", ALONE))]
    quoted = QuotedString(str(run_dir), Quote.single).with_quotes()
    alone = [] if {"-m", "--multirun"} & {*flags} else [ALONE]  # also where its experiment is a sweep
    return [*flags, *saved, *mine, *alone, f"resume={quoted}", f"hydra.run.dir={quoted}"]


def own_trust(argv: list[str]) -> list[str]:
    """Return the prefixes of `trust=[...]` on the command line.

    Raises:
        ConfigError: it is no list of texts.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser

    given = [a for a in argv if TRUST.match(a)]
    value = OverridesParser.create().parse_override(given[-1]).value() if given else None
    prefixes = [] if value is None else value
    if not isinstance(prefixes, list) or not all(isinstance(p, str) and p for p in prefixes):
        raise ConfigError(f"{given[-1]}: a list of prefixes is needed, 'trust=[my_package.]' for instance")
    return prefixes


def _unquoted(value: str) -> str:
    """Return the text of a value in Hydra's quotes; what has none is taken as it is."""
    if value[:1] not in ("'", '"'):
        return value
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        return str(OverridesParser.create().parse_override(f"resume={value}").value())
    except HydraException:
        return value


def split_flags(argv: list[str]) -> tuple[list[str], list[str]]:
    """Split a command line into flags with their values, which Hydra wants in one piece, and overrides."""
    flags: list[str] = []
    overrides: list[str] = []
    rest = list(argv)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("-"):
            overrides.append(argument)
            continue
        flags.append(argument)
        optional = argument in ("--info", "-i") and rest and rest[0] in INFO
        if rest and (argument in FLAGS_WITH_VALUE or optional):
            flags.append(rest.pop(0))
    return flags, overrides


def flag_values(flags: list[str], names: tuple[str, ...]) -> list[str]:
    """Return the values of a flag, `--config-dir x` or `--config-dir=x`, by its names."""
    pairs = zip(flags, [*flags[1:], ""], strict=False)  # without flags there is nothing to follow
    return [f.partition("=")[2] or following for f, following in pairs if f.partition("=")[0] in names]


def _run_of(path: Path) -> str:
    """Return a hint where a run's checkpoint or its folder was given instead of the run."""
    found = next((parent for parent in path.parents[:2] if (parent / "overrides.yaml").is_file()), None)
    return f". Give the run itself: resume={found}" if found else ""


def _read_overrides(run_dir: Path, given: str) -> list[str]:
    """Read a run's overrides.yaml; it may be a stranger's, so nothing in it may start other code."""
    path = run_dir / "overrides.yaml"
    import yaml

    try:
        if not path.is_file():
            hint = _run_of(run_dir)
            raise ConfigError(f"resume={given} is no run directory: it has no overrides.yaml{hint}")
        saved = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(saved, list) or not all(isinstance(o, str) for o in saved):
        raise ConfigError(f"{path} must hold a list of overrides")
    for override in saved:
        if not _is_saved(override):
            raise ConfigError(
                f"{path} must not hold {override!r}: if you want it, give it on the command line"
            )
    return saved


def _is_saved(override: str) -> bool:
    """Tell whether an override can be a run's: no flag, nothing of Hydra's, no file outside the groups."""
    match = OVERRIDE.fullmatch(override)
    if match is None or match["group"].startswith(RESERVED) or ".." in f"{match['group']}{match['package']}":
        return False
    if any(part.startswith(RESERVED) for part in re.split(r"[./@]", match["package"] or "")):
        return False
    if "." in match["group"] or match["group"] in _plain_keys():
        return True
    return re.search(r"\.\.|[$:\\]", match["value"] or "") is None  # Hydra follows .. out of its folders


def _plain_keys() -> list[str]:
    """Return the keys at the top of conf/train.yaml: what is given without a dot and is no group."""
    import yaml

    return list(yaml.safe_load((config_dir() / "train.yaml").read_text(encoding="utf-8")))
