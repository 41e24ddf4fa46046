"""Cells of the tables of a comparison."""

import pytest
from comparisons import compare_sweeps, made_up
from run_directories import pose_job

from dancepose.sweeps.costs import Cost, told_count
from dancepose.sweeps.results import Comparison
from dancepose.sweeps.sheets import result_sheet, sheets_of, told_p


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> Comparison:
    return made_up(tmp_path_factory.mktemp("made_up"))


def test_results_stand_first_then_differences_of_each_metric_then_classes(comparison):
    titles = [sheet.title for sheet in sheets_of(comparison)]
    assert titles[0] == "Results" and titles[1] == "Differences of accuracy, %"
    assert "calibration error" in titles[3] and titles[4].startswith("accuracy of each class")
    for sheet in sheets_of(comparison):
        assert all(len(row) == len(sheet.header) for row in sheet.rows)


def test_a_result_has_mean_interval_and_costs_where_they_are_known(comparison):
    (table,) = comparison.tables
    cost = Cost(23_508_032, 4_100_000_000, "a picture", {1: (10.0, 12.5), 32: (200.0, 250.0)}, "CPU")
    sheet = result_sheet(comparison, table.with_costs({"none": cost}))
    row = dict(zip(sheet.header, sheet.rows[0], strict=True))
    assert row["model/attention"] == "none" and row["seeds"] == "8"
    assert row["parameters"] == "23.5 M" and row["MACs"] == "4.1 G"
    assert row["ms at batch 1, p50 / p90"] == "10.0 / 12.5"
    assert row["ms at batch 32, p50 / p90"] == "200 / 250"
    assert sheet.rows[1][-4:] == ("-", "-", "-", "-")
    assert "MACs and times are of a picture" in sheet.notes and "times on CPU" in sheet.notes
    assert any("for other clips like these" in note for note in sheet.notes)
    assert sheet.marked == {(2, 2)}


def test_times_of_a_column_have_as_many_decimals(comparison):
    (table,) = comparison.tables
    times = {"none": (26.0, 28.4), "cbam0": (9.517, 120.0), "cbam1": (104.0, 0.0)}
    costs = {arm: Cost(1, 1, "a picture", {1: pair, 8: (200.0, 250.4)}, "CPU") for arm, pair in times.items()}
    sheet = result_sheet(comparison, table.with_costs(costs))
    assert [row[-2] for row in sheet.rows] == ["26.00 / 28.40", "9.52 / 120.00", "104.00 / 0.00"]
    assert {row[-1] for row in sheet.rows} == {"200 / 250"}


def test_a_difference_has_both_intervals_with_their_populations_and_a_verdict_in_words(comparison):
    sheet = sheets_of(comparison)[1]
    rows = {row[0]: dict(zip(sheet.header, row, strict=True)) for row in sheet.rows}
    assert rows["cbam1"]["verdict"] == "better" and rows["cbam1"]["pairs"] == "8"
    assert rows["cbam0"]["verdict"] == "no detectable difference"
    assert (
        rows["cbam1"]["difference"].startswith("+")
        and " to +" in rows["cbam1"]["95 % together over seeds and clips"]
    )
    assert any("cbam1 is better than none" in words for words in sheet.words)
    assert any("other seeds on these very clips" in note for note in sheet.notes)
    assert any("other seeds and other clips like these" in note for note in sheet.notes)


def test_beside_the_metric_that_decides_no_word_claims_anything(comparison):
    decided, *beside = sheets_of(comparison)[1:4]
    assert "smallest difference found with 80 % power" in decided.header
    for sheet in beside:
        assert "told beside the metric that decides" in sheet.title
        assert "verdict" not in sheet.header and not any(name.startswith("p") for name in sheet.header[2:])
        told = " ".join((*sheet.words, *(cell for row in sheet.rows for cell in row)))
        assert "better" not in told and "worse" not in told and "cbam1 against none: " in told
    for result in comparison.tables[0].metrics[1:]:
        for arm in result.arms[1:]:
            assert arm.difference.claim is None and arm.difference.verdict == "told beside"
            assert arm.difference.p_holm is None and arm.difference.over_both.low is not None
    assert any("nothing is claimed" in note for note in comparison.tables[0].notes)


def test_each_column_is_called_after_what_is_drawn(tmp_path):
    """Of poses images; and an interval for one comparison is none for several together."""
    for method, found in (("ae", 0.9), ("paf", 0.4)):
        for seed in range(3):
            pck = {"test/PCK@0.2": 100 * found + seed % 2}
            pose_job(tmp_path / f"{method}{seed}", [f"model/codec={method}"], seed, found, further=pck)
    comparison = compare_sweeps(tmp_path, against="paf", metrics=["PCK@0.2", "mAP"])
    for sheet in sheets_of(comparison)[1:3]:
        assert "95 % over seeds and images" in sheet.header
        assert "clips" not in " ".join((*sheet.header, *sheet.words, *sheet.notes))


def test_too_few_seeds_are_told_with_the_number_that_is_needed(tmp_path):
    comparison = made_up(tmp_path, seeds=2)
    sheet = sheets_of(comparison)[1]
    assert sheet.rows[0][1] == "undecided: 2 of 7 seeds" and sheet.rows[0][4] == "-"
    assert all("decide nothing" in words for words in sheet.words)
    assert not sheets_of(comparison)[0].marked


@pytest.mark.parametrize("p, told", [(None, "-"), (0.0001, "< 0.001"), (0.0234, "0.023"), (1.0, "1.000")])
def test_p(p, told):
    assert told_p(p) == told


@pytest.mark.parametrize(
    "count, told", [(0, "0"), (999, "999"), (1234, "1.23 k"), (28_500_000_000, "28.5 G")]
)
def test_large_numbers(count, told):
    assert told_count(count) == told
