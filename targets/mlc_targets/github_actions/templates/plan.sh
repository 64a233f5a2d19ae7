#!/usr/bin/env bash
# What the base branch has rendered, so that the plan says what this pull request changes.
for folder in deploy docs/models .github/workflows; do
  rm -rf -- "$folder"
  if git cat-file -e "HEAD^1:./$folder" 2> /dev/null; then
    git restore --source='HEAD^1' -- "$folder"
  fi
done
mlc plan --format markdown > "$RUNNER_TEMP/plan.md"
cat "$RUNNER_TEMP/plan.md" >> "$GITHUB_STEP_SUMMARY"
