#!/usr/bin/env bash
# In the environment, the token stays out of the list of processes.
credentials=$(printf 'x-access-token:%s' "$GH_TOKEN" | base64 --wrap=0)
echo "::add-mask::$credentials"
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$GITHUB_SERVER_URL/.extraheader"
export GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $credentials"
echo .mlc/ >> "$(git rev-parse --git-path info/exclude)"
git config user.name 'github-actions[bot]'
git config user.email '41898282+github-actions[bot]@users.noreply.github.com'
