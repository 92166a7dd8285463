"""The stream where something is written, and its median norm, which strengths are shares of."""

from __future__ import annotations

from torch import Tensor

from lensgui.analysis.activations.reading import read_activation
from lensgui.analysis.run.recording import middle_stream
from lensgui.analysis.run.run import Run
from lensgui.terms.interventions import Site
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.layers.parameters import exact


def stream_at_site(run: Run, site: Site) -> Tensor:
    """Return the stream where a site writes, [position, d_model], at positions after 0.

    Position 0 mostly holds an attention sink, unlike all others; it is taken where there
    is no other.

    Args:
        run: A prompt's run, which is completed.
        site: One that writes into the stream, or a place of the stream itself.
    """
    layer = site.layer or 0
    if site.name == "embed":
        stream = read_activation(run, get_act_name("embed"))
    elif site.name in ("resid_mid", "attn_out"):
        stream = middle_stream(run, layer, slice(None))
    else:
        stream = run.complete().residuals[layer + (site.name in ("resid_post", "mlp_out"))]
    return stream[1:] if len(stream) > 1 else stream


def median_norm(run: Run, site: Site) -> float:
    """Return the median norm of the stream where a site writes, over positions after 0."""
    return float(exact(stream_at_site(run, site)).norm(dim=-1).median())
