/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>

#include "snapshot.h"

static void write_path(FILE *file, const char *path)
{
	/* So that a name never reads as one more number. */
	putc(':', file);
	for (; *path; path++) {
		unsigned char letter = (unsigned char)*path;

		if (letter <= ' ' || letter > '~' || letter == '%')
			fprintf(file, "%%%02x", letter);
		else
			putc(letter, file);
	}
	putc('\n', file);
}

void snapshot_write_slot(FILE *file, const struct snapshot_slot *slot)
{
	fprintf(file, "slot %" PRIx64 " %" PRIx64 " %x %x ", slot->gpa.start,
		tsr_range_size(slot->gpa), (unsigned int)slot->kind, slot->exclusive);
	write_path(file, slot->path);
}

void snapshot_write_cell(FILE *file, const struct tsr_cell *cell)
{
	fprintf(file, "cell %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %x %x %x\n",
		cell->gpa.start, tsr_range_size(cell->gpa), cell->denied, cell->granted,
		cell->order, (unsigned int)cell->behind, cell->flags);
}
