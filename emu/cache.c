// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <stdio.h>

#include "cache.h"
#include "phys.h"
#include "scheduler.h"

/* ThreadSanitizer is to see the order that core makes: the model's lock would add its own. */
#if defined(__SANITIZE_THREAD__)
#define CACHE_OFF true
#else
#define CACHE_OFF false
#endif

struct cache_page {
	bool ram;      /* allocated since the beginning */
	bool unmapped; /* by the kernel */
	bool dirty, stale, unseen, unclean;
	u32 windows; /* users */
};

/* Under lock, but for on and host, which emu_cache_begin() sets. */
static struct {
	pthread_mutex_t lock;
	bool on;
	struct emu_cache_host host;
	bool guest_off;
	unsigned int windows;
	unsigned int complaints[EMU_CACHE_RULES];
	char complaint[160];
	struct cache_page page[EMU_PHYS_PAGES];
} cache = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const char *const rule_names[EMU_CACHE_RULES] = {
	[EMU_CACHE_PAST] = "read past a dirty line",
	[EMU_CACHE_OVERWRITES] = "written past a dirty line",
	[EMU_CACHE_STALE] = "a stale line used",
	[EMU_CACHE_FETCH] = "fetched what was there before",
	[EMU_CACHE_POU] = "fetched what has not got to the PoU",
	[EMU_CACHE_WINDOW] = "a window that is not open, or left open",
};

static void cache_lock(void)
{
	pthread_mutex_lock(&cache.lock);
}

static void cache_unlock(void)
{
	bool wrong = cache.complaint[0];

	pthread_mutex_unlock(&cache.lock);
	if (wrong && emu_sched_active())
		emu_sched_fail("%s", cache.complaint);
}

static void complain(enum emu_cache_rule rule, const struct cache_page *page, const char *who)
{
	cache.complaints[rule]++;
	if (cache.complaint[0])
		return;
	snprintf(cache.complaint, sizeof(cache.complaint), "%s: by the %s; %s; memory %#llx",
		 rule_names[rule], who, emu_sched_self_name(),
		 EMU_PHYS_BASE + (u64)(page - cache.page) * TSR_PAGE_SIZE);
}

/* NULL: not memory of the model's. */
static struct cache_page *page_at(u64 hpa)
{
	u64 nr = (hpa - EMU_PHYS_BASE) / TSR_PAGE_SIZE;

	return hpa >= EMU_PHYS_BASE && nr < EMU_PHYS_PAGES && cache.page[nr].ram ? &cache.page[nr]
										 : NULL;
}

/* Calls @each, under the lock, for all pages of the model's in the range. */
static void each_page(struct hpa hpa, u64 bytes, void (*each)(struct cache_page *page))
{
	if (!cache.on)
		return;
	cache_lock();
	for (u64 at = 0; at < bytes; at += TSR_PAGE_SIZE) {
		struct cache_page *page = page_at(hpa.addr + at);

		if (page)
			each(page);
	}
	cache_unlock();
}

void emu_cache_begin(const struct emu_cache_host *host)
{
	if (CACHE_OFF)
		return;
	cache_lock();
	memset(cache.page, 0, sizeof(cache.page));
	memset(cache.complaints, 0, sizeof(cache.complaints));
	cache.complaint[0] = '\0';
	cache.host = *host;
	cache.guest_off = false;
	cache.windows = 0;
	cache.on = true;
	cache_unlock();
}

static void page_look(struct cache_page *page)
{
	if (!page->unmapped && page->stale)
		complain(EMU_CACHE_STALE, page, "host at the end");
	if (page->windows)
		complain(EMU_CACHE_WINDOW, page, "host at the end");
}

void emu_cache_end(void)
{
	each_page(hpa_of(EMU_PHYS_BASE), EMU_PHYS_PAGES * TSR_PAGE_SIZE, page_look);
	cache.on = false;
}

/* Written by somebody whose lines are the caches' own. */
static void page_written(struct cache_page *page)
{
	page->dirty = true;
	page->unseen = !cache.host.dic;
	page->unclean = !cache.host.idc;
}

static void page_is_ram(struct cache_page *page)
{
	page_written(page);
}

void emu_cache_ram(struct hpa hpa, u64 bytes)
{
	if (!cache.on)
		return;
	cache_lock();
	for (u64 at = 0; at < bytes; at += TSR_PAGE_SIZE)
		cache.page[(hpa.addr + at - EMU_PHYS_BASE) / TSR_PAGE_SIZE].ram = true;
	cache_unlock();
	each_page(hpa, bytes, page_is_ram);
}

