/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The emulated machine's physical memory: a pool of pages that tables and guest RAM are
 * taken from, with physical addresses of their own. There is one machine a process, as
 * the seam's functions name no other; a test begins with emu_phys_reset().
 *
 * Every allocation is counted and can be made to fail, and a page that is no table is
 * never read as one: emu_phys_desc() reports it, and AddressSanitizer whatever else touches
 * freed pages.
 */
#ifndef EMU_PHYS_H
#define EMU_PHYS_H

#include "types.h"

#define EMU_PHYS_PAGES 65536U

/* Forgets all that was allocated; nothing fails. Call it between tests. */
void emu_phys_reset(void);

/* Makes the @nth allocation from now on fail (1: the next); 0: none. Of any kind. */
void emu_fail_nth(unsigned long nth);
/* Did it come to that? */
bool emu_fail_happened(void);
/* Counts an allocation; true if it is the one to fail. */
bool emu_fail_now(void);

/* Tables that are allocated, in pages, and pieces of ordinary memory. */
unsigned long emu_tables_live(void);
unsigned long emu_allocs_live(void);
void emu_allocs_add(long n);

/* 2^@order naturally aligned pages of guest RAM; never fails by emu_fail_nth(). */
struct hpa emu_ram_alloc(unsigned int order);

/*
 * Reads the descriptor at @hpa as hardware would. False: there is no table now, so the
 * hardware would read whatever the page became.
 */
bool emu_phys_desc(u64 hpa, u64 *desc);

/*
 * What the hardware does to a descriptor: @desc in place of @was. False: it is no longer
 * @was, or no table; nothing is changed.
 */
bool emu_phys_update(u64 hpa, u64 was, u64 desc);

#endif
