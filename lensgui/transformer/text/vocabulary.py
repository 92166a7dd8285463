"""What the tokens of a vocabulary stand for: its scheme is a property of the tokenizer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any
from weakref import WeakKeyDictionary

_BYTE = re.compile("<0x([0-9A-Fa-f]{2})>")
_PART = "\ufffd"  # what a tokenizer decodes a part of a character to


@lru_cache(maxsize=1)
def byte_alphabet() -> dict[str, int]:
    """Return which byte each character stands for in byte-level vocabularies (Radford et al. 2019).

    Printable Latin-1 characters stand for themselves; the other bytes are numbered from 256 on.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    alphabet = {chr(byte): byte for byte in printable}
    return alphabet | {chr(256 + index): byte for index, byte in enumerate(others)}


@dataclass(frozen=True, slots=True)
class Scheme:
    """How the pieces of a vocabulary write text; plain words if it says nothing else.

    Attributes:
        is_byte_level: Whether each character of a piece is a byte, by `byte_alphabet`.
        has_byte_pieces: Whether a piece such as `<0xF0>` is that byte.
        signs: (sign, meaning) of what pieces write otherwise, such as "▁" for a space.
        inner: What begins a piece that goes on within a word, such as "##"; "" for nothing.
        added: Pieces that stand for their own letters: those that were added to a byte-level
            vocabulary, special ones aside.
    """

    is_byte_level: bool = False
    has_byte_pieces: bool = False
    signs: tuple[tuple[str, str], ...] = ()
    inner: str = ""
    added: frozenset[str] = frozenset()

    def raw(self, piece: str) -> bytes:
        """Return the bytes that a piece stands for."""
        alphabet = byte_alphabet()
        is_bytes = self.is_byte_level and piece not in self.added
        if is_bytes and all(character in alphabet for character in piece):
            return bytes(alphabet[character] for character in piece)
        byte = _BYTE.fullmatch(piece) if self.has_byte_pieces else None
        if byte:
            return bytes.fromhex(byte[1])
        for sign, meaning in self.signs:
            piece = piece.replace(sign, meaning)
        return piece.removeprefix(self.inner).encode()

    def text(self, piece: str) -> str:
        """Return a piece as text, its leading space included.

        What would read like another piece keeps its mark: "##ing", and a byte that is no character.
        """
        raw = self.raw(piece)
        is_part = len(raw) == 1 and not raw.isascii() and not self.is_byte_level
        if is_part or (self.inner and piece.startswith(self.inner)):
            return piece
        return raw.decode(errors="replace")


_KNOWN: WeakKeyDictionary[Any, Scheme] = WeakKeyDictionary()


def scheme_of(tokenizer: Any) -> Scheme:
    """Return the scheme of a Hugging Face tokenizer's vocabulary, by what decodes it."""
    if tokenizer not in _KNOWN:
        _KNOWN[tokenizer] = _scheme(tokenizer)
    return _KNOWN[tokenizer]


def _scheme(tokenizer: Any) -> Scheme:
    parts = list(_parts(tokenizer))
    kinds = {part["type"] for part in parts}
    model = getattr(getattr(tokenizer, "backend_tokenizer", None), "model", None)
    signs, inner = [], getattr(model, "continuing_subword_prefix", None) or ""
    for part in parts:
        match part:
            case {"type": "Metaspace", "replacement": sign}:
                signs.append((sign, " "))
            case {"type": "BPEDecoder", "suffix": sign}:
                signs.append((sign, " "))
            case {"type": "Replace", "pattern": {"String": sign}, "content": meaning}:
                signs.append((sign, meaning))
            case {"type": "WordPiece", "prefix": prefix}:
                inner = prefix
    has_byte_pieces = "ByteFallback" in kinds or getattr(model, "byte_fallback", False)
    is_byte_level, more = "ByteLevel" in kinds, getattr(tokenizer, "added_tokens_decoder", {})
    added = {token.content for token in more.values() if is_byte_level and not token.special}
    return Scheme(is_byte_level, has_byte_pieces, tuple(signs), inner, frozenset(added))


def _parts(tokenizer: Any) -> Iterator[dict[str, Any]]:
    """Yield what a tokenizer decodes with, or else splits with, as tokenizer.json writes it."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        component = backend.decoder or backend.pre_tokenizer
        yield from _flat(json.loads(component.__getstate__()) if component else {})
    elif hasattr(tokenizer, "sp_model"):
        yield from ({"type": "Metaspace", "replacement": "▁"}, {"type": "ByteFallback"})
    elif hasattr(tokenizer, "byte_decoder"):
        yield {"type": "ByteLevel"}
    elif hasattr(tokenizer, "wordpiece_tokenizer"):
        yield {"type": "WordPiece", "prefix": "##"}


def _flat(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the parts of a sequence; of anything else, itself."""
    if part.get("type") == "Sequence":
        for inner in part.get("decoders", part.get("pretokenizers", ())):
            yield from _flat(inner)
    elif part:
        yield part


def pieces(tokenizer: Any, ids: Sequence[int]) -> list[str]:
    """Return the names of tokens in the vocabulary; "" for ids that it does not have."""
    try:
        return [piece or "" for piece in tokenizer.convert_ids_to_tokens(list(ids))]
    except IndexError:  # so say tokenizers that are written in Python
        one_by_one = [pieces(tokenizer, [token]) for token in ids] if len(ids) > 1 else [[""]]
        return [piece for (piece,) in one_by_one]


def decode(tokenizer: Any, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
    """Return the text of tokens, with added ones as they are: byte-level decoders garble these."""
    added, texts = scheme_of(tokenizer).added, []
    named = zip(pieces(tokenizer, ids) if added else ids, ids, strict=True)
    for is_added, run in groupby(named, lambda named: named[0] in added):
        names, part = zip(*run, strict=True)
        texts.append(
            "".join(map(str, names))
            if is_added
            else tokenizer.decode(
                list(part),
                skip_special_tokens=skip_special_tokens,
                clean_up_tokenization_spaces=False,
            )
        )
    return "".join(texts)


class GrowingText:
    """The text of tokens that arrive a few at a time: the difference of two decodings.

    Special tokens are left out.
    """

    def __init__(self, tokenizer: Any) -> None:
        """Begin with no tokens."""
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._shown = 0

    def add(self, ids: Sequence[int]) -> str:
        """Return what tokens add; a character whose bytes are not all there waits for them."""
        self._ids += ids
        return self._beyond(self._decoded().rstrip(_PART))

    def rest(self) -> str:
        """Return what still waits, now that no more tokens come."""
        return self._beyond(self._decoded())

    def _decoded(self) -> str:
        return decode(self._tokenizer, self._ids, skip_special_tokens=True)

    def _beyond(self, text: str) -> str:
        new = text[self._shown :]
        self._shown += len(new)
        return new
