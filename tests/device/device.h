/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The two halves of test-device, each a file; each prints its rows as TAP tests. */
#ifndef TESTS_DEVICE_DEVICE_H
#define TESTS_DEVICE_DEVICE_H

/* Memory as drivers map it, by the test device: docs/abi.md 4.1, 6.2 and 9. */
void test_mappings(void);
/* A device of QEMU's, given to a guest by VFIO. */
void test_assigned(void);

#endif
