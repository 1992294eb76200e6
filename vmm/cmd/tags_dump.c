/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tags.h"

/* What was answered, a batch for each word of the bitmap. */
static int answer_write(struct tags_file *tags, const struct answer *answer, uint64_t gpa)
{
	const unsigned char *from = answer->tags;
	int error = 0;

	for (uint64_t page = 0; !error && page < answer->pages_done; page += TAGS_BATCH_PAGES) {
		uint64_t left = answer->pages_done - page;
		struct tags_batch batch = {
			.gpa = gpa + page * TSR_PAGE_SIZE,
			.pages = left < TAGS_BATCH_PAGES ? (unsigned int)left : TAGS_BATCH_PAGES,
			.holds = answer->bitmap[page / TAGS_BATCH_PAGES],
		};
		size_t size = (size_t)__builtin_popcountll(batch.holds) * 128;

		memcpy(batch.tags, from, size);
		from += size;
		error = tags_file_add(tags, &batch);
	}
	return error;
}

static int slots_write(struct client *client, struct tags_file *tags, struct progress *progress,
		       struct tsr_why *why)
{
	uint64_t done = 0;

	for (size_t i = 0; i < tags->layout.count; i++) {
		struct tsr_range slot = tags->layout.slots[i];

		while (slot.start < slot.end) {
			uint64_t size;
			int error = tags_signal ? -EINTR : 0;

			if (!error)
				error = client_tags(client, slot.start,
						    tsr_range_size(slot) / TSR_PAGE_SIZE, why);
			if (error)
				return error;
			if (answer_write(tags, &client->answer, slot.start))
				return tsr_because(why, -EIO, "The file cannot be written: %s.",
						   strerror(errno));
			size = client->answer.pages_done * TSR_PAGE_SIZE;
			slot.start += size;
			done += size;
			progress_show(progress, done, tags->holding);
		}
	}
	return 0;
}

static int dump_to(struct client *client, FILE *file, bool asked, struct tags_file *tags,
		   struct tsr_why *why)
{
	struct tags_layout layout;
	struct progress progress;
	int error = tags_hold(client, &layout, why);

	if (error)
		return error;
	error = tags_file_begin(tags, file, &layout);
	if (!error) {
		progress_begin(&progress, "dump", tags_layout_size(&layout), asked);
		error = slots_write(client, tags, &progress, why);
		progress_end(&progress);
		if (error)
			return error;
		error = tags_file_end(tags);
	}
	if (error || fflush(file) || fsync(fileno(file)))
		return tsr_because(why, -EIO, "The file cannot be written: %s.", strerror(errno));
	return 0;
}

/* A name beside @path, for what is not complete yet. */
static FILE *file_begin(const char *path, char *name, size_t size, struct tsr_why *why)
{
	struct stat stat;
	FILE *file;
	int fd;

	if (!lstat(path, &stat) && !S_ISREG(stat.st_mode)) {
		tsr_because(why, -EEXIST, "%s is there, and is no regular file.", path);
		return NULL;
	}
	if ((size_t)snprintf(name, size, "%s.XXXXXX", path) >= size) {
		tsr_because(why, -ENAMETOOLONG, "The name of the file is too long.");
		return NULL;
	}
	fd = mkstemp(name);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (file)
		return file;
	tsr_because(why, -errno, "Cannot write beside %s: %s.", path, strerror(errno));
	if (fd >= 0) {
		close(fd);
		unlink(name);
	}
	return NULL;
}

int tags_dump(struct client *client, const char *path, bool progress)
{
	struct tags_file tags;
	char name[4096];
	struct tsr_why why;
	FILE *file = file_begin(path, name, sizeof(name), &why);
	int error;

	if (!file)
		return tags_fail(STATUS_TAGS, &why);
	error = dump_to(client, file, progress, &tags, &why);
	if (fclose(file) && !error)
		error = tsr_because(&why, -EIO, "The file cannot be written: %s.", strerror(errno));
	if (!error && rename(name, path))
		error = tsr_because(&why, -errno, "Cannot name the file %s: %s.", path,
				    strerror(errno));
	if (error) {
		unlink(name);
		return tags_fail(error == -EPROTO ? STATUS_NO_ANSWER : STATUS_TAGS, &why);
	}
	printf("%" PRIu64 " pages with tags of %" PRIu64 "\n", tags.holding,
	       tags_layout_size(&tags.layout) / TSR_PAGE_SIZE);
	return STATUS_PASSED;
}
