/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "snapshot.h"

struct writer {
	FILE *file;
	size_t cells;
};

static int write_cell(void *opaque, const struct tsr_cell *cell)
{
	struct writer *writer = opaque;

	if (writer->cells == SNAPSHOT_CELLS_MAX)
		return -E2BIG;
	writer->cells++;
	snapshot_write_cell(writer->file, cell);
	return 0;
}

static void write_region(FILE *file, const struct tsr_ram_region *region)
{
	struct snapshot_slot slot = {
		.gpa = region->gpa,
		.kind = region->kind,
		.exclusive = region->exclusive,
	};

	memcpy(slot.path, region->path, sizeof(slot.path));
	snapshot_write_slot(file, &slot);
}

int snapshot_write(FILE *file, struct tsr_vm *vm, const struct tsr_ram *ram, struct tsr_lazy *lazy,
		   unsigned int vcpus)
{
	struct writer writer = { .file = file };
	int error = 0;

	fprintf(file, "tessera-snapshot 1\nvm %x %x %x %x %x %" PRIx64 "\n", (unsigned int)getpid(),
		vcpus, vm->mte, vm->notag, vm->host->tsr_version > 0,
		lazy ? tsr_lazy_missing(lazy) : 0);
	for (size_t i = 0; !error && i < ram->count; i++) {
		write_region(file, &ram->regions[i]);
		error = tsr_survey(vm, &ram->regions[i], lazy, write_cell, &writer);
	}
	if (error && error != -E2BIG)
		return error;
	fprintf(file, "%s %zx\n", error ? "cut" : "end", writer.cells);
	return fflush(file) || ferror(file) ? -EIO : 0;
}
