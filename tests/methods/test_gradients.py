"""Gradient saliency and two-way identification, where the answer is known."""

import numpy as np
import torch

from eegbench.methods.gradients import ALL, saliency, two_way


def test_saliency_of_a_linear_loss_is_its_weights() -> None:
    weights = torch.tensor([[1.0, -2.0], [0.0, 3.0]])
    found = saliency(
        torch.randn(5, 2, 2), lambda eeg: {"a": (weights * eeg).sum(), "b": -(weights * eeg).sum(), "c": eeg.sum() * 0}
    )
    np.testing.assert_allclose(found["a"], weights.abs())
    np.testing.assert_allclose(found["b"], weights.abs())
    assert found.keys() == {"a", "b", "c", ALL} and not found[ALL].any()  # the two cancel in the mean loss


def test_the_sign_is_dropped_for_each_trial_on_its_own() -> None:
    signs = torch.tensor([1.0, -1.0])[:, None, None]
    assert saliency(torch.ones(2, 1, 3), lambda eeg: {"a": (signs * eeg).sum()})["a"].tolist() == [[1.0, 1.0, 1.0]]


def test_two_way_counts_the_others_that_are_less_alike() -> None:
    likeness = np.array([[0.9, 0.1, 0.2], [0.5, 0.5, 0.6], [0.3, 0.2, 0.1]])
    assert two_way(likeness).tolist() == [1.0, 0.25, 0.0]  # a tie counts half
