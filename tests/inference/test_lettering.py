"""Text of any language as masks."""

import logging

import numpy as np
import pytest

from dancepose.inference import lettering as module
from dancepose.inference.lettering import lettering, text_width

CHINESE = "\u5199"  # in no font that comes with matplotlib


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Nothing is remembered from other tests, of fonts or of what was told."""
    lettering.cache_clear()
    module._file_with.cache_clear()
    monkeypatch.setattr(module, "_told", [])


@pytest.mark.parametrize("text", ["Größe", "Łódź", "танец", "χορός", "رقص", "Nhảy múa"])
def test_other_languages_are_written_and_not_as_question_marks(text, caplog):
    letters, _ = lettering(text, 20)
    for other in ("?" * len(text), text.encode("ascii", "replace").decode(), "\u25a1" * len(text)):
        wrong, _ = lettering(other, 20)
        assert letters.shape != wrong.shape or (letters != wrong).any()
    assert letters.max() == 255 and not caplog.records


def test_letters_that_differ_look_different():
    seen = {lettering(letter, 24)[0].tobytes() for letter in "uüúùũūưцчü"}
    assert len(seen) == 9, "all but the last, which is the second again"


@pytest.mark.parametrize("size", [11, 24])
def test_the_size_is_that_of_the_letters(size):
    rows = np.flatnonzero(lettering("H", size)[0].max(axis=1) > 100)
    assert np.ptp(rows) + 1 == pytest.approx(0.73 * size, abs=1)
    assert lettering("a", size)[0].shape[0] == lettering("Ágjy|", size)[0].shape[0], "one height for all"
    assert lettering("wide", size)[0].shape[1] == text_width("wide", size)


def test_an_edge_goes_around_the_letters():
    bare, _ = lettering("rest", 20)
    letters, edged = lettering("rest", 20, edge=2)
    assert letters.shape == edged.shape == (bare.shape[0] + 4, bare.shape[1] + 4)
    assert np.array_equal(letters[2:-2, 2:-2], bare) and (edged >= letters).all()
    assert (edged > 128).sum() > 1.5 * (letters > 128).sum()


def test_a_text_is_rendered_once():
    assert lettering("again", 20, 1) is lettering("again", 20, 1)


def test_a_font_that_has_the_characters_is_found(caplog):
    rare = "\u24b6"  # a circled letter: not in DejaVu Sans, but in STIX, which matplotlib brings as well
    assert "STIX" in module._file_for(f"{rare} A").name
    assert lettering(rare, 20)[0].any() and not caplog.records


def test_what_no_font_has_is_a_box_and_told_once(monkeypatch, caplog):
    monkeypatch.setattr(module, "_has", lambda file, characters: CHINESE not in characters)
    with caplog.at_level(logging.WARNING):
        boxes = [lettering(text, 20)[0] for text in (CHINESE, f"two {CHINESE}", f"three {CHINESE}")]
    assert all(box.any() for box in boxes)
    assert len(caplog.records) == 1 and CHINESE in caplog.text and "Noto Sans CJK" in caplog.text


@pytest.mark.parametrize("text", ["", " ", "two\nlines", "half \udc80 a character", "\u200b"])
def test_odd_texts_are_no_trouble(text):
    letters, edged = lettering(text, 15, edge=1)
    assert letters.ndim == 2 and letters.shape == edged.shape and letters.shape[1] >= 3
