"""`dancepose-predict` on a video or a camera: the loop, its files, and what is told at its end."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from dancepose.inference.frames import Frames
from dancepose.inference.interface import Prediction
from dancepose.inference.overlap import Behind
from dancepose.inference.pipeline import Pipeline
from dancepose.inference.stage_times import StageTimes
from dancepose.inference.video import CameraReader, VideoReader
from dancepose.inference.video_pipeline import VideoItem, VideoOptions, stream_video
from dancepose.inference.video_writer import VideoWriter
from dancepose.progress import track
from dancepose.tasks.breaking_off import BreakOff, breaking_off
from dancepose.tasks.originals import Originals
from dancepose.tasks.output_paths import OutputPaths
from dancepose.tasks.people_table import Row
from dancepose.tasks.prediction_outputs import Outputs, OutputWriter, draw_prediction
from dancepose.tasks.prediction_summary import Summary, Tally
from dancepose.tasks.provenance import provenance
from dancepose.tasks.track_tables import TrackTables
from dancepose.text_table import counted

log = logging.getLogger(__name__)

BEHIND = 4  # frames that wait to be drawn and written


class FrameWriter:
    """Everything that is written of a frame; called in a thread of its own.

    Args:
        files: JSON, JSON lines, CSV, Labelme files, heatmaps.
        video: drawn on, None where no video is asked for.
        tables: of each track, None where none are asked for.
        times: counts what drawing and writing take.
    """

    def __init__(
        self, files: OutputWriter, video: VideoWriter | None, tables: TrackTables | None, times: StageTimes
    ) -> None:
        self.files, self.video, self.tables, self.times = files, video, tables, times

    def __call__(self, prediction: Prediction) -> None:
        """Write a frame."""
        assert isinstance(prediction.item, VideoItem)
        self.files.write(prediction, self.times, prediction.item.time, self._beside)

    def _beside(self, prediction: Prediction, rows: Sequence[Row], back: ExitStack) -> None:
        assert isinstance(prediction.item, VideoItem)
        if self.tables is not None:
            with self.times("write"):
                self.tables.write(prediction.frame.people, rows, back)
        if self.video is not None and prediction.picture is not None:
            with self.times("draw"):
                people, least = prediction.frame.people, self.files.outputs.draw_min_score
                drawn = draw_prediction(prediction.picture, people, self.files.skeleton, least)
            with self.times("write"):
                self.video.write(drawn, prediction.item.time)


def predict_frames(
    pipeline: Pipeline,
    video: VideoReader | CameraReader,
    folder: Path,
    outputs: Outputs,
    options: VideoOptions,
    timing: bool = False,
) -> Tally:
    """Predict a video or a camera and write what is found.

    The first Ctrl-C or SIGTERM ends it in order after the frame that is being written. All files are then
    closed and hold every frame up to it; the drawn video is called partial, but for a camera, which has no
    other end.

    Args:
        pipeline: of the networks.
        video: open.
        folder: of the files; `summary.json` says what was counted.
        outputs: which files; with `draw`, `<name>.mp4` and no pictures.
        options: what is done over time.
        timing: tell where the time goes.

    Raises:
        ConfigError: options do not go together; or, before anything is written, a file would replace the
            video, or a Labelme file that is there already, or something of another prediction is there.
        DataError: no frame can be decoded.
        KeyboardInterrupt: at the end, where the user broke off a video.
        SystemExit: likewise, by SIGTERM.
    """
    camera = isinstance(video, CameraReader)
    name = video.name.replace(" ", "_") if camera else Path(video.name).stem
    tally, times, tracks = Tally("frame", outputs.least_drawn), StageTimes(), set[int]()
    clip, paths = folder / f"{name}.mp4", OutputPaths(folder)
    if outputs.draw and isinstance(video, VideoReader):
        for path in (clip, VideoWriter(clip).partial):
            Originals([video.path]).check(path)
    if outputs.labelme:
        paths.none_below(name)
    paths.nothing_there(*((clip.name, VideoWriter(clip).partial.name) if outputs.draw else ()))
    asked, made_by = BreakOff(), provenance(pipeline, options)
    stream = stream_video(
        pipeline,
        video,
        name,
        options,
        pictures=outputs.keep_pictures,
        heatmaps=outputs.heatmaps,
        times=times,
        stop=asked,
    )

    def tell() -> dict[str, Any]:
        told: dict[str, Any] = {"video": video.name, "frames_expected": video.announced}
        told |= {"damaged_frames": video.damaged, "missing_frames": video.missing}
        told |= {"not_shown_frames": video.not_shown}
        told |= {"cut_off": video.truncated, "tracks": len(tracks)}
        return told | tally.to_dict() | {"made_by": made_by}

    def write(prediction: Prediction) -> None:
        write_frame(prediction)
        tally.count(prediction)  # here, where it is written
        tracks.update(p.track for p in prediction.frame.people if p.track is not None)

    with Summary(folder, tell) as summary:
        with breaking_off(asked), ExitStack() as stack:
            other = replace(outputs, draw=False)  # a video is drawn, not a picture of each frame
            files = stack.enter_context(
                OutputWriter(folder, other, pipeline.skeleton, pipeline.classes, paths, made_by)
            )
            drawn = stack.enter_context(VideoWriter(clip, video.rate)) if outputs.draw else None
            tables = None
            if outputs.csv and options.track:
                tables = TrackTables(folder / "tracks", pipeline.skeleton, pipeline.classes)
                stack.enter_context(tables)
            stack.enter_context(closing(stream))
            write_frame = FrameWriter(files, drawn, tables, times)
            with Behind(BEHIND) as aside:
                for prediction in track(((1, p) for p in stream), video.expected, "frames"):
                    if prediction.error is None:
                        aside(write, prediction)
                    else:
                        tally.count(prediction)
            broken_off = asked()
            if drawn is not None:
                drawn.close(whole=camera or not broken_off)
        summary.status = "interrupted" if broken_off and not camera else "done"
        log.info("%s%s", tally, f"\n{counted(len(tracks), 'track')}" if options.track else "")
        if lost := told_lost(video):
            log.info("%s", lost)
        if timing:
            log.info("%s", times.table(tally.pictures, tally.unit))
    if broken_off and not camera:
        asked.end()
    return tally


def told_lost(video: Frames) -> str:
    """Say of how many frames there is no picture, and why; empty where there are all."""
    told = [f"{counted(video.damaged, 'frame')} could not be decoded"] if video.damaged else []
    if video.missing:
        known = f"{counted(video.missing, 'frame')} of the {video.announced} that the file announces"
        told.append(f"{known} {'is' if video.missing == 1 else 'are'} not in it")
    return f"left out: {'; '.join(told)}" if told else ""
