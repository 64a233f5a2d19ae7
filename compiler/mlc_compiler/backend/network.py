"""Services and routes of a model, as plain trees: where requests come in, the same for every controller."""

from __future__ import annotations

from mlc_compiler import conventions
from mlc_compiler.backend.target import Sourced
from mlc_compiler.backend.workload import Tree, metadata
from mlc_compiler.ir import Model, Origin, Release

HTTP_ROUTE = "gateway.networking.k8s.io/v1"


def service(release: Release, model: Model, name: str) -> Tree:
    """Return a Service in front of the model's servers."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(release, model, name),
        "spec": {
            "type": "ClusterIP",
            "selector": conventions.selector_labels(release.project.name, model.name),
            "ports": [
                {
                    "name": conventions.SERVE_PORT_NAME,
                    "port": conventions.SERVE_PORT,
                    "protocol": "TCP",
                    "targetPort": conventions.SERVE_PORT_NAME,
                }
            ],
        },
    }


def http_route(release: Release, model: Model, gateway: Sourced, backends: tuple[tuple[str, int], ...]) -> Tree:
    """Return a route from a Gateway, `namespace/name`, to Services with their weights.

    With a host the model answers at `<model>.<host>`; without one at `/<model>/` of the Gateway, so that the models of
    an environment can share it.
    """
    spec: Tree = {"parentRefs": [_parent(gateway)]}
    rule: Tree = {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}
    if host := release.environment.host:
        origin = Origin(release.environment.origin.document, "spec.ingress.host")
        spec["hostnames"] = [Sourced(f"{model.name}.{host}", origin)]
    else:
        rule["matches"] = [{"path": {"type": "PathPrefix", "value": f"/{model.name}"}}]
        rule["filters"] = [_strip_prefix()]
    rule["backendRefs"] = [
        {"name": name, "port": conventions.SERVE_PORT, "weight": weight} for name, weight in backends
    ]
    spec["rules"] = [rule]
    return {"apiVersion": HTTP_ROUTE, "kind": "HTTPRoute", "metadata": metadata(release, model), "spec": spec}


def gateway_namespace(gateway: str) -> str | None:
    """Return the namespace of a Gateway given as `namespace/name`, None where only the name is given.

    >>> gateway_namespace("gateways/public"), gateway_namespace("public")
    ('gateways', None)
    """
    return gateway.rpartition("/")[0] or None


def _parent(gateway: Sourced) -> Sourced:
    space, name = gateway_namespace(str(gateway.value)), str(gateway.value).rpartition("/")[2]
    return Sourced({"name": name, "namespace": space} if space else {"name": name}, gateway.origin)


def _strip_prefix() -> Tree:
    rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
    return {"type": "URLRewrite", "urlRewrite": rewrite}
