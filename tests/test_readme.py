"""Every command that README.md shows composes, and every key in it is read."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import open_dict
from running import command

from dancepose.config import check_config
from dancepose.paths import config_dir
from dancepose.sweeps.names import job_name

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
# a command after `$ ` is shown with its error
COMMAND = re.compile(
    r"(\$ )?\bdancepose-(train|evaluate|browse|benchmark|synthesize|compare|predict|export)\b"
    r"((?:\\\n|[^\n`#])*)"
)


def shown(refused: bool) -> list[tuple[str, str]]:
    """Each command of the README with its arguments: from indented blocks and from code in the text."""
    found = []
    for line in re.findall(r"^    ((?:.*\\\n)*.*)|`([^`\n]+)`", README, re.M):
        for match in COMMAND.finditer("".join(line)):
            if bool(match[1]) == refused:
                found.append((match[2], " ".join(match[3].replace("\\\n", " ").split())))
    return [(name, arguments) for name, arguments in dict.fromkeys(found) if arguments not in ("", "--help")]


def table_keys() -> list[str]:
    """The overrides that the README's table names in code, without a command in front."""
    cells = re.findall(r"^\| [^|]+ \| (.+) \|$", README, re.M)
    codes = [code for cell in cells for code in re.findall(r"`([^`]+)`", cell)]
    return [code for code in codes if re.match(r"'?[a-z][\w./@]*=", code) and "..." not in code]


def check(name: str, arguments: list[str], fragment: bool = False) -> None:
    """Compose and check as the command would; of a sweep its first job.

    Args:
        name: of the command.
        arguments: of it.
        fragment: they are not all that it needs: where data lie may be left out.
    """
    sweep = "-m" in arguments
    overrides = [re.sub(r"<[\w ]+>", "x", a) for a in arguments if a != "-m" and a != "..."]
    if sweep:
        overrides = [re.sub(r"=.*\binterval\(([^,]+),.*", r"=\1", a) for a in overrides]
        parsed = OverridesParser.create().parse_overrides(overrides)
        jobs, *_ = BasicSweeper.split_arguments(
            [o for o in parsed if not o.is_hydra_override()], max_batch_size=None
        )
        overrides = [*jobs[0], *(str(o.input_line) for o in parsed if o.is_hydra_override())]
    if "hydra/sweeper=optuna" in overrides:
        pytest.importorskip("hydra_plugins.hydra_optuna_sweeper", reason="needs dancepose[optuna]")
    given = [o.split("=")[0] for o in overrides]
    if fragment and name in ("train", "browse") and "data.root" not in given and "data=mix" not in overrides:
        overrides.append("data.root=x")
    if fragment and "data=coco" in overrides and "data.annotations" not in given:
        overrides.append("data.annotations=x")
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        cfg = compose(name, overrides=["name=test", *overrides], return_hydra_config=True)
        HydraConfig.instance().set_config(cfg)
        choices = dict(cfg.hydra.runtime.choices)
        with open_dict(cfg):
            del cfg["hydra"]
        check_config(cfg, name, choices)


def section(title: str) -> str:
    return README.partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("name, arguments", shown(refused=False))
def test_commands(name, arguments):
    check(name, shlex.split(arguments))


@pytest.mark.parametrize("name, arguments", shown(refused=True))
def test_commands_that_are_shown_with_their_error(name, arguments, tmp_path):
    done = command(name, *shlex.split(arguments), cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.strip() in README.replace("\n    ", "\n")


@pytest.mark.parametrize("code", table_keys())
def test_keys_of_the_table(code):
    words = shlex.split(code)
    motion, comparison = (section(title) for title in ("Tell what people do", "Compare"))
    if f"`{code}`" in comparison:
        check("compare", words, fragment=True)
    else:
        check("train", (["experiment=motion_paper"] if f"`{code}`" in motion else []) + words, fragment=True)


def test_the_data_of_actions_feed_the_classifier():
    rows = re.findall(r"^\| `data=([a-z_]+)` \|", section("Clips of people and their actions"), re.M)
    assert len(rows) > 3
    for name in rows:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            cfg = compose("train", overrides=["experiment=motion_paper", f"data={name}"])
        assert cfg.data._target_.endswith("MotionDataModule"), f"data={name} is for poses"


def test_the_readme_has_commands():
    commands = shown(refused=False)
    assert len(commands) > 12 and len(table_keys()) > 10 and shown(refused=True)
    assert {name for name, _ in commands} >= {"train", "evaluate", "browse"}


def test_the_jobs_that_are_shown_are_called_as_their_sweeps_call_them():
    """A name goes by a hash: of what the README shows as output, that alone is checked word by word."""
    named = set()
    for name, arguments in shown(refused=False):
        if name == "train" and "-m" in (argv := shlex.split(arguments)) and "interval(" not in arguments:
            # the README adds a rate in its text to one of them
            given = [a for a in argv if a not in ("-m", "...")]
            longer = [a.replace("=0.001,1e10", "=0.001,0.003,1e10") for a in given]
            parsed = [
                o for o in OverridesParser.create().parse_overrides(longer) if not o.is_hydra_override()
            ]
            varying = [o.key_or_group for o in parsed if o.is_sweep_override()]
            jobs, *_ = BasicSweeper.split_arguments(parsed, max_batch_size=None)
            named |= {job_name(job, varying) for job in jobs}
    told = set(re.findall(r"\b[\w.-]+_[0-9a-f]{8}\b", README))
    assert len(told) > 8 and told <= named, told - named


def test_links_lead_somewhere():
    headings = re.findall(r"^#+ (.+)$", README, re.M)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(([^)\s]+)\)", README)
    inside = {link[1:] for link in links if link.startswith("#")}
    files = [link for link in links if not link.startswith(("#", "http"))]
    assert inside and inside <= anchors
    assert files and all((Path(__file__).parent.parent / file).is_file() for file in files)
