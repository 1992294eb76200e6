/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The mosaic: a tile stands for 2 MiB, 32 by 16 pages, eight tiles a row. What
 * is mapped by pages shows its grains, what is mapped by blocks is one smooth
 * stone with a rim. Slots of more than TILE_ROWS_MAX rows are drawn with more
 * pages a cell.
 */
#include <inttypes.h>
#include <string.h>

#include "look.h"

#define CELL	      4 /* of the drawing's units, each side */
#define TILE_COLUMNS  32
#define TILE_ROWS     16
#define TILE_CELLS    (TILE_COLUMNS * TILE_ROWS)
#define TILES_A_ROW   8
#define TILE_ROWS_MAX 48
#define TILE_WIDTH    (TILE_COLUMNS * CELL)
#define TILE_HEIGHT   (TILE_ROWS * CELL)
#define GAP	      4
#define LEFT	      132 /* of the first tile; addresses stand before it */
#define RIGHT	      24
#define PICTURE_WIDTH (LEFT + TILES_A_ROW * (TILE_WIDTH + GAP) + RIGHT)
#define HEAD_HEIGHT   64
#define SLOT_HEAD     74 /* above the first row of a slot's tiles */
#define SLOT_FOOT     26
#define LEGEND_HEIGHT 150

struct drawing {
	FILE *file;
	const struct snapshot *snapshot;
	const struct snapshot_slot *slot;
	size_t at;		/* for looks_sample() */
	uint64_t unit;		/* bytes a cell */
	unsigned int left, top; /* of the tile */
};

/* As XML text. */
static void put_text(FILE *file, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", file);
			break;
		case '&':
			fputs("&amp;", file);
			break;
		default:
			fputc(*text, file);
		}
	}
}

static uint64_t unit_of(const struct snapshot_slot *slot)
{
	uint64_t size = tsr_range_size(slot->gpa), unit = TSR_PAGE_SIZE;

	while (size / (unit * TILE_CELLS) >= TILES_A_ROW * TILE_ROWS_MAX)
		unit *= 2;
	return unit;
}

/* Tiles are aligned in guest addresses, as blocks are. */
static uint64_t first_tile(const struct snapshot_slot *slot, uint64_t unit)
{
	return tsr_align_down(slot->gpa.start, unit * TILE_CELLS);
}

static unsigned int tile_rows(const struct snapshot_slot *slot)
{
	uint64_t unit = unit_of(slot), row = unit * TILE_CELLS * TILES_A_ROW;
	uint64_t size = slot->gpa.end - first_tile(slot, unit);

	return (unsigned int)((size + row - 1) / row);
}

static unsigned int slot_height(const struct snapshot_slot *slot)
{
	return SLOT_HEAD + tile_rows(slot) * (TILE_HEIGHT + GAP) + SLOT_FOOT;
}

static void rect(FILE *file, unsigned int x, unsigned int y, unsigned int width,
		 unsigned int height, const char *attributes)
{
	fprintf(file, "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" %s/>\n", x, y, width,
		height, attributes);
}

/* What lies over a colour: grain, rim, dots for dirty, stripes for what was promoted. */
static void overlay(FILE *file, struct look look, unsigned int x, unsigned int y,
		    unsigned int width, unsigned int height)
{
	bool mapped = look.kind >= LOOK_RWX;

	if (look.kind == LOOK_WAITING || look.kind == LOOK_CLOSED)
		rect(file, x, y, width, height,
		     look.kind == LOOK_WAITING ? "fill=\"url(#waiting)\""
					       : "fill=\"url(#closed)\"");
	if (mapped && !look.block)
		rect(file, x, y, width, height, "fill=\"url(#grain)\"");
	if (look.promoted)
		rect(file, x, y, width, height, "fill=\"url(#promoted)\"");
	if (look.dirty)
		rect(file, x, y, width, height, "fill=\"url(#dirty)\"");
	if (look.tagged)
		rect(file, x, y, width, height, "fill=\"url(#tagged)\"");
	if (mapped && look.block)
		fprintf(file,
			"<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"5\" fill=\"none\" "
			"stroke=\"#0b2b33\" stroke-opacity=\".55\" stroke-width=\"2\"/>\n",
			x + 1, y + 1, width - 2, height - 2);
}

