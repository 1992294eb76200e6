/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"

/* The longest line: a slot, whose path may be %XX throughout. */
#define LINE_MAX_BYTES 1024
#define FIELDS_MAX     7
/* No architecture that this runs on has guest addresses of more bits. */
#define ADDRESS_END (UINT64_C(1) << 52)
#define NEEDS	    (TSR_FAULT_READ | TSR_FAULT_WRITE | TSR_FAULT_EXEC | TSR_FAULT_TAG)

struct reader {
	FILE *file;
	struct snapshot *snapshot;
	size_t room;	 /* of cells */
	uint64_t filled; /* up to where the last slot has cells */
	unsigned int line;
};

/* A word, and hexadecimal numbers, each behind one blank. */
struct line {
	char word[24];
	uint64_t field[FIELDS_MAX];
	unsigned int count;
	const char *rest; /* behind a number and its blank that are no number */
};

static int malformed(const struct reader *reader, const char *what, struct tsr_why *why)
{
	return tsr_because(
		why, -EPROTO,
		"This is no answer of tessera run: line %u %s. Is it of another version?",
		reader->line, what);
}

static void line_split(char *text, struct line *line)
{
	size_t length = strcspn(text, " ");
	char *end;

	memset(line, 0, sizeof(*line));
	if (length >= sizeof(line->word))
		length = sizeof(line->word) - 1;
	memcpy(line->word, text, length);
	for (text += length; *text == ' ' && line->count < FIELDS_MAX; text = end) {
		line->rest = text + 1;
		/* strtoull() takes more than hexadecimal digits. */
		if (!isxdigit((unsigned char)text[1]) || (text[1] == '0' && text[2] == 'x'))
			return;
		errno = 0;
		line->field[line->count] = strtoull(text + 1, &end, 16);
		if (errno || (*end && *end != ' '))
			return;
		line->count++;
	}
	line->rest = *text ? text : NULL;
}

static int line_read(struct reader *reader, char *text, struct line *line, struct tsr_why *why)
{
	size_t length;

	reader->line++;
	if (!fgets(text, LINE_MAX_BYTES, reader->file))
		return malformed(reader, "is missing", why);
	length = strlen(text);
	if (!length || text[length - 1] != '\n')
		return malformed(reader, "does not end", why);
	text[length - 1] = '\0';
	line_split(text, line);
	return 0;
}

