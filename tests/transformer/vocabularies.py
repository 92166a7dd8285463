"""Small tokenizers of every scheme, which know the words of one sentence."""

from __future__ import annotations

from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from lensgui.transformer.text.vocabulary import byte_alphabet

WORDS = "When John and Mary gave a drink to the store, ing"
SPECIAL = ["<unk>", "<s>", "</s>", "<pad>"]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def _wrapped(tokenizer: Tokenizer, **settings: Any) -> PreTrainedTokenizerFast:
    """Return a Hugging Face tokenizer with the special tokens of LLaMA."""
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        **settings,
    )


def _merges(words: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return pieces and merges that make each word one piece."""
    pieces, merges = sorted(set("".join(words))), []
    for word in words:
        for end in range(2, len(word) + 1):
            merges.append((word[: end - 1], word[end - 1]))
            pieces.append(word[:end])
    return list(dict.fromkeys(pieces)), list(dict.fromkeys(merges))


def _sentencepiece() -> Tokenizer:
    """Return byte-fallback pieces with "▁" for a space, but nothing that puts it there."""
    pieces, merges = _merges(["▁" + word for word in WORDS.split()])
    vocabulary = {piece: index for index, piece in enumerate([*SPECIAL, *BYTES, *pieces])}
    model = models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    tokenizer = Tokenizer(model)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)])
    return tokenizer


def llama() -> PreTrainedTokenizerFast:
    """A normalizer puts "▁" in front of the text, another space or not."""
    tokenizer = _sentencepiece()
    steps = [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    tokenizer.normalizer = normalizers.Sequence(steps)
    return _wrapped(tokenizer)


def metaspace(scheme: str) -> PreTrainedTokenizerFast:
    """A pre-tokenizer does, "first", "always" or "never"."""
    tokenizer = _sentencepiece()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    return _wrapped(tokenizer)


def byte_level(add_prefix_space: bool) -> PreTrainedTokenizerFast:
    """Each character of a piece is a byte, as in GPT-2."""
    pieces, merges = _merges(["Ġ" + word for word in WORDS.split()])
    names = dict.fromkeys([*SPECIAL, *byte_alphabet(), *pieces])
    tokenizer = Tokenizer(models.BPE({piece: index for index, piece in enumerate(names)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    return _wrapped(tokenizer)


def word_piece() -> PreTrainedTokenizerFast:
    """Pieces within a word begin with "##", as in BERT; spaces are in none."""
    pieces = [*WORDS.replace(",", "").split(), "##ing", "##é", "<0x41>", "Ġ"]
    vocabulary = {piece: index for index, piece in enumerate([*SPECIAL, *pieces])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return _wrapped(tokenizer)


def word_level() -> PreTrainedTokenizerFast:
    """Whole words."""
    pieces = [*WORDS.replace(",", "").split(), "é", "<0x41>", "Ġ"]
    vocabulary = {piece: index for index, piece in enumerate([*SPECIAL, *pieces])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return _wrapped(tokenizer)


def unigram(scheme: str, byte_fallback: bool) -> PreTrainedTokenizerFast:
    """The likeliest pieces, as in T5; a pre-tokenizer puts "▁" in front, a decoder takes it off."""
    words = ["▁" + word for word in WORDS.split()]
    names = [*SPECIAL, *(BYTES if byte_fallback else []), *words, *sorted(set("".join(words)))]
    scores = [(name, -1.0 if name in words else -9.0) for name in dict.fromkeys(names)]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=0, byte_fallback=byte_fallback))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    metaspace = decoders.Metaspace(prepend_scheme=scheme)
    steps = [decoders.ByteFallback(), metaspace] if byte_fallback else [metaspace]
    tokenizer.decoder = decoders.Sequence(steps)
    return _wrapped(tokenizer)


def replaced() -> PreTrainedTokenizerFast:
    """A normalizer writes "▁" for a space and puts none in front, as in Gemma."""
    tokenizer = _sentencepiece()
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence(steps)
    return _wrapped(tokenizer)


def word_ends(has_decoder: bool = True) -> PreTrainedTokenizerFast:
    """A piece that ends a word ends in "</w>", as in the first GPT, and everything is lowercase."""
    words = WORDS.lower().replace(",", "").split()
    letters = sorted(set("".join(words)))
    merges, pieces = [], [*letters, *(letter + "</w>" for letter in letters)]
    for word in words:
        parts = [*word[:-1], word[-1] + "</w>"]
        for end in range(1, len(parts)):
            merges.append(("".join(parts[:end]), parts[end]))
            pieces.append("".join(parts[: end + 1]))
    names = dict.fromkeys([*SPECIAL, *pieces])
    vocabulary = {name: index for index, name in enumerate(names)}
    model = models.BPE(
        vocabulary, list(dict.fromkeys(merges)), unk_token="<unk>", end_of_word_suffix="</w>"
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if has_decoder:
        tokenizer.decoder = decoders.BPEDecoder()
    return _wrapped(tokenizer)


def lowercase(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """Let a tokenizer read everything in small letters."""
    backend = tokenizer.backend_tokenizer
    before = [backend.normalizer] if backend.normalizer else []
    backend.normalizer = normalizers.Sequence([normalizers.Lowercase(), *before])
    return tokenizer
