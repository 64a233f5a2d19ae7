#!/usr/bin/env bash
options=(-e "$ENVIRONMENT" --reason="$REASON")
if [ -n "$VERSION" ]; then options+=(--to="$VERSION"); fi
mlc rollback "${options[@]}" -- "$MODEL"
cat .mlc/proposals/rollback-*.md >> "$GITHUB_STEP_SUMMARY"
