// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * bench-private WHAT PAGES: what it costs to convert memory between private and shared, in
 * nanoseconds of the host's monotonic clock, which under QEMU's -icount shift=0 are instructions.
 * By libtessera, so all that a VMM does is in it. WHAT is WAY-STATE-DIRECTION:
 *
 *	call		a page by a guest's hypercall, from there to its next instruction but one;
 *			the mean over PAGES pages
 *	range		PAGES pages in one call of tsr_private_convert()
 *	full, empty	the guest has stored to each page before, or nobody has
 *	hide, share	it becomes private, or shared
 *
 * Of several rounds the least, since interrupts of the host only add; large ranges once. The
 * last round is between the markers of bench/count.c.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../tests/abi/guest.h"
#include "mark.h"
#include "tessera/private.h"
#include "tessera/vcpu.h"

#define CODE_GPA UINT64_C(0x40000000)
#define TEST_GPA UINT64_C(0x80000000)
#define DONE_GPA UINT64_C(0x09000000)
#define BLOCK	 TSR_BLOCK_SIZE
#define ROUNDS	 5
#define LARGE	 65536 /* pages: a round of these takes long */

static struct tsr_host host;
static struct tsr_vm vm;
static struct tsr_ram ram;
static struct tsr_vcpu vcpu;
static struct tsr_private private;
static uint64_t pages;

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void must(int error, const struct tsr_why *why)
{
	if (error)
		errx(1, "%s", why->text);
}

static void machine_make(void)
{
	const struct tsr_ram_spec specs[] = {
		{ .gpa = { CODE_GPA, CODE_GPA + BLOCK }, .kind = TSR_RAM_ANON },
		{ .gpa = { TEST_GPA, TEST_GPA + pages * TSR_PAGE_SIZE },
		  .kind = TSR_RAM_ANON,
		  .guest_memfd = true },
	};
	struct tsr_why why;

	must(tsr_host_open(&host, "/dev/kvm", &why), &why);
	must(tsr_vm_create(&vm, &host, 40, false, &why), &why);
	must(tsr_ram_create(&ram, specs, 2, &why), &why);
	must(tsr_vm_guest_memfds(&vm, &ram, &why), &why);
	must(tsr_vm_add_ram(&vm, &ram, TSR_SLOT_NONE, &why), &why);
	must(tsr_vm_forward(&vm, TSR_CALL_MEM_INFO, 3, &why), &why);
	must(tsr_vcpu_create(&vcpu, &vm, 0, &why), &why);
	must(tsr_vcpu_reset(&vcpu, &why), &why);
	tsr_private_init(&private, &ram, tsr_vm_attributes, &vm, &vm.changes);
	must(tsr_ram_write(&ram, CODE_GPA, guest_begin, (size_t)(guest_end - guest_begin)), &why);
}

/* The store that ended a snippet is done with at the next KVM_RUN, which moves PC. */
static void settle(void)
{
	struct tsr_exit exit;

	tsr_vcpu_kick(&vcpu);
	tsr_vcpu_run(&vcpu, &exit);
	if (exit.kind != TSR_EXIT_KICKED)
		errx(1, "the vCPU does not stop: exit %d", (int)exit.kind);
}

/* Runs a snippet to its end, and answers its call. */
static uint64_t run(const uint8_t *snippet, uint64_t x0, uint64_t x1)
{
	const uint64_t x[10] = { x0, x1, [9] = DONE_GPA }, services[2] = { 0 };
	struct tsr_exit exit;
	struct tsr_why why;
	uint64_t start;

	settle();
	must(tsr_vcpu_set_entry(&vcpu, CODE_GPA + (uint64_t)(snippet - guest_begin), x, 10, &why),
	     &why);
	start = now();
	for (;;) {
		tsr_vcpu_run(&vcpu, &exit);
		if (exit.kind != TSR_EXIT_CALL)
			break;
		if (!tsr_private_answer(&private, &exit.call, services) ||
		    exit.call.x[0] != TSR_CALL_SUCCESS || tsr_vcpu_call_reply(&vcpu, exit.call.x))
			errx(1, "a call is not answered");
	}
	start = now() - start;
	if (exit.kind != TSR_EXIT_MMIO || exit.mmio.gpa != DONE_GPA)
		errx(1, "the guest does not run: exit %d", (int)exit.kind);
	return start;
}

static uint64_t convert_range(bool hide)
{
	uint64_t start = now();
	int error = tsr_private_convert(&private, ram.regions[1].gpa, hide, NULL);

	if (error)
		errx(1, "the memory cannot be converted: %s", strerror(-error));
	return now() - start;
}

static uint64_t convert_calls(bool hide)
{
	uint32_t function = hide ? TSR_CALL_MEM_UNSHARE : TSR_CALL_MEM_SHARE;
	uint64_t before = private.conversions, sum = 0;

	for (uint64_t page = 0; page < pages; page++)
		sum += run(guest_hvc, function, TEST_GPA + page * TSR_PAGE_SIZE);
	if (private.conversions - before != pages)
		errx(1, "not every call has converted a page");
	return sum / pages;
}

/* There and back; the way back is not counted. */
static uint64_t measure_round(bool calls, bool full, bool hide, bool mark)
{
	uint64_t cost;

	if (full)
		run(guest_touch_loop, TEST_GPA, pages);
	if (mark)
		mark_start();
	cost = calls ? convert_calls(hide) : convert_range(hide);
	if (mark)
		mark_end();
	convert_range(!hide);
	return cost;
}

int main(int argc, char **argv)
{
	bool calls, full, hide;
	uint64_t best = UINT64_MAX;
	int rounds;

	if (argc != 3 || !(pages = strtoull(argv[2], NULL, 0)))
		errx(2, "usage: bench-private WHAT PAGES");
	calls = !strncmp(argv[1], "call-", 5);
	full = strstr(argv[1], "-full-");
	hide = strstr(argv[1], "-hide");
	if (!(calls || !strncmp(argv[1], "range-", 6)) || !(full || strstr(argv[1], "-empty-")) ||
	    !(hide || strstr(argv[1], "-share")))
		errx(2, "there is no %s to measure", argv[1]);
	machine_make();
	if (!hide)
		convert_range(true);
	rounds = pages >= LARGE ? 1 : ROUNDS;
	for (int i = 0; i < rounds; i++) {
		uint64_t cost = measure_round(calls, full, hide, i == rounds - 1);

		if (cost < best)
			best = cost;
	}
	printf("%s-%s %llu\n", argv[1], argv[2], (unsigned long long)best);
	tsr_vcpu_destroy(&vcpu);
	tsr_vm_destroy(&vm);
	tsr_ram_destroy(&ram);
	tsr_host_close(&host);
	return 0;
}
