import pytest
from fake_clock import FakeClock

from dancepose.benchmarks import scenes
from dancepose.data.synthetic.scene_set import SceneSet


def test_what_the_command_draws_is_timed(monkeypatch, two_threads):
    """A picture with its labels takes 50 ms, the set of 780 in all processes 7.8 s."""
    clock, drawn, whole = FakeClock(), [], []
    draw = clock.slowed(scenes.draw_one, 50)

    def draw_one(given, root, name):
        drawn.append((given, name))
        assert draw(given, root, name) == 1
        assert (root / f"{name}.jpg").is_file()

    def write_scenes(given, root, workers):
        whole.append((given, workers))
        clock.spend(7800)

    monkeypatch.setattr(scenes, "time", clock)
    monkeypatch.setattr(scenes, "PICTURES", 1)
    monkeypatch.setattr(scenes, "cpu_count", lambda: 3)
    monkeypatch.setattr(scenes, "draw_one", draw_one)
    monkeypatch.setattr(scenes, "write_scenes", write_scenes)
    easy, medium, hard, every = scenes.time_drawing(rounds=2)
    assert [row.name for row in (easy, medium, hard)] == ["easy scene", "medium scene", "hard scene"]
    assert [len(row.milliseconds) for row in (easy, medium, hard, every)] == [2, 2, 2, 1]
    assert medium.figures["pictures/s"] == pytest.approx(20) and medium.figures["processes"] == 1
    assert every.name == "medium set of 780, once" and every.figures["processes"] == 3
    assert every.figures["pictures/s"] == pytest.approx(100)
    assert whole == [(SceneSet(), 3)] and clock.threads == {(1, 1)}
    mediums = [name for given, name in drawn if given == SceneSet()]
    assert mediums == ["train_00000", "train_00001", "train_00002"], "of the default set, no scene twice"
    assert medium.figures["people"] > 0 and medium.figures["shape"] == "640x480"
