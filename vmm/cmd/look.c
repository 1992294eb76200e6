/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <string.h>

#include "look.h"

#define RWX (TSR_FAULT_READ | TSR_FAULT_WRITE | TSR_FAULT_EXEC)
#define RW  (TSR_FAULT_READ | TSR_FAULT_WRITE)

const struct look_name look_names[LOOK_CLASSES] = {
	[LOOK_UNKNOWN] = { '?', "#ffffff", "not known" },
	[LOOK_NOTHING] = { '.', "#eceff1", "nothing there yet" },
	[LOOK_HOST] = { ':', "#b7c9d3", "in the host's memory, not mapped" },
	[LOOK_WAITING] = { '~', "#d6d0c4", "has not arrived" },
	[LOOK_HIDDEN] = { 'q', "#90a4ae", "private, not mapped" },
	[LOOK_CLOSED] = { '#', "#b3262e", "closed: no access" },
	[LOOK_PARTLY] = { '-', "#e8aca6", "some access denied, not mapped" },
	[LOOK_RWX] = { 'w', "#1f8a80", "mapped: read, write, execute" },
	[LOOK_RW] = { 'd', "#74bfae", "mapped: read and write" },
	[LOOK_NOTAG] = { 'n', "#e3a32f", "mapped: all but tags" },
	[LOOK_RX] = { 'r', "#3f6fb5", "mapped: no writes" },
	[LOOK_X] = { 'x', "#7c4fa8", "mapped: execute only" },
	[LOOK_OTHER] = { 'o', "#a8527d", "mapped: another set of rights" },
	[LOOK_PRIVATE] = { 'p', "#37474f", "mapped: private" },
};

static enum look_class mapped_class(const struct snapshot *snapshot, uint64_t granted)
{
	if ((granted & RW) == RW) {
		if (snapshot->mte && !(granted & TSR_FAULT_TAG))
			return LOOK_NOTAG;
		return granted & TSR_FAULT_EXEC ? LOOK_RWX : LOOK_RW;
	}
	if ((granted & RW) == TSR_FAULT_READ)
		return LOOK_RX;
	return (granted & RWX) == TSR_FAULT_EXEC ? LOOK_X : LOOK_OTHER;
}

static enum look_class class_of(const struct snapshot *snapshot, const struct tsr_cell *cell)
{
	if (cell->flags & TSR_CELL_PRIVATE && !(cell->denied & RWX))
		return cell->flags & TSR_CELL_MAPPED ? LOOK_PRIVATE : LOOK_HIDDEN;
	if (cell->flags & TSR_CELL_MAPPED)
		return mapped_class(snapshot, cell->granted);
	if (cell->flags & TSR_CELL_WAITING)
		return LOOK_WAITING;
	if ((cell->denied & RWX) == RWX)
		return LOOK_CLOSED;
	if (cell->denied)
		return LOOK_PARTLY;
	if (cell->behind == TSR_BEHIND_UNKNOWN)
		return LOOK_UNKNOWN;
	return cell->behind == TSR_BEHIND_NOTHING ? LOOK_NOTHING : LOOK_HOST;
}

struct look look_of(const struct snapshot *snapshot, const struct tsr_cell *cell)
{
	return (struct look){
		.kind = class_of(snapshot, cell),
		.block = cell->order > 0,
		.dirty = cell->flags & TSR_CELL_DIRTY,
		.promoted = cell->flags & TSR_CELL_PROMOTED,
	};
}

bool look_equal(struct look a, struct look b)
{
	return a.kind == b.kind && a.block == b.block && a.dirty == b.dirty &&
	       a.promoted == b.promoted && a.tagged == b.tagged;
}

#define VARIANTS 8

static unsigned int variant_of(struct look look)
{
	return (look.block ? 4U : 0) | (look.dirty ? 2U : 0) | (look.promoted ? 1U : 0);
}

/* A lone page in the middle of nothing is what a person looks for: nothing gives way. */
static struct look most(uint64_t bytes[LOOK_CLASSES][VARIANTS])
{
	struct look look = { .kind = bytes[LOOK_NOTHING][0] ? LOOK_NOTHING : LOOK_UNKNOWN };
	uint64_t best = 0;

	for (unsigned int kind = LOOK_HOST; kind < LOOK_CLASSES; kind++)
		for (unsigned int variant = 0; variant < VARIANTS; variant++)
			if (bytes[kind][variant] > best) {
				best = bytes[kind][variant];
				look = (struct look){
					.kind = (enum look_class)kind,
					.block = variant & 4,
					.dirty = variant & 2,
					.promoted = variant & 1,
				};
			}
	return look;
}

/* How much of @cell lies in [@start, @end). */
static uint64_t part_of(const struct tsr_cell *cell, uint64_t start, uint64_t end)
{
	uint64_t first = cell->gpa.start > start ? cell->gpa.start : start;
	uint64_t last = cell->gpa.end < end ? cell->gpa.end : end;

	return first < last ? last - first : 0;
}

/* Any page with tags counts: they are few, and they are what is looked for. */
static bool is_tagged(const struct snapshot_slot *slot, uint64_t from, uint64_t unit)
{
	uint64_t first = from > slot->gpa.start ? from : slot->gpa.start;
	uint64_t last = from + unit < slot->gpa.end ? from + unit : slot->gpa.end;
	struct tsr_page_run run;

	if (!slot->tags || first >= last)
		return false;
	first = (first - slot->gpa.start) / TSR_PAGE_SIZE;
	last = (last - slot->gpa.start) / TSR_PAGE_SIZE;
	return tsr_pages_next(&slot->tags->pages, true, first, last, &run);
}

void looks_sample(const struct snapshot *snapshot, const struct snapshot_slot *slot, size_t *at,
		  uint64_t start, uint64_t unit, struct look *looks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t from = start + i * unit, bytes[LOOK_CLASSES][VARIANTS] = { { 0 } };

		while (*at < slot->last && snapshot->cells[*at].gpa.end <= from)
			(*at)++;
		for (size_t j = *at; j < slot->last; j++) {
			const struct tsr_cell *cell = &snapshot->cells[j];
			struct look look = look_of(snapshot, cell);
			uint64_t part = part_of(cell, from, from + unit);

			if (!part)
				break;
			bytes[look.kind][variant_of(look)] += part;
		}
		looks[i] = most(bytes);
		looks[i].tagged = is_tagged(slot, from, unit);
	}
}

struct look_sums look_sums_of(const struct snapshot *snapshot, const struct snapshot_slot *slot)
{
	struct look_sums sums = { 0 };

	for (size_t i = slot->first; i < slot->last; i++) {
		const struct tsr_cell *cell = &snapshot->cells[i];
		uint64_t size = tsr_range_size(cell->gpa);

		sums.mapped += cell->flags & TSR_CELL_MAPPED ? size : 0;
		sums.blocks += cell->order ? size : 0;
		sums.closed += (cell->denied & RWX) == RWX ? size : 0;
		sums.waiting += cell->flags & TSR_CELL_WAITING ? size : 0;
		sums.dirty += cell->flags & TSR_CELL_DIRTY ? size : 0;
		sums.promoted += cell->flags & TSR_CELL_PROMOTED ? size : 0;
		sums.behind += cell->behind == TSR_BEHIND_NOTHING ? 0 : size;
		sums.private += cell->flags & TSR_CELL_PRIVATE ? size : 0;
		sums.tags += cell->granted & TSR_FAULT_TAG ? size : 0;
	}
	return sums;
}
