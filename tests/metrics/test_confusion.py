import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dancepose.metrics.confusion import accuracy, count_confusion, macro_f1, precision, recall


def test_rows_are_labels():
    found = count_confusion(np.array([0, 0, 2]), np.array([1, 1, 2]), 3)
    assert found.tolist() == [[0, 2, 0], [0, 0, 0], [0, 0, 1]]
    assert accuracy(found) == pytest.approx(1 / 3)
    np.testing.assert_equal(recall(found), [0, np.nan, 1])
    np.testing.assert_equal(precision(found), [np.nan, 0, 1])


def test_what_is_no_class_is_refused():
    with pytest.raises(ValueError, match="predictions from 0 to 3: there are 3 classes"):
        count_confusion(np.array([0, 1]), np.array([0, 3]), 3)
    with pytest.raises(ValueError, match="labels from -1"):
        count_confusion(np.array([0, -1]), np.array([0, 1]), 3)
    with pytest.raises(ValueError, match="shape"):
        count_confusion(np.array([0]), np.array([0, 1]), 3)


def test_an_empty_matrix_has_no_figures():
    nothing = count_confusion(np.array([], int), np.array([], int), 3)
    assert np.isnan([accuracy(nothing), macro_f1(nothing), *recall(nothing), *precision(nothing)]).all()


@given(arrays.arrays(np.int64, (5, 3, 3), elements=st.integers(0, 4)))
def test_a_stack_is_its_matrices_one_by_one(stack):
    for figure in (accuracy, recall, precision, macro_f1):
        np.testing.assert_array_equal(figure(stack), [figure(one) for one in stack])


@given(arrays.arrays(np.int64, (3, 3), elements=st.integers(0, 9)), st.permutations(range(3)))
def test_macro_f1_is_a_share_and_knows_no_order(matrix, order):
    value = macro_f1(matrix)
    assert np.isnan(value) == (matrix.sum() == 0)
    if matrix.sum():
        assert 0 <= value <= 1 and macro_f1(matrix[np.ix_(order, order)]) == pytest.approx(value)
        assert (value == 1) == (np.trace(matrix) == matrix.sum())
