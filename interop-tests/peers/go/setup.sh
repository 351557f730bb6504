#!/usr/bin/env bash
# Builds the programs of the peer in Go into target/peers/go: `setup.sh`. `setup.sh lint` checks their source.
set -euo pipefail

say() { printf 'peers/go: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

goal=${1:-build}
case $# in 0 | 1) ;; *) goal='' ;; esac
case $goal in build | lint) ;; *) fail "usage: setup.sh [build|lint]" ;; esac

CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
root=$(CDPATH='' cd -- ../../.. && pwd)
built=$root/target/peers/go
programs=(server agent server-program client-program)
protos=(calculator.proto streaming_calculator.proto)

# The settings of the user's own projects do not apply: the programs are for this machine, and the lock file is binding.
unset GOOS GOARCH GOEXPERIMENT
export GOTOOLCHAIN=local GOWORK=off GO111MODULE=on GOFLAGS='-mod=readonly -buildvcs=false -trimpath' CGO_ENABLED=0

oldest=$(sed -n 's/^go //p' go.mod)
install="Install Go $oldest or newer: https://go.dev/doc/install"
command -v go >/dev/null || fail "there is no program go. $install"
version=$(go version 2>&1) || fail "go does not work: $version. $install"
number=$(sed -n 's/^go version .*go\([0-9][0-9.]*\).*/\1/p' <<<"$version")
[[ $(printf '%s\n' "$oldest" "$number" | sort -V | sed -n 1p) == "$oldest" ]] ||
    fail "go is version $number, which is too old. $install"

# Checksums and not times, because switching branches back and forth touches files without changing them.
sources() {
    printf '%s\n' "$version"
    find cmd internal -name rpc -prune -o -name '*.go' -print0 | sort -z | xargs -0 cksum
    cksum go.mod go.sum setup.sh
    (cd -- "$root/proto" && cksum "${protos[@]}")
}

is_current() {
    local file
    for file in "${programs[@]/#/$built/}" internal/rpc/{calculator,streaming_calculator}{,_grpc}.pb.go; do
        [[ -f $file ]] || return 1
    done
    [[ -f $built/setup.stamp && $(<"$built/setup.stamp") == "$1" ]]
}

generate() {
    local python=$root/.venv/bin/python output options=paths=source_relative
    [[ -x $python ]] || fail "there is no protoc: $python is missing. Run make setup in $root"
    go build -o "$temporary/" google.golang.org/protobuf/cmd/protoc-gen-go \
        google.golang.org/grpc/cmd/protoc-gen-go-grpc
    for file in "${protos[@]}"; do options+=,M$file=interop-peer/internal/rpc; done
    mkdir -p "$temporary/rpc" internal/rpc
    output=$(PATH=$temporary:$PATH "$python" -I -m grpc_tools.protoc --proto_path="$root/proto" \
        --go_out="$temporary/rpc" --go_opt="$options" --go-grpc_out="$temporary/rpc" --go-grpc_opt="$options" \
        "${protos[@]}" 2>&1) || fail "protoc failed:"$'\n'"$output"
    mv -f -- "$temporary"/rpc/*.go internal/rpc/
}

build() {
    local output
    mkdir -p "$built"
    # In the same file system as the programs: each one is replaced at once, even while it runs.
    temporary=$(mktemp -d "$built/build.XXXXXX")
    trap 'rm -rf -- "$temporary"' EXIT
    output=$(go mod download 2>&1) || fail "cannot download the modules in go.mod:"$'\n'"$output"$'\n'"This step needs" \
        "the network, a module proxy (GOPROXY), or a module cache that already has them (GOMODCACHE)"
    say "generating code from ${protos[*]}"
    generate
    say "building ${programs[*]}"
    go build -o "$temporary/" "${programs[@]/#/./cmd/}"
    for program in "${programs[@]}"; do mv -f -- "$temporary/$program" "$built/"; done
    printf '%s\n' "$1" >"$built/setup.stamp"
}

# All linters run even when one fails, so that one run shows everything there is to repair.
lint() {
    local failed='' unformatted
    unformatted=$(gofmt -l cmd internal)
    [[ -z $unformatted ]] || failed+=" gofmt -w ${unformatted//$'\n'/ };"
    go vet ./... || failed+=' go vet;'
    go tool staticcheck ./... || failed+=' staticcheck;'
    [[ -z $failed ]] || fail "lint failed:${failed%;}"
}

current=$(sources)
is_current "$current" || build "$current"
[[ $goal == build ]] || lint
