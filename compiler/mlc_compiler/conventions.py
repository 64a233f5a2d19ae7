"""Names that several artifacts must agree on: labels, metrics, ports, paths, image names. They stand only here."""

from __future__ import annotations

# --- files and folders -----------------------------------------------------------------------------------------------
PROJECT_FILE = "mlc.yaml"
LOCK_FILE = "mlc.lock"
STATE_FOLDER = ".mlc"
CACHE_FOLDER = ".mlc/cache"
BUILD_LOCK = ".mlc/build.lock"
BUILD_JOURNAL = ".mlc/build.journal"
STORE_FOLDER = ".mlc/store"
RUNS_FOLDER = ".mlc/runs"
PROPOSALS_FOLDER = ".mlc/proposals"
DEPLOY_FOLDER = "deploy"
IMAGES_FOLDER = "deploy/images"
WORKFLOWS_FOLDER = ".github/workflows"
CARDS_FOLDER = "docs/models"
ENVIRONMENTS_FOLDER = "environments"
SNAPSHOTS_FOLDER = "environments/snapshots"
EVIDENCE_FOLDER = "environments/evidence"
MANIFEST_FILE = ".mlc-manifest"  # not *.json: kubectl apply -f FOLDER would read it


def pin_path(environment: str, model: str) -> str:
    """Return where a model's pin of an environment stands."""
    return f"{ENVIRONMENTS_FOLDER}/{environment}/{model}.yaml"


def snapshot_path(model: str, digest: str) -> str:
    """Return where a snapshot of a model's specs stands."""
    return f"{SNAPSHOTS_FOLDER}/{model}/{short(digest)}.json"


def evidence_path(model: str, version: str) -> str:
    """Return where the evidence of a released version stands."""
    return f"{EVIDENCE_FOLDER}/{model}/{short(version)}.json"


def provenance_path(model: str, version: str) -> str:
    """Return where the signed statement of a released version's run stands."""
    return f"{EVIDENCE_FOLDER}/{model}/{short(version)}.provenance.json"


def summary_path(environment: str, model: str) -> str:
    """Return where the signed statement of the promotion to an environment stands, beside the pin."""
    return f"{ENVIRONMENTS_FOLDER}/{environment}/{model}.promotion.json"


def rollout_path(environment: str, model: str) -> str:
    """Return where the record of how the rollout of a pin ended stands, beside the pin."""
    return f"{ENVIRONMENTS_FOLDER}/{environment}/{model}.rollout.json"


def model_folder(environment: str, model: str) -> str:
    """Return the folder of a model's manifests in an environment."""
    return f"{DEPLOY_FOLDER}/{environment}/{model}"


def monitoring_folder(environment: str) -> str:
    """Return the folder of an environment's rules and dashboards."""
    return f"{DEPLOY_FOLDER}/{environment}/monitoring"


def image_folder(model: str) -> str:
    """Return the folder that a model's image is built from."""
    return f"{IMAGES_FOLDER}/{model}"


def card_path(model: str) -> str:
    """Return where a model's card stands."""
    return f"{CARDS_FOLDER}/{model}.md"


# --- versions and images ---------------------------------------------------------------------------------------------
def short(digest: str) -> str:
    """Return the 12 hexadecimal digits that stand for a `sha256:` digest in names and labels.

    >>> short("sha256:0123456789abcdef")
    '0123456789ab'
    """
    return digest.removeprefix("sha256:")[:12]


def image_name(registry: str | None, project: str, model: str) -> str:
    """Return the image's name without tag or digest."""
    return "/".join(part for part in (registry, project, model) if part)


def image_tag(version: str) -> str:
    """Return the tag that an image carries besides its digest."""
    return f"v-{short(version)}"


# --- Kubernetes ------------------------------------------------------------------------------------------------------
SERVE_PORT = 8080
SERVE_PORT_NAME = "http"
HEALTH_PATH = "/healthz"
READY_PATH = "/readyz"
METRICS_PATH = "/metrics"
ONLINE_MOUNT = "/var/lib/mlc/online"
PACKAGE_MOUNT = "/opt/mlc/package"
DATA_MOUNT = "/var/lib/mlc/data"  # the project's root as jobs see it: file datasets lie below it
RUN_AS_USER = 10001
SERVE_MODULE = "mlc_targets.local.serve"  # what an image runs: `python -m <module> --package ...`
BATCH_MODULE = "mlc_targets.local.batch"
ONLINE_MODULE = "mlc_targets.local.online"
MONITOR_MODULE = "mlc_targets.local.monitor"
GOLDEN_MODULE = "mlc_targets.local.golden"
GOLDEN_VECTORS_FILE = "golden-vectors.jsonl"

