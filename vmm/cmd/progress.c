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

static void line_print(struct progress *progress)
{
	uint64_t seconds = (tsr_clock_ns() - progress->start) / (1000 * MS);
	/* Guest addresses have 52 bits: nothing is lost. */
	uint64_t share = progress->total ? progress->done * 100 / progress->total : 100;

	fprintf(stderr,
		"%s%s: %" PRIu64 " %%, %" PRIu64 " of %" PRIu64 " MiB, %" PRIu64
		" pages with tags, %" PRIu64 " s%s",
		progress->terminal ? "\r" : "", progress->what, share, progress->done >> 20,
		progress->total >> 20, progress->pages, seconds, progress->terminal ? ERASE : "\n");
	progress->shown = true;
}

void progress_show(struct progress *progress, uint64_t done, uint64_t pages)
{
	uint64_t now;

	progress->done = done;
	progress->pages = pages;
	if (!progress->terminal && !progress->asked)
		return;
	now = tsr_clock_ns();
	if (now < progress->next)
		return;
	progress->next = now + (progress->terminal ? 200 : 1000) * MS;
	line_print(progress);
}

void progress_end(struct progress *progress)
{
	if (progress->terminal && progress->shown)
		fputs("\r" ERASE, stderr);
	else if (!progress->terminal && progress->asked)
		line_print(progress);
}
