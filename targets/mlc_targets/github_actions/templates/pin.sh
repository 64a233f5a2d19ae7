#!/usr/bin/env bash
release() { # ENVIRONMENT MODEL
  local made="$RUNNER_TEMP/release/$2" pin="environments/$1/$2.yaml" evidence image version
  version=$(sed -n 's/^LABEL mlc\.dev\/version="sha256:\([0-9a-f]\{12\}\).*/\1/p' "deploy/images/$2/Dockerfile")
  evidence="environments/evidence/$2/$version.json"
  if [ -f "$made/evidence.json" ]; then evidence="$made/evidence.json"; fi
  if jq --exit-status --arg model "$2" 'index($model)' <<< "$IMAGES" > /dev/null; then
    image=$(cat "$made/image") || return 1
  else
    image=$(sed -n 's/^image: //p' "$pin")
  fi
  mlc release "$2" -e "$1" --image "$image" --evidence "$evidence"
}

# When another commit comes between, everything is done again on top of it.
for attempt in 1 2 3 4 5; do
  git fetch --quiet origin "$BRANCH"
  git checkout --quiet --force --detach FETCH_HEAD
  released=() failed=0
  for pair in $(jq --raw-output '.[]' <<< "$PINS"); do
    model=${pair#*/} recipe="deploy/images/${pair#*/}"
    if ! git diff --quiet "$GITHUB_SHA" HEAD -- "$recipe" ":(exclude)$recipe/.mlc-manifest"; then
      echo "::notice::$model has changed since; the run of that commit pins it"
    elif release "${pair%%/*}" "$model"; then
      released+=("$pair")
    else
      echo "::error::$pair is not pinned"
      failed=1
    fi
  done
  if [ "${#released[@]}" -eq 0 ]; then exit "$failed"; fi
  mlc build
  git add --all -- .
  if git diff --cached --quiet; then exit "$failed"; fi
  run="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
  git commit --quiet --message "Release ${released[*]}" --message "Made by $run"
  if git push --quiet origin "HEAD:refs/heads/$BRANCH"; then exit "$failed"; fi
  sleep "$attempt"
done
echo "::error::$BRANCH could not be pushed to"
exit 1