static void patch(FILE *file, struct look look, unsigned int x, unsigned int y, unsigned int width,
		  unsigned int height)
{
	char fill[40];

	snprintf(fill, sizeof(fill), "fill=\"%s\"%s", look_names[look.kind].colour,
		 look.block ? " rx=\"6\"" : "");
	rect(file, x, y, width, height, fill);
	overlay(file, look, x, y, width, height);
}

/* How many rows from @row on have the look of [@from, @to) of @row there, and nobody has drawn. */
static unsigned int same_rows(const struct look *looks, const bool *drawn, unsigned int row,
			      unsigned int from, unsigned int to)
{
	struct look look = looks[row * TILE_COLUMNS + from];
	unsigned int next = row + 1;

	for (; next < TILE_ROWS; next++)
		for (unsigned int i = from; i < to; i++)
			if (drawn[next * TILE_COLUMNS + i] ||
			    !look_equal(looks[next * TILE_COLUMNS + i], look))
				return next - row;
	return next - row;
}

/* The largest patch of one look that begins at this cell, which nobody has drawn. */
static void draw_patch(const struct drawing *drawing, const struct look *looks, bool *drawn,
		       unsigned int row, unsigned int from)
{
	struct look look = looks[row * TILE_COLUMNS + from];
	unsigned int to = from + 1, rows;

	while (to < TILE_COLUMNS && !drawn[row * TILE_COLUMNS + to] &&
	       look_equal(looks[row * TILE_COLUMNS + to], look))
		to++;
	rows = same_rows(looks, drawn, row, from, to);
	for (unsigned int i = 0; i < rows; i++)
		memset(&drawn[(row + i) * TILE_COLUMNS + from], true, to - from);
	if (look.kind != LOOK_UNKNOWN)
		patch(drawing->file, look, drawing->left + from * CELL, drawing->top + row * CELL,
		      (to - from) * CELL, rows * CELL);
}

static void draw_tile(struct drawing *drawing, uint64_t start)
{
	struct look looks[TILE_CELLS];
	bool drawn[TILE_CELLS] = { false };

	looks_sample(drawing->snapshot, drawing->slot, &drawing->at, start, drawing->unit, looks,
		     TILE_CELLS);
	for (unsigned int row = 0; row < TILE_ROWS; row++)
		for (unsigned int column = 0; column < TILE_COLUMNS; column++)
			if (!drawn[row * TILE_COLUMNS + column])
				draw_patch(drawing, looks, drawn, row, column);
}

static void draw_tiles(struct drawing *drawing, unsigned int top)
{
	uint64_t step = drawing->unit * TILE_CELLS;
	uint64_t start = first_tile(drawing->slot, drawing->unit);

	for (unsigned int tile = 0; start < drawing->slot->gpa.end; tile++, start += step) {
		unsigned int column = tile % TILES_A_ROW, row = tile / TILES_A_ROW;

		drawing->left = LEFT + column * (TILE_WIDTH + GAP);
		drawing->top = top + row * (TILE_HEIGHT + GAP);
		if (!column)
			fprintf(drawing->file,
				"<text x=\"%u\" y=\"%u\" class=\"address\">0x%" PRIx64 "</text>\n",
				LEFT - 10, drawing->top + TILE_HEIGHT / 2 + 4, start);
		draw_tile(drawing, start);
	}
}

static void put_share(FILE *file, const char *what, uint64_t bytes)
{
	if (bytes)
		fprintf(file, " \xc2\xb7 %s %.1f MiB", what, (double)bytes / 1048576);
}

