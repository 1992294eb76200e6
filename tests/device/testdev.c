// SPDX-License-Identifier: GPL-2.0-only
/*
 * testdev.ko: the device of testdev.h. The memory that the kernel does not map is what
 * `mem=` keeps from it: insmod testdev.ko start=ADDRESS size=BYTES.
 */
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "compat.h"
#include "testdev.h"

static unsigned long start;
module_param(start, ulong, 0444);
MODULE_PARM_DESC(start, "physical address of the memory");

static unsigned long size;
module_param(size, ulong, 0444);
MODULE_PARM_DESC(size, "of the memory, in bytes");

static struct page *kernel_pages[TESTDEV_KERNEL_PAGES];

#define OFFSET_PAGES (1UL << (TESTDEV_SHIFT - PAGE_SHIFT))

static unsigned long view_flags(const struct vm_area_struct *vma)
{
	return vma->vm_pgoff / OFFSET_PAGES;
}

/* The page of the memory that stands at @address. */
static unsigned long view_page(const struct vm_area_struct *vma, unsigned long address)
{
	unsigned long page = vma->vm_pgoff % OFFSET_PAGES;

	page += (address - vma->vm_start) >> PAGE_SHIFT;
	return view_flags(vma) & TESTDEV_SCATTERED ? testdev_page(page) : page;
}

static unsigned long view_pfn(const struct vm_area_struct *vma, unsigned long address)
{
	unsigned long page = view_page(vma, address);

	if (view_flags(vma) & TESTDEV_KERNEL)
		return page_to_pfn(kernel_pages[page]);
	return PHYS_PFN(start) + page;
}

/* Are entries made by faults? */
static bool view_is_lazy(const struct vm_area_struct *vma)
{
	return view_flags(vma) & (TESTDEV_LAZY | TESTDEV_BLOCKS | TESTDEV_MIXED);
}

static vm_fault_t testdev_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long flags = view_flags(vma), pfn = view_pfn(vma, vmf->address);

	if (!view_is_lazy(vma))
		return VM_FAULT_SIGBUS;
	if (!(flags & TESTDEV_MIXED))
		return vmf_insert_pfn(vma, vmf->address, pfn);
	if (flags & TESTDEV_KERNEL)
		return vmf_insert_page(vma, vmf->address, pfn_to_page(pfn));
	return vmf_insert_mixed(vma, vmf->address, testdev_pfn(pfn));
}

static vm_fault_t testdev_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long address = vmf->address & PMD_MASK;
	unsigned long pfn;

	if (!(view_flags(vma) & TESTDEV_BLOCKS) || order != PMD_SHIFT - PAGE_SHIFT ||
	    address < vma->vm_start || address + PMD_SIZE > vma->vm_end)
		return VM_FAULT_FALLBACK;
	pfn = view_pfn(vma, address);
	if (!IS_ALIGNED(pfn, PMD_SIZE / PAGE_SIZE))
		return VM_FAULT_FALLBACK;
	return vmf_insert_pfn_pmd(vmf, testdev_pfn(pfn), vmf->flags & FAULT_FLAG_WRITE);
}

static const struct vm_operations_struct testdev_vm_ops = {
	.fault = testdev_fault,
	.huge_fault = testdev_huge_fault,
};

static bool view_is_valid(const struct vm_area_struct *vma)
{
	unsigned long flags = view_flags(vma);
	unsigned long count = flags & TESTDEV_KERNEL ? TESTDEV_KERNEL_PAGES : PHYS_PFN(size);
	unsigned long first = vma->vm_pgoff % OFFSET_PAGES;

	if (!(vma->vm_flags & VM_SHARED) || flags & ~(unsigned long)TESTDEV_ALL_FLAGS)
		return false;
	if ((flags & TESTDEV_WC) && (flags & TESTDEV_DEVICE))
		return false;
	if ((flags & TESTDEV_BLOCKS) && (flags & (TESTDEV_SCATTERED | TESTDEV_KERNEL)))
		return false;
	return first < count && (vma->vm_end - vma->vm_start) >> PAGE_SHIFT <= count - first;
}

static int view_populate(struct vm_area_struct *vma)
{
	unsigned long address;
	int err = 0;

	for (address = vma->vm_start; !err && address < vma->vm_end; address += PAGE_SIZE)
		err = remap_pfn_range(vma, address, view_pfn(vma, address), PAGE_SIZE,
				      vma->vm_page_prot);
	return err;
}

static int testdev_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long flags = view_flags(vma);

	if (!view_is_valid(vma))
		return -EINVAL;
	if (flags & TESTDEV_WC)
		vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);
	if (flags & TESTDEV_DEVICE)
		vma->vm_page_prot = pgprot_device(vma->vm_page_prot);
	if (flags & TESTDEV_ANY_UNCACHED)
		vm_flags_set(vma, VM_ALLOW_ANY_UNCACHED);
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vm_flags_set(vma, flags & TESTDEV_MIXED ? VM_MIXEDMAP : VM_PFNMAP | VM_IO);
	vma->vm_ops = &testdev_vm_ops;
	return view_is_lazy(vma) ? 0 : view_populate(vma);
}

static long testdev_ioctl(struct file *file, unsigned int request, unsigned long arg)
{
	if (request != TESTDEV_ZAP)
		return -ENOTTY;
	unmap_mapping_range(file->f_mapping, 0, 0, 1);
	return 0;
}

static const struct file_operations testdev_fops = {
	.owner = THIS_MODULE,
	.mmap = testdev_mmap,
	.unlocked_ioctl = testdev_ioctl,
};

static struct miscdevice testdev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "testdev",
	.fops = &testdev_fops,
};

static void kernel_pages_free(void)
{
	for (int i = 0; i < TESTDEV_KERNEL_PAGES && kernel_pages[i]; i++)
		__free_page(kernel_pages[i]);
}

static int __init testdev_init(void)
{
	int err = -ENOMEM;

	/* What the kernel uses is not for a test to write to. */
	for (unsigned long at = start; at < start + size; at += PAGE_SIZE) {
		if (pfn_is_map_memory(PHYS_PFN(at)))
			return -EBUSY;
	}
	for (int i = 0; i < TESTDEV_KERNEL_PAGES; i++) {
		kernel_pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!kernel_pages[i])
			goto free;
	}
	err = misc_register(&testdev);
	if (err)
		goto free;
	return 0;
free:
	kernel_pages_free();
	return err;
}
module_init(testdev_init);

static void __exit testdev_exit(void)
{
	misc_deregister(&testdev);
	kernel_pages_free();
}
module_exit(testdev_exit);

MODULE_DESCRIPTION("Memory mapped as drivers do, for tests");
MODULE_LICENSE("GPL");
