import logging
import warnings

import pytest

from dancepose.quiet import quiet


def test_errors_alone_are_told_and_all_is_as_before(caplog):
    loud = logging.getLogger("loud")
    loud.setLevel(logging.INFO)
    with pytest.raises(KeyError), warnings.catch_warnings(record=True) as warned, quiet("loud"):
        loud.warning("not this")
        loud.error("but this")
        warnings.warn("nor this", stacklevel=1)
        raise KeyError
    loud.warning("and this")
    assert caplog.messages == ["but this", "and this"] and not warned and loud.level == logging.INFO
