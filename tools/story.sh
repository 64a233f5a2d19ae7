#!/usr/bin/env bash
# From the first commit to a production that was promoted and rolled back, as one would type it: `make story`.
#
#   tools/story.sh [PROJECT MODEL WORSE OTHER]
#
# Works on a copy of PROJECT with a bare repository as its remote, in a temporary folder. WORSE and OTHER are edits of
# the specs, as sed scripts: one that the gate must stop, and one that passes. Ends with 0 only if all went as told.
set -euo pipefail
cd "$(dirname "$0")/.."

project=${1:-examples/flights} model=${2:-late-arrival}
worse=${3:-'s/params: {max_iter: 150, .*}/params: {max_iter: 1}/'}
other=${4:-'s/max_iter: 150/max_iter: 140/'}
mlc=$PWD/.venv/bin/mlc
if [ ! -x "$mlc" ]; then mlc=$(command -v mlc); fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# --- how it is told ---------------------------------------------------------------------------------------------------
bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; fi
chapter() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
echoed() {
  local word line=
  for word in "$@"; do
    if [[ $word = *[\ \<\*]* ]]; then word="'$word'"; fi
    line+=" $word"
  done
  printf '%s$%s%s\n' "$bold" "$line" "$plain"
}
mlc() { echoed mlc "$@"; "$mlc" "$@" 2>&1; }
git() { echoed git "$@"; command git "$@" 2>&1; }
edit() { # the specs
  echoed sed --in-place "$1"
  command git ls-files -z -- '*.yaml' ':!deploy' ':!environments' | xargs -0 sed --in-place "$1"
  command git --no-pager diff --unified=0 -- '*.yaml' | grep '^[+-][^+-]'
}
refused() { # COMMAND...: it has to say no
  if "$@"; then echo "this should have been refused: $*"; exit 1; fi
  echo "(refused, with exit code 1)"
}
# Environments let a version soak for days. Commits are dated: what is told here takes two weeks.
days_ago() {
  local date="@$(($(date +%s) - $1 * 86400)) +0000"
  export GIT_AUTHOR_DATE="$date" GIT_COMMITTER_DATE="$date"
}
commit() { # MESSAGE
  git add --all
  git commit --quiet -m "$1"
  git push --quiet origin main
}
release() {
  mlc -q run "$model"
  mlc release "$model" -e staging
  mlc build
  commit "Release $model to staging"
}
rolled_out() {
  mlc release "$model" -e staging --rolled-out succeeded --source https://ci.example.org/runs/7
  commit "$model is rolled out in staging"
}
merge() { # BRANCH: what the required checks do on its pull request, and the merge
  git fetch --quiet origin
  git switch --quiet --detach "origin/$1"
  mlc promote --verify --base origin/main
  mlc build --check
  git switch --quiet main
  git merge --quiet --no-ff -m "Merge $1" -m 'Approved-by: Olga <olga@example.org>' "origin/$1"
  git push --quiet origin main
}
in_production() { cat "environments/prod/$model.yaml"; }

# --- what happens -----------------------------------------------------------------------------------------------------
export GIT_CONFIG_GLOBAL="$folder/gitconfig" GIT_CONFIG_NOSYSTEM=1
unset GH_TOKEN GITHUB_TOKEN GITLAB_TOKEN GITHUB_ACTIONS
command git config --global user.name Ada
command git config --global user.email ada@example.org
command git config --global init.defaultBranch main
command git init --quiet --bare "$folder/remote.git"
mkdir "$folder/work"
tar -C "$project" --exclude=./.mlc --exclude=./deploy --exclude=./docs --exclude=./environments --exclude=./mlc.lock \
  --exclude=./.github --exclude=./.mlc-manifest -cf - . | tar -C "$folder/work" -xf -
cd "$folder/work"
echo .mlc/ > .gitignore
# Latency is measured here: on a machine that is busy with other work, its check would end the story early.
find . -name '*.yaml' -exec sed --in-place '/^ *- {latency: /d' {} +

chapter 'The first commit: specs, what the data is, and what follows from both'
days_ago 14
git init --quiet
git remote add origin ../remote.git
mlc lock
mlc build
commit Start

chapter 'A version is trained, passes its gates, and runs in staging'
days_ago 12
release

chapter 'Nobody has said yet how its rollout went: production waits'
refused mlc promote "$model" --to prod
rolled_out
mlc promote "$model" --to prod --push
days_ago 10
merge "mlc/promote/prod/$model"
mlc status
first=$(in_production)

chapter 'An edit that the gate does not let through: nothing gets further'
edit "$worse"
mlc plan --against HEAD
refused mlc -q run "$model"
refused mlc release "$model" -e staging
command git restore .
test "$(in_production)" = "$first"

chapter 'Another edit passes: through staging into production'
days_ago 8
edit "$other"
mlc -q build
release
rolled_out
mlc promote "$model" --to prod --push
days_ago 4
merge "mlc/promote/prod/$model"
test "$(in_production)" != "$first"

chapter 'It does worse than it promised: production goes back'
days_ago 2
mlc rollback "$model" -e prod --reason 'more late flights were missed than before' --push
merge "mlc/rollback/prod/$model"
test "$(in_production)" = "$first"

chapter 'What runs, and how it came to that: from git alone'
mlc status
mlc audit "$model" -e prod
mlc verify
