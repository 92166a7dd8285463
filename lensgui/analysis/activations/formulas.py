"""What each hook point holds: its axes, and how it comes about, in the field's symbols."""

from __future__ import annotations

from dataclasses import dataclass

POSITION, HEAD, SHARED = "position", "head", "key_value_head"
SOURCE, NEURON, WIDTH = "source", "neuron", "d_model"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of hook point.

    Attributes:
        axes: What its dimensions count, without the batch.
        formula: How it comes about.
        about: What it is, in a sentence.
    """

    axes: tuple[str, ...]
    formula: str
    about: str


STREAM = (POSITION, WIDTH)
KINDS: dict[str, Kind] = {
    "hook_embed": Kind(STREAM, "W_E[token]", "The embedding of each token."),
    "hook_pos_embed": Kind(STREAM, "W_pos[position]", "The embedding of each position."),
    "hook_resid_pre": Kind(STREAM, "resid_post of the layer before", "The stream that enters it."),
    "hook_resid_mid": Kind(
        STREAM, "resid_pre + attn_out", "The stream between attention and the MLP."
    ),
    "hook_resid_post": Kind(STREAM, "resid_mid + mlp_out", "The stream that leaves the layer."),
    "hook_attn_out": Kind(
        STREAM, "Σ over heads of z W_O, + b_O", "What attention adds to the stream."
    ),
    "hook_mlp_out": Kind(STREAM, "post W_out + b_out", "What the MLP adds to the stream."),
    "hook_mlp_in": Kind(STREAM, "resid_mid", "What the MLP's norm reads."),
    "ln1.hook_scale": Kind(
        (POSITION, "scale"), "√(mean of squares + ε)", "What the norm before attention divides by."
    ),
    "ln1.hook_normalized": Kind(STREAM, "resid_pre / scale", "The stream as attention reads it."),
    "ln2.hook_scale": Kind(
        (POSITION, "scale"), "√(mean of squares + ε)", "What the norm before the MLP divides by."
    ),
    "ln2.hook_normalized": Kind(STREAM, "resid_mid / scale", "The stream as the MLP reads it."),
    "ln_final.hook_scale": Kind(
        (POSITION, "scale"), "√(mean of squares + ε)", "What the final norm divides by."
    ),
    "ln_final.hook_normalized": Kind(
        STREAM, "resid_post / scale", "The last stream as the unembedding reads it."
    ),
    "attn.hook_q": Kind((POSITION, HEAD, "d_head"), "normalized W_Q + b_Q", "What each head asks."),
    "attn.hook_k": Kind(
        (POSITION, SHARED, "d_head"), "normalized W_K + b_K", "What each token offers to queries."
    ),
    "attn.hook_v": Kind(
        (POSITION, SHARED, "d_head"), "normalized W_V + b_V", "What each token hands on."
    ),
    "attn.hook_rot_q": Kind(
        (POSITION, HEAD, "d_head"), "q, turned by its position", "Queries after rotary embedding."
    ),
    "attn.hook_rot_k": Kind(
        (POSITION, SHARED, "d_head"), "k, turned by its position", "Keys after rotary embedding."
    ),
    "attn.hook_attn_scores": Kind(
        (HEAD, POSITION, SOURCE), "q · k / √d_head", "Scores before the softmax."
    ),
    "attn.hook_pattern": Kind(
        (HEAD, POSITION, SOURCE), "softmax of scores", "How much each position attends to each."
    ),
    "attn.hook_z": Kind(
        (POSITION, HEAD, "d_head"), "Σ over sources of pattern · v", "What each head puts out."
    ),
    "attn.hook_result": Kind((POSITION, HEAD, WIDTH), "z W_O", "What each head adds by itself."),
    "mlp.hook_pre": Kind((POSITION, NEURON), "normalized W_in + b_in", "Before the non-linearity."),
    "mlp.hook_pre_linear": Kind(
        (POSITION, NEURON), "normalized W_in + b_in", "What the gate is multiplied with."
    ),
    "mlp.hook_post": Kind((POSITION, NEURON), "act(pre)", "What each neuron puts out."),
    "mlp.hook_mid": Kind((POSITION, NEURON), "act(pre)", "Before the norm within the MLP."),
    "mlp.hook_expert_weights": Kind(
        (POSITION, "expert"), "softmax of the router", "How much each expert counts."
    ),
    "mlp.hook_expert_indices": Kind(
        (POSITION, "choice"), "largest of the router", "Which experts are used."
    ),
    "unembed.hook_in": Kind(STREAM, "normalised stream", "What the unembedding reads."),
    "unembed.hook_out": Kind((POSITION, "token"), "normalised stream · W_U + b_U", "The logits."),
}
GATED_POST = "act(pre) · pre_linear"  # of an MLP with a gate: pre is the gate's
GATED_PRE = "normalized W_gate"


NORMS = {  # of which models have several
    ".hook_scale": Kind((POSITION, "scale"), "√(mean of squares + ε)", "What the norm divides by."),
    ".hook_normalized": Kind(STREAM, "input / scale", "What the norm gives, before its weights."),
}


def kind_of(short: str, count: int) -> Kind:
    """Return what a hook point holds by its name within a layer.

    Args:
        short: Such as "attn.hook_q".
        count: How many dimensions it has, without the batch.
    """
    found = KINDS.get(short)
    if found is None:
        found = next((of for end, of in NORMS.items() if short.endswith(end)), None)
    if found is not None and len(found.axes) == count:
        return found
    axes = (POSITION, *(f"axis {at}" for at in range(1, count)))
    return Kind(axes[:count], found.formula if found else "", found.about if found else "")
