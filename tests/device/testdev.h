/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * /dev/testdev, which testdev.ko serves: memory mapped into user space in each of the ways
 * in which drivers do it. For tests alone; whoever opens it reads and writes all of it.
 *
 * The offset of an mmap(), which has to be MAP_SHARED, says how (flags, from TESTDEV_SHIFT
 * on) and where in the memory it begins. Without a flag: memory that the kernel does not
 * map, in one piece, cacheable, VM_PFNMAP, all there from the beginning.
 * Errors of mmap(): EINVAL (private, unknown flags, both types, beyond the end, BLOCKS of
 * what is not in one piece).
 */
#ifndef TESTS_DEVICE_TESTDEV_H
#define TESTS_DEVICE_TESTDEV_H

#define TESTDEV_PATH  "/dev/testdev"
#define TESTDEV_SHIFT 40

enum testdev_flags {
	TESTDEV_WC = 1 << 0,	       /* write-combining */
	TESTDEV_DEVICE = 1 << 1,       /* Device-nGnRE */
	TESTDEV_ANY_UNCACHED = 1 << 2, /* VM_ALLOW_ANY_UNCACHED, as vfio-pci's BARs have it */
	TESTDEV_KERNEL = 1 << 3,       /* pages of the kernel's own, TESTDEV_KERNEL_PAGES */
	TESTDEV_SCATTERED = 1 << 4,    /* not in one piece: testdev_page() */
	TESTDEV_LAZY = 1 << 5,	       /* each page is there from its first use on */
	TESTDEV_BLOCKS = 1 << 6,       /* LAZY, by 2 MiB where alignment allows */
	TESTDEV_MIXED = 1 << 7,	       /* LAZY, VM_MIXEDMAP without VM_IO or VM_PFNMAP */
};
#define TESTDEV_ALL_FLAGS    ((1 << 8) - 1)
#define TESTDEV_KERNEL_PAGES 64

/* Takes all that is mapped of the device out of all address spaces; LAZY comes back. */
#define TESTDEV_ZAP _IO('T', 0)

/*
 * The page of the memory that stands at @page of a SCATTERED mapping; its own inverse. Half of
 * them are where they would be in one piece: whoever takes such a page for the rest is wrong.
 */
static inline unsigned long testdev_page(unsigned long page)
{
	return page & 8 ? page ^ 5 : page;
}

#endif
