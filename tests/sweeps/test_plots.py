"""Pictures of a comparison as SVG."""

from xml.etree import ElementTree

import numpy as np
import pytest
from comparisons import compare_sweeps, made_up
from run_directories import motion_sweep

from dancepose.sweeps.learning import Curve
from dancepose.sweeps.measures import metric_of
from dancepose.sweeps.parallel import parallel
from dancepose.sweeps.plots import confusion, forest, forest_key, learning, shortened
from dancepose.sweeps.results import Comparison
from dancepose.sweeps.svg import Scale, colour_of, dash_of, drawing, element, swatch

ACCURACY = metric_of("accuracy", poses=False)
ODD = "<script>alert(1)</script> & \"x\" 'y'"


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> Comparison:
    return made_up(tmp_path_factory.mktemp("made_up"))


def numbers_of(comparison: Comparison) -> dict[str, int]:
    return {name: i for i, name in enumerate(comparison.tables[0].group.arms)}


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(root: ElementTree.Element, tag: str = "text") -> list[str]:
    return ["".join(node.itertext()) for node in root.iter(tag)]


def test_elements_are_escaped():
    made = element(
        "text", element("tspan", text=ODD), class_="a", stroke_width=1.0, x=0.123456, title=ODD, fill=None
    )
    root = parsed(made)
    assert root.attrib == {"class": "a", "stroke-width": "1", "x": "0.12", "title": ODD}
    assert "".join(root.itertext()) == ODD and "<script>" not in made
    assert parsed(drawing(10, 20, title=ODD)).attrib["viewBox"] == "0 0 10 20"


