// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../abi/machine.h"
#include "../device/testdev.h"
#include "../device/vfio.h"
#include "memory.h"

#define FILE_SIZE (8 * PAGE)

const char *const memory_words[MEMORY_COUNT] = {
#define ROW(...)
#define MEMORY(name, words) [MEMORY_##name] = words,
#include <matrix_rows.h>
#undef MEMORY
#undef ROW
};

static struct {
	int file, testdev;
	bool new_hugetlb; /* hugetlb's pages can hold tags */
	const char *no_vfio;
	struct vfio vfio;
} sources;

void memory_init(void)
{
	struct utsname name;
	unsigned int major, minor;

	sources.file = memory_file(FILE_SIZE);
	sources.testdev = open(TESTDEV_PATH, O_RDWR | O_CLOEXEC);
	sources.no_vfio = vfio_open(&sources.vfio);
	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		errx(2, "the kernel has no version");
	sources.new_hugetlb = major > 6 || (major == 6 && minor >= 13);
}

const char *memory_lacks(enum memory_kind kind)
{
	switch (kind) {
	case MEMORY_file_private:
	case MEMORY_file_shared:
		return sources.file < 0 ? "no file can be made in TSR_DISK" : NULL;
	case MEMORY_hugetlb:
		return sources.new_hugetlb ? NULL : "Linux before 6.13";
	case MEMORY_hugetlb_old:
		return sources.new_hugetlb ? "Linux 6.13 or later" : NULL;
	case MEMORY_kernel_pfn:
	case MEMORY_kernel_wc:
	case MEMORY_pfn_cached:
	case MEMORY_pfn_cmo:
	case MEMORY_pfn_wc:
	case MEMORY_pfn_nc:
	case MEMORY_pfn_device:
		return sources.testdev < 0 ? "no " TESTDEV_PATH : NULL;
	case MEMORY_vfio:
		return sources.no_vfio;
	default:
		return NULL;
	}
}

static void *hugetlb_get(void)
{
	int fd = memfd_create("matrix", MFD_CLOEXEC | MFD_HUGETLB);
	void *memory;

	if (fd < 0 || ftruncate(fd, (off_t)BLOCK))
		err(2, "no hugetlb memory");
	memory = memory_map(BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	close(fd);
	return memory;
}

static void *memfd_get(size_t size)
{
	int fd = memory_memfd(size);
	void *memory = memory_map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);

	close(fd);
	return memory;
}

static void *testdev_get(size_t size, uint64_t flags)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, sources.testdev,
			    (off_t)(flags << TESTDEV_SHIFT));

	if (memory == MAP_FAILED)
		err(2, "the test device maps nothing with flags %#lx", (unsigned long)flags);
	return memory;
}

void *memory_get(enum memory_kind kind, size_t size)
{
	const int rw = PROT_READ | PROT_WRITE;

	switch (kind) {
	case MEMORY_anonymous:
	case MEMORY_guest_memfd: /* until there is a VM to make the file */
		return memory_anon(size);
	case MEMORY_memfd:
		return memfd_get(size);
	case MEMORY_file_private:
		return memory_map(size, rw, MAP_PRIVATE, sources.file);
	case MEMORY_file_shared:
		return memory_map(size, rw, MAP_SHARED, sources.file);
	case MEMORY_hugetlb:
	case MEMORY_hugetlb_old:
		return hugetlb_get();
	case MEMORY_kernel_pfn:
		return testdev_get(size, TESTDEV_KERNEL);
	case MEMORY_kernel_wc:
		return testdev_get(size, TESTDEV_KERNEL | TESTDEV_WC);
	case MEMORY_pfn_cached:
	case MEMORY_pfn_cmo:
		return testdev_get(size, 0);
	case MEMORY_pfn_wc:
		return testdev_get(size, TESTDEV_WC);
	case MEMORY_pfn_nc:
		return testdev_get(size, TESTDEV_WC | TESTDEV_ANY_UNCACHED);
	case MEMORY_pfn_device:
		return testdev_get(size, TESTDEV_DEVICE);
	case MEMORY_vfio:
		return sources.vfio.bar;
	case MEMORY_COUNT:
		break;
	}
	errx(2, "no such memory");
}

void memory_put(enum memory_kind kind, void *memory, size_t size)
{
	if (kind == MEMORY_hugetlb || kind == MEMORY_hugetlb_old)
		munmap(memory, BLOCK);
	else if (kind != MEMORY_vfio)
		munmap(memory, size);
}

bool memory_is_plain(enum memory_kind kind)
{
	return kind != MEMORY_vfio;
}
