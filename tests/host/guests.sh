#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Runs every guest of guests.list on this host, each under `tessera run`, and
# makes one TAP stream of theirs.
#
# guests.sh [NAME...]: only these guests.
#
# machines: all
# also: newest
# timeout: 900
here=$(dirname "$0")
images=${TSR_GUESTS:-/guest}
disk=${TSR_DISK:-/mnt}
limit=120
vcpus=4

# has WORD LIST: the comma-separated list holds the word.
has()
{
	case ,$2, in
	*,$1,*) return 0 ;;
	esac
	return 1
}

# missing NEEDS: prints why the guest makes no sense on this host, or nothing.
missing()
{
	if has ours "$1" && [ -n "$TSR_STOCK" ]; then
		echo "not on the kernel's own KVM"
	elif has stock "$1" && [ -z "$TSR_STOCK" ]; then
		echo "for the kernel's own KVM"
	elif has mte "$1" && [ -z "$mte" ]; then
		echo "this host has no MTE"
	elif has notag "$1" && [ -z "$notag" ]; then
		echo "this host does not enforce NoTagAccess"
	elif has touch "$1" && [ -n "$notag" ]; then
		echo "this host enforces NoTagAccess"
	fi
}

# prepare OPTION...: sets $options and $numbers, makes the files they name.
prepare()
{
	options='' numbers='' files=0
	for word; do
		case $word in
		'#') break ;;
		:) numbers=: && continue ;;
		*@*)
			files=$((files + 1))
			file=$disk/guest.$files
			size=${word#*@}
			truncate -s "${size%%,*}" "$file"
			word=${word%%@*}$file,${size#*,}
			;;
		esac
		if [ -n "$numbers" ]; then
			numbers="$numbers $word"
		else
			options="$options $word"
		fi
	done
	numbers=${numbers#:}
}

# run_line GUEST NEEDS ENDS OPTION...: TAP of the guest between two @ lines.
run_line()
{
	guest=$1 needs=$2 ends=$3
	shift 3
	prepare "$@"
	label=$(echo "$guest$options$numbers" | sed "s:$disk/guest[.][0-9]*:FILE:g")
	reason=$(missing "$needs")
	if [ -n "$reason" ]; then
		echo "@skip $label # SKIP $reason"
		return
	fi
	! has mte "$needs" || options="--mte $options"
	! has smp "$needs" || options="--vcpus $vcpus $options"
	echo "@begin $ends $label"
	# shellcheck disable=SC2086 # lists of words
	timeout "$limit" tessera run $options "$images/$guest" $numbers 2>&1
	echo "@end $?"
	rm -f "$disk"/guest.*
}

# Numbers anew what the guests report, and adds whether each ended as it should.
combine()
{
	awk -v limit="$limit" '
	function say(passed, text) {
		printf "%sok %d - %s\n", passed ? "" : "not ", ++count, text
		fflush()
	}
	/^@skip / { say(1, substr($0, 7)); next }
	/^@begin / {
		ends = $2
		label = $0
		sub(/^@begin [0-9]+ /, "", label)
		ran = planned = 0
		next
	}
	/^@end / {
		if (ends == 0 && planned != ran)
			say(0, label ": " planned " tests planned, " ran + 0 " ran")
		say($2 == ends, label ": ends with " ends)
		if ($2 != ends)
			print "# it ended with " $2 ($2 == 143 ? ", after " limit " s" : "")
		next
	}
	/^1\.\.0 # SKIP/ { sub(/^1\.\.0 /, ""); say(1, label " " $0); planned = ran; next }
	/^1\.\./ { planned = substr($1, 4); next }
	/^(not )?ok / {
		ran++
		passed = !/^not/
		sub(/^(not )?ok [0-9]* - /, "")
		say(passed, label ": " $0)
		next
	}
	/^#/ { print; next }
	{ print "# " $0 }
	END { print "1.." count + 0 }'
}

mte='' notag=''
! tessera caps | grep -q 'ARM_MTE  *yes' || mte=1
! tessera caps | grep -q 'TSR_NOTAG  *yes' || notag=1
while read -r guest words; do
	case $guest in
	'' | '#'*) continue ;;
	esac
	[ $# = 0 ] || has "$guest" "$(echo "$*" | tr ' ' ,)" || continue
	# shellcheck disable=SC2086 # a list of words
	run_line "$guest" $words </dev/null
done <"$here/guests.list" | combine
