"""Pictures of a classifier: everything inside, readable names, nothing to show."""

import numpy as np
import pytest

from dancepose.inference.action_charts import class_labels, draw_confusion, draw_history, draw_reliability
from dancepose.metrics.action_result import ActionResult, ReliabilityBin


def result(classes, confusion, counts=(0,) * 14 + (1,)) -> ActionResult:
    bins = [
        ReliabilityBin(i / 15, (i + 1) / 15, n, (i + 0.5) / 15 if n else None, 0.5 if n else None)
        for i, n in enumerate(counts)
    ]
    return ActionResult(tuple(classes), np.array(confusion), tuple(bins))


def names(count: int) -> list[str]:
    return [f"a rather long name of a dance {i}" for i in range(count)]


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """Words that are written into axes."""
    from matplotlib.axes import Axes

    words, write = [], Axes.text

    def text(axes, x, y, text, *args, **kwargs):
        words.append(text)
        return write(axes, x, y, text, *args, **kwargs)

    monkeypatch.setattr(Axes, "text", text)
    return words


@pytest.mark.parametrize("count", [1, 2, 6, 20])
def test_a_matrix_of_any_size_lies_inside_its_picture(count, recwarn):
    image = draw_confusion(result(names(count), np.eye(count, dtype=int) * 7 + 1), "x" * 400)
    assert image.dtype == np.uint8 and image.ndim == 3 and not recwarn.list
    border = np.concatenate(
        [image[:2].ravel(), image[-2:].ravel(), image[:, :2].ravel(), image[:, -2:].ravel()]
    )
    assert border.min() > 200, "nothing is cut off"
    dark = (np.abs(image.astype(int) - image[..., :1]).max(axis=2) > 40) & (image[..., 2] > 80)
    assert dark.mean() > 0.01  # the diagonal's blue


def test_shares_and_numbers_stand_in_the_cells(said):
    draw_confusion(result(["wave", "walk", "rest"], [[3, 1, 0], [0, 5, 0], [0, 0, 0]]), "x")
    assert [word for word in said if word] == [
        "75.0",
        "3",
        "25.0",
        "1",
        "0",
        "0",
        "100.0",
        "5",
        "0",
        "no samples",
    ]


def test_names_that_the_font_lacks_have_numbers_and_long_ones_no_middle():
    drawn = class_labels(["wave", "舞蹈", "ünïcode $x$", "a very long name of a dance", " "])
    assert drawn == ["wave", "class 2", "ünïcode $x$", "a very lon..of a dance", "class 5"]
    image = draw_confusion(result(["$a_{$", "舞蹈"], [[1, 0], [0, 1]]), "$ 舞蹈")
    assert (image < 60).any()


def test_reliability_shows_counts_and_differs_with_them(said, recwarn):
    full = draw_reliability(result("ab", [[2, 3], [1, 0]], (0,) * 10 + (1, 2, 0, 3, 0)), "test part")
    assert full.shape == (748, 660, 3) and not recwarn.list
    empty = draw_reliability(result("ab", [[0, 0], [0, 0]], (0,) * 15), "test part")
    assert "no samples" in said
    blue = [(np.abs(i.astype(int) - (136, 184, 221)).max(axis=2) < 3).sum() for i in (full, empty)]
    assert blue[0] > blue[1] + 5000


def test_curves_of_a_training(said, recwarn):
    points = [(float(e), 1 / e) for e in range(1, 60)]
    full = draw_history(
        {"training": points, "validation": points[:3]}, {"training": [], "validation": []}, "x"
    )
    assert full.shape == (462, 1210, 3) and not recwarn.list
    assert said.count("not logged") == 1
    red = np.abs(full.astype(int) - (204, 102, 119)).max(axis=2) < 3
    assert red[:, :605].sum() > 200 and red[60:, 605:].sum() < red[:, :605].sum()
