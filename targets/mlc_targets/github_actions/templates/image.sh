#!/usr/bin/env bash
context="$RUNNER_TEMP/context" recipe="deploy/images/$MODEL" image="$REPOSITORY/$MODEL"
version=$(sed -n 's/^LABEL mlc\.dev\/version="sha256:\([0-9a-f]\{12\}\).*/\1/p' "$recipe/Dockerfile")
mkdir -p "$context/wheels" "$RUNNER_TEMP/image/$MODEL"
cp -R "$recipe/." "$context"
if [ -d "$WHEELS" ]; then cp -R "$WHEELS/." "$context/wheels"; fi
if [ "$TRAINED" = true ]; then
  cp -R "$RUNNER_TEMP/release/$MODEL/package" "$context/package"
else
  # Only the recipe has changed: the package comes out of the image that is pinned.
  pin=$(grep --files-with-matches "^version: sha256:$version" environments/*/"$MODEL".yaml | sed -n 1p)
  container=$(docker create "$(sed -n 's/^image: //p' "$pin")")
  docker cp "$container:/opt/mlc/package" "$context/package"
  docker rm "$container"
fi
# A tag of its own keeps the image from being cleaned away when the version's tag moves on.
docker build --tag "$image:v-$version" --tag "$image:v-$version-$GITHUB_RUN_ID" "$context"
docker push --all-tags "$image"
docker inspect --format '{{index .RepoDigests 0}}' "$image:v-$version" > "$RUNNER_TEMP/image/$MODEL/image"
