"""HookedTransformer: the residual stream, in at the tokens and out at the logits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from torch import Tensor

from lensgui.terms.transformer_lens.arguments import FORWARD, MAKING, OPENING, check, kept
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.layers.span import KeyValues, Span
from lensgui.transformer.loss import Output, loss_fn, loss_of_model
from lensgui.transformer.notebook_methods import NotebookMethods
from lensgui.transformer.text import generation
from lensgui.transformer.text import tokens as text
from lensgui.transformer.text.padding import Bos, Side, attention_mask_of, padding_mask
from lensgui.transformer.weights import weights
from lensgui.transformer.weights.weights import switch

ReturnType = Literal["logits", "loss", "both"] | None


class HookedTransformer(NotebookMethods):
    """A decoder-only transformer with a hook point on every activation.

    Attributes:
        cfg: Its numbers.
        tokenizer: A Hugging Face tokenizer; None for a model that takes token ids only.
    """

    all_head_labels = weights.all_head_labels
    all_composition_scores = weights.all_composition_scores
    accumulated_bias = weights.accumulated_bias
    set_use_attn_result = switch("use_attn_result")
    set_use_split_qkv_input = switch("use_split_qkv_input")
    set_use_attn_in = switch("use_attn_in")
    set_use_hook_mlp_in = switch("use_hook_mlp_in")
    init_weights = weights.fill
    loss_fn = loss_of_model
    to_tokens = text.to_tokens
    to_string = text.to_string
    to_str_tokens = text.to_str_tokens
    to_single_token = text.to_single_token
    to_single_str_token = text.to_single_str_token
    get_token_position = text.get_token_position
    tokens_to_residual_directions = text.tokens_to_residual_directions
    generate = generation.generate
    generate_stream = generation.generate_stream

    def __init__(
        self,
        cfg: HookedTransformerConfig | dict[str, Any],
        tokenizer: Any = None,
        initialise: bool = True,
        **others: Any,
    ) -> None:
        """Build a model.

        Args:
            cfg: Its numbers, or a dict of them.
            tokenizer: A Hugging Face tokenizer, or None.
            initialise: Whether to fill it with random weights; otherwise the caller must fill it.
            **others: TransformerLens's other arguments, where they ask for nothing.
        """
        check(others, MAKING, "HookedTransformer")
        super().__init__(cfg, tokenizer)
        if initialise:
            weights.fill(self)
            self.to(self.cfg.device)
        self.setup()

    @classmethod
    def from_pretrained(cls, model_name: str = "", **settings: Any) -> HookedTransformer:
        """Open a name, a folder, a hub name or `hf_model=`; see `loading.from_pretrained`."""
        from lensgui.checkpoints import loading

        return loading.from_pretrained(model_name, **kept(settings, OPENING))

    @classmethod
    def from_pretrained_no_processing(
        cls, model_name: str = "", **settings: Any
    ) -> HookedTransformer:
        """Open a model with its weights as they are; see `loading.from_pretrained`."""
        from lensgui.checkpoints import loading

        return cls.from_pretrained(model_name, **loading.NO_PROCESSING | settings)

    boot_transformers = from_pretrained_no_processing

    def forward(
        self,
        input: str | list[str] | Tensor,
        return_type: ReturnType = "logits",
        loss_per_token: bool = False,
        prepend_bos: Bos = None,
        padding_side: Side | None = None,
        start_at_layer: int | None = None,
        stop_at_layer: int | None = None,
        attention_mask: Tensor | None = None,
        tokens: Tensor | None = None,
        past_kv_cache: list[KeyValues] | None = None,
        **others: Any,
    ) -> Any:
        """Run the model.

        Args:
            input: Text, texts, or token ids [batch, position]; with `start_at_layer`, the residual
                stream [batch, position, d_model] that enters that layer.
            return_type: What to return; None computes no logits.
            loss_per_token: Whether the loss is [batch, position − 1] rather than its mean.
            prepend_bos: Whether text gets a beginning-of-sequence token, or which; None for the
                model's default.
            padding_side: Where shorter texts are padded, or token ids are
                (`padding.padding_mask`); None for the tokenizer's own.
            start_at_layer: The first layer to run; negative counts from the end.
            stop_at_layer: The first layer not to run; the residual stream that enters it is
                returned.
            attention_mask: 1 for a token, 0 for padding, [batch, position]; None to work it out.
            tokens: With `start_at_layer`, the token ids, where a loss is requested or some
                are padding.
            past_kv_cache: Keys and values of the positions before `input`, each layer's, from
                `generation.empty_cache`; it grows by those of `input`.
            **others: TransformerLens's other arguments, where they ask for nothing.

        Returns:
            Logits [batch, position, d_vocab_out], the loss in nats, both, None, or the residual
            stream.
        """
        check(others, FORWARD, "forward")
        if start_at_layer is None:
            past = past_kv_cache[0].k.shape[1] if past_kv_cache else 0
            tokens, attention_mask = text.read(
                self, input, prepend_bos, padding_side, attention_mask, past
            )
            attention_mask = generation.seen(past_kv_cache, attention_mask, tokens)
            span = self.span(tokens.shape[1], past, attention_mask)
            residual = self.to_embedding(tokens, span)
        else:
            assert isinstance(input, Tensor)
            residual = input
            if tokens is not None and attention_mask is None:
                attention_mask = attention_mask_of(self, tokens, padding_side, prepend_bos)
            span = self.span(residual.shape[1], attention_mask=attention_mask)
        layers = range(self.cfg.n_layers)[start_at_layer:stop_at_layer]
        for stream in self.run_blocks(residual, layers, span, past_kv_cache):
            residual = stream
        if stop_at_layer is not None:
            return residual
        if return_type is None:
            return None
        with self.standing.at(span.where):
            logits = self.to_logits(residual)
        if return_type == "logits":
            return logits
        if tokens is not None and attention_mask is None:
            attention_mask = padding_mask(self, tokens, padding_side, prepend_bos)
        loss = loss_fn(logits, tokens, attention_mask, loss_per_token)
        return loss if return_type == "loss" else Output(logits, loss)

    def span(self, length: int, past: int = 0, attention_mask: Tensor | None = None) -> Span:
        """Return the positions past … past + length − 1 of this model."""
        if past + length > self.cfg.n_ctx:
            raise ValueError(
                f"The prompt has {past + length} tokens; {self.cfg.model_name} takes "
                f"{self.cfg.n_ctx} at most. "
                "Shorten it."
            )
        return Span(self.cfg, length, past, attention_mask, self.embed.W_E.device)

    def to_embedding(self, tokens: Tensor, span: Span | None = None) -> Tensor:
        """Return the residual stream that enters layer 0, [batch, position, d_model]."""
        span = span or self.span(tokens.shape[1], 0, attention_mask_of(self, tokens))
        with self.standing.at(span.where):
            residual = self.hook_embed(self.embed(tokens))
        if not self.cfg.has_pos_embed:
            return residual
        rows = self.hook_pos_embed(self.pos_embed.at(span.positions).expand_as(residual))
        if self.cfg.positional_embedding_type == "standard":
            return residual + rows
        if self.hook_pos_embed.is_watched:
            span.embedded = rows
        return residual

    def run_blocks(
        self,
        residual: Tensor,
        layers: Iterable[int],
        span: Span,
        past: list[KeyValues] | None = None,
    ) -> Iterator[Tensor]:
        """Yield the residual stream [batch, position, d_model], and after each of some layers."""
        yield residual
        for layer in layers:
            with self.standing.at(span.where):
                residual = self.blocks[layer](residual, span, past[layer] if past else None)
            yield residual

    def residual_stream(self, tokens: Tensor) -> Iterator[Tensor]:
        """Yield the residual stream after the embedding, then after each block.

        Args:
            tokens: Token ids, [batch, position].

        Yields:
            The residual stream, [batch, position, d_model]; n_layers + 1 times.
        """
        span = self.span(tokens.shape[1], 0, attention_mask_of(self, tokens))
        yield from self.run_blocks(self.to_embedding(tokens, span), range(self.cfg.n_layers), span)

    def to_logits(self, residual: Tensor) -> Tensor:
        """Return logits [..., d_vocab_out] of the last layer's residual stream [..., d_model]."""
        logits: Tensor = self.unembed(self.ln_final(residual))
        return logits
