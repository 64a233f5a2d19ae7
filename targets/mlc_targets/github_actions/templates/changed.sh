#!/usr/bin/env bash
# A model is pinned anew where its specs differ from what is pinned; its image is made anew where the recipe has
# changed since; it is trained only where no committed evidence stands for its version and its gates.
export GITHUB_ACTIONS=false # questions asked of mlc, not findings of this run
train=() image=() pin=()
for environment in $ENVIRONMENTS; do
  mlc show '*' -e "$environment" --format json > "$RUNNER_TEMP/pinned.json"
  rm -rf -- "environments/$environment"
  mlc show '*' -e "$environment" --format json > "$RUNNER_TEMP/specified.json"
  if git ls-files --error-unmatch "environments/$environment" > /dev/null 2>&1; then
    git restore -- "environments/$environment"
  fi
  models=$(jq --raw-output 'select(has("version")).name' "$RUNNER_TEMP/specified.json")
  differing=$(jq --raw-output --slurp --slurpfile pinned "$RUNNER_TEMP/pinned.json" '
    ($pinned | map(select(has("version")) | {key: .name, value: del(.pin)}) | from_entries) as $before
    | .[] | select(has("version")) | select(del(.pin) != $before[.name]).name' "$RUNNER_TEMP/specified.json")
  for model in $models; do
    # GitHub runs 256 jobs of a matrix.
    if [ "${#image[@]}" -ge 256 ]; then
      echo "::warning::256 models are released at once; the run of the next commit goes on from there"
      break 2
    fi
    file="environments/$environment/$model.yaml" recipe="deploy/images/$model"
    version=$(sed -n 's/^LABEL mlc\.dev\/version="sha256:\([0-9a-f]\{12\}\).*/\1/p' "$recipe/Dockerfile")
    pinned=$(git log -1 --format=%H -- "$file")
    reference=$(sed -n 's/^image: //p' "$file" 2> /dev/null) || reference=
    packed=false
    if [ -n "$reference" ] && git diff --quiet "$pinned" -- "$recipe" ":(exclude)$recipe/.mlc-manifest"; then
      packed=true
    fi
    if $packed && ! grep --quiet --line-regexp --fixed-strings "$model" <<< "$differing"; then continue; fi
    pin+=("$environment/$model")
    if ! grep --quiet "^version: sha256:$version" "$file" 2> /dev/null || ! mlc release "$model" -e "$environment" \
      --image "$reference" --evidence "environments/evidence/$model/$version.json"; then
      packed=false
      train+=("$model")
    fi
    if ! $packed; then image+=("$model"); fi
  done
done
for list in train image pin; do
  declare -n names="$list"
  echo "$list=$(jq --null-input --compact-output '$ARGS.positional | unique' --args "${names[@]}")" >> "$GITHUB_OUTPUT"
done
cat "$GITHUB_OUTPUT"
