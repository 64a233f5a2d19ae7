#!/usr/bin/env bash
evidence=".mlc/runs/$MODEL/evidence.json" folder="$RUNNER_TEMP/release/$MODEL"
artifact=$(jq --raw-output .artifact "$evidence")
mkdir -p "$folder"
cp "$evidence" "$folder/evidence.json"
cp -R "$STORE/packages/${artifact:7:12}" "$folder/package"
