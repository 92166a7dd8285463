"""Where a run stops being finite: half precision overflows, and weights may be damaged."""

from __future__ import annotations

from lensgui.analysis.run.run import Run


def overflow(run: Run) -> str:
    """Return in which layer a complete run's residual stream overflowed, as a sentence.

    "" where it is finite all along.
    """
    if run.residuals[-1].isfinite().all():  # what layers add up never becomes finite again
        return ""
    layer = next(at for at, stream in enumerate(run.residuals) if not stream.isfinite().all())
    where = f"after layer {layer - 1}" if layer else "in the embedding"
    dtype = str(run.residuals[layer].dtype).removeprefix("torch.")
    return (
        f"The residual stream is not finite {where}: the model overflows in {dtype}, or its "
        "weights are damaged."
    )


def check_finite(*runs: Run) -> None:
    """Refuse complete runs whose residual stream overflowed.

    Raises:
        ValueError: If one did; the sentence says in which layer.
    """
    for run in runs:
        sentence = overflow(run)
        if sentence:
            raise ValueError(sentence)
