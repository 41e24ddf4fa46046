"""The drawing of synthetic scenes into files: of each difficulty in one process, and a whole set in all."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from joblib import cpu_count

from dancepose.benchmarks.timing import Row, one_thread
from dancepose.data.synthetic.dataset import draw_one, write_scenes
from dancepose.data.synthetic.inventory import read_frames
from dancepose.data.synthetic.scene import SIZE
from dancepose.data.synthetic.scene_set import SceneSet
from dancepose.data.synthetic.staging import DIFFICULTIES

SCENES = SceneSet()  # what `dancepose-synthesize` draws unasked
PICTURES = 8  # in a round: scenes differ in their people


def time_drawing(rounds: int) -> list[Row]:
    """Time scene, picture, JPEG and labels as `dancepose-synthesize` makes them, each process on one thread.

    Args:
        rounds: repetitions; those of all difficulties take turns. The whole set is drawn once.

    Returns:
        A row for each difficulty, its scenes those of a set like the default one, in one process; and last
        the default set in as many processes as there are cores, the start of these included. Milliseconds
        for each picture.
    """
    rows = {name: Row("draw", f"{name} scene") for name in DIFFICULTIES}
    people = dict.fromkeys(DIFFICULTIES, 0)
    with tempfile.TemporaryDirectory(prefix="dancepose-") as scratch, one_thread():
        for number in range(-1, rounds):
            for difficulty, row in rows.items():
                scenes, root = replace(SCENES, difficulty=difficulty), Path(scratch) / difficulty
                every = scenes.scene_names()  # a round's come after those of the one before
                names = [every[((number + 1) * PICTURES + i) % len(every)] for i in range(PICTURES)]
                start = time.perf_counter()
                for name in names:
                    draw_one(scenes, root, name)
                if number >= 0:
                    row.milliseconds.append(1e3 * (time.perf_counter() - start) / PICTURES)
                    people[difficulty] += sum(len(read_frames(root, name)[0]["people"]) for name in names)
        whole = _whole_set(Path(scratch) / "whole", cpu_count())
    for name, row in rows.items():
        row.figures = {"people": people[name] / rounds / PICTURES, "processes": 1.0}
    for row in (told := [*rows.values(), whole]):
        row.figures |= {"pictures/s": 1e3 / row.median, "threads": 1.0, "shape": f"{SIZE[0]}x{SIZE[1]}"}
    return told


def _whole_set(root: Path, processes: int) -> Row:
    count = len(SCENES.scene_names())
    start = time.perf_counter()
    write_scenes(SCENES, root, processes)
    took = 1e3 * (time.perf_counter() - start) / count
    name = f"{SCENES.difficulty} set of {count}, once"
    return Row("draw", name, [took], {"processes": float(processes)})
