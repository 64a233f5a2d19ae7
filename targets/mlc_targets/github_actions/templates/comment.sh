#!/usr/bin/env bash
# One comment for each pull request and project, written anew with each push.
marker="<!-- mlc plan of $PROJECT -->"
plan="$RUNNER_TEMP/plan.md" body="$RUNNER_TEMP/comment.md"
run="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
{
  echo "$marker"
  # GitHub takes 65,536 characters.
  awk '{ size += length($0) + 1 } size > 60000 { exit } { print }' "$plan"
  if [ "$(wc --chars < "$plan")" -gt 60000 ]; then
    printf '\nThe plan is longer than a comment may be: [all of it](%s).\n' "$run"
  fi
} > "$body"
comments="repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments"
mine=".[] | select(.user.type == \"Bot\" and (.body | startswith(\"$marker\"))) | .id"
id=$(gh api --paginate "$comments" --jq "$mine" | sed -n 1p)
if [ -n "$id" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$body" --silent
else
  gh api --method POST "$comments" --field "body=@$body" --silent
fi
