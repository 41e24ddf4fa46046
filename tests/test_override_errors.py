"""What Hydra's grammar does not take is told with the form that it does take."""

import re
import shlex
import string

import cv2
import numpy as np
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from running import command

from dancepose.command_line_errors import translate
from dancepose.override_errors import mapping_key, not_parsed


def refused(argument: str) -> str:
    with pytest.raises(OverrideParseException) as caught:
        OverridesParser.create().parse_overrides([argument])
    return translate(caught.value, "browse")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ('{"*": other, "wa*": go}', {"*": "other", "wa*": "go"}),
        ("{wave: 'a: b', 'wa*' : go}", {"wave": "a: b", "wa*": "go"}),
        ('{a: null, "b, (c)": x}', {"a": None, "b, (c)": "x"}),
        ('[{match: "*", "b:c": {"d": [1]}}]', [{"match": "*", "b:c": {"d": [1]}}]),
    ],
)
def test_quoted_keys_of_a_mapping_are_told_without_quotes(value, meant):
    told = refused(f"data.labels={value}")
    assert "the keys of a mapping stand without quotes: " in told
    (typed,) = shlex.split(told.rpartition("without quotes: ")[2])
    override = OverridesParser.create().parse_override(typed)
    assert (override.key_or_group, override.value()) == ("data.labels", meant)


@pytest.mark.parametrize("key", ['"Tänze"', "Tänze", "a#b", "'a;b'", '"it\'s"'])
def test_other_keys_go_into_a_file(key):
    told = refused(f"data.labels={{a: b, {key}: x}}")
    assert f"the key {key} cannot be given on the command line" in told
    assert "file data/mine.yaml" in told and told.endswith("--config-dir <that folder> data=mine")


def test_a_file_with_such_keys_is_taken(tmp_path):
    for number, root in enumerate(("wärmen", "walk")):
        (tmp_path / "pictures" / root).mkdir(parents=True)
        for i in range(4):
            picture = np.full((40, 40, 3), 60 * number + i, np.uint8)
            cv2.imwrite(str(tmp_path / "pictures" / root / f"{i}.png"), picture)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mine.yaml").write_text('defaults: [action_folder]\nlabels: {"wä*": go}\n', "utf-8")
    done = command("browse", "--config-dir", ".", "data=mine", "data.root=pictures", "count=0", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^go +\d", done.stdout, re.M), done.stdout


@pytest.mark.parametrize("mark", sorted({*string.printable} - {*"\n\r\x0b\x0c,:"}))
def test_what_a_key_may_hold_is_what_the_grammar_takes(mark):
    argument = f"data.labels={{a{mark}b: x}}"
    try:
        OverridesParser.create().parse_overrides([argument])
    except OverrideParseException:
        assert mapping_key(argument) or mark in "{}"
    else:
        assert not mapping_key(argument)


@pytest.mark.parametrize(
    "argument",
    ["a=b", "a={}", "a={b: {c: 'd: \"e\": f'}}", "a=${b:c}", 'a=[x,"y: z"]', "a={b\\, c: d}", "a=b: c", "a="],
)
def test_nothing_is_said_of_keys_that_can_be_read(argument):
    assert not mapping_key(argument)


def test_values_still_need_quotes_within_quotes():
    assert not_parsed("output=a=b", "why").endswith("need quotes within quotes: output='\"...\"'")
