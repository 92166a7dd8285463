"""The architectures that lensgui opens."""

from __future__ import annotations

from lensgui.checkpoints.families.biogpt import BIOGPT, XGLM
from lensgui.checkpoints.families.bloom import BLOOM
from lensgui.checkpoints.families.cohere import COHERE, COHERE2
from lensgui.checkpoints.families.deepseek import DEEPSEEK_V2, DEEPSEEK_V3
from lensgui.checkpoints.families.exaone import EXAONE4
from lensgui.checkpoints.families.falcon import FALCON
from lensgui.checkpoints.families.family import Family
from lensgui.checkpoints.families.gemma import GEMMA, GEMMA2, GEMMA3, VAULTGEMMA
from lensgui.checkpoints.families.glm import GLM, GLM4
from lensgui.checkpoints.families.gpt2 import GPT2
from lensgui.checkpoints.families.gpt_bigcode import GPT_BIGCODE
from lensgui.checkpoints.families.gpt_neo import GPT_NEO
from lensgui.checkpoints.families.gpt_neox import GPT_NEOX
from lensgui.checkpoints.families.gpt_oss import GPT_OSS
from lensgui.checkpoints.families.gptj import CODEGEN, GPTJ
from lensgui.checkpoints.families.granite import GRANITE
from lensgui.checkpoints.families.hooked import HOOKED, MINGPT, OLD_SOLU
from lensgui.checkpoints.families.llama import ADJACENT, LLAMA
from lensgui.checkpoints.families.mistral import MINISTRAL, MISTRAL
from lensgui.checkpoints.families.mixtral import (
    GRANITEMOE,
    MIXTRAL,
    OLMOE,
    QWEN2_MOE,
    QWEN3_MOE,
)
from lensgui.checkpoints.families.mpt import MPT
from lensgui.checkpoints.families.nemotron import ARCEE, JAIS2, NEMOTRON
from lensgui.checkpoints.families.not_yet import WHY
from lensgui.checkpoints.families.olmo import OLMO, OLMO2, OLMO3
from lensgui.checkpoints.families.opt import OPT
from lensgui.checkpoints.families.persimmon import PERSIMMON
from lensgui.checkpoints.families.phi import PHI, PHI3, PHIMOE
from lensgui.checkpoints.families.qwen import QWEN2, QWEN3
from lensgui.checkpoints.families.smollm3 import SMOLLM3
from lensgui.checkpoints.families.stablelm import STABLELM
from lensgui.checkpoints.families.starcoder2 import STARCODER2
from lensgui.terms.errors import ModelError

FAMILIES: tuple[Family, ...] = (
    GPT2,
    GPT_NEO,
    GPTJ,
    GPT_NEOX,
    OPT,
    BLOOM,
    LLAMA,
    MISTRAL,
    MIXTRAL,
    QWEN2,
    QWEN3,
    QWEN2_MOE,
    QWEN3_MOE,
    GEMMA,
    GEMMA2,
    GEMMA3,
    PHI,
    PHI3,
    OLMO,
    OLMO2,
    FALCON,
    STABLELM,
    STARCODER2,
    GPT_BIGCODE,
    COHERE,
    GRANITE,
    MPT,
    GPT_OSS,
    SMOLLM3,
    ADJACENT,
    ARCEE,
    BIOGPT,
    CODEGEN,
    COHERE2,
    DEEPSEEK_V2,
    DEEPSEEK_V3,
    EXAONE4,
    GLM,
    GLM4,
    GRANITEMOE,
    HOOKED,
    JAIS2,
    MINISTRAL,
    NEMOTRON,
    OLMO3,
    OLMOE,
    PERSIMMON,
    PHIMOE,
    VAULTGEMMA,
    XGLM,
)
# Other layouts of HOOKED; what they are is said by no `model_type` of a config.json.
LAYOUTS = (MINGPT, *OLD_SOLU)


def supported_types() -> list[str]:
    """Return every Hugging Face `model_type` that can be opened, in alphabetical order."""
    return sorted(name for family in FAMILIES for name in family.model_types)


def family_of(model_type: str | None) -> Family:
    """Return the family of a Hugging Face `model_type`.

    Raises:
        ModelError: If there is none; the sentence lists what is supported.
    """
    for family in (*FAMILIES, *LAYOUTS):
        if model_type in family.model_types:
            return family
    why = WHY.get(model_type or "")
    because = f" yet, because {why}" if why else ""
    raise ModelError(
        f"The architecture {model_type!r:.80} is not supported{because}; lensgui opens "
        f"{', '.join(supported_types())}."
    )
