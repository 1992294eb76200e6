/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include "control.h"
#include "ram.h"
#include "sysreg.h"
#include "tap.h"

extern u8 image_end[];

/* CTR_EL0 (Arm ARM D24.2.34): log2 of words of 4 bytes in the smallest lines. */
#define CTR_IMINLINE GENMASK(3, 0)
#define CTR_DMINLINE GENMASK(19, 16)
#define WORD_SIZE    4

struct ram ram_region(u32 index)
{
	struct ram ram = { 0 };
	u64 size;

	control_write(CONTROL_RAM_SIZE, index);
	size = control_read(CONTROL_RAM_SIZE);
	if (!size)
		return ram;
	ram.base = control_read(CONTROL_RAM_BASE);
	ram.end = ram.base + size;
	ram.kind = (enum ram_kind)control_read(CONTROL_RAM_KIND);
	if (ram.base <= (u64)image_end && (u64)image_end <= ram.end)
		ram.base = (u64)image_end;
	return ram;
}

struct ram ram_need(u32 index, u64 pages)
{
	struct ram ram = ram_region(index);

	if (ram.kind == RAM_NONE || ram_pages(&ram) < pages)
		tap_skip_all("needs RAM region %u with %lu pages", index, pages);
	return ram;
}

const char *ram_kind_name(enum ram_kind kind)
{
	switch (kind) {
	case RAM_NONE:
		return "none";
	case RAM_ANON:
		return "anonymous memory";
	case RAM_MEMFD:
		return "memfd";
	case RAM_FILE_PRIVATE:
		return "private file mapping";
	case RAM_FILE_SHARED:
		return "shared file mapping";
	}
	return "unknown";
}

void pattern_fill(u64 address, u64 size, u64 seed)
{
	for (u64 at = address; at < address + size; at += sizeof(u64))
		*(volatile u64 *)at = pattern(at, seed);
}

u64 pattern_errors(u64 address, u64 size, u64 seed)
{
	u64 errors = 0;

	for (u64 at = address; at < address + size; at += sizeof(u64))
		errors += *(volatile u64 *)at != pattern(at, seed);
	return errors;
}

void code_sync(u64 address, u64 size)
{
	u64 ctr = sysreg_read(ctr_el0);
	u64 dline = WORD_SIZE << FIELD_GET(CTR_DMINLINE, ctr);
	u64 iline = WORD_SIZE << FIELD_GET(CTR_IMINLINE, ctr);

	for (u64 at = address & ~(dline - 1); at < address + size; at += dline)
		asm volatile("dc cvau, %0" ::"r"(at) : "memory");
	dsb();
	for (u64 at = address & ~(iline - 1); at < address + size; at += iline)
		asm volatile("ic ivau, %0" ::"r"(at) : "memory");
	dsb();
	isb();
}
