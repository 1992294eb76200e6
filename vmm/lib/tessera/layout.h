/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What a VM's memory is to look like, before any of it exists.
 *
 * A specification names a range of guest addresses and what backs it. These
 * functions are pure: they read text and numbers, and touch no memory, file or
 * device.
 *
 * Invariants of a specification that tsr_ram_spec_parse() made: the range is
 * page aligned and not empty; path is set for files and for nothing else.
 */
#ifndef TESSERA_LAYOUT_H
#define TESSERA_LAYOUT_H

#include <stddef.h>

#include "tessera/range.h"
#include "tessera/why.h"

#define TSR_RAM_REGIONS_MAX 16

/* The numbers are shown to guests; see vmm/cmd/control.h. */
enum tsr_ram_kind {
	TSR_RAM_ANON = 1,     /* private anonymous memory: can hold tags */
	TSR_RAM_MEMFD,	      /* a memfd, shared: can hold tags */
	TSR_RAM_FILE_PRIVATE, /* the page cache of a file, copied on write */
	TSR_RAM_FILE_SHARED,  /* the page cache of a file; stores reach the file */
};

struct tsr_ram_spec {
	struct tsr_range gpa;
	enum tsr_ram_kind kind;
	bool exclusive; /* FILE_SHARED: nobody else maps or reads it while the VM runs */
	char path[256];
	bool guest_memfd; /* ANON, MEMFD: pages may be private (tessera/private.h) */
};

/*
 * Reads a size or an address: decimal or 0x..., with an optional suffix
 * k, M, G or T (powers of 1024). Stops at the end of the text or at ':'.
 *
 * Errors: -EINVAL if it is no such number, -ERANGE if it exceeds 64 bits.
 */
int tsr_number_parse(const char *text, uint64_t *value, const char **end);

/*
 * Reads "ADDR:SIZE", page aligned. Stops at the end of the text or at ':'.
 *
 * Errors: -EINVAL and -ERANGE, -EOVERFLOW, explained in @why.
 */
int tsr_range_parse(const char *text, struct tsr_range *range, const char **end,
		    struct tsr_why *why);

/*
 * Reads "[ADDR:]SIZE[:anon|:memfd|:file=PATH[,private|,shared|,exclusive]]".
 * Without ADDR the range starts at @default_start; "exclusive" means shared.
 *
 * Errors: -EINVAL and -ERANGE, explained in @why.
 */
int tsr_ram_spec_parse(const char *text, uint64_t default_start, struct tsr_ram_spec *spec,
		       struct tsr_why *why);

/*
 * Checks that the ranges overlap neither each other nor @reserved (where the
 * VMM has its devices). *@address_bits is how many bits a guest-physical
 * address needs to reach all of them.
 *
 * Errors: -EINVAL (none at all, too many, overlap), explained in @why.
 */
int tsr_layout_check(const struct tsr_ram_spec *specs, size_t count,
		     const struct tsr_range *reserved, size_t reserved_count,
		     unsigned int *address_bits, struct tsr_why *why);

const char *tsr_ram_kind_name(enum tsr_ram_kind kind);

#endif
