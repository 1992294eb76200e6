/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * How memory looks in a picture: each cell of a snapshot has a look, and a
 * piece of memory that a picture shows as one spot has the look that most of
 * its bytes have, not counting those where there is nothing. Pure.
 *
 * The look says what the guest can do there now; where nothing is mapped, why.
 */
#ifndef CMD_LOOK_H
#define CMD_LOOK_H

#include "snapshot.h"

enum look_class {
	LOOK_UNKNOWN, /* the snapshot says nothing */
	LOOK_NOTHING, /* neither the guest nor the host has anything there */
	LOOK_HOST,    /* the host has memory there, the guest has not mapped it */
	LOOK_WAITING, /* it has not arrived */
	LOOK_HIDDEN,  /* private, not mapped */
	LOOK_CLOSED,  /* attributes deny reads, writes and fetches */
	LOOK_PARTLY,  /* attributes deny something, nothing is mapped */
	LOOK_RWX,     /* mapped: all is granted */
	LOOK_RW,      /* mapped: all but fetches */
	LOOK_NOTAG,   /* mapped in a VM with MTE: reads and writes, tag accesses exit */
	LOOK_RX,      /* mapped: reads, perhaps fetches, no writes */
	LOOK_X,	      /* mapped: fetches alone */
	LOOK_OTHER,   /* mapped: some other set */
	LOOK_PRIVATE, /* mapped: all, and private */
	LOOK_CLASSES,
};

struct look {
	enum look_class kind;
	bool block;    /* mapped by blocks of 2 MiB or 1 GiB */
	bool dirty;    /* TSR_CELL_DIRTY */
	bool promoted; /* TSR_CELL_PROMOTED */
	bool tagged;   /* a page of it has tags, as far as snapshot_slot.tags tells */
};

struct look_name {
	char letter;	     /* in text; a block's is the capital */
	const char *colour;  /* #rrggbb */
	const char *meaning; /* a few words */
};

extern const struct look_name look_names[LOOK_CLASSES];

struct look look_of(const struct snapshot *snapshot, const struct tsr_cell *cell);

bool look_equal(struct look a, struct look b);

/*
 * Fills @looks with those of @count pieces of @unit bytes from @start on; what
 * lies outside of @slot is LOOK_UNKNOWN. *@at is where to look first among the
 * cells: slot->first to begin with, then left alone while @start rises.
 */
void looks_sample(const struct snapshot *snapshot, const struct snapshot_slot *slot, size_t *at,
		  uint64_t start, uint64_t unit, struct look *looks, size_t count);

/* The letter of what has tags, whatever else it looks like. */
#define LOOK_TAGGED_LETTER 't'

/* Bytes of a slot of which something holds. */
struct look_sums {
	uint64_t mapped, blocks, closed, waiting, dirty, promoted, behind, tags, private;
};

struct look_sums look_sums_of(const struct snapshot *snapshot, const struct snapshot_slot *slot);

/*
 * The picture as text; @list: and every cell, a line each. Where it is known which
 * pages have tags, what has some shows as that alone, and @list has runs of them.
 */
void picture_text(FILE *file, const struct snapshot *snapshot, bool list);

/* The picture as SVG. */
void picture_svg(FILE *file, const struct snapshot *snapshot);

/*
 * One of them on standard output, or SVG in file @svg; @list as above. Returns the
 * exit status, having said what failed.
 */
int picture_draw(const struct snapshot *snapshot, const char *svg, bool list);

#endif
