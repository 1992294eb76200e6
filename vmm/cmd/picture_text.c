/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "look.h"

#define COLUMNS	 64
#define ROWS_MAX 16

struct size {
	char text[24];
};

/* 1.5 MiB, 4 KiB: at most one digit behind the point. */
static struct size size_text(uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	uint64_t tenths = bytes * 10 / 1024;
	unsigned int unit = 0;
	struct size size;

	for (; tenths >= 10240 && unit < 3; unit++)
		tenths /= 1024;
	if (tenths % 10)
		snprintf(size.text, sizeof(size.text), "%" PRIu64 ".%" PRIu64 " %s", tenths / 10,
			 tenths % 10, units[unit]);
	else
		snprintf(size.text, sizeof(size.text), "%" PRIu64 " %s", tenths / 10, units[unit]);
	return size;
}

static void sum_print(FILE *file, const char *what, uint64_t bytes)
{
	if (bytes)
		fprintf(file, "  %s %s", what, size_text(bytes).text);
}

static void slot_head(FILE *file, const struct snapshot *snapshot, size_t index)
{
	const struct snapshot_slot *slot = &snapshot->slots[index];
	struct look_sums sums = look_sums_of(snapshot, slot);

	fprintf(file, "\nslot %zu  0x%" PRIx64 "-0x%" PRIx64 "  %s  %s%s%s%s\n ", index,
		slot->gpa.start, slot->gpa.end, size_text(tsr_range_size(slot->gpa)).text,
		tsr_ram_kind_name(slot->kind), slot->exclusive ? ", exclusive" : "",
		slot->path[0] ? " " : "", slot->path);
	fprintf(file, " mapped %s", size_text(sums.mapped).text);
	sum_print(file, "by blocks", sums.blocks);
	if (snapshot->mte)
		sum_print(file, "tags open", sums.tags);
	sum_print(file, "closed", sums.closed);
	sum_print(file, "private", sums.private);
	sum_print(file, "waiting", sums.waiting);
	sum_print(file, "promoted", sums.promoted);
	sum_print(file, "dirty", sums.dirty);
	sum_print(file, "on the host", sums.behind);
	if (slot->tags)
		fprintf(file,
			"\n  tags in %" PRIu64 " pages of %" PRIu64 ", %" PRIu64 " bytes encoded",
			slot->tags->holding, tsr_range_size(slot->gpa) / TSR_PAGE_SIZE,
			slot->tags->encoded);
	fputc('\n', file);
}

static char letter_of(struct look look)
{
	char letter = look.tagged ? LOOK_TAGGED_LETTER : look_names[look.kind].letter;

	return look.block ? (char)toupper((unsigned char)letter) : letter;
}

/* The smallest power of two of pages with which the slot has few enough rows. */
static uint64_t unit_of(const struct snapshot_slot *slot)
{
	uint64_t size = tsr_range_size(slot->gpa), unit = TSR_PAGE_SIZE;

	while (size / unit > COLUMNS * ROWS_MAX)
		unit *= 2;
	return unit;
}

static void slot_mosaic(FILE *file, const struct snapshot *snapshot,
			const struct snapshot_slot *slot)
{
	uint64_t unit = unit_of(slot), row = unit * COLUMNS;
	struct look looks[COLUMNS];
	size_t at = slot->first;

	fprintf(file, "  a letter is %s\n", size_text(unit).text);
	for (uint64_t start = slot->gpa.start; start < slot->gpa.end; start += row) {
		uint64_t left = (slot->gpa.end - start + unit - 1) / unit;
		size_t count = left < COLUMNS ? (size_t)left : COLUMNS;

		looks_sample(snapshot, slot, &at, start, unit, looks, count);
		fprintf(file, "  %12" PRIx64 "  ", start);
		for (size_t i = 0; i < count; i++)
			fputc(letter_of(looks[i]), file);
		fputc('\n', file);
		if (slot->gpa.end - start <= row)
			break;
	}
}

