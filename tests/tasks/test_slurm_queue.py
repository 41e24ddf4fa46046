import subprocess

import pytest

from dancepose.errors import ConfigError
from dancepose.tasks import slurm_queue
from dancepose.tasks.slurm_queue import (
    ask_for_orphans,
    find,
    in_queue,
    intent,
    is_intent,
    new_mark,
    with_mark,
)


def answer(monkeypatch, printed):
    def run(command, **more):
        if printed is None:
            raise subprocess.CalledProcessError(1, "squeue")
        return subprocess.CompletedProcess(command, 0, printed)

    monkeypatch.setattr(slurm_queue.subprocess, "run", run)


@pytest.mark.parametrize(
    ("printed", "found"),
    [("7_1 (null)\n8 a comment\n9\n", {"7_1", "8", "9", "7_1_0", "8_0", "9_0"}), ("", set()), (None, None)],
)
def test_what_slurm_says_of_its_queue(printed, found, monkeypatch):
    answer(monkeypatch, printed)
    assert in_queue() == found


def test_a_mark_is_added_to_what_the_user_says_of_jobs():
    mark = new_mark()
    assert mark != new_mark() and is_intent(intent(mark, 3)) and not is_intent("7_3")
    assert with_mark({"comment": "mine", "nodes": 1}, mark) == {"comment": f"mine {mark}", "nodes": 1}
    assert with_mark({}, mark) == with_mark({"comment": None}, mark) == {"comment": mark}


def test_a_job_is_found_by_its_mark_and_its_place(monkeypatch, tmp_path):
    pytest.importorskip("submitit")
    answer(monkeypatch, "6 (null)\n7_0 mine dancepose-a\n7_1 mine dancepose-a\n8 dancepose-b\n")
    folder = str(tmp_path / "%j")
    for name in ("7_0", "7_1", "8"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}_submitted.pkl").write_text("")
    names = [
        "dancepose-a:0",
        "dancepose-a:1",
        "dancepose-a:2",
        "dancepose-b:0",
        "dancepose-b:1",
        "dancepose-c:0",
    ]
    assert [find(name, folder, ask_for_orphans()) for name in names] == ["7_0", "7_1", "", "8", "", ""]


def test_where_slurm_does_not_answer_nothing_is_begun(monkeypatch):
    answer(monkeypatch, None)
    with pytest.raises(ConfigError, match="squeue does not answer.*: try again"):
        ask_for_orphans()
