"""Side-by-side timings, memory and accuracy of cross-entropy in several libraries; run by `make bench`.

Each route, one way to get the loss and its gradient, runs in a process of its own, on one core, one process
at a time. The processes take turns in rounds, so that a ratio compares measurements of the same minutes.
Before a route is timed on a case, its result is compared with a reference in float64.
"""
