"""`dancepose-predict` on pictures: the loop, what is counted in it, and what is told at its end."""

import logging
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path

from dancepose.errors import DataError
from dancepose.inference.interface import Item, Prediction
from dancepose.inference.overlap import Behind
from dancepose.inference.pipeline import Pipeline
from dancepose.inference.stage_times import StageTimes
from dancepose.progress import track
from dancepose.tasks.activation_pictures import ActivationWriter
from dancepose.tasks.breaking_off import BreakOff, breaking_off
from dancepose.tasks.originals import Originals
from dancepose.tasks.output_paths import OutputPaths
from dancepose.tasks.prediction_outputs import Outputs, OutputWriter
from dancepose.tasks.prediction_summary import Summary, Tally
from dancepose.tasks.provenance import provenance
from dancepose.text_table import counted

log = logging.getLogger(__name__)

BEHIND = 4  # pictures that wait to be drawn and written
TOLD = 5  # broken pictures that are named at the end


def predict_pictures(
    pipeline: Pipeline, items: Sequence[Item], folder: Path, outputs: Outputs, timing: bool = False
) -> Tally:
    """Predict pictures and write what is found.

    Pictures are drawn and written beside the network. The first Ctrl-C or SIGTERM ends it in order: all
    files are whole, and hold every picture up to the last one that was done. So they do after an error, which
    `summary.json` then names.

    Args:
        pipeline: of the networks.
        items: the pictures.
        folder: of the files; `summary.json` says what was counted.
        outputs: which files.
        timing: tell where the time goes.

    Raises:
        ConfigError: before anything is written: a file would replace one that was given, a Labelme file that
            is there already, or that of another picture; or the folder holds another prediction; or the
            networks cannot do what is asked.
        DataError: at the end, when all else is done: pictures are missing or broken; names them.
        KeyboardInterrupt: at the end, where the user broke it off.
        SystemExit: likewise, by SIGTERM.
    """
    tally, times = Tally(least_drawn=outputs.least_drawn), StageTimes()
    paths = OutputPaths(folder, Originals(Path(i.image) for i in items if isinstance(i.image, (str, Path))))
    activation = ActivationWriter(pipeline, paths) if outputs.activation else None
    paths.check(items, outputs.drawn, outputs.labelme)
    asked, made_by = BreakOff(), provenance(pipeline)
    stream = pipeline.stream(
        items, pictures=outputs.keep_pictures, heatmaps=outputs.heatmaps, times=times, stop=asked
    )

    def write(prediction: Prediction) -> None:
        writer.write(prediction, times)
        tally.count(prediction)  # here, where it is written

    with Summary(folder, lambda: {"asked": len(items), **tally.to_dict(), "made_by": made_by}) as summary:
        with (
            breaking_off(asked),
            OutputWriter(folder, outputs, pipeline.skeleton, pipeline.classes, paths, made_by) as writer,
            closing(stream),
            Behind(BEHIND) as aside,
        ):
            for prediction in _tracked(stream, len(items)):
                if prediction.error is None:
                    aside(write, prediction)
                    if activation is not None:
                        with times("activation"):
                            activation.write(prediction)  # runs the network, as only this thread may
                else:
                    tally.count(prediction)
                    log.warning("%s: skipped: %s", prediction.frame.name, prediction.error)
        if broken_off := asked():
            summary.status = "interrupted"
        log.info("%s", tally)
        if timing:
            log.info("%s", times.table(tally.pictures))
        if broken_off:
            left = len(items) - tally.pictures - len(tally.broken)
            log.info("broken off: %d of %s not looked at", left, counted(len(items), "picture"))
    if broken_off:
        asked.end()
    if tally.broken:
        raise DataError(told_broken(tally.broken, len(items)))
    return tally


def told_broken(broken: dict[str, str], asked: int) -> str:
    """Say which pictures could not be read, and why, in a line each."""
    names = [f"  {reason}" for reason in list(broken.values())[:TOLD]]
    more = [f"  and {len(broken) - TOLD} more, see summary.json"] if len(broken) > TOLD else []
    head = f"{len(broken)} of {counted(asked, 'picture')} could not be read; all others are done"
    return "\n".join([head, *names, *more])


def _tracked(stream: Generator[Prediction, None, None], total: int) -> Generator[Prediction, None, None]:
    return track(((1, prediction) for prediction in stream), total, "pictures")
