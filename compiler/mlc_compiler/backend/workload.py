"""The pods of a model, as plain trees that every controller takes alike: Deployment, Rollout, CronJob, Job.

One writer for labels, probes, resources and security, so that a model's pods are the same whichever target starts them.
Values that a spec field decides are `Sourced`.
"""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from functools import lru_cache

from mlc_compiler import conventions
from mlc_compiler.backend.target import Sourced
from mlc_compiler.ir import Dataset, Model, Origin, Pin, Release, Resources
from mlc_compiler.records import dataclass

Tree = dict[str, object]

DRAIN_SECONDS = 5  # endpoints leave load balancers after the pod is told to stop, so it waits before it drains
GRACE_SECONDS = 45
SERVER_SCRATCH = "256Mi"


def pinned(model: Model) -> Pin:
    """Return the model's pin; only pinned models have workloads, so its absence is our bug."""
    if model.pin is None:
        raise ValueError(f"model {model.name} has no pin")
    return model.pin


# --- names and labels ------------------------------------------------------------------------------------------------
@lru_cache
def label_value(text: str) -> str:
    """Return the text as a label's value: at most 63 letters, digits, `-`, `_`, `.`, alphanumeric at both ends.

    >>> label_value("@acme/ops analytics")
    'acme-ops-analytics'
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:63].strip("-_.")


def labels(release: Release, model: Model, component: str = "server") -> Tree:
    """Return the labels of an object; the selector's are among them."""
    own: Tree = dict(conventions.selector_labels(release.project.name, model.name, component))
    own[conventions.LABEL_MANAGED_BY] = conventions.MANAGED_BY
    own[conventions.LABEL_ENVIRONMENT] = release.environment.name
    if owner := label_value(model.owner):
        own[conventions.LABEL_OWNER] = Sourced(owner, _document(model, "metadata.owner"))
    given = {key: Sourced(value, _document(model, "metadata.labels")) for key, value in model.labels}
    return dict(sorted({**given, **own}.items()))


def metadata(release: Release, model: Model, name: str | None = None, component: str = "server") -> Tree:
    """Return an object's metadata; its namespace is the environment's."""
    return {
        "name": name or model.name,
        "namespace": namespace(release),
        "labels": labels(release, model, component),
    }


def namespace(release: Release) -> Sourced:
    """Return the environment's namespace."""
    environment = release.environment
    return Sourced(environment.namespace, Origin(environment.origin.document, "spec.namespace"))


def workload_metadata(release: Release, model: Model, component: str = "server") -> Tree:
    """Return the metadata of the object that runs a version: it says which one, and where that was decided."""
    pin = pinned(model)
    own = metadata(release, model, component=component)
    own["labels"] = _with_version(labels(release, model, component), pin)
    own["annotations"] = {
        conventions.ANNOTATION_ARTIFACT: pin.artifact,
        conventions.ANNOTATION_PIN: pin.path,
        conventions.ANNOTATION_SNAPSHOT: pin.snapshot,
    }
    return own


def snapshot_folder(model: Model) -> str:
    """Return the folder of the model's online snapshot, as its pods see it.

    It follows from the lookups and the data that they read: versions that look up the same share a snapshot while one
    takes over from the other, versions that differ never read each other's.
    """
    lookups = sorted((lookup.name, lookup.keys, lookup.columns, lookup.sql) for lookup in model.features.lookups)
    meaning = (lookups, [_rows_of(dataset) for dataset in looked_up(model)])
    return f"{conventions.ONLINE_MOUNT}/{hashlib.sha256(repr(meaning).encode()).hexdigest()[:12]}"


def _rows_of(dataset: Dataset) -> tuple[object, ...]:
    """Return what decides which rows a dataset has and when they are known; a secret opens them and is none of it."""
    source = dataset.source
    read = (source.format, source.path, source.url, source.query, source.delimiter, source.header)
    columns = [(column.name, column.type, column.known_at) for column in dataset.columns]
    return dataset.name, read, columns, dataset.event_time, dataset.delay, dataset.until


def looked_up(model: Model) -> tuple[Dataset, ...]:
    """Return the datasets that the model's lookups are made of."""
    return datasets_read(model, tuple(name for lookup in model.features.lookups for name in lookup.reads))


def datasets_read(model: Model, names: tuple[str, ...]) -> tuple[Dataset, ...]:
    """Return these datasets and those that their queries read, sorted by name."""
    found: dict[str, Dataset] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = model.dataset(name)
            waiting.extend(found[name].source.reads)
    return tuple(found[name] for name in sorted(found))


