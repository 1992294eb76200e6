/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <string.h>

#include "tessera/watch.h"

static uint64_t page_of(const struct tsr_watch_area *area, uint64_t gpa)
{
	return (gpa - area->gpa.start) / TSR_PAGE_SIZE;
}

static uint64_t area_denies(const struct tsr_watch_area *area, uint64_t gpa, uint64_t *until)
{
	uint64_t page, last, end;
	bool opened;

	if (!tsr_range_holds(area->gpa, gpa)) {
		if (area->gpa.start > gpa && area->gpa.start < *until)
			*until = area->gpa.start;
		return 0;
	}
	if (*until > area->gpa.end)
		*until = area->gpa.end;
	page = page_of(area, gpa);
	last = page_of(area, *until - 1) + 1;
	opened = tsr_pages_test(&area->opened, page);
	end = area->gpa.start + tsr_pages_until(&area->opened, opened, page, last) * TSR_PAGE_SIZE;
	if (end < *until)
		*until = end;
	return opened ? 0 : area->needs;
}

static uint64_t watch_denies(void *opaque, uint64_t gpa, uint64_t *until)
{
	struct tsr_watch *watch = opaque;
	uint64_t denied = 0;

	for (size_t i = 0; i < watch->count; i++)
		denied |= area_denies(&watch->areas[i], gpa, until);
	return denied;
}

int tsr_watch_init(struct tsr_watch *watch, struct tsr_gate *gate,
		   void (*report)(void *opaque, struct tsr_vcpu *vcpu,
				  const struct tsr_fault *fault),
		   void *opaque)
{
	memset(watch, 0, sizeof(*watch));
	watch->gate = gate;
	watch->report = report;
	watch->report_opaque = opaque;
	return tsr_gate_add(gate, (struct tsr_keeper){ watch_denies, watch });
}

void tsr_watch_destroy(struct tsr_watch *watch)
{
	while (watch->count)
		tsr_pages_free(&watch->areas[--watch->count].opened);
}

int tsr_watch_add(struct tsr_watch *watch, struct tsr_range gpa, uint64_t needs)
{
	struct tsr_watch_area area = { .gpa = gpa, .needs = needs };
	int error;

	if (watch->count == TSR_WATCH_AREAS_MAX)
		return -ENOSPC;
	error = tsr_pages_init(&area.opened, tsr_range_size(gpa) / TSR_PAGE_SIZE);
	if (error)
		return error;
	tsr_gate_lock(watch->gate);
	error = tsr_gate_close(watch->gate, gpa, needs);
	if (!error)
		watch->areas[watch->count++] = area;
	tsr_gate_unlock(watch->gate);
	if (error)
		tsr_pages_free(&area.opened);
	return error;
}

static int area_arm(struct tsr_watch *watch, struct tsr_watch_area *area)
{
	struct tsr_page_run run, all = { 0, area->opened.pages };
	int error;

	if (!tsr_pages_next(&area->opened, true, all.first, all.last, &run))
		return 0;
	error = tsr_gate_close(watch->gate, area->gpa, area->needs);
	if (!error)
		tsr_pages_clear(&area->opened, all);
	return error;
}

int tsr_watch_arm(struct tsr_watch *watch)
{
	int error = 0;

	tsr_gate_lock(watch->gate);
	for (size_t i = 0; i < watch->count; i++) {
		int failed = area_arm(watch, &watch->areas[i]);

		if (!error)
			error = failed;
	}
	tsr_gate_unlock(watch->gate);
	return error;
}

/* Opens the page at @gpa for whoever watches for one of @needs there; what those denied. */
static uint64_t open_page(struct tsr_watch *watch, uint64_t gpa, uint64_t needs)
{
	uint64_t denied = 0;

	for (size_t i = 0; i < watch->count; i++) {
		struct tsr_watch_area *area = &watch->areas[i];
		uint64_t until = gpa + TSR_PAGE_SIZE, page = page_of(area, gpa);
		uint64_t denies = area_denies(area, gpa, &until);

		if (!(denies & needs))
			continue;
		tsr_pages_set(&area->opened, (struct tsr_page_run){ page, page + 1 });
		denied |= denies;
	}
	return denied;
}

enum tsr_verdict tsr_watch_handle(void *opaque, struct tsr_vcpu *vcpu,
				  const struct tsr_fault *fault, struct tsr_why *why)
{
	struct tsr_range page = { fault->gpa, fault->gpa + TSR_PAGE_SIZE };
	struct tsr_watch *watch = opaque;
	uint64_t denied;
	int error = 0;

	if (fault->poisoned)
		return TSR_NOT_MINE;
	tsr_gate_lock(watch->gate);
	denied = open_page(watch, fault->gpa, fault->flags);
	if (denied)
		error = tsr_gate_open(watch->gate, page, denied);
	tsr_gate_unlock(watch->gate);
	if (!denied)
		return TSR_NOT_MINE;
	watch->report(watch->report_opaque, vcpu, fault);
	if (!error)
		return TSR_RESOLVED;
	tsr_because(why, error, "The watched page at 0x%" PRIx64 " could not be opened again: %s.",
		    fault->gpa, strerror(-error));
	return TSR_STOP;
}
