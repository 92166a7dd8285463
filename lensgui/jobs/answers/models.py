"""What comes back about models: the card of one that is open, and what number formats give."""

from __future__ import annotations

from dataclasses import dataclass

from lensgui.terms.model_key import ModelKey


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is loaded, for the toolbar and for every pane's axes.

    Attributes:
        key: The question that this answers.
        title: The honest long name, such as "SmolLM2-135M-Instruct, 4-bit (Q4_1) dequantised".
        licence: Its licence.
        device: Where it runs: "cpu", "cuda" or "mps".
        devices: Where it could run on this machine.
        dtype: The number format it runs in.
        bos: The tokenizer's own beginning-of-sequence token; "" if it has none.
        bos_choices: Control tokens worth putting in front of a prompt.
        verified: Largest |difference| to the Hugging Face logits; None if never checked.
        remark: Anything the user must know, as a step that was skipped; "" if nothing.
        digits: How many digits of a number make one token; 0 where the vocabulary has none.
        content_id: What the weights are, on every machine; "" of a model in memory.
        n_neurons: How many neurons the layer with most of them has, all experts' together; 0 of a
            model of attention only.
    """

    key: ModelKey
    title: str
    licence: str
    device: str
    devices: tuple[str, ...]
    dtype: str
    n_layers: int
    n_heads: int
    n_key_value_heads: int
    n_ctx: int
    n_params: int
    bos: str
    bos_choices: tuple[str, ...]
    verified: float | None
    remark: str = ""
    digits: int = 1
    content_id: str = ""
    n_neurons: int = 0


@dataclass(frozen=True, slots=True)
class FormatReading:
    """What a number format gives on a pair of prompts, and what it costs.

    Attributes:
        dtype: Its name.
        weights: Bytes of the model's weights in it.
        seconds: What one forward pass of the clean prompt takes.
        logits: Largest |difference| of any logit to float32, over the last positions of the
            prompts.
        divergence: KL(float32 ‖ this format) of the clean prompt's next token, in nats.
        clean: The pair's metric of the clean prompt; None if it has none.
        corrupted: Likewise of the corrupted prompt.
        sentence: Why nothing is known of it; "" if it is.
    """

    dtype: str
    weights: int = 0
    seconds: float = 0.0
    logits: float = 0.0
    divergence: float = 0.0
    clean: float | None = None
    corrupted: float | None = None
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class FormatReadings:
    """Number formats, side by side.

    Attributes:
        rows: One for each that was tried so far, float32 first.
        total: How many there will be.
        positions: Over how many of the longer prompt's last positions logits are compared.
    """

    rows: tuple[FormatReading, ...]
    total: int
    positions: int
