"""Multivariate noise normalisation: covariances as published, and noise that is white afterwards."""

import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power
from sklearn.discriminant_analysis import _cov

from eegbench.datasets.things_eeg2.noise import Over, covariance, whitener
from eegbench.errors import InputError

RNG = np.random.default_rng(3)
MIXING = (np.eye(6) + 0.5 * np.eye(6, k=1)) * 1e-5  # V
NOISE = MIXING @ RNG.normal(size=(40, 6, 50))  # (repetitions, channels, times)


def test_over_epochs_is_the_mean_over_repetitions_of_scikit_learn_s_shrunk_covariance() -> None:
    wanted = np.mean([_cov(epoch.T, shrinkage="auto") for epoch in NOISE], axis=0)
    np.testing.assert_allclose(covariance(NOISE, "epochs"), wanted, rtol=1e-9, atol=0)


def test_over_time_is_the_mean_over_time_of_scikit_learn_s_shrunk_covariance() -> None:
    wanted = np.mean([_cov(NOISE[:, :, t], shrinkage="auto") for t in range(50)], axis=0)
    np.testing.assert_allclose(covariance(NOISE, "time"), wanted, rtol=1e-9, atol=0)


@pytest.mark.parametrize("constant", [0, 3e-5])
def test_a_constant_channel_is_scaled_as_by_scikit_learn(constant: float) -> None:
    noise = NOISE.copy()
    noise[:, 2] = constant
    wanted = np.mean([_cov(epoch.T, shrinkage="auto") for epoch in noise], axis=0)
    np.testing.assert_allclose(covariance(noise, "epochs"), wanted, rtol=1e-9, atol=0)


def test_an_evoked_response_is_noise_over_epochs_and_none_over_time() -> None:
    evoked = NOISE + 1e-3 * np.sin(np.arange(50))
    np.testing.assert_allclose(covariance(evoked, "time"), covariance(NOISE, "time"), rtol=1e-6, atol=1e-18)
    assert np.trace(covariance(evoked, "epochs")) > 10 * np.trace(covariance(NOISE, "epochs"))


def test_single_precision_is_taken_as_double() -> None:
    np.testing.assert_allclose(covariance(NOISE.astype(np.float32), "time"), covariance(NOISE, "time"), rtol=1e-4)


def test_one_repetition_gives_a_covariance_over_epochs_alone() -> None:
    assert covariance(NOISE[:1], "epochs").shape == (6, 6)
    with pytest.raises(InputError, match="2 repetitions or more; came 1"):
        covariance(NOISE[:1], "time")


@pytest.mark.parametrize("over", ["epochs", "time"])
def test_whitened_noise_has_nearly_the_identity_as_covariance(over: Over) -> None:
    noise = MIXING @ RNG.normal(size=(400, 6, 400))
    white = np.moveaxis(whitener(covariance(noise, over)) @ noise, 1, 0).reshape(6, -1)
    # With 400 samples at a time, shrinkage moves a few hundredths; before, neighbours correlate.
    np.testing.assert_allclose(np.cov(white), np.eye(6), atol=0.1)
    assert np.corrcoef(noise[:, 0].ravel(), noise[:, 1].ravel())[0, 1] > 0.3


def test_the_whitener_is_the_inverse_square_root() -> None:
    sigma = MIXING @ MIXING.T
    white = whitener(sigma)
    np.testing.assert_allclose(white, fractional_matrix_power(sigma, -0.5), rtol=1e-6)
    np.testing.assert_allclose(white @ sigma @ white, np.eye(6), atol=1e-8)
    np.testing.assert_allclose(white, white.T, rtol=0, atol=1e-9 * abs(white).max())


@pytest.mark.parametrize("values", [(1, 1, 0), (1, 1, -1), (1, 1, 1e-17), (0, 0, 0)])
def test_a_covariance_that_is_not_positive_definite_is_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="noise covariance of 3 channels: its eigenvalues go from"):
        whitener(np.diag(np.array(values)) * 1e-10)
