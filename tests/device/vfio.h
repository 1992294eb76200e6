/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A PCI device by way of VFIO (the kernel's Documentation/driver-api/vfio.rst): its BAR 0
 * mapped, and memory of this process for its DMA. $TSR_VFIO is the device's address
 * (0000:00:02.0), which tests/host/device.setup has bound to vfio-pci.
 */
#ifndef TESTS_DEVICE_VFIO_H
#define TESTS_DEVICE_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfio {
	int container, group, device;
	uint8_t *bar; /* BAR 0 */
	size_t bar_size;
	uint64_t config; /* where configuration space is in the device's file */
};

/*
 * NULL, or why there is none here. The device decodes memory and may master the bus. Ends
 * the program where there is one and it cannot be used.
 */
const char *vfio_open(struct vfio *v);
void vfio_close(struct vfio *v);

/* The device finds @memory at @iova; page multiples. Ends the program on failure. */
void vfio_map(struct vfio *v, void *memory, size_t size, uint64_t iova);

/* Does the device decode memory? Without it vfio-pci takes the BAR from who has it mapped. */
void vfio_decode(struct vfio *v, bool on);

#endif
