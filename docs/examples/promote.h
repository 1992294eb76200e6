/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Promotion: what a VMM does on a TAG exit over memory that cannot hold tags.
 *
 * A unit of guest RAM (2 MiB, less at the slot's end) is copied into a memfd, which
 * can hold tags, and the memfd is mapped over it at the same host virtual address.
 * The guest keeps running meanwhile: it reads the unit, and a write exits until the
 * copy is in place.
 *
 * Invariants: a unit is promoted once. While it is being promoted NW is set on
 * it and nobody in the VMM writes it. On failure the old memory is in place and
 * untouched, or its whole contents are in the staging.
 */
#ifndef EXAMPLE_PROMOTE_H
#define EXAMPLE_PROMOTE_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>
#include "tessera.h"

#define UNIT_BYTES (2ULL << 20)

/* Locks: a unit's `lock` is held shared to write the unit, exclusive to move it. */
struct ram {
	int vm_fd;
	uint64_t gpa;
	uint64_t bytes;
	uint8_t *hva;
	int staging_fd;		/* memfd of `bytes` bytes; offset 0 is `gpa` */
	bool promotable;	/* nobody but this VMM maps or pins the memory */
	pthread_rwlock_t *lock; /* one for each unit */
	bool *promoted;		/* one for each unit; under its lock */
};

static uint64_t ram_unit_count(uint64_t bytes)
{
	return (bytes + UNIT_BYTES - 1) / UNIT_BYTES;
}

static uint64_t unit_bytes(const struct ram *ram, uint64_t offset)
{
	uint64_t left = ram->bytes - offset;

	return left < UNIT_BYTES ? left : UNIT_BYTES;
}

static int unit_set_nw(const struct ram *ram, uint64_t offset, bool on)
{
	struct kvm_memory_attributes range = {
		.address = ram->gpa + offset,
		.size = unit_bytes(ram, offset),
		.attributes = KVM_MEMORY_ATTRIBUTE_NW,
		.flags = on ? KVM_MEMORY_ATTRIBUTES_SET : KVM_MEMORY_ATTRIBUTES_CLEAR,
	};

	return ioctl(ram->vm_fd, KVM_SET_MEMORY_ATTRIBUTES, &range);
}

/* pwrite(), not memcpy(): what cannot be read or stored is an error, not a signal. */
static int unit_stage(const struct ram *ram, uint64_t offset)
{
	uint64_t bytes = unit_bytes(ram, offset);
	uint64_t done = 0;

	while (done < bytes) {
		ssize_t n = pwrite(ram->staging_fd, ram->hva + offset + done, bytes - done,
				   (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		done += (uint64_t)n;
	}
	return 0;
}

static int unit_place(const struct ram *ram, uint64_t offset)
{
	void *at = mmap(ram->hva + offset, unit_bytes(ram, offset), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED, ram->staging_fd, (off_t)offset);

	return at == MAP_FAILED ? -1 : 0;
}

static int unit_promote(const struct ram *ram, uint64_t offset)
{
	int err;

	if (unit_set_nw(ram, offset, true))
		return -1;
	err = unit_stage(ram, offset);
	if (!err)
		err = unit_place(ram, offset);
	if (unit_set_nw(ram, offset, false))
		err = -1;
	return err;
}

/*
 * A TAG exit at gpa. 0: KVM_RUN again. -1: stop; nothing is lost. `*again` says
 * that the unit was promoted before, by a vCPU that was faster: a vCPU which
 * gets that twice in a row for one page does not make progress.
 */
static int ram_promote(struct ram *ram, uint64_t gpa, bool *again)
{
	uint64_t i = (gpa - ram->gpa) / UNIT_BYTES;
	int err = 0;

	*again = false;
	if (!ram->promotable)
		return -1;
	pthread_rwlock_wrlock(&ram->lock[i]);
	*again = ram->promoted[i];
	if (!*again) {
		err = unit_promote(ram, i * UNIT_BYTES);
		ram->promoted[i] = !err;
	}
	pthread_rwlock_unlock(&ram->lock[i]);
	return err;
}

/* A WRITE exit at gpa of a VMM that uses NW for promotion alone: wait for it. */
static void ram_wait(struct ram *ram, uint64_t gpa)
{
	uint64_t i = (gpa - ram->gpa) / UNIT_BYTES;

	pthread_rwlock_rdlock(&ram->lock[i]);
	pthread_rwlock_unlock(&ram->lock[i]);
}

/* The only way in which the VMM's own threads write guest memory. */
static void ram_write(struct ram *ram, uint64_t gpa, const void *from, uint64_t bytes)
{
	uint64_t offset = gpa - ram->gpa;
	const uint8_t *bytes_from = from;

	while (bytes) {
		uint64_t i = offset / UNIT_BYTES;
		uint64_t left = (i + 1) * UNIT_BYTES - offset;
		uint64_t n = bytes < left ? bytes : left;

		pthread_rwlock_rdlock(&ram->lock[i]);
		memcpy(ram->hva + offset, bytes_from, n);
		pthread_rwlock_unlock(&ram->lock[i]);
		offset += n;
		bytes_from += n;
		bytes -= n;
	}
}

#endif