def snapshot_claim(model: Model) -> str:
    """Return the name of the volume claim that holds the online snapshot."""
    return f"{model.name}-online"


def _with_version(own: Tree, pin: Pin) -> Tree:
    return dict(sorted({**own, conventions.LABEL_VERSION: conventions.short(pin.version)}.items()))


def _document(model: Model, field: str) -> Origin:
    return Origin(model.origin.document, field)


# --- the server's pod ------------------------------------------------------------------------------------------------
def server_pod(release: Release, model: Model) -> Tree:
    """Return the pod template of the model's server."""
    pin = pinned(model)
    selector = conventions.selector_labels(release.project.name, model.name)
    spec = _pod_spec(model, _server(release, model), _server_volumes(model))
    spec["terminationGracePeriodSeconds"] = GRACE_SECONDS
    spec["topologySpreadConstraints"] = [_spread(key, selector) for key in _SPREAD_OVER]
    return {
        "metadata": {
            "labels": _with_version(labels(release, model), pin),
            # A tag can move without a word; the digest of the package makes new bytes new pods.
            "annotations": {conventions.ANNOTATION_ARTIFACT: pin.artifact, **_scrape(model)},
        },
        "spec": spec,
    }


_SPREAD_OVER = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")


def _spread(key: str, selector: dict[str, str]) -> Tree:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(selector)},
    }


def server_port(model: Model) -> object:
    """Return the port that the server's container listens on."""
    runtime = model.serving.runtime
    return Sourced(runtime.port, model.serving.origin.at("runtime.port")) if runtime else conventions.SERVE_PORT


def server_image(model: Model) -> object:
    """Return the image that serves: the pinned one, or the runtime's."""
    runtime = model.serving.runtime
    return Sourced(runtime.image, model.serving.origin.at("runtime.image")) if runtime else pinned(model).image


def _server(release: Release, model: Model) -> Tree:
    return {
        "name": "server",
        "image": server_image(model),
        **_serve_command(model),
        "ports": [{"name": conventions.SERVE_PORT_NAME, "containerPort": server_port(model), "protocol": "TCP"}],
        "env": _environment(release),
        "resources": resources(model.serving.resources, model.serving.origin.at("resources")),
        **_probes(model),
        "lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}},
        "securityContext": container_security(),
        "volumeMounts": _server_mounts(model),
    }


def _server_mounts(model: Model) -> list[Tree]:
    mounts: list[Tree] = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108  a path in the pod
    if model.features.lookups:
        mounts.append({"name": "online", "mountPath": conventions.ONLINE_MOUNT, "readOnly": True})
    return mounts


def _scrape(model: Model) -> Tree:
    """Return what Prometheus' usual discovery of pods reads."""
    runtime = model.serving.runtime
    return {
        "prometheus.io/path": conventions.METRICS_PATH,
        "prometheus.io/port": str(runtime.port if runtime else conventions.SERVE_PORT),
        "prometheus.io/scrape": "true",
    }


def _serve_command(model: Model) -> Tree:
    """Return how mlc's server is started; it refuses a package that is not the pinned one. Other runtimes know."""
    serving = model.serving
    if serving.runtime:
        return {}
    arguments: list[object] = ["--package", conventions.PACKAGE_MOUNT, "--digest", pinned(model).artifact]
    arguments += ["--host", "0.0.0.0", "--port", str(conventions.SERVE_PORT)]  # noqa: S104  the pod's own network
    arguments += ["--max-batch", Sourced(str(serving.max_batch), serving.origin.at("max_batch"))]
    if model.features.lookups:
        arguments += ["--online", snapshot_folder(model)]
    if serving.log_requests:
        share = conventions.number_text(serving.log_requests)
        arguments += ["--log-requests", Sourced(share, serving.origin.at("log_requests"))]
        if serving.log_classification != "internal":
            kept = Sourced(serving.log_classification, serving.origin.at("log_classification"))
            arguments += ["--log-classification", kept]
    return {"command": ["python", "-m", conventions.SERVE_MODULE], "args": arguments}


def _server_volumes(model: Model) -> list[Tree]:
    volumes: list[Tree] = [{"name": "tmp", "emptyDir": {"sizeLimit": SERVER_SCRATCH}}]
    if model.features.lookups:
        volumes.append({"name": "online", "persistentVolumeClaim": {"claimName": snapshot_claim(model)}})
    return volumes