LABEL_NAME = "app.kubernetes.io/name"
LABEL_PART_OF = "app.kubernetes.io/part-of"
LABEL_COMPONENT = "app.kubernetes.io/component"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_VERSION = "mlc.dev/version"
LABEL_ENVIRONMENT = "mlc.dev/environment"
LABEL_OWNER = "mlc.dev/owner"
LABEL_COMPILER = "mlc.dev/compiler"  # of images: the mlc that they hold
MANAGED_BY = "mlc"
ANNOTATION_ARTIFACT = "mlc.dev/artifact"  # digest of the package that the pods run
ANNOTATION_PIN = "mlc.dev/pin"  # the file that decided it
ANNOTATION_SNAPSHOT = "mlc.dev/snapshot"


def selector_labels(project: str, model: str, component: str = "server") -> dict[str, str]:
    """Return the labels that pick a model's pods; they never change between versions."""
    return {LABEL_COMPONENT: component, LABEL_NAME: model, LABEL_PART_OF: project}


def secret_variable(reference: str) -> str:
    """Return the environment variable that carries a secret, given as `name/key`.

    >>> secret_variable("warehouse/url")
    'WAREHOUSE_URL'
    """
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in reference).upper()


def stable_service(model: str) -> str:
    """Return the name of the Service of the version that runs."""
    return model


def canary_service(model: str) -> str:
    """Return the name of the Service of the version that is tried."""
    return f"{model}-canary"


# --- metrics that `mlc serve` and the monitor job export; PromQL is written from these names alone --------------------
METRIC_REQUESTS = "mlc_requests_total"  # counter: model, version, code, protocol
METRIC_LATENCY = "mlc_request_duration_seconds"  # histogram: model, version
METRIC_PREDICTION = "mlc_prediction_value"  # histogram: model, version; the score or regressed value
METRIC_PREDICTED_CLASS = "mlc_predictions_total"  # counter: model, version, class
METRIC_LOOKUP_MISSES = "mlc_online_lookup_misses_total"  # counter: model, version, lookup
METRIC_ONLINE_AGE = "mlc_online_snapshot_age_seconds"  # gauge: model, version
METRIC_PREDICTION_DRIFT = "mlc_prediction_drift"  # gauge: model, version; live scores against the packaged reference
METRIC_MODEL_INFO = "mlc_model_info"  # gauge 1: model, version, task
METRIC_IN_FLIGHT = "mlc_requests_in_flight"  # gauge: model, version
METRIC_SIGNAL_VALUE = "mlc_signal_value"  # gauge, monitor job: model, version, signal, feature
METRIC_SIGNAL_TIME = "mlc_signal_timestamp_seconds"  # gauge, monitor job: model, version, signal
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SCORE_BUCKETS = (
    0.05,
    0.1,
    0.15,
    0.2,
    0.25,
    0.3,
    0.35,
    0.4,
    0.45,
    0.5,
    0.55,
    0.6,
    0.65,
    0.7,
    0.75,
    0.8,
    0.85,
    0.9,
    0.95,
    1.0,
)
SCRAPE_INTERVAL_SECONDS = 15


# --- classifications -------------------------------------------------------------------------------------------------
CLASSIFICATIONS = ("public", "internal", "confidential", "pseudonymous", "pii", "special")
"""How closely values are kept, in rising order."""


def admits(limit: str, classification: str) -> bool:
    """Tell whether a place that takes values up to `limit` may take these; what nobody knows is kept most closely.

    >>> admits("internal", "public"), admits("internal", "pii"), admits("special", "unheard-of")
    (True, False, False)
    """
    return classification in CLASSIFICATIONS[: CLASSIFICATIONS.index(limit) + 1]


# --- text ------------------------------------------------------------------------------------------------------------
def duration_text(seconds: float) -> str:
    """Return the shortest single-unit text of a duration, as Prometheus, Argo and Kubernetes read it.

    >>> duration_text(90), duration_text(3600), duration_text(0.05)
    ('90s', '1h', '50ms')
    """
    milliseconds = round(seconds * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds >= size and milliseconds % size == 0:
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def number_text(value: float) -> str:
    """Return the shortest text of a number: no trailing zeros, no exponent for common magnitudes.

    >>> number_text(5.0), number_text(0.25)
    ('5', '0.25')
    """
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def plural(number: float, word: str, many: str = "") -> str:
    """Return the form of a word that goes with a number: with an s for any but one, or as `many` has it.

    >>> plural(1, "model"), plural(0, "model"), plural(2, "is", "are")
    ('model', 'models', 'are')
    """
    return word if number == 1 else many or f"{word}s"


def counted(number: int, noun: str, many: str = "") -> str:
    """Return a number with its noun.

    >>> counted(1, "model"), counted(3, "model"), counted(2, "more policy", "more policies")
    ('1 model', '3 models', '2 more policies')
    """
    return f"{number} {plural(number, noun, many)}"
