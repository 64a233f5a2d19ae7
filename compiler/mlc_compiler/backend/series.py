"""Prometheus series of a model in an environment: one writer of selectors for rules and dashboards.

Where the server is not mlc's own (`serving.runtime`), its metrics carry other names, and no label says which model they
are of: the names of the pods do.
"""

from __future__ import annotations

from mlc_compiler.ir import Model, Release
from mlc_compiler.records import dataclass

ERRORS = 'code=~"5.."'  # what counts as a failed request
_HISTOGRAM_PARTS = ("_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True)
class Series:
    """How the series of one model are found; the labels are those that Prometheus gives its targets."""

    release: Release
    model: Model
    namespace_label: str = "namespace"
    pod_label: str = "pod"

    def named(self, metric: str) -> str | None:
        """Return the name under which the server exports a metric of ours, None where it exports none."""
        runtime = self.model.serving.runtime
        if runtime is None:
            return metric
        part = next((p for p in _HISTOGRAM_PARTS if metric.endswith(p)), "")
        found = dict(runtime.metrics).get(metric.removesuffix(part))
        return f"{found}{part}" if found else None

    def server(self, metric: str, *matchers: str) -> str:
        """Return the selector of a metric of the servers; raises ValueError for one that they do not export."""
        name = self.named(metric)
        if name is None:
            raise ValueError(f"the server of {self.model.name} exports no {metric}")
        return select(name, *self._server_matchers(), *matchers)

    def targets(self) -> str:
        """Return the selector of what exists for as long as a server is scraped; its value is 1 or 0."""
        return select("up", *self._pod_matchers())

    def job(self, metric: str, *matchers: str) -> str:
        """Return the selector of a metric of the monitor job, which is ours whatever the server is."""
        return select(metric, self._namespace(), equals("model", self.model.name), *matchers)

    def _namespace(self) -> str:
        return equals(self.namespace_label, self.release.environment.namespace)

    def _server_matchers(self) -> tuple[str, ...]:
        if self.model.serving.runtime is None:
            return self._namespace(), equals("model", self.model.name)
        return self._pod_matchers()

    def _pod_matchers(self) -> tuple[str, ...]:
        # No hyphen in the last two parts: `late` must not match the pods of `late-arrival`.
        return self._namespace(), f'{self.pod_label}=~"{self.model.name}-[a-z0-9]+-[a-z0-9]+"'


def select(metric: str, *matchers: str) -> str:
    """Return the selector of a metric with these matchers.

    >>> select("up", equals("namespace", "ml-prod"))
    'up{namespace="ml-prod"}'
    """
    return f"{metric}{{{','.join(matchers)}}}"


def equals(label: str, value: str) -> str:
    """Return a matcher for one value of a label."""
    return f'{label}="{escaped(value)}"'


def escaped(text: str) -> str:
    """Return a text as PromQL and the exposition format hold it between double quotes."""
    if text.isalnum():
        return text
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
