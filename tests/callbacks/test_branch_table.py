import json

from omegaconf import OmegaConf

from dancepose.callbacks import branch_table
from dancepose.callbacks.branch_table import BranchTable
from dancepose.errors import DataError


def at(folder):
    return OmegaConf.create({"hydra": {"sweep": {"dir": str(folder)}}})


class Block:
    def table(self) -> str:
        return "the table"

    def to_dict(self) -> dict:
        return {"rows": []}


def test_the_comparison_is_printed_and_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(branch_table, "compare_branches", lambda sweep: [Block(), Block()])
    monkeypatch.setattr(branch_table, "over_seeds", lambda blocks: [Block()])
    BranchTable().on_multirun_end(at(tmp_path))
    text = "the table\n\nthe table\n\nthe table\n"
    assert capsys.readouterr().out.startswith(text)
    assert (tmp_path / "branches.txt").read_text() == text
    assert json.loads((tmp_path / "branches.json").read_text()) == [{"rows": []}] * 3


def test_a_sweep_without_a_finished_job_is_told(tmp_path, caplog):
    BranchTable().on_multirun_end(at(tmp_path))
    assert "no job of" in caplog.text and not (tmp_path / "branches.txt").exists()


def test_what_is_wrong_with_a_job_is_told_and_ends_nothing(tmp_path, monkeypatch, caplog):
    def wrong(sweep):
        raise DataError("other samples")

    monkeypatch.setattr(branch_table, "compare_branches", wrong)
    BranchTable().on_multirun_end(at(tmp_path))
    assert "no comparison of the branches: other samples" in caplog.text
