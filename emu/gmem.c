// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "gmem.h"
#include "backing.h"
#include "phys.h"
#include "scheduler.h"
#include "tags.h"

void emu_gmem_make(struct seam_gmem *gmem, u8 order)
{
	memset(gmem, 0, sizeof(*gmem));
	gmem->order = order;
	for (int turn = 0; turn < 2; turn++)
		gmem->place[turn] = emu_ram_alloc(10);
}

struct hpa emu_gmem_hpa(const struct seam_gmem *gmem, u64 page)
{
	return hpa_of(gmem->place[gmem->turn[page]].addr + page * TSR_PAGE_SIZE);
}

bool emu_gmem_has(const struct seam_gmem *gmem, struct hpa hpa, u64 *page)
{
	for (int turn = 0; turn < 2; turn++) {
		*page = (hpa.addr - gmem->place[turn].addr) >> TSR_PAGE_SHIFT;
		if (hpa.addr >= gmem->place[turn].addr && *page < EMU_GMEM_PAGES)
			return READ_ONCE(gmem->there[*page]) &&
			       READ_ONCE(gmem->turn[*page]) == turn;
	}
	return false;
}

int seam_gmem_bind(struct seam_gmem *gmem, u64 page, struct gfn_range gfns)
{
	u64 count = gfn_range_count(gfns);

	emu_sched_point();
	for (u64 i = 0; i < count; i++)
		if (gmem->bound[page + i])
			return -EEXIST;
	if (emu_fail_now())
		return -ENOMEM;
	for (u64 i = 0; i < count; i++)
		gmem->bound[page + i] = gfns.begin + i + 1;
	gmem->refs++;
	return 0;
}

void seam_gmem_unbind(struct seam_gmem *gmem, u64 page, struct gfn_range gfns)
{
	emu_sched_point();
	for (u64 i = 0; i < gfn_range_count(gfns); i++)
		gmem->bound[page + i] = 0;
	gmem->refs--;
}

void seam_gmem_drop(struct seam_gmem *gmem, u64 page, u64 count)
{
	emu_sched_point();
	for (u64 i = page; i < page + count; i++) {
		if (!gmem->there[i])
			continue;
		emu_tags_drop(emu_gmem_hpa(gmem, i), 1);
		WRITE_ONCE(gmem->there[i], false);
		WRITE_ONCE(gmem->turn[i], gmem->turn[i] ^ 1);
		gmem->drops++;
	}
}

/* Is all of the piece around @page there, or none of it and in one place? */
static bool piece_is_whole(const struct seam_gmem *gmem, u64 page, u8 order)
{
	u64 first = page >> order << order;

	for (u64 i = first; i < first + (1ULL << order); i++)
		if (gmem->there[i] != gmem->there[first] || gmem->turn[i] != gmem->turn[first])
			return false;
	return true;
}

int seam_gmem_get(struct seam_gmem *gmem, u64 page, u8 order, struct backing *out)
{
	int err = gmem->err;
	u64 first;

	emu_sched_point();
	memset(out, 0, sizeof(*out));
	gmem->err = 0;
	if (!err && emu_fail_now())
		err = -ENOMEM;
	if (err)
		return err;
	/* The slot has gone, and perhaps the file. */
	if (!gmem->bound[page])
		emu_sched_fail("a page of a file is got that no slot has");
	gmem->gets++;
	emu_backing_hold();
	if (gmem->closed)
		return 0;
	if (gmem->poisoned) {
		out->kind = BACKING_POISON;
		return 0;
	}
	if (gmem->order <= order && piece_is_whole(gmem, page, gmem->order))
		out->order = gmem->order;
	first = page >> out->order << out->order;
	for (u64 i = first; i < first + (1ULL << out->order); i++)
		WRITE_ONCE(gmem->there[i], true);
	out->kind = BACKING_RAM;
	out->hpa = emu_gmem_hpa(gmem, page);
	out->writable = true;
	out->can_tag = true;
	out->own = true;
	out->tagged = emu_tags_live(out->hpa);
	out->tagged_count = emu_tags_count(emu_gmem_hpa(gmem, first), 1ULL << out->order);
	return 0;
}
