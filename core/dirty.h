/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The dirty log of one slot: a bit a page, set when a vCPU is given leave to write the page
 * (api.rst 4.8, KVM_GET_DIRTY_LOG).
 *
 * Invariant, outside of a harvest: of a slot with a log no leaf grants W but to pages whose
 * bits are set. A fault sets the bit and installs the leaf under one shared hold of s2_lock. A
 * harvest takes bits first and W from their pages after, exclusively: a page that is
 * written once more after that faults and sets its bit anew; what was written before is in
 * memory when the harvest returns.
 *
 * A log lives as long as its slot is published with it. Whoever holds s2_lock with an
 * invalidate sequence that has not moved (vm.h) since it copied the slot may use the slot's.
 */
#ifndef CORE_DIRTY_H
#define CORE_DIRTY_H

#include "types.h"

#define DIRTY_WORD_PAGES 64U

struct dirty_log {
	u64 pages; /* constant: of the slot */
	u64 *bits; /* [atomic], little endian: bit 0 of word 0 is the slot's first page */
	u64 *copy; /* [vm->lock] of a harvest: what it has taken */
};

static inline u64 dirty_words(u64 pages)
{
	return pages / DIRTY_WORD_PAGES + !!(pages % DIRTY_WORD_PAGES);
}

/* A log of @pages pages, all dirty if @set, else none. NULL: no memory. Sleeps. */
struct dirty_log *dirty_log_make(u64 pages, bool set);
/* NULL is nothing. */
void dirty_log_free(struct dirty_log *log);

/* Page @page, below log->pages, is dirty. Atomic. */
void dirty_log_mark(struct dirty_log *log, u64 page);

/* log->copy of words [@first, @end) becomes what is dirty; nothing changes. vm->lock. */
void dirty_log_read(struct dirty_log *log, u64 first, u64 end);
/* Takes from the log those bits of [@first, @end) that log->copy has; it keeps what there was. */
void dirty_log_take(struct dirty_log *log, u64 first, u64 end);
/* Gives the words [@first, @end) of log->copy back to the log. vm->lock. */
void dirty_log_give(struct dirty_log *log, u64 first, u64 end);

/*
 * The next pages in a row, in [*@page, @end), for which W is to go: they begin and end with
 * pages that were taken, and what lies between is taken or clean. *@page becomes the first
 * after them. Empty: none is left. vm->lock.
 */
struct gfn_range dirty_log_run(const struct dirty_log *log, u64 *page, u64 end);

#endif
