import cv2
import pytest
import torch


@pytest.fixture
def two_threads():
    """PyTorch and OpenCV have two threads, so that one is something else."""
    threads, of_opencv = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(2)
    cv2.setNumThreads(2)
    yield
    torch.set_num_threads(threads)
    cv2.setNumThreads(of_opencv)
