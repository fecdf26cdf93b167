"""The search finds, in a real browser and from the disk, what people type; not what headings say."""

import json
import re

import pytest
from conftest import SITE

#: What is typed, and parts of the addresses of the sections that answer it; one must be among the first three.
QUERIES = {
    "loss is nan": ["stability-symptoms", "pitfall-nan", "pitfalls-nan", "pitfall"],
    "loss nan after a few epochs": ["numerical_stability", "pitfall"],
    "0.693": ["pitfall-log-n", "pitfall"],
    "loss stuck at 0.693": ["pitfall-log-n", "pitfall"],
    "1.461": ["softmax-twice"],
    "2.303": ["pitfall-log-n", "pitfall"],
    "0.551": ["softmax-twice", "0-551"],
    "16.118": ["pitfall", "stuck"],
    "27.631": ["pitfall", "symptoms"],
    "87.3365": ["pitfalls"],
    "36.04": ["pitfall", "edges", "clip"],
    "1.1921e-07": ["pitfall"],
    "BCE": ["binary"],
    "bce loss 100": ["pitfall", "stuck"],
    "NLL": ["maximum_likelihood", "likelihood", "glossary"],
    "log loss": ["binary", "glossary", "side_by_side"],
    "KL divergence": ["entropy_and_cross", "kl"],
    "kldivloss": ["pitfall", "side", "entropy"],
    "softmax loss": ["categorical"],
    "why logarithm": ["logarithm"],
    "what is entropy": ["entropy"],
    "perplexity": ["lm-", "perplexity", "likelihood"],
    "ppl": ["lm-", "perplexity", "language"],
    "bits per byte": ["bits-per-byte", "nats-bits"],
    "bpc": ["bits-per-byte", "nats-bits"],
    "ignore_index": ["ignore", "targets", "padding", "mask", "weights"],
    "padding mask loss": ["padding", "mask", "lm-"],
    "label smoothing": ["smooth"],
    "focal loss": ["focal", "variations"],
    "class_weight": ["class-weight", "weights"],
    "class imbalance": ["imbalance", "right-in-98"],
    "pos_weight": ["pos-weight", "variations", "weights"],
    "from_logits=True": ["from-logits", "logits", "keras"],
    "sigmoid or softmax": ["categorical", "side", "binary", "one-of", "derivative"],
    "multilabel": ["several", "labels", "variations"],
    "temperature scaling": ["temperature"],
    "expected calibration error": ["calibration"],
    "reliability diagram": ["calibration"],
    "brier score": ["brier", "proper", "calibration"],
    "threshold cost": ["decisions", "two-costs"],
    "roc": ["decisions"],
    "precision recall": ["decisions"],
    "derivative of softmax": ["derivative"],
    "gradient p - t": ["derivative", "gradient"],
    "jacobian": ["jacobian", "derivative"],
    "logsumexp": ["overflow", "logsumexp", "log-sum-exp"],
    "overflow encountered in exp": ["overflow", "pitfall"],
    "divide by zero encountered in log": ["pitfall", "zero", "inf"],
    "RuntimeError: 0D or 1D target tensor expected, multi-target not supported": ["pitfall"],
    "Expected floating point type for target with class probabilities, got Long": ["pitfall"],
    "expected scalar type Long but found Float": ["pitfall"],
    "all elements of input should be between 0 and 1": ["pitfall"],
    "IndexError: Target 3 is out of bounds.": ["pitfall"],
    "Using a target size (torch.Size([64])) that is different to the input size (torch.Size([64, 1]))": ["pitfall"],
    "Arguments `target` and `output` must have the same shape": ["pitfall"],
    "y_true contains only one label": ["pitfall"],
    "fp16 loss inf": ["half", "float16", "pitfall"],
    "mse instead of cross entropy": ["squared-error", "other_losses"],
    "hinge loss": ["other-losses", "other_losses"],
    "clip loss contrastive infonce": ["other-losses", "other_losses"],
    "large vocabulary memory": ["at_scale", "scale"],
    "torch.distributed cross entropy": ["at_scale"],
    "acuracy is not enough": ["accuracy"],
    "callibration": ["calibration"],
    "cross-entropy pytorch": ["pytorch", "side_by_side"],
    "loss greater than 1": ["pitfall"],
    "negative loss": ["pitfall", "negative"],
    "validation loss increases accuracy increases": ["up-loss-up", "accuracy"],
    "exam questions": ["teaching"],
    "how many bits in a nat": ["units", "logarithm", "nats-bits"],
    "one hot vs integer labels": ["one-hot", "side", "sparse", "categorical"],
}


@pytest.fixture(scope="module")
def search_page(browser):
    tab = browser.new_page()
    tab.goto((SITE / "search.html").as_uri())
    yield tab
    tab.close()


@pytest.mark.parametrize("query", QUERIES)
def test_a_right_section_is_among_the_first_three(search_page, query):
    found = search_page.evaluate("query => courseSearch(query).slice(0, 3).map(hit => hit.id)", query)
    assert any(part in address for address in found for part in QUERIES[query]), found


def test_every_place_that_can_be_found_exists():
    sections = (SITE / "_static" / "search" / "sections.js").read_text("utf8")
    addresses = [section["url"] for section in json.loads(sections.partition(" = ")[2].rstrip(";\n"))]
    assert len(addresses) > 300
    places = {}
    for address in addresses:
        page, _, place = address.partition("#")
        if page not in places:
            places[page] = set(re.findall(r'\bid="([^"]+)"', (SITE / page).read_text("utf8")))
        assert not place or place in places[page], address


def test_what_is_typed_is_shown_as_text_and_counted(browser):
    tab = browser.new_page()
    troubles = []
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.goto((SITE / "search.html").as_uri() + "?q=" + "loss stuck at 0.693 <img src=x onerror=alert(1)>")
    tab.wait_for_selector("#section-results li")
    assert "found" in tab.inner_text("#section-count")
    assert tab.locator("#section-results mark").count() > 0
    assert tab.locator("#section-results img").count() == 0
    tab.fill("#section-query", "zzzzqqqq")
    tab.wait_for_function("document.getElementById('section-count').textContent.startsWith('Nothing')")
    assert troubles == []
    tab.close()
