/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "console.h"
#include "control.h"
#include "exception.h"
#include "smccc.h"
#include "tap.h"

static u32 tests_run, tests_failed;

static bool result(bool passed, const char *format, va_list list)
{
	tests_run++;
	if (!passed)
		tests_failed++;
	console_begin();
	console_print("%s %u - ", passed ? "ok" : "not ok", tests_run);
	console_vprint(format, list);
	console_print("\n");
	console_end();
	return passed;
}

bool tap_ok(bool passed, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	result(passed, format, list);
	va_end(list);
	return passed;
}

bool tap_is(u64 got, u64 want, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	result(got == want, format, list);
	va_end(list);
	if (got != want)
		tap_note("got 0x%lx, wanted 0x%lx", got, want);
	return got == want;
}

void tap_skip(const char *name, const char *why)
{
	tests_run++;
	print("ok %u - %s # SKIP %s\n", tests_run, name, why);
}

void tap_skip_all(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	console_begin();
	console_print("1..0 # SKIP ");
	console_vprint(format, list);
	console_print("\n");
	console_end();
	va_end(list);
	guest_exit(EXIT_PASSED);
}

void tap_note(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	console_begin();
	console_print("# ");
	console_vprint(format, list);
	console_print("\n");
	console_end();
	va_end(list);
}

/* Takes no lock: the holder may be what died. */
void tap_die(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	console_print("Bail out! ");
	console_vprint(format, list);
	console_print("\n");
	va_end(list);
	guest_exit(EXIT_DIED);
}

u64 tap_done(void)
{
	print("1..%u\n", tests_run);
	return tests_run && !tests_failed ? EXIT_PASSED : EXIT_FAILED;
}

void guest_exit(u64 status)
{
	fault_arm();
	control_write(CONTROL_EXIT, status);
	smccc_call(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		asm volatile("wfi");
}
