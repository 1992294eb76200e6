/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A file with the tags of a VM's memory. Numbers are little-endian:
 *
 *	head	"TSRTAGS\n", version (4 bytes), slots (4), then of each slot
 *		its address (8) and its pages (8), then a checksum (4)
 *	batch	address (8), pages (4), bytes (4), so many bytes that
 *		docs/tags-format.md describes, then a checksum (4)
 *	end	all ones (8), pages that have tags (8), a checksum (4)
 *
 * Batches follow the head by rising address; each covers up to 64 pages of one
 * slot, at least one of which has tags. A page in no batch has none. Nothing is
 * behind the end.
 *
 * Checksums are CRC-32 (zlib's): of the head, of each batch, and in the end of all
 * that comes before its checksum. So a batch that is changed is found before it is
 * used, and one that is missing, twice there or from another file at the end.
 *
 * The reader trusts nothing: what it returns lies within the slots that the head
 * names, in order, and the head has at most TSR_RAM_REGIONS_MAX of them, which
 * do not overlap. It never holds more than a batch.
 */
#ifndef CMD_TAGS_FILE_H
#define CMD_TAGS_FILE_H

#include <stdio.h>

#include "tessera/layout.h"

#define TAGS_BATCH_PAGES 64U
#define TAGS_BATCH_BYTES (TAGS_BATCH_PAGES * 128)

struct tags_layout {
	struct tsr_range slots[TSR_RAM_REGIONS_MAX]; /* by rising address */
	size_t count;
};

struct tags_batch {
	uint64_t gpa;
	unsigned int pages;
	uint64_t holds; /* bit n: page n has tags */
	unsigned char tags[TAGS_BATCH_BYTES];
};

/* One for writing or for reading. */
struct tags_file {
	FILE *file;
	struct tags_layout layout;
	uint32_t crc;	  /* of all so far */
	uint64_t holding; /* pages that have tags, so far */
	uint64_t batches; /* so far */
	uint64_t offset;  /* bytes, so far */
	size_t slot;	  /* of the last batch */
	uint64_t filled;  /* up to where that has batches */
};

/* Sorts a layout by address, as a file has it. */
void tags_layout_sort(struct tags_layout *layout);

/* Write the head, a batch (nothing, if none of its pages has tags), the end. -EIO. */
int tags_file_begin(struct tags_file *tags, FILE *file, const struct tags_layout *layout);
int tags_file_add(struct tags_file *tags, const struct tags_batch *batch);
int tags_file_end(struct tags_file *tags);

/*
 * Reads the head, which says what the layout is.
 * Errors, explained in @why: -EPROTO for what is no such file, or is damaged;
 * -EIO.
 */
int tags_file_open(struct tags_file *tags, FILE *file, struct tsr_why *why);

/* Reads a batch. Returns 1; 0 at the end; or an error as above. */
int tags_file_next(struct tags_file *tags, struct tags_batch *batch, struct tsr_why *why);

#endif
