"""A video through the pipeline with an oracle: tracks, smoothing, actions over time."""

import threading

import numpy as np
import pytest
from moving import COUNT, RATE, moving_pipeline, moving_video, truth

from dancepose.errors import ConfigError
from dancepose.inference.actions import NONE_OF_THEM, Actions, ActionSample
from dancepose.inference.clip_actions import AT_ONCE, UNTRACKED, ClipActions
from dancepose.inference.interface import Item, Prediction
from dancepose.inference.stage_times import StageTimes
from dancepose.inference.video import TimedImage, VideoReader
from dancepose.inference.video_pipeline import AHEAD, VideoOptions, stream_video
from dancepose.records import Frame, Person


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return moving_video(tmp_path_factory.mktemp("moving") / "clip.avi")


def predict(video, pipeline, **options):
    times = StageTimes()
    with VideoReader(video) as reader:
        return list(stream_video(pipeline, reader, "clip", VideoOptions(**options), times=times)), times


def test_everybody_is_found_and_followed(video):
    predictions, times = predict(video, moving_pipeline())
    assert [p.frame.name for p in predictions] == [f"clip/{n:06d}" for n in range(COUNT)]
    assert np.allclose([p.item.time for p in predictions], np.arange(COUNT) / RATE)
    tracks = []
    for prediction, (_, true) in zip(predictions, truth().values(), strict=True):
        found = np.array([person.keypoints[:, :2] for person in prediction.frame.people])
        distance = np.abs(found[:, None] - np.array(true)[None, ..., :2]).max(axis=(2, 3))
        assert distance.min(axis=0).max() < 1 and len(found) == 2
        tracks.append([prediction.frame.people[i].track for i in distance.argmin(axis=0)])
    assert tracks == [tracks[0]] * COUNT and sorted(tracks[0]) == [1, 2]
    assert times.seconds["read"] > 0 and times.seconds["network"] > 0
    assert predictions[3].picture.shape == (96, 128, 3) and predictions[3].frame.clip == "clip"


def test_without_tracks_nobody_has_a_number(video):
    predictions, _ = predict(video, moving_pipeline(), track=False)
    assert all(person.track is None for p in predictions for person in p.frame.people)


def test_smoothing_is_asked_for(video):
    raw, _ = predict(video, moving_pipeline())
    smooth, _ = predict(video, moving_pipeline(), smooth=True)
    assert all(
        np.array_equal(a.keypoints, b.keypoints)
        for a, b in zip(raw[0].frame.people, smooth[0].frame.people, strict=True)
    )
    assert not np.allclose(raw[5].frame.people[0].keypoints, smooth[5].frame.people[0].keypoints)


def test_actions_are_those_of_the_windows_around_each_frame(video):
    pipeline = moving_pipeline(over_time=True)
    predictions, times = predict(video, pipeline)
    assert times.seconds["motion"] > 0 and len(predictions) == COUNT
    steps = {
        track: [next(p for p in one.frame.people if p.track == track) for one in predictions]
        for track in (1, 2)
    }
    for number, prediction in enumerate(predictions):
        assert prediction.frame.classes == ("wave", "walk") and prediction.without_action == {}
        known = 11 if number < AT_ONCE else COUNT  # 8 frames, and the 3 that follow the last one's middle
        start = min(max(number - 4, 0), known - 8)
        for person in prediction.frame.people:
            sample = ActionSample(steps[person.track][start : start + 8], (128, 96))
            expected = pipeline.action([sample]).probabilities[0]
            assert np.allclose(person.probabilities, expected, atol=1e-6)
            assert person.action == pipeline.classes[int(expected.argmax())]


