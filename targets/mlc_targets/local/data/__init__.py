"""Datasets on this machine: found, read as typed relations, checked, measured, turned into features and folds."""

from __future__ import annotations

from mlc_targets.local.data.relations import open_datasets

__all__ = ["open_datasets"]
