/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <string.h>

#include "look.h"
#include "options.h"

int picture_draw(const struct snapshot *snapshot, const char *svg, bool list)
{
	FILE *file = stdout;
	int failed;

	if (svg && strcmp(svg, "-"))
		file = fopen(svg, "we");
	if (!file) {
		fprintf(stderr, "tessera: Cannot write %s: %s.\n", svg, strerror(errno));
		return STATUS_NO_ANSWER;
	}
	if (svg)
		picture_svg(file, snapshot);
	else
		picture_text(file, snapshot, list);
	failed = ferror(file) | (file == stdout ? fflush(file) : fclose(file));
	if (failed)
		fprintf(stderr, "tessera: The picture could not be written.\n");
	return failed ? STATUS_NO_ANSWER : STATUS_PASSED;
}
