/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The virtual counter: it runs at the frequency it says, never goes back, not
 * over exits and not from one vCPU to the next.
 */
#include "guest.h"

#define ROUNDS	    3000
#define NS_PER_S    1000000000UL
#define INTERVAL_NS 50000000UL
#define TOLERANCE   50 /* one part in fifty */

static u64 latest, backwards[CPU_MAX], standing[CPU_MAX];

static u64 count_now(void)
{
	isb();
	return sysreg_read(cntvct_el0);
}

/* A counter value published before a read, by whatever vCPU, is not above it. */
static void run(u64 index)
{
	u64 published, first = count_now(), now = 0;

	for (u64 round = 0; round < ROUNDS; round++) {
		published = __atomic_load_n(&latest, __ATOMIC_ACQUIRE);
		now = count_now();
		backwards[index] += now < published;
		__atomic_store_n(&latest, now, __ATOMIC_RELEASE);
		if (round % 8 == 0)
			leave(round / 8);
	}
	standing[index] = now == first;
}

static u64 ticks_to_ns(u64 ticks, u64 frequency)
{
	return ticks / frequency * NS_PER_S + ticks % frequency * NS_PER_S / frequency;
}

/* Brackets the host's interval from within and from without by the guest's. */
static void rate_test(void)
{
	u64 frequency = sysreg_read(cntfrq_el0);
	u64 outer, inner, ended, host, start;

	if (!tap_ok(frequency > 0, "CNTFRQ_EL0 is %lu", frequency))
		return;
	outer = count_now();
	start = control_read(CONTROL_CLOCK);
	inner = count_now();
	while (ticks_to_ns(count_now() - inner, frequency) < INTERVAL_NS)
		cpu_relax();
	ended = count_now();
	host = control_read(CONTROL_CLOCK) - start;
	inner = ticks_to_ns(ended - inner, frequency);
	outer = ticks_to_ns(count_now() - outer, frequency);
	tap_ok(host >= inner - inner / TOLERANCE, "the counter is not faster than it says");
	tap_ok(host <= outer + outer / TOLERANCE, "the counter is not slower than it says");
	if (host < inner - inner / TOLERANCE || host > outer + outer / TOLERANCE)
		tap_note("host %lu ns, guest between %lu and %lu", host, inner, outer);
}

u64 main(unused u64 a, unused u64 b, unused u64 c, unused u64 d)
{
	cpu_run_all(run);
	for (u32 i = 0; i < cpu_count(); i++) {
		tap_is(backwards[i], 0, "vCPU %u never saw it go back", i);
		tap_ok(!standing[i], "vCPU %u saw it advance", i);
	}
	rate_test();
	return tap_done();
}