class TestScale:
    def test_ends_and_middle(self):
        scale = Scale(-1, 3, 100, 200)
        assert [scale(v) for v in (-1, 1, 3)] == [100, 150, 200]
        assert Scale(2, 2, 0, 10)(2) == 5

    @pytest.mark.parametrize("low, high", [(0, 1), (-7.3, 11.2), (0.0001, 0.00013), (-3e6, 9e8)])
    def test_ticks_are_round_and_within(self, low, high):
        ticks = Scale(low, high, 0, 1).ticks()
        assert 2 <= len(ticks) <= 8 and low <= ticks[0] and ticks[-1] <= high + 1e-9 * abs(high)
        assert np.allclose(np.diff(ticks), ticks[1] - ticks[0])

    @pytest.mark.parametrize(
        "low, high, told",
        [
            (-2.4, 0, ["-2.0", "-1.5", "-1.0", "-0.5", "0.0"]),
            (0, 0.09, ["0.00", "0.02", "0.04", "0.06", "0.08"]),
            (0, 100, ["0", "20", "40", "60", "80", "100"]),
            (0, 1.1, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
            (0, 4e6, ["0", "1e+06", "2e+06", "3e+06", "4e+06"]),
        ],
    )
    def test_ticks_of_an_axis_are_told_with_equal_decimals(self, low, high, told):
        assert [words for _, words in Scale(low, high, 0, 1).told_ticks()] == told

    def test_constant_values_have_an_axis_worth_looking_at(self):
        """Rounding errors of 1e-11 are no spread."""
        scale = Scale.around([0.0, 3e-11], 0, 1, 1.0)
        assert scale.high - scale.low == 1 and scale.low < -0.4 < 0.4 < scale.high
        assert [words for _, words in scale.told_ticks()] == ["-0.4", "-0.2", "0.0", "0.2", "0.4"]
        assert Scale.around([0.0], 0, 1, 1.0, positive=True).low == 0
        assert Scale.around([50.0], 0, 1, 1.0, positive=True).low == 49.5
        wide = Scale.around([10.0, 20.0], 0, 1, 1.0)
        assert (wide.low, wide.high) == (9.5, 20.5)

    def test_a_scale_without_extent_has_one(self):
        assert Scale(2, 2, 0, 1).ticks() == [2]


def test_arms_beyond_the_colours_are_dashed():
    assert colour_of(0) == colour_of(10) and dash_of(0) is None and dash_of(10) != dash_of(20)


def test_long_names_lose_their_middle():
    assert shortened("a" * 10) == "a" * 10 and len(shortened("a" * 100)) <= 26


def test_a_forest_plot_has_both_intervals_of_each_arm_in_their_places(comparison):
    result = comparison.tables[0].metrics[0]
    root = parsed(forest(result, comparison.against, numbers_of(comparison)))
    arms = [node for node in root.iter("g") if node.attrib.get("class") == "arm"]
    assert [node.attrib["data-arm"] for node in arms] == ["1", "2"]
    zero = float(next(n for n in root.iter("line") if n.attrib.get("class") == "zero").attrib["x1"])
    for node, arm in zip(arms, result.arms[1:], strict=True):
        lines = {line.attrib["class"]: line for line in node.iter("line")}
        centre = float(next(node.iter("circle")).attrib["cx"])
        both = [float(lines["both"].attrib[end]) for end in ("x1", "x2")]
        seeds = [float(lines["seeds"].attrib[end]) for end in ("x1", "x2")]
        assert both[0] <= centre <= both[1] and seeds[0] <= centre <= seeds[1]
        assert (both[0] > zero) == (arm.difference.over_both.low > 0)
        assert (centre > zero) == (arm.difference.estimate > 0)
        assert arm.difference.words in texts(node, "title")
    assert "better" in texts(arms[1]) and "no detectable difference" in texts(arms[0])


def test_arms_without_intervals_are_points(tmp_path):
    comparison = made_up(tmp_path, seeds=2)
    root = parsed(forest(comparison.tables[0].metrics[0], "none", numbers_of(comparison)))
    assert not [n for n in root.iter("line") if n.attrib.get("class") in ("both", "seeds")]
    assert len(list(root.iter("circle"))) == 2 and "undecided: 2 of 7 seeds" in texts(root)


def test_the_key_speaks_of_what_is_drawn_alone(tmp_path, comparison):
    drawn = forest_key(comparison.tables[0].metrics[0])
    assert "thick line: interval over other seeds, on these very clips" in drawn
    assert "thin line: over other seeds and other clips, for all comparisons at once" in drawn
    without = forest_key(made_up(tmp_path, seeds=2).tables[0].metrics[0])
    assert "no intervals to draw" in without and "line:" not in without


def test_equal_arms_do_not_blow_up_their_rounding_errors(tmp_path):
    comparison = made_up(tmp_path, {"none": 0.7, "cbam1": 0.7}, seeds=2, draw=1)
    result = comparison.tables[0].metrics[0]
    numbers = numbers_of(comparison)
    for told in (forest(result, "none", numbers), parallel(comparison.tables[0], numbers)):
        assert not [text for text in texts(parsed(told)) if "e-" in text]


def test_equal_arms_can_be_drawn(tmp_path):
    comparison = compare_sweeps(motion_sweep(tmp_path, {"none": 0.0, ODD.replace("/", "|"): 0.0}, draw=1))
    told = forest(comparison.tables[0].metrics[0], ODD, numbers_of(comparison))
    assert parsed(told) is not None and "<script>" not in told


def test_learning_curves_have_a_line_and_a_band_for_each_arm():
    curve = Curve(np.array([1, 2, 3]), np.array([0.1, 0.5, 0.6]), np.array([0.0, 0.1, 0.1]), 4)
    point = Curve(np.array([2]), np.array([0.4]), np.array([0.0]), 1)
    root = parsed(learning("val/accuracy", {"none": curve, ODD: point}, {"none": 0, ODD: 11}, ACCURACY))
    assert len(list(root.iter("polyline"))) == len(list(root.iter("polygon"))) == 1
    assert len(list(root.iter("circle"))) == 1
    assert "val/accuracy, %" in texts(root) and any(
        "60 ± 10 at the end, 4 runs" in t for t in texts(root, "title")
    )
    ys = [float(pair.split(",")[1]) for pair in next(root.iter("polyline")).attrib["points"].split()]
    assert ys[0] > ys[1] > ys[2]
    flat = Curve(np.array([1]), np.array([0.0]), np.array([0.0]), 1)
    assert parsed(learning("val/loss", {"none": flat}, {"none": 0})) is not None


def test_points_of_one_epoch_stand_side_by_side_with_their_spread():
    arms = {name: Curve(np.array([2]), np.array([0.4]), np.array([0.1]), 2) for name in ("none", "cbam1")}
    root = parsed(learning("val/accuracy", arms, {"none": 0, "cbam1": 1}, ACCURACY))
    centres = {float(circle.attrib["cx"]) for circle in root.iter("circle")}
    bars = [n for n in root.iter("line") if n.attrib.get("stroke-width") == "2"]
    assert len(centres) == len(bars) == 2 and all(n.attrib["y1"] != n.attrib["y2"] for n in bars)


def test_a_constant_quantity_has_sane_ticks():
    flat = Curve(np.array([1, 2]), np.full(2, 0.25 + 1e-13), np.zeros(2), 2)
    root = parsed(learning("val/accuracy", {"none": flat}, {"none": 0}, ACCURACY))
    ticks = [t for t in texts(root) if t.replace(".", "").isdigit()]
    assert ticks[:5] == ["24.6", "24.8", "25.0", "25.2", "25.4"]


def test_a_swatch_is_the_line_of_its_arm():
    (line,) = parsed(swatch(11)).iter("line")
    assert line.attrib["stroke"] == colour_of(11) and line.attrib["stroke-dasharray"] == dash_of(11)


@pytest.mark.parametrize("count", [2, 9, 30])
def test_a_confusion_matrix_says_each_cell(count):
    matrix = np.eye(count, dtype=int) * 3
    matrix[0] = 0
    matrix[1, 0] = 1
    names = [f"{ODD}{i}" for i in range(count)]
    root = parsed(confusion(ODD, matrix, names))
    assert len(list(root.iter("rect"))) == count**2
    width = float(root.attrib["width"])
    assert all(float(n.attrib["x"]) + float(n.attrib["width"]) <= width for n in root.iter("rect"))
    assert f"{names[1]} taken for {names[0]}: 1 of 4" in texts(root, "title")
    assert ("75" in texts(root)) == (count < 13)


class TestParallel:
    def test_a_run_is_a_line_through_factor_seed_and_metrics(self, comparison):
        (table,) = comparison.tables
        root = parsed(parallel(table, numbers_of(comparison)))
        lines = [line for line in root.iter("polyline")]
        assert len(lines) == 24
        assert all(len(line.attrib["data-y"].split(",")) == 5 for line in lines)
        assert [n.attrib["data-axis"] for n in root.iter("rect") if "data-axis" in n.attrib] == list("01234")
        assert {"model/attention", "seed", "accuracy, %", "none", "cbam1"} <= set(texts(root))
        best = max(lines, key=lambda line: -float(line.attrib["data-y"].split(",")[2]))
        assert best.attrib["data-arm"] == "2"

    def test_the_words_of_the_first_axis_stand_beside_the_lines(self, tmp_path):
        level = "a_level_of_a_long_name"
        motion_sweep(tmp_path, {"none": 0.5, level: 0.7}, [0, 1])
        (table,) = compare_sweeps(tmp_path).tables
        root = parsed(parallel(table, {"none": 0, level: 1}))
        starts = {float(line.attrib["points"].split(",")[0]) for line in root.iter("polyline")}
        words = [n for n in root.iter("text") if "".join(n.itertext()) in ("none", shortened(level, 18))]
        assert len(words) == 2 and len(starts) == 1
        for word in words:
            x = float(word.attrib["x"])
            assert word.attrib["text-anchor"] == "end" and x < min(starts)
            assert x > 6 * len("".join(word.itertext())), "it lies within the drawing"

    def test_rates_of_many_sizes_are_told_apart(self, tmp_path):
        for lr in (0.1, 0.001, 0.00001):
            config, overrides = {"optimizer": {"lr": lr}}, [f"optimizer.lr={lr}"]
            motion_sweep(tmp_path / str(lr), {"none": 0.5, "cbam1": 0.7}, overrides=overrides, config=config)
        (table,) = compare_sweeps(tmp_path, by=["model/attention"]).tables
        root = parsed(parallel(table, {"none": 0, "cbam1": 1}))
        places = {line.attrib["data-y"].split(",")[1] for line in root.iter("polyline")}
        assert len(places) == 3 and {"0.1", "0.001", "1e-05"} <= set(texts(root))
        assert np.ptp(np.diff(sorted(float(y) for y in places))) < 0.2

    def test_a_run_without_a_metric_has_a_gap(self, tmp_path):
        motion_sweep(tmp_path, {"none": 0.5, "cbam1": 0.7}, [0, 1], metrics={"test/loss": float("nan")})
        (table,) = compare_sweeps(tmp_path).tables
        root = parsed(parallel(table, {"none": 0, "cbam1": 1}))
        assert all(line.attrib["data-y"].count(",") == 1 for line in root.iter("polyline"))

    def test_one_run_without_any_number_has_no_axis(self, tmp_path):
        nothing = float("nan")
        motion_sweep(tmp_path, {"none": 0.5, "cbam1": 0.7}, [0], metrics={"test/loss": nothing})
        more = {"only": {"model/attention": ["none"]}, "by": ["version"], "against": "0.1.0"}
        (table,) = compare_sweeps(tmp_path, metrics=["loss"], **more).tables
        assert not list(parsed(parallel(table, {"0.1.0": 0})).iter("line"))
