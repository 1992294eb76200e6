// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * libFuzzer over files with tags (vmm/cmd/tags_file.h): what is read keeps what the header
 * promises; what is written of it is read again, and written again it is the same. Checksums are
 * all 0 here, so that the fuzzer gets past them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tags_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

uLong crc32(uLong crc, const Bytef *data, uInt size)
{
	return 0;
}

static void expect(bool held)
{
	if (!held)
		abort();
}

static size_t slot_of(const struct tags_layout *layout, uint64_t gpa)
{
	size_t slot = 0;

	while (slot < layout->count && !tsr_range_holds(layout->slots[slot], gpa))
		slot++;
	return slot;
}

static void batch_check(const struct tags_file *tags, const struct tags_batch *batch, uint64_t from)
{
	size_t slot = slot_of(&tags->layout, batch->gpa);

	expect(batch->pages >= 1 && batch->pages <= TAGS_BATCH_PAGES && batch->holds);
	expect(batch->pages == 64 || !(batch->holds >> batch->pages));
	expect(batch->gpa >= from && slot < tags->layout.count);
	expect(batch->gpa + batch->pages * TSR_PAGE_SIZE <= tags->layout.slots[slot].end);
}

/* Whether all of @from was a file; @to is what this tessera writes for it. */
static bool copy_file(FILE *from, FILE *to)
{
	static struct tags_batch batch;
	struct tags_file in, out;
	struct tsr_why why;
	uint64_t filled = 0;
	int got = tags_file_open(&in, from, &why);

	if (got)
		return false;
	expect(in.layout.count && in.layout.count <= TSR_RAM_REGIONS_MAX);
	expect(!tags_file_begin(&out, to, &in.layout));
	while ((got = tags_file_next(&in, &batch, &why)) > 0) {
		batch_check(&in, &batch, filled);
		filled = batch.gpa + batch.pages * TSR_PAGE_SIZE;
		expect(!tags_file_add(&out, &batch));
	}
	expect(!tags_file_end(&out));
	return !got;
}

struct bytes {
	char *data;
	size_t size;
};

static bool copy_bytes(const void *data, size_t size, struct bytes *copy)
{
	FILE *from = fmemopen((void *)data, size, "r");
	FILE *to = open_memstream(&copy->data, &copy->size);
	bool whole;

	expect(from && to);
	whole = copy_file(from, to);
	fclose(from);
	expect(!fclose(to));
	return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes first, second;

	if (!size)
		return 0;
	if (copy_bytes(data, size, &first)) {
		expect(copy_bytes(first.data, first.size, &second));
		expect(first.size == second.size && !memcmp(first.data, second.data, first.size));
		free(second.data);
	}
	free(first.data);
	return 0;
}
