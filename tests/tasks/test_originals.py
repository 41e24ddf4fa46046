import os

import pytest

from dancepose.errors import ConfigError
from dancepose.tasks.originals import Originals


def test_what_was_given_is_not_written_over_under_whatever_name(tmp_path):
    given = tmp_path / "given" / "a.jpg"
    given.parent.mkdir()
    given.write_bytes(b"a")
    originals = Originals([given, tmp_path / "missing.jpg"])
    originals.check(tmp_path / "given" / "b.jpg")
    originals.check(tmp_path / "missing.jpg")
    (tmp_path / "other.jpg").write_bytes(b"b")
    originals.check(tmp_path / "other.jpg")
    (tmp_path / "link").symlink_to(given.parent, target_is_directory=True)
    os.link(given, tmp_path / "same.jpg")
    for target in (given, tmp_path / "link" / "a.jpg", tmp_path / "given" / ".." / "given" / "a.jpg"):
        with pytest.raises(ConfigError, match=r"would overwrite source .*a\.jpg.*hydra\.run\.dir"):
            originals.check(target)
    with pytest.raises(ConfigError, match="would overwrite source"):
        originals.check(tmp_path / "same.jpg")
