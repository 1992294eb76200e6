// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * bench-e2e WHAT COUNT: what one of these costs, in nanoseconds of
 * the host's monotonic clock, which under QEMU's -icount shift=0 are instructions. The
 * least of several rounds, since interrupts of the host only add.
 *
 *	hypercall	HVC with PSCI_VERSION, answered by the hypervisor
 *	load, store	MMIO answered by this program
 *	fault		the first store to a page that the host has in memory already;
 *			between the markers of bench/count.c in the first round
 *	touch-WHEN-SIZE	the first store to a page of memory that nobody has touched yet, in a
 *			VM with MTE whose guest uses no tags; WHEN is lazy or eager, the
 *			host's pages are 4k or 2m
 *	again-WHEN	and a store to such a page once it is mapped
 *	open-N		the Nth page of a block of 2 MiB that is opened to tags
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "../tests/abi/guest.h"
#include "../tests/abi/machine.h"
#include "mark.h"

#define ROUNDS 5

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Runs a snippet to its end, and answers its MMIO with what is there. */
static uint64_t run(struct machine *m, const void *snippet, uint64_t x0, uint64_t x1)
{
	uint64_t start;

	machine_call(m, snippet, x0, x1);
	start = now();
	do {
		if (machine_run(m))
			errx(1, "the guest does not run: exit reason %u", m->run->exit_reason);
	} while (!machine_done(m, NULL));
	return now() - start;
}

/* The cost of one of @count, what a single one takes around the loop left out. */
static double loop(struct machine *m, const void *snippet, uint64_t x0, uint64_t count)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t one = run(m, snippet, x0, 1);
		uint64_t all = run(m, snippet, x0, count + 1);

		if (all - one < best)
			best = all - one;
	}
	return (double)best / (double)count;
}

/* Pages that are there, so that the hypervisor's part is all that is left. */
static double fault(struct machine *m, uint64_t count)
{
	uint8_t *memory = memory_anon(count * PAGE);
	uint64_t best = UINT64_MAX;

	madvise(memory, count * PAGE, MADV_NOHUGEPAGE);
	memset(memory, 1, count * PAGE);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t cold, warm;

		machine_slot(m, TEST_SLOT, 0, TEST_GPA, count * PAGE, memory);
		run(m, guest_hvc_loop, 0, 1);
		if (!i)
			mark_start();
		cold = run(m, guest_touch_loop, TEST_GPA, count);
		if (!i)
			mark_end();
		warm = run(m, guest_touch_loop, TEST_GPA, count);
		machine_slot(m, TEST_SLOT, 0, 0, 0, NULL);
		if (cold - warm < best)
			best = cold - warm;
	}
	return (double)best / (double)count;
}

static void device_attr(int device, uint32_t group, uint64_t attr, uint64_t value)
{
	struct kvm_device_attr set = { .group = group, .attr = attr, .addr = (uintptr_t)&value };

	if (call(device, KVM_SET_DEVICE_ATTR, (unsigned long)&set) < 0)
		err(1, "the VM's interrupt controller cannot be set up");
}

/* Where the hypervisor has an interrupt controller, it has one, as in any real VMM. */
static void interrupt_controller(struct machine *m)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };

	if (call(m->vm, KVM_CREATE_DEVICE, (unsigned long)&device) < 0)
		return;
	device_attr((int)device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST,
		    0x08000000);
	device_attr((int)device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST,
		    0x080a0000);
	device_attr((int)device.fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
}

/* Memory that is nobody's yet, to the guest: all that the host does for it, too. */
static uint8_t *untouched(uint64_t size, bool huge)
{
	uint8_t *memory = memory_anon(size + BLOCK);
	uint8_t *at = (uint8_t *)(((uintptr_t)memory + BLOCK - 1) & ~(BLOCK - 1));

	madvise(memory, size + BLOCK, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return at;
}

static double touch(struct machine *m, uint64_t count, bool huge, bool again)
{
	uint8_t *memory = untouched(count * PAGE, huge);
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t cold, warm, cost;

		machine_slot(m, TEST_SLOT, 0, TEST_GPA, count * PAGE, memory);
		run(m, guest_hvc_loop, 0, 1);
		cold = run(m, guest_touch_loop, TEST_GPA, count);
		warm = run(m, guest_touch_loop, TEST_GPA, count);
		machine_slot(m, TEST_SLOT, 0, 0, 0, NULL);
		madvise(memory, count * PAGE, MADV_DONTNEED);
		cost = again ? warm : cold - warm;
		if (cost < best)
			best = cost;
	}
	return (double)best / (double)count;
}

/* A page of memory that is there and closed; the guest's own work and its exit are in it. */
static uint64_t store_tag(struct machine *m, uint64_t page)
{
	return run(m, guest_stg, TEST_GPA + page * PAGE, 1);
}

/* The least of @blocks. */
static double open_page(struct machine *m, uint64_t nth, uint64_t blocks)
{
	uint8_t *memory = untouched(blocks * BLOCK, true);
	uint64_t best = UINT64_MAX;

	memset(memory, 1, blocks * BLOCK);
	machine_slot(m, TEST_SLOT, 0, TEST_GPA, blocks * BLOCK, memory);
	for (uint64_t block = 0; block < blocks; block++) {
		uint64_t first = block * (BLOCK / PAGE), cold;

		run(m, guest_touch_loop, TEST_GPA + first * PAGE, 1);
		for (uint64_t page = 1; page < nth; page++)
			store_tag(m, first + 7 * page);
		cold = store_tag(m, first + 7 * nth);
		cold -= store_tag(m, first + 7 * nth);
		if (cold < best)
			best = cold;
	}
	return (double)best;
}

/* touch-WHEN-SIZE, again-WHEN and open-N, in a machine of their own. */
static double tagged(const char *what, uint64_t count)
{
	bool again = !strncmp(what, "again", 5), opens = !strncmp(what, "open-", 5);
	bool lazy = opens || strstr(what, "lazy");
	struct machine m;
	double cost;

	machine_open(&m, MACHINE_MTE | MACHINE_MMU | (lazy ? MACHINE_LAZY : 0));
	interrupt_controller(&m);
	machine_checks(&m, false);
	cost = opens ? open_page(&m, strtoull(what + 5, NULL, 0), count)
		     : touch(&m, count, strstr(what, "2m"), again);
	machine_close(&m);
	return cost;
}

int main(int argc, char **argv)
{
	uint64_t count = argc == 3 ? strtoull(argv[2], NULL, 0) : 0;
	struct machine m;
	double cost = 0;

	if (!count)
		errx(2, "usage: bench-e2e WHAT COUNT");
	env_init();
	if (!strncmp(argv[1], "touch-", 6) || !strncmp(argv[1], "again-", 6) ||
	    !strncmp(argv[1], "open-", 5)) {
		printf("%s %.2f\n", argv[1], tagged(argv[1], count));
		return 0;
	}
	machine_open(&m, 0);
	interrupt_controller(&m);
	if (!strcmp(argv[1], "hypercall"))
		cost = loop(&m, guest_hvc_loop, 0, count);
	else if (!strcmp(argv[1], "load"))
		cost = loop(&m, guest_load_loop, MMIO_GPA, count);
	else if (!strcmp(argv[1], "store"))
		cost = loop(&m, guest_store_loop, MMIO_GPA, count);
	else if (!strcmp(argv[1], "fault"))
		cost = fault(&m, count);
	else
		errx(2, "there is no %s to measure", argv[1]);
	printf("%s %.0f\n", argv[1], cost);
	machine_close(&m);
	return 0;
}
