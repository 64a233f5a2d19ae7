"""The release: the resolved model of one environment that every target reads. Frozen, complete, no defaults left open.

Durations are seconds, sizes bytes, rates 0 to 1, weights percent. Every node that an artifact may quote keeps its
`origin`, the spec field that it came from.
"""

from mlc_compiler.ir.data import Column, DataCheck, Dataset, Source
from mlc_compiler.ir.environment import Approval, Environment, Freeze, Patch
from mlc_compiler.ir.features import Feature, FeatureQuery, FeatureTest, Lookup, ParityTest
from mlc_compiler.ir.gates import Gate, GateCheck
from mlc_compiler.ir.model import Card, Model, Pin
from mlc_compiler.ir.monitoring import Monitor, Retrain, Signal
from mlc_compiler.ir.origin import Frozen, Origin, Scalar
from mlc_compiler.ir.project import Action, Lock, Project, TargetOptions
from mlc_compiler.ir.release import ProjectRelease, Release
from mlc_compiler.ir.serving import Analysis, Batch, Rollout, Runtime, Serving, Step
from mlc_compiler.ir.training import (
    Decision,
    Estimator,
    Label,
    Preprocessing,
    Resources,
    Search,
    SearchDimension,
    Split,
    Train,
)

__all__ = [
    "Action",
    "Analysis",
    "Approval",
    "Batch",
    "Card",
    "Column",
    "DataCheck",
    "Dataset",
    "Decision",
    "Environment",
    "Estimator",
    "Feature",
    "FeatureQuery",
    "FeatureTest",
    "Freeze",
    "Frozen",
    "Gate",
    "GateCheck",
    "Label",
    "Lock",
    "Lookup",
    "Model",
    "Monitor",
    "Origin",
    "ParityTest",
    "Patch",
    "Pin",
    "Preprocessing",
    "Project",
    "ProjectRelease",
    "Release",
    "Resources",
    "Retrain",
    "Rollout",
    "Runtime",
    "Scalar",
    "Search",
    "SearchDimension",
    "Serving",
    "Signal",
    "Source",
    "Split",
    "Step",
    "TargetOptions",
    "Train",
]
