/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <string.h>

#include "tags.h"

/* How much of the memory lies below what has been read. */
static uint64_t filled_size(const struct tags_file *tags)
{
	uint64_t size = tags->filled - tags->layout.slots[tags->slot].start;

	for (size_t i = 0; i < tags->slot; i++)
		size += tsr_range_size(tags->layout.slots[i]);
	return size;
}

/* Reads all of it; @tags says then what was in it. */
static int file_verify(FILE *file, struct tags_file *tags, bool asked, struct tsr_why *why)
{
	struct tags_batch batch;
	struct progress progress;
	int got = tags_file_open(tags, file, why);

	if (got)
		return got;
	progress_begin(&progress, "check", tags_layout_size(&tags->layout), asked);
	do {
		got = tags_signal ? -EINTR : tags_file_next(tags, &batch, why);
		if (got > 0)
			progress_show(&progress, filled_size(tags), tags->holding);
	} while (got > 0);
	if (!got)
		progress_show(&progress, tags_layout_size(&tags->layout), tags->holding);
	progress_end(&progress);
	return got;
}

static FILE *file_open(const char *path, struct tsr_why *why)
{
	FILE *file = fopen(path, "re");

	if (!file)
		tsr_because(why, -errno, "Cannot open %s: %s.", path, strerror(errno));
	return file;
}

int tags_check(const char *path, bool progress)
{
	struct tags_file tags;
	struct tsr_why why;
	FILE *file = file_open(path, &why);
	int error = file ? file_verify(file, &tags, progress, &why) : -ENOENT;

	if (file)
		fclose(file);
	if (error)
		return tags_fail(STATUS_TAGS, &why);
	printf("%" PRIu64 " pages with tags of %" PRIu64 ", %" PRIu64 " batches, %" PRIu64
	       " bytes\n",
	       tags.holding, tags_layout_size(&tags.layout) / TSR_PAGE_SIZE, tags.batches,
	       tags.offset);
	for (size_t i = 0; i < tags.layout.count; i++)
		printf("slot 0x%" PRIx64 "-0x%" PRIx64 "\n", tags.layout.slots[i].start,
		       tags.layout.slots[i].end);
	return STATUS_PASSED;
}

static int layout_compare(const struct tags_layout *file, const struct tags_layout *vm,
			  struct tsr_why *why)
{
	for (size_t i = 0; i < file->count && i < vm->count; i++)
		if (file->slots[i].start != vm->slots[i].start ||
		    file->slots[i].end != vm->slots[i].end)
			return tsr_because(
				why, -EINVAL,
				"The file is of a VM with other memory: it has 0x%" PRIx64
				"-0x%" PRIx64 " where this VM has 0x%" PRIx64 "-0x%" PRIx64
				". Nothing was changed.",
				file->slots[i].start, file->slots[i].end, vm->slots[i].start,
				vm->slots[i].end);
	if (file->count == vm->count)
		return 0;
	return tsr_because(why, -EINVAL,
			   "The file is of a VM with other memory: it has %zu slots where this VM "
			   "has %zu. Nothing was changed.",
			   file->count, vm->count);
}

/* A restore under way: the batch that comes next, if there is one. */
struct restore {
	struct client *client;
	struct tags_file tags;
	struct tags_batch batch;
	bool has_batch;
};

static int batch_fetch(struct restore *restore, struct tsr_why *why)
{
	int got = tags_file_next(&restore->tags, &restore->batch, why);

	restore->has_batch = got > 0;
	return got < 0 ? got : 0;
}

/* Whether the batch is part of the question; if not, the question ends before it. */
static bool batch_take(struct restore *restore, struct ask *ask)
{
	const struct tags_batch *batch = &restore->batch;
	uint64_t first = (batch->gpa - ask->gpa) / TSR_PAGE_SIZE;
	size_t size = (size_t)__builtin_popcountll(batch->holds) * 128;

	if (first + batch->pages > ask->pages || ask->bytes + size > sizeof(ask->tags)) {
		ask->pages = first;
		return false;
	}
	for (unsigned int page = 0; page < batch->pages; page++) {
		uint64_t bit = first + page;

		ask->bitmap[bit / 64] |= (batch->holds >> page & 1) << bit % 64;
	}
	memcpy(ask->tags + ask->bytes, batch->tags, size);
	ask->bytes += (uint32_t)size;
	return true;
}

