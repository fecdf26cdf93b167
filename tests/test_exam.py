"""The exam's answers are right, whatever numbers are drawn or chosen."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch
from torch.nn import functional as F

BOOK = Path(__file__).parents[1]
sys.path.insert(0, str(BOOK / "tools"))

from make_exam import QUESTIONS, draw_numbers, write_exam  # noqa: E402

SEEDS = range(5)


def numbers_in(text):
    """Return the numbers of an answer, a minus sign among them."""
    return [float(number) for number in re.findall(r"(?<![\w.])-?\d+\.\d+", text)]


def answered(name, seed):
    chosen = draw_numbers(seed)[name]
    return chosen, numbers_in(QUESTIONS[name].answer(**chosen))


@pytest.mark.parametrize("seed", SEEDS)
def test_losses_are_those_of_pytorch(seed):
    chosen, found = answered("by_hand", seed)
    loss = F.nll_loss(torch.tensor([chosen["p"]]).double().log(), torch.tensor([chosen["k"]])).item()
    assert found[-2:] == pytest.approx([loss, loss / np.log(2)], abs=6e-4)

    chosen, found = answered("binary", seed)
    z = torch.tensor(chosen["z"]).double()
    right = [F.binary_cross_entropy_with_logits(z, torch.tensor(t).double()).item() for t in (1, 0)]
    assert found == pytest.approx([z.sigmoid().item(), *right], abs=6e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_gradients_and_steps_are_those_of_automatic_differentiation(seed):
    chosen, found = answered("gradient", seed)
    z = torch.tensor([chosen["z"]], dtype=torch.float64, requires_grad=True)
    loss = -(z[0, chosen["k"]].exp() / z.exp().sum()).log()
    loss.backward()
    assert found == pytest.approx([*z.softmax(1)[0].tolist(), loss.item(), *z.grad[0].tolist()], abs=6e-4)

    chosen, found = answered("training", seed)
    layer = torch.nn.Linear(2, 3, dtype=torch.float64)
    for parameter in layer.parameters():
        torch.nn.init.zeros_(parameter)
    x, k = torch.tensor([chosen["x"]], dtype=torch.float64), torch.tensor([chosen["k"]])
    F.cross_entropy(layer(x), k).backward()
    torch.optim.SGD(layer.parameters(), lr=chosen["rate"]).step()
    after = [*layer(x)[0].tolist(), np.log(3), F.cross_entropy(layer(x), k).item()]
    assert found == pytest.approx(after, abs=6e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_entropies_are_those_of_scipy(seed):
    chosen, found = answered("floor", seed)
    assert found == pytest.approx([np.log(3), scipy.stats.entropy(chosen["f"])], abs=6e-4)

    chosen, found = answered("divergence", seed)
    t, p = [chosen["t"], 1 - chosen["t"]], [chosen["p"], 1 - chosen["p"]]
    floor, divergence = scipy.stats.entropy(t), scipy.stats.entropy(t, p)
    assert found == pytest.approx([floor, floor + divergence, divergence], abs=6e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_diagnoses_name_the_loss_that_the_mistake_gives(seed):
    chosen, found = answered("twice", seed)
    z = torch.full((1, chosen["n"]), -1e4, dtype=torch.float64)
    z[0, 0] = 1e4
    assert found == pytest.approx([F.cross_entropy(z.softmax(1), torch.tensor([0])).item()], abs=6e-4)

    chosen, found = answered("stuck", seed)
    n_wrong = round(100 * chosen["wrong"])
    p = torch.tensor([0.0] * n_wrong + [1.0] * (100 - n_wrong), dtype=torch.float64)
    clipped = p.clamp(10.0 ** -chosen["exponent"], 1)
    assert found[-1] == pytest.approx(F.binary_cross_entropy(clipped, torch.ones(100).double()).item(), abs=6e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_means_are_those_of_pytorch_and_keras(seed):
    import keras

    chosen, found = answered("weights", seed)
    p = np.exp(-np.array(chosen["losses"]))
    weights = torch.tensor(chosen["weights"], dtype=torch.float64)
    log_p = torch.log(torch.tensor([[x, (1 - x) / 2, (1 - x) / 2] for x in p]))
    by_class = torch.stack([log_p[0], log_p[1].roll(1), log_p[2].roll(2)])
    pytorch = F.nll_loss(by_class, torch.arange(3), weight=weights).item()
    rows = np.exp(by_class.numpy())
    by_keras = keras.losses.SparseCategoricalCrossentropy(dtype="float64")
    assert found[-2:] == pytest.approx(
        [pytorch, float(by_keras(np.arange(3), rows, sample_weight=weights.numpy()))], abs=6e-4
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_threshold_is_where_both_actions_cost_the_same(seed):
    chosen, found = answered("costs", seed)
    threshold = found[0]
    assert (1 - threshold) * chosen["false_alarm"] == pytest.approx(threshold * chosen["miss"], abs=0.02)
    text = QUESTIONS["costs"].answer(**chosen)
    assert ("raise the alarm" in text) == (found[-2] < found[-1])


@pytest.mark.parametrize("seed", SEEDS)
def test_ratios_and_bits_lead_back_to_what_was_asked(seed):
    chosen, found = answered("step", seed)
    assert np.log(chosen["start"] / found[-1]) == pytest.approx(np.log(chosen["high"] / chosen["low"]), abs=0.03)

    chosen, found = answered("perplexity", seed)
    assert np.log(found[1]) == pytest.approx(chosen["loss"], abs=1e-3)
    assert 2 ** (found[-1] * chosen["bytes_per_token"]) == pytest.approx(np.exp(chosen["loss"]), rel=0.01)


def test_a_teachers_own_numbers_are_used_and_the_questions_give_no_answer(tmp_path):
    numbers = draw_numbers(0)
    numbers["binary"] = {"z": 1.5}
    write_exam(numbers, tmp_path)
    questions, answers = ((tmp_path / f"{name}.md").read_text("utf8") for name in ("questions", "answers"))
    assert "z = 1.5" in questions
    assert "0.818" in answers
    assert "0.818" not in questions
    assert len(re.findall(r"^\d+\. ", questions, re.M)) == len(re.findall(r"^\d+\. ", answers, re.M)) == 12


def test_the_command_takes_the_file_that_it_wrote_and_names_what_does_not_fit(tmp_path):
    def run(*options):
        command = [sys.executable, str(BOOK / "tools" / "make_exam.py"), *options]
        return subprocess.run(command, capture_output=True, text=True)

    assert run("--seed", "7", str(tmp_path / "a")).returncode == 0
    assert run("--numbers", str(tmp_path / "a" / "numbers.toml"), str(tmp_path / "b")).returncode == 0
    written = [(tmp_path / folder / "answers.md").read_text("utf8") for folder in "ab"]
    assert written[0] == written[1]

    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[by_hand]\np = [0.5, 0.6]\nk = 0\n")
    refused = run("--numbers", str(wrong), str(tmp_path / "c"))
    assert refused.returncode == 2
    assert "the numbers of [by_hand] do not fit" in refused.stderr