static void page_is_unmapped(struct cache_page *page)
{
	*page = (struct cache_page){ .ram = true, .unmapped = true, .windows = page->windows };
}

void emu_cache_unmapped(struct hpa hpa, u64 bytes)
{
	each_page(hpa, bytes, page_is_unmapped);
}

void emu_cache_guest_enable(bool on)
{
	cache.guest_off = !on;
}

/* An access by lines, or past them. */
static void page_access(struct cache_page *page, bool write, bool cacheable, const char *who)
{
	if (cacheable) {
		if (page->stale)
			complain(EMU_CACHE_STALE, page, who);
		page->dirty |= write;
		return;
	}
	if (page->dirty)
		complain(write ? EMU_CACHE_OVERWRITES : EMU_CACHE_PAST, page, who);
	page->stale |= write;
}

static bool is_write(enum emu_access access)
{
	return access == EMU_WRITE || access == EMU_TAG_WRITE || access == EMU_ATOMIC ||
	       access == EMU_CHECKED_WRITE || access == EMU_TABLE_WRITE;
}

static bool is_fetch(enum emu_access access)
{
	return access == EMU_FETCH_EL1 || access == EMU_FETCH_EL0;
}

static void page_fetch(struct cache_page *page, bool cacheable)
{
	if (page->unseen)
		complain(EMU_CACHE_FETCH, page, "guest");
	if (page->unclean)
		complain(EMU_CACHE_POU, page, "guest");
	page_access(page, false, cacheable, "guest");
}

void emu_cache_guest(const struct emu_walk *walk, enum emu_access access)
{
	bool cacheable = walk->type == EMU_WB && (walk->forced || !cache.guest_off);
	struct cache_page *page;

	if (!cache.on)
		return;
	cache_lock();
	page = page_at(walk->pa);
	if (page && is_fetch(access))
		page_fetch(page, cacheable);
	else if (page)
		page_access(page, is_write(access), cacheable, "guest");
	cache_unlock();
}

void emu_cache_host(struct hpa hpa, bool write, bool cacheable)
{
	struct cache_page *page;

	if (!cache.on)
		return;
	cache_lock();
	page = page_at(hpa.addr);
	if (page) {
		page_access(page, write, cacheable, "host");
		page->unseen |= write && !cache.host.dic;
		page->unclean |= write && cacheable && !cache.host.idc;
	}
	cache_unlock();
}

static void page_clean(struct cache_page *page)
{
	if (page->unmapped && !page->windows)
		return;
	page->dirty = page->stale = page->unclean = false;
}

void emu_cache_clean_inval(struct hpa hpa, u64 bytes)
{
	each_page(hpa, bytes, page_clean);
}

/* What has not got to the PoU may be fetched again from before that at once. */
static void page_icache_inval(struct cache_page *page)
{
	page->unseen = page->unclean;
}

void emu_cache_icache_inval(struct hpa hpa, u64 bytes)
{
	each_page(hpa, bytes, page_icache_inval);
}

static void page_window_more(struct cache_page *page)
{
	if (page->unmapped)
		cache.windows += !page->windows++;
}

static void page_window_share(struct cache_page *page)
{
	if (page->unmapped && !page->windows)
		complain(EMU_CACHE_WINDOW, page, "one who shares it");
	page_window_more(page);
}

static void page_window_less(struct cache_page *page)
{
	if (!page->unmapped)
		return;
	if (!page->windows)
		complain(EMU_CACHE_WINDOW, page, "one who closes it");
	else
		cache.windows -= !--page->windows;
}

void emu_cache_window_open(struct hpa hpa, u64 bytes)
{
	each_page(hpa, bytes, page_window_more);
}

void emu_cache_window_share(struct hpa hpa, u64 bytes)
{
	each_page(hpa, bytes, page_window_share);
}

void emu_cache_window_close(struct hpa hpa, u64 bytes)
{
	each_page(hpa, bytes, page_window_less);
}

unsigned int emu_cache_complaints(void)
{
	unsigned int n = 0;

	for (int i = 0; i < EMU_CACHE_RULES; i++)
		n += cache.complaints[i];
	return n;
}

unsigned int emu_cache_complaints_of(enum emu_cache_rule rule)
{
	return cache.complaints[rule];
}

const char *emu_cache_complaint(void)
{
	return cache.complaint[0] ? cache.complaint : NULL;
}

unsigned int emu_cache_windows(void)
{
	return cache.windows;
}
