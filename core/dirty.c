// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "dirty.h"
#include "seam.h"

/* Over so many clean pages a run goes on: one walk and one invalidation are less than two. */
#define RUN_GAP (1ULL << TSR_LEVEL_BITS)

struct dirty_log *dirty_log_make(u64 pages, bool set)
{
	u64 words = dirty_words(pages);
	struct dirty_log *log = seam_alloc(sizeof(*log) + 2 * words * sizeof(u64));

	if (!log)
		return NULL;
	log->pages = pages;
	log->bits = (u64 *)(log + 1);
	log->copy = log->bits + words;
	if (set) {
		memset(log->bits, 0xff, words * sizeof(u64));
		log->bits[words - 1] >>= words * DIRTY_WORD_PAGES - pages;
	}
	return log;
}

void dirty_log_free(struct dirty_log *log)
{
	seam_free(log);
}

/* Returns the word as it was. */
static u64 dirty_word_change(u64 *word, u64 clear, u64 set)
{
	u64 old = READ_ONCE(*word), was;

	while ((was = cmpxchg_release(word, old, (old & ~clear) | set)) != old)
		old = was;
	return old;
}

void dirty_log_mark(struct dirty_log *log, u64 page)
{
	u64 *word = &log->bits[page / DIRTY_WORD_PAGES];
	u64 bit = BIT_ULL(page % DIRTY_WORD_PAGES);

	if (!(READ_ONCE(*word) & bit))
		dirty_word_change(word, 0, bit);
}

void dirty_log_read(struct dirty_log *log, u64 first, u64 end)
{
	for (u64 i = first; i < end; i++)
		log->copy[i] = READ_ONCE(log->bits[i]);
}

void dirty_log_take(struct dirty_log *log, u64 first, u64 end)
{
	for (u64 i = first; i < end; i++)
		if (log->copy[i])
			log->copy[i] &= dirty_word_change(&log->bits[i], log->copy[i], 0);
}

void dirty_log_give(struct dirty_log *log, u64 first, u64 end)
{
	for (u64 i = first; i < end; i++)
		if (log->copy[i])
			dirty_word_change(&log->bits[i], 0, log->copy[i]);
}

/* The first page from @page on whose bit is not that of @flip, or @end. */
static u64 dirty_find(const u64 *map, u64 page, u64 end, u64 flip)
{
	while (page < end) {
		u64 word = READ_ONCE(map[page / DIRTY_WORD_PAGES]) ^ flip;

		word >>= page % DIRTY_WORD_PAGES;
		if (word) {
			page += (u64)__builtin_ctzll(word);
			break;
		}
		page += DIRTY_WORD_PAGES - page % DIRTY_WORD_PAGES;
	}
	return page < end ? page : end;
}

struct gfn_range dirty_log_run(const struct dirty_log *log, u64 *page, u64 end)
{
	u64 begin = dirty_find(log->copy, *page, end, 0), last = begin, next = begin;

	while (next < end) {
		u64 limit;

		last = dirty_find(log->copy, next, end, ~0ULL);
		limit = end - last > RUN_GAP ? last + RUN_GAP : end;
		next = dirty_find(log->copy, last, limit, 0);
		if (next == limit || dirty_find(log->bits, last, next, 0) < next)
			break;
	}
	*page = last;
	return (struct gfn_range){ begin, last };
}
