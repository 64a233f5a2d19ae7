"""Network policies: servers are reached by gateways and Prometheus alone, jobs reach data and nobody reaches them."""

from __future__ import annotations

from urllib.parse import urlsplit

from mlc_compiler import conventions
from mlc_compiler.backend.network import gateway_namespace
from mlc_compiler.backend.target import Sourced
from mlc_compiler.backend.workload import Tree, metadata, namespace
from mlc_compiler.ir import Model, Origin, Release
from mlc_targets.kubernetes.jobs import BATCH, MONITOR, ONLINE, computes_signals
from mlc_targets.kubernetes.options import Options

_NAMESPACE_LABEL = "kubernetes.io/metadata.name"  # set on every namespace by the API server
_PORTS = {"http": 80, "mysql": 3306, "postgres": 5432, "postgresql": 5432}
_TLS = 443


def server_policy(release: Release, model: Model, options: Options) -> Tree:
    """Return the policy of the servers: in from gateways, clients and Prometheus; out to name servers."""
    port = conventions.SERVE_PORT_NAME
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(release, model),
        "spec": {
            "podSelector": {"matchLabels": conventions.selector_labels(release.project.name, model.name)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {"from": _callers(release, options), "ports": [{"port": port, "protocol": "TCP"}]},
                {
                    "from": [_from_namespace(options.monitoring_namespace)],
                    "ports": [{"port": port, "protocol": "TCP"}],
                },
            ],
            "egress": [_name_servers()],
        },
    }


def jobs_policy(release: Release, model: Model, options: Options) -> Tree:
    """Return the policy of the model's jobs: nothing in; out to name servers, the ports of its data and Pushgateway."""
    own = conventions.selector_labels(release.project.name, model.name)
    labels = {key: value for key, value in own.items() if key != conventions.LABEL_COMPONENT}
    jobs = {"key": conventions.LABEL_COMPONENT, "operator": "In", "values": [BATCH, MONITOR, ONLINE]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(release, model, f"{model.name}-jobs"),
        "spec": {
            "podSelector": {"matchLabels": labels, "matchExpressions": [jobs]},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [],
            "egress": [_name_servers(), {"ports": _job_ports(model, options)}],
        },
    }


def _callers(release: Release, options: Options) -> list[Tree]:
    """Return who may ask for predictions: the Gateway's namespace and the clients'; without any, the own one."""
    environment = release.environment
    callers = []
    if environment.gateway:
        origin = Origin(environment.origin.document, "spec.ingress.gateway")
        space = gateway_namespace(environment.gateway)
        callers.append(_from_namespace(Sourced(space, origin) if space else namespace(release)))
    clients = options.origin.at("client_namespaces")
    callers += [_from_namespace(Sourced(name, clients)) for name in options.client_namespaces]
    return callers or [_from_namespace(namespace(release))]


def _from_namespace(name: object) -> Tree:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE_LABEL: name}}}


def _name_servers() -> Tree:
    servers = _from_namespace("kube-system") | {"podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    return {"to": [servers], "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}


def _job_ports(model: Model, options: Options) -> list[Tree]:
    """Return the ports that the URLs of the datasets name, and of the Pushgateway where there are signals to push.

    Addresses stay open: object stores have no fixed ones.
    """
    ports: dict[int, Sourced | int] = {_TLS: _TLS}
    for dataset in model.datasets:
        if dataset.source.url:
            origin = Origin(dataset.origin.document, "spec.source.url")
            number = _port(dataset.source.url)
            ports.setdefault(number, Sourced(number, origin))
    if computes_signals(model):
        gateway = _port(options.pushgateway)
        ports.setdefault(gateway, Sourced(gateway, options.origin.at("pushgateway")))
    return [{"port": ports[number], "protocol": "TCP"} for number in sorted(ports)]


def _port(url: str) -> int:
    parts = urlsplit(url)
    try:
        stated = parts.port
    except ValueError:  # not a port at all: what the URL means is the dataset's to say
        stated = None
    return stated or _PORTS.get(parts.scheme.partition("+")[0], _TLS)
