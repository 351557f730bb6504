#!/usr/bin/env bash
# Builds the Node peer into target/peers/node. `setup.sh lint` also checks formats, lints and types.
#
# Everything that is downloaded or generated is in the target folder, which is a copy of this package
# with its node_modules. Without a change since the last build nothing is done.
set -euo pipefail

readonly oldest=20

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Prints a checksum of files.
checksum() { cat -- "$@" | cksum; }

# Whether the step $1 ended with the checksum $2.
is_done() { [[ -f $target/$1.done && $(<"$target/$1.done") == "$2" ]]; }

check_node() {
    local program version
    for program in node npm; do
        command -v "$program" >/dev/null ||
            fail "there is no program $program. Install Node.js $oldest or newer, which contains node and npm:" \
                "https://nodejs.org"
    done
    version=$(node --version)
    version=${version#v}
    ((${version%%.*} >= oldest)) ||
        fail "node is version $version. Install Node.js $oldest or newer: https://nodejs.org"
}

install_packages() {
    local log=$target/npm.log
    cp package.json package-lock.json .npmrc "$target/"
    (cd "$target" && npm ci --include=dev --ignore-scripts --prefer-offline --no-audit --no-fund \
        --fetch-retries=1) >"$log" 2>&1 && return
    if grep -qE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH' "$log"; then
        fail "npm cannot reach its registry, from which it downloads the packages of package-lock.json." \
            "Check the network, and the proxy and registry of \`npm config list\`. The output of npm is in $log"
    fi
    tail -n 20 "$log" >&2
    fail "npm ci failed; its output is in $log"
}

generate_types() {
    rm -rf "$target/proto" "$target/types"
    mkdir -p "$target/proto"
    cp -R ../../../proto/. ../../proto/. "$target/proto/"
    (cd "$target" && node_modules/.bin/proto-loader-gen-types --grpcLib=@grpc/grpc-js \
        --importFileExtension=.js --includeDirs=proto --outDir=types \
        streaming_calculator.proto google/rpc/error_details.proto google/rpc/status.proto) >/dev/null
    # They contain only types, so the compiler must not write programs for them.
    find "$target/types" -name '*.ts' -exec bash -c 'mv "$1" "${1%.ts}.d.ts"' _ {} \;
}

compile() {
    rm -rf "$target/js"
    "$target/node_modules/.bin/tsc" --project tsconfig.json
}

build() {
    local packages sources
    packages=$(checksum package.json package-lock.json .npmrc)
    sources=$(checksum setup.sh tsconfig.json src/*.ts ../../../proto/*.proto ../../proto/*/*/*.proto \
        ../../proto/*/*/*/*.proto)
    check_node
    if ! is_done packages "$packages"; then
        rm -f "$target"/*.done
        install_packages
        echo "$packages" >"$target/packages.done"
    fi
    if ! is_done sources "$sources"; then
        rm -f "$target/sources.done"
        generate_types
        compile
        echo "$sources" >"$target/sources.done"
    fi
}

lint() {
    "$target/node_modules/.bin/biome" ci --error-on-warnings
    "$target/node_modules/.bin/tsc" --project tsconfig.json --noEmit
}

cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
target=$(cd ../../.. && pwd)/target/peers/node
mkdir -p "$target"
case ${1:-build} in
    build) build ;;
    lint) build && lint ;;
    *) fail "the argument must be \`build\`, which is the default, or \`lint\`" ;;
esac
