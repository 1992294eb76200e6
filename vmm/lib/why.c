/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <stdarg.h>
#include <stdio.h>

#include "tessera/why.h"

int tsr_because(struct tsr_why *why, int error, const char *format, ...)
{
	va_list values;

	if (!why)
		return error;
	va_start(values, format);
	vsnprintf(why->text, sizeof(why->text), format, values);
	va_end(values);
	return error;
}
