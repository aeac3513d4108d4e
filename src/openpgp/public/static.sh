#!/bin/sh
# SPDX-License-Identifier: ISC
# static.sh CC… -- OUTPUT ARCHIVE…: one object of all that the first archive needs, with only llk_* seen from outside.
set -eu
cc=
while [ "$1" != -- ]; do
	cc="$cc $1"
	shift
done
output=$2
first=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
$cc -nostdlib -r -o "$work/all.o" -Wl,--whole-archive "$first" -Wl,--no-whole-archive -Wl,--start-group "$@" -Wl,--end-group
objcopy --wildcard --keep-global-symbol='llk_*' "$work/all.o" "$work/letterlock.o"
rm -f "$output"
ar rcsD "$output" "$work/letterlock.o"
