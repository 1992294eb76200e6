/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "console.h"
#include "cpu.h"
#include "layout.h"
#include "mem.h"

#define UART_DATA 0x00
#define DIGITS	  20 /* of 2^64 in decimal */

static struct spinlock console_lock;

/* One conversion, decoded. */
struct spec {
	char kind;
	char pad;
	bool is_long;
	int width;
};

static void put(char c)
{
	mem_store32(UART_BASE + UART_DATA, (u8)c);
}

static void put_padded(const char *text, int length, const struct spec *spec)
{
	for (int i = length; i < spec->width; i++)
		put(spec->pad);
	while (length--)
		put(*text++);
}

static void put_string(const char *text, const struct spec *spec)
{
	int length = 0;

	while (text[length])
		length++;
	put_padded(text, length, spec);
}

static void put_number(u64 value, u32 base, bool negative, const struct spec *spec)
{
	char text[DIGITS + 1];
	int at = sizeof(text);

	do {
		text[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative)
		text[--at] = '-';
	put_padded(text + at, (int)sizeof(text) - at, spec);
}

static const char *spec_decode(const char *format, struct spec *spec)
{
	*spec = (struct spec){ .pad = ' ' };
	if (*format == '0') {
		spec->pad = '0';
		format++;
	}
	while (*format >= '0' && *format <= '9')
		spec->width = spec->width * 10 + (*format++ - '0');
	while (*format == 'l') {
		spec->is_long = true;
		format++;
	}
	spec->kind = *format;
	return *format ? format + 1 : format;
}

static void put_signed(s64 value, const struct spec *spec)
{
	put_number(value < 0 ? -(u64)value : (u64)value, 10, value < 0, spec);
}

/* va_list may be an array type, so it travels in a struct to be advanced. */
struct arguments {
	va_list list;
};

static void put_spec(const struct spec *spec, struct arguments *arguments)
{
	switch (spec->kind) {
	case 's':
		put_string(va_arg(arguments->list, const char *), spec);
		break;
	case 'c':
		put((char)va_arg(arguments->list, int));
		break;
	case 'd':
		put_signed(spec->is_long ? va_arg(arguments->list, long)
					 : va_arg(arguments->list, int),
			   spec);
		break;
	case 'u':
	case 'x':
		put_number(spec->is_long ? va_arg(arguments->list, unsigned long)
					 : va_arg(arguments->list, unsigned int),
			   spec->kind == 'x' ? 16 : 10, false, spec);
		break;
	default:
		put(spec->kind);
		break;
	}
}

void console_vprint(const char *format, va_list list)
{
	struct arguments arguments;
	struct spec spec;

	va_copy(arguments.list, list);
	while (*format) {
		if (*format != '%') {
			put(*format++);
			continue;
		}
		format = spec_decode(format + 1, &spec);
		put_spec(&spec, &arguments);
	}
	va_end(arguments.list);
}

void console_begin(void)
{
	spin_lock(&console_lock);
}

void console_end(void)
{
	spin_unlock(&console_lock);
}

void console_print(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	console_vprint(format, list);
	va_end(list);
}

void print(const char *format, ...)
{
	va_list list;

	console_begin();
	va_start(list, format);
	console_vprint(format, list);
	va_end(list);
	console_end();
}
