#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# tests/bad/edit.sh NAME: print the known-bad variant NAME of its file of core, and
# what it must be caught with. Where the edit no longer applies the test says so.
set -eu
list=${0%/*}/list

field()
{
	awk -F '\t+' -v name="$1" -v field="$2" '$1 == name { print $field }' "$list"
}

file=$(field "$1" 2)
script=$(field "$1" 4)
applies=true
if [ ! -e "$file" ] || sed -e "$script" "$file" | cmp -s - "$file"; then
	applies=false
fi
[ ! -e "$file" ] || sed -e "$script" "$file"
cat <<END
extern const char bad_expected[];
extern const bool bad_applies;
const char bad_expected[] = "$(field "$1" 3)";
const bool bad_applies = $applies;
END
