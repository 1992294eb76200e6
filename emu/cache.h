/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What the caches of all CPUs may hold of the emulated memory, and what goes wrong with it.
 *
 * Data caches are physically tagged and coherent with each other (Arm ARM D7.5), so that there
 * is one of them here; and since hardware may fetch and write back a line at any time, there
 * is no list of lines, but a record of what may be for each page, which is what core cares for:
 *	dirty	a line may be newer than memory: whoever goes past the caches misses it, and what
 *		he writes may be overwritten when the line is written back
 *	stale	a line may be older than memory: somebody wrote past the caches, and memory that
 *		anybody maps cacheable may be fetched by speculation
 *	unseen	memory was written by others than its guest since instruction caches were told:
 *		they may hold what was there before
 *	unclean	the same for what has to get from data caches to the PoU first
 * A mistake is reported when an access meets one of these, whether or not a cache would have
 * done so in this run.
 *
 * Two views of a page can differ (B2.16, mismatched attributes): its guest's, by the leaf and,
 * without FEAT_S2FWB, by the guest's own choice, for which it is taken to turn its caches on
 * or off as a whole; and the host's, which is cacheable for memory that the kernel maps,
 * whatever else maps it.
 *
 * What the kernel does not map has no line cleaned but through a window (core/seam.h).
 *
 * The memory is that of emu_ram_alloc(); other addresses are ignored. One machine a process.
 * Locks: none of the caller's; all functions may be called from any thread.
 */
#ifndef EMU_CACHE_H
#define EMU_CACHE_H

#include "mmu.h"
#include "types.h"

/* Each is a complaint. */
enum emu_cache_rule {
	EMU_CACHE_PAST,	      /* read past a line that may be newer */
	EMU_CACHE_OVERWRITES, /* written past a line that may be written back over it */
	EMU_CACHE_STALE,      /* read or written by a line that may be older */
	EMU_CACHE_FETCH,      /* fetched what instruction caches may have of before */
	EMU_CACHE_POU,	      /* fetched what may not have got to the PoU */
	EMU_CACHE_WINDOW,     /* a window shared or closed that is not open, or left open */
	EMU_CACHE_RULES
};

struct emu_cache_host {
	bool dic, idc; /* CTR_EL0 */
};

/* Forgets everything. RAM that is allocated from now on has been zeroed by the kernel. */
void emu_cache_begin(const struct emu_cache_host *host);
/* No window is left; the kernel looks at all memory that it maps. */
void emu_cache_end(void);

/* The kernel does not map [@hpa, @hpa + @bytes), and has written none of it. */
void emu_cache_unmapped(struct hpa hpa, u64 bytes);

/* The guests' caches are on or off from now on, where it is theirs to say; on at first. */
void emu_cache_guest_enable(bool on);
/* A guest's access by @walk, which has no fault. */
void emu_cache_guest(const struct emu_walk *walk, enum emu_access access);
/* Whoever else accesses the page of @hpa. */
void emu_cache_host(struct hpa hpa, bool write, bool cacheable);

/* Complaints since emu_cache_begin(), and the first in words, or NULL. */
unsigned int emu_cache_complaints(void);
unsigned int emu_cache_complaints_of(enum emu_cache_rule rule);
const char *emu_cache_complaint(void);
/* Pages that a window is open over. */
unsigned int emu_cache_windows(void);

/* --- For emu/ alone. --- */

void emu_cache_ram(struct hpa hpa, u64 bytes);
void emu_cache_clean_inval(struct hpa hpa, u64 bytes);
void emu_cache_icache_inval(struct hpa hpa, u64 bytes);
/* One more user of each page's window, one more of one that is open, one less. */
void emu_cache_window_open(struct hpa hpa, u64 bytes);
void emu_cache_window_share(struct hpa hpa, u64 bytes);
void emu_cache_window_close(struct hpa hpa, u64 bytes);

#endif
