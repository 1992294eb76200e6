/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the kernels that testdev.ko is built for. */
#ifndef TESTS_DEVICE_COMPAT_H
#define TESTS_DEVICE_COMPAT_H

#include <linux/version.h>

/* Before 6.17 a page frame number came with flags. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define testdev_pfn(pfn) (pfn)
#else
#include <linux/pfn_t.h>
#define testdev_pfn(pfn) __pfn_to_pfn_t(pfn, PFN_DEV)
#endif

#endif
