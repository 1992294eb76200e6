// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * QEMU's edu (its docs/specs/edu.rst) behind the SMMU, assigned to a guest: BAR 0 in a slot by
 * vfio-pci, in a VM with MTE where the host has that. The guest drives it; the device answers,
 * and moves the guest's memory by DMA.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../abi/guest.h"
#include "../abi/machine.h"
#include "../abi/tap.h"
#include "device.h"
#include "vfio.h"

/* Below 1 GiB stage 1 has Device memory, as a guest's driver would. */
#define BAR_GPA	 0x10000000UL
#define BAR_SLOT 2
#define RAM_SIZE (8 * PAGE)
/* edu addresses 28 bits. */
#define RAM_IOVA 0x100000UL

#define EDU_ID	      0x00 /* 32 bits each */
#define EDU_LIVENESS  0x04
#define EDU_FACTORIAL 0x08
#define EDU_STATUS    0x20
#define EDU_DMA_FROM  0x80 /* 64 bits each */
#define EDU_DMA_TO    0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_CMD   0x98
#define EDU_BUFFER    0x40000

#define EDU_BUSY       1UL /* of STATUS: it computes */
#define EDU_DMA_RUN    1UL
#define EDU_DMA_TO_RAM 2UL

#define TAG   9
#define COUNT 128 /* bytes of a transfer */

static bool put(struct machine *m, uint64_t reg, uint64_t value)
{
	const void *store = reg < EDU_DMA_FROM ? guest_str_w : guest_str;

	return machine_finishes(m, store, BAR_GPA + reg, value, NULL);
}

static uint64_t get(struct machine *m, uint64_t reg)
{
	uint64_t value = 0;

	if (!machine_finishes(m, reg < EDU_DMA_FROM ? guest_ldr_w : guest_ldr, BAR_GPA + reg, 0,
			      &value))
		tap_note("register %#lx cannot be read", (unsigned long)reg);
	return value;
}

/* Waits, for 10 s at most, until @bits of a register are clear. */
static bool settles(struct machine *m, uint64_t reg, uint64_t bits)
{
	for (int tries = 0; tries < 1000; tries++) {
		if (!(get(m, reg) & bits))
			return true;
		usleep(10000);
	}
	return false;
}

static bool transfer(struct machine *m, uint64_t from, uint64_t to, uint64_t command)
{
	return put(m, EDU_DMA_FROM, from) && put(m, EDU_DMA_TO, to) &&
	       put(m, EDU_DMA_COUNT, COUNT) && put(m, EDU_DMA_CMD, command | EDU_DMA_RUN) &&
	       settles(m, EDU_DMA_CMD, EDU_DMA_RUN);
}

static void registers(struct machine *m)
{
	tap_ok((get(m, EDU_ID) & 0xff) == 0xed, "the guest reads the device's identity");
	tap_ok(put(m, EDU_LIVENESS, 0x5a0ff0a5) && get(m, EDU_LIVENESS) == (uint32_t)~0x5a0ff0a5,
	       "what the guest stores comes back inverted by the device");
	tap_ok(put(m, EDU_FACTORIAL, 10) && settles(m, EDU_STATUS, EDU_BUSY) &&
		       get(m, EDU_FACTORIAL) == 3628800,
	       "the device computes for the guest");
}

/* The guest's bytes to the device and back to another of its pages, whose tag stays. */
static void dma(struct machine *m, const uint8_t *ram)
{
	const uint64_t source = TEST_GPA, target = TEST_GPA + 2 * PAGE;
	uint64_t value = 0;
	bool pass = true;

	for (uint64_t i = 0; i < COUNT; i += 8)
		pass &= machine_finishes(m, guest_str, source + i, 0x0101010101010101 * (i + 1),
					 NULL);
	if (env.mte)
		pass &= machine_finishes(m, guest_stg, target, TAG, NULL);
	tap_ok(pass && transfer(m, RAM_IOVA, EDU_BUFFER, 0), "the device reads the guest's memory");
	pass = transfer(m, EDU_BUFFER, RAM_IOVA + 2 * PAGE, EDU_DMA_TO_RAM);
	tap_ok(pass && !memcmp(ram, ram + 2 * PAGE, COUNT) && ram[COUNT - 1] == COUNT - 7,
	       "and writes it");
	tap_ok(machine_finishes(m, guest_ldr, target + 8, 0, &value) &&
		       value == 0x0101010101010101 * 9,
	       "the guest reads what the device has written");
	if (env.mte)
		tap_ok(machine_finishes(m, guest_ldg, target, 0, &value) && value == TAG,
		       "and its tag is there still");
	else
		tap_skip(env_lacks(NEED_MTE), "and its tag is there still");
}

/* vfio-pci takes the BAR from who has it mapped while the device does not decode it. */
static void taken(struct machine *m, struct vfio *v)
{
	long ret;

	vfio_decode(v, false);
	machine_call(m, guest_ldr_w, BAR_GPA + EDU_ID, 0);
	ret = machine_run(m);
	tap_ok(machine_faulted(m, ret, KVM_MEMORY_EXIT_FLAG_READ, BAR_GPA),
	       "a BAR that is taken away: a load exits");
	machine_call(m, guest_str_w, BAR_GPA + EDU_LIVENESS, 1);
	ret = machine_run(m);
	tap_ok(machine_faulted(m, ret, KVM_MEMORY_EXIT_FLAG_WRITE, BAR_GPA), "and so does a store");
	vfio_decode(v, true);
	tap_ok((get(m, EDU_ID) & 0xff) == 0xed, "given back, it works");
}

void test_assigned(void)
{
	struct vfio v;
	const char *lacks = vfio_open(&v);
	uint8_t *ram = memory_anon(RAM_SIZE);
	struct machine m;

	if (lacks) {
		tap_skip(lacks, "an assigned device");
		return;
	}
	vfio_map(&v, ram, RAM_SIZE, RAM_IOVA);
	machine_open(&m, MACHINE_MMU | (env.mte ? MACHINE_MTE : 0));
	if (env.mte)
		machine_checks(&m, false);
	tap_errno(machine_slot(&m, BAR_SLOT, env.mte ? KVM_MEM_TSR_TAGS_OPTIONAL : 0, BAR_GPA,
			       v.bar_size, v.bar),
		  0, "a BAR in a slot of a VM %s MTE", env.mte ? "with" : "without");
	tap_errno(machine_slot(&m, TEST_SLOT, 0, TEST_GPA, RAM_SIZE, ram), 0,
		  "memory that the device reaches by DMA");
	registers(&m);
	dma(&m, ram);
	taken(&m, &v);
	machine_close(&m);
	vfio_close(&v);
	munmap(ram, RAM_SIZE);
}
