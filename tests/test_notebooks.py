"""The notebooks: in step with their texts, and run from the first cell to the last."""

import os
from pathlib import Path

import pytest
from test_demo import ATTENTION, SMALLER_ACTIONS

from dancepose.paths import CACHE

jupytext = pytest.importorskip("jupytext")
nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


def test_each_notebook_has_its_text():
    assert NAMES == sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    assert {"quick_start", "reading_an_attention_sweep"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_notebook_and_text_are_in_step(name):
    text, notebook = (jupytext.read(FOLDER / f"{name}{suffix}") for suffix in (".py", ".ipynb"))
    told = f"make notebooks writes {name}.ipynb anew from its text"
    assert [(c.cell_type, c.source) for c in text.cells] == [
        (c.cell_type, c.source) for c in notebook.cells
    ], told
    assert not any(cell.get("outputs") for cell in notebook.cells), f"{told}, without outputs"


def execute(name: str, folder: Path, **environment: str) -> str:
    """Run a notebook as a reader would; return what it printed."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    wanted = {"DANCEPOSE_NOTEBOOKS": str(folder), "DANCEPOSE_QUICK": "1", "OMP_NUM_THREADS": "1"}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    client = nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3")
    os.environ.update({**wanted, **environment, "PYTHONPATH": path})
    folder.mkdir(exist_ok=True)
    client.execute(cwd=str(folder))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    texts = [[o for o in cell.get("outputs", ()) if "text" in o] for cell in notebook.cells]
    most = max(map(len, texts))
    assert most <= 4, f"{most} texts of a cell: a bar that moves leaves one for each step"
    told = "".join(output.get("text", "") for output in outputs)
    assert "\x1b" not in told, "codes of a terminal"
    pictures = sum("image/png" in output.get("data", {}) for output in outputs)
    return f"{pictures} pictures\n{told}"


@pytest.fixture
def environment():
    """Leave the environment as it was: a kernel inherits it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def test_quick_start(tmp_path, environment):
    folder = tmp_path / "with a space"
    told = execute("quick_start", folder, **{CACHE: str(tmp_path / "cache")})
    assert (folder / "run" / "checkpoints" / "last.ckpt").is_file()
    assert told.startswith("3 pictures") and "test_00000" in told, told


@pytest.mark.slow
def test_reading_an_attention_sweep(tmp_path, environment, server):
    at_home = {CACHE: str(tmp_path / "cache")}
    few = [o for o in SMALLER_ACTIONS if not o.startswith("minutes")]
    few += ["seed=0", "trainer.max_epochs=1", "callbacks=none"]
    swept = server.run("experiment=demo_attention", *few, cwd=tmp_path, **at_home)
    assert swept.wait() == 0, swept.output
    told = execute(
        "reading_an_attention_sweep",
        tmp_path / "with a space",
        DANCEPOSE_SWEEP=str(tmp_path / ATTENTION),
        **at_home,
    )
    assert told.startswith("4 pictures") and "4 finished jobs, 0 left out" in told
    assert "undecided: 1 of 7 seeds" in told, told
    table = (tmp_path / "with a space" / "comparison" / "comparison.txt").read_text()
    assert told.count(table.splitlines()[0]) == 1 and table in told, "once, as wide as it is"
    assert (tmp_path / "with a space" / "comparison" / "comparison.html").is_file()
