"""kind: Project, the one document in mlc.yaml: what all specs of the repository share."""

from typing import Annotated, Any

from pydantic import Field

from mlc_compiler.spec.dataset import Classification
from mlc_compiler.spec.document import SecretReference
from mlc_compiler.spec.types import Duration, Name, RelativePath, SpecModel, Text, defaults


class Store(SpecModel):
    """Where packages and step outputs are kept, write-once."""

    local: str = ".mlc/store"
    """A folder, or any fsspec URL, for runs on this machine."""
    ci: str | None = None
    """A URL that every CI job reaches; the release workflow needs it."""


class Tracking(SpecModel):
    """Where runs are reported besides their evidence."""

    mlflow: Text | None = None
    """URI of an MLflow tracking server."""


class Ci(SpecModel):
    """What the generated workflows need to know of the forge."""

    default_branch: Text = "main"
    """The branch that releases are made from."""
    app_token: SecretReference | None = None
    """Secret with an App's token: events made with the default token start no workflows."""
    python: Text = "3.11"
    """Python version of CI jobs and images."""
    runs_on: list[Text] = ["ubuntu-24.04"]
    """Labels of the runner that CI jobs ask for."""
    timeout: Duration = 3600.0
    """Longest time one job may take."""


class Alerting(SpecModel):
    """Where alerts go."""

    receiver: Name = "default"
    """Name of the Alertmanager receiver."""
    webhook: SecretReference | None = None
    """Secret file with the URL that alerts are posted to."""
    runbooks: Text | None = None
    """Base URL of runbooks; the alert's name is appended."""


class Privacy(SpecModel):
    """Most closely kept values that each place admits; what reaches it from above is a finding."""

    model_input: Classification = "pseudonymous"
    """Features as the model takes them."""
    image: Classification = "confidential"
    """Values of categories: the package that images carry keeps those of its encoders."""
    monitor_sample: Classification = "confidential"
    """Values of categories whose drift is watched: profiles keep the most frequent."""
    online_snapshot: Classification = "pii"
    """Keys and columns of the lookups that servers read."""
    request_log: Classification = "internal"
    """What `serving.log_classification` may be, and the predictions in the log."""
    metric_label: Classification = "internal"
    """Groups of gates in evidence and reports, and classes in metrics."""
    card: Classification = "internal"
    """Constants that expressions compare values with: model cards, plans and pull requests print expressions."""
    min_rows: Annotated[int, Field(ge=2)] = 20
    """Rows from which on a group tells of nobody in particular."""


class Signing(SpecModel):
    """Who may sign evidence and promotions."""

    keys: list[RelativePath] = []
    """Files below the project with public keys (PEM); private ones never stand in it."""


class Project(SpecModel):
    """The repository's project: stores, registry, time zone and the targets that it compiles to."""

    specs: list[RelativePath] = ["specs"]
    """Folders that hold the spec files."""
    store: Store = defaults(Store)
    image_registry: Text | None = None
    """Registry and path that image names start with, e.g. ghcr.io/acme."""
    timezone: Text = "UTC"
    """IANA zone of hour(), day() and of day boundaries; stored timestamps are UTC."""
    targets: dict[str, dict[str, Any] | None] = {}
    """Back ends to compile to, each with its options."""
    tracking: Tracking = defaults(Tracking)
    ci: Ci = defaults(Ci)
    alerting: Alerting = defaults(Alerting)
    signing: Signing = defaults(Signing)
    privacy: Privacy = defaults(Privacy)
    min_version: Text | None = None
    """Oldest mlc that may build this project."""
