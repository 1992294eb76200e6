/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Allocations that fail on demand, for a program that is linked with --wrap of malloc, realloc
 * and mmap (vmm/rules.mk). Only what the program itself calls is counted. One file of a
 * program includes this.
 */
#ifndef UNIT_ALLOC_FAIL_H
#define UNIT_ALLOC_FAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

/* How many allocations may come before one fails; -1: all succeed. One thread's business. */
static int alloc_fail_after = -1;

static bool alloc_fails(void)
{
	return alloc_fail_after >= 0 && alloc_fail_after-- == 0;
}

void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t size)
{
	return alloc_fails() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return alloc_fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	return alloc_fails() ? MAP_FAILED : __real_mmap(at, size, prot, flags, fd, offset);
}

#endif
