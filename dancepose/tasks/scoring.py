"""What `dancepose-evaluate` scores: a checkpoint, with the data of its training, tested as that tested."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from dancepose.build import Model, MotionModel, load_checkpoint
from dancepose.data.split_file import PARTS, read_split
from dancepose.errors import ConfigError, DataError
from dancepose.files import write_json
from dancepose.targets import TRUSTED, check_targets, instantiate, plain
from dancepose.tasks.families import FAMILIES
from dancepose.tasks.never_labelled import read_never_labelled
from dancepose.tasks.run_directory import RunDirectory

log = logging.getLogger(__name__)

STAGES = {"train": "train", "val": "validate", "test": "test"}  # of `PoseDataModule.setup`
CROP = ("size", "resize", "margin", "step")  # keys of the data from which a motion network's input is made
MOST = 8  # pictures of a batch, if neither the run nor a key says
MOVED = "If the run's data lie elsewhere now, give root=<folder>."


@dataclass
class Checkpoint:
    """A checkpoint to score, and what its run says.

    Attributes:
        model: the model.
        source: path of the checkpoint.
        data: config of the data to score it on.
        tested: how its training tested, by the keys of `PoseTask.test_settings`; what is not known is absent.
        run: the run on whose own data it is scored; None on any other data.
        split: hash of that run's split, if the run says.
        names: the file in which that run keeps its split, if the data are divided by it.
        moved: whether the user named the folder in which the run's data lie now.
    """

    model: Model | MotionModel
    source: str
    data: dict[str, Any]
    tested: dict[str, Any]
    run: Path | None = None
    split: str | None = None
    names: Path | None = None
    moved: bool = False


def open_checkpoint(cfg: DictConfig, given: set[str], folder: Path) -> Checkpoint:
    """Load the model of `ckpt=` or `run=`, with data and test-time settings as in its training.

    Args:
        cfg: what conf/evaluate.yaml composes to.
        given: the dotted keys of the command line: they win over what the training did.
        folder: where the split files of a mix are written.

    Raises:
        ConfigError: there are no data to score it on, or the run's config is missing or wrong.
        DataError: what the run keeps of its split is broken.
        CheckpointError: the checkpoint is missing, foreign, or does not fit.
    """
    own = plain(cfg.data) if cfg.get("data") is not None else None
    if cfg.ckpt is not None:
        if own is None:
            raise ConfigError(
                "ckpt= needs the data to score it on: data=dance data.root=<folder>, for instance"
            )
        model = load_checkpoint(cfg.ckpt)
        return Checkpoint(model, str(cfg.ckpt), fit_data(own, model.test, given, cfg.ckpt), model.test)
    run = RunDirectory(cfg.run)
    config = run.read_config()
    data = own if own is not None else config.get("data")
    if not isinstance(data, dict):
        raise ConfigError(f"{run.path / 'config.yaml'} names no data: give data=...")
    check_targets(data, (*TRUSTED, *cfg.trust), source=str(run.path / "config.yaml"))
    path = run.checkpoint(cfg.which or config.get("which") or "best")  # runs of old do not say
    model = load_checkpoint(path)
    tested = model.test | _tested(config)
    if cfg.root is not None:
        data["root"] = cfg.root
    if own is not None:
        return Checkpoint(model, str(path), fit_data(data, tested, given, run.path), tested)
    split, names = run.read_metrics().get("split"), _divide_as(run.path / "split.json", data, folder)
    return Checkpoint(model, str(path), data, tested, run.path, split, names, moved=cfg.root is not None)


def fit_data(
    data: Mapping[str, Any], tested: Mapping[str, Any], given: set[str], source: str | Path
) -> dict[str, Any]:
    """Return a config of data with the test-time geometry of a training, but for what the user gave.

    Args:
        data: plain node `data`, of this evaluation.
        tested: how the training tested.
        given: the dotted keys of the command line. `data.size`, from which `data.test_size` follows, counts
            as a test size.
        source: the checkpoint or run, for the message where it does not say.
    """
    sized = any(f"data.{key}" in given and data.get(key) is not None for key in ("size", "test_size"))
    fitted = dict(data)
    if "test_size" not in data:  # of motions
        return fitted | {k: tested[k] for k in CROP if k in tested and k in data and f"data.{k}" not in given}
    for key in ("test_size", "resize", "pad_multiple"):
        asked = sized if key == "test_size" else f"data.{key}" in given
        if key in tested and key in data and not asked:
            fitted[key] = tested[key]
    if "test_size" not in tested and not sized:
        size = data.get("test_size") or data.get("size")
        log.warning(
            "%s does not say at which size its training tested: %s is taken; another: data.test_size=...",
            source,
            size,
        )
    return fitted


def _tested(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run's config.yaml says of its test, by the keys of `PoseTask.test_settings`."""
    nodes = {key: config.get(key) for key in ("data", "inference", "trainer")}
    data, inference, trainer = (node if isinstance(node, dict) else {} for node in nodes.values())
    found = {key: data[key] for key in ("resize", "pad_multiple") if key in data}
    found |= {key: inference[key] for key in ("flip", "scales") if key in inference}
    found |= {"precision": trainer["precision"]} if "precision" in trainer else {}
    found |= {"channels_last": config["channels_last"]} if "channels_last" in config else {}
    size = data.get("test_size") or data.get("size")
    return found | ({"test_size": size} if size else {})


