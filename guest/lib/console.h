/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The console: a PL011, of which only the data register is written.
 *
 * print() knows %s %c %d %u %x with field width, a leading 0, and the length l.
 * One call's output is not interleaved with another vCPU's.
 */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

#include <stdarg.h>
#include "types.h"

void print(const char *format, ...) printf_like(1, 2);

/* The same in parts, between console_begin() and console_end(). */
void console_begin(void);
void console_print(const char *format, ...) printf_like(1, 2);
void console_vprint(const char *format, va_list arguments);
void console_end(void);

#endif
