/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "progress.h"
#include "tessera/clock.h"

#define MS UINT64_C(1000000)

/* To the end of the line, which may hold a longer text. */
#define ERASE "\x1b[K"

void progress_begin(struct progress *progress, const char *what, uint64_t total, bool asked)
{
	*progress = (struct progress){
		.what = what,
		.total = total,
		.terminal = isatty(STDERR_FILENO),
		.asked = asked,
		.start = tsr_clock_ns(),
	};
	progress->next = progress->start + (progress->terminal ? 500 : 1000) * MS;
}

static void line_print(struct progress *progress, uint64_t done, uint64_t pages)
{
	uint64_t seconds = (tsr_clock_ns() - progress->start) / (1000 * MS);
	uint64_t share = progress->total ? done / ((progress->total + 99) / 100) : 100;

	fprintf(stderr,
		"%s%s: %" PRIu64 " %%, %" PRIu64 " of %" PRIu64 " MiB, %" PRIu64
		" pages with tags, %" PRIu64 " s%s",
		progress->terminal ? "\r" : "", progress->what, share > 100 ? 100 : share,
		done >> 20, progress->total >> 20, pages, seconds,
		progress->terminal ? ERASE : "\n");
	progress->shown = true;
}

void progress_show(struct progress *progress, uint64_t done, uint64_t pages)
{
	uint64_t now;

	if (!progress->terminal && !progress->asked)
		return;
	now = tsr_clock_ns();
	if (now < progress->next)
		return;
	progress->next = now + (progress->terminal ? 200 : 1000) * MS;
	line_print(progress, done, pages);
}

void progress_end(struct progress *progress, uint64_t done, uint64_t pages)
{
	if (progress->terminal && progress->shown)
		fputs("\r" ERASE, stderr);
	else if (!progress->terminal && progress->asked)
		line_print(progress, done, pages);
}
