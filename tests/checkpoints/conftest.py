from __future__ import annotations

from pathlib import Path

import pytest

from tests.checkpoints.gguf_files import save_llama


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny LLaMA model's folder."""
    return save_llama(tmp_path / "tiny")
