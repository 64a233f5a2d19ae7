#!/usr/bin/env bash
# Makes the examples anew as their users would: lock, run, release, build. What it writes is checked in.
set -euo pipefail
cd "$(dirname "$0")/.."
mlc=.venv/bin/mlc

for example in minimal batch flights credit; do
  $mlc -C "examples/$example" lock
  $mlc -C "examples/$example" run
done
$mlc -C examples/minimal release bad-day -e prod
for airport in ewr jfk lga; do $mlc -C examples/batch release "load-$airport" -e prod; done
$mlc -C examples/flights release late-arrival -e staging
$mlc -C examples/credit release card-default -e staging
for example in minimal batch flights credit; do $mlc -C "examples/$example" build; done
