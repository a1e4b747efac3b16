#!/bin/sh
# check_headers.sh ROOT WORK COMPILER [FLAGS]: every header of src/ and include/ compiles
# alone, without the precompiled headers that would hide a missing include. Each becomes a
# source of one line, so that ccache answers for what did not change.
set -eu
root=$1 work=$2 compiler=$3
shift 3
mkdir -p "$work"
cd "$root"

check_one='
  header=$1 root=$2 work=$3 compiler=$4
  shift 4
  name=$(echo "$header" | tr / _)
  printf "#include \"%s\"\n" "$root/$header" >"$work/$name.cc.new"
  cmp -s "$work/$name.cc.new" "$work/$name.cc" && rm "$work/$name.cc.new" || mv "$work/$name.cc.new" "$work/$name.cc"
  launcher=$(command -v ccache || true)
  $launcher "$compiler" -std=c++23 -O0 -w -I"$root/src" -I"$root/include" "$@" -c "$work/$name.cc" -o "$work/$name.o" \
    2>"$work/$name.log" || { echo "$header: does not compile alone:"; head -n 5 "$work/$name.log"; exit 1; }
'
find src include -name '*.h' | sort |
  xargs -r -P "$(nproc)" -I {} sh -c "$check_one" check {} "$root" "$work" "$compiler" "$@"
