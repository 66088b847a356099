#!/bin/sh
# Builds the eBPF objects that are committed beside their sources: sh scripts/build-bpf.sh [DIRECTORY]
# Needs clang 14 and libbpf-dev. The same compiler gives the same bytes, which scripts/build-bpf.test.ts checks.
set -eu
cd "$(dirname "$0")/.."
out=${1:-}
for source in src/linux/bpf/*.bpf.c; do
  object=${source%.c}.o
  [ -z "$out" ] || object=$out/$(basename "$object")
  clang-14 -O2 -g -target bpf -Wall -Werror -ffile-prefix-map="$PWD"=. -I"/usr/include/$(uname -m)-linux-gnu" -c "$source" -o "$object"
done
