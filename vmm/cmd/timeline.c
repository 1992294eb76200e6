/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <stdarg.h>
#include <stdio.h>

#include "tessera/clock.h"
#include "timeline.h"

void timeline_init(struct timeline *timeline, bool on)
{
	timeline->on = on;
	timeline->start = tsr_clock_ns();
}

uint64_t timeline_now(const struct timeline *timeline)
{
	return tsr_clock_ns() - timeline->start;
}

void timeline_add(const struct timeline *timeline, const char *who, const char *format, ...)
{
	char text[400];
	va_list values;

	if (!timeline->on)
		return;
	va_start(values, format);
	vsnprintf(text, sizeof(text), format, values);
	va_end(values);
	fprintf(stderr, "%10.3f ms  %-6s  %s\n", (double)timeline_now(timeline) / 1e6, who, text);
}
