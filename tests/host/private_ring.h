/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * As much of io_uring as private.c needs: one operation at a time, and a registered buffer.
 * Each returns 0 or an errno; ENOSYS or EPERM of ring_open(): this kernel has none.
 */
#ifndef TESTS_HOST_PRIVATE_RING_H
#define TESTS_HOST_PRIVATE_RING_H

#include <stddef.h>
#include <stdint.h>

#include <linux/io_uring.h>

struct ring {
	int fd;
	struct io_uring_params params;
	uint8_t *rings; /* both: IORING_FEAT_SINGLE_MMAP */
	size_t rings_size;
	struct io_uring_sqe *entries;
	size_t entries_size;
};

int ring_open(struct ring *ring);
void ring_close(struct ring *ring);

/* IORING_REGISTER_BUFFERS: pins the pages, for long. */
int ring_register(struct ring *ring, void *at, size_t size);

/* To the start of @file, or from there: by address, or as the buffer that is registered. */
int ring_write(struct ring *ring, int file, void *at, size_t size);
int ring_write_fixed(struct ring *ring, int file, void *at, size_t size);
int ring_read_fixed(struct ring *ring, int file, void *at, size_t size);

#endif
