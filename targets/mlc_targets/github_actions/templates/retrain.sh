#!/usr/bin/env bash
made="$RUNNER_TEMP/release/$MODEL" head="mlc/retrain/$MODEL" body="$RUNNER_TEMP/body.md"
{
  echo "Newer data of $MODEL, a version trained on it, and what its gates said. Merging releases it to: $ENVIRONMENTS."
  printf '\n| gate | | |\n|---|---|---|\n'
  jq --raw-output '.verdicts[] | "| \(.gate) | \(.status) | \(.reason) |"' "$made/evidence.json"
  printf '\n'
  mlc plan --format markdown
} > "$body"
for environment in $ENVIRONMENTS; do
  mlc release "$MODEL" -e "$environment" --image "$(cat "$made/image")" --evidence "$made/evidence.json"
done
mlc build
git add --all -- .
run="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
git commit --quiet --message "Retrain $MODEL" --message "Made by $run"
# The branch is this workflow's own: newer data replaces what was not merged.
git push --quiet --force origin "HEAD:refs/heads/$head"
url=$(gh pr list --repo "$GITHUB_REPOSITORY" --head "$head" --state open --json url --jq '.[].url')
if [ -n "$url" ]; then
  gh pr edit "$url" --body-file "$body"
else
  gh pr create --repo "$GITHUB_REPOSITORY" --base "$BRANCH" --head "$head" --title "Retrain $MODEL" --body-file "$body"
fi
