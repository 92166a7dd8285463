"""Python for a pair's metric."""

from __future__ import annotations

from lensgui.circuits.questions import MetricName, PromptPair

CLASSES: dict[MetricName, str] = {
    "logit difference": "LogitDifference",
    "probability difference": "Probability",
    "probability": "Probability",
    "log-probability": "LogProbability",
    "rank": "Rank",
    "KL divergence": "KLDivergence",
}
COMPARING = ("logit difference", "probability difference")


def made(pair: PromptPair, answer: str, distractor: str) -> str:
    """Return the expression that makes a pair's metric.

    Args:
        pair: The pair, for the name of its metric.
        answer: Python for the answer's token ids.
        distractor: Python for the distractor's.
    """
    arguments = f"answer={answer}"
    if pair.metric in COMPARING:
        arguments += f", distractor={distractor}"
    return f"{CLASSES[pair.metric]}({'' if pair.metric == 'KL divergence' else arguments})"


def expression(pair: PromptPair) -> str:
    """Return the expression for the metric; the default answers are left to be filled in."""
    return made(pair, _ids(pair.answer or " answer"), _ids(pair.distractor or " distractor"))


def is_whole(pair: PromptPair) -> bool:
    """Whether the answer may be several tokens, which are read one after the other."""
    return pair.metric == "log-probability" and "|" not in pair.answer


def imports(pair: PromptPair) -> tuple[str, ...]:
    """Return the names that reading the metric needs from the library."""
    return () if is_whole(pair) else (CLASSES[pair.metric],)


def reading(pair: PromptPair) -> list[str]:
    """Return lines that print the metric at the end of `clean`; `logits` are known.

    They define `read(tokens)`.
    """
    if is_whole(pair):
        return [
            "from lensgui.circuits.continuations import continued",
            "from lensgui.circuits.metrics import ContinuationLogProbability",
            "",
            f"answer = model.to_tokens({pair.answer or ' answer'!r}, prepend_bos=False)[0]",
            "metric = ContinuationLogProbability(tuple(answer.tolist()))",
            "read = lambda tokens: metric(model(continued(tokens, answer.tolist()))).item()",
            'print("clean", read(clean))',
        ]
    lines = [f"metric = {expression(pair)}"]
    if pair.metric == "KL divergence":
        lines.append("metric = metric.against(logits[0, -1].detach())")
    lines.append("read = lambda tokens: metric(model(tokens)).item()")
    return [*lines, 'print("clean", read(clean))']


def _ids(texts: str) -> str:
    parts = [part for part in texts.split("|") if part] or [texts]
    return "(" + "".join(f"model.to_single_token({part!r}), " for part in parts).rstrip(" ") + ")"
