/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Single accesses that the compiler neither merges, splits nor moves, by 64-bit
 * address. Each is one instruction without write-back, so that an access to a
 * device can be emulated from its syndrome.
 */
#ifndef GUEST_MEM_H
#define GUEST_MEM_H

#include "types.h"

#define MEM_LOAD(name, type, instruction)                                                   \
	static inline type name(u64 address)                                                \
	{                                                                                   \
		type value;                                                                 \
		asm volatile(instruction ", [%1]" : "=r"(value) : "r"(address) : "memory"); \
		return value;                                                               \
	}

#define MEM_STORE(name, type, instruction)                                                \
	static inline void name(u64 address, type value)                                  \
	{                                                                                 \
		asm volatile(instruction ", [%1]" ::"r"(value), "r"(address) : "memory"); \
	}

MEM_LOAD(mem_load64, u64, "ldr %x0")
MEM_LOAD(mem_load32, u32, "ldr %w0")
MEM_LOAD(mem_load16, u16, "ldrh %w0")
MEM_LOAD(mem_load8, u8, "ldrb %w0")
/* Sign-extending loads, to 64 and to 32 bits. */
MEM_LOAD(mem_load32_sx, u64, "ldrsw %x0")
MEM_LOAD(mem_load16_sx, u64, "ldrsh %x0")
MEM_LOAD(mem_load8_sx, u64, "ldrsb %x0")
MEM_LOAD(mem_load16_sw, u64, "ldrsh %w0")
MEM_LOAD(mem_load8_sw, u64, "ldrsb %w0")

MEM_STORE(mem_store64, u64, "str %x0")
MEM_STORE(mem_store32, u32, "str %w0")
MEM_STORE(mem_store16, u16, "strh %w0")
MEM_STORE(mem_store8, u8, "strb %w0")

#endif
