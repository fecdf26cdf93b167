"""Keeps the start-up messages of the libraries off the pages.

The kernels that execute the chapters inherit these settings from the build.
"""

import os

SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # TensorFlow: errors only
    "TF_ENABLE_ONEDNN_OPTS": "0",  # and the same sums on every machine, without the notice about it
    "CUDA_VISIBLE_DEVICES": "-1",  # the chapters run on the CPU, wherever they are built
    "PYTHONHASHSEED": "0",
}


def setup(app):
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
