#!/usr/bin/env bash
# By schedule or signal a model is left alone for its cooldown; who starts this by hand knows why.
export GITHUB_ACTIONS=false # questions asked of mlc, not findings of this run
mlc show '*' --format json > "$RUNNER_TEMP/models.json"
jq --raw-output --arg event "$EVENT" --arg schedule "$SCHEDULE" --arg model "$MODEL" --arg signal "$SIGNAL" '
  .monitor.retrain as $retrain | select(
    if $event == "schedule" then $retrain.schedule == $schedule
    elif $event == "workflow_dispatch" then .name == $model
    else .name == $model and $retrain != null and ($signal == "" or ($retrain.on | index([$signal]))) end)
  | "\(.name) \($retrain.cooldown // 0 | ceil)"' "$RUNNER_TEMP/models.json" > "$RUNNER_TEMP/wanted"
if [ ! -s "$RUNNER_TEMP/wanted" ]; then
  echo "::notice::no model asks to be trained for this"
  if [ "$EVENT" = workflow_dispatch ]; then exit 1; fi
fi
due=()
while read -r name cooldown; do
  # Branches count as well: what was proposed and not merged yet is not proposed again.
  trained=$(git log -1 --format=%ct HEAD --remotes=origin -- "environments/evidence/$name")
  if [ "$EVENT" != workflow_dispatch ] && [ "$(($(date +%s) - ${trained:-0}))" -lt "$cooldown" ]; then
    echo "::notice::$name was trained less than $cooldown seconds ago"
    continue
  fi
  mlc lock -s "$name" < /dev/null
  if git diff --quiet -- mlc.lock; then
    echo "::notice::the data of $name has not changed since it was locked"
    continue
  fi
  mkdir -p "$RUNNER_TEMP/locks/$name"
  cp mlc.lock "$RUNNER_TEMP/locks/$name/mlc.lock"
  git restore -- mlc.lock
  due+=("$name")
  # GitHub runs 256 jobs of a matrix.
  if [ "${#due[@]}" -ge 256 ]; then
    echo "::warning::256 models are trained at once; start it by hand for the others"
    break
  fi
done < "$RUNNER_TEMP/wanted"
echo "models=$(jq --null-input --compact-output '$ARGS.positional' --args "${due[@]}")" >> "$GITHUB_OUTPUT"
cat "$GITHUB_OUTPUT"
