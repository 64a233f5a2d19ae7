"""The Alertmanager of an environment: who is told of what, how often, and what stays quiet meanwhile."""

from __future__ import annotations

from mlc_compiler.backend.target import Sourced
from mlc_compiler.backend.workload import Tree
from mlc_compiler.ir import Origin, Project, Release
from mlc_targets.prometheus.options import Options
from mlc_targets.prometheus.rules import PAGE, TICKET

SECRETS = "/etc/alertmanager/secrets"  # where the Prometheus operator mounts them, one folder a secret
_GROUP_BY = ["project", "environment", "owner", "model", "severity"]  # a message is one owner's, about one model


def alertmanager_tree(release: Release, options: Options) -> Tree:
    """Return the configuration: routes by owner and severity, receivers, inhibition."""
    project = release.project
    receiver = _receiver_name(project)
    origin = options.origin.at("owner_webhooks")
    return {
        "route": {
            "receiver": receiver,
            "group_by": list(_GROUP_BY),
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            "routes": [
                *(Sourced(_owner_route(owner), origin) for owner, _ in options.owner_webhooks),
                *_severity_routes(receiver),
            ],
        },
        "inhibit_rules": _inhibitions(),
        "receivers": [
            _receiver(receiver, project.alert_webhook, _alerting(project, "webhook")),
            *(_receiver(_owner_receiver(owner), hook, origin.at(owner)) for owner, hook in options.owner_webhooks),
        ],
    }


def _receiver_name(project: Project) -> Sourced:
    return Sourced(project.alert_receiver, _alerting(project, "receiver"))


def _alerting(project: Project, field: str) -> Origin:
    return Origin(project.origin.document, f"spec.alerting.{field}")


def _owner_route(owner: str) -> Tree:
    receiver = _owner_receiver(owner)
    return {"receiver": receiver, "matchers": [f"owner = {_quoted(owner)}"], "routes": _severity_routes(receiver)}


def _owner_receiver(owner: str) -> str:
    """Return a name that the project's receiver can't have: that is one word."""
    return f"owner {owner}"


def _severity_routes(receiver: object) -> list[object]:
    """Return a page at once and again every hour, a ticket with what comes beside it and again every day."""
    page: Tree = {"receiver": receiver, "matchers": [f'severity = "{PAGE}"'], "group_wait": "10s"}
    ticket: Tree = {"receiver": receiver, "matchers": [f'severity = "{TICKET}"'], "group_wait": "5m"}
    return [{**page, "repeat_interval": "1h"}, {**ticket, "repeat_interval": "1d"}]


def _inhibitions() -> list[Tree]:
    """Return what is quiet while something worse is known of the same model."""
    model = ["project", "environment", "model"]
    return [
        {
            "source_matchers": [f'severity = "{PAGE}"'],
            "target_matchers": [f'severity = "{TICKET}"'],
            "equal": model,
        },
        {
            "source_matchers": ['alertname = "MlcErrorBudgetFastBurn"'],
            "target_matchers": ['alertname = "MlcErrorBudgetMediumBurn"'],
            "equal": model,
        },
    ]


def _receiver(name: object, secret: str | None, origin: Origin) -> object:
    if not secret:
        return {"name": name}
    hook = {"url_file": f"{SECRETS}/{secret}", "send_resolved": True}
    return Sourced({"name": name, "webhook_configs": [hook]}, origin)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
