#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# tests/lint.sh: what a reader would otherwise have to check. Looks at
# every file git knows or would add.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd -P)
. "$top/host/lib.sh"
cd "$top"

files=$(git ls-files -co --exclude-standard | while read -r file; do
	[ ! -f "$file" ] || echo "$file"
done)
c_files=$(echo "$files" | grep '\.[chS]$' || :)
c_sources=$(echo "$files" | grep "\\.[ch]\$" || :)
scripts=$(for file in $files; do
	case $file in
	*.sh) echo "$file" ;;
	*) ! head -n 1 "$file" | grep -q '^#!' || echo "$file" ;;
	esac
done)

# Each check prints what is wrong, a line each, or nothing.

check_licence()
{
	for file in $files; do
		case $file in
		LICENSES/* | .gitignore | .clang-format) continue ;;
		module/* | host/direct/* | tests/device/Kbuild | tests/device/compat.h | \
			tests/device/testdev.c)
			want='GPL-2\.0-only'
			;;
		*) want='GPL-2\.0-only OR MIT' ;;
		esac
		sed -n '1,2{/^#!/!p}' "$file" | head -n 1 |
			grep -q -E "SPDX-License-Identifier: $want( (\*/|-->))?\$" ||
			echo "$file: its first line is not the SPDX line of $want"
	done
}

# A message is not broken over lines, so that it can be searched for.
check_size()
{
	for file in $c_files $scripts; do
		lines=$(wc -l <"$file")
		[ "$lines" -le 600 ] || echo "$file: $lines lines; 600 is the most"
		expand "$file" | awk -v file="$file" 'length($0) > 100 && !/pr_[a-z]*\("/ {
			print file ":" NR ": longer than 100 columns"
		}'
		grep -n '[ 	]$' "$file" | sed "s|^\([0-9]*\):.*|$file:\1: ends in blanks|"
	done
}

# Flat switches may be longer: those of which every third line is a case.
check_functions()
{
	for file in $c_files; do
		awk -v file="$file" '
		/^\{/ { start = NR; cases = 0 }
		/^\tcase |^\tdefault:/ { cases++ }
		/^\}/ {
			lines = NR - start - 1
			if (start && lines > 60 && cases * 3 < lines)
				print file ":" start ": a function of " lines " lines; 60 is most"
			start = 0
		}' "$file"
	done
}

check_includes()
{
	for file in $c_files; do
		may=$(sed -n "s|^${file%%/*}	||p" tests/includes)
		sed -n 's/^#[ 	]*include[ 	]*"\(.*\)"/\1/p' "$file" |
			while read -r header; do
				[ "$header" = seam_os.h ] || seen "$file" "$header" "$may" ||
					echo "$file: may not include $header (tests/includes)"
			done
	done
	grep -n -E '^#[ 	]*include[ 	]*<' core/*.[ch] core/*/*.[ch] 2>/dev/null |
		grep -v -e "<emmintrin\.h>" -e "<arm_neon\.h>" |
		sed 's/$/: core includes no header of an OS/'
}

# seen FILE HEADER FOLDERS: is HEADER, as FILE names it, in one of FOLDERS?
seen()
{
	for folder in $3; do
		case $2 in
		../*)
			path=$(realpath -m --relative-to=. "${1%/*}/$2")
			[ "${path%%/*}" != "$folder" ] || return 0
			;;
		*)
			found=$(find "$folder" -path "*/$2" 2>/dev/null | head -n 1)
			[ -z "$found" ] || return 0
			;;
		esac
	done
	return 1
}

# The brackets keep the words out of this file.
check_words()
{
	for file in $files; do
		grep -n -I -E "^(<{7}|>{7})( |$)" "$file" |
			sed "s|^|$file:|; s|\$|: a merge was left unfinished|"
		grep -n -I -w -E 'TO[D]O|FI[X]ME|X[X]X|HA[C]K' "$file" |
			sed "s|^|$file:|; s|\$|: an open end|"
		grep -n -I -E '/wo[r]k/|/tmp/w[t]|\.\./sha[r]ed|/ho[m]e/[a-z]' "$file" |
			sed "s|^|$file:|; s|\$|: a path of one machine|"
		grep -n -I -i -E 'deb\.[d]ebian|[m]irror\.[a-z]|ftp\.[d]ebian' "$file" |
			sed "s|^|$file:|; s|\$|: names a package archive|"
	done
}

check_scripts()
{
	for file in $scripts; do
		case $file in
		*.sh | host/init) ;;
		*) [ "$(head -n 1 "$file")" = '#!/bin/sh' ] || echo "$file: not POSIX sh" ;;
		esac
	done
	# shellcheck disable=SC2086 # a list of files
	host/in-root sh -c 'shellcheck -s sh -S warning -f gcc "$@" || [ $? = 1 ]' \
		sh $scripts || echo "shellcheck did not run"
}

check_format()
{
	# shellcheck disable=SC2086 # a list of files
	host/in-root clang-format --dry-run $c_sources 2>&1 |
		sed -n "s/: warning: code should be clang-formatted.*/: clang-format differs/p"
}

check_quotes()
{
	if [ -x docs/quote ] && ! docs/quote --check 2>&1; then
		echo "docs quotes what is no longer so"
	fi
}

check_states()
{
	docs/states --check 2>&1 || :
	docs/registers --check 2>&1 || :
	docs/states --numbers | host/in-root aarch64-linux-gnu-gcc-14 -fsyntax-only \
		-Iinclude/uapi -x c - 2>&1 ||
		echo "docs/abi.md: its numbers are not those of the headers"
}

check_matrix()
{
	docs/matrix --check 2>&1 || :
}

failed=0
number=0
for check in licence size functions includes words scripts format quotes states matrix; do
	found=$(check_$check)
	number=$((number + 1))
	if [ -z "$found" ]; then
		echo "ok $number - $check"
	else
		failed=1
		echo "not ok $number - $check"
		echo "$found" | sed 's/^/# /'
	fi
done
echo "1..$number"
exit $failed
