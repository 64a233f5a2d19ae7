#!/usr/bin/env bash
# shellcheck disable=SC2154  # the lines before say which files
if [ "${#files[@]}" -gt 0 ]; then
  mkdir -p "$RUNNER_TEMP/context/code"
  git ls-files -z -- "${files[@]}" | xargs -0 cp --parents --target-directory="$RUNNER_TEMP/context/code"
fi
