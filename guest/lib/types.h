/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Integers, and the few macros that every guest uses. */
#ifndef GUEST_TYPES_H
#define GUEST_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define GENMASK(high, low)	((~0UL >> (63 - (high))) & (~0UL << (low)))
#define FIELD_GET(mask, word)	(((u64)(word) & (mask)) >> __builtin_ctzl(mask))
#define FIELD_PREP(mask, value) (((u64)(value) << __builtin_ctzl(mask)) & (mask))

#define noreturn	  __attribute__((noreturn))
#define printf_like(f, a) __attribute__((format(printf, f, a)))

/* The guest has no C library; the compiler itself calls these. */
void *memset(void *to, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);

#endif
