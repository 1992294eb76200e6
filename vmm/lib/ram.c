/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tessera/ram.h"

static int file_open(const struct tsr_ram_spec *spec, struct tsr_why *why)
{
	int mode = spec->kind == TSR_RAM_FILE_SHARED ? O_RDWR : O_RDONLY;
	int fd = open(spec->path, mode | O_CLOEXEC | O_NONBLOCK);
	struct stat stat;

	if (fd < 0)
		return tsr_because(why, -errno, "Cannot open %s as guest memory: %s.", spec->path,
				   strerror(errno));
	if (!fstat(fd, &stat) && S_ISREG(stat.st_mode) &&
	    (uint64_t)stat.st_size >= tsr_range_size(spec->gpa))
		return fd;
	close(fd);
	return tsr_because(why, -EINVAL,
			   "%s cannot be the guest's memory: it must be a regular file of at least "
			   "%" PRIu64 " bytes (truncate -s %" PRIu64 " makes one).",
			   spec->path, tsr_range_size(spec->gpa), tsr_range_size(spec->gpa));
}

static int memfd_open(uint64_t size)
{
	int fd = memfd_create("guest-memory", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, (off_t)size)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int backing_open(const struct tsr_ram_spec *spec, int *file, struct tsr_why *why)
{
	*file = -1;
	switch (spec->kind) {
	case TSR_RAM_ANON:
		return 0;
	case TSR_RAM_MEMFD:
		*file = memfd_open(tsr_range_size(spec->gpa));
		if (*file >= 0)
			return 0;
		return tsr_because(why, -errno,
				   "Cannot make a memfd of %" PRIu64 " bytes for guest memory: %s.",
				   tsr_range_size(spec->gpa), strerror(errno));
	case TSR_RAM_FILE_PRIVATE:
	case TSR_RAM_FILE_SHARED:
		*file = file_open(spec, why);
		return *file < 0 ? *file : 0;
	}
	return tsr_because(why, -EINVAL, "Unknown kind of guest memory: %d.", (int)spec->kind);
}

static int mapping_flags(enum tsr_ram_kind kind)
{
	switch (kind) {
	case TSR_RAM_ANON:
		return MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	case TSR_RAM_FILE_PRIVATE:
		return MAP_PRIVATE | MAP_NORESERVE;
	case TSR_RAM_MEMFD:
	case TSR_RAM_FILE_SHARED:
		return MAP_SHARED;
	}
	return 0;
}

static int region_map(struct tsr_ram_region *region)
{
	uint64_t size = tsr_range_size(region->gpa);
	uintptr_t start;

	if (size > SIZE_MAX - TSR_BLOCK_SIZE)
		return -ENOMEM;
	region->reserved_size = size + TSR_BLOCK_SIZE;
	region->reserved = mmap(NULL, region->reserved_size, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (region->reserved == MAP_FAILED)
		return -errno;
	start = (uintptr_t)region->reserved;
	start += (region->gpa.start - start) & (TSR_BLOCK_SIZE - 1);
	region->host = (unsigned char *)start;
	if (mmap(region->host, size, PROT_READ | PROT_WRITE,
		 MAP_FIXED | mapping_flags(region->kind), region->file, 0) != MAP_FAILED)
		return 0;
	start = (uintptr_t)errno;
	munmap(region->reserved, region->reserved_size);
	return -(int)start;
}

static int sets_init(struct tsr_ram_region *region)
{
	uint64_t pages = tsr_range_size(region->gpa) / TSR_PAGE_SIZE;
	int error = tsr_pages_init(&region->promoted, pages);

	if (error)
		return error;
	error = tsr_pages_init(&region->private_pages, pages);
	if (error)
		tsr_pages_free(&region->promoted);
	return error;
}

static int region_open(struct tsr_ram_region *region, const struct tsr_ram_spec *spec,
		       struct tsr_why *why)
{
	int error;

	region->gpa = spec->gpa;
	region->kind = spec->kind;
	region->exclusive = spec->exclusive;
	region->may_be_private = spec->guest_memfd;
	region->guest_memfd = -1;
	memcpy(region->path, spec->path, sizeof(region->path));
	error = backing_open(spec, &region->file, why);
	if (error)
		return error;
	error = region_map(region);
	if (!error) {
		error = sets_init(region);
		if (!error)
			return 0;
		munmap(region->reserved, region->reserved_size);
	}
	if (region->file >= 0)
		close(region->file);
	return tsr_because(why, error, "Cannot map %" PRIu64 " bytes of guest memory (%s): %s.",
			   tsr_range_size(spec->gpa), tsr_ram_kind_name(spec->kind),
			   strerror(-error));
}

static void region_close(struct tsr_ram_region *region)
{
	munmap(region->reserved, region->reserved_size);
	tsr_pages_free(&region->promoted);
	tsr_pages_free(&region->private_pages);
	if (region->guest_memfd >= 0)
		close(region->guest_memfd);
	if (region->file >= 0)
		close(region->file);
}

static void stripes_init(struct tsr_ram *ram)
{
	pthread_rwlockattr_t attr;

	/* Writers are the promotions: busy accessors must not starve them. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	for (size_t i = 0; i < TSR_RAM_STRIPES; i++)
		pthread_rwlock_init(&ram->stripes[i], &attr);
	pthread_rwlockattr_destroy(&attr);
}

int tsr_ram_create(struct tsr_ram *ram, const struct tsr_ram_spec *specs, size_t count,
		   struct tsr_why *why)
{
	uint64_t offset = 0;
	int error;

	memset(ram, 0, sizeof(*ram));
	if (count > TSR_RAM_REGIONS_MAX)
		return tsr_because(why, -EINVAL, "More than %d regions of memory.",
				   TSR_RAM_REGIONS_MAX);
	for (; ram->count < count; ram->count++) {
		struct tsr_ram_region *region = &ram->regions[ram->count];

		error = region_open(region, &specs[ram->count], why);
		if (error)
			goto close_regions;
		region->offset = offset + (region->gpa.start & (TSR_BLOCK_SIZE - 1));
		offset = tsr_align_down(region->offset + tsr_range_size(region->gpa) +
						TSR_BLOCK_SIZE - 1,
					TSR_BLOCK_SIZE);
	}
	ram->staging = memfd_open(offset);
	if (ram->staging < 0) {
		error = tsr_because(why, -errno, "Cannot make a memfd to promote memory into: %s.",
				    strerror(errno));
		goto close_regions;
	}
	stripes_init(ram);
	return 0;

close_regions:
	while (ram->count)
		region_close(&ram->regions[--ram->count]);
	return error;
}

void tsr_ram_destroy(struct tsr_ram *ram)
{
	for (size_t i = 0; i < TSR_RAM_STRIPES; i++)
		pthread_rwlock_destroy(&ram->stripes[i]);
	while (ram->count)
		region_close(&ram->regions[--ram->count]);
	close(ram->staging);
}

struct tsr_ram_region *tsr_ram_find(struct tsr_ram *ram, uint64_t gpa)
{
	for (size_t i = 0; i < ram->count; i++)
		if (tsr_range_holds(ram->regions[i].gpa, gpa))
			return &ram->regions[i];
	return NULL;
}

static int region_flush(const struct tsr_ram_region *region, struct tsr_page_run run,
			struct tsr_why *why)
{
	uint64_t at = run.first * TSR_PAGE_SIZE;

	while (at < run.last * TSR_PAGE_SIZE) {
		ssize_t done = pwrite(region->file, region->host + at,
				      run.last * TSR_PAGE_SIZE - at, (off_t)at);

		if (done <= 0)
			return tsr_because(why, done ? -errno : -ENOSPC,
					   "Cannot write promoted memory back to %s: %s. The file "
					   "is out of date.",
					   region->path, strerror(done ? errno : ENOSPC));
		at += (uint64_t)done;
	}
	return 0;
}

int tsr_ram_flush(struct tsr_ram *ram, struct tsr_why *why)
{
	for (size_t i = 0; i < ram->count; i++) {
		struct tsr_ram_region *region = &ram->regions[i];
		struct tsr_page_run run = { 0, 0 };

		if (region->kind != TSR_RAM_FILE_SHARED)
			continue;
		while (tsr_pages_next(&region->promoted, true, run.last, region->promoted.pages,
				      &run)) {
			int error = region_flush(region, run, why);

			if (error)
				return error;
		}
	}
	return 0;
}
