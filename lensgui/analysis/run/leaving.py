"""The one way by which numbers leave a device: into host memory, while the device goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Leaving:
    """Tensors on their way into host memory.

    Attributes:
        copies: Where they arrive. Those that were in host memory are there themselves, not copied.
        is_here: Returns whether all have arrived; it does not wait.
        wait: Waits until they have.
    """

    copies: tuple[Tensor, ...]
    is_here: Callable[[], bool]
    wait: Callable[[], None]

    def arrived(self) -> tuple[Tensor, ...]:
        """Return them once they are here, waiting if need be."""
        self.wait()
        return self.copies


def leave(*tensors: Tensor) -> Leaving:
    """Send tensors of one device into host memory.

    On CUDA they go into pinned memory on a stream of its own, behind what the device was asked so
    far and beside what it is asked next. Elsewhere they are here at once.
    """
    return WAYS.get(tensors[0].device.type, _at_once)([of.detach() for of in tensors])


def _at_once(tensors: Sequence[Tensor]) -> Leaving:
    """Wait for what has to be waited for."""
    return Leaving(tuple(of.cpu() for of in tensors), lambda: True, lambda: None)


def _beside(tensors: Sequence[Tensor]) -> Leaving:
    """Copy on a stream of its own."""
    device = tensors[0].device
    stream, event = _stream(device), torch.cuda.Event()
    stream.wait_stream(torch.cuda.current_stream(device))
    copies = []
    with torch.cuda.stream(stream):
        for of in tensors:
            pinned = torch.empty(of.shape, dtype=of.dtype, pin_memory=True)
            copies.append(pinned.copy_(of, non_blocking=True))
            of.record_stream(stream)  # its memory is not given to others before
        event.record(stream)
    return Leaving(tuple(copies), event.query, event.synchronize)


@cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)


WAYS: dict[str, Callable[[Sequence[Tensor]], Leaving]] = {"cuda": _beside}