static void slot_head(struct drawing *drawing, size_t index, unsigned int top)
{
	const struct snapshot_slot *slot = drawing->slot;
	struct look_sums sums = look_sums_of(drawing->snapshot, slot);
	FILE *file = drawing->file;

	fprintf(file,
		"<text x=\"24\" y=\"%u\" class=\"slot\">slot %zu</text>\n"
		"<text x=\"%u\" y=\"%u\" class=\"range\">0x%" PRIx64 " \xe2\x80\x93 0x%" PRIx64
		"<tspan dx=\"14\" class=\"kind\">",
		top + 24, index, LEFT, top + 24, slot->gpa.start, slot->gpa.end);
	put_text(file, tsr_ram_kind_name(slot->kind));
	fputs(slot->exclusive ? ", exclusive " : " ", file);
	put_text(file, slot->path);
	fprintf(file,
		"</tspan></text>\n<text x=\"%u\" y=\"%u\" class=\"sums\">%.1f MiB \xc2\xb7 mapped "
		"%.1f MiB",
		LEFT, top + 44, (double)tsr_range_size(slot->gpa) / 1048576,
		(double)sums.mapped / 1048576);
	put_share(file, "by blocks", sums.blocks);
	put_share(file, "tags open", sums.tags);
	put_share(file, "closed", sums.closed);
	put_share(file, "private", sums.private);
	put_share(file, "waiting", sums.waiting);
	put_share(file, "promoted", sums.promoted);
	put_share(file, "dirty", sums.dirty);
	if (slot->tags)
		fprintf(file, " \xc2\xb7 tags in %" PRIu64 " pages", slot->tags->holding);
	fputs("</text>\n", file);
	for (unsigned int i = 0; i < TILES_A_ROW; i++)
		fprintf(file, "<text x=\"%u\" y=\"%u\" class=\"tick\">+%" PRIu64 "M</text>\n",
			LEFT + i * (TILE_WIDTH + GAP), top + 66,
			i * drawing->unit * TILE_CELLS >> 20);
}

static void draw_slot(FILE *file, const struct snapshot *snapshot, size_t index, unsigned int top)
{
	const struct snapshot_slot *slot = &snapshot->slots[index];
	struct drawing drawing = {
		.file = file,
		.snapshot = snapshot,
		.slot = slot,
		.at = slot->first,
		.unit = unit_of(slot),
	};

	slot_head(&drawing, index, top);
	draw_tiles(&drawing, top + SLOT_HEAD);
}

static void legend_entry(FILE *file, unsigned int number, struct look look, const char *meaning)
{
	unsigned int x = 24 + number % 4 * 284, y = number / 4 * 30;

	patch(file, look, x, y, 24, 16);
	fprintf(file, "<text x=\"%u\" y=\"%u\" class=\"legend\">", x + 34, y + 13);
	put_text(file, meaning);
	fputs("</text>\n", file);
}

static void legend(FILE *file, unsigned int top, bool tags)
{
	unsigned int number = 0;

	fprintf(file, "<g transform=\"translate(0 %u)\">\n", top);
	for (unsigned int kind = LOOK_RWX; kind < LOOK_CLASSES; kind++)
		legend_entry(file, number++, (struct look){ .kind = (enum look_class)kind },
			     look_names[kind].meaning);
	for (unsigned int kind = LOOK_NOTHING; kind < LOOK_RWX; kind++)
		legend_entry(file, number++, (struct look){ .kind = (enum look_class)kind },
			     look_names[kind].meaning);
	legend_entry(file, number++, (struct look){ .kind = LOOK_RWX, .block = true },
		     "by a block of 2 MiB or 1 GiB");
	legend_entry(file, number++, (struct look){ .kind = LOOK_RWX, .dirty = true },
		     "dirty: not what it began with");
	legend_entry(file, number++,
		     (struct look){ .kind = LOOK_RWX, .block = true, .promoted = true },
		     "promoted");
	if (tags)
		legend_entry(file, number++, (struct look){ .kind = LOOK_RWX, .tagged = true },
			     "has tags");
	fputs("</g>\n", file);
}

