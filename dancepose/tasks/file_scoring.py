"""The score of predictions from files, of whatever system."""

import logging
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from dancepose.data.agreement import doubts
from dancepose.data.annolist_predictions import place_entries, read_predicted
from dancepose.data.left_out import number
from dancepose.data.readers.truth import check_truth, read_truth
from dancepose.skeleton import Skeleton
from dancepose.targets import plain
from dancepose.tasks.submission import write_submission

log = logging.getLogger(__name__)


def score_files(cfg: DictConfig, folder: Path) -> None:
    """Score predictions from a file against truth from a file or folder, or write them for submission.

    Args:
        cfg: what conf/evaluate.yaml composes to.
        folder: where the report goes.

    Raises:
        ConfigError: a key cannot be with these files.
        DataError: truth or predictions are wrong; names file, field and remedy.
    """
    chosen = None if cfg.get("skeleton") is None else Skeleton.from_dict(plain(cfg.skeleton))
    groups = None if cfg.groups is None else Path(cfg.groups)
    if cfg.submit:
        write_submission(folder, Path(cfg.pred), Path(cfg.gt), groups, chosen)
        return
    check_truth(Path(cfg.gt), cfg.protocol, groups)
    found = read_predicted(Path(cfg.pred), chosen, cfg.protocol)
    truth = read_truth(Path(cfg.gt), found.skeleton, cfg.protocol, groups)
    if Path(cfg.pred).suffix == ".mat":
        place_entries(found, truth.places, truth.frames)
    found = found.with_endings({*truth.known, *(frame.name for frame in truth.frames)})
    frames = found.covered(truth.frames, truth.known)
    people = found.people(frames, truth.known, others=truth.selected)
    # what takes seconds to import comes when the files are read and fit
    from dancepose.tasks.evaluation import PoseEvaluation
    from dancepose.tasks.report import write_report

    evaluation = PoseEvaluation(found.skeleton, protocol=cfg.protocol)
    evaluation.update([people[frame.name] for frame in frames], frames)
    result = evaluation.compute()
    notes = [*truth.notes, *found.notes, *doubts(found, frames)]
    if truth.places is not None and any(isinstance(name, int) for name in found.named):
        notes.append(f"{cfg.pred} names pictures by number: taken as their places in {cfg.gt}, from 1")
    silent = sum(not {frame.name, frame.id} & found.named for frame in frames)
    if beside := found.named.difference(*({frame.name, frame.id} for frame in frames)):
        some, count = ", ".join(map(str, sorted(beside, key=str)[:3])), number(len(beside), "picture")
        notes.append(
            f"{cfg.pred} speaks of {count} without a group to score in {cfg.gt}: {some}"
            f"{' ...' * (len(beside) > 3)}"
        )
    for note in notes:
        log.warning("%s", note)
    total = len(truth.frames)
    if len(frames) < total:
        notes.append(f"scored on the {len(frames)} of the truth's {total} pictures that {cfg.pred} speaks of")
        if all(entry.people for entry in found.images):
            notes.append(
                "it names no picture without people: one in which a system found nobody counts only if it is "
                "named so (COCO results cannot)"
            )
            log.warning("%s; %s", *notes[-2:])
    elif silent:
        notes.append(
            f"of {silent} of the truth's {total} pictures {cfg.pred} is silent: there it found nobody"
        )
    about: dict[str, Any] = {"source": str(cfg.pred), "data": str(cfg.gt), "split": found.split}
    about |= dict.fromkeys(("flip", "scales", "precision", "geometry"))  # of the system that predicted
    about["pictures_of_truth"] = total
    predicted, skeleton = evaluation.predictions, found.skeleton
    outputs = {"pictures": cfg.pictures, "coco": cfg.coco, "mat": cfg.mat, "notes": notes}
    write_report(folder, "all", result, predicted, frames, skeleton, about, **outputs)
