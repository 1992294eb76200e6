/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The sorts of memory that the table is about, each mapped into this process as VMMs and
 * their drivers do it.
 */
#ifndef TESTS_MATRIX_MEMORY_H
#define TESTS_MATRIX_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

enum memory_kind {
#define ROW(...)
#define MEMORY(name, words) MEMORY_##name,
#include <matrix_rows.h>
#undef MEMORY
#undef ROW
	MEMORY_COUNT,
};

extern const char *const memory_words[MEMORY_COUNT];

/* Opens what the mappings are made of; once, before all else. */
void memory_init(void);

/* NULL, or why this host has no such memory. */
const char *memory_lacks(enum memory_kind kind);

/* The same bytes may be behind two mappings of one kind. Ends the program on failure. */
void *memory_get(enum memory_kind kind, size_t size);
void memory_put(enum memory_kind kind, void *memory, size_t size);

/* May the test write any of it, and find it there again? */
bool memory_is_plain(enum memory_kind kind);

#endif
