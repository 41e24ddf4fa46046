"""What holds for several arms is said once."""

from comparisons import compare_sweeps, made_up
from run_directories import motion_sweep

from dancepose.sweeps.sheets import difference_sheet
from dancepose.sweeps.undecided import told_together


def told(comparison) -> list[str]:
    result = comparison.tables[0].metrics[0]
    return told_together(result.metric, [arm.difference for arm in result.arms if arm.difference is not None])


def test_that_seeds_are_too_few_is_said_once_with_what_was_seen(tmp_path):
    comparison = made_up(tmp_path, {"none": 0.5, "cbam0": 0.9, "cbam1": 0.4}, seeds=2)
    (words,) = told(comparison)
    assert words.startswith("2 paired seeds decide nothing: with 2 comparisons at least 7 seeds are needed")
    assert "against none: cbam0 +" in words and "cbam1 -" in words and words.endswith("(accuracy, %).")
    sheet = difference_sheet(comparison, comparison.tables[0], comparison.tables[0].metrics[0], True)
    assert sheet.words == (words,)
    assert sheet.notes == (
        "over other seeds and over both: no interval: 2 paired seeds, at least 3 are needed",
    )


def test_the_smallest_p_is_told_where_there_is_one(tmp_path):
    (words,) = told(made_up(tmp_path, {"none": 0.5, "cbam0": 0.9, "cbam1": 0.4}, seeds=4))
    assert "(the smallest possible p is 0.25)" in words


def test_one_arm_and_arms_that_are_decided_keep_their_own_words(tmp_path):
    comparison = made_up(tmp_path / "a", {"none": 0.5, "cbam0": 0.9}, seeds=2)
    assert told(comparison) == [comparison.tables[0].metrics[0].arms[1].difference.words]
    assert len(told(made_up(tmp_path / "b"))) == 2


def test_an_arm_that_lacks_a_seed_says_so_itself(tmp_path):
    motion_sweep(tmp_path, {"none": 0.5, "a": 0.6, "b": 0.7}, [0, 1])
    motion_sweep(tmp_path, {"none": 0.5, "c": 0.7}, [2])
    words = told(compare_sweeps(tmp_path))
    assert len(words) == 3 and all("no number of one of the two" in of_arm for of_arm in words)
