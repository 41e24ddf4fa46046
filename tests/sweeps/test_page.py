"""The page of a comparison: it needs nothing but itself, and its scripts run."""

import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from chromium import load_page
from comparisons import compare_sweeps, made_up
from run_directories import motion_job, motion_sweep, pose_job

from dancepose.sweeps.output import write_comparison
from dancepose.sweeps.page import breakable, figures

ODD = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
# what a reader does: choose an arm, drag along the axis of the accuracies; the page tells what came of it
ACTIONS = """<script>
const svg = document.querySelector(".parallel svg");
document.querySelectorAll(".legend button")[1].click();
const brush = svg.querySelectorAll(".brush")[2], at = brush.getBoundingClientRect();
brush.setPointerCapture = () => {};
const steps = [["pointerdown", 0], ["pointermove", at.height / 3], ["pointerup", 0]];
for (const [name, y] of steps)
  brush.dispatchEvent(new PointerEvent(name, {clientX: at.left + 5, clientY: at.top + y, pointerId: 1}));
const counts = [".arm.on", ".run", ".run.off"].map((found) => document.querySelectorAll(found).length);
document.body.dataset.counts = counts.join(" ");
</script></body>"""


class Tags(HTMLParser):
    """Collects the tags of a page with their attributes; none may be left open."""

    VOID = ("meta", "link", "img", "wbr")

    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    comparison = made_up(folder)
    pictures = comparison.tables[0].group.arms["cbam1"].jobs[2].path / "pictures"
    for arm in comparison.tables[0].group.arms.values():
        for job in arm.jobs:
            (job.path / "pictures").mkdir()
            cv2.imwrite(str(job.path / "pictures" / "test_samples.jpg"), np.zeros((20, 30, 3), np.uint8))
    assert pictures.is_dir()
    write_comparison(folder / "out", comparison, pictures=2)
    return folder / "out" / "comparison.html"


def test_it_shows_all_there_is(page):
    text = page.read_text()
    for title in (
        "What may be claimed",
        "Results",
        "Differences of accuracy, %",
        "accuracy of each class",
        "Learning curves",
        "Confusion matrices",
        "Sample predictions of the best run",
    ):
        assert title in text
    for label in (
        "differences of accuracy",
        "learning curves of val/loss",
        "parallel coordinates",
        "confusion matrix of",
    ):
        assert f'aria-label="{label}' in text
    assert text.count('role="img"') == 3 + 3 + 1 + 3 and text.count("data:image/jpeg;base64,") == 1
    assert "cbam1 is better than none" in text and "by the test part nothing is chosen" in text


def test_it_says_where_its_figures_come_from(page):
    text = page.read_text()
    block = text[text.index('aria-label="where these figures come from"') : text.index("</dl>")]
    for told in (
        "24 runs compared",
        "dancepose 0.1.0",
        "d" * 16,
        "5" * 16,
        "120 samples of 40 clips",
        "200 res",
    ):
        assert told in block
    assert text.index("</dl>") < text.index("What may be claimed")


def test_legends_stand_in_the_cards_of_the_lines(page):
    cards = page.read_text().split('<div class="card')
    titles = [card.split("<h3>")[1].split(" <")[0] for card in cards if 'class="legend"' in card]
    assert titles == ["Learning curves", "Runs"]


def test_the_best_run_is_told_with_the_metric_of_its_validation(tmp_path):
    comparison = made_up(tmp_path, seeds=1, config={"objective": "val/accuracy"}, objective=0.912)
    write_comparison(tmp_path / "out", comparison, pictures=0)
    text = (tmp_path / "out" / "comparison.html").read_text()
    assert "the best by its validation, val/accuracy 91.2 %;" in text


def test_that_nothing_was_learnt_and_seeds_are_few_is_said_once_and_first(tmp_path):
    write_comparison(
        tmp_path / "out", made_up(tmp_path, {"none": 0.3, "a": 0.31, "b": 0.3}, seeds=2), pictures=0
    )
    text = (tmp_path / "out" / "comparison.html").read_text()
    text = re.sub(r"<title>.*?</title>", "", text)  # what a pointer's rest on an arm shows
    verdict = text[text.index("What may be claimed") : text.index("<h3>Results")]
    assert verdict.count("decide nothing") == text.count("decide nothing") == 1
    assert verdict.count("so that their differences say nothing") == 1
    assert text.count("so that their differences say nothing") == 2, "the other one below the table"
    assert "there are no intervals to draw" in text and "thick line" not in text.lower()


def test_what_learnt_has_no_word_of_chance_in_its_verdict(page):
    text = page.read_text()
    verdict = text[text.index("What may be claimed") : text.index("<h3>Results")]
    assert "chance" not in verdict and "All 3 arms are above chance" in text
    assert "thick line: interval over other seeds" in text


