"""Python for a pair's metric."""

from __future__ import annotations

from lensgui.circuits.questions import NEEDS_DISTRACTOR, SEPARATOR, MetricName, PromptPair

CLASSES: dict[MetricName, str] = {
    "logit difference": "LogitDifference",
    "probability difference": "Probability",
    "probability": "Probability",
    "log-probability": "LogProbability",
    "rank": "Rank",
    "KL divergence": "KLDivergence",
}
LIKELIEST = "likeliest = model(clean)[0, -1].topk(2).indices.tolist()"


def is_whole(pair: PromptPair) -> bool:
    """Whether the answer may be several tokens, which are read one after the other."""
    return pair.metric == "log-probability" and bool(pair.answer) and SEPARATOR not in pair.answer


def metric(pair: PromptPair) -> list[str]:
    """Return lines that define `metric`; `model` and `clean` are known.

    What was not typed is the likeliest token that is left. A whole answer is `answer`, a list.
    """
    if is_whole(pair):
        return [
            f"answer = model.to_tokens({pair.answer!r}, prepend_bos=False)[0].tolist()",
            "metric = ContinuationLogProbability(tuple(answer))",
        ]
    if pair.metric == "KL divergence":
        return ["metric = KLDivergence()"]
    if pair.answer and (pair.distractor or pair.metric not in NEEDS_DISTRACTOR):
        return [f"metric = {_made(pair, _ids(pair.answer), _ids(pair.distractor))}"]
    typed = {"answer": pair.answer, "distractor": pair.distractor}
    if not any(typed.values()):
        return [LIKELIEST, f"metric = {_made(pair, '(likeliest[0],)', '(likeliest[1],)')}"]
    known, missing = sorted(typed, key=lambda name: not typed[name])
    return [
        LIKELIEST,
        f"{known} = {_ids(typed[known])}",
        f"{missing} = tuple(token for token in likeliest if token not in {known})[:1]",
        f"metric = {_made(pair, 'answer', 'distractor')}",
    ]


def reading(pair: PromptPair) -> list[str]:
    """Return lines that define `read`, which gives a prompt's metric, and print that of `clean`."""
    lines = metric(pair)
    if pair.metric == "KL divergence":
        lines.append("metric = metric.against(model(clean)[0, -1].detach())")
    tokens = "continued(tokens, answer)" if is_whole(pair) else "tokens"
    lines.append(f"read = lambda tokens: metric(model({tokens})).item()")
    return [*lines, 'print("clean", read(clean))']


def _made(pair: PromptPair, answer: str, distractor: str) -> str:
    """Return the expression that makes a metric of expressions for tuples of token ids."""
    arguments = f"answer={answer}"
    if pair.metric in NEEDS_DISTRACTOR:
        arguments += f", distractor={distractor}"
    return f"{CLASSES[pair.metric]}({arguments})"


def _ids(texts: str) -> str:
    parts = dict.fromkeys(part for part in texts.split(SEPARATOR) if part) or [texts]
    return "(" + "".join(f"model.to_single_token({part!r}), " for part in parts).rstrip(" ") + ")"
