"""The files of a comparison: each whole or not at all."""

from pathlib import Path

from dancepose.files import write_json, write_text
from dancepose.sweeps.formats import as_csv, as_markdown, as_text, parts_csv
from dancepose.sweeps.latex import as_latex
from dancepose.sweeps.page import write_page
from dancepose.sweeps.results import Comparison

NAME = "comparison"


def write_comparison(folder: Path, comparison: Comparison, pictures: int) -> list[Path]:
    """Write all forms of a comparison into a folder.

    Args:
        folder: made if absent; files of an earlier comparison are replaced.
        comparison: what is written.
        pictures: of the best run, at most, on the page; 0: none.

    Returns:
        The files.
    """
    texts = {
        f"{NAME}.txt": as_text(comparison),
        f"{NAME}.md": as_markdown(comparison),
        f"{NAME}.tex": as_latex(comparison),
        f"{NAME}.csv": as_csv(comparison),
    }
    parts = "keypoints.csv" if comparison.poses else "classes.csv"
    if (told := parts_csv(comparison)) is not None:
        texts[parts] = told
    else:
        (folder / parts).unlink(missing_ok=True)
    for name, text in texts.items():
        write_text(folder / name, text)
    write_json(folder / f"{NAME}.json", comparison.to_dict())
    page = folder / f"{NAME}.html"
    write_page(page, comparison, pictures)
    return [*(folder / name for name in texts), folder / f"{NAME}.json", page]
