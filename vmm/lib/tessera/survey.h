/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A survey of a running VM's memory: what is true of each page right now, as
 * cells, runs of pages that are alike.
 *
 * It is put together from three sources: the hypervisor's answer to
 * KVM_TSR_QUERY_MEMORY (attributes, and what stage 2 maps), the host's page map
 * of this process (PAGEMAP_SCAN: what stands behind), and the library's own
 * records (what has not arrived, what was promoted). Each is of its own moment;
 * the guest runs on meanwhile.
 *
 * Invariants of the cells of a survey: by rising address, no two overlap, none
 * is empty, neighbours that touch differ in something.
 *
 * Locks: takes the gate's, piece by piece. Any thread may survey, one at a time.
 */
#ifndef TESSERA_SURVEY_H
#define TESSERA_SURVEY_H

#include "tessera/lazy.h"
#include "tessera/vm.h"

/* What the host has behind a page. The numbers are those of a snapshot's text. */
enum tsr_behind {
	TSR_BEHIND_NOTHING, /* nothing yet: it reads as zeroes, or as the file's page */
	TSR_BEHIND_ZERO,    /* the host's page of zeroes */
	TSR_BEHIND_FILE,    /* the page cache of a file or memfd */
	TSR_BEHIND_OWN,	    /* memory of this VM alone */
	TSR_BEHIND_SWAP,    /* such memory, swapped out */
	TSR_BEHIND_UNKNOWN, /* the host does not say */
	TSR_BEHIND_COUNT,
};

#define TSR_CELL_MAPPED	  (1U << 0) /* stage 2 has an entry */
#define TSR_CELL_YOUNG	  (1U << 1) /* its access flag is set */
#define TSR_CELL_HUGE	  (1U << 2) /* the host maps it as part of a huge page */
#define TSR_CELL_WAITING  (1U << 3) /* its contents have not arrived */
#define TSR_CELL_PROMOTED (1U << 4) /* it was promoted */
#define TSR_CELL_DIRTY	  (1U << 5) /* it is not what its backing began with, as far as known */
#define TSR_CELL_PRIVATE  (1U << 6) /* the host does not see it: nothing is behind it here */
#define TSR_CELL_FLAGS	  0x7fU

struct tsr_cell {
	struct tsr_range gpa;
	uint64_t denied;    /* TSR_FAULT_*, by attributes */
	uint64_t granted;   /* TSR_FAULT_*, by stage 2; TAG in a VM with MTE alone */
	unsigned int order; /* log2 of the pages that one stage-2 entry maps */
	enum tsr_behind behind;
	unsigned int flags; /* TSR_CELL_* */
};

/* Called with each cell; an error ends the survey with it. */
typedef int (*tsr_cell_fn)(void *opaque, const struct tsr_cell *cell);

/*
 * Surveys one region. @lazy: what fills it, or NULL. Without tessera
 * (struct tsr_host) nothing is known of attributes and stage 2: 0.
 *
 * Errors: those of the ioctls but PAGEMAP_SCAN, without which what is behind is
 * unknown; those of @cell.
 */
int tsr_survey(struct tsr_vm *vm, const struct tsr_ram_region *region, struct tsr_lazy *lazy,
	       tsr_cell_fn cell, void *opaque);

#endif
