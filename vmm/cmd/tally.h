/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* What happened so far in a VM. Any vCPU thread adds, anyone reads. */
#ifndef CMD_TALLY_H
#define CMD_TALLY_H

#include <stdint.h>

struct tally {
	_Atomic uint64_t tag_exits;    /* memory faults with the TAG need */
	_Atomic uint64_t fault_exits;  /* other memory faults */
	_Atomic uint64_t hole_exits;   /* MMIO where there is no device */
	_Atomic uint64_t promotions;   /* units promoted */
	_Atomic uint64_t promotion_ns; /* spent on them, waiting included */
	_Atomic uint64_t injections;   /* external aborts given to the guest */
	_Atomic uint64_t watched;      /* touches that --watch reported */
	_Atomic uint64_t text_faults;  /* accesses that --protect-text refused */
	_Atomic uint64_t marks;	       /* steps the guest reported */
	_Atomic uint64_t resets;
};

#endif
