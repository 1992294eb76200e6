/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * One TAP stream on stdout. Every row of every table is one test; the plan comes
 * last, so a program that dies on the way has no plan and counts as failed.
 */
#ifndef TESTS_ABI_TAP_H
#define TESTS_ABI_TAP_H

#include <stdbool.h>

/* Reports one test; returns @pass, so that what depends on it can be left out. */
bool tap_ok(bool pass, const char *name, ...) __attribute__((format(printf, 2, 3)));

/* Counts one test as not run, and says why. */
void tap_skip(const char *why, const char *name, ...) __attribute__((format(printf, 2, 3)));

/* A line of explanation under the test before it. */
void tap_note(const char *text, ...) __attribute__((format(printf, 1, 2)));

/*
 * @got is what a call returned, -errno for a failure. @want is 0 for any result that
 * is not a failure, else the errno expected.
 */
bool tap_errno(long got, int want, const char *name, ...) __attribute__((format(printf, 3, 4)));

/* Prints the plan; returns the exit status of the program. */
int tap_end(void);

#endif
