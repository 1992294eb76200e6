// SPDX-License-Identifier: GPL-2.0-only OR MIT
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>

#include "cache.h"
#include "lock.h"
#include "phys.h"
#include "scheduler.h"
#include "seam.h"
#include "tags.h"
#include "tlb.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)	  ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum page_use { PAGE_FREE, PAGE_TABLE, PAGE_RAM };

/* Set once by emu_phys_reset(), before any thread. */
u8 *emu_phys_base;

/* All under lock. */
static struct {
	pthread_mutex_t lock;
	u8 use[EMU_PHYS_PAGES];
	unsigned int hint; /* no page below is free */
	unsigned int ram;  /* pages from here on are RAM, taken from the end */
	unsigned long tables;
	long allocs;
	unsigned long fail_in; /* 0: never */
	bool failed;
} phys = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void *page_ptr(unsigned int page)
{
	return emu_phys_base + page * TSR_PAGE_SIZE;
}

void emu_phys_reset(void)
{
	emu_tlb_end();
	emu_lock_reset();
	emu_tags_reset();
	if (!emu_phys_base) {
		emu_phys_base = mmap(NULL, EMU_PHYS_PAGES * TSR_PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (emu_phys_base == MAP_FAILED)
			abort();
		ASAN_POISON_MEMORY_REGION(emu_phys_base, EMU_PHYS_PAGES * TSR_PAGE_SIZE);
	}
	/* Of free pages and of RAM none was unpoisoned. */
	for (unsigned int page = 0; page < EMU_PHYS_PAGES; page++)
		if (phys.use[page] == PAGE_TABLE)
			ASAN_POISON_MEMORY_REGION(page_ptr(page), TSR_PAGE_SIZE);
	memset(phys.use, PAGE_FREE, sizeof(phys.use));
	phys.hint = 0;
	phys.ram = EMU_PHYS_PAGES;
	phys.tables = 0;
	phys.allocs = 0;
	phys.fail_in = 0;
	phys.failed = false;
}

void emu_fail_nth(unsigned long nth)
{
	pthread_mutex_lock(&phys.lock);
	phys.fail_in = nth;
	phys.failed = false;
	pthread_mutex_unlock(&phys.lock);
}

bool emu_fail_happened(void)
{
	return phys.failed;
}

bool emu_fail_now(void)
{
	bool fail;

	pthread_mutex_lock(&phys.lock);
	fail = phys.fail_in && !--phys.fail_in;
	phys.failed |= fail;
	pthread_mutex_unlock(&phys.lock);
	return fail;
}

unsigned long emu_tables_live(void)
{
	return phys.tables;
}

unsigned long emu_allocs_live(void)
{
	return (unsigned long)phys.allocs;
}

void emu_allocs_add(long n)
{
	pthread_mutex_lock(&phys.lock);
	phys.allocs += n;
	pthread_mutex_unlock(&phys.lock);
}

static unsigned int page_of(const void *p)
{
	return (unsigned int)(((const u8 *)p - emu_phys_base) / TSR_PAGE_SIZE);
}

static bool pages_free(unsigned int page, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (phys.use[page + i] != PAGE_FREE)
			return false;
	return true;
}

static void *tables_take(unsigned int count)
{
	for (unsigned int page = phys.hint & ~(count - 1); page + count <= phys.ram;
	     page += count) {
		if (!pages_free(page, count))
			continue;
		memset(&phys.use[page], PAGE_TABLE, count);
		if (count == 1)
			phys.hint = page + 1;
		phys.tables += count;
		ASAN_UNPOISON_MEMORY_REGION(page_ptr(page), count * TSR_PAGE_SIZE);
		return memset(page_ptr(page), 0, count * TSR_PAGE_SIZE);
	}
	return NULL;
}

void *seam_table_alloc_contig(unsigned int count)
{
	void *tables;

	emu_sched_point();
	if (emu_fail_now())
		return NULL;
	pthread_mutex_lock(&phys.lock);
	tables = tables_take(count);
	pthread_mutex_unlock(&phys.lock);
	return tables;
}

void seam_table_free_contig(void *tables, unsigned int count)
{
	unsigned int page = page_of(tables);

	emu_sched_point();
	emu_tlb_freed(page, count);
	pthread_mutex_lock(&phys.lock);
	for (unsigned int i = 0; i < count; i++)
		assert(phys.use[page + i] == PAGE_TABLE);
	memset(&phys.use[page], PAGE_FREE, count);
	/* What a walker that comes too late finds is no descriptor that anybody wrote. */
	memset(tables, 0xdb, count * TSR_PAGE_SIZE);
	ASAN_POISON_MEMORY_REGION(tables, count * TSR_PAGE_SIZE);
	if (page < phys.hint)
		phys.hint = page;
	phys.tables -= count;
	pthread_mutex_unlock(&phys.lock);
}

void *seam_table_alloc(void)
{
	return seam_table_alloc_contig(1);
}

void seam_table_free(void *table)
{
	seam_table_free_contig(table, 1);
}

struct hpa emu_ram_alloc(unsigned int order)
{
	unsigned int count = 1U << order;
	struct hpa hpa;

	pthread_mutex_lock(&phys.lock);
	assert(phys.ram >= count + phys.hint);
	phys.ram = (phys.ram - count) & ~(count - 1);
	memset(&phys.use[phys.ram], PAGE_RAM, count);
	hpa = hpa_of(EMU_PHYS_BASE + phys.ram * TSR_PAGE_SIZE);
	pthread_mutex_unlock(&phys.lock);
	emu_cache_ram(hpa, count * TSR_PAGE_SIZE);
	return hpa;
}

/* The descriptor at @hpa, or NULL if no table is there. */
static u64 *desc_ptr(u64 hpa)
{
	u64 page = (hpa - EMU_PHYS_BASE) / TSR_PAGE_SIZE;

	if (hpa < EMU_PHYS_BASE || page >= EMU_PHYS_PAGES || (hpa & 7) ||
	    phys.use[page] != PAGE_TABLE)
		return NULL;
	return seam_table_ptr(hpa_of(hpa));
}

bool emu_phys_desc(u64 hpa, u64 *desc)
{
	u64 *p = desc_ptr(hpa);

	if (p)
		*desc = READ_ONCE(*p);
	return p;
}

bool emu_phys_update(u64 hpa, u64 was, u64 desc)
{
	u64 *p = desc_ptr(hpa);

	return p && emu_tlb_update(p, was, desc);
}
