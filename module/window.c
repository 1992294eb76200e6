// SPDX-License-Identifier: GPL-2.0-only
/*
 * The seam on the machine: windows, which are mappings of memory that the kernel does not map,
 * made so that caches can be cleaned of it by address (core/seam.h).
 *
 * A window is cacheable, as is the VMM's own mapping of the memory, which is why it is there:
 * no attributes are mismatched (Arm ARM B2.16). Each page of it is in one tree, by page frame.
 * One number counts the users of all its pages; when it is 0 the window is out of the tree, and
 * a worker unmaps it, which sleeps. Then another over the same memory may be there already.
 */
#include <linux/io.h>
#include <linux/llist.h>
#include <linux/memory.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <asm/memory.h>

#include "seam.h"
#include "window.h"

struct window {
	unsigned long first, count; /* page frames */
	void *mapping;
	u64 users; /* [the tree's lock] of all pages together */
	struct llist_node dead;
};

/* By page frame; its lock protects users. */
static DEFINE_XARRAY(windows);
/* One at a time makes windows: a gap that it finds stays one. */
static DEFINE_MUTEX(windows_making);

static LLIST_HEAD(windows_dead);

static void windows_bury(struct work_struct *work)
{
	struct window *w, *next;

	llist_for_each_entry_safe(w, next, llist_del_all(&windows_dead), dead)
	{
		memunmap(w->mapping);
		kfree(w);
	}
}

static DECLARE_WORK(windows_burial, windows_bury);

/* --- What is open. Under the tree's lock. --- */

static void window_end(struct window *w)
{
	unsigned long i;

	for (i = 0; i < w->count; i++)
		__xa_erase(&windows, w->first + i);
	llist_add(&w->dead, &windows_dead);
	schedule_work(&windows_burial);
}

/* Pages from @pfn on that have windows gain a user. Returns the first that has none, or @end. */
static unsigned long windows_join(unsigned long pfn, unsigned long end)
{
	struct window *w;

	for (; pfn < end; pfn++) {
		if (pfn_is_map_memory(pfn))
			continue;
		w = xa_load(&windows, pfn);
		if (!w)
			break;
		w->users++;
	}
	return pfn;
}

static void windows_leave(unsigned long pfn, unsigned long end)
{
	for (; pfn < end; pfn++) {
		struct window *w = xa_load(&windows, pfn);

		if (w && !--w->users)
			window_end(w);
	}
}

void seam_window_share(struct hpa hpa, u64 size)
{
	unsigned long pfn = PHYS_PFN(hpa.addr);

	if (xa_empty(&windows))
		return;
	xa_lock(&windows);
	windows_join(pfn, pfn + PHYS_PFN(size));
	xa_unlock(&windows);
}

void seam_window_close(struct hpa hpa, u64 size)
{
	unsigned long pfn = PHYS_PFN(hpa.addr);

	if (xa_empty(&windows))
		return;
	xa_lock(&windows);
	windows_leave(pfn, pfn + PHYS_PFN(size));
	xa_unlock(&windows);
}

void *tsr_window_get(struct hpa hpa, u64 *size)
{
	unsigned long pfn = PHYS_PFN(hpa.addr), pages = 1;
	struct window *w;
	void *at = NULL;

	if (xa_empty(&windows))
		return NULL;
	xa_lock(&windows);
	w = xa_load(&windows, pfn);
	if (w) {
		w->users++;
		pages = w->first + w->count - pfn;
		at = w->mapping + PFN_PHYS(pfn - w->first);
	}
	xa_unlock(&windows);
	*size = min(*size, PFN_PHYS(pages));
	return at;
}

void tsr_window_put(struct hpa hpa)
{
	seam_window_close(hpa, PAGE_SIZE);
}

/* --- New ones. With windows_making held. --- */

/* How many pages from @pfn on, which has no window, have none and need one. */
static unsigned long gap_pages(unsigned long pfn, unsigned long end)
{
	unsigned long at = pfn + 1;

	while (at < end && !xa_load(&windows, at) && !pfn_is_map_memory(at))
		at++;
	return at - pfn;
}

static struct window *window_make(unsigned long pfn, unsigned long count)
{
	struct window *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);

	if (!w)
		return NULL;
	w->first = pfn;
	w->count = count;
	w->users = count;
	w->mapping = memremap(PFN_PHYS(pfn), PFN_PHYS(count), MEMREMAP_WB);
	if (w->mapping)
		return w;
	kfree(w);
	return NULL;
}

/*
 * First room in the tree for all pages, then all at once: a window that is not to be is never
 * seen by those who look for one without making it.
 */
static int window_publish(struct window *w)
{
	unsigned long i;
	int err;

	for (i = 0; i < w->count; i++) {
		err = xa_reserve(&windows, w->first + i, GFP_KERNEL_ACCOUNT);
		if (err)
			goto undo;
	}
	xa_lock(&windows);
	for (i = 0; i < w->count; i++)
		__xa_store(&windows, w->first + i, w, 0);
	xa_unlock(&windows);
	return 0;
undo:
	while (i--)
		xa_release(&windows, w->first + i);
	return err;
}

static int window_add(unsigned long pfn, unsigned long count)
{
	struct window *w = window_make(pfn, count);
	int err;

	if (!w)
		return -ENOMEM;
	err = window_publish(w);
	if (err) {
		memunmap(w->mapping);
		kfree(w);
	}
	return err;
}

/* Up to where each page has a window with us as a user. */
static unsigned long windows_cover(unsigned long pfn, unsigned long end)
{
	for (;;) {
		unsigned long count;

		xa_lock(&windows);
		pfn = windows_join(pfn, end);
		xa_unlock(&windows);
		if (pfn == end)
			return end;
		count = gap_pages(pfn, end);
		if (window_add(pfn, count))
			return pfn;
		pfn += count;
	}
}

int seam_window_open(struct hpa hpa, u64 size)
{
	unsigned long pfn = PHYS_PFN(hpa.addr), end = pfn + PHYS_PFN(size), reached;

	mutex_lock(&windows_making);
	reached = windows_cover(pfn, end);
	mutex_unlock(&windows_making);
	if (reached == end)
		return 0;
	seam_window_close(hpa, PFN_PHYS(reached - pfn));
	return -ENOMEM;
}

void tsr_windows_exit(void)
{
	flush_work(&windows_burial);
}
