"""What analyses ask of prompts and models before they run; each refusal is one sentence."""

from __future__ import annotations

from lensgui.analysis.run.run import Run
from lensgui.transformer.edits.edit import Edit
from lensgui.transformer.edits.intervened import ENTERING, EditPoint, IntervenedTransformer, itself
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer


def unequal(clean: int, corrupted: int) -> str:
    """Return why prompts of so many tokens can't be patched into each other; "" if they can."""
    if clean == corrupted:
        return ""
    has = f"{clean} token{'s' * (clean != 1)}"
    return (
        f"The clean prompt has {has} and the corrupted one {corrupted}: patching needs as many in "
        "both, so change a word."
    )


def check_one_length(clean: int, corrupted: int) -> None:
    """Refuse a pair of prompts of different lengths.

    Args:
        clean: How many tokens the clean prompt has.
        corrupted: Likewise.

    Raises:
        ValueError: If they differ.
    """
    if reason := unequal(clean, corrupted):
        raise ValueError(reason)


def hooked_points(model: HookedTransformer) -> list[str]:
    """Return the names of the points that hooks are attached to."""
    return [point.name for point in model.hook_points() if point.has_hooks()]


def check_unhooked(model: HookedTransformer) -> None:
    """Refuse a model that someone else watches or changes.

    Raises:
        ValueError: If hooks are attached to it.
    """
    if names := hooked_points(model):
        raise ValueError(
            f"Hooks are attached to the model, at {', '.join(names[:3])}"
            f"{' and others' * (len(names) > 3)}, and this runs without: remove them first."
        )


def check_model(model: HookedTransformer, *runs: Run) -> None:
    """Refuse runs of another model; under interventions they are of the model itself.

    Raises:
        ValueError: If one is.
    """
    if any(itself(run.model) is not itself(model) for run in runs):
        raise ValueError("The runs are of several models: make all of them with the same one.")


def acting_on_stream(run: Run) -> frozenset[int]:
    """Return the layers in which an intervention changes the stream by more than an addition.

    Behind attention, or behind the layer. What enters layer 0 is none of them.
    """
    layers = {
        int(name.split(".")[1])
        for name, edits in _edits(run).items()
        if name.endswith(("hook_resid_mid", "hook_resid_post"))
        and not all(edit.is_addition for edit in edits)
    }
    return frozenset(layers)


def check_direct(run: Run) -> None:
    """Refuse direct effects where the stream is changed on its way by more than an addition.

    Raises:
        ValueError: If it is, or what the final norm divides by is; the sentence says where.
    """
    for name, edits in _edits(run).items():
        is_stream = name.endswith(("hook_resid_post", "hook_resid_mid", ENTERING, "hook_scale"))
        if is_stream and not all(edit.is_addition for edit in edits):
            raise ValueError(
                f"Direct effects pass by {name}, where an intervention changes more than it adds: "
                "switch it off to read them."
            )


def check_final_norm(*runs: Run) -> None:
    """Refuse a frozen final norm where logits are read at any position.

    Raises:
        ValueError: If it is frozen.
    """
    if any("ln_final.hook_scale" in _edits(run) for run in runs):
        raise ValueError(
            "A metric of your own can't be read behind a frozen final norm: use one of lensgui's, "
            "or leave that norm as it is."
        )


def check_output(run: Run, layer: int, head: int) -> None:
    """Refuse to take apart what a head puts out where an intervention sets it.

    Raises:
        ValueError: If one does.
    """
    edits = _edits(run).get(get_act_name("z", layer), ())
    if any(edit.head in (None, head) for edit in edits):
        raise ValueError(
            f"What L{layer}H{head} puts out is changed by an intervention, so it is no sum over "
            "sources: switch that off to see them."
        )


def changed_heads(run: Run, layer: int) -> list[int]:
    """Return the heads of a layer whose output is changed behind what they take from sources."""
    edits, every = _edits(run), list(range(run.model.cfg.n_heads))
    of_heads = edits.get(get_act_name("z", layer), ())
    if get_act_name("attn_out", layer) in edits or any(edit.head is None for edit in of_heads):
        return every
    return sorted({edit.head for edit in of_heads if edit.head is not None})


def _edits(run: Run) -> dict[str, tuple[Edit, ...]]:
    """Return what is edited in the model of a run, by hook point."""
    model = run.model
    if not isinstance(model, IntervenedTransformer):
        return {}
    points = [*model.hook_dict.values(), model.hook_entering]
    return {point.name: point.edits for point in points if isinstance(point, EditPoint)}


def check_runs(model: HookedTransformer, *runs: Run) -> None:
    """Complete runs of a model that nobody else watches or changes.

    Raises:
        ValueError: If hooks are attached to it, or a run is of another model.
    """
    check_unhooked(model)
    check_model(model, *runs)
    for run in runs:
        run.complete()


def check_head(model: HookedTransformer, layer: int, head: int) -> None:
    """Refuse a head that the model does not have.

    Raises:
        ValueError: With a sentence that says how many there are.
    """
    cfg = model.cfg
    if not (0 <= layer < cfg.n_layers and 0 <= head < cfg.n_heads):
        raise ValueError(
            f"There is no head L{layer}H{head}: this model has {cfg.n_layers} layers of "
            f"{cfg.n_heads} heads."
        )


def check_layer(model: HookedTransformer, layer: int) -> None:
    """Refuse a layer that the model does not have.

    Raises:
        ValueError: With a sentence that says how many there are.
    """
    if not 0 <= layer < model.cfg.n_layers:
        raise ValueError(f"There is no layer {layer}: this model has {model.cfg.n_layers} layers.")
