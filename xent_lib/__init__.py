"""Cross-entropy losses, their gradients and their neighbors, in plain NumPy.

Truth first, prediction second: ``f(t, p)`` for probabilities, ``f(t, z)`` for logits. Logarithms are
natural, losses are in nats. Bad input raises an error that says what was wrong; nothing is clipped.
"""

from xent_lib.activations import log_sigmoid, log_softmax, logsumexp, sigmoid, softmax
from xent_lib.calibration import brier_score, expected_calibration_error, fit_temperature, reliability_bins
from xent_lib.differences import numerical_gradient
from xent_lib.gradients import (
    binary_cross_entropy_gradient,
    binary_cross_entropy_value_and_gradient,
    categorical_cross_entropy_gradient,
    categorical_cross_entropy_value_and_gradient,
    softmax_jacobian,
)
from xent_lib.information import cross_entropy, entropy, kl_divergence
from xent_lib.labels import one_hot, smooth_labels
from xent_lib.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    categorical_cross_entropy,
    categorical_cross_entropy_with_logits,
)
from xent_lib.predictions import confidence, flag_uncertain, predicted_label

__version__ = "0.1.0"

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_gradient",
    "binary_cross_entropy_value_and_gradient",
    "binary_cross_entropy_with_logits",
    "brier_score",
    "categorical_cross_entropy",
    "categorical_cross_entropy_gradient",
    "categorical_cross_entropy_value_and_gradient",
    "categorical_cross_entropy_with_logits",
    "confidence",
    "cross_entropy",
    "entropy",
    "expected_calibration_error",
    "fit_temperature",
    "flag_uncertain",
    "kl_divergence",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "numerical_gradient",
    "one_hot",
    "predicted_label",
    "reliability_bins",
    "sigmoid",
    "smooth_labels",
    "softmax",
    "softmax_jacobian",
]
