/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The control page: a small device by which a test guest talks to its VMM.
 *
 * Registers are 64 bits wide, at multiples of 8; a narrower load reads part of
 * one, a narrower store is served by SCRATCH alone. What is not listed reads
 * as 0 and ignores stores.
 *
 * Locks: none; any vCPU may access it at any time. The choice of a RAM region
 * is one for the whole VM, so guests look at regions from one vCPU at a time.
 */
#ifndef CMD_CONTROL_H
#define CMD_CONTROL_H

#include "tally.h"
#include "tessera/vcpu.h"

#define CONTROL_GPA UINT64_C(0x09040000)

enum control_register {
	CONTROL_EXIT = 0x00,	    /* W: end the guest with this status */
	CONTROL_MARK = 0x08,	    /* W: a step number for the timeline */
	CONTROL_TAG_EXITS = 0x10,   /* R */
	CONTROL_PROMOTIONS = 0x18,  /* R */
	CONTROL_FAULT_EXITS = 0x20, /* R: memory faults other than TAG */
	CONTROL_FLAGS = 0x28,	    /* R: CONTROL_FLAG_* */
	CONTROL_VCPUS = 0x30,	    /* R */
	CONTROL_RAM = 0x38,	    /* W: choose a region; R: its bytes, 0 if there is none */
	CONTROL_RAM_BASE = 0x40,    /* R: where the chosen region starts */
	CONTROL_RAM_KIND = 0x48,    /* R: enum tsr_ram_kind of it, 0 if there is none */
	CONTROL_CLOCK = 0x50,	    /* R: the host's monotonic clock, ns */
	CONTROL_SCRATCH = 0x58,	    /* RW: eight bytes of memory */
	CONTROL_HOLE_EXITS = 0x60,  /* R: MMIO exits where there is no device */
	CONTROL_UNIT = 0x68,	    /* R: bytes that a promotion takes at once */
	CONTROL_LOOK = 0x70,	    /* W: an address; R: the 8 bytes that the VMM reads there */
	CONTROL_LOOK_ERROR = 0x78,  /* R: 0, or why it reads none: errno */
};

#define CONTROL_FLAG_NOTAG 1 /* the host enforces NoTagAccess */
#define CONTROL_FLAG_MTE   2 /* the VM has MTE */
#define CONTROL_FLAG_LAZY  4 /* its tags are lazy */

struct control {
	struct tsr_ram *ram; /* constant, as all but the last three */
	const struct tally *tally;
	uint64_t flags;
	uint64_t vcpus;
	uint64_t unit;
	_Atomic uint64_t chosen;
	_Atomic uint64_t scratch;
	_Atomic uint64_t looked;
};

enum control_event {
	CONTROL_DONE,	/* nothing more to do than to go on */
	CONTROL_EXITED, /* the guest ends with mmio->value */
	CONTROL_MARKED, /* it reached step mmio->value */
};

/* Serves one access inside the page; puts what a load reads into mmio->value. */
enum control_event control_access(struct control *control, struct tsr_mmio *mmio);

#endif
