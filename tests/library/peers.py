"""The frameworks that some tests compare with. Without them, in a small environment, these tests are skipped."""

import pytest

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    torch = F = None

needs_torch = pytest.mark.skipif(torch is None, reason="compares with PyTorch, which is not installed")

__all__ = ["F", "needs_torch", "torch"]
