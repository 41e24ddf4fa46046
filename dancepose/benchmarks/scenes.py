"""The drawing of synthetic scenes, of each difficulty."""

import time

import cv2
import numpy as np

from dancepose.benchmarks.timing import Row
from dancepose.data.synthetic.cast import draw_cast
from dancepose.data.synthetic.staging import DIFFICULTIES, draw_scene

PICTURES = 8  # in a round: scenes differ in their people


def time_drawing(rounds: int) -> list[Row]:
    """Time scene, picture with its truth, and JPEG; one process and one thread of OpenCV.

    Args:
        rounds: repetitions; those of all difficulties take turns.

    Returns:
        A row for each difficulty, milliseconds for each picture.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    cast = draw_cast(0, "train")
    rows = {name: Row("draw", f"{name} scene") for name in DIFFICULTIES}
    people = dict.fromkeys(DIFFICULTIES, 0)
    for number in range(-1, rounds):
        for name, row in rows.items():
            start = time.perf_counter()
            for index in range(PICTURES):
                random = np.random.default_rng((max(number, 0), index))
                scene = draw_scene(random, DIFFICULTIES[name], cast)
                picture, truths = scene.render(0.0, random)
                cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, scene.effects.quality])
                people[name] += len(truths) * (number >= 0)
            if number >= 0:
                row.milliseconds.append(1e3 * (time.perf_counter() - start) / PICTURES)
    cv2.setNumThreads(threads)
    for name, row in rows.items():
        row.figures = {"pictures/s": 1e3 / row.median, "people": people[name] / rounds / PICTURES}
    return list(rows.values())
