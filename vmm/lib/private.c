/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "tessera/fault.h"
#include "tessera/private.h"

/* FEATURES, x0: a bit for each function number. */
#define FEATURE_MEM_INFO    (UINT64_C(1) << 2)
#define FEATURE_MEM_SHARE   (UINT64_C(1) << 3)
#define FEATURE_MEM_UNSHARE (UINT64_C(1) << 4)

void tsr_private_init(struct tsr_private *private, struct tsr_ram *ram,
		      int (*change)(void *opaque, struct tsr_range gpa, uint64_t needs, bool deny),
		      void *opaque, _Atomic uint64_t *changes)
{
	memset(private, 0, sizeof(*private));
	private->ram = ram;
	private->change = change;
	private->opaque = opaque;
	private->changes = changes;
}

bool tsr_private_possible(const struct tsr_ram *ram)
{
	for (size_t i = 0; i < ram->count; i++)
		if (ram->regions[i].guest_memfd >= 0)
			return true;
	return false;
}

/* The part of @gpa from its start on that lies in one region that may be private; NULL: none. */
static struct tsr_ram_region *part_of(struct tsr_ram *ram, struct tsr_range gpa,
				      struct tsr_range *part)
{
	struct tsr_ram_region *region = tsr_ram_find(ram, gpa.start);

	if (!region || region->guest_memfd < 0)
		return NULL;
	*part = gpa;
	if (part->end > region->gpa.end)
		part->end = region->gpa.end;
	return region;
}

static int check(struct tsr_ram *ram, struct tsr_range gpa)
{
	struct tsr_range part;

	if (gpa.start >= gpa.end || (gpa.start | gpa.end) % TSR_PAGE_SIZE)
		return -EINVAL;
	for (; gpa.start < gpa.end; gpa.start = part.end)
		if (!part_of(ram, gpa, &part))
			return -EFAULT;
	return 0;
}

/* Gives back what the VMM has behind @gpa, so that it is zero when it is shared again. */
static int discard(const struct tsr_ram_region *region, struct tsr_range gpa)
{
	uint64_t offset = gpa.start - region->gpa.start, size = tsr_range_size(gpa);

	if (region->file < 0)
		return madvise(region->host + offset, size, MADV_DONTNEED_LOCKED) ? -errno : 0;
	while (fallocate(region->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
			 (off_t)size))
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int convert_run(struct tsr_private *private, struct tsr_ram_region *region,
		       struct tsr_page_run run, bool hide)
{
	struct tsr_range gpa = {
		region->gpa.start + run.first * TSR_PAGE_SIZE,
		region->gpa.start + run.last * TSR_PAGE_SIZE,
	};
	int error = private->change(private->opaque, gpa, TSR_FAULT_PRIVATE, hide);

	if (error)
		return error;
	if (hide) {
		error = discard(region, gpa);
		/* What cannot be shared again either is private, as its attribute says. */
		if (error && !private->change(private->opaque, gpa, TSR_FAULT_PRIVATE, false))
			return error;
	}
	if (hide)
		tsr_pages_set(&region->private_pages, run);
	else
		tsr_pages_clear(&region->private_pages, run);
	private->conversions += run.last - run.first;
	(*private->changes)++;
	return error;
}

/* @gpa lies in @region. *@until is where it stopped: its end without an error. */
static int convert_part(struct tsr_private *private, struct tsr_ram_region *region,
			struct tsr_range gpa, bool hide, uint64_t *until)
{
	uint64_t last = (gpa.end - region->gpa.start) / TSR_PAGE_SIZE;
	struct tsr_page_run run = { 0, (gpa.start - region->gpa.start) / TSR_PAGE_SIZE };
	int error = 0;

	*until = gpa.end;
	while (!error && tsr_pages_next(&region->private_pages, !hide, run.last, last, &run)) {
		error = convert_run(private, region, run, hide);
		if (error)
			*until = region->gpa.start + run.first * TSR_PAGE_SIZE;
	}
	return error;
}

int tsr_private_convert(struct tsr_private *private, struct tsr_range gpa, bool hide,
			uint64_t *done)
{
	uint64_t start = gpa.start;
	int error = check(private->ram, gpa);

	while (!error && gpa.start < gpa.end) {
		struct tsr_range part;
		struct tsr_ram_region *region = part_of(private->ram, gpa, &part);

		tsr_ram_lock(private->ram, part);
		error = convert_part(private, region, part, hide, &gpa.start);
		tsr_ram_unlock(private->ram, part);
	}
	if (done)
		*done = gpa.start - start;
	return error;
}

static uint64_t convert_page(struct tsr_private *private, const struct tsr_call *call, bool hide)
{
	struct tsr_range page;

	if (call->x[2] || call->x[3] || tsr_range_make(call->x[1], TSR_PAGE_SIZE, &page) ||
	    tsr_private_convert(private, page, hide, NULL))
		return TSR_CALL_INVALID_PARAMETERS;
	return TSR_CALL_SUCCESS;
}

static uint64_t granule(const struct tsr_call *call)
{
	return call->x[1] || call->x[2] || call->x[3] ? TSR_CALL_INVALID_PARAMETERS : TSR_PAGE_SIZE;
}

static uint64_t memory_call(struct tsr_private *private, const struct tsr_call *call)
{
	if (!tsr_private_possible(private->ram))
		return TSR_CALL_NOT_SUPPORTED;
	switch (call->function) {
	case TSR_CALL_MEM_SHARE:
		return convert_page(private, call, false);
	case TSR_CALL_MEM_UNSHARE:
		return convert_page(private, call, true);
	default:
		return granule(call);
	}
}

bool tsr_private_answer(struct tsr_private *private, struct tsr_call *call,
			const uint64_t services[2])
{
	const uint64_t ours = FEATURE_MEM_INFO | FEATURE_MEM_SHARE | FEATURE_MEM_UNSHARE;
	uint64_t x[4] = { 0 };

	switch (call->function) {
	case TSR_CALL_FEATURES:
		x[0] = services[0] | (tsr_private_possible(private->ram) ? ours : 0);
		x[2] = services[1];
		break;
	case TSR_CALL_MEM_INFO:
	case TSR_CALL_MEM_SHARE:
	case TSR_CALL_MEM_UNSHARE:
		x[0] = memory_call(private, call);
		private->refusals += (int64_t)x[0] < 0;
		break;
	default:
		return false;
	}
	memcpy(call->x, x, sizeof(x));
	return true;
}
