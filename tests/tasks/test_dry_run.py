import pytest

from dancepose.tasks.dry_run import _length


@pytest.mark.parametrize(
    ("trainer", "steps", "epochs", "seconds"),
    [
        ({"max_epochs": 3}, 10, 3, 15.0),
        ({"max_epochs": 3, "limit_train_batches": 4}, 4, 3, 6.0),
        ({"max_epochs": 3, "limit_train_batches": 0.5}, 5, 3, 7.5),
        ({"max_epochs": -1, "max_steps": 7}, 10, None, 3.5),
        ({"max_epochs": 3, "max_steps": 7, "accumulate_grad_batches": 2}, 10, 3, 7.0),
        ({"max_epochs": -1}, 10, None, None),
    ],
)
def test_the_length_of_a_training(trainer, steps, epochs, seconds):
    found = _length(trainer, 10, 0.5)
    assert found == {"epochs": epochs, "steps": steps, "step": 0.5, "seconds": seconds}


def test_what_could_not_be_timed():
    assert _length({"max_epochs": 3}, None, 0.0) == {
        "epochs": 3,
        "steps": None,
        "step": None,
        "seconds": None,
    }
