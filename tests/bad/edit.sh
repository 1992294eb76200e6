#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# tests/bad/edit.sh NAME: print the known-bad variant NAME of its file of core, and
# what it must be caught with. An edit that no longer applies is an error.
set -eu
line=$(awk -F '\t+' -v name="$1" '$1 == name' "${0%/*}/list")
file=$(printf '%s\n' "$line" | awk -F '\t+' '{ print $2 }')
complaint=$(printf '%s\n' "$line" | awk -F '\t+' '{ print $3 }')
script=$(printf '%s\n' "$line" | awk -F '\t+' '{ print $4 }')

if [ -z "$script" ] || sed -e "$script" "$file" | cmp -s - "$file"; then
	echo "tests/bad/list: $1 does not change $file any more." >&2
	exit 1
fi
sed -e "$script" "$file"
printf 'extern const char bad_expected[];\nconst char bad_expected[] = "%s";\n' "$complaint"
