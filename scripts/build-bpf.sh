#!/bin/sh
# Builds the eBPF objects that are committed beside their sources: sh scripts/build-bpf.sh [--into DIRECTORY] [SOURCE…]
# Needs clang 14, llvm 14 and libbpf-dev. The same compiler gives the same bytes, which scripts/build-bpf.test.ts checks.
set -eu
cd "$(dirname "$0")/.."
into=
if [ "${1:-}" = --into ]; then
  into=$2
  shift 2
fi
[ $# -gt 0 ] || set -- src/linux/bpf/*.bpf.c src/trace/instruments/*/*.bpf.c
for source in "$@"; do
  object=${source%.c}.o
  [ -z "$into" ] || object=$into/$(basename "$object")
  clang-14 -O2 -g -target bpf "-D__TARGET_ARCH_$(uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')" -Wall -Werror \
    -ffile-prefix-map="$PWD"=. -I"/usr/include/$(uname -m)-linux-gnu" -c "$source" -o "$object"
  # DWARF goes, BTF stays: libbpf needs nothing else.
  llvm-strip-14 -g "$object"
done
