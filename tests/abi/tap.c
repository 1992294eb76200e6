// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tap.h"

static int count;
static int failed;

static void result(const char *verdict, const char *name, va_list args)
{
	printf("%s %d - ", verdict, ++count);
	vprintf(name, args);
}

bool tap_ok(bool pass, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	result(pass ? "ok" : "not ok", name, args);
	va_end(args);
	putchar('\n');
	failed += !pass;
	return pass;
}

void tap_skip(const char *why, const char *name, ...)
{
	va_list args;

	va_start(args, name);
	result("ok", name, args);
	va_end(args);
	printf(" # SKIP %s\n", why);
}

void tap_note(const char *text, ...)
{
	va_list args;

	printf("# ");
	va_start(args, text);
	vprintf(text, args);
	va_end(args);
	putchar('\n');
}

static const char *error_name(long error)
{
	const char *name = error ? strerrorname_np((int)error) : "success";

	return name ? name : "an unknown error";
}

bool tap_errno(long got, int want, const char *name, ...)
{
	long error = got < 0 ? -got : 0;
	bool pass = error == want;
	va_list args;

	va_start(args, name);
	result(pass ? "ok" : "not ok", name, args);
	va_end(args);
	putchar('\n');
	if (!pass)
		tap_note("got %s (%ld), expected %s", error_name(error), got, error_name(want));
	failed += !pass;
	return pass;
}

int tap_end(void)
{
	printf("1..%d\n", count);
	fflush(stdout);
	return failed != 0 || count == 0;
}
