"""Models of the Hugging Face hub: fetched into its own cache, checked, and found there again.

huggingface_hub does the fetching; see `transfer` for what an interruption leaves.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from lensgui.checkpoints.transfer import File, Remote, bring, no_bar
from lensgui.models import store
from lensgui.models.progress import Report, silence
from lensgui.terms.errors import ModelError, first_line

_DESCRIPTIONS = ("*.json", "*.jinja", "tokenizer.model", "merges.txt", "vocab.txt")
_ROUGHLY = {"allow_patterns": [*_DESCRIPTIONS, "model*.safetensors"], "ignore_patterns": "*/*"}


def is_name(name: str) -> bool:
    """Return whether this has the form of a hub name, OWNER/NAME."""
    return re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", name) is not None


def fetch(
    name: str,
    token: str | bool | None = None,
    revision: str | None = None,
    report: Report = silence,
) -> Path:
    """Bring a model of the hub to this machine, or what is missing of it.

    Args:
        name: OWNER/NAME.
        token: An access token; None for HF_TOKEN or the stored login, False for none.
        revision: A branch, a tag or a commit; None for the main branch.
        report: Called often, with how far it is.

    Returns:
        Its folder in the hub's cache. Without a network, that of the copy that is here.

    Raises:
        ModelError: If it can't be had, or can't be opened by lensgui.
    """
    from huggingface_hub import HfApi

    with _sentences(name, revision):
        try:
            info: Any = HfApi(token=token).model_info(name, revision=revision, files_metadata=True)
        except Exception:
            with contextlib.suppress(FileNotFoundError, ValueError):
                return _folder(name, revision, local_files_only=True, **_ROUGHLY)
            raise
        wanted = set(_wanted(name, [sibling.rfilename for sibling in info.siblings]))
        remote = Remote(name, info.sha, token)
        files = [File.of(sibling) for sibling in info.siblings if sibling.rfilename in wanted]
        files = [file for file in files if not remote.has(file)]
        if files:
            _refuse_early(remote, files)
            bring(remote, [file for file in files if not remote.has(file)], report)
        return _folder(name, revision, token=token, allow_patterns=sorted(wanted))


def _wanted(name: str, files: Sequence[str]) -> Iterator[str]:
    """Yield the files that opening a model takes.

    Raises:
        ModelError: If what it takes is not there.
    """
    weights = [file for file in files if fnmatch(file, "*.safetensors") and "/" not in file]
    weights = [file for file in weights if file.startswith("model")] or weights
    if not weights:
        kinds = {Path(file).suffix for file in files}
        if ".gguf" in kinds:
            raise ModelError(
                f"{name} has GGUF files only: download one of them and open it by its path."
            )
        has = "pickled weights, which can run code and are refused" if ".bin" in kinds else "none"
        raise ModelError(
            f"{name} has no *.safetensors file ({has}): choose a model that has its weights so."
        )
    yield from weights
    for file in files:
        if "/" not in file and any(fnmatch(file, pattern) for pattern in _DESCRIPTIONS):
            yield file


def _refuse_early(remote: Remote, files: Iterable[File]) -> None:
    """Refuse a model that could not be opened, before its weights are fetched."""
    from lensgui.checkpoints.folder import read_config

    for file in files:
        if file.name == "config.json":
            bring(remote, [file], silence)
    read_config(
        _folder(remote.name, remote.commit, token=remote.token, allow_patterns="config.json")
    )


def _folder(name: str, revision: str | None, **settings: Any) -> Path:
    """Return a model's folder in the cache, where huggingface_hub links its files by name."""
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(name, revision=revision, tqdm_class=no_bar(), **settings))


@contextlib.contextmanager
def _sentences(name: str, revision: str | None) -> Iterator[None]:
    """Turn what can go wrong into one sentence."""
    from huggingface_hub import errors as hub

    try:
        yield
    except ModelError:
        raise
    except hub.GatedRepoError as error:
        raise ModelError(
            f"{name} is gated: accept its terms on the hub and log in with a token."
        ) from error
    except hub.RevisionNotFoundError as error:
        raise ModelError(f"{name} has no revision {revision}: check the spelling.") from error
    except (hub.RepositoryNotFoundError, hub.HFValidationError) as error:
        raise ModelError(
            f"The hub has no model {name}, or only for those who log in: check the spelling, or "
            "give a token."
        ) from error
    except Exception as error:  # no network is said in many ways, and by several libraries
        raise ModelError(_sentence(name, error)) from error


def _sentence(name: str, error: Exception) -> str:
    """Return what to tell the user about a fetch that failed."""
    from huggingface_hub import errors as hub

    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f"{name} can't be fetched with this token ({status}): log in with another."
    if isinstance(error, OSError) and error.errno is not None:
        return store.writing_sentence(error, Path("the hub's cache"))
    is_offline = isinstance(error, hub.OfflineModeIsEnabled) or not isinstance(error, OSError)
    if status is None and is_offline:
        return (
            f"{name} is not on this machine and the hub can't be reached ({first_line(error)}): go "
            "online, or open a local folder."
        )
    return f"{name} could not be fetched from the hub ({first_line(error)}): try again."
