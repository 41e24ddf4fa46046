import numpy as np

from dancepose.callbacks.pictures import _of_one_size


def test_pictures_of_one_panel_have_one_size():
    """W&B warns of others and shows them wrongly."""
    pictures = [np.full((4, 6, 3), 7, np.uint8), np.full((5, 2, 3), 9, np.uint8)]
    first, second = _of_one_size(pictures)
    assert first.shape == second.shape == (5, 6, 3) and first.dtype == np.uint8
    assert (first[:4] == 7).all() and (first[4:] == 255).all()
    assert (second[:, :2] == 9).all() and (second[:, 2:] == 255).all()
