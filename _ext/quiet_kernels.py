"""Keeps the start-up messages of the libraries off the pages.

TensorFlow writes log lines straight to the file descriptor of stderr, some of them before any setting
of its own can silence them. The kernels are told to leave that descriptor alone, so these lines go to
the terminal of the build. What Python itself writes to stderr, a warning say, still reaches the page,
and fails the build there (``nb_output_stderr: warn`` in ``_config.yml``).
"""

import os
from pathlib import Path

ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # errors only
    "TF_ENABLE_ONEDNN_OPTS": "0",  # the same order of sums on every machine
    # One thread: sums do not depend on the number of cores, and kernels side by side do not wait for each other.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "-1",  # the chapters run on the CPU, wherever they are built
}


def configure_kernels(app, config):
    profile = Path(app.outdir).parent / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.capture_fd_output = False\n")
    os.environ["IPYTHONDIR"] = str(profile.parent)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def setup(app):
    app.connect("config-inited", configure_kernels)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
