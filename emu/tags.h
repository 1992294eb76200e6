/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Allocation tags of the emulated machine's memory. Of each page: the host's flag, which says
 * that the page carries live tags, and one value that stands for all of its tags. Where the
 * flag is clear the value is what an earlier owner has left: memory begins with EMU_TAG_STALE
 * everywhere, and a guest that ever reads it was let in too early.
 */
#ifndef EMU_TAGS_H
#define EMU_TAGS_H

#include "types.h"

#define EMU_TAG_STALE 0xa

/* No page has live tags. */
void emu_tags_reset(void);
bool emu_tags_live(struct hpa hpa);
/* 0 to 15. */
u8 emu_tag(struct hpa hpa);
/* What a store of tags does, by a guest or a process that has the page mapped for it. */
void emu_tag_store(struct hpa hpa, u8 value);
/* Unless @pages pages at @hpa have live tags, they are zero and live from now on. */
void emu_tags_sanitise(struct hpa hpa, u64 pages);
/* The host gives the pages away: of whose they were nothing is live. */
void emu_tags_drop(struct hpa hpa, u64 pages);
/* The host moves the contents of @pages pages, live tags with them. */
void emu_tags_move(struct hpa from, struct hpa to, u64 pages);
/* Of so many pages, how many have live tags. */
u32 emu_tags_count(struct hpa hpa, u64 pages);

#endif
