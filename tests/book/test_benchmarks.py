"""The chapter on speed shows what `make bench` measured, of every function, and a wrong result is not timed."""

import math
import sys

import numpy as np
import pytest

from benchmarks import accuracy, cases, cliffs, driver, memory, page, worker
from benchmarks.adapters import ADAPTERS
from benchmarks.results import read, read_machine

SMALL = [case for case in cases.timed(((8, 3), (2, 3, 2, 5), (6,))) if case.function != "exp"]


def build(library, case, reuse=False):
    worker.process.update(library=library, reuse=reuse)
    call = worker.build(case)
    return None if call is None else worker.as_arrays(call)


@pytest.mark.parametrize("case", [case for case in SMALL if case.function == "value_gradient"], ids=str)
def test_the_reference_is_the_formula_and_its_slope(case):
    t, z, w = cases.inputs(case)
    z = z.astype(float)

    def loss(z):
        total = counts = 0.0
        for at in np.ndindex(z.shape if case.is_binary else z.shape[:1] + z.shape[2:]):
            if case.is_binary:
                p = 1 / (1 + math.exp(-z[at]))
                q, p, count = [t[at], 1 - t[at]], [p, 1 - p], 1
            else:
                row = z[(at[0], slice(None), *at[1:])]
                p = [math.exp(x) / sum(map(math.exp, row)) for x in row]
                q = t[(at[0], slice(None), *at[1:])] if case.truth == "soft" else np.eye(len(row))[t[at]]
                q = q * 0.9 + 0.1 / len(row) if case.truth == "smoothing" else q
                count = float(w[t[at]]) if case.truth == "weights" else 1
            total -= count * sum(float(a) * math.log(b) for a, b in zip(q, p, strict=True))
            counts += count
        return total / counts

    value, gradient = cases.right(case, t, z, w)
    assert value == pytest.approx(loss(z), rel=1e-12)
    for at in list(np.ndindex(z.shape))[:12]:
        step = np.zeros(z.shape)
        step[at] = 1e-5
        assert gradient[at] == pytest.approx((loss(z + step) - loss(z - step)) / 2e-5, abs=1e-8)


@pytest.mark.parametrize("reuse", [False, True])
@pytest.mark.parametrize("library", ADAPTERS)
def test_every_adapter_gives_the_right_result_and_a_wrong_one_is_refused(library, reuse, monkeypatch):
    if library == "jax":
        monkeypatch.setenv("JAX_ENABLE_X64", "1")
        monkeypatch.setattr(sys, "path", [*sys.path, driver.PEERS])
        pytest.importorskip("jax", reason="`make bench` installs JAX")
    asked = 0
    for case in SMALL:
        right = cases.right(case, *cases.inputs(case))
        if (found := build(library, case, reuse)) is None:
            continue
        cases.check(case, found, right)
        for wrong in ((found[0], None if found[1] is None else found[1] * 1.001), (found[0], None)):
            if found[1] is not None:
                with pytest.raises(AssertionError):
                    cases.check(case, wrong, right)
        if found[0] is not None:
            with pytest.raises(AssertionError):
                cases.check(case, (found[0] * 1.001, found[1]), right)
        asked += 1
    assert asked >= 4
    assert asked == len(SMALL) or library not in ("xent_lib", "torch")


@pytest.mark.parametrize("case", cliffs.special(SMALL[: len(SMALL) // 3]), ids=str)
def test_the_library_is_right_on_the_inputs_that_might_slow_it_down(case):
    cases.check(case, build("xent_lib", case), cases.right(case, *cases.inputs(case)))


def test_libraries_take_turns_in_processes_of_their_own():
    rows = driver.measure([cases.Case("softmax", "", "float32", (8, 10))], 2, 0.0, ("xent_lib", "scipy"))
    assert [(row["library"], row["memory"], row["calls"]) for row in rows] == [
        (library, mode, 2 * worker.LEAST) for library in ("xent_lib", "scipy") for mode in driver.MODES
    ]


def test_errors_are_counted_in_units_in_the_last_place():
    (loss,), _ = accuracy.exact(np.array([0]), np.array([[40.0, 0.0]]))
    assert 0.5 <= accuracy.errors([float(np.nextafter(float(loss), 1))], [loss], "float64")["worst_ulp"] <= 1.5
    assert accuracy.errors([0.0], [loss], "float64")["worst_relative"] == 1


def test_the_chapter_holds_the_results_that_are_on_file():
    (shown,) = page.BETWEEN.findall(page.CHAPTER.read_text("utf8"))
    assert shown == page.content(), "run `python -m benchmarks page`, which copies them into the chapter"


def test_the_results_are_those_of_a_full_run():
    assert not read_machine()["quick"]
    measured = {}
    for row in read("times"):
        case = (row["function"], row["truth"], row["dtype"], row["shape"])
        measured.setdefault(case, set()).add((row["library"], row["memory"]))
    expected = [tuple(driver.described(case).values())[:4] for case in cases.timed()]
    assert list(measured) == expected
    for (function, truth, _, shape), libraries in measured.items():
        asked = {library for library, _ in libraries}
        assert libraries == {(library, mode) for library in asked for mode in driver.MODES}
        wanted = {"numpy"} if function == "exp" else {"xent_lib", "torch"}
        if function == "value_gradient":
            wanted |= {"tensorflow", "jax"} | ({"numpy"} if truth == "labels" and shape.count("x") < 2 else set())
        elif function != "exp" and (not truth or (function == "loss" and truth in ("labels", "soft"))):
            wanted.add("scipy")
        assert asked == wanted, (function, truth, shape)
    slowed = [tuple(row[name] for name in ("function", "truth", "dtype", "shape", "logits")) for row in read("cliffs")]
    assert slowed == [tuple(driver.described(case).values()) for case in cliffs.special(cases.timed())]


def test_no_function_needs_much_memory():
    of_numpy = [row for row in read("memory") if row["watched"] == "numpy"]
    assert len(of_numpy) == sum(case.function != "exp" for case in cases.timed())
    for row in of_numpy:
        assert int(row["bytes"]) <= memory.LIMIT, row
