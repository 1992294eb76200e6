/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "tag/codec.h"

#include "tags_file.h"

#define MAGIC	      "TSRTAGS\n"
#define MAGIC_SIZE    8
#define VERSION	      1U
#define HEAD_SIZE     (MAGIC_SIZE + 4 + 4)
#define SLOT_SIZE     (8 + 8)
#define BATCH_SIZE    (8 + 4 + 4)
#define END_ADDRESS   UINT64_MAX
#define CHECKSUM_SIZE 4
/* No architecture that this runs on has guest addresses of more bits. */
#define ADDRESS_END (UINT64_C(1) << 52)

_Static_assert(TAGS_BATCH_PAGES == TAG_BATCH_PAGES, "a batch is the codec's");
_Static_assert(TAGS_BATCH_BYTES == TAG_BATCH_PAGES * TAG_PAGE_PACKED, "a batch is the codec's");

static unsigned char *put(unsigned char *at, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		*at++ = (unsigned char)(value >> 8 * i);
	return at;
}

static uint64_t get(const unsigned char *at, unsigned int bytes)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

static uint32_t checksum(uint32_t crc, const unsigned char *data, size_t size)
{
	return (uint32_t)crc32(crc, data, (uInt)size);
}

void tags_layout_sort(struct tags_layout *layout)
{
	for (size_t i = 1; i < layout->count; i++)
		for (size_t j = i; j && layout->slots[j].start < layout->slots[j - 1].start; j--) {
			struct tsr_range later = layout->slots[j];

			layout->slots[j] = layout->slots[j - 1];
			layout->slots[j - 1] = later;
		}
}

/* Writes a piece, and behind it its checksum, or that of all. */
static int piece_write(struct tags_file *tags, unsigned char *data, size_t size, bool of_all)
{
	uint32_t all = checksum(tags->crc, data, size);

	put(data + size, of_all ? all : checksum(0, data, size), CHECKSUM_SIZE);
	tags->crc = checksum(all, data + size, CHECKSUM_SIZE);
	size += CHECKSUM_SIZE;
	return fwrite(data, 1, size, tags->file) == size ? 0 : -EIO;
}

int tags_file_begin(struct tags_file *tags, FILE *file, const struct tags_layout *layout)
{
	unsigned char head[HEAD_SIZE + SLOT_SIZE * TSR_RAM_REGIONS_MAX + CHECKSUM_SIZE], *at;

	memset(tags, 0, sizeof(*tags));
	tags->file = file;
	tags->layout = *layout;
	memcpy(head, MAGIC, MAGIC_SIZE);
	at = put(head + MAGIC_SIZE, VERSION, 4);
	at = put(at, layout->count, 4);
	for (size_t i = 0; i < layout->count; i++) {
		at = put(at, layout->slots[i].start, 8);
		at = put(at, tsr_range_size(layout->slots[i]) / TSR_PAGE_SIZE, 8);
	}
	return piece_write(tags, head, (size_t)(at - head), false);
}

int tags_file_add(struct tags_file *tags, const struct tags_batch *batch)
{
	unsigned char data[BATCH_SIZE + TAG_BATCH_ROOM + CHECKSUM_SIZE], *at;
	unsigned int bytes;

	if (!batch->holds)
		return 0;
	bytes = tag_batch_encode(batch->tags, batch->holds, batch->pages, data + BATCH_SIZE);
	at = put(data, batch->gpa, 8);
	at = put(at, batch->pages, 4);
	put(at, bytes, 4);
	tags->batches++;
	tags->holding += (uint64_t)__builtin_popcountll(batch->holds);
	return piece_write(tags, data, BATCH_SIZE + bytes, false);
}

int tags_file_end(struct tags_file *tags)
{
	unsigned char end[8 + 8 + CHECKSUM_SIZE];

	put(end, END_ADDRESS, 8);
	put(end + 8, tags->holding, 8);
	return piece_write(tags, end, 16, true);
}

static int damaged(const struct tags_file *tags, const char *what, struct tsr_why *why)
{
	return tsr_because(why, -EPROTO,
			   "The file is damaged at byte %" PRIu64 ": %s. Nothing of it can be "
			   "relied upon.",
			   tags->offset, what);
}

/* Reads @size bytes to data + from, which is followed by more of the same piece. */
static int bytes_read(struct tags_file *tags, unsigned char *data, size_t from, size_t size,
		      struct tsr_why *why)
{
	size_t got = fread(data + from, 1, size, tags->file);

	if (got == size)
		return 0;
	if (ferror(tags->file))
		return tsr_because(why, -EIO, "The file cannot be read: %s.", strerror(errno));
	tags->offset += from + got;
	return damaged(tags, "it ends there, and more was to come", why);
}

/* Reads the checksum behind the @size bytes that have been read, and compares. */
static int piece_end(struct tags_file *tags, unsigned char *data, size_t size, bool of_all,
		     struct tsr_why *why)
{
	uint32_t all = checksum(tags->crc, data, size);
	uint32_t expected = of_all ? all : checksum(0, data, size);
	int error = bytes_read(tags, data, size, CHECKSUM_SIZE, why);

	if (error)
		return error;
	if (get(data + size, CHECKSUM_SIZE) != expected)
		return damaged(tags, "the checksum of what begins there is wrong", why);
	tags->crc = checksum(all, data + size, CHECKSUM_SIZE);
	tags->offset += size + CHECKSUM_SIZE;
	return 0;
}

