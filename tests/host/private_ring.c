// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "private_ring.h"

#define ENTRIES 4

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

int ring_open(struct ring *ring)
{
	struct io_uring_params *params = &ring->params;

	memset(ring, 0, sizeof(*ring));
	ring->fd = (int)syscall(SYS_io_uring_setup, ENTRIES, params);
	if (ring->fd < 0)
		return errno;
	ring->rings_size =
		larger(params->sq_off.array + params->sq_entries * sizeof(uint32_t),
		       params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe));
	ring->entries_size = params->sq_entries * sizeof(struct io_uring_sqe);
	ring->rings = mmap(NULL, ring->rings_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
			   IORING_OFF_SQ_RING);
	ring->entries = mmap(NULL, ring->entries_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
			     IORING_OFF_SQES);
	if (ring->rings != MAP_FAILED && ring->entries != MAP_FAILED)
		return 0;
	close(ring->fd);
	return ENOMEM;
}

void ring_close(struct ring *ring)
{
	munmap(ring->rings, ring->rings_size);
	munmap(ring->entries, ring->entries_size);
	close(ring->fd);
}

int ring_register(struct ring *ring, void *at, size_t size)
{
	struct iovec piece = { at, size };

	return syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, &piece, 1) ? errno
											    : 0;
}

static uint32_t *word(struct ring *ring, uint32_t offset)
{
	return (uint32_t *)(void *)(ring->rings + offset);
}

/* Submits one entry and waits for what comes of it. */
static int run(struct ring *ring, const struct io_uring_sqe *entry)
{
	const struct io_sqring_offsets *sq = &ring->params.sq_off;
	const struct io_cqring_offsets *cq = &ring->params.cq_off;
	uint32_t tail = *word(ring, sq->tail), head = *word(ring, cq->head);
	uint32_t slot = tail & *word(ring, sq->ring_mask);
	const struct io_uring_cqe *done;

	ring->entries[slot] = *entry;
	word(ring, sq->array)[slot] = slot;
	__atomic_store_n(word(ring, sq->tail), tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return errno;
	done = (const struct io_uring_cqe *)(void *)(ring->rings + cq->cqes) +
	       (head & *word(ring, cq->ring_mask));
	__atomic_store_n(word(ring, cq->head), head + 1, __ATOMIC_RELEASE);
	if (done->res < 0)
		return -done->res;
	return (uint32_t)done->res == entry->len ? 0 : EIO;
}

static int transfer(struct ring *ring, uint8_t operation, int file, void *at, size_t size)
{
	return run(ring, &(const struct io_uring_sqe){
				 .opcode = operation,
				 .fd = file,
				 .addr = (uintptr_t)at,
				 .len = (uint32_t)size,
			 });
}

int ring_write(struct ring *ring, int file, void *at, size_t size)
{
	return transfer(ring, IORING_OP_WRITE, file, at, size);
}

int ring_write_fixed(struct ring *ring, int file, void *at, size_t size)
{
	return transfer(ring, IORING_OP_WRITE_FIXED, file, at, size);
}

int ring_read_fixed(struct ring *ring, int file, void *at, size_t size)
{
	return transfer(ring, IORING_OP_READ_FIXED, file, at, size);
}
