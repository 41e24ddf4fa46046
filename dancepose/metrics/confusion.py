"""What a confusion matrix says: one home of its figures, for single matrices and for stacks of them.

Rows are the labels, columns what was predicted. A class occurs where it has a label.
"""

import numpy as np


def count_confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return the (C, C) int64 matrix of (N,) labels and predicted classes.

    Raises:
        ValueError: the two differ in length, or a class lies outside 0 to `classes` - 1.
    """
    labels, predicted = np.asarray(labels, np.int64), np.asarray(predicted, np.int64)
    if labels.shape != predicted.shape:
        raise ValueError(f"labels of shape {labels.shape}, predictions of shape {predicted.shape}")
    for name, values in (("label", labels), ("prediction", predicted)):
        if values.size and not (0 <= values.min() and values.max() < classes):
            raise ValueError(f"{name}s from {values.min()} to {values.max()}: there are {classes} classes")
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes)


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Return the share on the diagonal of (..., C, C) matrices: (...), NaN of an empty one."""
    return _divide(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def recall(confusion: np.ndarray) -> np.ndarray:
    """Return each class's accuracy: (..., C), NaN of a class without labels."""
    return _divide(_hits(confusion), confusion.sum(axis=-1))


def precision(confusion: np.ndarray) -> np.ndarray:
    """Return the share of each class's predictions that are right: (..., C), NaN if it is never predicted."""
    return _divide(_hits(confusion), confusion.sum(axis=-2))


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Return the mean F1 over the classes that occur.

    F1 = 2 hits / (labels + predictions). A class without a label is left out, whether it was predicted or
    not: what was wrongly taken for it is missed in the classes that occur. An occurring class that is never
    predicted has F1 0.

    Args:
        confusion: (..., C, C).

    Returns:
        (...), NaN where no class occurs.
    """
    labels = confusion.sum(axis=-1)
    # a class that occurs has at least one label, so that no occurring one is divided by 0
    f1 = 2 * _hits(confusion) / np.maximum(labels + confusion.sum(axis=-2), 1)
    occurs = labels > 0
    return _divide((f1 * occurs).sum(axis=-1), occurs.sum(axis=-1))


def _hits(confusion: np.ndarray) -> np.ndarray:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _divide(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    part, whole = np.asarray(part, np.float64), np.asarray(whole)
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)