def _divide_as(path: Path, data: dict[str, Any], folder: Path) -> Path | None:
    """Have data divided as the run's split file says; in a mix each part gets its share of the file.

    Returns:
        The file; None where the run, of an older version, keeps none.
    """
    if not path.is_file():
        return None
    if not data.get("parts"):
        data["split"] = str(path)
        return path
    split, parts = read_split(path, "run").parts, {}
    for number, (name, node) in enumerate(data["parts"].items()):
        head = f"{name}/"
        own = {p: [n.removeprefix(head) for n in split.get(p, ()) if n.startswith(head)] for p in PARTS}
        file = folder / "splits" / f"{number}.json"  # a part's name may hold what a file's cannot
        write_json(file, own)
        parts[name] = {**node, "split": str(file)}
    data["parts"] = parts
    return path


def load_data(found: Checkpoint, part: str, batch_size: int | None, workers: int | None) -> Any:
    """Make the data module, divided as in the training, with the pictures of one part looked at.

    Args:
        found: the checkpoint and its data.
        part: train, val or test.
        batch_size: pictures at once; None: as the data say.
        workers: data worker processes; None: as the data say.

    Raises:
        DataError: data are missing or wrong, or not those of the run.
        ConfigError: there is no such part.
    """
    if workers is not None:
        found.data["workers"] = workers
    # a training's batch is for training: here one device holds it, and perhaps several scales of it
    own = found.data.get("test_batch_size") or min(found.data.get("batch_size", MOST), MOST)
    found.data["test_batch_size"] = batch_size or own
    module = instantiate(found.data, seed=found.model.config["seed"], **_arguments(found))
    if found.run is not None and found.names is not None:
        run = RunDirectory(found.run)
        module.data.divided_by = run.read_division()
        module.data.never_labelled = read_never_labelled(run)
    try:
        module.setup(STAGES[part])
    except DataError as error:
        raise DataError(f"{error}\n{MOVED}") if found.run else error from None
    _check_split(found, module)
    if found.run is not None and found.data.get("pose_run"):
        before = RunDirectory(found.run).read_metrics().get("data")
        if before not in (None, module.data_hash):
            log.warning(
                "the labels, or the checkpoint of data.pose_run=%s, are others than when %s was trained",
                found.data["pose_run"],
                found.run,
            )
    if not module.frames(part):
        parts = [part for part in PARTS if module.frames(part)]
        raise ConfigError(f"the data have no {part} part; give part= one of: {', '.join(parts)}")
    return module


def _arguments(found: Checkpoint) -> dict[str, Any]:
    """Return what a data module is given besides its node.

    Raises:
        ConfigError: the data are for networks of the other family.
    """
    model = found.model
    family = FAMILIES["motion" if isinstance(model, MotionModel) else "pose"]()
    family.check_data({"data": found.data, "model": model.config["model"]})
    if not isinstance(model, MotionModel):
        return {"skeleton": model.skeleton, "codec": model.codec}
    images = "image" in model.network.inputs
    return {
        "skeleton": model.skeleton,
        "encoder": model.encoder,
        "images": images,
        "known_actions": model.classes,
    }


def _check_split(found: Checkpoint, module: Any) -> None:
    """Refuse the data of a run that are divided otherwise now: what it was trained on could count as a test.

    Raises:
        DataError: pictures of the run's split are not there, or the split is another.
    """
    if found.run is None:
        return
    remedy = "Bring the data of then back, or score it on other data: data=..."
    if found.names is not None:
        wanted = [name for names in read_split(found.names, "run").parts.values() for name in names]
        there = {frame.name for part in PARTS for frame in module.frames(part)}
        lost = [name for name in wanted if name not in there]
        if lost:
            raise DataError(
                f"{found.names}: of the {len(wanted)} pictures that it divides, {len(lost)} are not in the "
                f"run's data now, or have lost their labels: {', '.join(lost[:3])}"
                f"{' ...' * (len(lost) > 3)}. {remedy}"
            )
    if found.split in (None, module.split_hash):
        return
    if found.moved and found.names is None:
        log.warning(
            "the split of %s was %s, that of the data in root= is %s: training pictures may be scored",
            found.run,
            found.split,
            module.split_hash,
        )
        return
    raise DataError(
        f"the split of {found.run} was {found.split}, that of its data now is {module.split_hash}: pictures "
        f"came, went or lost their labels, and what it was trained on could be scored as a test. {remedy}"
    )
