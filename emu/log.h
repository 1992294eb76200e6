/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What core asked of the machine through the seam, in order. A test may watch one
 * address: each event then tells what the tables said of it at that moment, as the
 * hardware would read them, so that "invalid before the TLBI" can be asserted.
 */
#ifndef EMU_LOG_H
#define EMU_LOG_H

#include "types.h"

enum emu_event_kind {
	EMU_DSB,
	EMU_TLBI_RANGE, /* first: gfn, count: pages, level */
	EMU_TLBI_VMID,
	EMU_CLEAN_POC,	/* first: hpa, count: bytes */
	EMU_ICACHE_POU, /* first: hpa, count: bytes */
	EMU_TAGS,	/* first: hpa, count: pages */
};

struct emu_event {
	enum emu_event_kind kind;
	u64 first;
	u64 count;
	int level;
	u64 desc; /* the last descriptor of the watched address's walk, 0: not valid */
};

/* Forgets all events and the watch. */
void emu_log_reset(void);
void emu_log_add(enum emu_event_kind kind, u64 first, u64 count, int level);
/* Each event from now on records what @desc_of says of @arg. */
void emu_log_watch(u64 (*desc_of)(void *arg), void *arg);

unsigned int emu_log_count(void);
const struct emu_event *emu_log_at(unsigned int i);
/* How many events of @kind there are; and the first from @from on, or NULL. */
unsigned int emu_log_count_of(enum emu_event_kind kind);
const struct emu_event *emu_log_find(enum emu_event_kind kind, unsigned int from);

#endif