/* The tags of as much of [@gpa, @end) as fits, and sets them. */
static int piece_restore(struct restore *restore, uint64_t gpa, uint64_t end, struct tsr_why *why)
{
	struct ask *ask = &restore->client->ask;
	uint64_t pages = (end - gpa) / TSR_PAGE_SIZE;
	int error = 0;

	ask->gpa = gpa;
	ask->pages = pages < CHANNEL_PAGES_MAX ? pages : CHANNEL_PAGES_MAX;
	ask->bytes = 0;
	memset(ask->bitmap, 0, sizeof(ask->bitmap));
	while (!error && restore->has_batch &&
	       restore->batch.gpa < gpa + ask->pages * TSR_PAGE_SIZE && batch_take(restore, ask))
		error = batch_fetch(restore, why);
	return error ? error : client_tags_set(restore->client, why);
}

static int slots_restore(struct restore *restore, struct progress *progress, uint64_t *reached,
			 struct tsr_why *why)
{
	const struct tags_layout *layout = &restore->tags.layout;
	uint64_t done = 0;
	int error = batch_fetch(restore, why);

	for (size_t i = 0; !error && i < layout->count; i++) {
		*reached = layout->slots[i].start;
		while (!error && *reached < layout->slots[i].end) {
			error = tags_signal ? -EINTR
					    : piece_restore(restore, *reached, layout->slots[i].end,
							    why);
			if (error)
				break;
			*reached += restore->client->ask.pages * TSR_PAGE_SIZE;
			done += restore->client->ask.pages * TSR_PAGE_SIZE;
			progress_show(progress, done, restore->tags.holding);
		}
	}
	return error;
}

/* The file has been found good; should it be another by now, that is found again. */
static int restore_held(struct client *client, FILE *file, const struct tags_layout *layout,
			bool asked, struct tsr_why *why)
{
	static struct restore restore;
	struct progress progress;
	uint64_t size = tags_layout_size(layout), reached = 0;
	struct tsr_why cause;
	int error;

	restore.client = client;
	error = tags_file_open(&restore.tags, file, why);
	if (!error)
		error = layout_compare(&restore.tags.layout, layout, why);
	if (error)
		return error;
	progress_begin(&progress, "restore", size, asked);
	error = slots_restore(&restore, &progress, &reached, &cause);
	progress_end(&progress);
	if (!error)
		return 0;
	if (tags_signal)
		tsr_because(&cause, error, "A signal came.");
	fprintf(stderr,
		"tessera: Memory below 0x%" PRIx64 " has the tags of the file, the rest its own; "
		"restore again before the guest uses it.\n",
		reached);
	return tsr_because(why, error, "%s", cause.text);
}

int tags_restore(struct client *client, const char *path, bool progress)
{
	struct tags_layout layout;
	struct tags_file tags;
	struct tsr_why why;
	FILE *file = file_open(path, &why);
	int error = file ? file_verify(file, &tags, progress, &why) : -ENOENT;

	if (!error && fseek(file, 0, SEEK_SET))
		error = tsr_because(&why, -errno, "%s cannot be read twice: %s.", path,
				    strerror(errno));
	if (error) {
		if (file)
			fclose(file);
		return tags_fail(STATUS_TAGS, &why);
	}
	error = tags_hold(client, &layout, &why);
	if (!error)
		error = layout_compare(&tags.layout, &layout, &why);
	if (!error)
		error = restore_held(client, file, &layout, progress, &why);
	fclose(file);
	if (error)
		return tags_fail(STATUS_TAGS, &why);
	printf("%" PRIu64 " pages with tags of %" PRIu64 "\n", tags.holding,
	       tags_layout_size(&layout) / TSR_PAGE_SIZE);
	return STATUS_PASSED;
}
