"""The chapter on speed shows what `make bench` measured, and a wrong result is not timed."""

import numpy as np
import pytest

from benchmarks import cases, page, routes
from benchmarks.accuracy import errors, exact
from benchmarks.report import times
from benchmarks.results import read, read_machine


def test_the_chapter_holds_the_results_that_are_on_file():
    (shown,) = page.BETWEEN.findall(page.CHAPTER.read_text("utf8"))
    assert shown == page.content(), "run `python -m benchmarks report`, which copies them into the chapter"


def test_the_results_are_those_of_a_full_run():
    assert not read_machine()["quick"]
    assert set(times("median_ms")) == {*cases.TABLE, *cases.SWEEP}
    for case, of_route in times("median_ms").items():
        assert list(of_route) == [name for name in routes.ROUTES if routes.applies(name, case.logits, case.elements)]


SMALL = [
    cases.Case(dtype, 50, classes, logits)
    for dtype in ("float32", "float64")
    for classes in (1, 10, 600)
    for logits in ("ordinary", "offset", "favored")
    if classes > 1 or logits == "ordinary"
]
OF_NUMPY = [name for name in routes.ROUTES if routes.ROUTES[name].allocates_with_numpy and name != "exp"]


@pytest.mark.parametrize("case", SMALL, ids=str)
@pytest.mark.parametrize("route", [*OF_NUMPY, "torch"])
def test_a_right_result_is_accepted_and_a_wrong_one_refused(route, case, tmp_path):
    cases.save(case, tmp_path)
    loss, gradient = routes.ROUTES[route].build(*cases.make_input(case))()
    if route == "torch":
        loss, gradient = loss.detach().numpy(), gradient.numpy()
    cases.check(case, loss, gradient, tmp_path)
    with pytest.raises(AssertionError):
        cases.check(case, loss * 1.001, gradient, tmp_path)
    if gradient is not None:
        with pytest.raises(AssertionError):
            cases.check(case, loss, gradient * 1.001, tmp_path)


def test_errors_are_counted_in_units_in_the_last_place():
    (loss,), _ = exact(np.array([0]), np.array([[40.0, 0.0]]))
    right = float(loss)
    found = errors(np.array([np.nextafter(right, 1), 0.0, np.inf]), [loss] * 3)
    assert (found["lost"], found["zero"], found["not_finite"], found["of"]) == (2, 1, 1, 3)
    assert 0.5 <= errors(np.array([np.nextafter(right, 1)]), [loss])["worst_ulp"] <= 1.5


def test_every_library_answers_every_question_of_the_table():
    rows = read("same_loss")
    for row in rows:
        assert row["xent"] == row["truth"], row["question"]
    assert sum(not answer for row in rows for answer in row.values()) < len(rows)
