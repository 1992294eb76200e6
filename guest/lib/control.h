/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The control page: what a guest asks of its VMM (`tessera run` answers; see
 * vmm/cmd). All registers are 64 bits wide. A guest that runs without this page
 * (bare QEMU, say) takes an external abort at its first use.
 */
#ifndef GUEST_CONTROL_H
#define GUEST_CONTROL_H

#include "layout.h"
#include "mem.h"
#include "types.h"

#define CONTROL_EXIT	     0x00 /* W: end the guest with this status */
#define CONTROL_MARK	     0x08 /* W: a step number for the timeline */
#define CONTROL_TAG_EXITS    0x10 /* R: TAG exits so far */
#define CONTROL_PROMOTIONS   0x18 /* R: promotions so far */
#define CONTROL_FAULT_EXITS  0x20 /* R: other MEMORY_FAULT exits so far */
#define CONTROL_FLAGS	     0x28 /* R: CONTROL_FLAG_... */
#define CONTROL_VCPUS	     0x30 /* R: number of vCPUs */
#define CONTROL_RAM_SIZE     0x38 /* W: choose a RAM region; R: its bytes, 0 if there is none */
#define CONTROL_RAM_BASE     0x40 /* R: IPA of the chosen region */
#define CONTROL_RAM_KIND     0x48 /* R: enum ram_kind of the chosen region */
#define CONTROL_CLOCK	     0x50 /* R: the host's monotonic clock, ns */
#define CONTROL_SCRATCH	     0x58 /* RW: eight bytes, accesses of any size */
#define CONTROL_HOLE_EXITS   0x60 /* R: MMIO exits so far where there is no device */
#define CONTROL_PROMOTE_UNIT 0x68 /* R: bytes that a promotion takes at once */
#define CONTROL_LOOK	     0x70 /* W: an address; R: the eight bytes that the VMM finds there */
#define CONTROL_LOOK_ERROR   0x78 /* R: 0, or why it finds none: errno */

#define CONTROL_FLAG_NOTAG (1 << 0) /* the host enforces NoTagAccess */
#define CONTROL_FLAG_MTE   (1 << 1) /* the VM has MTE */
#define CONTROL_FLAG_LAZY  (1 << 2) /* its tags are lazy */

/* Statuses for CONTROL_EXIT. */
#define EXIT_PASSED 0
#define EXIT_FAILED 1
#define EXIT_DIED   2

static inline u64 control_read(u32 reg)
{
	return mem_load64(CONTROL_BASE + reg);
}

static inline void control_write(u32 reg, u64 value)
{
	mem_store64(CONTROL_BASE + reg, value);
}

/* Ends the guest with @status; by PSCI SYSTEM_OFF where there is no control page. */
noreturn void guest_exit(u64 status);

#endif
