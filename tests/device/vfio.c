// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <err.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vfio.h"

static int group_open(const char *address)
{
	char path[128], link[256];
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", address);
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		err(2, "%s is in no IOMMU group", address);
	link[length] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio%.64s", strrchr(link, '/'));
	return open(path, O_RDWR | O_CLOEXEC);
}

static struct vfio_region_info region(const struct vfio *v, unsigned int index)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(v->device, VFIO_DEVICE_GET_REGION_INFO, &info))
		err(2, "VFIO_DEVICE_GET_REGION_INFO");
	return info;
}

static void command_set(const struct vfio *v, uint16_t command)
{
	off_t at = (off_t)(v->config + PCI_COMMAND);

	if (pwrite(v->device, &command, sizeof(command), at) != (ssize_t)sizeof(command))
		err(2, "the device's command register cannot be written");
}

const char *vfio_open(struct vfio *v)
{
	const char *address = getenv("TSR_VFIO");
	struct vfio_region_info info;

	if (!address || !*address)
		return "no device for VFIO (TSR_VFIO)";
	v->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	v->group = group_open(address);
	if (v->container < 0 || v->group < 0)
		err(2, "VFIO cannot be opened");
	if (ioctl(v->group, VFIO_GROUP_SET_CONTAINER, &v->container) ||
	    ioctl(v->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		err(2, "VFIO has no IOMMU");
	v->device = ioctl(v->group, VFIO_GROUP_GET_DEVICE_FD, address);
	if (v->device < 0)
		err(2, "VFIO does not give %s", address);
	v->config = region(v, VFIO_PCI_CONFIG_REGION_INDEX).offset;
	vfio_decode(v, true);
	info = region(v, VFIO_PCI_BAR0_REGION_INDEX);
	v->bar_size = info.size;
	v->bar = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, v->device,
		      (off_t)info.offset);
	if (v->bar == MAP_FAILED)
		err(2, "BAR 0 cannot be mapped");
	return NULL;
}

void vfio_close(struct vfio *v)
{
	munmap(v->bar, v->bar_size);
	close(v->device);
	close(v->group);
	close(v->container);
}

void vfio_map(struct vfio *v, void *memory, size_t size, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size,
	};

	if (ioctl(v->container, VFIO_IOMMU_MAP_DMA, &map))
		err(2, "VFIO_IOMMU_MAP_DMA");
}

void vfio_decode(struct vfio *v, bool on)
{
	command_set(v, PCI_COMMAND_MASTER | (on ? PCI_COMMAND_MEMORY : 0));
}
