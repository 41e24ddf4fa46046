import json
from pathlib import Path

import pytest

from dancepose.errors import DataError
from dancepose.tasks.never_labelled import read_never_labelled
from dancepose.tasks.run_directory import RunDirectory


@pytest.mark.parametrize("found", [["pelvis"], {"dance": ["pelvis"]}, {"dance": {"*": "pelvis"}}, 3])
def test_nonsense_is_one_clear_error(found, tmp_path: Path):
    (tmp_path / "metrics.json").write_text(json.dumps({"never_labelled": found}))
    with pytest.raises(DataError, match=r"metrics\.json: field 'never_labelled' must say"):
        read_never_labelled(RunDirectory(tmp_path))


def test_a_run_says_it_or_does_not(tmp_path: Path):
    assert read_never_labelled(RunDirectory(tmp_path)) is None
    said = {"dance": {"*": ["pelvis"]}}
    (tmp_path / "metrics.json").write_text(json.dumps({"never_labelled": said}))
    assert read_never_labelled(RunDirectory(tmp_path)) == said
