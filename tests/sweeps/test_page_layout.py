"""How the page of a comparison is laid out in windows of several widths."""

import re
from html import escape

import run_directories
from chromium import load_page
from comparisons import compare_sweeps, made_up
from run_directories import pose_job

from dancepose.sweeps.output import write_comparison

# what reaches beyond its window, or beyond its card without a bar to scroll it by
MEASURE = """<script>
const told = [];
for (const frame of document.querySelectorAll("iframe")) {
  const page = frame.contentDocument, width = frame.contentWindow.innerWidth;
  if (page.documentElement.scrollWidth > width) told.push(`${width}: the page`);
  const edge = (node) => node.getBoundingClientRect().right;
  for (const card of page.querySelectorAll(".card"))
    for (const node of card.querySelectorAll("table, svg, p, li, dd, img"))
      if (edge(node) > edge(card) && !node.closest(".scroll"))
        told.push(`${width}: ${node.outerHTML.slice(0, 60)}`);
  const wide = [...page.querySelectorAll(".scroll")].filter((box) => box.scrollWidth > box.clientWidth);
  document.body.dataset[`wide${width}`] = wide.length;
  const tiles = [...page.querySelectorAll(".tiles:not(.wide) > svg")];
  const tops = tiles.map((svg) => svg.getBoundingClientRect().top);
  document.body.dataset[`rows${width}`] = new Set(tops).size;
}
document.body.dataset.beyond = told.join("; ");
</script></body>"""


def test_nothing_is_cut_off_in_narrow_windows(tmp_path, monkeypatch):
    """A wide table is broken between its figures, or scrolls by itself; matrices stand side by side."""
    names = "Head Shoulder Elbow Wrist Hip Knee Ankle Neck Nose Eye Ear Thumb Heel Toe"
    monkeypatch.setattr(run_directories, "COLUMNS", tuple(names.split()))
    for method in ("associative_embedding", "part_affinity_fields"):
        for seed in (0, 1):
            pose_job(tmp_path / "s" / f"{method}{seed}", [f"model/codec={method}"], seed)
    poses = compare_sweeps(tmp_path / "s", against="associative_embedding")
    write_comparison(tmp_path / "poses", poses, pictures=0)
    write_comparison(tmp_path / "motions", made_up(tmp_path, seeds=2), pictures=0)
    frames = ""
    for kind in ("poses", "motions"):
        text = (tmp_path / kind / "comparison.html").read_text()
        frames += "".join(
            f'<iframe style="width: {width}px; height: 900px; border: 0" srcdoc="{escape(text)}"></iframe>'
            for width in ((1300, 800) if kind == "poses" else (1301, 801))
        )
    measured = MEASURE.replace("<script>", '<script>addEventListener("load", () => {', 1)
    frame = tmp_path / "frames.html"
    frame.write_text(
        f"<!DOCTYPE html><body>{frames}{measured.replace('</script>', '});</script>')}", encoding="utf-8"
    )
    dom, console = load_page(frame, tmp_path / "profile")
    assert console == []
    found = dict(re.findall(r'data-(\w+)="([^"]*)"', dom[dom.index("<body") :].split(">")[0]))
    assert found["beyond"] == ""
    assert found["wide1300"] == "0", "a table of 15 columns fits into 1,300 pixels"
    assert found["rows1301"] == "1", "three confusion matrices"