class Flicker:
    """Stands in for a network over time that says something else of everybody in each frame."""

    frames, classes, scored = 4, ("a", "b"), False

    def __call__(self, samples):
        answers = np.eye(2, dtype=np.float32)[np.arange(len(samples)) // 2 % 2]  # two people in a frame
        return Actions(self.classes, answers, (None,) * len(samples))


def test_actions_are_smoothed(video):
    runs = []
    for seconds in (0.0, 0.5):
        pipeline = moving_pipeline()
        pipeline.action = Flicker()
        runs.append(predict(video, pipeline, action_smooth=seconds)[0])
    for track in (1, 2):
        raw, smooth = (
            np.array([p.probabilities[0] for one in run for p in one.frame.people if p.track == track])
            for run in runs
        )
        assert raw.tolist() == [1, 0] * (COUNT // 2) and smooth[0] == 1
        kept = np.exp(-1 / RATE / 0.5)
        assert np.allclose(smooth[1:], kept * smooth[:-1] + (1 - kept) * raw[1:], atol=1e-6)


class Hesitant:
    """Stands in for QES: it says a of everybody, but for the sixth frame, which is none of the classes."""

    frames, classes, looks, scored = None, ("a", "b"), False, True

    def __init__(self):
        self.asked = 0

    def __call__(self, samples):
        pictures = [(self.asked + i) // 2 for i in range(len(samples))]  # two people in a frame
        self.asked += len(samples)
        reasons = tuple(NONE_OF_THEM if picture == 5 else None for picture in pictures)
        return Actions(self.classes, np.tile(np.float32([0.6, 0.4]), (len(samples), 1)), reasons)


def test_qes_keeps_its_score_over_a_video(video):
    def told(**options):
        pipeline = moving_pipeline()
        pipeline.action = Hesitant()
        return predict(video, pipeline, **options)[0]

    kept = told()
    scores = [person.probabilities[0] for one in kept for person in one.frame.people]
    steps = [1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9] + [10] * COUNT
    assert np.allclose(scores, np.repeat(steps[:COUNT], 2) / 10)
    assert {person.action for one in kept for person in one.frame.people} == {"a"}
    assert all(one.without_action == {} for one in kept), "who was rejected is still at it"
    for options in ({"action_smooth": 0.0}, {"track": False}):
        each = told(**options)
        assert each[5].without_action == {NONE_OF_THEM: 2} and each[5].frame.people[0].action is None
        assert np.allclose(each[3].frame.people[0].probabilities, [0.6, 0.4])
    average = told(action_smooth=0.5)
    assert np.allclose(average[3].frame.people[0].probabilities, [0.6, 0.4])


class Recorder:
    """Stands in for a network over time: its answer is who was in the window, by their x."""

    frames, classes, scored = 4, ("a", "b"), False

    def __init__(self):
        self.windows = []

    def __call__(self, samples):
        self.windows += [[int(person.keypoints[0, 0]) for person in sample.steps] for sample in samples]
        return Actions(self.classes, np.full((len(samples), 2), 0.5, np.float32), (None,) * len(samples))


def frames_of(presence):
    """Frames in each of which the tracks are that `presence` names; x of a person is the frame's number."""
    for number, tracks in enumerate(presence):
        people = [Person(np.full((3, 3), float(number)), track=track) for track in tracks]
        yield Prediction(Item(None), Frame(None, (9, 9), people, "mpii15", str(number)))


def windows_of(presence):
    recorder = Recorder()
    told = list(ClipActions(recorder)(frames_of(presence), StageTimes()))
    assert [p.frame.name for p in told] == [str(n) for n in range(len(presence))]
    return recorder.windows, told


def test_a_short_track_is_filled_up_with_its_last_picture():
    windows, _ = windows_of([[1], [1]])
    assert windows == [[0, 1, 1, 1]] * 2


def test_a_gap_is_passed_over_and_windows_stay_within_the_track():
    windows, _ = windows_of([[1], [1], [], [1], [1], [1]])
    assert windows == [[0, 1, 3, 4], [0, 1, 3, 4], [0, 1, 3, 4], [1, 3, 4, 5], [1, 3, 4, 5]]


def test_who_has_no_track_has_no_action_and_is_counted():
    windows, told = windows_of([[None, 1], [1]])
    assert len(windows) == 2 and told[0].without_action == {UNTRACKED: 1}
    assert [person.action for person in told[0].frame.people] == [None, "a"]


def test_frames_before_an_error_come_out_first():
    def broken():
        yield from frames_of([[1]] * 3)
        raise RuntimeError("broken")

    told = []
    with pytest.raises(RuntimeError, match="broken"):
        for prediction in ClipActions(Recorder())(broken(), StageTimes()):
            told.append(prediction.frame.people[0].action)
    assert told == ["a"] * 3


def test_memory_of_actions_is_constant():
    recorder, taken = Recorder(), 0

    def endless():
        nonlocal taken
        for prediction in frames_of([n // 5] for n in range(2000)):  # a new track every five frames
            taken += 1
            yield prediction

    clips = ClipActions(recorder)
    for number, _ in enumerate(clips(endless(), StageTimes())):
        assert taken <= number + 1 + AT_ONCE + recorder.frames
        assert len(clips._tracks) <= 8 * recorder.frames
    assert number == 1999


def test_frames_are_taken_a_few_ahead_and_threads_end(video):
    pipeline, taken = moving_pipeline(batch_size=1), 0
    with VideoReader(video) as reader:
        one = next(iter(reader))

    def endless():
        nonlocal taken
        while True:
            yield TimedImage(one.image, taken, taken / 10)
            taken += 1

    stream = stream_video(pipeline, endless(), "clip")
    for number in range(10):
        next(stream)
        assert taken <= number + 2 * pipeline.batch_size + 2 + AHEAD + 2
    stream.close()
    assert not any(thread.name.startswith("dancepose-") for thread in threading.enumerate())


@pytest.mark.parametrize(
    ("over_time", "options", "words"),
    [
        (False, {"track": False, "smooth": True}, "smooth=true needs to know who is who"),
        (False, {"track": False, "action_smooth": 0.5}, "action_smooth=0.5 needs"),
        (True, {"track": False}, "looks at a person over time"),
        (False, {"track_gap": -1.0}, "track_gap=-1"),
        (False, {"smooth": True, "smooth_cutoff": 0.0}, "smooth_cutoff=0"),
        (False, {"action_smooth": -1.0}, "action_smooth=-1"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_anything_runs(over_time, options, words):
    with pytest.raises(ConfigError, match=words):
        stream_video(moving_pipeline(over_time), iter([]), "clip", VideoOptions(**options))
