"""A text file as contexts of token ids, read a piece at a time."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.tokens import bos_token, encode

MOST_TOKENS = 100_000
CONTEXT = 512  # tokens of a context, or as many as the model takes
BYTES_AT_ONCE = 8192  # which a tokenizer takes a few milliseconds for
REPLACED = "is not a text: it is to be UTF-8, without zero bytes."


class TextContexts:
    """The contexts of a text file, which is read as they are needed.

    A context begins with the beginning-of-sequence token where the model expects one, and the next
    begins where it ends. The text is cut between words into pieces of some kilobytes, which become
    tokens each by itself.

    Attributes:
        path: The file.
        is_cut: Whether the file goes on after the last token that was read.
    """

    def __init__(
        self,
        model: HookedTransformer,
        path: str | Path,
        most: int = MOST_TOKENS,
        context: int | None = None,
    ) -> None:
        """Name a file, which is not opened yet.

        Args:
            model: Whose tokens they are.
            path: The file, UTF-8.
            most: How many tokens of it are read, beginning-of-sequence tokens aside.
            context: How many tokens are in a context; None for 512, or as many as the model takes.
        """
        self.path, self.is_cut = Path(path), False
        self._model, self._most = model, most
        self._size = min(context or CONTEXT, model.cfg.n_ctx)

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        """Yield the token ids of each context.

        Raises:
            ValueError: If the file can't be read, is no text, or is empty; a sentence says which.
        """
        bos = bos_token(self._model, None)
        begin = () if bos is None else (bos,)
        self.is_cut, count, waiting = False, 0, list[int]()
        size = max(1, self._size - len(begin))
        for piece in self._pieces():
            if count >= self._most:
                self.is_cut = True
                break
            ids = encode(self._model, piece, prepend_bos=False)
            self.is_cut = count + len(ids) > self._most
            ids = ids[: self._most - count]
            waiting += ids
            count += len(ids)
            while len(waiting) >= size:
                yield (*begin, *waiting[:size])
                del waiting[:size]
            if self.is_cut:
                break
        if not count:
            raise ValueError(f"{self.path.name} is empty: choose a file with text in it.")
        if waiting:
            yield (*begin, *waiting)

    def _pieces(self) -> Iterator[str]:
        """Yield the text, cut before white space."""
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        rest = ""
        try:
            with self.path.open("rb") as file:
                while raw := file.read(BYTES_AT_ONCE):
                    if b"\0" in raw:
                        raise ValueError(f"{self.path.name} {REPLACED}")
                    rest += decoder.decode(raw)
                    end = _last_cut(rest)
                    if end:
                        yield rest[:end]
                        rest = rest[end:]
                rest += decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise ValueError(f"{self.path.name} {REPLACED}") from error
        except OSError as error:
            reason = error.strerror or "it can't be read"
            raise ValueError(f"{self.path.name} can't be read: {reason}.") from error
        if rest:
            yield rest


def _last_cut(piece: str) -> int:
    """Return where the last word of a piece begins, its white space included; 0 if nowhere."""
    end = len(piece)
    while end and not piece[end - 1].isspace():
        end -= 1
    while end and piece[end - 1].isspace():
        end -= 1
    return end if end else (len(piece) if len(piece) > 4 * BYTES_AT_ONCE else 0)