static void needs_print(FILE *file, uint64_t needs)
{
	fprintf(file, " %c%c%c%c", needs & TSR_FAULT_READ ? 'r' : '-',
		needs & TSR_FAULT_WRITE ? 'w' : '-', needs & TSR_FAULT_EXEC ? 'x' : '-',
		needs & TSR_FAULT_TAG ? 't' : '-');
}

static void cell_print(FILE *file, const struct tsr_cell *cell)
{
	static const char *const behind[TSR_BEHIND_COUNT] = {
		"nothing", "zero", "file", "own", "swap", "?",
	};
	static const char *const flags[] = { "",	 "young", "huge",   "waiting",
					     "promoted", "dirty", "private" };
	bool mapped = cell->flags & TSR_CELL_MAPPED;

	fprintf(file, "  %12" PRIx64 " %12" PRIx64 " %10s ", cell->gpa.start, cell->gpa.end,
		size_text(tsr_range_size(cell->gpa)).text);
	needs_print(file, cell->granted);
	fprintf(file, " %5s", mapped ? size_text(TSR_PAGE_SIZE << cell->order).text : "-");
	needs_print(file, cell->denied);
	fprintf(file, " %-8s", behind[cell->behind]);
	for (unsigned int i = 1; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (cell->flags >> i & 1)
			fprintf(file, " %s", flags[i]);
	fputc('\n', file);
}

static void slot_list(FILE *file, const struct snapshot *snapshot, const struct snapshot_slot *slot)
{
	fprintf(file, "\n  %12s %12s %10s  %4s %5s %4s %-8s\n", "from", "to", "size", "may",
		"block", "deny", "behind");
	for (size_t i = slot->first; i < slot->last; i++)
		cell_print(file, &snapshot->cells[i]);
}

/* Runs of pages that have tags. */
static void slot_tags(FILE *file, const struct snapshot_slot *slot)
{
	uint64_t pages = tsr_range_size(slot->gpa) / TSR_PAGE_SIZE;
	struct tsr_page_run run = { 0, 0 };

	fprintf(file, "\n  %12s %12s %10s\n", "from", "to", "size");
	while (tsr_pages_next(&slot->tags->pages, true, run.last, pages, &run))
		fprintf(file, "  %12" PRIx64 " %12" PRIx64 " %10s  tags\n",
			slot->gpa.start + run.first * TSR_PAGE_SIZE,
			slot->gpa.start + run.last * TSR_PAGE_SIZE,
			size_text((run.last - run.first) * TSR_PAGE_SIZE).text);
}

static void legend(FILE *file, bool tags)
{
	fprintf(file, "\nCapitals: by blocks of 2 MiB or 1 GiB.\n");
	if (tags)
		fprintf(file, "  %c %s\n", LOOK_TAGGED_LETTER,
			"a page here has tags (one that is not 0), or several");
	for (unsigned int kind = LOOK_CLASSES; kind-- > 0;)
		fprintf(file, "  %c %-34s%s", look_names[kind].letter, look_names[kind].meaning,
			kind % 2 ? "" : "\n");
}

void picture_text(FILE *file, const struct snapshot *snapshot, bool list)
{
	bool tags = false;

	fprintf(file, "Process %" PRIu64 ": %" PRIu64 " vCPU%s, %s%s\n", snapshot->pid,
		snapshot->vcpus, snapshot->vcpus == 1 ? "" : "s",
		!snapshot->mte	  ? "no MTE"
		: snapshot->notag ? "MTE with NoTagAccess"
				  : "MTE",
		snapshot->tessera ? "" : "; on this KVM what is mapped is not known");
	for (size_t i = 0; i < snapshot->slot_count; i++) {
		slot_head(file, snapshot, i);
		slot_mosaic(file, snapshot, &snapshot->slots[i]);
		tags |= snapshot->slots[i].tags != NULL;
		if (list && snapshot->slots[i].tags)
			slot_tags(file, &snapshot->slots[i]);
		else if (list)
			slot_list(file, snapshot, &snapshot->slots[i]);
	}
	legend(file, tags);
	if (snapshot->cut)
		fprintf(file, "The rest is left out: there are more than %" PRIu32 " pieces.\n",
			SNAPSHOT_CELLS_MAX);
}
