#!/usr/bin/env bash
mlc promote --to="$ENVIRONMENT" -- "$MODEL"
cat .mlc/proposals/promote-*.md >> "$GITHUB_STEP_SUMMARY" 2> /dev/null || true # none where it is pinned already
