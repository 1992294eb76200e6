/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The VMM's own accesses to guest memory, and the lock that keeps them and a
 * promotion apart.
 */
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tessera/ram.h"

static size_t stripe_of(uint64_t gpa)
{
	return gpa / TSR_BLOCK_SIZE % TSR_RAM_STRIPES;
}

/* The stripes of a range, as a bit mask: more than 64 blocks take them all. */
static uint64_t stripes_of(struct tsr_range gpa)
{
	uint64_t mask = 0;

	for (uint64_t at = tsr_align_down(gpa.start, TSR_BLOCK_SIZE);
	     at < gpa.end && mask != UINT64_MAX; at += TSR_BLOCK_SIZE)
		mask |= UINT64_C(1) << stripe_of(at);
	return mask;
}

void tsr_ram_lock(struct tsr_ram *ram, struct tsr_range gpa)
{
	uint64_t mask = stripes_of(gpa);

	for (size_t i = 0; i < TSR_RAM_STRIPES; i++)
		if (mask >> i & 1)
			pthread_rwlock_wrlock(&ram->stripes[i]);
}

void tsr_ram_unlock(struct tsr_ram *ram, struct tsr_range gpa)
{
	uint64_t mask = stripes_of(gpa);

	for (size_t i = 0; i < TSR_RAM_STRIPES; i++)
		if (mask >> i & 1)
			pthread_rwlock_unlock(&ram->stripes[i]);
}

static bool is_word(const void *host, size_t size)
{
	return (size == 1 || size == 2 || size == 4 || size == 8) &&
	       !((uintptr_t)host & (size - 1));
}

static uint64_t word_load(const void *host, size_t size)
{
	switch (size) {
	case 1:
		return __atomic_load_n((const uint8_t *)host, __ATOMIC_RELAXED);
	case 2:
		return __atomic_load_n((const uint16_t *)host, __ATOMIC_RELAXED);
	case 4:
		return __atomic_load_n((const uint32_t *)host, __ATOMIC_RELAXED);
	default:
		return __atomic_load_n((const uint64_t *)host, __ATOMIC_RELAXED);
	}
}

static void word_store(void *host, uint64_t word, size_t size)
{
	switch (size) {
	case 1:
		__atomic_store_n((uint8_t *)host, (uint8_t)word, __ATOMIC_RELAXED);
		break;
	case 2:
		__atomic_store_n((uint16_t *)host, (uint16_t)word, __ATOMIC_RELAXED);
		break;
	case 4:
		__atomic_store_n((uint32_t *)host, (uint32_t)word, __ATOMIC_RELAXED);
		break;
	default:
		__atomic_store_n((uint64_t *)host, word, __ATOMIC_RELAXED);
	}
}

/* A guest may look at the same time: a word must be one access, never bytes. */
static void copy_direct(unsigned char *host, void *data, size_t size, bool write)
{
	uint64_t word = 0;

	if (is_word(host, size) && write) {
		memcpy(&word, data, size);
		word_store(host, word, size);
	} else if (is_word(host, size)) {
		word = word_load(host, size);
		memcpy(data, &word, size);
	} else if (write) {
		memcpy(host, data, size);
	} else {
		memcpy(data, host, size);
	}
}

/*
 * A page of a file can vanish when somebody truncates it; touching it then is
 * SIGBUS, which would kill the VMM. The kernel's copy reports an error instead.
 */
static int copy_by_kernel(unsigned char *host, void *data, size_t size, bool write)
{
	struct iovec here = { .iov_base = data, .iov_len = size };
	struct iovec there = { .iov_base = host, .iov_len = size };
	ssize_t done;

	if (write)
		done = process_vm_writev(getpid(), &here, 1, &there, 1, 0);
	else
		done = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
	return done == (ssize_t)size ? 0 : -EFAULT;
}

static bool can_vanish(const struct tsr_ram_region *region, uint64_t offset)
{
	if (region->kind == TSR_RAM_ANON || region->kind == TSR_RAM_MEMFD)
		return false;
	return !tsr_pages_test(&region->promoted, offset / TSR_PAGE_SIZE);
}

/* @size does not cross a page. */
static int access_page(struct tsr_ram *ram, uint64_t gpa, void *data, size_t size, bool write)
{
	struct tsr_ram_region *region = tsr_ram_find(ram, gpa);
	pthread_rwlock_t *stripe = &ram->stripes[stripe_of(gpa)];
	unsigned char *host;
	int error = 0;

	if (!region)
		return -EFAULT;
	host = region->host + (gpa - region->gpa.start);
	if (region->arrive)
		error = region->arrive(region->arrive_opaque, gpa);
	if (error)
		return error;
	pthread_rwlock_rdlock(stripe);
	if (tsr_pages_test(&region->private_pages, (gpa - region->gpa.start) / TSR_PAGE_SIZE))
		error = -EACCES;
	else if (can_vanish(region, gpa - region->gpa.start))
		error = copy_by_kernel(host, data, size, write);
	else
		copy_direct(host, data, size, write);
	pthread_rwlock_unlock(stripe);
	return error;
}

static int access_range(struct tsr_ram *ram, uint64_t gpa, void *data, size_t size, bool write)
{
	unsigned char *bytes = data;

	while (size) {
		size_t piece = TSR_PAGE_SIZE - gpa % TSR_PAGE_SIZE;
		int error;

		if (piece > size)
			piece = size;
		error = access_page(ram, gpa, bytes, piece, write);
		if (error)
			return error;
		gpa += piece;
		bytes += piece;
		size -= piece;
	}
	return 0;
}

int tsr_ram_read(struct tsr_ram *ram, uint64_t gpa, void *data, size_t size)
{
	return access_range(ram, gpa, data, size, false);
}

int tsr_ram_write(struct tsr_ram *ram, uint64_t gpa, const void *data, size_t size)
{
	/* Only read from: copy_direct() and the kernel store to guest memory. */
	return access_range(ram, gpa, (void *)data, size, true);
}
