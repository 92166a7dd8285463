"""How tokens are spelled on screen, where a space must be seen and a name must fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from math import ceil, floor, isfinite, log10

from PySide6.QtGui import Qt

from lensgui.jobs.answers.arrays import Axis
from lensgui.jobs.answers.readings import PairReading, PromptReading, Token
from lensgui.panes import theme

SPACES = "·␣"  # what may be drawn for one, beside the space itself
LONGEST = 16
SHORT = 7  # letters, of two tokens that name a place together
MOST_PIECES = 4  # tokens that are one character
MOST_DIGITS = 8
MOST_REMEMBERED = 64  # letters of a text whose spelling is
_BYTES = re.compile(r"(<0x[0-9A-F]{2}>)+")
_FRACTIONS = {(1, 2): "½", (1, 3): "⅓", (2, 3): "⅔", (1, 4): "¼", (3, 4): "¾"}
_PICTURES = {"\n": "⏎", "\t": "⇥", "\r": "␍", "\x7f": "␡", "\u00a0": "⍽"}
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def visible(text: str) -> str:
    """Return text with a sign for each control character, and for each space what was chosen."""
    with_signs = _visible if len(text) <= MOST_REMEMBERED else _visible.__wrapped__
    return with_signs(text, theme.pictures().space)


@lru_cache(maxsize=1 << 14)
def _visible(text: str, space: str) -> str:
    """Return it with this sign for a space: the tokens of a long prompt are spelled at each key."""
    signs = {" ": space, **_PICTURES}
    return "".join(signs.get(letter) or _letter(letter) for letter in text)


def raw(text: str) -> str:
    """Return text that was typed or pasted as it was read, with spaces for their signs."""
    return text.translate(dict.fromkeys(map(ord, SPACES), " "))


def plain_tip(words: str) -> str:
    """Return what a tooltip shows as these words, where Qt would take them for HTML."""
    if not Qt.mightBeRichText(words):
        return words
    return f'<span style="white-space: pre-wrap">{escape(words)}</span>'


def spell(token: Token) -> str:
    """Return a token as a reader can tell it from every other token."""
    if token.special:
        return f"⟨{token.text.strip('<|>⟨⟩') or token.id}⟩"
    return visible(token.label) or "∅"


def shorten(text: str, longest: int = LONGEST) -> str:
    """Return text with its middle cut out where it is too long."""
    if len(text) <= longest:
        return text
    head = longest // 2
    return f"{text[:head]}…{text[-(longest - head - 1) :]}"


def numbered(labels: Sequence[str]) -> list[str]:
    """Return labels in which the second and later of equals carry a small number: to, to₂."""
    totals = Counter(labels)
    seen: Counter[str] = Counter()
    result = []
    for label in labels:
        seen[label] += 1
        suffix = str(seen[label]).translate(_SUBSCRIPTS) if totals[label] > 1 < seen[label] else ""
        result.append(shorten(label) + suffix)
    return result


def spelled(tokens: Sequence[Token]) -> list[str]:
    """Return tokens as they are read: pieces of one character as that, and which piece: 国 ½."""
    result: list[str] = []
    at = 0
    while at < len(tokens):
        pieces = _pieces(tokens, at) if _piece(tokens[at]) else tokens[at : at + 1]
        if len(pieces) > 1:
            whole = b"".join(map(_piece, pieces)).decode()
            result += [
                f"{visible(whole)} {_fraction(piece, len(pieces))}"
                for piece in range(1, len(pieces) + 1)
            ]
        else:
            result.append(spell(tokens[at]))
        at += len(pieces)
    return result


def _pieces(tokens: Sequence[Token], at: int) -> Sequence[Token]:
    """Return the tokens from a place on that are one character together; else the one token."""
    for end in range(at + 2, min(at + MOST_PIECES, len(tokens)) + 1):
        some = tokens[at:end]
        if not all(_piece(token) for token in some):
            break
        try:
            whole = b"".join(map(_piece, some)).decode()
        except UnicodeDecodeError:
            continue
        if len(whole.strip()) == 1:
            return some
    return tokens[at : at + 1]


def _piece(token: Token) -> bytes:
    """Return the bytes of a token that is no character by itself; b"" of any other."""
    if token.special:
        return b""
    if token.label.startswith("<") and _BYTES.fullmatch(token.label):
        return bytes.fromhex(token.label.replace("<0x", "").replace(">", ""))
    return token.raw if "\ufffd" in token.text else b""


def _fraction(piece: int, count: int) -> str:
    return _FRACTIONS.get((piece, count), f"{piece}/{count}")


def names(axis: Axis, reading: PromptReading | None, pair: PairReading | None = None) -> list[str]:
    """Return what the places of a prompt's axis are called, by its tokens where those are known.

    Args:
        axis: The axis.
        reading: The prompt.
        pair: Both prompts, if the axis stands for both: where they differ, a place has the name of
            both tokens, "·John|·Mary".
    """
    if reading is None or not is_of(axis, reading):
        return numbered([visible(label) for label in axis.labels])
    if pair is None or pair.corrupted is None or not pair.differing:
        return numbered(spelled(reading.tokens))
    clean, corrupted = spelled(pair.clean.tokens), spelled(pair.corrupted.tokens)
    if len(clean) != len(corrupted) or len(clean) != len(axis):
        return numbered(spelled(reading.tokens))
    return numbered(
        [
            f"{shorten(one, SHORT)}|{shorten(other, SHORT)}" if one != other else one
            for one, other in zip(clean, corrupted, strict=True)
        ]
    )


def is_of(axis: Axis, reading: PromptReading | None) -> bool:
    """Whether an axis counts the tokens of this very prompt, not of an older one."""
    tokens = reading.tokens if reading else ()
    return len(axis) == len(tokens) and all(
        label == token.label or visible(label) == visible(token.label)
        for label, token in zip(axis.labels, tokens, strict=True)
    )


def bytes_of(token: Token) -> str:
    """Return a token's bytes in hexadecimal."""
    return (token.raw or token.text.encode("utf-8", "replace")).hex(" ").upper()


