// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The seam over the emulated machine; locks are lock.c's. */
#include <stdlib.h>

#include "cache.h"
#include "lock.h"
#include "log.h"
#include "phys.h"
#include "scheduler.h"
#include "seam.h"
#include "tags.h"
#include "tlb.h"

void *seam_alloc(size_t size)
{
	void *p;

	emu_sched_point();
	p = emu_fail_now() ? NULL : calloc(1, size);
	if (p)
		emu_allocs_add(1);
	return p;
}

void seam_free(void *p)
{
	if (p)
		emu_allocs_add(-1);
	free(p);
}

/* The VMM is the test itself; NULL is what it has no memory at. */
int seam_user_write(u64 user, const void *from, size_t size)
{
	emu_sched_point();
	if (!user)
		return -EFAULT;
	memcpy((void *)(uintptr_t)user, from, size);
	return 0;
}

int seam_user_read(void *to, u64 user, size_t size)
{
	emu_sched_point();
	if (!user)
		return -EFAULT;
	memcpy(to, (const void *)(uintptr_t)user, size);
	return 0;
}

void seam_dsb_ishst(void)
{
	emu_sched_point();
	emu_log_add(EMU_DSB, 0, 0, 0);
	emu_tlb_dsb();
}

static void tlbi(const struct seam_tlb *tlb, u64 gfn, u64 pages, int level)
{
	emu_sched_point();
	emu_tlb_tlbi_begin(tlb->vmid, gfn, pages, level);
	emu_accesses_wait();
	emu_tlb_tlbi_end();
}

void seam_tlbi_range(struct seam_tlb *tlb, struct gfn gfn, u64 pages, int level)
{
	emu_log_add(EMU_TLBI_RANGE, gfn.nr, pages, level);
	if (pages)
		tlbi(tlb, gfn.nr, pages, level);
}

void seam_tlbi_vmid(struct seam_tlb *tlb)
{
	emu_log_add(EMU_TLBI_VMID, 0, 0, 0);
	tlbi(tlb, 0, 0, -1);
}

void seam_dcache_clean_inval_poc(struct hpa hpa, u64 size)
{
	emu_sched_point();
	emu_log_add(EMU_CLEAN_POC, hpa.addr, size, 0);
	emu_cache_clean_inval(hpa, size);
}

void seam_icache_inval_pou(struct hpa hpa, u64 size)
{
	emu_sched_point();
	emu_log_add(EMU_ICACHE_POU, hpa.addr, size, 0);
	emu_cache_icache_inval(hpa, size);
}

int seam_window_open(struct hpa hpa, u64 size)
{
	emu_sched_point();
	if (emu_fail_now())
		return -ENOMEM;
	emu_cache_window_open(hpa, size);
	return 0;
}

void seam_window_share(struct hpa hpa, u64 size)
{
	emu_cache_window_share(hpa, size);
}

void seam_window_close(struct hpa hpa, u64 size)
{
	emu_cache_window_close(hpa, size);
}

void seam_tags_sanitise(struct hpa hpa, u64 pages)
{
	emu_sched_point();
	emu_log_add(EMU_TAGS, hpa.addr, pages, 0);
	emu_tags_sanitise(hpa, pages);
}
