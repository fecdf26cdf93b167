"""Writes twelve exam questions and, to a file of its own, their answers, with the numbers that a teacher chooses.

Usage: python tools/make_exam.py [--seed N] [--numbers numbers.toml] [folder]

The folder, `_build/exam` if none is named, gets `questions.md`, `answers.md` and `numbers.toml`. The seed draws the
numbers. To choose them yourself, change `numbers.toml` and hand it over with `--numbers`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tomllib

import xent_lib as xent

ANIMALS = ["panda", "seal", "duck"]


class Question(NamedTuple):
    """A question: how its numbers are drawn, its text, and its answer."""

    title: str
    draw: Callable
    ask: Callable
    answer: Callable


def shares(rng, n: int) -> list[float]:
    """Draw ``n`` different shares in steps of 0.05 that sum to 1, none below 0.05."""
    while True:
        cuts = np.sort(rng.choice(np.arange(1, 20), n - 1, replace=False))
        parts = np.diff([0, *cuts, 20])
        if len(set(parts)) == n:
            return [round(0.05 * int(part), 2) for part in parts]


def listed(values, digits: int = 3) -> str:
    return "[" + ", ".join(f"{value:.{digits}f}" for value in np.asarray(values, float)) + "]"


def draw_by_hand(rng):
    return {"p": shares(rng, 3), "k": int(rng.integers(3))}


def ask_by_hand(p, k):
    return (
        f"A model answers p = {listed(p, 2)} for {', '.join(ANIMALS)}. The photograph shows a {ANIMALS[k]}. "
        "What does the answer cost, in nats and in bits?"
    )


def answer_by_hand(p, k):
    loss = xent.categorical_cross_entropy([k], [p])
    return f"−log {p[k]} = {loss:.3f} nats, or {loss / np.log(2):.3f} bits."


def draw_step(rng):
    high, low = sorted(rng.choice(np.arange(2, 20), 2, replace=False) / 20)[::-1]
    return {"high": float(high), "low": float(low), "start": float(rng.choice([0.8, 0.6, 0.4, 0.2]))}


def ask_step(high, low, start):
    return (
        f"The probability of the truth falls from {high} to {low}. By how much does the loss grow? "
        f"From {start}, to which probability would it have to fall to cost as much more?"
    )


def answer_step(high, low, start):
    growth, end = np.log(high / low), start * low / high
    return f"By log({high} / {low}) = {growth:.3f}. Equal ratios cost equal amounts: to {end:.3f}."


def draw_binary(rng):
    return {"z": float(rng.integers(2, 9)) / 2 * float(rng.choice([-1, 1]))}


def ask_binary(z):
    return f"A binary model gives the logit z = {z}. What is p? What does the answer cost if t = 1, and if t = 0?"


def answer_binary(z):
    one, zero = xent.binary_cross_entropy_with_logits([1, 0], [z, z], reduction="none")
    return (
        f"p = {xent.sigmoid(z):.3f}; for t = 1 it costs log(1 + e^(−z)) = {one:.3f}, for t = 0 {zero:.3f}. "
        f"The two differ by z."
    )


def draw_gradient(rng):
    return {"z": [float(value) for value in rng.choice(np.arange(-2, 4), 3, replace=False)], "k": int(rng.integers(3))}


def ask_gradient(z, k):
    return (
        f"The logits are z = {listed(z, 0)}, the true class is number {k} (counted from 0). "
        "Compute the probabilities, the loss, and its gradient with respect to the logits. What do the entries sum to?"
    )


def answer_gradient(z, k):
    loss, gradient = xent.categorical_cross_entropy_value_and_gradient([k], [z])
    return f"p = {listed(xent.softmax(z))}, L = {loss:.3f}, p − t = {listed(gradient[0])}. They sum to 0."


def draw_floor(rng):
    return {"f": shares(rng, 3)}


def ask_floor(f):
    return (
        f"In the training data the classes have the shares {listed(f, 2)}. What does an untrained model cost that "
        "gives each class the same? What does the best model cost that does not look at the photograph?"
    )


def answer_floor(f):
    return f"log 3 = {np.log(3):.3f}. The best constant answer is the shares themselves: H(f) = {xent.entropy(f):.3f}."


def draw_divergence(rng):
    t, p = rng.choice(np.arange(1, 10), 2, replace=False) / 10
    return {"t": float(t), "p": float(p)}


def ask_divergence(t, p):
    return (
        f"It rains on {t:.0%} of the days; a forecast says {p:.0%} every day. Give entropy, cross-entropy and "
        "divergence. Which of the three can the forecaster lower?"
    )


def answer_divergence(t, p):
    pair = [t, 1 - t], [p, 1 - p]
    return (
        f"H(t) = {xent.entropy(pair[0]):.3f}, H(t, p) = {xent.cross_entropy(*pair):.3f}, "
        f"D = {xent.kl_divergence(*pair):.3f}. The divergence, and with it the cross-entropy. "
        "The entropy belongs to the weather."
    )


def draw_twice(rng):
    return {"n": int(rng.choice([4, 5, 8, 20, 100]))}


def ask_twice(n):
    return (
        f"A classifier with {n} classes gets nearly all labels right, and its training loss stays just above "
        f"{np.log(np.e + n - 1) - 1:.3f}. What is the mistake, and how does the number give it away?"
    )


def answer_twice(n):
    return (
        "Softmax is applied twice. The outer one sees numbers between 0 and 1 only. At best they are 1 for the truth "
        f"and 0 for the rest, which costs log(e + {n - 1}) − 1 = {np.log(np.e + n - 1) - 1:.3f}."
    )


def draw_stuck(rng):
    return {"exponent": int(rng.choice([6, 7, 8, 9, 12])), "wrong": float(rng.integers(5, 46)) / 100}


def ask_stuck(exponent, wrong):
    return (
        f"A program clips probabilities to at least 1e-{exponent}. The loss stands still: {wrong:.0%} of the answers "
        "are certain and wrong, the others certain and right. What is the loss? Why does training not mend it?"
    )


def answer_stuck(exponent, wrong):
    loss = exponent * np.log(10)
    return (
        f"A wrong answer costs −log 1e-{exponent} = {loss:.3f}, so the mean is {wrong * loss:.3f}. "
        "Clipping is flat: the gradient of the wrong answers is 0. The loss has to be computed from the logits."
    )


def draw_weights(rng):
    return {
        "losses": [float(value) / 10 for value in rng.choice(np.arange(1, 30), 3, replace=False)],
        "weights": [float(value) for value in rng.choice(np.arange(1, 6), 3, replace=False)],
    }


def ask_weights(losses, weights):
    return (
        f"Three samples cost {listed(losses, 1)} and have the weights {listed(weights, 0)}. "
        "Which weighted mean does PyTorch report for integer labels, and which does Keras?"
    )


def answer_weights(losses, weights):
    total = float(np.dot(losses, weights))
    return (
        f"The weighted sum is {total:.3f}. PyTorch divides by the sum of the weights: {total / sum(weights):.3f}. "
        f"Keras divides by the number of samples: {total / len(losses):.3f}."
    )


def draw_costs(rng):
    miss = float(rng.choice([4, 5, 9, 19, 20]))
    return {"false_alarm": 1.0, "miss": miss, "p": float(rng.choice([0.08, 0.15, 0.3]))}


def ask_costs(false_alarm, miss, p):
    return (
        f"A false alarm costs {false_alarm:g}, a miss {miss:g}, the rest nothing. From which probability on is the "
        f"alarm worth it? What does each of the two actions cost on average at p = {p}?"
    )


def answer_costs(false_alarm, miss, p):
    threshold = false_alarm / (false_alarm + miss)
    alarm, silence = (1 - p) * false_alarm, p * miss
    action = "raise the alarm" if p > threshold else "keep silent"
    return (
        f"From {false_alarm:g} / ({false_alarm:g} + {miss:g}) = {threshold:.3f} on. "
        f"At {p} the alarm costs {alarm:.3f}, silence {silence:.3f}: {action}."
    )


def draw_perplexity(rng):
    return {"loss": float(rng.integers(20, 40)) / 10, "bytes_per_token": float(rng.integers(30, 50)) / 10}


def ask_perplexity(loss, bytes_per_token):
    return (
        f"A language model costs {loss} nats a token on a text with {bytes_per_token} bytes a token. "
        "Give its perplexity and its bits per byte. "
        "Which of the two may be compared with a model that has another tokenizer?"
    )


def answer_perplexity(loss, bytes_per_token):
    bits = loss / np.log(2) / bytes_per_token
    return (
        f"e^{loss} = {np.exp(loss):.2f}; {loss} / log 2 / {bytes_per_token} = {bits:.3f} bits a byte. Only the latter."
    )


def draw_training(rng):
    x = [float(value) for value in rng.choice([1, 2, 3], 2, replace=False)]
    return {"x": x, "k": int(rng.integers(3)), "rate": float(rng.choice([0.1, 0.2, 0.5]))}


def ask_training(x, k, rate):
    return (
        f"Softmax regression with three classes starts with all weights and biases 0. One sample has the inputs "
        f"x = {listed(x, 0)} and the class {k}. Take one step of gradient descent with the rate {rate}. "
        "What are the logits of this sample then, and what has become of its loss?"
    )


def answer_training(x, k, rate):
    start, size = np.zeros(3), float(np.dot(x, x)) + 1
    gradient = xent.categorical_cross_entropy_gradient([k], [start])[0]
    after = start - rate * size * gradient
    end = xent.categorical_cross_entropy_with_logits([k], [after])
    return (
        f"Each logit moves by −rate · (|x|² + 1) · (p − t), and |x|² + 1 = {size:g}: z = {listed(after)}. "
        f"The loss falls from log 3 = {np.log(3):.3f} to {end:.3f}."
    )


QUESTIONS = {
    "by_hand": Question("The price of an answer", draw_by_hand, ask_by_hand, answer_by_hand),
    "step": Question("Equal ratios", draw_step, ask_step, answer_step),
    "binary": Question("From a logit", draw_binary, ask_binary, answer_binary),
    "gradient": Question("The gradient", draw_gradient, ask_gradient, answer_gradient),
    "floor": Question("What has to be beaten", draw_floor, ask_floor, answer_floor),
    "divergence": Question("A forecast", draw_divergence, ask_divergence, answer_divergence),
    "twice": Question("A diagnosis", draw_twice, ask_twice, answer_twice),
    "stuck": Question("Another diagnosis", draw_stuck, ask_stuck, answer_stuck),
    "weights": Question("Two frameworks, two means", draw_weights, ask_weights, answer_weights),
    "costs": Question("When to act", draw_costs, ask_costs, answer_costs),
    "perplexity": Question("A language model", draw_perplexity, ask_perplexity, answer_perplexity),
    "training": Question("One step", draw_training, ask_training, answer_training),
}


def draw_numbers(seed: int) -> dict[str, dict]:
    """Return the numbers of every question."""
    rng = np.random.default_rng(seed)
    return {name: question.draw(rng) for name, question in QUESTIONS.items()}


def write_exam(numbers: dict[str, dict], folder: Path) -> None:
    """Write the questions, the answers, and the numbers."""
    unknown = sorted(set(numbers) - set(QUESTIONS))
    if unknown:
        raise ValueError(f"no question is called {', '.join(unknown)}; the questions are {', '.join(QUESTIONS)}")
    pages = {"questions": ["# Cross-entropy: questions"], "answers": ["# Cross-entropy: answers"]}
    tables = ["# The numbers of the exam. Change them, and run: python tools/make_exam.py --numbers THIS_FILE"]
    for place, (name, chosen) in enumerate(numbers.items(), start=1):
        question = QUESTIONS[name]
        try:
            texts = question.ask(**chosen), question.answer(**chosen)
        except (TypeError, ValueError, IndexError) as error:
            raise ValueError(f"the numbers of [{name}] do not fit: {error}") from error
        for page, text in zip(pages.values(), texts, strict=True):
            page.append(f"{place}. **{question.title}.** {text}")
        tables.append("\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in chosen.items())]))
    folder.mkdir(parents=True, exist_ok=True)
    for name, parts in pages.items():
        (folder / f"{name}.md").write_text("\n\n".join(parts) + "\n", "utf8")
    (folder / "numbers.toml").write_text("\n\n".join(tables) + "\n", "utf8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="_build/exam", type=Path)
    parser.add_argument("--seed", type=int, default=0, help="draws the numbers")
    parser.add_argument("--numbers", type=Path, help="a file with the numbers, as this command writes it")
    given = parser.parse_args()
    try:
        numbers = tomllib.loads(given.numbers.read_text("utf8")) if given.numbers else draw_numbers(given.seed)
        write_exam(numbers, given.folder)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(f"Questions, answers and numbers are in {given.folder.resolve()}")


if __name__ == "__main__":
    main()
