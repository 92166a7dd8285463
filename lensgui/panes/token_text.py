"""How tokens are spelled on screen, where a space must be seen and a name must fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from math import floor, isfinite, log10

from PySide6.QtGui import Qt

from lensgui.jobs.arrays import Axis
from lensgui.jobs.results import PromptReading, Token

SPACE = "·"
LONGEST = 16
MOST_DIGITS = 8
_PICTURES = {" ": SPACE, "\n": "⏎", "\t": "⇥", "\r": "␍", "\x7f": "␡", "\u00a0": "⍽"}
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def visible(text: str) -> str:
    """Return text with a sign for each space and control character."""
    return "".join(_PICTURES.get(letter) or _letter(letter) for letter in text)


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


def names(axis: Axis, reading: PromptReading | None) -> list[str]:
    """Return what the places of a prompt's axis are called, by its tokens where those are known."""
    if reading is not None and is_of(axis, reading):
        return numbered([spell(token) for token in reading.tokens])
    return numbered([visible(label) for label in axis.labels])


def is_of(axis: Axis, reading: PromptReading | None) -> bool:
    """Whether an axis counts the tokens of this very prompt, not of an older one."""
    tokens = reading.tokens if reading else ()
    return [visible(label) for label in axis.labels] == [visible(token.label) for token in tokens]


def bytes_of(token: Token) -> str:
    """Return a token's bytes in hexadecimal."""
    return (token.raw or token.text.encode("utf-8", "replace")).hex(" ").upper()


def token_at(reading: PromptReading | None, position: int | None) -> Token | None:
    """Return the token at a position; None where there is none."""
    if reading is None or position is None or not 0 <= position < len(reading.tokens):
        return None
    return reading.tokens[position]


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
