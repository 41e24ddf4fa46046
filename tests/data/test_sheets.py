"""The choice of the pictures that browse draws; the pictures themselves: tests/test_browse.py."""

import numpy as np

from dancepose.data.problems import Problems
from dancepose.data.sheets import choose
from dancepose.records import Frame


def frames(folder, count: int = 6) -> list[Frame]:
    import cv2

    made = []
    for number in range(count):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), np.full((8, 8, 3), number, np.uint8))
        made.append(Frame(path, (8, 8), [], "mpii15", name=path.name))
    return made


def test_a_seed_chooses_the_same_in_the_order_of_the_frames(tmp_path):
    made = frames(tmp_path)
    chosen, found = choose(made, 3, 0, Problems())
    assert (
        chosen == choose(made, 3, 0, Problems())[0] == sorted(chosen) and len(chosen) == 3 and not len(found)
    )
    assert any(choose(made, 3, seed, Problems())[0] != chosen for seed in range(1, 9))


def test_unreadable_pictures_are_passed_over_and_told(tmp_path):
    made = frames(tmp_path)
    made[2].image.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    known = Problems()
    known.add("image missing", made[4].image)
    chosen, found = choose(made, 9, 0, known)
    assert chosen == [0, 1, 3, 5]
    assert found.counts() == {"image broken": 1} and str(made[2].image) in str(next(iter(found)))


def test_each_class_is_shown_before_one_comes_again(tmp_path):
    made, classes = frames(tmp_path, 9), ["other"] * 6 + ["wave", "walk", None]
    for seed in range(5):
        for count, others in ((3, 1), (5, 3), (9, 6)):
            chosen = choose(made, count, seed, Problems(), classes=classes)[0]
            shown = [classes[index] for index in chosen]
            assert sorted(shown) == ["other"] * others + ["walk", "wave"]
        assert len(set(choose(made, 2, seed, Problems(), classes=classes)[0])) == 2
