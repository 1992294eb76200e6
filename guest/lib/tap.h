/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The report of a guest test, in TAP over the console.
 *
 * main() states facts and ends with `return tap_done();`. The plan is printed
 * last, so a guest that dies half-way has none, and its status says so too.
 * Facts are stated by one vCPU, the first; the others leave results for it.
 */
#ifndef GUEST_TAP_H
#define GUEST_TAP_H

#include "types.h"

/* "ok N - name" if @passed, else "not ok N - name". Returns @passed. */
bool tap_ok(bool passed, const char *format, ...) printf_like(2, 3);

/* As tap_ok(@got == @want), printing both if they differ. */
bool tap_is(u64 got, u64 want, const char *format, ...) printf_like(3, 4);

/* "ok N - name # SKIP why". */
void tap_skip(const char *name, const char *why);

/* The whole test makes no sense here: "1..0 # SKIP why"; ends the guest as passed. */
noreturn void tap_skip_all(const char *format, ...) printf_like(1, 2);

/* "# text". */
void tap_note(const char *format, ...) printf_like(1, 2);

/* "Bail out!": ends the guest with EXIT_DIED. */
noreturn void tap_die(const char *format, ...) printf_like(1, 2);

/* Prints the plan; EXIT_PASSED if there were tests and all passed, else EXIT_FAILED. */
u64 tap_done(void);

#endif