static bool slot_decode(struct tags_layout *layout, const unsigned char *at)
{
	uint64_t start = get(at, 8), pages = get(at + 8, 8);
	struct tsr_range *slot = &layout->slots[layout->count];

	if (start % TSR_PAGE_SIZE || start >= ADDRESS_END || !pages ||
	    pages > (ADDRESS_END - start) / TSR_PAGE_SIZE)
		return false;
	if (layout->count && start < layout->slots[layout->count - 1].end)
		return false;
	*slot = (struct tsr_range){ start, start + pages * TSR_PAGE_SIZE };
	layout->count++;
	return true;
}

int tags_file_open(struct tags_file *tags, FILE *file, struct tsr_why *why)
{
	unsigned char head[HEAD_SIZE + SLOT_SIZE * TSR_RAM_REGIONS_MAX + CHECKSUM_SIZE];
	uint64_t slots;
	size_t got;
	int error;

	memset(tags, 0, sizeof(*tags));
	tags->file = file;
	got = fread(head, 1, MAGIC_SIZE, file);
	if (ferror(file))
		return tsr_because(why, -EIO, "The file cannot be read: %s.", strerror(errno));
	if (got != MAGIC_SIZE || memcmp(head, MAGIC, MAGIC_SIZE))
		return tsr_because(why, -EPROTO, "This is no file of tessera tags --dump.");
	error = bytes_read(tags, head, MAGIC_SIZE, HEAD_SIZE - MAGIC_SIZE, why);
	if (error)
		return error;
	if (get(head + MAGIC_SIZE, 4) != VERSION)
		return tsr_because(why, -EPROTO,
				   "The file has version %" PRIu64 ", and this tessera reads "
				   "version %u.",
				   get(head + MAGIC_SIZE, 4), VERSION);
	slots = get(head + MAGIC_SIZE + 4, 4);
	if (!slots || slots > TSR_RAM_REGIONS_MAX)
		return damaged(tags, "a VM has 1 to 16 slots", why);
	error = bytes_read(tags, head, HEAD_SIZE, slots * SLOT_SIZE, why);
	if (!error)
		error = piece_end(tags, head, HEAD_SIZE + slots * SLOT_SIZE, false, why);
	for (uint64_t i = 0; !error && i < slots; i++)
		if (!slot_decode(&tags->layout, head + HEAD_SIZE + i * SLOT_SIZE))
			error = damaged(tags, "its slots are no layout of a VM", why);
	if (!error)
		tags->filled = tags->layout.slots[0].start;
	return error;
}

/* Whether the batch lies in a slot, behind the one before it; else it cannot be one of a VM. */
static bool batch_fits(struct tags_file *tags, const struct tags_batch *batch)
{
	const struct tags_layout *layout = &tags->layout;
	uint64_t size = batch->pages * TSR_PAGE_SIZE;

	if (batch->gpa % TSR_PAGE_SIZE || batch->gpa < tags->filled || !batch->pages ||
	    batch->pages > TAGS_BATCH_PAGES)
		return false;
	while (tags->slot < layout->count && batch->gpa >= layout->slots[tags->slot].end)
		tags->slot++;
	if (tags->slot == layout->count || batch->gpa < layout->slots[tags->slot].start ||
	    layout->slots[tags->slot].end - batch->gpa < size)
		return false;
	tags->filled = batch->gpa + size;
	return true;
}

static int end_read(struct tags_file *tags, unsigned char *data, struct tsr_why *why)
{
	int error = piece_end(tags, data, 16, true, why);

	if (error)
		return error;
	if (get(data + 8, 8) != tags->holding)
		return damaged(tags, "it does not have as many pages as it says", why);
	if (getc(tags->file) != EOF)
		return damaged(tags, "something follows its end", why);
	return 0;
}

int tags_file_next(struct tags_file *tags, struct tags_batch *batch, struct tsr_why *why)
{
	unsigned char data[BATCH_SIZE + TAG_BATCH_ROOM + CHECKSUM_SIZE];
	unsigned long long holds;
	uint64_t bytes;
	int error = bytes_read(tags, data, 0, BATCH_SIZE, why);

	if (error)
		return error;
	if (get(data, 8) == END_ADDRESS)
		return end_read(tags, data, why);
	*batch = (struct tags_batch){
		.gpa = get(data, 8),
		.pages = (unsigned int)get(data + 8, 4),
	};
	bytes = get(data + 12, 4);
	if (!bytes || bytes > TAG_BATCH_MAX(TAG_BATCH_PAGES))
		return damaged(tags, "no batch has such a size", why);
	error = bytes_read(tags, data, BATCH_SIZE, bytes, why);
	if (!error)
		error = piece_end(tags, data, BATCH_SIZE + bytes, false, why);
	if (error)
		return error;
	if (!batch_fits(tags, batch))
		return damaged(tags, "a batch lies outside of the slots, or out of order", why);
	if (tag_batch_decode(data + BATCH_SIZE, (unsigned int)bytes, batch->pages, &holds,
			     batch->tags) != (int)bytes ||
	    !holds)
		return damaged(tags, "a batch does not decode", why);
	batch->holds = holds;
	tags->batches++;
	tags->holding += (uint64_t)__builtin_popcountll(holds);
	return 1;
}