def test_it_refers_to_nothing_outside(page):
    tags = Tags(page.read_text())
    assert tags.open == []
    for tag, attributes in tags.found:
        for name in ("src", "href", "action", "data"):
            assert str(attributes.get(name, "data:")).startswith("data:"), (tag, attributes)
        assert tag not in ("iframe", "object", "base") and not any(
            name.startswith("on") for name in attributes
        )
    assert "default-src 'none'" in page.read_text() and not re.search(r"url\(|@import", page.read_text())


def test_names_of_files_are_text(tmp_path):
    for number, name in enumerate(("none", ODD)):
        for seed in (0, 1):
            run, right = tmp_path / "s" / f"{number}{seed}", 0.5 + 0.1 * number
            motion_job(run, [f"x={name}"], seed, right, config={"x": name}, classes=("a", ODD))
    motion_job(tmp_path / "s" / "bad", status="failed", cause=ODD)
    write_comparison(tmp_path / "out", compare_sweeps(tmp_path / "s"), pictures=1)
    text = (tmp_path / "out" / "comparison.html").read_text()
    tags = Tags(text)
    assert [tag for tag, _ in tags.found].count("script") == 1 and tags.open == []
    assert "img" not in [tag for tag, _ in tags.found]
    assert not any(name.startswith("on") for _, attributes in tags.found for name in attributes)


def test_its_scripts_run_in_a_browser_without_an_error_or_a_request(page, tmp_path):
    acted = tmp_path / "acted.html"
    acted.write_text(page.read_text().replace("</body>", ACTIONS))
    dom, console = load_page(acted, tmp_path / "profile")
    assert console == []
    chosen, runs, off = map(int, re.search(r'data-counts="([\d ]+)"', dom)[1].split())
    assert runs == 24 and 0 < off < 24
    assert chosen == len(re.findall(r'class="(?:run )?arm" data-arm="1"', page.read_text())) > 8


def test_a_browser_would_tell_of_an_error_and_of_a_request(page, tmp_path):
    wrong = tmp_path / "wrong.html"
    bad = '<img src="http://127.0.0.1:9/x.png"><script>nothing_of_this_name();</script></body>'
    wrong.write_text(page.read_text().replace("</body>", bad))
    _, console = load_page(wrong, tmp_path / "profile")
    assert any("nothing_of_this_name" in line for line in console)
    assert any("127.0.0.1" in line for line in console)


def test_cells_are_broken_between_figures_alone():
    assert figures("71.3 ± 1.2") == "<b>71.3</b> <b>± 1.2</b>" and figures("1 to 2") == "<b>1</b> <b>to 2</b>"
    assert figures("<i>") == "<b>&lt;i&gt;</b>" and breakable("a_b<c/d") == "a_<wbr>b&lt;c/<wbr>d"


def test_many_arms_are_drawn_in_part_and_it_is_said(tmp_path):
    rights = {f"a{i:02d}": 0.5 + 0.02 * i for i in range(14)} | {"none": 0.6}
    write_comparison(tmp_path / "out", made_up(tmp_path, rights, seeds=1), pictures=0)
    text = (tmp_path / "out" / "comparison.html").read_text()
    assert text.count('aria-label="confusion matrix of') == 12 and "3 more are not drawn" in text


def test_poses_have_no_confusion_matrix_but_keypoint_groups(tmp_path):
    for method in ("ae", "paf"):
        pose_job(tmp_path / "s" / method, [f"model/codec={method}"])
    files = write_comparison(tmp_path / "out", compare_sweeps(tmp_path / "s", against="ae"), pictures=1)
    text = (tmp_path / "out" / "comparison.html").read_text()
    assert "Confusion" not in text and "Shoulder" in text and "It left no pictures" in text
    assert "keypoints.csv" in {path.name for path in files} and all(path.is_file() for path in files)


def test_an_earlier_comparison_in_the_folder_is_replaced(tmp_path):
    out = tmp_path / "out"
    write_comparison(out, made_up(tmp_path, seeds=1), pictures=0)
    for method in ("ae", "paf"):
        pose_job(tmp_path / "s" / method, [f"model/codec={method}"])
        (tmp_path / "s" / method / "test.json").unlink()
    (out / "keypoints.csv").write_text("old")
    write_comparison(out, compare_sweeps(tmp_path / "s", against="ae"), pictures=0)
    assert not (out / "keypoints.csv").exists() and "none" not in (out / "comparison.csv").read_text()


def test_one_arm_alone(tmp_path):
    motion_sweep(tmp_path / "s", {"none": 0.8, "cbam1": 0.9})
    only = {"model/attention": ["none"]}
    comparison = compare_sweeps(tmp_path / "s", only=only, by=["version"], against="0.1.0")
    write_comparison(tmp_path / "out", comparison, pictures=0)
    assert "nothing is compared" in (tmp_path / "out" / "comparison.html").read_text()
