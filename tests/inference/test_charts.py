"""The picture of curves and bars: its size, that everything has its place, odd titles, nothing to show."""

import subprocess
import sys

import numpy as np
import pytest

from dancepose.inference.charts import bar_values, draw_curves
from dancepose.records import Frame, Person
from dancepose.skeleton import load_skeleton
from dancepose.tasks.evaluation import PoseEvaluation

MPII15, COCO17 = load_skeleton("mpii15"), load_skeleton("coco17")
SHAPE = (616, 1430, 3)


def rows_of(skeleton=MPII15, people: int = 1, found: bool = True) -> dict:
    """One frame with `people` in it, of whom the first is found."""
    places = [[[20.0 * k, 50.0 + 100 * i, 2.0] for k in range(len(skeleton))] for i in range(people)]
    truth = [Person(np.array(p), head_box=np.array([0.0, 0.0, 30.0, 40.0])) for p in places]
    ones = np.ones(len(skeleton))
    predictions = [Person(p.keypoints, scores=ones, score=1.0) for p in truth[:1] if found]
    evaluation = PoseEvaluation(skeleton)
    frame = Frame(np.zeros((60, 80, 3), np.uint8), (80, 60), truth, skeleton.name, "a")
    evaluation.update([predictions], [frame])
    return evaluation.compute()["rows"]


def test_bars_are_of_what_has_figures_for_the_columns():
    bars = bar_values(rows_of(), MPII15)
    assert list(bars) == ["mAP", "PCK@0.2", "PCKh@0.5"]  # not OKS
    assert {tuple(values) for values in bars.values()} == {(*MPII15.columns, "all")}
    assert set(bars["mAP"].values()) == {100.0}
    assert list(bar_values(rows_of(people=2), MPII15)) == ["mAP"]
    assert bar_values(rows_of(COCO17), COCO17)["mAP"]["Head"] is None


@pytest.mark.parametrize(
    "rows",
    [rows_of(), rows_of(people=2), rows_of(people=0), rows_of(found=False), rows_of(COCO17)],
    ids=["one", "two", "nobody", "nobody found", "no head"],
)
def test_a_picture_of_its_size(rows):
    skeleton = COCO17 if rows["mAP"].columns["Head"] is None and rows["mAP"].value else MPII15
    image = draw_curves(rows, skeleton, "drawn people, test part")
    assert image.shape == SHAPE and image.dtype == np.uint8
    assert (image[0, 0] == 255).all() and (image < 60).any()  # ink on paper


def test_what_differs_in_the_figures_differs_in_the_picture():
    full, half, none = (
        draw_curves(rows, MPII15, "x") for rows in (rows_of(), rows_of(people=2), rows_of(people=0))
    )
    blue = [(np.abs(i.astype(int) - (63, 144, 218)).max(axis=2) < 3).sum() for i in (full, half, none)]
    assert blue[0] > 5000 and blue[1] > 5000 and blue[2] < 1000  # bars of mAP, the first of the colours


@pytest.mark.parametrize("title", ["", "a/$b_{/c$ $", "舞蹈", "x" * 500])
def test_any_title_is_drawn_within_the_picture(title, recwarn):
    image = draw_curves(rows_of(), MPII15, title)
    assert image.shape == SHAPE and not recwarn.list
    strip = image[:26].min(axis=(0, 2))  # darkest of each column of the title's line
    assert strip.min() < 100 and strip[:4].min() == 255 == strip[-4:].min()


def test_where_no_curve_shows_it_is_said(monkeypatch):
    from matplotlib.axes import Axes

    said, write = [], Axes.text

    def text(axes, x, y, words, *args, **kwargs):
        said.append(words)
        return write(axes, x, y, words, *args, **kwargs)

    monkeypatch.setattr(Axes, "text", text)
    wrong = rows_of(found=False)
    wrong["mAP"].counts["predictions"] = 3
    for rows, note in (
        (rows_of(people=2), None),
        (rows_of(found=False), "nobody found"),
        (wrong, "no joint found in its place"),
        (rows_of(people=0), "no truth to compare with"),
    ):
        said.clear()
        draw_curves(rows, MPII15, "x")
        assert [words for words in said if words.startswith("no")] == ([note] if note else [])


def test_matplotlib_comes_late_and_without_pyplot():
    code = (
        "import sys, dancepose.inference.charts\n"
        "assert 'matplotlib' not in sys.modules\n"
        "import matplotlib.figure, matplotlib.style, matplotlib.backends.backend_agg\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