static int hex_digit(char letter)
{
	if (letter >= '0' && letter <= '9')
		return letter - '0';
	return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

static bool path_read(const char *text, char *path, size_t size)
{
	size_t used = 0;

	for (; *text; text++) {
		int high, low, letter = (unsigned char)*text;

		if (letter <= ' ' || letter > '~' || used + 1 == size)
			return false;
		if (letter == '%') {
			high = hex_digit(text[1]);
			low = high < 0 ? -1 : hex_digit(text[2]);
			if (low < 0)
				return false;
			letter = high << 4 | low;
			/* What a terminal or an XML reader might stumble over is not shown. */
			if (letter < ' ' || letter > '~')
				letter = '?';
			text += 2;
		}
		path[used++] = (char)letter;
	}
	path[used] = '\0';
	return true;
}

/* A page-aligned range from two fields. */
static bool range_read(const struct line *line, struct tsr_range *gpa)
{
	return !((line->field[0] | line->field[1]) % TSR_PAGE_SIZE) &&
	       !tsr_range_make(line->field[0], line->field[1], gpa) && gpa->end <= ADDRESS_END;
}

static bool slot_read(struct reader *reader, const struct line *line)
{
	struct snapshot *snapshot = reader->snapshot;
	struct snapshot_slot *slot = &snapshot->slots[snapshot->slot_count];

	if (snapshot->slot_count == TSR_RAM_REGIONS_MAX || line->count != 4 || !line->rest ||
	    line->rest[0] != ':' || !range_read(line, &slot->gpa) ||
	    line->field[2] < TSR_RAM_ANON || line->field[2] > TSR_RAM_FILE_SHARED ||
	    line->field[3] > 1)
		return false;
	slot->kind = (enum tsr_ram_kind)line->field[2];
	slot->exclusive = line->field[3];
	slot->first = slot->last = snapshot->cell_count;
	reader->filled = slot->gpa.start;
	snapshot->slot_count++;
	return path_read(line->rest + 1, slot->path, sizeof(slot->path));
}

static bool cell_parse(const struct line *line, struct tsr_cell *cell)
{
	if (line->count != 7 || line->rest || !range_read(line, &cell->gpa) ||
	    (line->field[2] | line->field[3]) & ~NEEDS || line->field[5] >= TSR_BEHIND_COUNT ||
	    line->field[6] & ~(uint64_t)TSR_CELL_FLAGS)
		return false;
	if (line->field[4] != 0 && line->field[4] != 9 && line->field[4] != 18)
		return false;
	cell->denied = line->field[2];
	cell->granted = line->field[3];
	cell->order = (unsigned int)line->field[4];
	cell->behind = (enum tsr_behind)line->field[5];
	cell->flags = (unsigned int)line->field[6];
	return true;
}

static bool room_make(struct reader *reader)
{
	struct snapshot *snapshot = reader->snapshot;
	size_t room = reader->room ? 2 * reader->room : 256;
	struct tsr_cell *cells;

	if (snapshot->cell_count < reader->room)
		return true;
	cells = realloc(snapshot->cells, room * sizeof(cells[0]));
	if (!cells)
		return false;
	snapshot->cells = cells;
	reader->room = room;
	return true;
}

static int cell_read(struct reader *reader, const struct line *line, struct tsr_why *why)
{
	struct snapshot *snapshot = reader->snapshot;
	struct snapshot_slot *slot = snapshot->slots;
	struct tsr_cell cell;

	if (!snapshot->slot_count)
		return malformed(reader, "is in no slot", why);
	slot += snapshot->slot_count - 1;
	if (snapshot->cell_count == SNAPSHOT_CELLS_MAX || !cell_parse(line, &cell) ||
	    cell.gpa.start < reader->filled || cell.gpa.end > slot->gpa.end)
		return malformed(reader, "is no cell of its slot", why);
	if (!room_make(reader))
		return tsr_because(why, -ENOMEM, "No memory for the snapshot.");
	snapshot->cells[snapshot->cell_count++] = cell;
	slot->last = snapshot->cell_count;
	reader->filled = cell.gpa.end;
	return 0;
}

static int head_read(struct reader *reader, char *text, struct line *line, struct tsr_why *why)
{
	struct snapshot *snapshot = reader->snapshot;
	int error = line_read(reader, text, line, why);

	if (error)
		return error;
	if (strcmp(line->word, "tessera-snapshot") || line->count != 1 || line->field[0] != 1)
		return malformed(reader, "is not \"tessera-snapshot 1\"", why);
	error = line_read(reader, text, line, why);
	if (error)
		return error;
	if (strcmp(line->word, "vm") || line->count != 6 || line->rest ||
	    (line->field[2] | line->field[3] | line->field[4]) > 1)
		return malformed(reader, "says nothing about the VM", why);
	snapshot->pid = line->field[0];
	snapshot->vcpus = line->field[1];
	snapshot->mte = line->field[2];
	snapshot->notag = line->field[3];
	snapshot->tessera = line->field[4];
	snapshot->missing = line->field[5];
	return 0;
}

static int body_read(struct reader *reader, char *text, struct line *line, struct tsr_why *why)
{
	int error;

	for (;;) {
		error = line_read(reader, text, line, why);
		if (error)
			return error;
		if (!strcmp(line->word, "cell"))
			error = cell_read(reader, line, why);
		else if (!strcmp(line->word, "slot"))
			error = slot_read(reader, line) ? 0 : malformed(reader, "is no slot", why);
		else
			break;
		if (error)
			return error;
	}
	reader->snapshot->cut = !strcmp(line->word, "cut");
	if ((!reader->snapshot->cut && strcmp(line->word, "end")) || line->count != 1 ||
	    line->field[0] != reader->snapshot->cell_count)
		return malformed(reader, "is not the end that was to come", why);
	return 0;
}

int snapshot_read(FILE *file, struct snapshot *snapshot, struct tsr_why *why)
{
	struct reader reader = { .file = file, .snapshot = snapshot };
	char text[LINE_MAX_BYTES];
	struct line line;
	int error;

	memset(snapshot, 0, sizeof(*snapshot));
	error = head_read(&reader, text, &line, why);
	if (!error)
		error = body_read(&reader, text, &line, why);
	if (error)
		snapshot_free(snapshot);
	return error;
}

void snapshot_free(struct snapshot *snapshot)
{
	free(snapshot->cells);
	snapshot->cells = NULL;
}
