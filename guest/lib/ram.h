/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The RAM regions of the VM, as the control page describes them, and patterns
 * to fill them with.
 */
#ifndef GUEST_RAM_H
#define GUEST_RAM_H

#include "control.h"
#include "layout.h"
#include "types.h"

enum ram_kind { RAM_NONE, RAM_ANON, RAM_MEMFD, RAM_FILE_PRIVATE, RAM_FILE_SHARED };

/* Bytes [base, end) are free for a test. */
struct ram {
	u64 base, end;
	enum ram_kind kind;
};

/*
 * Region @index, without what the image takes of region 0; base = end = 0 and
 * RAM_NONE if there is no such region. Only one vCPU may ask at a time.
 */
struct ram ram_region(u32 index);

/* As ram_region(), but ends the guest as skipped if it has not @pages pages. */
struct ram ram_need(u32 index, u64 pages);

const char *ram_kind_name(enum ram_kind kind);

/* The backing cannot hold tags: page cache of a file system other than tmpfs. */
static inline bool ram_is_file(const struct ram *ram)
{
	return ram->kind == RAM_FILE_PRIVATE || ram->kind == RAM_FILE_SHARED;
}

/* Tags there are the VMM's to supply: of private pages the hypervisor does, if they are lazy. */
static inline bool ram_tags_exit(const struct ram *ram)
{
	bool lazy = control_read(CONTROL_FLAGS) & CONTROL_FLAG_LAZY;

	return ram_is_file(ram) && !(lazy && ram->kind == RAM_FILE_PRIVATE);
}

static inline u64 ram_pages(const struct ram *ram)
{
	return (ram->end - ram->base) / PAGE_SIZE;
}

/* A word that depends on every bit of its arguments (splitmix64's mixer). */
static inline u64 pattern(u64 address, u64 seed)
{
	u64 x = address + seed * 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Fills [@address, @address + @size) with pattern words; both multiples of 8. */
void pattern_fill(u64 address, u64 size, u64 seed);

/* How many words of the range differ from pattern_fill()'s. */
u64 pattern_errors(u64 address, u64 size, u64 seed);

/* Makes instructions written to [@address, @address + @size) visible to fetches. */
void code_sync(u64 address, u64 size);

#endif
