#!/usr/bin/env bash
# Whether a version can be pinned is tried here, where the real key is not; what this one signs is thrown away.
openssl genpkey -algorithm ed25519 -out "$RUNNER_TEMP/trial.pem"
export MLC_SIGNING_KEY_FILE="$RUNNER_TEMP/trial.pem"
