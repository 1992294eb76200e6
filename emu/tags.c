// SPDX-License-Identifier: GPL-2.0-only OR MIT
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "seam.h"
#include "tags.h"

/* Memory below 64 GiB has tags of its own; what lies above has that of one below. */
#define TAGGED_PAGES (1ULL << 24)

/* A page's byte: the flag, and how its value differs from EMU_TAG_STALE. */
#define PAGE_LIVE 0x80

static struct {
	pthread_mutex_t lock;
	u8 *pages; /* under lock */
} tags = { .lock = PTHREAD_MUTEX_INITIALIZER };

void emu_tags_reset(void)
{
	pthread_mutex_lock(&tags.lock);
	if (tags.pages)
		munmap(tags.pages, TAGGED_PAGES);
	tags.pages = mmap(NULL, TAGGED_PAGES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (tags.pages == MAP_FAILED)
		abort();
	pthread_mutex_unlock(&tags.lock);
}

static u8 *page_of(struct hpa hpa, u64 i)
{
	return &tags.pages[((hpa.addr >> TSR_PAGE_SHIFT) + i) % TAGGED_PAGES];
}

static u8 page_byte(struct hpa hpa)
{
	u8 byte;

	pthread_mutex_lock(&tags.lock);
	byte = *page_of(hpa, 0);
	pthread_mutex_unlock(&tags.lock);
	return byte;
}

bool emu_tags_live(struct hpa hpa)
{
	return page_byte(hpa) & PAGE_LIVE;
}

u8 emu_tag(struct hpa hpa)
{
	return (page_byte(hpa) & 15) ^ EMU_TAG_STALE;
}

void emu_tag_store(struct hpa hpa, u8 value)
{
	pthread_mutex_lock(&tags.lock);
	*page_of(hpa, 0) = PAGE_LIVE | (value ^ EMU_TAG_STALE);
	pthread_mutex_unlock(&tags.lock);
}

void emu_tags_sanitise(struct hpa hpa, u64 pages)
{
	pthread_mutex_lock(&tags.lock);
	for (u64 i = 0; i < pages; i++)
		if (!(*page_of(hpa, i) & PAGE_LIVE))
			*page_of(hpa, i) = PAGE_LIVE | EMU_TAG_STALE;
	pthread_mutex_unlock(&tags.lock);
}

void emu_tags_drop(struct hpa hpa, u64 pages)
{
	pthread_mutex_lock(&tags.lock);
	for (u64 i = 0; i < pages; i++)
		*page_of(hpa, i) &= (u8)~PAGE_LIVE;
	pthread_mutex_unlock(&tags.lock);
}

void emu_tags_move(struct hpa from, struct hpa to, u64 pages)
{
	pthread_mutex_lock(&tags.lock);
	for (u64 i = 0; i < pages; i++) {
		if (*page_of(from, i) & PAGE_LIVE)
			*page_of(to, i) = *page_of(from, i);
		else
			*page_of(to, i) &= (u8)~PAGE_LIVE;
		*page_of(from, i) &= (u8)~PAGE_LIVE;
	}
	pthread_mutex_unlock(&tags.lock);
}

u32 emu_tags_count(struct hpa hpa, u64 pages)
{
	u32 count = 0;

	pthread_mutex_lock(&tags.lock);
	for (u64 i = 0; i < pages; i++)
		count += !!(*page_of(hpa, i) & PAGE_LIVE);
	pthread_mutex_unlock(&tags.lock);
	return count;
}