static void head(FILE *file, const struct snapshot *snapshot, unsigned int height)
{
	fprintf(file,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
		"viewBox=\"0 0 %u %u\" font-family=\"DejaVu Sans, Helvetica, sans-serif\">\n"
		"<style>.title{font-size:20px;font-weight:bold;fill:#12303a}"
		".sub{font-size:13px;fill:#4a5c66}.slot{font-size:15px;font-weight:bold;"
		"fill:#12303a}.range{font-size:14px;font-family:DejaVu Sans Mono,monospace;"
		"fill:#12303a}.kind{font-family:DejaVu Sans,Helvetica,sans-serif;fill:#4a5c66}"
		".sums{font-size:12px;fill:#4a5c66}.tick{font-size:10px;fill:#8796a0}"
		".address{font-size:11px;font-family:DejaVu Sans Mono,monospace;fill:#4a5c66;"
		"text-anchor:end}.legend{font-size:12px;fill:#2b3d46}</style>\n"
		"<defs>\n"
		"<pattern id=\"grain\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">"
		"<path d=\"M0 0H4M0 0V4\" stroke=\"#fff\" stroke-opacity=\".6\"/></pattern>\n"
		"<pattern id=\"dirty\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
		"<circle cx=\"4\" cy=\"4\" r=\"1.2\" fill=\"#08222a\" fill-opacity=\".4\"/>"
		"</pattern>\n"
		"<pattern id=\"promoted\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
		"<path d=\"M-2 2L2 -2M0 8L8 0M6 10L10 6\" stroke=\"#ffe9a8\" stroke-width=\"1.6\"/>"
		"</pattern>\n"
		"<pattern id=\"waiting\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
		"<path d=\"M-2 6L2 10M0 0L8 8M6 -2L10 2\" stroke=\"#b9b1a1\" stroke-width=\"1\"/>"
		"</pattern>\n"
		"<pattern id=\"closed\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
		"<path d=\"M0 0L8 8M8 0L0 8\" stroke=\"#7d0f18\" stroke-width=\"1\"/></pattern>\n"
		"<pattern id=\"tagged\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">"
		"<rect width=\"4\" height=\"4\" fill=\"#4b0f6b\" fill-opacity=\".35\"/>"
		"<path d=\"M2 0L4 2L2 4L0 2Z\" fill=\"#4b0f6b\"/></pattern>\n"
		"</defs>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fbfcfd\"/>\n",
		PICTURE_WIDTH, height, PICTURE_WIDTH, height);
	fprintf(file,
		"<text x=\"24\" y=\"34\" class=\"title\">Memory of process %" PRIu64 "</text>\n"
		"<text x=\"24\" y=\"54\" class=\"sub\">%" PRIu64 " vCPU%s \xc2\xb7 %s%s</text>\n",
		snapshot->pid, snapshot->vcpus, snapshot->vcpus == 1 ? "" : "s",
		!snapshot->mte	  ? "no MTE"
		: snapshot->notag ? "MTE, NoTagAccess"
				  : "MTE",
		snapshot->tessera ? " \xc2\xb7 a tile is 2 MiB unless ticks say otherwise"
				  : " \xc2\xb7 on this KVM what is mapped is not known");
}

void picture_svg(FILE *file, const struct snapshot *snapshot)
{
	unsigned int height = HEAD_HEIGHT + LEGEND_HEIGHT, top = HEAD_HEIGHT;

	for (size_t i = 0; i < snapshot->slot_count; i++)
		height += slot_height(&snapshot->slots[i]);
	head(file, snapshot, height);
	for (size_t i = 0; i < snapshot->slot_count; i++) {
		draw_slot(file, snapshot, i, top);
		top += slot_height(&snapshot->slots[i]);
	}
	legend(file, top, snapshot->slot_count && snapshot->slots[0].tags);
	fputs("</svg>\n", file);
}
