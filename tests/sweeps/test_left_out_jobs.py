"""The cause of a job that is left out, in one line, with the remedy once."""

from dancepose.data.json_file import BrokenFile
from dancepose.errors import DataError
from dancepose.paths import evaluate_again
from dancepose.sweeps.left_out import DAMAGED, damaged


def test_the_folder_stands_in_its_own_column_and_in_commands_alone(tmp_path):
    again = evaluate_again(tmp_path)
    one = damaged(tmp_path, DataError(f"{tmp_path}/a.npz is\n no file: write it again: {again}"), "mend it")
    assert one.cause == f"a.npz is no file: write it again: {again}" and one.status == DAMAGED


def test_a_remedy_for_a_file_of_a_run_replaces_that_for_any_file(tmp_path):
    error = BrokenFile(tmp_path / "metrics.json", "is no whole JSON (x): save it again or remove it")
    assert damaged(tmp_path, error, "mend it").cause == "metrics.json is no whole JSON (x): mend it"
