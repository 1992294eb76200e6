# SPDX-License-Identifier: GPL-2.0-only OR MIT
# Each allocation of the module fails once (allocfail.c), and what was allocated is found
# again (kmemleak): for kernels that can do both, the debug kernel.
# machines: max
# only: full
# options: --append kmemleak=on
# timeout: 300
if [ ! -e /proc/self/fail-nth ]; then
	echo "1..1"
	echo "ok 1 - each allocation fails # SKIP this kernel injects no faults"
	exit
fi

debug=/sys/kernel/debug
for what in failslab fail_page_alloc; do
	echo N >$debug/$what/ignore-gfp-wait
done
echo N >$debug/fail_page_alloc/ignore-gfp-highmem
echo 0 >$debug/fail_page_alloc/min-order
# Each fault would leave its call trace in the log.
for what in failslab fail_page_alloc fail_usercopy; do
	echo 0 >$debug/$what/verbose
done
[ ! -e $debug/kmemleak ] || echo clear >$debug/kmemleak
test-allocfail >/tmp/tap || status=$?
count=$(sed -n 's/^1\.\.//p' /tmp/tap)
grep -v '^1\.\.' /tmp/tap
echo "1..$((${count:-0} + 1))"
if [ ! -e $debug/kmemleak ]; then
	echo "ok - nothing of the module's is lost # SKIP this kernel has no kmemleak"
	exit ${status:-0}
fi

# What was freed by RCU has to be gone, and what is new is not looked at for 5 s.
sleep 6
echo scan >$debug/kmemleak
echo scan >$debug/kmemleak
cat $debug/kmemleak >/tmp/leaks
grep -q '\[tessera\]' /tmp/leaks && {
	printf 'not '
	sed 's/^/# /' /tmp/leaks >/tmp/note
}
echo "ok - nothing of the module's is lost"
[ ! -e /tmp/note ] || cat /tmp/note
exit ${status:-0}