def _probes(model: Model) -> Tree:
    health, ready = _probe(model, conventions.HEALTH_PATH), _probe(model, conventions.READY_PATH)
    return {
        "startupProbe": {**health, "periodSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {**ready, "periodSeconds": 5, "failureThreshold": 2, "timeoutSeconds": 2},
        "livenessProbe": {**health, "periodSeconds": 10, "failureThreshold": 3, "timeoutSeconds": 2},
    }


def _probe(model: Model, path: str) -> Tree:
    if model.serving.runtime:  # another server answers on paths that we do not know
        return {"tcpSocket": {"port": conventions.SERVE_PORT_NAME}}
    return {"httpGet": {"path": path, "port": conventions.SERVE_PORT_NAME}}


# --- jobs ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Claim:
    """A volume claim of a job, and where it is mounted."""

    name: str
    path: str
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class JobPod:
    """What runs once and ends; secrets are references, `name/key`, with the field that names them."""

    component: str
    command: tuple[object, ...]
    resources: Resources
    resources_origin: Origin
    claims: tuple[Claim, ...] = ()
    secrets: tuple[tuple[str, Origin], ...] = ()


def job_pod(release: Release, model: Model, job: JobPod) -> Tree:
    """Return the pod template of a job that runs the model's pinned image."""
    container: Tree = {
        "name": job.component,
        "image": pinned(model).image,
        "command": list(job.command),
        "env": _environment(release) + [_secret(name, origin) for name, origin in job.secrets],
        "resources": resources(job.resources, job.resources_origin),
        "securityContext": container_security(),
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *_claim_mounts(job)],  # noqa: S108  a path in the pod
    }
    volumes: list[Tree] = [{"name": "tmp", "emptyDir": {}}]
    volumes += [
        {"name": f"claim-{index}", "persistentVolumeClaim": {"claimName": claim.name}}
        for index, claim in enumerate(job.claims)
    ]
    spec = _pod_spec(model, container, volumes)
    spec["restartPolicy"] = "Never"
    return {
        "metadata": {"labels": _with_version(labels(release, model, job.component), pinned(model))},
        "spec": spec,
    }


def _claim_mounts(job: JobPod) -> list[Tree]:
    mounts = []
    for index, claim in enumerate(job.claims):
        mount: Tree = {"name": f"claim-{index}", "mountPath": claim.path}
        if claim.read_only:
            mount["readOnly"] = True
        mounts.append(mount)
    return mounts


def _secret(reference: str, origin: Origin) -> Tree:
    name, _, key = reference.partition("/")
    return {
        "name": conventions.secret_variable(reference),
        "valueFrom": {"secretKeyRef": {"name": Sourced(name, origin), "key": Sourced(key or name, origin)}},
    }


# --- what all pods share ---------------------------------------------------------------------------------------------
def _pod_spec(model: Model, container: Tree, volumes: list[Tree]) -> Tree:
    """Return a pod spec that the restricted pod security profile admits."""
    return {
        "serviceAccountName": model.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": conventions.RUN_AS_USER,
            "runAsGroup": conventions.RUN_AS_USER,
            "fsGroup": conventions.RUN_AS_USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": volumes,
    }


def container_security() -> Tree:
    """Return the security context of a container under the restricted profile."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
    }


def _environment(release: Release) -> list[Tree]:
    # The root is read-only: libraries that write below the home folder get the scratch volume.
    variables = {"HOME": "/tmp", "MLC_ENVIRONMENT": release.environment.name}  # noqa: S108
    return [{"name": name, "value": value} for name, value in sorted(variables.items())]


def resources(needed: Resources, origin: Origin) -> Tree:
    """Return requests and equal limits: what runs is what was measured, whatever else runs on the node."""
    amounts: Tree = {
        "cpu": Sourced(cpu_text(needed.cpu), origin.at("cpu")),
        "memory": Sourced(memory_text(needed.memory), origin.at("memory")),
    }
    if needed.gpu:
        amounts["nvidia.com/gpu"] = Sourced(str(needed.gpu), origin.at("gpu"))
    return {"requests": amounts, "limits": dict(amounts)}


def cpu_text(cores: float) -> str:
    """Return cores as a Kubernetes quantity, in the shortest exact form.

    >>> cpu_text(0.5), cpu_text(2.0)
    ('500m', '2')
    """
    thousandths = int((Decimal(str(cores)) * 1000).to_integral_value(rounding="ROUND_CEILING"))
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


def memory_text(size: int) -> str:
    """Return bytes as a Kubernetes quantity, in the largest binary unit that is exact.

    >>> memory_text(512 * 2**20), memory_text(1000)
    ('512Mi', '1000')
    """
    for unit, power in (("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)):
        if size and size % 2**power == 0:
            return f"{size >> power}{unit}"
    return str(size)
