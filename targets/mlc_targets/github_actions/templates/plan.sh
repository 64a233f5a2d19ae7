#!/usr/bin/env bash
# What the base branch has rendered, so that the plan says what this pull request changes.
for built in deploy docs/models .github/workflows .mlc-manifest; do
  rm -rf -- "$built"
  if git cat-file -e "HEAD^1:./$built" 2> /dev/null; then
    git restore --source='HEAD^1' -- "$built"
  fi
done
mlc plan --format markdown > "$RUNNER_TEMP/plan.md"
cat "$RUNNER_TEMP/plan.md" >> "$GITHUB_STEP_SUMMARY"
