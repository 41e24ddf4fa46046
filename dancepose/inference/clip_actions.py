"""What people of a video do, told by a network over time: the windows of each track."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from dancepose.inference.actions import ActionPredictor, ActionSample
from dancepose.inference.interface import Prediction
from dancepose.inference.stage_times import StageTimes
from dancepose.records import Person

AT_ONCE = 8  # frames whose people are asked about together
FORGOTTEN = 8  # windows after which a track that was not seen again is forgotten
UNTRACKED = "no track"


class ClipActions:
    """Gives people the action that a network sees in the window of their track around the frame.

    The network was trained on windows whose middle has the label, so a frame's action is that of the window
    with the frame in its middle: frames come out half a window (and up to seven frames) after they went in.
    Like in training, a window consists of the pictures that the person is in, lies within its track as far as
    that is known, and is filled up with the last picture where the track is shorter.

    Args:
        action: a network over time.
    """

    def __init__(self, action: ActionPredictor) -> None:
        assert action.frames is not None
        self.action, self.length = action, action.frames
        self._tracks: dict[int, deque[tuple[int, Person]]] = {}  # the number of the frame, the person in it
        self._count = 0

    def __call__(self, predictions: Iterable[Prediction], times: StageTimes) -> Iterator[Prediction]:
        """Yield the predictions of successive frames, in their order, with the actions of their people.

        Args:
            predictions: their people have tracks.
            times: counts the time of the network.
        """
        after = self.length - 1 - self.length // 2  # frames of a window that follow its middle
        waiting: deque[tuple[int, Prediction]] = deque()
        iterator, failure = iter(predictions), None
        while True:
            try:
                prediction = next(iterator, None)
            except Exception as error:  # raised when the frames before it have come out
                prediction, failure = None, error
            if prediction is None:
                break
            self._remember(prediction.frame.people)
            waiting.append((self._count, prediction))
            self._count += 1
            if len(waiting) >= after + AT_ONCE:
                yield from self._tell([waiting.popleft() for _ in range(AT_ONCE)], times)
        while waiting:
            yield from self._tell([waiting.popleft() for _ in range(min(AT_ONCE, len(waiting)))], times)
        if failure is not None:
            raise failure

    def _remember(self, people: Sequence[Person]) -> None:
        for person in people:
            if person.track is not None:
                # what waits, and a whole window before it
                steps = self._tracks.setdefault(person.track, deque(maxlen=2 * self.length + AT_ONCE))
                steps.append((self._count, person))
        oldest = self._count - FORGOTTEN * self.length
        self._tracks = {track: steps for track, steps in self._tracks.items() if steps[-1][0] >= oldest}

    def _tell(self, frames: Sequence[tuple[int, Prediction]], times: StageTimes) -> Iterator[Prediction]:
        with times("motion"):
            asked = [
                (number, prediction, place, person.track)
                for number, prediction in frames
                for place, person in enumerate(prediction.frame.people)
                if person.track is not None
            ]
            actions = self.action(
                [
                    ActionSample(self._window(track, number), prediction.frame.size)
                    for number, prediction, _, track in asked
                ]
            )
            told = actions.given_to([prediction.frame.people[place] for _, prediction, place, _ in asked])
            for (_, prediction, place, _), person, reason in zip(asked, told, actions.reason, strict=True):
                prediction.frame.people[place] = person
                _count(prediction, reason)
            for _, prediction in frames:
                prediction.frame.classes = actions.classes
                for person in prediction.frame.people:
                    _count(prediction, UNTRACKED if person.track is None else None)
        yield from (prediction for _, prediction in frames)

    def _window(self, track: int, number: int) -> list[Person]:
        """Return the track's steps around a frame, `length` of them."""
        steps = self._tracks[track]
        place = next(i for i, (frame, _) in enumerate(steps) if frame == number)
        start = max(0, min(place - self.length // 2, len(steps) - self.length))
        window = [steps[i][1] for i in range(start, min(start + self.length, len(steps)))]
        return window + [window[-1]] * (self.length - len(window))


def _count(prediction: Prediction, reason: str | None) -> None:
    if reason is not None:
        prediction.without_action[reason] = prediction.without_action.get(reason, 0) + 1
