// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include "el2.h"

#define SYS_OPEN	0x01
#define SYS_WRITE	0x05
#define SYS_GET_CMDLINE 0x15
#define SYS_EXIT	0x18
#define OPEN_WRITE	4
#define STOPPED_EXIT	0x20026 /* ADP_Stopped_ApplicationExit */

u64 semihost(u64 operation, void *block);

static char buffer[65536];
static u32 used;

void out_flush(void)
{
	static const char console[] = ":tt";
	static u64 handle;
	u64 block[3] = { (uintptr_t)console, OPEN_WRITE, sizeof(console) - 1 };

	if (!handle)
		handle = semihost(SYS_OPEN, block);
	block[0] = handle;
	block[1] = (uintptr_t)buffer;
	block[2] = used;
	semihost(SYS_WRITE, block);
	used = 0;
}

static void out_char(char c)
{
	if (used == sizeof(buffer))
		out_flush();
	buffer[used++] = c;
}

void out_text(const char *text)
{
	while (*text)
		out_char(*text++);
}

void out_number(u64 value)
{
	unsigned int shift = 0;

	while (shift < 60 && value >> (shift + 4))
		shift += 4;
	out_char(' ');
	for (;; shift -= 4) {
		out_char("0123456789abcdef"[value >> shift & 0xf]);
		if (!shift)
			break;
	}
}

void out_command_line(char *text, u32 size)
{
	u64 block[2] = { (uintptr_t)text, size };

	text[0] = '\0';
	semihost(SYS_GET_CMDLINE, block);
}

void el2_exit(unsigned int status)
{
	u64 block[2] = { STOPPED_EXIT, status };

	out_flush();
	for (;;)
		semihost(SYS_EXIT, block);
}