def signed(number: float, digits: int = 3) -> str:
    """Return a number with its sign, a true minus included: +4.605, −6.474."""
    if number != number:  # NaN, which equals nothing
        return "not a number"
    text = f"{number:+.{digits}f}"
    if not text.strip("+-0."):  # a rounded 0 has no side
        text = "+" + text[1:]
    return text.replace("-", "−")


def precise(number: float) -> str:
    """Return a number with its sign and three digits that count: +4.605, −0.0123, +0.000180."""
    size = abs(number)
    if not 0 < size < 0.1:  # and what is no number
        return signed(number)
    return signed(number, min(MOST_DIGITS, 2 - floor(log10(size))))


def power(number: float, digits: int = 0) -> str:
    """Return a number by its power of ten, a true minus included: 3e−06."""
    return f"{number:.{digits}e}".replace("-", "−")


def duration(seconds: float) -> str:
    """Return a time that is guessed, in words: 8 s, 3 min, 2 h."""
    if seconds < 90:
        return f"{ceil(seconds)} s"
    return f"{ceil(seconds / 60)} min" if seconds < 5400 else f"{ceil(seconds / 3600)} h"


def percent(share: float) -> str:
    """Return a share of 1 in whole percent, or in more digits when it is small: 59 %, −1.7 %."""
    if not isfinite(share):
        return "not a number"
    digits = 0 if abs(share) >= 0.095 else 1
    text = f"{share:.{digits}%}".replace("%", " %")
    return text.replace("-", "−" if text.strip("-0. %") else "")  # a rounded 0 has no side


def _letter(letter: str) -> str:
    """Return a printable stand-in for one character."""
    code = ord(letter)
    if code < 0x20:
        return chr(0x2400 + code)
    if (
        0xD800 <= code <= 0xDFFF
        or letter in "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    ):
        return f"<U+{code:04X}>"
    return letter
