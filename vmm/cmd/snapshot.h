/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A snapshot of a VM's memory: what `tessera run` tells `tessera inspect`, as
 * text, a line a fact:
 *
 *	tessera-snapshot 1
 *	vm PID VCPUS MTE NOTAG TESSERA MISSING
 *	slot START SIZE KIND EXCLUSIVE :PATH
 *	cell START SIZE DENIED GRANTED ORDER BEHIND FLAGS
 *	...
 *	end CELLS
 *
 * Numbers are hexadecimal; KIND is enum tsr_ram_kind, the others are those of
 * struct tsr_cell. Cells follow the slot that they are in, by rising address;
 * what a slot's cells leave out, nothing is known of. PATH is the rest of the
 * line; in it what is no printing ASCII character, blanks and % are %xx.
 *
 * The reader trusts nothing: numbers, order, ranges and counts are checked, so
 * that what it returns can be drawn. It is given a limit and never holds more.
 */
#ifndef CMD_SNAPSHOT_H
#define CMD_SNAPSHOT_H

#include <stdio.h>

#include "tessera/survey.h"

#define SNAPSHOT_CELLS_MAX (UINT32_C(1) << 20)

/* Which pages of a slot have tags; who knows it gives it to the slot. */
struct snapshot_tags {
	struct tsr_pages pages;
	uint64_t holding; /* so many have */
	uint64_t encoded; /* bytes that a dump of them takes */
};

struct snapshot_slot {
	struct tsr_range gpa;
	enum tsr_ram_kind kind;
	bool exclusive;
	char path[256];
	size_t first, last;		  /* its cells are cells[first] up to before cells[last] */
	const struct snapshot_tags *tags; /* NULL: not known; never read or written here */
};

struct snapshot {
	uint64_t pid, vcpus;
	uint64_t missing; /* pages that have not arrived */
	bool mte, notag, tessera;
	struct snapshot_slot slots[TSR_RAM_REGIONS_MAX];
	size_t slot_count;
	struct tsr_cell *cells;
	size_t cell_count;
	bool cut; /* there are more cells than a snapshot may have */
};

/*
 * Surveys a VM and writes its snapshot. @lazy may be NULL.
 *
 * Errors: those of tsr_survey(); -EIO if the stream failed.
 */
int snapshot_write(FILE *file, struct tsr_vm *vm, const struct tsr_ram *ram, struct tsr_lazy *lazy,
		   unsigned int vcpus);

/* The parts of it, for tests. */
void snapshot_write_slot(FILE *file, const struct snapshot_slot *slot);
void snapshot_write_cell(FILE *file, const struct tsr_cell *cell);

/*
 * Reads a snapshot; snapshot_free() it.
 *
 * Errors, explained in @why: -EPROTO for what is not one, or is not complete;
 * -ENOMEM. Nothing is held then.
 */
int snapshot_read(FILE *file, struct snapshot *snapshot, struct tsr_why *why);
void snapshot_free(struct snapshot *snapshot);

#endif
