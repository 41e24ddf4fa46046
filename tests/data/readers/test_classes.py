"""Names of classes: from a text file, or from the labels themselves."""

import pytest

from dancepose.data.readers.classes import ordered, read_classes
from dancepose.errors import DataError


def test_a_name_a_line(tmp_path):
    path = tmp_path / "classes.txt"
    path.write_bytes("\ufeffwave\r\n\n  hold high \nécarté".encode())
    assert read_classes(path, "data.classes") == ("wave", "hold high", "écarté")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "names no class"),
        (b" \n\n", "names no class"),
        (b"a\nb\na\n", "names 'a' twice"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_wrong_file_is_told_with_its_key(tmp_path, content, words):
    path = tmp_path / "mine.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=rf"data\.classes=.*mine\.txt {words}"):
        read_classes(path, "data.classes")


def test_order():
    assert ordered(["b", "a", "b"], None, "here", "data") == ("a", "b")
    assert ordered(["b", "a"], ["b", "c", "a"], "here", "data") == ("b", "c", "a")
    words = r"here: 'wawe' is none of the classes that data\.classes \(or classes\.txt\) names \(wave\)\. Did"
    with pytest.raises(DataError, match=words):
        ordered(["wawe"], ["wave"], "here", "data")
