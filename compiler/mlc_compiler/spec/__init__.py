"""The spec language as pydantic models, one file per kind: what a user may write, and nothing of what it means."""

from __future__ import annotations

from mlc_compiler.spec.dataset import Dataset
from mlc_compiler.spec.document import API_VERSION, Metadata
from mlc_compiler.spec.environment import Environment
from mlc_compiler.spec.feature_view import FeatureView
from mlc_compiler.spec.gate import Gate
from mlc_compiler.spec.model import Model
from mlc_compiler.spec.monitor import Monitor
from mlc_compiler.spec.policy import Policy
from mlc_compiler.spec.project import Project
from mlc_compiler.spec.rollout import Rollout
from mlc_compiler.spec.types import SpecModel

KINDS: dict[str, type[SpecModel]] = {
    "Dataset": Dataset,
    "Environment": Environment,
    "FeatureView": FeatureView,
    "Gate": Gate,
    "Model": Model,
    "Monitor": Monitor,
    "Policy": Policy,
    "Project": Project,
    "Rollout": Rollout,
}

__all__ = ["API_VERSION", "KINDS", "Metadata", "SpecModel"]
