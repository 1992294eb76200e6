#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR MIT
# The quick ones of KVM's own selftests (tests/kvm/list); ./dev kvmtests has them all.
# machines: max cortex-a76
# also: newest
# options: --file @kvmtests@:/kvmtests --file tests/kvm:/kvmlist
# timeout: 300
grep -v "^#" /kvmlist/list | grep " quick" >/tmp/todo
echo "1..$(wc -l </tmp/todo)"
sh /kvmlist/guest.sh </tmp/todo | grep '^kvmtest: ' |
	while read -r _ name verdict seconds reason; do
		case $verdict in
		pass) echo "ok - $name" ;;
		skip) echo "ok - $name # SKIP $reason" ;;
		*) echo "not ok - $name: $reason ($seconds s)" ;;
		esac
	done
