// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <string.h>

#include "memories.h"

enum memory {
#define ROW(...)
#define MEMORY(name, words) MEMORY_##name,
#include <matrix_rows.h>
#undef MEMORY
#undef ROW
	MEMORY_COUNT,
};

static const char *const words[MEMORY_COUNT] = {
#define ROW(...)
#define MEMORY(name, words) [MEMORY_##name] = words,
#include <matrix_rows.h>
#undef MEMORY
#undef ROW
};

/* The table's columns: a host that has it all, and what the others lack. */
enum column {
	COLUMN_MAX,
	COLUMN_N2,   /* no FEAT_MTE_PERM */
	COLUMN_A710, /* nor caches that need no care */
	COLUMN_A76,  /* nor MTE */
	COLUMN_COUNT,
};

enum slot { SLOT_rw, SLOT_ro, SLOT_log, SLOT_COUNT };

static const char *const cells[MEMORY_COUNT][MEMORIES_VMS][SLOT_COUNT][COLUMN_COUNT] = {
#define MEMORY(...)
#define ROW(memory, vm, slot, ...) [MEMORY_##memory][MEMORIES_##vm][SLOT_##slot] = { __VA_ARGS__ },
#include <matrix_rows.h>
#undef ROW
#undef MEMORY
};

/* What the caches need matters for this memory alone, and then before all else. */
static enum column column_of(const struct memories_host *host, enum memory memory,
			     enum memories_vm vm)
{
	if (vm != MEMORIES_plain && !host->mte)
		return COLUMN_A76;
	if (memory == MEMORY_pfn_cached && !host->cacheable)
		return host->mte ? COLUMN_A710 : COLUMN_A76;
	return host->mte && !host->notag ? COLUMN_N2 : COLUMN_MAX;
}

/* A load, a store, a fetch, a tag read and a tag store; or an error. */
static const char *cell_words(const char *cell)
{
	if (strlen(cell) != 5)
		return "no";
	if (cell[0] == 'T')
		return "touch exits";
	if (strchr(cell, 'T'))
		return "tags exit";
	return cell[2] == 'A' ? "no fetch" : "yes";
}

bool memories_line(const struct memories_host *host, size_t index, struct memories_line *line,
		   bool *here)
{
	enum memory memory = (enum memory)index;

	if (index >= MEMORY_COUNT)
		return false;
	line->memory = words[memory];
	for (enum memories_vm vm = 0; vm < MEMORIES_VMS; vm++)
		line->may[vm] = cell_words(cells[memory][vm][SLOT_rw][column_of(host, memory, vm)]);
	line->logged = strlen(cells[memory][MEMORIES_plain][SLOT_log]
				   [column_of(host, memory, MEMORIES_plain)]) == 5;
	*here = memory == MEMORY_hugetlb       ? host->new_hugetlb
		: memory == MEMORY_hugetlb_old ? !host->new_hugetlb
					       : true;
	return true;
}
